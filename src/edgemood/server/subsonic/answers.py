"""Answers as the API has them, in XML or JSON, and its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

#: The version of the API that is spoken.
VERSION = "1.16.1"
#: Codes of errors.
GENERIC, MISSING, CLIENT_OLD, SERVER_OLD = 0, 10, 20, 30
WRONG_LOGIN, NO_TOKENS, NO_SUCH_WAY, CONFLICT, WRONG_KEY = 40, 41, 42, 43, 44
FORBIDDEN, NOT_FOUND = 50, 70

_SHORT = 40  # objects in an answer that is written in no time
_NAMESPACE = "http://subsonic.org/restapi"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TYPES = {"json": "application/json", "xml": "application/xml; charset=utf-8"}

Shape = Mapping[str, Any]


class SubsonicError(Exception):
    """What is answered in place of what was asked for: a code of the API and a message for a person.

    status: of HTTP, which is 200 for most.
    """

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def answer(shape: Shape, form: str) -> Response:
    """Answer with what was asked for, as ``xml`` or ``json``."""
    return Response(_bytes({"status": "ok", **_server(), **shape}, form), 200, None, _TYPES[form])


def failure(error: SubsonicError, form: str) -> Response:
    """Answer with an error."""
    shape = {"status": "failed", **_server(), "error": {"code": error.code, "message": error.message}}
    headers = {"retry-after": "1"} if error.status in {429, 503} else None
    return Response(_bytes(shape, form), error.status, headers, _TYPES[form])


@lru_cache(maxsize=1)
def _server() -> Shape:
    return {"version": VERSION, "type": "edgemood", "serverVersion": version("edgemood"), "openSubsonic": True}


def _bytes(shape: Shape, form: str) -> bytes:
    if form == "json":
        text = _json({"subsonic-response": shape})
    else:
        root = _element("subsonic-response", {"xmlns": _NAMESPACE, **shape})
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'
    return text.encode("utf-8", "replace")


def is_long(value: Any) -> bool:
    """Whether writing an answer takes so long that others would notice."""
    return next(islice(_objects(value), _SHORT, None), None) is not None


def _objects(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _objects(one)


def _json(value: Any) -> str:
    """Write JSON, what is long in parts: others get a turn between any two."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_encode(key)}: {_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)) and is_long(value):
        return "[" + ", ".join(_json(one) if is_long(one) else _encode(one) for one in value) + "]"
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _element(name: str, value: Any) -> str:
    """Write an element: what is single becomes an attribute, objects and lists elements, ``value`` the text."""
    if not isinstance(value, Mapping):
        return f"<{name}>{_text(value)}</{name}>"
    attributes, inside = [], []
    for key, one in value.items():
        if isinstance(one, Mapping):
            inside.append(_element(key, one))
        elif isinstance(one, (list, tuple)):
            inside += [_element(key, each) for each in one]
        elif key == "value":
            inside.append(_text(one))
        else:
            attributes.append(f" {key}={quoteattr(_plain(one), _CONTROL)}")
    head = f"<{name}{''.join(attributes)}"
    return f"{head}>{''.join(inside)}</{name}>" if inside else f"{head}/>"


_CONTROL = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def _text(value: Any) -> str:
    return escape(_plain(value), {"\r": "&#13;"})


def _plain(value: Any) -> str:
    """Give a value as text that XML can hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_XML.sub("\ufffd", str(value))
