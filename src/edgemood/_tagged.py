"""The part of the library that knows what was written into files' tags, and what was there before."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass

from edgemood._database import Tables
from edgemood._intake import FileStamp, span_of
from edgemood._moods import Moods


@dataclass(frozen=True)
class Written:
    """What was written into a file.

    before: the moods it named until then; after: what it names since; earlier: what we wrote the time before, which it
    still names where the power went between this note and the file.
    """

    path: str
    content: bytes
    before: Moods
    after: Moods
    earlier: Moods | None = None

    def wrote(self, moods: Moods) -> bool:
        """Whether these moods are ours."""
        return moods in (self.after, self.earlier)


class Tagged(Tables):
    """What `library.Library` offers to who writes tags."""

    def places(self, root: str | None = None, track_id: int | None = None) -> list[tuple[str, int]]:
        """List files that are there, with their songs' ids: at or below `root`, or of one song, or all."""
        where = "NOT missing"
        values: list[bytes | int] = []
        if root is not None:
            where += " AND (path = ? OR path > ? AND path < ?)"
            values += list(span_of(root))
        if track_id is not None:
            where += " AND track_id = ?"
            values += [track_id]
        rows = self._database.query(f"SELECT path, track_id FROM files WHERE {where} ORDER BY path", values)
        return [(os.fsdecode(path), track_id) for path, track_id in rows]

    def content_of(self, track_id: int) -> bytes:
        """Give the hash of a song's audio; UnknownTrackError where there is none."""
        return self._require(track_id)

    def paths_with(self, content: bytes) -> list[str]:
        """List the places where audio with this hash lies."""
        rows = self._database.query(
            "SELECT path FROM files WHERE track_id = (SELECT id FROM tracks WHERE content = ?) ORDER BY path",
            (content,),
        )
        return [os.fsdecode(path) for (path,) in rows]

    def written(self) -> list[Written]:
        """List what was written into files and not taken back, by path."""
        rows = self._database.query("SELECT path, content, before, after FROM written_tags ORDER BY path")
        return [_written(row) for row in rows]

    def written_into(self, path: str) -> Written | None:
        """Tell what was written into one file; None where nothing was, or it was taken back."""
        rows = self._database.query(
            "SELECT path, content, before, after FROM written_tags WHERE path = ?", (os.fsencode(path),)
        )
        return _written(rows[0]) if rows else None

    def note_written(self, note: Written, old: FileStamp, new: FileStamp, moved_from: str | None = None) -> None:
        """Note what is about to be written into a file, and the stamps that it has now and will have then.

        It is on the disk when this returns. All names of the file in the library get the new stamp, so that the next
        scan does not open it. moved_from: the place of an older note that this one continues.
        """
        after = [_plain(moods) for moods in (note.after, note.earlier) if moods is not None]
        row = (os.fsencode(note.path), note.content, json.dumps(_plain(note.before)), json.dumps(after), time.time())
        with self._changing_songs():
            if moved_from is not None:
                self._database.run("DELETE FROM written_tags WHERE path = ?", (os.fsencode(moved_from),))
            self._database.run("INSERT OR REPLACE INTO written_tags VALUES (?, ?, ?, ?, ?)", row)
            self._restamp(note.path, note.content, old, new)

    def note_restored(self, note: Written, old: FileStamp, new: FileStamp) -> None:
        """Forget what was written into a file, as it is as before, and note its new stamp."""
        with self._changing_songs():
            self._database.run("DELETE FROM written_tags WHERE path = ?", (os.fsencode(note.path),))
            self._restamp(note.path, note.content, old, new)

    def _restamp(self, path: str, content: bytes, old: FileStamp, new: FileStamp) -> None:
        rows = self._database.query(
            """SELECT path FROM files WHERE size = ? AND mtime_ns = ?
               AND track_id = (SELECT id FROM tracks WHERE content = ?)""",
            (*old[:2], content),
        )
        target = os.path.realpath(os.fsencode(path))  # a link and what it leads to are one file
        for (name,) in rows:
            if os.path.realpath(name) == target:
                self._database.run("UPDATE files SET size = ?, mtime_ns = ? WHERE path = ?", (*new[:2], name))


def _plain(moods: Moods) -> list[tuple[str, tuple[str, ...]]]:
    return list(moods)


def _moods(plain: list[tuple[str, list[str]]]) -> Moods:
    return tuple((key, tuple(values)) for key, values in plain)


def _written(row: tuple[bytes, bytes, str, str]) -> Written:
    path, content, before, after = row
    ours = [_moods(moods) for moods in json.loads(after)]
    return Written(os.fsdecode(path), content, _moods(json.loads(before)), ours[0], ours[1] if ours[1:] else None)
