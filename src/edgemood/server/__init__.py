"""A window for people and apps: the engine over HTTP, by requests on this machine or, with a token, from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgemood.server.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Settings", "make_app", "serve"]


def make_app(settings: Settings) -> FastAPI:
    """Make the application; ``app.state.desk`` is to be closed when it is done with, which `serve` does.

    Parameters
    ----------
    settings
        What it is told.

    Returns
    -------
    FastAPI
        For any ASGI server; `serve` guards connections, too.

    """
    from edgemood.server.app import make

    return make(settings)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    from edgemood.server.run import run

    run(settings)
