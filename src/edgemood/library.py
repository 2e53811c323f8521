"""The library: which songs there are, where they lie, their moods, and what was played. One SQLite file.

Songs are known by content, so one that was moved, copied or retagged is not analysed again. Every result carries what
made it (`Recipe`), so a new model re-reads stored descriptors and only new descriptors need the audio again. What has
returned from a method is on the disk (write-ahead log, flushed at every commit) and survives a power cut. Other
processes may read and write at the same time: every write is one short transaction.

One `Library` belongs to the thread that opened it; another thread opens its own on the same file.
"""

from __future__ import annotations

import json
import math
import operator
import os
import re
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, SupportsIndex

import numpy as np
import platformdirs
from numpy.typing import NDArray

from edgemood import _pack
from edgemood._database import Database
from edgemood._history import require_name
from edgemood._imported import Heard, Imported
from edgemood._intake import FileStamp, Intake, Recipe, State, span_of
from edgemood._likings import DEFAULT_LISTENER
from edgemood._lists import Lists, Marks, SongPlace, SongRow
from edgemood._notes import Notes
from edgemood._shelf import FEW, Shelves
from edgemood._sums import Counts
from edgemood._tagged import Tagged
from edgemood.domain import Failure, FeatureSequence, Mood, MoodSpan, Play, Tags, Track
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.shelf import Shelf

__all__ = [
    "DEFAULT_LISTENER",
    "Counts",
    "FileStamp",
    "Heard",
    "Library",
    "Marks",
    "Recipe",
    "SongPlace",
    "SongRow",
    "State",
    "Stats",
    "default_path",
    "require_name",
]


def default_path() -> str:
    """Where the library lies unless told otherwise.

    ``EDGEMOOD_LIBRARY`` if set, else ``library.db`` in the user's data folder (``$XDG_DATA_HOME/edgemood``).
    """
    named = os.environ.get("EDGEMOOD_LIBRARY")
    return str(Path(named).absolute() if named else platformdirs.user_data_path("edgemood") / "library.db")


@dataclass(frozen=True)
class Stats:
    """Counts. missing: songs that lie nowhere at present; judged: model -> songs; size_bytes: of the file."""

    songs: int
    missing: int
    failures: int
    plays: int
    judged: Mapping[str, int]
    size_bytes: int


