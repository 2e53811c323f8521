"""The part of the library that lists: songs in short or where they lie, failures, and whether anything has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from edgemood._database import Tables
from edgemood.domain import Failure


class Marks(NamedTuple):
    """What tells that something has changed since they were read.

    songs: grows whenever songs change; heard: whenever somebody does something about a song; file: another number where
    another file lies there.
    """

    songs: int
    heard: tuple[int, int]
    file: int


class SongRow(NamedTuple):
    """One song in short. path: one of the places it lies at, in bytes; scores: JSON, None where it is not judged."""

    id: int
    path: bytes
    title: str
    artist: str
    album: str
    genre: str
    duration_s: float
    missing: int
    label: str | None
    scores: str | None


class SongPlace(NamedTuple):
    """A song where it lies now: the first of its paths, in bytes, and when that file was changed last."""

    id: int
    path: bytes
    title: str
    artist: str
    album: str
    genre: str
    duration_s: float
    mtime_ns: int


class Lists(Tables):
    """What `library.Library` offers to those who show it."""

    def marks(self) -> Marks:
        """Tell what is there now, to see later whether it has changed; costs little."""
        ((songs, plays, events),) = self._database.query(
            "SELECT (SELECT songs FROM revision),"
            " (SELECT coalesce(max(id), 0) FROM plays), (SELECT coalesce(max(id), 0) FROM events)"
        )
        try:
            file = os.stat(self._database.path).st_ino  # noqa: PTH116 - often
        except OSError:
            file = 0
        return Marks(songs, (plays, events), file)

    def in_short(self) -> Iterator[SongRow]:
        """Yield all songs by id, missing ones too, as they are at one moment."""
        with self._database.reading(), self._making_sense():
            for row in self._database.each(_SHORT):
                yield SongRow._make(row)

    def song_places(self) -> Iterator[SongPlace]:
        """Yield all songs that are there by id, as they are at one moment."""
        with self._database.reading(), self._making_sense():
            for row in self._database.each(_PLACES):
                yield SongPlace._make(row)

    def failures_after(self, path: str, limit: int) -> list[Failure]:
        """List files that could not be analysed, by path, some at a time: those whose paths come after `path`."""
        rows = self._database.query(
            "SELECT path, kind, error FROM failures WHERE path > ? ORDER BY path LIMIT ?", (os.fsencode(path), limit)
        )
        with self._making_sense():
            return [Failure(os.fsdecode(path), kind, error) for path, kind, error in rows]


_SHORT = """
SELECT t.id,
       coalesce((SELECT f.path FROM files f WHERE f.track_id = t.id ORDER BY f.missing, f.path LIMIT 1), t.last_path),
       t.title, t.artist, t.album, t.genre, t.duration_s,
       NOT EXISTS (SELECT 1 FROM files f WHERE f.track_id = t.id AND NOT f.missing),
       (SELECT l.label FROM labels l WHERE l.content = t.content),
       (SELECT m.scores FROM moods m WHERE m.track_id = t.id ORDER BY m.id DESC LIMIT 1)
FROM tracks t ORDER BY t.id
"""

_PLACES = """
SELECT t.id, f.path, t.title, t.artist, t.album, t.genre, t.duration_s, f.mtime_ns
FROM tracks t JOIN files f ON f.path = (SELECT min(i.path) FROM files i WHERE i.track_id = t.id AND NOT i.missing)
ORDER BY t.id
"""
