"""Keeps what is made of a whole library while that changes: it is not made anew for every song of a scan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from edgemood.engine import Engine
from edgemood.library import Marks
from edgemood.server.desk import Desk, Lane

T = TypeVar("T")
R = TypeVar("R")

_QUICK_S = 0.2  # what is made in less is made whenever songs have changed
_REST = 20  # else so many times as long lies between two


@dataclass(frozen=True)
class _Made(Generic[T]):
    """What was made, of which state of the library, after how many changes by hand, and when."""

    what: T
    marks: Marks
    changes: int
    at: float
    took_s: float

    def fits(self, marks: Marks, changes: int) -> bool:
        """Whether it is of this file and knows these changes by hand."""
        return self.marks.file == marks.file and self.changes >= changes

    @property
    def rests(self) -> bool:
        """Whether it is too early to make it again."""
        return time.monotonic() - self.at < _REST * self.took_s


class Kept(Generic[T]):
    """Gives what is made of a library, as new as it can be had soon.

    Parameters
    ----------
    desk
        Where it is made.
    make
        Makes it of an engine's library.

    """

    def __init__(self, desk: Desk, make: Callable[[Engine], T]) -> None:
        self._desk, self._make = desk, make
        self._last: _Made[T] | None = None
        self._making: asyncio.Task[_Made[T]] | None = None
        self._changes = 0

    async def get(self) -> T:
        """Give it; where making it takes long, the last one until the next is ready.

        Raises
        ------
        LibraryError
            There is no library, or it cannot be read.

        """
        marks, changes = await self._desk.ask(_marks, lane=Lane.LOOK), self._changes
        last = self._last
        if last is None or not last.fits(marks, changes):
            return (await self._anew(marks, changes)).what
        if last.marks.songs == marks.songs:
            return last.what
        if last.took_s < _QUICK_S:
            return (await self._anew(marks, changes)).what
        if not last.rests:
            self._begin().add_done_callback(_quietly)
        return last.what

    async def ask(self, work: Callable[[Engine, T], R]) -> R:
        """Have `work` done with an engine and what is kept."""
        kept = await self.get()
        return await self._desk.ask(lambda engine: work(engine, kept), lane=Lane.LOOK)

    def renew(self) -> None:
        """Have nobody get what was made before now, however long that takes: he waits to see what he changed."""
        self._changes += 1

    async def _anew(self, marks: Marks, changes: int) -> _Made[T]:
        """Wait for the one that is being made, or for the next if that was begun before the last change."""
        made = await asyncio.shield(self._begin())
        return made if made.fits(marks, changes) else await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[_Made[T]]:
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._made(self._changes))
        return self._making

    async def _made(self, changes: int) -> _Made[T]:
        def make(engine: Engine) -> _Made[T]:
            begin, marks = time.monotonic(), engine.store.marks()
            what = self._make(engine)
            end = time.monotonic()
            return _Made(what, marks, changes, end, end - begin)

        self._last = await self._desk.ask(make, lane=Lane.BUILD)
        return self._last


def _quietly(task: asyncio.Task[Any]) -> None:
    """Let what nobody waits for fail: who asks again hears why."""
    if not task.cancelled():
        task.exception()


def _marks(engine: Engine) -> Marks:
    return engine.store.marks()
