"""What a packed shelf looks like as bytes, and how rows of the library become its columns. No I/O."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgemood import _kinds, _pack, shelf
from edgemood.domain import Tags

#: Ids of a block: as many songs as are written at a time while players wait.
BLOCK_IDS = 2048

_FORMAT = 1

#: What a block has of each song, in this order (wide numbers first: they lie where they should), and how wide: a
#: number, or as many as there are dimensions or labels.
_COLUMNS: Mapping[str, tuple[str, str]] = {
    "ids": ("<i8", ""),
    "artist": ("<u4", ""),
    "album": ("<u4", ""),
    "genre": ("<u4", ""),
    "duration_s": ("<f4", ""),
    "vectors": ("i1", "dims"),
    "scores": ("u1", "labels"),
    "head": ("u1", "labels"),
    "tail": ("u1", "labels"),
    "flags": ("u1", ""),
}
Columns = dict[str, NDArray[Any]]


class Row(NamedTuple):
    """A song that is there and judged, as the tables have it.

    head, tail: see `shelf.edges`; None in an old row, which then has its packed timeline. label: set by hand.
    """

    track_id: int
    vector: bytes
    scores: str
    head: bytes | None
    tail: bytes | None
    timeline: bytes | None
    title: str
    artist: str
    album: str
    genre: str
    duration_s: float
    speech: float | None
    path: bytes
    label: str | None


@dataclass(frozen=True, eq=False)
class Layout:
    """What all blocks of a shelf have in common."""

    model: str
    labels: tuple[str, ...]
    scale: NDArray[np.float32]

    @property
    def recipe(self) -> str:
        """All that a block depends on but the songs and the scale, as JSON."""
        rules = [_FORMAT, BLOCK_IDS, shelf.EDGE_S, _kinds.SPEECH_FROM, _kinds.JINGLE_S, _kinds.MIX_S]
        return json.dumps({"labels": self.labels, "rules": rules})

    @cached_property
    def one(self) -> Columns:
        """Columns of one song: what each is like."""
        return self.room(1)

    @cached_property
    def song_bytes(self) -> int:
        """How many bytes of a block belong to one song."""
        return sum(column.nbytes for column in self.one.values())

    def room(self, songs: int) -> Columns:
        """Make columns for so many songs."""
        widths = {"dims": (len(self.scale),), "labels": (len(self.labels),), "": ()}
        return {name: np.empty((songs, *widths[width]), kind) for name, (kind, width) in _COLUMNS.items()}

    def pack(self, columns: Columns) -> bytes:
        """Make a block."""
        return b"".join(columns[name].astype(kind, copy=False).tobytes() for name, (kind, _) in _COLUMNS.items())

    def unpack(self, data: bytes) -> Columns:
        """Look at a block as columns; `data` has a whole number of `song_bytes`."""
        songs, columns, at = len(data) // self.song_bytes, {}, 0
        for name, one in self.one.items():
            column: NDArray[Any] = np.frombuffer(data, one.dtype, songs * one.size, at)
            columns[name] = column.reshape(songs, *one.shape[1:])
            at += column.nbytes
        return columns

    def columns(self, rows: Sequence[Row]) -> Columns:
        """Pack rows; those whose vector, scores or length are not finite as they are packed are left out.

        Raises ValueError or TypeError where they are not of this model's shape.
        """
        if not rows:
            return self.room(0)
        points = vectors_of([row.vector for row in rows], len(self.scale))
        shares = scores_of([row.scores for row in rows], self.labels)
        lengths = np.array([row.duration_s for row in rows], np.float64)
        finite = np.isfinite(points).all(axis=1) & np.isfinite(shares).all(axis=1)
        finite &= np.abs(lengths) <= np.finfo(np.float32).max
        points[~finite], shares[~finite], lengths[~finite] = 0, 0, 0
        heads, tails = zip(*(self._edges(row) for row in rows), strict=True)
        moods, shape = shelf.pack_scores(shares), shares.shape
        columns: Columns = {
            "ids": np.array([row.track_id for row in rows], np.int64),
            "artist": np.array([shelf.artist_hash(row.artist) for row in rows], np.uint32),
            "album": np.array([_album(row) for row in rows], np.uint32),
            "genre": np.array([shelf.text_hash(_kinds.first_genre(row.genre)) for row in rows], np.uint32),
            "duration_s": lengths.astype(np.float32),
            "vectors": shelf.pack_vectors(points, self.scale),
            "scores": moods,
            "head": np.frombuffer(b"".join(heads), np.uint8).reshape(shape).copy(),
            "tail": np.frombuffer(b"".join(tails), np.uint8).reshape(shape).copy(),
            "flags": np.array([_flags(row) for row in rows], np.uint8),
        }
        for place, row in enumerate(rows):
            if row.label in self.labels:  # by hand: from its first second to its last
                columns["flags"][place] |= shelf.LABELLED
                alone = shelf.pack_scores([row.label == mood for mood in self.labels])
                for name in ("scores", "head", "tail"):
                    columns[name][place] = alone
        return {name: column[finite] for name, column in columns.items()}

    def _edges(self, row: Row) -> tuple[bytes, bytes]:
        if row.head is not None and row.tail is not None:
            return row.head, row.tail
        scores = json.loads(row.scores)
        spans = _pack.unpack_timeline(row.timeline, tuple(scores)) if row.timeline else ()
        head, tail = shelf.edges(spans, scores)
        return head.tobytes(), tail.tobytes()


def vectors_of(blobs: Sequence[bytes], dims: int | None) -> NDArray[np.float32]:
    """Unpack mood vectors as float32 ``[rows, dims]``; ValueError where they are not of one length."""
    width = len(blobs[0]) // 4 if dims is None else dims
    if any(len(blob) != 4 * width for blob in blobs):
        raise ValueError("vectors of different lengths")
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), width).astype(np.float32)


def scores_of(texts: Sequence[str], labels: Sequence[str]) -> NDArray[np.float32]:
    """Parse scores as float32 ``[rows, labels]``; ValueError or TypeError where they are not of these labels."""
    parsed = json.loads(f"[{','.join(texts)}]")  # quicker than one by one
    wanted = list(labels)
    if any(list(scores) != wanted for scores in parsed):
        raise ValueError("scores of different labels")
    return np.array([list(scores.values()) for scores in parsed], np.float32).reshape(len(texts), len(wanted))


def _album(row: Row) -> int:
    return shelf.text_hash(f"{row.album}\0{os.fsdecode(row.path.rpartition(b'/')[0])}" if row.album else "")


def _flags(row: Row) -> int:
    return _kinds.flags_of(row.duration_s, Tags(row.title, row.artist, row.album, row.genre), row.speech)
