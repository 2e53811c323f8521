"""The half of the library that scans use: what has to be done about a file, what came of it, what is there."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from edgemood import _pack, shelf
from edgemood._database import Database, Tables
from edgemood.domain import Failure, Mood, SongAnalysis, Tags
from edgemood.errors import UnknownTrackError

_LONGEST_TEXT = 1000  # characters kept of a tag or message
_SWEEP_ROWS = 1000  # files looked at, and written, at a time
_PRUNED_ROWS = 20  # songs removed at a time: each has tens of kilobytes to free, and others wait


class FileStamp(NamedTuple):
    """What tells that a file has changed, without opening it."""

    size: int
    mtime_ns: int
    ctime_ns: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Take it from `os.stat`."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True)
class Recipe:
    """What a song has to be analysed with to be up to date: a model, and the descriptors it reads.

    model: ``name-version`` of the bundle. features: JSON with the feature version, configuration and names.
    """

    model: str
    features: str

    @classmethod
    def of(cls, model: str, version: str, names: Sequence[str], config: Mapping[str, Any]) -> Recipe:
        """Build it; equal parts give an equal recipe whatever the order of `config`."""
        identity = {"version": version, "names": list(names), "config": dict(config)}
        return cls(model, json.dumps(identity, sort_keys=True, separators=(",", ":")))


class State(Enum):
    """How far the library is with one file, or one content."""

    NEW = "never seen, or changed since: has to be opened"
    FAILED = "failed before in the same way, and has not changed since"
    UNREAD = "its descriptors are of another recipe: has to be decoded"
    UNJUDGED = "its descriptors are stored, the model has yet to read them"
    DONE = "up to date"


class _Judged(NamedTuple):
    """A mood as its rows hold it."""

    model: str
    scores: str
    vector: bytes
    head: bytes
    tail: bytes
    timeline: bytes

    @classmethod
    def of(cls, mood: Mood) -> _Judged:
        labels = tuple(mood.scores)
        head, tail = (part.tobytes() for part in shelf.edges(mood.timeline, mood.scores))
        vector = mood.vector.astype("<f4").tobytes()
        timeline = _pack.pack_timeline(mood.timeline, labels)
        return cls(mood.model, json.dumps(dict(mood.scores)), vector, head, tail, timeline)


class Intake(Tables):
    """What `library.Library` offers to a scan."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._known_ids: dict[Recipe, Mapping[str, int]] = {}

    # ------------------------------------------------------------------------------------------------ what to scan

    def require_sound(self) -> None:
        """Raise LibraryError where SQLite finds the file damaged: before results are added to it."""
        self._database.require_sound()

    def require_writable(self) -> None:
        """Raise LibraryError where the library can only be read: before work is done whose results have no place."""
        self._database.require_writable()

    def state(self, path: str, stamp: FileStamp, recipe: Recipe, versions: str) -> State:
        """Tell what has to be done about the file at `path`; versions: see `fail`."""
        found = self._progress(
            "SELECT track_id FROM files WHERE path = :path AND size = :size AND mtime_ns = :mtime_ns",
            {"path": os.fsencode(path), "size": stamp.size, "mtime_ns": stamp.mtime_ns},
            recipe,
        )
        if found is not State.NEW:
            return found
        failed = self._database.query(
            "SELECT 1 FROM failures WHERE path = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ? AND versions = ?",
            (os.fsencode(path), *stamp, versions),
        )
        return State.FAILED if failed else State.NEW

    def content_state(self, content: bytes, recipe: Recipe) -> State:
        """Tell what has to be done about audio with this hash: NEW, UNREAD, UNJUDGED or DONE."""
        return self._progress(
            "SELECT id AS track_id FROM tracks WHERE content = :content", {"content": content}, recipe
        )

    def knows_under(self, root: str) -> bool:
        """Whether the library knows a file at the path `root` or below it, missing or not."""
        return any(self._under("files", root))

    def unjudged(self, recipe: Recipe) -> list[int]:
        """Ids of the songs that are there and whose stored descriptors the recipe's model has not read yet."""
        rows = self._database.query(
            """SELECT x.track_id FROM features x LEFT JOIN moods m ON m.track_id = x.track_id AND m.model_id = :model
               WHERE x.set_id = :set AND m.set_id IS NOT :set
               AND EXISTS (SELECT 1 FROM files f WHERE f.track_id = x.track_id AND NOT f.missing)
               ORDER BY x.track_id""",
            self._ids(recipe),
        )
        return [row[0] for row in rows]

    def _progress(self, which: str, values: Mapping[str, Any], recipe: Recipe) -> State:
        """How far the library is with the one track that the query `which` selects, if any."""
        rows = self._database.query(
            f"""SELECT x.set_id IS :set, m.set_id IS :set FROM ({which}) w
                LEFT JOIN features x ON x.track_id = w.track_id
                LEFT JOIN moods m ON m.track_id = w.track_id AND m.model_id = :model""",
            {**values, **self._ids(recipe)},
        )
        if not rows:
            return State.NEW
        ((read, judged),) = rows
        if judged:
            return State.DONE
        return State.UNJUDGED if read else State.UNREAD

    def _ids(self, recipe: Recipe) -> Mapping[str, int]:
        """Ids of the recipe's parts, -1 where the library has none yet; rows of these tables are never removed."""
        if recipe in self._known_ids:
            return self._known_ids[recipe]
        ((set_id, model_id),) = self._database.query(
            """SELECT coalesce((SELECT id FROM feature_sets WHERE identity = ?), -1),
                      coalesce((SELECT id FROM models WHERE name = ?), -1)""",
            (recipe.features, recipe.model),
        )
        ids = {"set": set_id, "model": model_id}
        if min(ids.values()) >= 0:
            self._known_ids[recipe] = ids
        return ids

    # --------------------------------------------------------------------------------------------- what a scan writes

    def store(
        self, path: str, stamp: FileStamp, analysis: SongAnalysis, recipe: Recipe, packed: bytes | None = None
    ) -> int:
        """Keep the analysis of the file at `path` and give the song's id. Older descriptors of it are replaced.

        packed: its descriptors, where somebody has packed them already (`_pack.pack_features`).
        """
        self._look_for_copies(path, analysis.content)
        features = _pack.pack_features(analysis.features) if packed is None else packed  # before others must wait
        judged = _Judged.of(analysis.mood)
        with self._changing_songs():
            track_id = self._place(path, stamp, analysis.content, analysis.tags, analysis.duration_s)
            self._database.run("UPDATE tracks SET speech = ? WHERE id = ?", (analysis.speech, track_id))
            set_id = self._set_id(recipe)
            self._database.run(
                "INSERT OR REPLACE INTO features (track_id, set_id, data) VALUES (?, ?, ?)",
                (track_id, set_id, features),
            )
            self._judge(track_id, set_id, judged)
        return track_id

    def place(self, path: str, stamp: FileStamp, content: bytes, tags: Tags) -> int:
        """Note that the song with this content lies at `path`, with these tags, and give its id.

        Raises
        ------
        UnknownTrackError
            The library has no song with this content.

        """
        self._look_for_copies(path, content)
        with self._changing_songs():
            rows = self._database.query("SELECT duration_s FROM tracks WHERE content = ?", (content,))
            if not rows:
                raise UnknownTrackError(f"the library has no song with the content of {path}")
            return self._place(path, stamp, content, tags, rows[0][0])

    def store_mood(self, track_id: int, mood: Mood, recipe: Recipe, speech: float | None = None) -> None:
        """Keep what was made of the descriptors already stored. Results of other models are kept beside it.

        speech: see `domain.SongAnalysis`; None leaves what is known.
        """
        self.require_writable()
        judged = _Judged.of(mood)
        with self._changing_songs():
            self._require(track_id)
            if speech is not None:
                self._database.run("UPDATE tracks SET speech = ? WHERE id = ?", (speech, track_id))
            self._judge(track_id, self._set_id(recipe), judged)

    def fail(self, failure: Failure, stamp: FileStamp, versions: str) -> None:
        """List a file that could not be analysed.

        `state` says FAILED for it until the file's stamp or `versions` (whatever the outcome depends on: decoders,
        descriptors, model) is another. If a song was known to lie there, it does not any more.
        """
        path = os.fsencode(failure.path)
        with self._changing_songs():
            self._database.run("UPDATE files SET missing = 1 WHERE path = ?", (path,))
            self._database.run(
                "INSERT OR REPLACE INTO failures (path, size, mtime_ns, ctime_ns, kind, error, versions)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (path, *stamp, failure.kind, _text(failure.error), versions),
            )

    def forgive(self, path: str) -> None:
        """Take a path off the list of failures; nothing happens if it is not there."""
        key = os.fsencode(path)
        if self._database.query("SELECT 1 FROM failures WHERE path = ?", (key,)):
            with self._database.writing():
                self._database.run("DELETE FROM failures WHERE path = ?", (key,))

    def _look_for_copies(self, path: str, content: bytes) -> None:
        """Note which other places of a song that turns up at `path` it still lies at: it may have been moved here.

        Only the roots of a scan are swept, and the place it came from may be elsewhere.
        """
        self._note_presence(
            self._database.query(
                "SELECT * FROM files WHERE track_id = (SELECT id FROM tracks WHERE content = ?) AND path != ?",
                (content, os.fsencode(path)),
            )
        )

    def _place(self, path: str, stamp: FileStamp, content: bytes, tags: Tags, duration_s: float) -> int:
        key = os.fsencode(path)
        song = (key, *map(_text, (tags.title, tags.artist, tags.album, tags.genre)), duration_s, content)
        known = self._database.run(  # not an upsert: it would use up an id
            "UPDATE tracks SET last_path = ?, title = ?, artist = ?, album = ?, genre = ?, duration_s = ?"
            " WHERE content = ?",
            song,
        )
        if not known.rowcount:
            self._database.run(
                "INSERT INTO tracks (last_path, title, artist, album, genre, duration_s, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                song,
            )
        ((track_id,),) = self._database.query("SELECT id FROM tracks WHERE content = ?", (content,))
        self._database.run(
            "INSERT INTO files (path, track_id, size, mtime_ns, missing) VALUES (?, ?, ?, ?, 0)"
            " ON CONFLICT (path) DO UPDATE SET track_id = excluded.track_id, size = excluded.size,"
            " mtime_ns = excluded.mtime_ns, missing = 0",
            (key, track_id, stamp.size, stamp.mtime_ns),
        )
        self._database.run("DELETE FROM failures WHERE path = ?", (key,))
        return int(track_id)

    def _judge(self, track_id: int, set_id: int, judged: _Judged) -> None:
        self._database.run("INSERT OR IGNORE INTO models (name) VALUES (?)", (judged.model,))
        ((model_id,),) = self._database.query("SELECT id FROM models WHERE name = ?", (judged.model,))
        self._database.run("DELETE FROM moods WHERE track_id = ? AND model_id = ?", (track_id, model_id))
        mood_id = self._database.run(
            "INSERT INTO moods (track_id, model_id, set_id, scores, vector, head, tail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (track_id, model_id, set_id, judged.scores, judged.vector, judged.head, judged.tail),
        ).lastrowid
        self._database.run("INSERT INTO timelines (mood_id, data) VALUES (?, ?)", (mood_id, judged.timeline))

    def _set_id(self, recipe: Recipe) -> int:
        self._database.run("INSERT OR IGNORE INTO feature_sets (identity) VALUES (?)", (recipe.features,))
        ((set_id,),) = self._database.query("SELECT id FROM feature_sets WHERE identity = ?", (recipe.features,))
        return int(set_id)

    # ------------------------------------------------------------------------------------------------- what is there

    def mark_missing(self, roots: Sequence[str], pace: Callable[[], None] | None = None) -> None:
        """Look where the files known under `roots` (folders or files, absolute) are, and note which are not there.

        A file that is back as it was counts as there again. A failure is forgotten once its file has been removed;
        as long as the whole folder is away, it is kept with the rest. pace: called now and then, to wait perhaps.
        """
        for root in roots:
            for rows in self._under("files", root):
                self._note_presence(rows)
                if pace:
                    pace()
            for rows in self._under("failures", root):
                gone = [row[:1] for row in rows if _removed(row[0])]
                self._forget_failures(gone)

    def prune(self) -> int:
        """Remove what is missing and give the number of songs removed, with their analyses.

        Looks first whether missing files are back. The history of plays stays: plays of a song that was removed count
        for nothing until the same song is scanned again.
        """
        self.mark_missing(["/"])
        gone = self._database.query("SELECT path FROM files WHERE missing")
        for start in range(0, len(gone), _SWEEP_ROWS):
            with self._changing_songs():
                for path in gone[start : start + _SWEEP_ROWS]:
                    self._database.run("DELETE FROM files WHERE path = ? AND missing", path)
        self._forget_failures(
            [(path,) for (path,) in self._database.query("SELECT path FROM failures") if not os.path.lexists(path)]
        )
        homeless = "NOT EXISTS (SELECT 1 FROM files f WHERE f.track_id = tracks.id)"
        ids = self._database.query(f"SELECT id FROM tracks WHERE {homeless}")
        for start in range(0, len(ids), _PRUNED_ROWS):
            with self._changing_songs():
                for track in ids[start : start + _PRUNED_ROWS]:
                    self._database.run(f"DELETE FROM tracks WHERE id = ? AND {homeless}", track)
        return len(ids)

    def _under(self, table: str, root: str) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of `table` for the path `root` and all below it, a thousand at a time."""
        key, low, high = span_of(root)
        yield self._database.query(f"SELECT * FROM {table} WHERE path = ?", (key,))
        page = f"SELECT * FROM {table} WHERE path > ? AND path < ? ORDER BY path LIMIT {_SWEEP_ROWS}"
        while rows := self._database.query(page, (low, high)):
            yield rows
            low = rows[-1][0]

    def _note_presence(self, rows: Sequence[tuple[Any, ...]]) -> None:
        changed = []
        for path, _, size, mtime_ns, missing in rows:
            stamp = _stamp(path)
            if stamp is None:
                is_missing = True
            elif stamp[:2] == (size, mtime_ns):
                is_missing = False
            else:
                continue  # something else lies there: for the scan to find out
            if is_missing != bool(missing):
                changed.append((is_missing, path))
        if changed:
            with self._changing_songs():
                for change in changed:
                    self._database.run("UPDATE files SET missing = ? WHERE path = ?", change)
            self._forget_failures([(path,) for is_missing, path in changed if not is_missing])

    def _forget_failures(self, paths: Sequence[tuple[bytes]]) -> None:
        if paths:
            with self._database.writing():
                for path in paths:
                    self._database.run("DELETE FROM failures WHERE path = ?", path)


def span_of(root: str) -> tuple[bytes, bytes, bytes]:
    """Give the key of a path, and two that all paths below it lie between."""
    key = os.fsencode(root)
    low = key.rstrip(b"/") + b"/"
    return key, low, low[:-1] + b"0"  # the byte after the slash: just behind everything below


def _text(text: str) -> str:
    """Make any text storable: no surrogates, no NUL, and not endless."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode().replace("\0", "")


def _stamp(path: bytes) -> FileStamp | None:
    """Stamp of a regular file, None where there is none that can be reached."""
    try:
        status = Path(os.fsdecode(path)).stat()
    except OSError:
        return None
    return FileStamp.of(status) if stat.S_ISREG(status.st_mode) else None


def _removed(path: bytes) -> bool:
    """Whether a file is gone although the folder it lay in is there."""
    return not os.path.lexists(path) and Path(os.fsdecode(path)).parent.is_dir()
