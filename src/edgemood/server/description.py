"""What OpenAPI says beyond the routes themselves: who may ask, and by which header or cookie."""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Response

_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The first line of the file that the server was started with: --token-file.",
    },
    "page": {
        "type": "apiKey",
        "in": "cookie",
        "name": "edgemood",
        "description": "What POST /api/login sets for browsers; it is not the token.",
    },
}
_EITHER: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
_AT = "/api/openapi.json"
_OPEN = "/api/login"  # where one shows the token itself, and forgets the cookie


def install(app: FastAPI, closed: bool) -> None:
    """Have the description of an application name the ways to be let in; `closed`: whether one of them is needed."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = describe()
            schema.setdefault("components", {})["securitySchemes"] = _SCHEMES
            for path, operations in schema["paths"].items():
                for operation in operations.values():
                    operation["security"] = [] if path == _OPEN else _EITHER if closed else [{}, *_EITHER]
            app.openapi_schema = schema
        return app.openapi_schema

    @lru_cache(maxsize=1)
    def written() -> bytes:
        return json.dumps(openapi(), ensure_ascii=False).encode()

    async def send() -> Response:
        return Response(await asyncio.to_thread(written), media_type="application/json")  # a tenth of a second's work

    app.openapi = openapi  # type: ignore[method-assign]
    app.add_api_route(_AT, send, methods=["GET"], include_in_schema=False)
