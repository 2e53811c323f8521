"""Requests that leave no doubt: nothing twice that counts once, JSON that is UTF-8 and not deep, numbers that are some.

And how prepared answers are sent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn, get_origin

from fastapi import Request, Response
from fastapi.routing import APIRoute

from edgemood.errors import ConfigError
from edgemood.server.models import Problem

_MOST_DIGITS = 400  # no number that is asked for has so many


class StrictRequest(Request):
    """A request whose body is read so."""

    async def json(self) -> Any:
        """Give the body; json.JSONDecodeError where it is none."""
        return loads(await self.body())


class StrictRoute(APIRoute):
    """A route whose requests are read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request."""
        handle, many = super().get_route_handler(), _lists(self)

        async def strictly(request: Request) -> Response:
            for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
                if count > 1 and name not in many:
                    raise ConfigError(f"{name}: it is given {count} times, and counts once")
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def _lists(route: APIRoute) -> frozenset[str]:
    """Name the parameters of a route that may be given more than once."""
    models = (parameter.field_info.annotation for parameter in route.dependant.query_params)
    fields = (field for model in models for field in getattr(model, "model_fields", {}).items())
    return frozenset(name for name, field in fields if get_origin(field.annotation) is list)


def loads(body: bytes) -> Any:
    """Read JSON.

    Raises
    ------
    json.JSONDecodeError
        It is none, is not UTF-8, has a key twice, a number that is none, or is too deep.

    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_int=_whole)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("it is not UTF-8", "", error.start) from error
    except ValueError as error:
        raise json.JSONDecodeError(str(error), "", 0) from error
    except RecursionError as error:
        raise json.JSONDecodeError("it is too deep", "", 0) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def answer(shape: Mapping[str, Any], status: int = 200) -> Response:
    """Send a shape that is right already."""
    return Response(json.dumps(shape, allow_nan=False).encode(), status, media_type="application/json")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe errors that a route may answer with, besides those of every route."""
    what = {
        400: "The request cannot be read",
        401: "The token is missing or wrong",
        403: "Not allowed",
        404: "There is no such thing",
        409: "Not yet, or not now",
        408: "The body took too long",
        413: "The body is too large",
        415: "The body has another type, or is packed",
        421: "The server has another name than Host says",
        422: "Something asked for is out of range",
        429: "Too many wrong tokens are being tried",
        431: "The head of the request is too large",
        500: "The server has made a mistake; its log says which",
        503: "The library cannot be used now, or the server is busy",
    }
    named = {
        401: headers({"WWW-Authenticate": "How to be let in."}, always=True),
        415: headers({"Accept-Encoding": "How a body may come, where it was packed."}),
        429: headers({"Retry-After": "After how many seconds to try again."}, always=True),
        503: headers({"Retry-After": "After how many seconds to ask again, where the server is busy."}),
    }
    more = {status: {"headers": named[status]} if status in named else {} for status in statuses}
    return {status: {"model": Problem, "description": what[status], **more[status]} for status in statuses}


def headers(described: Mapping[str, str], always: bool = False) -> dict[str, dict[str, Any]]:
    """Describe headers of an answer, which all such answers have or some."""
    return {
        name: {"description": text, "required": always, "schema": {"type": "string"}}
        for name, text in described.items()
    }
