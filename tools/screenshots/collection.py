"""A collection that looks like one, and somebody who has listened to it for six hours. Seeded: always the same."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np

from edgemood.domain import QUADRANTS, FeatureSequence, Mood, MoodSpan, SongAnalysis, Tags, plane_position
from edgemood.engine import Engine
from edgemood.library import FileStamp, Library, Recipe

SONGS = 3000
#: What is listened to: a mood, and for how many hours.
DAY = (("sad", 1.7), ("calm", 1.5), ("happy", 1.0), ("angry", 0.8), ("happy", 0.8))

_FIRST = ("Late", "Lost", "Slow", "Paper", "Glass", "Second", "Winter", "Open", "Silver", "Half", "Quiet", "Neon")
_LAST = ("Machine", "Window", "River", "Letters", "Summer", "Harbour", "Signal", "Garden", "Dance", "Road", "Moon")
_ARTISTS = (
    "The Lanterns",
    "Ana Ruiz",
    "Kite Season",
    "Oskar Lind",
    "Low Tide",
    "Mira & the Owls",
    "Halden",
    "Yuki Mori",
)
_GENRES = {"happy": "Pop", "angry": "Rock", "sad": "Singer/Songwriter", "calm": "Ambient"}
_RECIPE = Recipe.of("made-up", "1", ["energy_mean"], {"hop": 1})
_SPAN_S = 15.0
_SONG_S = 230.0
_EACH = 10  # songs of an album


def make(path: Path, music: Path) -> None:
    """Write the library, with an empty file for each song below `music`."""
    rng = np.random.default_rng(7)
    names = list(itertools.product(_FIRST, _LAST))
    with Library.open(path) as library:
        for album in range(SONGS // _EACH):
            label = list(QUADRANTS)[int(rng.integers(len(QUADRANTS)))]
            artist = f"{_ARTISTS[album % len(_ARTISTS)]}{((number := album // 40) and f' {number + 1}') or ''}"
            title = " ".join(names[int(rng.integers(len(names)))])
            folder = music / artist / title
            folder.mkdir(parents=True, exist_ok=True)
            for track in range(_EACH):
                tags = Tags(" ".join(names[int(rng.integers(len(names)))]), artist, title, _GENRES[label])
                file = folder / f"{album % 3}{track} {tags.title}.ogg"
                file.touch()
                library.store(str(file), FileStamp.of(file.stat()), _analysis(rng, str(file), label, tags), _RECIPE)


def _analysis(rng: np.random.Generator, name: str, label: str, tags: Tags) -> SongAnalysis:
    seconds = float(np.clip(rng.normal(_SONG_S, 40), 90, 400))
    mood = _mood(rng, label, seconds)
    features = FeatureSequence(np.ones((1, 1), np.float32), np.zeros(1), np.full(1, 3.0), ("energy_mean",), "1")
    return SongAnalysis(blake2b(name.encode(), digest_size=16).digest(), tags, seconds, features, mood)


def _mood(rng: np.random.Generator, label: str, seconds: float) -> Mood:
    """Judge a song: most of it of one mood, that wanders a little through it."""
    count = max(2, int(seconds / _SPAN_S))
    lean = np.array([2.2 if name == label else 0.0 for name in QUADRANTS]) * rng.uniform(0.3, 1.6)
    lean += rng.normal(0, 0.6, len(lean))
    way = np.cumsum(rng.normal(0, 0.4, (count, len(lean))), axis=0)
    table = np.exp(lean + way - way.mean(axis=0))
    table /= table.sum(axis=1, keepdims=True)
    attention = rng.dirichlet(np.full(count, 2.0))
    whole = dict(zip(QUADRANTS, map(float, attention @ table), strict=True))
    return Mood(whole, np.log(attention @ table).astype(np.float32), tuple(_spans(table, attention)), "made-up")


def _spans(table: np.ndarray, attention: np.ndarray) -> Iterator[MoodSpan]:
    for i, row in enumerate(table):
        scores = dict(zip(QUADRANTS, map(float, row), strict=True))
        yield MoodSpan(_SPAN_S * i, _SPAN_S * (i + 1), scores, *plane_position(scores), float(attention[i]))


def listen(path: Path, now: float | None = None) -> None:
    """Listen up to now: songs of one mood after another, some liked, some skipped."""
    rng = np.random.default_rng(8)
    now = time.time() if now is None else now
    at = now - 3600 * sum(hours for _, hours in DAY)
    with Engine(path) as engine:
        songs = engine.store.tracks()
        for label, hours in DAY:
            of_mood = [song for song in songs if song.mood and song.mood.label == label]
            for _ in range(math.floor(3600 * hours / _SONG_S)):
                song = of_mood[int(rng.integers(len(of_mood)))]
                chance = rng.uniform()
                if chance < 0.12:
                    engine.skipped(song.id, 0.2, at)
                else:
                    engine.played(song.id, at)
                if chance > 0.93:
                    engine.liked(song.id, at + 1)
                at = min(now, at + _SONG_S)
