"""The JSON API, a file for each of its parts."""

from __future__ import annotations

from fastapi import APIRouter

from edgemood.server.strict import StrictRoute, problems

#: What any request may be answered with.
_ALL = (400, 401, 403, 408, 413, 415, 421, 422, 429, 431, 500, 503)


def router(tag: str) -> APIRouter:
    """Make a router of the API; every route may find a request wrong, or the library or server not ready."""
    return APIRouter(prefix="/api", tags=[tag], route_class=StrictRoute, responses=problems(*_ALL))
