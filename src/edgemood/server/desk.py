"""Where requests meet engines: an engine is used in one thread, and each thread here has its own.

There are lanes, so that nobody who asks what is next waits behind whoever searches a whole library, or behind a write
that waits for the disk.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar

from edgemood.engine import Engine
from edgemood.errors import EdgemoodError
from edgemood.server.settings import Settings

T = TypeVar("T")
Work = Callable[[Engine], Any]

_WAITING = 64  # questions that wait in a lane: at some milliseconds each that is less than a client's patience
_ENGINES = 8  # listeners whose taste a thread remembers
_PATIENCE_S = 10.0  # how late songs that somebody scans are offered: to read them anew after each would cost more


class Lane(Enum):
    """Who waits for whom."""

    LISTEN = "listen"  #: what a listener asks: now, next, one song
    NOTE = "note"  #: what is written: plays, likes, moods by hand
    LOOK = "look"  #: what looks at the whole library: lists, search, the map
    BUILD = "build"  #: what is kept ready for those: it takes seconds
    WATCH = "watch"  #: whether something has changed


class BusyError(EdgemoodError):
    """More is asked than can be answered; asking again in a moment may do."""


class Desk:
    """Asks engines on behalf of requests. Close it when nothing more is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes: dict[Lane, _Worker] = {}
        self._closed = False

    async def ask(self, work: Callable[[Engine], T], *, listener: str | None = None, lane: Lane = Lane.LISTEN) -> T:
        """Have `work` done with an engine in a thread of its own, and give what it returns.

        Where whoever asks is cancelled before it is begun, as when a client has gone, it is not done at all.

        Parameters
        ----------
        work
            What to do. The engine is good in there only.
        listener
            Whose engine; the settings' listener if None.
        lane
            Whom to wait behind.

        Raises
        ------
        BusyError
            Too many wait already.
        EdgemoodError
            As `work`.

        """
        if self._closed:
            raise BusyError("the server is ending")
        if lane not in self._lanes:
            self._lanes[lane] = _Worker(self._settings, f"edgemood {lane.value}")
        return await asyncio.wrap_future(self._lanes[lane].put(work, listener or self._settings.listener))

    def hurry(self) -> None:
        """Have changes of songs hold from now on: somebody waits to see what he changed."""
        for worker in list(self._lanes.values()):
            worker.engines.hurry = True

    def close(self) -> None:
        """End the threads and close their libraries; what has begun is finished, the rest is not done."""
        self._closed = True
        for worker in self._lanes.values():
            worker.end()


class _Worker:
    """A thread with its engines, and the line before it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._line: queue.Queue[tuple[Future[Any], Work, str] | None] = queue.Queue(_WAITING)
        self._ending = threading.Event()
        self.engines = _Engines(settings)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Work, listener: str) -> Future[Any]:
        """Put work at the end of the line."""
        future: Future[Any] = Future()
        try:
            self._line.put_nowait((future, work, listener))
        except queue.Full:
            raise BusyError("the server has more to do than it can: try again in a moment") from None
        return future

    def end(self) -> None:
        """End the thread after what it does now."""
        self._ending.set()
        with suppress(queue.Full):  # else it comes by soon enough
            self._line.put_nowait(None)
        self._thread.join(10.0)

    def _run(self) -> None:
        while not self._ending.is_set():
            asked = self._line.get()
            if asked is None:
                break
            future, work, listener = asked
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work(self.engines.of(listener)))
                except BaseException as error:  # it belongs to who asked
                    future.set_exception(error)
                    del error
            del asked, future, work  # a result may be large, and the next question long in coming
        with suppress(queue.Empty):
            while True:
                if (left := self._line.get_nowait()) is not None:
                    left[0].cancel()
        self.engines.close()


class _Engines:
    """The engines of one thread, all on one open library."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._first: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._by_listener: OrderedDict[str, Engine] = OrderedDict()
        self.hurry = False

    def of(self, listener: str) -> Engine:
        """Give the engine of a listener, on the library as it lies there now."""
        now = _file_at(self._settings.library_path)
        if now is None or now != self._file:  # it was made, deleted, repaired or put back since
            self.close()
            self._file = now
        if self._first is None:
            engine = Engine(self._settings.library, self._settings.model, self._settings.listener)
            engine.store.shelf_patience_s = _PATIENCE_S
            self._first = engine
            self._by_listener[self._settings.listener] = self._first
        if self.hurry:
            self.hurry = False
            self._first.store.forget_shelf()
        if listener not in self._by_listener:
            self._by_listener[listener] = self._first.of(listener)
        self._by_listener.move_to_end(listener)
        if len(self._by_listener) > _ENGINES:
            self._by_listener.popitem(last=False)
        return self._by_listener[listener]

    def close(self) -> None:
        """Close the library."""
        self._by_listener.clear()
        if self._first is not None:
            self._first.close()
            self._first = None


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - for every question
    except OSError:
        return None
    return status.st_dev, status.st_ino
