"""The service itself: health, metrics, who may come in, and news of all kinds."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response

from edgemood.engine import Engine
from edgemood.errors import EdgemoodError
from edgemood.server import models
from edgemood.server.desk import Desk, Lane
from edgemood.server.gate import Gate
from edgemood.server.metrics import Metrics, resident_bytes
from edgemood.server.routes import router
from edgemood.server.scan import Scanner
from edgemood.server.security import require
from edgemood.server.settings import Settings
from edgemood.server.streams import Feed
from edgemood.server.strict import answer, headers, problems
from edgemood.server.watch import Watch
from edgemood.shapes import shown

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events, until you go."}
}


_COOKIE: dict[int | str, dict[str, Any]] = {204: {"headers": headers({"Set-Cookie": "For the page."})}}


@dataclass(frozen=True)
class Parts:
    """What the service consists of."""

    settings: Settings
    desk: Desk
    gate: Gate
    metrics: Metrics
    scanner: Scanner
    feed: Feed
    watch: Watch


def make(parts: Parts) -> APIRouter:
    """Make the routes."""
    api = router("service")

    @api.get("/health", response_model=models.Health)
    async def health() -> Response:
        """Tell whether all is well."""
        return answer(await _health(parts))

    @api.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Count requests, songs and memory, for Prometheus."""
        return Response(parts.metrics.text(await _gauges(parts)), media_type="text/plain; version=0.0.4")

    @api.post("/login", status_code=204, response_class=Response, responses=_COOKIE)
    async def login(request: Request, given: models.LoginGiven) -> Response:
        """Have the page remember that the token is known, by a cookie."""
        await require(parts.gate, given.token, request.scope)
        named = {"set-cookie": parts.gate.cookie(request.url.scheme == "https")} if parts.gate.closed else None
        return Response(status_code=204, headers=named)

    @api.delete("/login", status_code=204, response_class=Response, responses=_COOKIE)
    async def logout(request: Request) -> Response:
        """Have the page forget it."""
        return Response(status_code=204, headers={"set-cookie": parts.gate.no_cookie(request.url.scheme == "https")})

    @api.get("/events", response_class=Response, responses=_STREAM)
    async def events() -> Response:
        """Tell, as it happens, of what listeners do, of songs that change and of scans: server-sent events."""
        stream = parts.feed.stream(("listener", "library", "progress", "ended"), {"progress": parts.scanner.state})
        parts.watch.begin()
        return stream

    @api.post("/scan", status_code=202, response_model=models.ScanState, responses=problems(409))
    async def scan(given: models.ScanGiven) -> Response:
        """Begin to bring the library up to date."""
        return answer(await parts.scanner.start(given.folders), 202)

    @api.get("/scan", response_model=models.ScanState)
    async def scan_state() -> Response:
        """Tell how far the scan is."""
        return answer(parts.scanner.state)

    @api.delete("/scan", response_model=models.ScanState)
    async def end_scan() -> Response:
        """End the scan; what it has done stays."""
        return answer(await parts.scanner.stop())

    @api.get("/scan/events", response_class=Response, responses=_STREAM)
    async def scan_events() -> Response:
        """Tell, as it happens, how far the scan is: server-sent events."""
        return parts.feed.stream(("progress", "ended"), {"progress": parts.scanner.state})

    return api


async def _health(parts: Parts) -> dict[str, Any]:
    problem, counts = None, dict.fromkeys(("songs", "judged", "missing", "failed"))
    try:
        counts = await parts.desk.ask(_counts, lane=Lane.LOOK)
    except EdgemoodError as error:
        problem = shown(str(error))
    return {
        "status": "degraded" if problem else "ok",
        "version": version("edgemood"),
        "library": {"path": shown(parts.settings.library_path), **counts},
        "scanning": parts.scanner.running,
        "problem": problem,
    }


def _counts(engine: Engine) -> dict[str, Any]:
    stats = engine.store.stats()
    judged = max(stats.judged.values(), default=0)
    return {"songs": stats.songs, "judged": judged, "missing": stats.missing, "failed": stats.failures}


async def _gauges(parts: Parts) -> dict[str, tuple[str, float]]:
    health = await _health(parts)
    return {
        "edgemood_up": ("Whether the library can be used.", float(health["status"] == "ok")),
        "edgemood_songs": ("Songs in the library.", float(health["library"]["songs"] or 0)),
        "edgemood_failed_files": ("Files that could not be analysed.", float(health["library"]["failed"] or 0)),
        "edgemood_scanning": ("Whether a scan is running.", float(parts.scanner.running)),
        "edgemood_scan_songs_per_minute": ("Songs that the scan does.", parts.scanner.state["songs_per_min"]),
        "edgemood_event_streams": ("Clients that listen for events.", float(parts.feed.listeners)),
        "process_resident_memory_bytes": ("Memory of the server.", float(resident_bytes())),
    }
