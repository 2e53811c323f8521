"""The application: what answers which request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from edgemood.server import description, errors, pages, subsonic
from edgemood.server.desk import Desk
from edgemood.server.edition import make as make_edition
from edgemood.server.gate import Gate
from edgemood.server.kept import Kept
from edgemood.server.metrics import Metrics
from edgemood.server.routes import listening, service, songs
from edgemood.server.scan import Scanner
from edgemood.server.security import Guard
from edgemood.server.settings import Settings
from edgemood.server.streams import Feed
from edgemood.server.watch import Watch


def make(settings: Settings) -> FastAPI:
    """Make the application of these settings."""
    desk, feed, gate, metrics = Desk(settings), Feed(), Gate(settings.token), Metrics()
    editions = Kept(desk, make_edition)
    scanner = Scanner(settings, editions, feed)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        feed.close()
        await scanner.stop()
        desk.close()

    app = FastAPI(
        title="edgemood",
        summary="Moods of songs and listeners, and what to play next",
        version=version("edgemood"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.desk, app.state.scanner, app.state.farewell = desk, scanner, feed.close
    errors.install(app)
    parts = service.Parts(settings, desk, gate, metrics, scanner, feed, Watch(desk, feed))
    rest = subsonic.router(desk, settings, lambda: scanner.running)
    routers = (songs.make(desk, editions), listening.make(desk, settings, feed), service.make(parts), rest)
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    pages.install(app)
    description.install(app, gate.closed)
    app.add_middleware(Guard, settings=settings, gate=gate, metrics=metrics)
    return app
