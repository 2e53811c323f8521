"""A library without music: analyses out of numbers. The same number gives the same song."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from edgemood._pack import rounded
from edgemood.domain import FeatureSequence, Mood, MoodSpan, SongAnalysis, Tags
from edgemood.library import FileStamp, Library, Recipe

MODEL = "made-up-1"
_NAMES = ("mfcc_1_mean", "energy_max", "f0_median", "zcr_range")
_LABELS = ("happy", "angry", "sad", "calm")
RECIPE = Recipe.of(MODEL, "9", _NAMES, {"sample_rate": 22050, "hop_length": 551})


def analysis(number: int, rows: int = 60) -> SongAnalysis:
    """Make up what a scan would find in a song of `rows` seconds."""
    rng = np.random.default_rng(number)
    start_s = np.arange(rows, dtype=np.float64)
    values = rng.normal(size=(rows, len(_NAMES))).astype(np.float32)
    features = rounded(FeatureSequence(values, start_s, start_s + 3.0, _NAMES, "9"))
    table = rng.dirichlet(np.ones(len(_LABELS)), 8)
    spans = [dict(zip(_LABELS, row.tolist(), strict=True)) for row in table]
    step = rows / len(spans)
    timeline = tuple(
        MoodSpan(i * step, (i + 1) * step, scores, None, None, 1 / len(spans)) for i, scores in enumerate(spans)
    )
    scores = dict(zip(_LABELS, table.mean(axis=0).tolist(), strict=True))
    mood = Mood(scores, rng.normal(size=16).astype(np.float32), timeline, MODEL)
    content = hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()
    return SongAnalysis(
        content, Tags(f"Song {number}", f"Artist {number % 7}", "Album"), float(rows), features, mood, {}
    )


def fill(path: Path, songs: int, music: Path | None = None) -> None:
    """Make a library of songs 1 to `songs`, packed; their paths exist only where a folder for them is given."""
    with Library.open(path) as library:
        for number in range(1, songs + 1):
            store(library, number, music)
        library.pack_shelf(MODEL)


def store(library: Library, number: int, music: Path | None = None) -> int:
    """Keep the analysis of a song; its id."""
    place = (music or Path("/nowhere")) / f"{number}.ogg"
    if music:
        place.touch()
    return library.store(str(place), FileStamp(number, number), analysis(number), RECIPE)
