"""Listeners: their mood, what to play next for them, and what they did."""

from __future__ import annotations

import time
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from edgemood import shapes
from edgemood.domain import FilePath, Listening
from edgemood.engine import Engine
from edgemood.errors import ConfigError
from edgemood.server import models
from edgemood.server.desk import Desk, Lane
from edgemood.server.routes import router
from edgemood.server.settings import Settings
from edgemood.server.streams import Feed
from edgemood.server.strict import answer, problems

_POINTS = 200
_AHEAD_S = 86_400.0

Asked = Annotated[models.Whose, Query()]


def make(desk: Desk, settings: Settings, feed: Feed) -> APIRouter:
    """Make the routes."""
    api = router("listening")

    @api.get("/listener", response_model=models.ListenerNow, responses=problems(409))
    async def listener(asked: Asked) -> Response:
        """Tell the listener's present mood, and why."""
        return answer(shapes.listener(await desk.ask(lambda engine: engine.now(), listener=asked.listener)))

    @api.get("/listener/history", response_model=models.History)
    async def history(asked: Annotated[models.HistoryAsked, Query()]) -> Response:
        """Tell what the listener did in the last hours, and the mood that was read after each play."""
        found = await desk.ask(
            lambda engine: _history(engine.history(asked.hours, _POINTS)), listener=asked.listener, lane=Lane.LOOK
        )
        return answer(found)

    @api.delete("/listener/history", response_model=models.Forgotten)
    async def forget(asked: Asked, given: models.ForgetGiven) -> Response:
        """Remove all that a listener did, and what was learned from it."""
        who = asked.listener or settings.listener
        if given.confirm != who:
            raise ConfigError(f"confirm: to forget what {who!r} did, this has to be that name")
        return answer({"removed": await desk.ask(lambda engine: engine.forget(), listener=who, lane=Lane.NOTE)})

    @api.get("/listeners", response_model=models.Listeners)
    async def listeners() -> Response:
        """List the names of all listeners."""
        names = await desk.ask(lambda engine: engine.listeners())
        return answer({"listeners": names, "default": settings.listener})

    @api.get("/next", response_model=models.Picks, responses=problems(404, 409))
    async def next_songs(asked: Annotated[models.NextAsked, Query()]) -> Response:
        """Recommend what to play next, and say why."""
        return answer(await desk.ask(lambda engine: _next(engine, asked), listener=asked.listener))

    @api.post("/plays", status_code=201, response_model=models.Played, responses=problems(404))
    async def played(asked: Asked, given: models.PlayGiven) -> Response:
        """Note that a song was played; it is on the disk when this is answered."""
        return answer(await desk.ask(lambda e: _played(e, given), listener=asked.listener, lane=Lane.NOTE), 201)

    @api.post("/events", status_code=201, response_model=models.Done, responses=problems(404))
    async def done(asked: Asked, given: models.EventGiven) -> Response:
        """Note a skip, a like or a ban; it is on the disk when this is answered."""
        return answer(await desk.ask(lambda e: _done(e, given), listener=asked.listener, lane=Lane.NOTE), 201)

    @api.delete("/events", response_model=models.Forgotten, responses=problems(404))
    async def taken_back(asked: Asked, given: models.TakenBack) -> Response:
        """Take back a play, skip, like or ban: it is as if it had not been."""
        removed = await desk.ask(lambda e: _taken_back(e, given), listener=asked.listener, lane=Lane.NOTE)
        if removed:
            feed.send("listener", {"changed": True})  # nothing new is there by which others would notice
        return answer({"removed": int(removed)})

    return api


def _history(found: Listening) -> dict[str, Any]:
    return {
        "since": round(found.since, 3),
        "until": round(found.until, 3),
        "points": [shapes.mood_at(point) for point in found.points],
        "plays": [
            {
                "at": round(event.at, 3),
                "id": track.id,
                **shapes.path(track.path),
                "title": track.tags.title,
                "artist": track.tags.artist,
                "event": event.kind,
                "heard": event.heard,
            }
            for track, event in found.events
        ],
    }


def _next(engine: Engine, asked: models.NextAsked) -> dict[str, Any]:
    from edgemood.wish import Wish

    for folder in asked.without_folder:  # whether there is such a folder is not for everybody to know
        if not len(engine.store.ids_under(folder)):
            raise ConfigError(f"without_folder: no song of the library lies below {folder!r}")
    given = {
        "variety": asked.variety,
        "smoothness": asked.smoothness,
        "artist_gap": asked.artist_gap,
        "album_gap": asked.album_gap,
        "repeat_after_s": None if asked.repeat_after is None else 3600 * asked.repeat_after,
    }
    wish = Wish(
        mood=asked.mood,
        toward=asked.toward,
        seeds=asked.like,
        without_genres=asked.without_genre,
        without_tags=asked.without_tag,
        without_folders=asked.without_folder,
        include=asked.include,
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    return {"picks": [shapes.pick(pick) for pick in engine.next(asked.n, asked.exclude, wish)]}


def _song(given: models.SongNamed) -> int | FilePath:
    if (given.id is None) == (given.path is None):
        raise ConfigError("a song is named by its id or by its path: one of both")
    if given.at is not None and given.at > time.time() + _AHEAD_S:
        raise ConfigError(f"at: {given.at} s after the epoch lies ahead of the clock")
    if given.path is not None and not PurePath(given.path).is_absolute():
        raise ConfigError(f"path: {given.path!r} is no absolute path")
    return given.id if given.id is not None else str(given.path)


def _played(engine: Engine, given: models.PlayGiven) -> dict[str, Any]:
    track = engine.track(_song(given))
    return shapes.played(engine.played(track.id, given.at, given.offered), track)


def _taken_back(engine: Engine, given: models.TakenBack) -> bool:
    return engine.take_back(_song(given), given.event, given.at)


def _done(engine: Engine, given: models.EventGiven) -> dict[str, Any]:
    track = engine.track(_song(given))
    if given.event == "skip":
        return shapes.event(engine.skipped(track.id, given.heard, given.at, given.offered), track)
    if given.heard is not None or given.offered:
        name = "offered" if given.offered else "heard"
        raise ConfigError(f"{name}: is told of a skip, not of a {given.event}")
    note = engine.liked if given.event == "like" else engine.banned
    return shapes.event(note(track.id, given.at), track)
