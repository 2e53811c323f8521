"""The files of the page: listed when the server starts, so that no request names a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from pathlib import Path

from fastapi import FastAPI, Request, Response

from edgemood.server.negotiation import has_already

_FOLDER = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


def install(app: FastAPI, folder: Path = _FOLDER) -> None:
    """Serve each file of a folder by its name, and ``index.html`` as ``/``."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.is_file() and (kind := _TYPES.get(file.suffix)):
            name = "" if file.name == "index.html" else file.name
            app.add_api_route(f"/{name}", _sends(file.read_bytes(), kind), methods=["GET"], include_in_schema=False)


def _sends(content: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "no-cache", "content-type": kind}

    async def send(request: Request) -> Response:
        if has_already(request.headers.getlist("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return send
