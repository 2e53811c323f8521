"""Songs as if they had been analysed, and a library filled with them: for tests that need no audio."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import numpy as np

from edgemood.domain import QUADRANTS, Failure, FeatureSequence, Mood, MoodSpan, SongAnalysis, Tags, plane_position
from edgemood.library import FileStamp, Library, Recipe

#: Where the songs lie: a folder of its own for each run of the tests. Its name is one word, as no search looks for.
MUSIC = f"{tempfile.gettempdir()}/edgemoodshelf{uuid4().hex}"
Path(MUSIC).mkdir()
atexit.register(shutil.rmtree, MUSIC, ignore_errors=True)

RECIPE = Recipe.of("shelf-1", "1", ["energy_mean"], {"hop": 1})


def mood(label: str, share: float = 0.7, seed: int = 0, model: str = "shelf-1") -> Mood:
    """Four spans of a mood; its vector lies near the axis of its label."""
    rest = (1 - share) / 3
    scores = {name: share if name == label else rest for name in QUADRANTS}
    valence, arousal = plane_position(scores)
    spans = [MoodSpan(30.0 * i, 30.0 * (i + 1), scores, valence, arousal, (i + 1) / 10) for i in range(4)]
    vector = np.array([scores[name] for name in QUADRANTS]) + np.random.default_rng(seed).normal(0, 0.05, 4)
    return Mood(scores, vector.astype(np.float32), spans, model)


def analysis(name: str, label: str, artist: str = "", title: str = "", seed: int = 0) -> SongAnalysis:
    values = np.ones((3, 1), np.float32)
    features = FeatureSequence(values, np.arange(3.0), np.arange(3.0) + 3, ("energy_mean",), "1")
    content = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest()
    return SongAnalysis(content, Tags(title or name, artist), 120.0, features, mood(label, seed=seed))


def fill(library: Library, songs: Sequence[tuple[str, str, str]]) -> list[int]:
    """Store songs (path, mood's label, artist), with empty files for those in MUSIC, and give their ids."""
    for path, _, _ in songs:
        if Path(path).parent == Path(MUSIC):
            Path(path).touch()
    return [
        library.store(path, FileStamp(1, 1), analysis(path, label, artist, f"Song {number}", number), RECIPE)
        for number, (path, label, artist) in enumerate(songs)
    ]


def fail(path: str | os.PathLike[str], file: str, error: str) -> None:
    """List a file as failed in the library at `path`."""
    with Library.open(path) as library:
        library.fail(Failure(file, "CorruptAudioError", error), FileStamp(1, 1), "1")


def clear() -> None:
    """Remove the files, as an unplugged drive does."""
    for path in Path(MUSIC).iterdir():
        if path.is_file():
            path.unlink()
