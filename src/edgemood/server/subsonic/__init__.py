"""The OpenSubsonic API, for apps and servers that speak it: `sonicSimilarity`, and what they need around it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from edgemood.errors import EdgemoodError, NotYetError, UnknownTrackError
from edgemood.server.desk import BusyError, Desk, Lane
from edgemood.server.settings import Settings
from edgemood.server.subsonic.access import Access
from edgemood.server.subsonic.answers import GENERIC, NOT_FOUND, Shape, SubsonicError, answer, failure, is_long
from edgemood.server.subsonic.methods import PUBLIC, Methods, method_of
from edgemood.server.subsonic.parameters import Parameters
from edgemood.shapes import shown

__all__ = ["router"]

_FORM = "application/x-www-form-urlencoded"
_log = logging.getLogger("edgemood.server")


def router(desk: Desk, settings: Settings, scanning: Callable[[], bool]) -> APIRouter:
    """Make the router of ``/rest``; who may ask is looked at here, as the API has it.

    Parameters
    ----------
    desk
        Where engines are asked.
    settings
        With user, password and API key (the server's token).
    scanning
        Tells whether a scan is going on.

    """
    routes, access = APIRouter(), Access(settings)
    methods = Methods(desk, settings, access.has_key, scanning)

    @routes.api_route("/rest/{name}", methods=["GET", "POST"], include_in_schema=False)
    async def rest(name: str, request: Request) -> Response:
        asked = Parameters(request.scope["query_string"], await request.body() if _is_form(request) else b"")
        try:
            return await _written(await _done(name.removesuffix(".view"), asked, request), asked.form)
        except SubsonicError as error:
            return failure(error, asked.form)
        except EdgemoodError as error:
            return failure(_told(error), asked.form)
        except Exception:
            _log.exception("a request for %s failed", name)
            return failure(SubsonicError(GENERIC, "the server has made a mistake; its log says which"), asked.form)

    async def _done(name: str, asked: Parameters, request: Request) -> dict[str, object]:
        if name not in PUBLIC:
            asked.check()
            await access.check(asked, request.client.host if request.client else "")
        if request.method == "POST" and not _is_form(request) and await request.body():
            raise SubsonicError(GENERIC, f"the body of a request has to be {_FORM}")
        return await method_of(name)(methods, asked)

    async def _written(shape: Shape, form: str) -> Response:
        if not is_long(shape):
            return answer(shape, form)
        return await desk.ask(lambda _: answer(shape, form), lane=Lane.LOOK)

    return routes


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return request.method == "POST" and kind.strip().lower() == _FORM


def _told(error: EdgemoodError) -> SubsonicError:
    """Say an error of ours as the API has it."""
    if isinstance(error, (UnknownTrackError, NotYetError)):
        return SubsonicError(NOT_FOUND, shown(str(error)))
    return SubsonicError(GENERIC, shown(str(error)), 503 if isinstance(error, BusyError) else 200)
