"""Notices what changes in a library, whoever changes it: this server or another process."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from edgemood.engine import Engine
from edgemood.errors import EdgemoodError
from edgemood.library import Marks
from edgemood.server.desk import Desk, Lane
from edgemood.server.streams import Feed

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
        while self._feed.listeners:
            await asyncio.sleep(_LOOK_S)
            now = await self._marks()
            if now is None or now == before:
                continue
            if before is None or now.heard != before.heard or now.file != before.file:
                self._feed.send("listener", {"changed": True})
            if before is None or now.songs != before.songs or now.file != before.file:
                self._feed.send("library", {"revision": now.songs})
            before = now

    async def _marks(self) -> Marks | None:
        with suppress(EdgemoodError):  # there is none at present: others say so
            return await self._desk.ask(_marks, lane=Lane.WATCH)
        return None


def _marks(engine: Engine) -> Marks:
    return engine.store.marks()
