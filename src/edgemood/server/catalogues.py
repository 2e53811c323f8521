"""Keeps the catalogue of a library that changes, without making it anew for every song of a scan."""

from __future__ import annotations

import asyncio
import gzip
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemood.engine import Engine
from edgemood.library import Marks
from edgemood.server.catalogue import UNJUDGED, Builder, Catalogue, Mask
from edgemood.server.desk import Desk, Lane

T = TypeVar("T")

_QUICK_S = 0.2  # what is made in less is made whenever songs have changed
_REST = 20  # else so many times as long lies between two

_MAGIC, _VERSION = b"EMAP", 1


@dataclass
class Edition:
    """A catalogue, of which state of the library it is, and how long it took."""

    catalogue: Catalogue
    marks: Marks
    took_s: float
    made_at: float

    @cached_property
    def etag(self) -> str:
        """Names what is in it."""
        return blake2b(f"{self.marks.songs} {self.marks.file} {self.made_at}".encode(), digest_size=12).hexdigest()

    @cached_property
    def map(self) -> bytes:
        """The songs on the plane, as docs/serve.md says."""
        songs = self.catalogue
        head = struct.pack("<4s3I", _MAGIC, _VERSION, len(songs.ids), len(songs.moods))
        there = songs.mood != UNJUDGED
        places = [np.where(there, _byte(songs.keys[name]), 128).astype(np.uint8) for name in ("valence", "arousal")]
        parts = (songs.ids.astype("<u4"), *places, songs.mood, songs.flags)
        return head + b"".join(part.tobytes() for part in parts)

    @cached_property
    def map_gzip(self) -> bytes:
        """The same, packed."""
        return gzip.compress(self.map, 6, mtime=0)


class Catalogues:
    """Gives the catalogue as new as it can be had soon."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._edition: Edition | None = None
        self._making: asyncio.Task[Edition] | None = None

    async def edition(self) -> Edition:
        """Give an edition: the present one, or where that takes long one of some seconds ago, as during a scan.

        Raises
        ------
        LibraryError
            There is no library, or it cannot be read.

        """
        marks = await self._desk.ask(_marks, lane=Lane.LOOK)
        last = self._edition
        if last is not None and last.marks.songs == marks.songs and last.marks.file == marks.file:
            return last
        other = last is None or last.marks.file != marks.file
        if last is not None and not other and time.monotonic() - last.made_at < _REST * last.took_s > _REST * _QUICK_S:
            return last
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())
        if last is None or other or last.took_s < _QUICK_S:
            return await asyncio.shield(self._making)
        self._making.add_done_callback(lambda task: task.cancelled() or task.exception())  # asked again, it says why
        return last

    async def ask(self, work: Callable[[Engine, Edition], T]) -> T:
        """Have `work` done with an engine and the catalogue."""
        edition = await self.edition()
        return await self._desk.ask(lambda engine: work(engine, edition), lane=Lane.LOOK)

    def forget(self) -> None:
        """Have the next one made anew, however long that takes: somebody waits to see what he changed."""
        if self._edition is not None:
            self._edition.made_at = -float("inf")

    async def _make(self) -> Edition:
        self._edition = await self._desk.ask(_build, lane=Lane.BUILD)
        return self._edition


def _marks(engine: Engine) -> Marks:
    return engine.store.marks()


def _build(engine: Engine) -> Edition:
    begin = time.monotonic()
    marks = engine.store.marks()
    catalogue = Builder().build(engine.store.in_short())
    return Edition(catalogue, marks, time.monotonic() - begin, time.monotonic())


def _byte(values: object) -> NDArray[np.float64]:
    """-1 to 1 as 0 to 255; what is not known in the middle."""
    numbers = np.asarray(values, np.float64)
    return np.rint(np.where(np.isfinite(numbers), np.clip(numbers, -1, 1) + 1, 1) * 127.5)


def matching(songs: Catalogue, found: Mask) -> bytes:
    """Give the ids of songs in binary: how many, then each."""
    ids = songs.ids[found]
    return struct.pack("<I", len(ids)) + ids.astype("<u4").tobytes()
