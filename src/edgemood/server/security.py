"""What stands before the application: refuses who may not come in, bounds what is sent, and marks all answers."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgemood.server import errors
from edgemood.server.forwarded import Proxies
from edgemood.server.gate import Gate, bearer
from edgemood.server.metrics import Metrics
from edgemood.server.origins import is_data, names, refusal
from edgemood.server.settings import Settings

#: The most bytes of the head of a request.
MOST_HEAD = 65_536
#: The most bytes of a body, and how long a client may take to send it.
MOST_BODY = 65_536
BODY_S = 10.0

_MOST_HEADERS = 100
#: What every answer is marked with.
MARKS: Mapping[bytes, bytes] = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}
_log = logging.getLogger("edgemood.server")


class RefusedError(Exception):
    """A request that is not passed on."""

    def __init__(self, status: int, message: str, kind: str = "HTTPError", **headers: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, settings: Settings, gate: Gate, metrics: Metrics) -> None:
        self._app, self._gate, self._metrics = app, gate, metrics
        self._names, self._proxies = names(settings), Proxies(settings.proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        scope = self._proxies.seen(scope)
        begin, answer = time.monotonic(), _Answer(scope, send)
        try:
            _require_one_end(scope)
            await self._check(scope)
            _require_plain_json(scope)
            inner = dict(scope, method="GET") if scope["method"] == "HEAD" else scope
            await _until_gone(self._app, inner, await _body(scope, receive), receive, answer)
            scope["route"] = inner.get("route")
        except RefusedError as error:
            await errors.answer(error.status, error.kind, str(error), error.headers)(scope, receive, answer)
        except Exception:
            _log.exception("a request for %s failed", scope["path"])
            if not answer.status:
                await errors.answer(500, "InternalError", errors.OUR_FAULT)(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.count(method, route, answer.status or 499, time.monotonic() - begin)

    async def _check(self, scope: Scope) -> None:
        """Raise RefusedError unless a request may be passed on."""
        headers, path = scope["headers"], scope["path"]
        size = (
            len(scope.get("raw_path") or b"")
            + len(scope["query_string"])
            + sum(len(name) + len(value) for name, value in headers)
        )
        if size > MOST_HEAD or len(headers) > _MOST_HEADERS:
            raise RefusedError(431, f"the head of the request has more than {MOST_HEAD} bytes", connection="close")
        if (refused := refusal(scope["method"], path, headers, self._names)) is not None:
            raise RefusedError(refused.status, refused.message)
        if not self._gate.closed or not path.startswith("/api") or path == "/api/login":
            return  # what answers to /rest looks for itself, as its clients expect
        if self._gate.has_pass(headers):
            return
        if (token := bearer(headers)) is None:
            raise RefusedError(401, "this needs the server's token: Authorization: Bearer", www_authenticate="Bearer")
        await require(self._gate, token, scope)


def _require_one_end(scope: Scope) -> None:
    """Raise RefusedError where it is not sure where a body ends: two servers in a row would cut it differently."""
    given = Headers(scope=scope)
    if "transfer-encoding" not in given:
        return
    if "content-length" in given or scope.get("http_version") == "1.0":
        raise RefusedError(400, "a body has a length or comes in the chunks of HTTP/1.1, not both", connection="close")


def _require_plain_json(scope: Scope) -> None:
    """Raise RefusedError where a body would be read as what it is not."""
    given = Headers(scope=scope)
    if "transfer-encoding" not in given and given.get("content-length", "0") == "0":
        return
    packings = ",".join(given.getlist("content-encoding")).lower().split(",")
    if any(one.strip() not in ("", "identity") for one in packings):
        raise RefusedError(415, "a body may not be packed: leave Content-Encoding away", accept_encoding="identity")
    kinds = given.getlist("content-type")
    if scope["path"].startswith("/api") and not (len(kinds) == 1 and _JSON.fullmatch(kinds[0])):
        raise RefusedError(415, "a body is JSON, and says so: Content-Type: application/json")


_JSON = re.compile(r"application/([a-z0-9!#$&^_.-]+\+)?json\s*(;.*)?", re.IGNORECASE)
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}


async def require(gate: Gate, token: str, scope: Scope) -> None:
    """Raise RefusedError unless this is the token."""
    client = scope.get("client")
    admitted = await gate.admits(token, client[0] if client else "")
    if admitted is None:
        raise RefusedError(429, "too many wrong tokens are being tried: wait a moment", retry_after="1")
    if not admitted:
        raise RefusedError(401, "this is not the server's token", www_authenticate="Bearer")


class _Answer:
    """Marks an answer on its way out, and remembers its status. Of HEAD there is no body."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._data, self._head = is_data(scope["path"]), scope["method"] == "HEAD"
        self.status, self.done = 0, False
        self.enough: Callable[[], None] = lambda: None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._marked(message.get("headers", ()))
            await self._send(message)
            if self._head:
                self.done = True
                await self._send({"type": "http.response.body", "body": b""})
                self.enough()
        elif not self._head:
            self.done = not message.get("more_body", False)
            await self._send(message)

    def _marked(self, headers: Any) -> list[tuple[bytes, bytes]]:
        marks = dict(MARKS)
        if self._data:
            marks[b"cache-control"] = b"no-store"
        present = {name.lower() for name, _ in headers}
        return [*headers, *((name, value) for name, value in marks.items() if name not in present)]


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Read the body of a request; RefusedError where it is too large, too slow or cut off."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    too_large = RefusedError(413, f"the body has more than {MOST_BODY} bytes", connection="close")
    if b"transfer-encoding" not in headers and length == b"0":
        return b""
    if not length.isdigit() or len(length) > 18 or int(length) > MOST_BODY:
        raise too_large
    body = bytearray()
    try:
        async with _deadline(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(400, "the body was cut off", connection="close")
                body += message.get("body", b"")
                if len(body) > MOST_BODY:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except asyncio.TimeoutError:
        raise RefusedError(408, f"the body took longer than {BODY_S:.0f} s", connection="close") from None


class _deadline:  # noqa: N801 - used as a function; asyncio.timeout, which Python 3.10 lacks
    def __init__(self, seconds: float) -> None:
        self._seconds, self._late = seconds, False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)

    def _fire(self) -> None:
        self._late = True
        self._task.cancel()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._late and kind is asyncio.CancelledError:
            raise asyncio.TimeoutError


async def _until_gone(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, answer: _Answer) -> None:
    """Have a request answered, and nothing more done about it once its client has gone."""
    task = asyncio.current_task()
    assert task is not None
    gone = False
    read = False

    def end() -> None:
        nonlocal gone
        gone = True
        task.cancel()

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not answer.done:
            end()

    async def body_once() -> Message:
        nonlocal read
        if read:
            await asyncio.Event().wait()  # until it is cancelled
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    answer.enough = end
    listening = asyncio.create_task(listen())
    try:
        await app(scope, body_once, answer)
        if gone:
            await asyncio.sleep(0)  # it ended before it could be cancelled: that happens here, and not to others
    except asyncio.CancelledError:
        if not gone:
            raise
        if sys.version_info >= (3, 11):
            task.uncancel()
    finally:
        listening.cancel()
