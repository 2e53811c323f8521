"""Notices what changes in a library, whoever changes it: this server or another process."""

from __future__ import annotations

import asyncio

from edgemood.engine import Engine
from edgemood.errors import EdgemoodError
from edgemood.library import Marks
from edgemood.server.desk import BusyError, Desk, Lane
from edgemood.server.streams import Feed
from edgemood.shapes import shown

_LOOK_S = 1.0


class Watch:
    """Looks at the library once a second while somebody wants to know, and tells the feed."""

    def __init__(self, desk: Desk, feed: Feed) -> None:
        self._desk, self._feed = desk, feed
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look, as long as there are streams."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        before = await self._marks()
        if isinstance(before, str):
            self._tell_gone(before)
        while self._feed.listeners:
            await asyncio.sleep(_LOOK_S)
            now = await self._marks()
            if now is None or now == before:
                continue
            if isinstance(now, str):
                self._tell_gone(now)
            else:
                self._tell_changed(before if isinstance(before, Marks) else None, now)
            before = now

    def _tell_gone(self, problem: str) -> None:
        self._feed.send("library", {"revision": None, "problem": problem})

    def _tell_changed(self, before: Marks | None, now: Marks) -> None:
        if before is None or now.heard != before.heard or now.file != before.file:
            self._feed.send("listener", {"changed": True})
        if before is None or now.songs != before.songs or now.file != before.file:
            self._feed.send("library", {"revision": now.songs, "problem": None})

    async def _marks(self) -> Marks | str | None:
        """Give the library's marks, or what is wrong with it; None where there was no time to look."""
        try:
            return await self._desk.ask(_marks, lane=Lane.WATCH)
        except BusyError:
            return None
        except EdgemoodError as error:
            return shown(str(error))


def _marks(engine: Engine) -> Marks:
    return engine.store.marks()
