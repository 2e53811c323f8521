"""The server around the application: its socket, its connections, its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgemood.errors import ConfigError
from edgemood.server import errors
from edgemood.server.app import make
from edgemood.server.beginning import require_usable
from edgemood.server.security import MARKS, MOST_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from edgemood.server.settings import Settings

#: How long a client may take for the head of a request, and between two requests.
HEAD_S, IDLE_S = 10.0, 15
#: How long a client may leave an answer unread before it is cut off.
UNREAD_S = 20.0
_CONNECTIONS = 200
_FAREWELL_S = 2
_SWITCH_S = 0.001  # how long a thread may keep others from Python: a request passes through several


def run(settings: Settings, ready: Callable[[str], None] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    settings
        What the server is told.
    ready
        Called with the server's address once it can be reached.

    Returns
    -------
    int
        The signal that ended it.

    Raises
    ------
    ConfigError
        Something it is told cannot be, or its address cannot be listened on.

    """
    require_usable(settings)
    sys.setswitchinterval(_SWITCH_S)
    app = make(settings)
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=_FAREWELL_S,
        h11_max_incomplete_event_size=MOST_HEAD,
    )
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    listening = _listen(settings)
    server = _Server(config, app.state.farewell)
    if ready is not None:
        ready(_address(settings, listening))
    server.run([listening])
    return server.ended_by


class _Server(uvicorn.Server):
    """Ends streams of events before it waits for the answers that are still being sent, and dies of no signal."""

    def __init__(self, config: uvicorn.Config, farewell: Callable[[], None]) -> None:
        super().__init__(config)
        self._farewell = farewell
        self.ended_by = 0

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Have signals end the server; whoever called it tells how the process ends."""

        def end(number: int, frame: FrameType | None) -> None:
            self.ended_by = number
            self.handle_exit(number, frame)

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._farewell()
        await super().shutdown(sockets)


class Connection(H11Protocol):
    """A connection that cuts off clients who let it wait: for the head of a request, or by not reading an answer.

    Where there are too many, that which has been idle longest gives way, so that nobody can occupy all of them by
    doing nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._idle_since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > _CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, Connection) and one is not self and one.idle]
            leaves = min(others, key=lambda one: one._idle_since, default=self)
            self.connections.discard(leaves)
            leaves.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether nothing is being done for the client: it is for him to ask, to go on, or to read."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body or self.flow.write_paused

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait no longer than before for what is missing."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:  # a whole head
            self._stop_head()
        elif self._head is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()  # part of another one

    def on_response_complete(self) -> None:
        """Go on to the next request, part of which may have come already."""
        before, self._idle_since = self.cycle, self.loop.time()
        super().on_response_complete()
        if self.cycle is before and self.conn.trailing_data[0]:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as all errors are answered."""
        body = errors.body("HTTPError", "this is no request that can be read")
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        marks = [(name.decode(), value.decode()) for name, value in MARKS.items()]
        for event in (h11.Response(status_code=400, headers=[*headers, *marks]), h11.Data(body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_head()
        self._stop_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._stop_unread()
        super().resume_writing()

    def _await_head(self) -> None:
        self._stop_head()
        self._head = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def _listen(settings: Settings) -> socket.socket:
    """Open the socket: what is wrong with an address is said before anything is promised."""
    where = f"{settings.host} port {settings.port}"
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(kind, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{settings.host!r} is no address of this machine: {error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(f"{where} cannot be listened on: {error.strerror}") from error
    listening.setblocking(False)
    return listening


def _address(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}/"
