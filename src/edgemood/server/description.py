"""What OpenAPI says beyond the routes themselves: who may ask, and by which header or cookie."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

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

    app.openapi = openapi  # type: ignore[method-assign]
