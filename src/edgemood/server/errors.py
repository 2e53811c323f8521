"""Errors as JSON, named as the Python exceptions: ``{"error": {"type": "UnknownTrackError", "message": "..."}}``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from edgemood.errors import ConfigError, EdgemoodError, LibraryError, NotYetError, PlayerError, UnknownTrackError
from edgemood.server.desk import BusyError
from edgemood.shapes import shown


class ForbiddenError(ConfigError):
    """What was asked for makes sense, but this server was not told to allow it."""


class ScanError(EdgemoodError):
    """A scan cannot be begun now."""


#: The status of each exception; of several that fit, the first.
_STATUS: Sequence[tuple[type[EdgemoodError], int]] = (
    (UnknownTrackError, 404),
    (NotYetError, 409),
    (ConfigError, 422),
    (ScanError, 409),
    (BusyError, 503),
    (LibraryError, 503),
    (PlayerError, 503),
    (EdgemoodError, 500),
)
#: What is said of a fault of the server itself: whoever runs it finds the details in its log.
OUR_FAULT = "the server has made a mistake; its log says which"
_AGAIN_S = 1  # seconds after which to ask a busy server again


def body(kind: str, message: str) -> bytes:
    """Give an error as JSON."""
    return json.dumps({"error": {"type": kind, "message": shown(message)}}).encode()


def answer(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Give an error as an answer."""
    return Response(body(kind, message), status, headers, "application/json")


def install(app: FastAPI) -> None:
    """Have all errors of an application answered in this way."""
    app.add_exception_handler(EdgemoodError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(Exception, _of_nobody)


def status_of(error: EdgemoodError) -> int:
    """Give the HTTP status of an exception."""
    if isinstance(error, ForbiddenError):
        return 403
    return next(status for kind, status in _STATUS if isinstance(error, kind))


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, EdgemoodError)
    status = status_of(error)
    kind = "ConfigError" if isinstance(error, ForbiddenError) else type(error).__name__
    headers = {"retry-after": str(_AGAIN_S)} if isinstance(error, BusyError) else None
    return answer(status, kind, str(error), headers)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    message = said or _explained(error.status_code, request)
    headers = {"allow": _methods(request)} if error.status_code == 405 else error.headers
    return answer(error.status_code, "HTTPError", message, headers)


async def _of_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(422, "ConfigError", "; ".join(_fault(found) for found in error.errors()[:3]))


async def _of_nobody(request: Request, error: Exception) -> Response:
    """Answer for a fault of the server itself."""
    return answer(500, "InternalError", OUR_FAULT)


def _explained(status: int, request: Request) -> str:
    if status == 404:
        return "there is nothing here: /api/openapi.json lists what there is"
    if status == 405:
        return f"{request.method} cannot be done here: /api/openapi.json lists what can"
    return HTTPStatus(status).phrase.lower()


def _methods(request: Request) -> str:
    """Give all methods of a path, which may be several routes'."""
    found: set[str] = set()
    for route in request.app.state.routes:
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"]):
            found |= route.methods or set()
    return ", ".join(sorted(found)) or "GET"


def _fault(found: Mapping[str, Any]) -> str:
    """Say what is wrong with a request, and where."""
    where = ".".join(str(part) for part in found["loc"][1:]) or "the body"
    if found["type"] == "json_invalid":
        return f"the body is no JSON: {found.get('ctx', {}).get('error', 'it cannot be read')}"
    if found["type"] == "missing":
        return f"{where} is missing"
    if found["type"] == "extra_forbidden":
        return f"there is no parameter {where}"
    return f"{where}: {str(found['msg'])[:200]}"
