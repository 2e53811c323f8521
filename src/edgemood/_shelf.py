"""How the shelf is kept in the library file: packed in blocks, each of the songs of a range of ids.

Blocks are derived data. A song that changes is noted as stale in the transaction that changes it (triggers do that),
and is read from the tables until its block is packed again; so is every song of a range without a block, or whose block
is damaged. Packing reads a range at one moment, and then writes its block in a short transaction of its own, which
takes off the list of stale songs no more than what had changed up to that moment: nobody waits while songs are read,
and what changes meanwhile is stale still.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgemood import shelf
from edgemood._database import Database
from edgemood._layout import BLOCK_IDS, Columns, Layout, Row, vectors_of
from edgemood._sqlite import REPAIR
from edgemood.errors import LibraryError
from edgemood.shelf import Shelf

#: So many songs are rather read one by one than packed.
FEW = 512

_GROWTH = 4  # with so many times the songs, the steps of the vectors are chosen anew
_PIECE_ROWS = 4096


class _Pack(NamedTuple):
    """The shelf that is packed in the file at present."""

    key: int
    layout: Layout
    songs: int


class Shelves:
    """Reads the shelf of a model, and keeps it packed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._damaged: set[int] = set()

    def load(self, model: str) -> tuple[int, Shelf]:
        """Read all songs that are there and that `model` has judged, and tell at which revision of the library."""
        if not self._database.read_only:
            with suppress(LibraryError):  # a full disk, say: it is only slower without
                self.pack(model, FEW)
        with self._database.reading():
            loaded = self._read(model, self._packed(model))
        if self._damaged and not self._database.read_only:
            with suppress(LibraryError), self._database.writing():
                for block in self._damaged:
                    self._database.run("DELETE FROM shelf_blocks WHERE block = ?", (block,))
        self._damaged.clear()
        return loaded

    def pack(self, model: str, but: int = 0, pace: Callable[[], None] | None = None) -> None:
        """Write what is not packed, a block at a time, unless that are no more than `but` songs.

        pace: called between two blocks, to wait perhaps.
        """
        with self._database.reading():
            found = self._packed(model)
            if self._unpacked(found) <= but:
                return
            songs = self._songs(model)
        if found is None or songs > _GROWTH * found.songs:
            found = self._begin(model, songs)
        if found is not None:
            for block in self._waiting():
                if pace:
                    pace()
                self._write(found, block)

    # --------------------------------------------------------------------------------------------------------- packing

    def _packed(self, model: str) -> _Pack | None:
        """Give what is packed, where it is of this model and made as we do it."""
        rows = self._database.query(
            """SELECT p.id, p.recipe, p.scale, p.songs FROM shelf_packs p JOIN models o ON o.id = p.model_id
               WHERE o.name = ?""",
            (model,),
        )
        for key, recipe, scale, songs in rows:
            with suppress(ValueError, KeyError, TypeError):
                layout = Layout(model, tuple(json.loads(recipe)["labels"]), np.frombuffer(scale, "<f4"))
                if layout.recipe == recipe:
                    return _Pack(key, layout, songs)
        return None

    def _begin(self, model: str, songs: int) -> _Pack | None:
        """Begin a shelf anew, still without blocks, in the finest steps that the vectors need."""
        layout = self._layout(model)
        if layout is None:
            return None
        with self._database.writing():
            for table in ("shelf_blocks", "shelf_stale", "shelf_packs"):
                self._database.run(f"DELETE FROM {table}")
            key = self._database.run(
                "INSERT INTO shelf_packs (model_id, recipe, songs, scale)"
                " SELECT id, ?, ?, ? FROM models WHERE name = ?",
                (layout.recipe, songs, layout.scale.astype("<f4").tobytes(), model),
            ).lastrowid
        return _Pack(int(key or 0), layout, songs)

    def _layout(self, model: str) -> Layout | None:
        """Find labels and scale in the songs; None where there are none."""
        reach: NDArray[np.float32] | None = None
        labels: tuple[str, ...] = ()
        rows = self._database.each(
            "SELECT m.vector, m.scores FROM moods m JOIN models o ON o.id = m.model_id WHERE o.name = ?", (model,)
        )
        with self._told(model):
            while piece := list(islice(rows, _PIECE_ROWS)):
                values = np.abs(vectors_of([vector for vector, _ in piece], None if reach is None else len(reach)))
                if reach is None:
                    reach, labels = np.zeros(values.shape[1], np.float32), tuple(json.loads(piece[0][1]))
                values[~np.isfinite(values)] = 0
                reach = np.maximum(reach, values.max(axis=0))
        return None if reach is None else Layout(model, labels, shelf.scale_of(reach[None]))

    def _write(self, found: _Pack, block: int) -> None:
        first, last = _ids(block)
        with self._database.reading():
            ((revision,),) = self._database.query("SELECT songs FROM revision")
            data = found.layout.pack(self._fresh(found.layout, block))
        with self._database.writing():  # unless somebody else began anew, or has packed later songs
            written = self._database.run(
                """INSERT INTO shelf_blocks SELECT :block, :revision, :checksum, :data
                   WHERE EXISTS (SELECT 1 FROM shelf_packs WHERE id = :pack)
                   ON CONFLICT DO UPDATE SET revision = :revision, checksum = :checksum, data = :data
                   WHERE revision <= :revision""",
                {"block": block, "revision": revision, "checksum": zlib.crc32(data), "data": data, "pack": found.key},
            )
            if written.rowcount > 0:
                self._database.run(
                    "DELETE FROM shelf_stale WHERE track_id BETWEEN ? AND ? AND revision <= ?", (first, last, revision)
                )

    def _unpacked(self, found: _Pack | None) -> int:
        """How many songs, at most, have to be read one by one."""
        if found is None:
            ((songs,),) = self._database.query("SELECT count(*) FROM tracks")
            return int(songs)
        last: int
        ((last, stale),) = self._database.query(
            "SELECT (SELECT max(id) FROM tracks), (SELECT count(*) FROM shelf_stale)"
        )
        absent = [_ids(block) for block in self._absent()]
        return int(stale) + sum(min(high, last) - low + 1 for low, high in absent)

    def _waiting(self) -> list[int]:
        """Blocks that there are not, or that hold a song that has changed."""
        stale = self._database.query(f"SELECT DISTINCT track_id / {BLOCK_IDS} FROM shelf_stale")
        return sorted(self._absent() | {block for (block,) in stale})

    def _absent(self) -> set[int]:
        there = {block for (block,) in self._database.query("SELECT block FROM shelf_blocks")}
        return set(range(self._blocks())) - there

    def _blocks(self) -> int:
        """How many ranges of ids there are."""
        ((last, block),) = self._database.query(
            "SELECT coalesce((SELECT max(id) FROM tracks), -1), coalesce((SELECT max(block) FROM shelf_blocks), -1)"
        )
        return int(max(last // BLOCK_IDS, block)) + 1

    def _songs(self, model: str) -> int:
        ((songs,),) = self._database.query(
            "SELECT count(*) FROM moods m JOIN models o ON o.id = m.model_id WHERE o.name = ?", (model,)
        )
        return int(songs)

    # --------------------------------------------------------------------------------------------------------- reading

    def _read(self, model: str, found: _Pack | None) -> tuple[int, Shelf]:
        """Put the shelf together from blocks and from songs read one by one; inside `reading`."""
        ((revision,),) = self._database.query("SELECT songs FROM revision")
        layout = found.layout if found else self._layout(model)
        if layout is None:
            return revision, shelf.empty(model)
        room, songs = layout.room(self._blocks() * BLOCK_IDS), 0  # what is never filled takes no memory
        for part in self._parts(layout, found):
            for name, column in part.items():
                room[name][songs : songs + len(column)] = column
            songs += len(part["ids"])
        columns = {name: column[:songs] for name, column in room.items()}
        return revision, Shelf(scale=layout.scale, labels=layout.labels, model=model, **columns)

    def _parts(self, layout: Layout, found: _Pack | None) -> Iterator[Columns]:
        """Yield the songs of all blocks, packed or not, in the order of their ids."""
        block = 0
        if found is not None:
            stale: dict[int, set[int]] = defaultdict(set)
            for (track_id,) in self._database.query("SELECT track_id FROM shelf_stale"):
                stale[track_id // BLOCK_IDS].add(track_id)
            for packed, checksum, data in self._database.each(
                "SELECT block, checksum, data FROM shelf_blocks ORDER BY block"
            ):
                yield from (self._fresh(layout, between) for between in range(block, packed))
                if zlib.crc32(data) == checksum and len(data) % layout.song_bytes == 0:
                    yield self._mended(layout, packed, layout.unpack(data), stale[packed])
                else:
                    self._damaged.add(packed)
                    yield self._fresh(layout, packed)
                block = packed + 1
        yield from (self._fresh(layout, left) for left in range(block, self._blocks()))

    def _mended(self, layout: Layout, block: int, columns: Columns, stale: Set[int]) -> Columns:
        """Give the songs of a block, those that changed since it was packed as they are now."""
        if not stale:
            return columns
        changed = "m.track_id IN (SELECT track_id FROM shelf_stale WHERE track_id BETWEEN ? AND ?)"
        of_now = self._songs_where(layout, changed, _ids(block))
        kept = ~np.isin(columns["ids"], list(stale))
        both = {name: np.concatenate([columns[name][kept], of_now[name]]) for name in columns}
        order = np.argsort(both["ids"])
        return {name: column[order] for name, column in both.items()}

    def _fresh(self, layout: Layout, block: int) -> Columns:
        """Read the songs of a block from the tables."""
        return self._songs_where(layout, "m.track_id BETWEEN ? AND ?", _ids(block))

    def _songs_where(self, layout: Layout, which: str, values: Sequence[int]) -> Columns:
        rows = self._database.query(f"{_SONGS} AND {which} ORDER BY m.track_id", (layout.model, *values))
        with self._told(layout.model):
            return layout.columns([Row(*row) for row in rows])

    @contextmanager
    def _told(self, model: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            path = self._database.path
            raise LibraryError(f"{path} is damaged: moods by {model} differ in shape ({error}): {REPAIR}") from error


def _ids(block: int) -> tuple[int, int]:
    return block * BLOCK_IDS, (block + 1) * BLOCK_IDS - 1


#: The columns of `_layout.Row`, of songs that lie somewhere and that the model has judged.
_SONGS = """
SELECT m.track_id, m.vector, m.scores, m.head, m.tail,
       CASE WHEN m.head IS NULL THEN (SELECT data FROM timelines WHERE mood_id = m.id) END,
       t.title, t.artist, t.album, t.genre, t.duration_s, t.speech,
       (SELECT f.path FROM files f WHERE f.track_id = t.id AND f.missing = 0 ORDER BY f.path LIMIT 1) AS place,
       (SELECT l.label FROM labels l WHERE l.content = t.content)
FROM moods m JOIN tracks t ON t.id = m.track_id
WHERE m.model_id = (SELECT id FROM models WHERE name = ?) AND place IS NOT NULL
"""