class Library(Intake, Imported, Tagged, Notes, Lists):
    """A library file, open. Use it as a context manager, or `close` it.

    Every method raises LibraryError where the file cannot be read or written; the message says why.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._shelves = Shelves(database)
        self._shelf: tuple[int, Shelf] | None = None
        self._shelf_read_at = 0.0
        #: How long `shelf` may be as it was though songs have changed: for who asks often while others scan.
        self.shelf_patience_s = 0.0

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, create: bool = True) -> Library:
        """Open the library at `path` (`default_path` if None); one that cannot be written is opened to be read.

        Parameters
        ----------
        path
            The file.
        create
            Whether to make the file, and its folder, where there is none yet.

        Raises
        ------
        LibraryError
            It cannot be opened, is not a library (it is left untouched then), or a newer edgemood wrote it; or there
            is none and `create` is false.

        """
        where = Path(os.fsdecode(path) if path is not None else default_path()).absolute()
        if create:
            try:
                where.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LibraryError(f"the folder of {where} cannot be made: {error.strerror}") from error
        elif _is_nothing(where):
            raise LibraryError(f"there is no library at {where}: `edgemood scan FOLDER` makes one")
        return cls(Database(str(where)))

    def close(self) -> None:
        """Close the file; the library cannot be used any more."""
        self._database.close()

    @property
    def path(self) -> str:
        """Where the file lies."""
        return self._database.path

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def revision(self) -> int:
        """A number that grows whenever songs change, whoever changes them."""
        return int(self._database.query("SELECT songs FROM revision")[0][0])

    def freeze(self) -> None:
        """Write nothing from now on: what would write raises LibraryError, as where the file cannot be written."""
        self._database.freeze()

    def tracks(self, model: str | None = None, limit: int | None = None, after: int = 0) -> list[Track]:
        """List all songs by id, missing ones too.

        Parameters
        ----------
        model
            Whose judgement to give, as ``name-version``: a song it has not judged has no mood. If None, each song's
            latest judgement, whoever made it.
        limit
            How many at most; all if None.
        after
            Only songs whose ids are larger: to take them some at a time.

        Returns
        -------
        list of Track
            Their moods have an empty timeline, which would be most of the data; `track` gives it.

        """
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM tracks t {_MOODS} WHERE t.id > :after ORDER BY t.id LIMIT :limit",
            {"model": model, "limit": -1 if limit is None else limit, "after": after},
        )
        return [self._track(row) for row in rows]

    def tracks_of(self, ids: Sequence[int], model: str | None = None, timelines: bool = False) -> list[Track]:
        """Give some songs by their ids, in this order; as `tracks`, without those that are not there.

        timelines: whether their moods have them.
        """
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM tracks t {_MOODS} WHERE t.id IN ({','.join(str(int(i)) for i in ids)})",
            {"model": model},
        )
        found = {row[0]: row for row in rows}
        return [self._track(found[i], timelines) for i in ids if i in found]

    def track(self, key: SupportsIndex | str | os.PathLike[str], model: str | None = None) -> Track:
        """Give one song, with its timeline.

        Parameters
        ----------
        key
            Its id, or a path where it lies (or lay last). A text of digits that is not a known path is taken as an id.
        model
            As for `tracks`.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            `key` is neither an id nor a path.

        """
        track_id = self.find(key)
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM tracks t {_MOODS} WHERE t.id = :id", {"model": model, "id": track_id}
        )
        if not rows:
            raise UnknownTrackError(f"the library has no song with the id {track_id}")
        return self._track(rows[0], with_timeline=True)

    def find(self, key: SupportsIndex | str | os.PathLike[str]) -> int:
        """Give the id of one song; `key` and what is raised as for `track`. An id is checked to be one, not looked up.

        A path is looked up as it is and with its links resolved.
        """
        if isinstance(key, SupportsIndex) and not isinstance(key, bool):
            number = operator.index(key)
            if not 0 < number < 1 << 63:
                raise UnknownTrackError(f"the library has no song with the id {number}")
            return number
        if isinstance(key, bool) or not isinstance(key, str | os.PathLike):
            raise ConfigError(f"a song is named by its id or its path, not by {key!r}")
        path = os.fsdecode(key)
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            raise ConfigError(f"{path!r} names no file") from None
        if not path or "\0" in path:
            raise ConfigError(f"{path!r} names no file")
        return self._id_at(path)

    def paths(self, track_id: int) -> list[str]:
        """List all places where a song lies or lay, those first where it was found when it was last looked for."""
        rows = self._database.query("SELECT path FROM files WHERE track_id = ? ORDER BY missing, path", (track_id,))
        with self._making_sense():
            return [os.fsdecode(path) for (path,) in rows]

    def failures(self) -> list[Failure]:
        """List the files that could not be analysed, by path."""
        rows = self._database.query("SELECT path, kind, error FROM failures ORDER BY path")
        with self._making_sense():
            return [Failure(os.fsdecode(path), kind, error) for path, kind, error in rows]

    def features(self, track_id: int) -> FeatureSequence:
        """Give the song's descriptors as stored (see `_pack.rounded` for their precision).

        Raises
        ------
        UnknownTrackError
            There is no such song, or nothing is stored for it.

        """
        rows = self._database.query(
            "SELECT x.data, s.identity FROM features x JOIN feature_sets s ON s.id = x.set_id WHERE x.track_id = ?",
            (track_id,),
        )
        if not rows:
            raise UnknownTrackError(f"the library has no descriptors of a song with the id {track_id}")
        data, identity = rows[0]
        with self._making_sense(f" at song {track_id}"):
            made_with = json.loads(identity)
            return _pack.unpack_features(data, tuple(made_with["names"]), made_with["version"])

    def plays(
        self, limit: int = 10, model: str | None = None, listener: str = DEFAULT_LISTENER
    ) -> list[tuple[Track, Play]]:
        """Give a listener's last plays, newest first, with their songs (without timelines); model as for `tracks`."""
        if limit < 1:
            raise LibraryError(f"the number of plays has to be at least 1, not {limit}")
        rows = self._database.query(
            f"""SELECT {_COLUMNS}, p.at, p.offered FROM plays p CROSS JOIN tracks t ON t.content = p.content {_MOODS}
                WHERE p.listener_id = (SELECT id FROM listeners WHERE name = :listener)
                ORDER BY p.at DESC, p.id DESC LIMIT :limit""",
            {"model": model, "limit": limit, "listener": listener},
        )
        return [(self._track(row[:-2]), Play(row[0], row[-2], bool(row[-1]))) for row in rows]

    def shelf(self, model: str) -> Shelf:
        """Give all songs that are there and judged by `model` (``name-version``), packed; moods set by hand hold.

        Songs whose vector or scores are not finite are left out. It is kept until songs change. Where many songs are
        not packed in the file yet, they are now, unless it cannot be written.
        """
        ((revision,),) = self._database.query("SELECT songs FROM revision")
        if self._shelf is not None and self._shelf[1].model == model:
            patient = time.monotonic() - self._shelf_read_at < self.shelf_patience_s
            if self._shelf[0] == revision or patient:
                return self._shelf[1]
        self._shelf = None  # two of them would be a lot
        self._shelf = self._shelves.load(model)
        self._shelf_read_at = time.monotonic()
        return self._shelf[1]

    def forget_shelf(self) -> None:
        """Have `shelf` read what has changed, however patient it may be."""
        self._shelf_read_at = -math.inf

    def latest_model(self) -> str | None:
        """Which model judged last, as ``name-version``; None where none has judged a song."""
        rows = self._database.query(
            "SELECT o.name FROM moods m JOIN models o ON o.id = m.model_id ORDER BY m.id DESC LIMIT 1"
        )
        return str(rows[0][0]) if rows else None

    def pack_shelf(self, model: str, pace: Callable[[], None] | None = None) -> None:
        """Write the shelf of `model` where enough has changed since that was done: for the end of a scan.

        pace: called now and then, to wait perhaps.
        """
        self._shelves.pack(model, FEW, pace)

    def ids_under(self, folder: str | os.PathLike[str]) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs that lie at or below `folder` now; links are not resolved."""
        rows = self._database.each(
            "SELECT track_id FROM files WHERE NOT missing AND (path = ? OR path > ? AND path < ?)",
            span_of(os.path.normpath(Path(os.fsdecode(folder)).absolute())),
        )
        return np.unique(np.fromiter((row[0] for row in rows), np.int64))

    def ids_only_under(self, folder: str | os.PathLike[str]) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs that lie at or below `folder` now and nowhere else."""
        key, low, high = span_of(os.path.normpath(Path(os.fsdecode(folder)).absolute()))
        rows = self._database.each(
            "SELECT track_id FROM files WHERE NOT missing AND (path = :key OR path > :low AND path < :high) EXCEPT"
            " SELECT track_id FROM files WHERE NOT missing AND path != :key AND NOT (path > :low AND path < :high)",
            {"key": key, "low": low, "high": high},
        )
        return np.unique(np.fromiter((row[0] for row in rows), np.int64))

    def ids_of_genre(self, text: str) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs in whose genres `text` occurs, whatever the case."""
        wanted = text.casefold()
        genres = self._database.query(  # from each to the next one, rather than over all songs
            """WITH RECURSIVE each_genre (genre) AS (
                   SELECT min(genre) FROM tracks WHERE genre != ''
                   UNION ALL
                   SELECT (SELECT min(t.genre) FROM tracks t WHERE t.genre > e.genre AND t.genre != '')
                   FROM each_genre e WHERE e.genre IS NOT NULL)
               SELECT genre FROM each_genre WHERE genre IS NOT NULL"""
        )
        ids = [
            row[0]
            for (genre,) in genres
            if wanted in genre.casefold()
            for row in self._database.each("SELECT id FROM tracks WHERE genre = ? AND genre != ''", (genre,))
        ]
        return np.array(sorted(ids), np.int64)

    def ids_of_tag(self, text: str) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs in whose title, artist, album or genre `text` occurs, in any case.

        Case is told apart beyond ASCII.
        """
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
        columns = ("title", "artist", "album", "genre")
        rows = self._database.query(
            "SELECT id FROM tracks WHERE "
            + " OR ".join(f"{name} LIKE :pattern ESCAPE '\\'" for name in columns)
            + " ORDER BY id",
            {"pattern": pattern},
        )
        return np.array([track_id for (track_id,) in rows], np.int64)

    def stats(self) -> Stats:
        """Count what is in the library."""
        ((songs, missing, failures, plays, pages, page_size),) = self._database.query(
            """SELECT (SELECT count(*) FROM tracks),
                      (SELECT count(*) FROM tracks t WHERE NOT EXISTS
                          (SELECT 1 FROM files f WHERE f.track_id = t.id AND NOT f.missing)),
                      (SELECT count(*) FROM failures),
                      (SELECT count(*) FROM plays) + (SELECT coalesce(sum(plays), 0) FROM sums),
                      (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size)"""
        )
        judged = self._database.query(
            "SELECT o.name, count(*) FROM moods m JOIN models o ON o.id = m.model_id GROUP BY o.id ORDER BY max(m.id)"
        )
        return Stats(songs, missing, failures, plays, dict(judged), pages * page_size)

    def _id_at(self, path: str) -> int:
        for candidate in (os.path.normpath(Path(path).absolute()), os.path.realpath(path)):
            rows = self._database.query(
                "SELECT track_id FROM files WHERE path = :path"
                " UNION ALL SELECT id FROM tracks WHERE last_path = :path LIMIT 1",
                {"path": os.fsencode(candidate)},
            )
            if rows:
                return int(rows[0][0])
        if path.isascii() and path.isdecimal() and len(path) < 19:
            return int(path)
        raise UnknownTrackError(f"the library has no song at {path}: scan it first")

    def _track(self, row: tuple[Any, ...], with_timeline: bool = False) -> Track:
        track_id, path, title, artist, album, genre, duration_s, missing, label, model, scores, vector, mood_id = row
        mood, tags = None, Tags(title, artist, album, genre)
        with self._making_sense(f" at song {track_id}"):
            if mood_id is not None:
                by_label = json.loads(scores)
                timeline = self._timeline(mood_id, by_label) if with_timeline else ()
                if label in by_label:  # what a person says holds; the vector and the timeline stay the model's
                    by_label = {mood: float(mood == label) for mood in by_label}
                mood = Mood(by_label, np.frombuffer(vector, "<f4"), timeline, model)
            "".join((title, artist, album, genre))  # all of them texts
            return Track(track_id, os.fsdecode(path), tags, float(duration_s), mood, bool(missing), label)

    def _timeline(self, mood_id: int, scores: Mapping[str, float]) -> Sequence[MoodSpan]:
        ((data,),) = self._database.query("SELECT data FROM timelines WHERE mood_id = ?", (mood_id,))
        return _pack.unpack_timeline(data, tuple(scores))


def _is_nothing(path: Path) -> bool:
    """Whether there is no file, or an empty one; what cannot be looked at is for the database to open."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_size


#: What `Library._track` reads of tracks t, and the moods that go with them; :model as in `Library.tracks`.
_COLUMNS = """
       t.id,
       coalesce((SELECT f.path FROM files f WHERE f.track_id = t.id ORDER BY f.missing, f.path LIMIT 1), t.last_path),
       t.title, t.artist, t.album, t.genre, t.duration_s,
       NOT EXISTS (SELECT 1 FROM files f WHERE f.track_id = t.id AND NOT f.missing),
       (SELECT l.label FROM labels l WHERE l.content = t.content),
       o.name, m.scores, m.vector, m.id
"""
_MOODS = """
LEFT JOIN moods m ON m.id = (SELECT max(i.id) FROM moods i JOIN models n ON n.id = i.model_id
                             WHERE i.track_id = t.id AND (:model IS NULL OR n.name = :model))
LEFT JOIN models o ON o.id = m.model_id
"""
