"""Songs: lists, search, the map, mood curves, moods by hand, and what failed."""

from __future__ import annotations

import os
from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Header, Path, Query, Response

from edgemood import shapes
from edgemood.domain import Track
from edgemood.engine import Engine
from edgemood.errors import ConfigError
from edgemood.server import models
from edgemood.server.catalogue import Catalogue, Sieve
from edgemood.server.desk import Desk, Lane
from edgemood.server.edition import Edition, matching
from edgemood.server.kept import Kept
from edgemood.server.negotiation import has_already, takes_gzip
from edgemood.server.routes import router
from edgemood.server.strict import answer, headers, problems
from edgemood.server.words import fold

SongId = Annotated[int, Path(ge=1, le=(1 << 63) - 1)]
HeaderLines = Annotated[list[str], Header(default_factory=list)]

_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
}
_OF_MAP = headers(
    {
        "ETag": "Names what is in it and how it is packed: for If-None-Match.",
        "Vary": "What the answer depends on.",
        "X-Moods": "Names of the moods in their order, percent-encoded, with commas between.",
    },
    always=True,
)
_MAP: dict[int | str, dict[str, Any]] = {
    200: {
        **_BINARY[200],
        "description": "See docs/serve.md.",
        "headers": {**_OF_MAP, **headers({"Content-Encoding": "gzip, where it is packed."})},
    },
    304: {"description": "It is as it was.", "headers": _OF_MAP},
}


def make(desk: Desk, editions: Kept[Edition]) -> APIRouter:
    """Make the routes."""
    api = router("songs")

    @api.get("/library", response_model=models.Songs)
    async def library(asked: Annotated[models.Listed, Query()]) -> Response:
        """List songs: some of them, sorted, page by page."""
        return answer(await editions.ask(lambda engine, edition: _listed(engine, edition, asked)))

    @api.get("/songs/{song}", response_model=models.SongWithCurve, responses=problems(404))
    async def song(song: SongId, asked: Annotated[models.Whose, Query()]) -> Response:
        """Tell all about one song, with the course of its mood."""
        return answer(await desk.ask(lambda engine: _song(engine, song), listener=asked.listener))

    @api.get("/songs/{song}/curve", response_model=models.Curve, responses=problems(404))
    async def curve(song: SongId) -> Response:
        """Tell the course of a song's mood."""
        track = await desk.ask(lambda engine: engine.track(song))
        return answer({"id": track.id, "duration_s": round(track.duration_s, 3), "timeline": _timeline(track)})

    @api.put("/songs/{song}/label", response_model=models.Song, responses=problems(404, 409))
    async def label(song: SongId, given: models.LabelGiven) -> Response:
        """Set the mood of a song by hand, or leave it to the model again."""
        track = await desk.ask(lambda engine: engine.label(song, given.mood), lane=Lane.NOTE)
        editions.renew()
        desk.hurry()
        return answer(shapes.track(track))

    @api.get("/artists", response_model=models.Artists)
    async def artists(asked: Annotated[models.ArtistsAsked, Query()]) -> Response:
        """List artists by name, those that have all words of a search."""
        return answer(await editions.ask(lambda _, edition: _artists(edition.catalogue, asked)))

    @api.get("/map", response_class=Response, responses=_MAP)
    async def places(
        accept_encoding: HeaderLines,
        if_none_match: HeaderLines,
    ) -> Response:
        """Give all songs as places on the plane of valence and arousal, in binary."""
        edition, packed = await editions.get(), takes_gzip(accept_encoding)
        etag = f'"{edition.etag}-gzip"' if packed else f'"{edition.etag}"'
        named = {
            "etag": etag,
            "cache-control": "private, no-cache",
            "vary": "accept-encoding",
            "x-moods": ",".join(map(quote, edition.catalogue.moods)),
        }
        if has_already(if_none_match, etag):
            return Response(status_code=304, headers=named)
        content = await desk.ask(lambda _: edition.map_gzip if packed else edition.map, lane=Lane.LOOK)
        encoding = {"content-encoding": "gzip"} if packed else {}
        return Response(content, headers={**named, **encoding}, media_type="application/octet-stream")

    @api.get("/map/filter", response_class=Response, responses=_BINARY)
    async def filtered(asked: Annotated[models.Which, Query()]) -> Response:
        """Give the ids of songs, in binary: how many, then each, in 32 bits."""
        content = await editions.ask(
            lambda _, edition: matching(edition.catalogue, edition.catalogue.select(_sieve(asked)))
        )
        return Response(content, media_type="application/octet-stream", headers={"cache-control": "private, no-cache"})

    @api.get("/failures", response_model=models.Failures)
    async def failures(asked: Annotated[models.FailuresAsked, Query()]) -> Response:
        """List the files that could not be analysed, and why, page by page."""
        return answer(await desk.ask(lambda engine: _failures(engine, asked), lane=Lane.LOOK))

    return api


def _sieve(asked: models.Which) -> Sieve:
    return Sieve(asked.search, asked.mood, asked.artist, asked.genre, asked.missing, asked.unsure)


def _listed(engine: Engine, edition: Edition, asked: models.Listed) -> dict[str, Any]:
    songs = edition.catalogue
    found = songs.select(_sieve(asked))
    ids, cursor = songs.page(found, asked.sort, asked.limit, asked.cursor, asked.order == "desc")
    tracks = engine.store.tracks_of(ids)
    return {"songs": [shapes.track(track) for track in tracks], "next_cursor": cursor, "total": int(found.sum())}


def _song(engine: Engine, song: int) -> dict[str, Any]:
    track = engine.track(song)
    return {**shapes.track(track), "liking": engine.liking(song), "timeline": _timeline(track)}


def _timeline(track: Track) -> list[dict[str, Any]]:
    return [shapes.span(span) for span in track.mood.timeline] if track.mood else []


def _artists(songs: Catalogue, asked: models.ArtistsAsked) -> dict[str, Any]:
    wanted = fold(asked.search).split()
    counts = np.bincount(songs.artist, minlength=len(songs.artists))
    found = [
        (name, count)
        for name, count in zip(songs.artists, counts.tolist(), strict=False)
        if name and all(word in fold(name) for word in wanted)
    ]
    return {"artists": [{"name": name, "songs": count} for name, count in found[: asked.limit]], "total": len(found)}


def _failures(engine: Engine, asked: models.FailuresAsked) -> dict[str, Any]:
    try:
        after = os.fsdecode(bytes.fromhex(asked.cursor or ""))
    except ValueError:
        raise ConfigError("cursor: it belongs to another list; begin without one") from None
    found = engine.store.failures_after(after, asked.limit + 1)
    page = found[: asked.limit]
    return {
        "failures": [{**shapes.failure(one), "kind": one.kind} for one in page],
        "next_cursor": os.fsencode(page[-1].path).hex() if len(found) > len(page) else None,
    }
