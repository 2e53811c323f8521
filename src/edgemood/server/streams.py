"""Events for whoever listens: server-sent, the latest of each kind. Who reads slowly loses old news, never memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from edgemood.server.desk import BusyError

_LISTENERS = 64
_HEARTBEAT_S = 15.0


class Feed:
    """Hands events to all streams that want them."""

    def __init__(self) -> None:
        self._streams: set[_Stream] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    def send(self, kind: str, news: Mapping[str, Any]) -> None:
        """Hand an event to the streams that want its kind; it takes the place of one not yet sent."""
        for stream in self._streams:
            stream.put(kind, news)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for stream in self._streams:
            stream.changed.set()

    def stream(self, kinds: Iterable[str], first: Mapping[str, Mapping[str, Any]]) -> Response:
        """Answer with a stream of events of these kinds; `first` are those that it begins with.

        Raises
        ------
        BusyError
            There are too many streams already.

        """
        if len(self._streams) >= _LISTENERS or self._closed:
            raise BusyError("there are too many streams of events already")
        stream = _Stream(frozenset(kinds), first)
        self._streams.add(stream)
        return _Events(
            self._events(stream),
            lambda: self._streams.discard(stream),
            {"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(self, stream: _Stream) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        while not self._closed:
            for kind, news in stream.take().items():
                yield f"event: {kind}\ndata: {json.dumps(news, allow_nan=False)}\n\n".encode()
            try:
                await asyncio.wait_for(stream.changed.wait(), _HEARTBEAT_S)
            except asyncio.TimeoutError:
                yield b"event: here\ndata: {}\n\n"  # no comment: a page cannot see those


class _Stream:
    """What one client has still to be told."""

    def __init__(self, kinds: frozenset[str], first: Mapping[str, Mapping[str, Any]]) -> None:
        self._kinds = kinds
        self._news = dict(first)
        self.changed = asyncio.Event()
        if first:
            self.changed.set()

    def put(self, kind: str, news: Mapping[str, Any]) -> None:
        if kind in self._kinds:
            self._news.pop(kind, None)
            self._news[kind] = news
            self.changed.set()

    def take(self) -> dict[str, Mapping[str, Any]]:
        self.changed.clear()
        news, self._news = self._news, {}
        return news


class _Events(StreamingResponse):
    """A stream of which nothing is left when its client has gone, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], end: Callable[[], None], headers: Mapping[str, str]) -> None:
        super().__init__(events, headers=headers)
        self._end = end

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()
