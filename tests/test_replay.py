"""The listener's history replayed: what was read of the mood after each play."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shelf
from shelf import MUSIC

import edgemood
from edgemood.domain import QUADRANTS, Event, Mood, Tags, Track
from edgemood.errors import ConfigError
from edgemood.library import Library
from edgemood.listener import WINDOW, read, replay

LABELS = ("calm", "angry", "sad", "happy")


def heard(count: int, seed: int) -> list[tuple[Track, Event]]:
    """Plays and skips, newest first, ten minutes apart."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(count):
        scores = dict(zip(QUADRANTS, rng.dirichlet(np.ones(4)), strict=True))
        mood = Mood(scores, rng.normal(size=4).astype(np.float32), (), "m-1")
        track = Track(number + 1, f"/music/{number}.ogg", Tags(), 200.0, mood)
        events.append((track, Event(track.id, rng.choice(["play", "skip"]), 1e9 - 600 * number)))
    return events


@pytest.mark.parametrize("seed", range(3))
def test_each_mood_is_the_one_that_was_read_then(seed: int) -> None:
    plays = heard(60, seed)
    points = replay(plays, 1e9 - 600 * 30.5, 1000)
    assert [point.at for point in points] == [1e9 - 600 * k for k in range(30, -1, -1)]
    for k, point in enumerate(reversed(points)):
        then = read(plays[k:])
        assert point.mood.scores == then.scores
        assert point.mood.reason == then.reason


def test_of_many_plays_some_evenly_and_the_last() -> None:
    points = replay(heard(100, 0), 0.0, 7)
    assert len(points) == 7
    assert points[-1].at == 1e9
    assert np.ptp(np.diff([point.at for point in points])) <= 600
    assert [point.at for point in replay(heard(100, 0), 0.0, 1)] == [1e9]


def test_nothing_heard_has_no_moods_and_unjudged_songs_are_passed_over() -> None:
    assert replay([], 0.0, 10) == []
    plays = heard(5, 1)
    assert replay(plays, 2e9, 10) == []
    unjudged = [(Track(99, "/music/x.ogg", Tags(), 1.0, None), Event(99, "play", 1e9 - 600 * k)) for k in (5, 6)]
    assert [point.at for point in replay([*plays, *unjudged], 0.0, 10)] == [1e9 - 600 * k for k in range(4, -1, -1)]
    with pytest.raises(ConfigError, match="at least 1"):
        replay(plays, 0.0, 0)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[edgemood.Engine]:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        shelf.fill(library, [(f"{MUSIC}/{n}.ogg", LABELS[n % 4], f"Artist {n}") for n in range(12)])
    with edgemood.open(path) as opened:
        yield opened


def test_a_history_holds_what_was_done_and_ends_with_the_mood_of_now(engine: edgemood.Engine) -> None:
    now = time.time()
    for back, song in enumerate((1, 5, 9, 2), start=1):
        engine.played(song, now - 3600 * 30 - 600 * back)
    engine.played(3, now - 3000)
    engine.played(4, now - 2000)
    engine.skipped(4, 0.3, now - 1950)
    engine.liked(7, now - 1000)
    history = engine.history(hours=1)
    assert [(event.track_id, event.kind, event.heard) for _, event in history.events] == [
        (3, "play", None),
        (4, "play", None),
        (4, "skip", 0.3),
        (7, "like", None),
    ]
    assert [track.id for track, _ in history.events] == [3, 4, 4, 7]
    assert [point.at for point in history.points] == [now - 3000, now - 2000, now - 1950]
    assert history.points[-1].mood.scores == engine.now().scores
    assert history.points[-1].mood.reason == engine.now().reason
    assert history.points[0].mood.plays == 5  # what was played the day before counts, though it is not shown
    assert history.until - history.since == pytest.approx(3600)
    assert now <= history.until <= time.time()


def test_a_long_history_is_read_from_its_begin(engine: edgemood.Engine) -> None:
    now = time.time()
    for number in range(300):
        engine.played(1 + number % 12, now - 60 * (300 - number))
    history = engine.history(hours=5.5, points=1000)
    assert len(history.events) == 300
    assert len(history.points) == 300
    assert [point.mood.plays for point in history.points] == [min(n, WINDOW) for n in range(1, 301)]
    assert len(engine.history(hours=5.5).points) == 200
    assert engine.history(hours=1).points[0].mood.plays == WINDOW


def test_who_did_nothing_has_an_empty_history(engine: edgemood.Engine) -> None:
    history = engine.history()
    assert (list(history.events), list(history.points)) == ([], [])
    engine.played(1, time.time() - 7 * 3600)
    assert not engine.history(6).events


def test_all_moods_lie_in_one_space(engine: edgemood.Engine) -> None:
    now = time.time()
    for minutes, song in ((5, 1), (4, 2), (3, 3)):
        engine.played(song, now - 60 * minutes)
    engine.store.store_mood(3, shelf.mood("sad", model="shelf-2"), replace(shelf.RECIPE, model="shelf-2"))
    points = engine.history(1).points
    assert [(point.mood.model, point.mood.plays) for point in points] == [("shelf-2", 1)]
    assert points[-1].mood.scores == engine.now().scores


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), True, "6"])
def test_a_stretch_of_time_has_a_length(engine: edgemood.Engine, hours: Any) -> None:
    with pytest.raises(ConfigError, match="hours"):
        engine.history(hours)
