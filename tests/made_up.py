"""Made-up analyses for tests that need results, not sound. Seeded: the same number gives the same song."""

from __future__ import annotations

import hashlib

import numpy as np

from edgemood._pack import rounded
from edgemood.domain import FeatureSequence, Mood, MoodSpan, SongAnalysis, Tags, plane_position
from edgemood.library import Recipe

NAMES = ("mfcc_1_mean", "energy_max", "f0_median", "zcr_range")
LABELS = ("happy", "angry", "sad", "calm")
RECIPE = Recipe.of("test-1", "9", NAMES, {"sample_rate": 22050, "hop_length": 551})


def features(number: int, rows: int = 20) -> FeatureSequence:
    rng = np.random.default_rng(number)
    values = rng.normal(size=(rows, len(NAMES))) * 10.0 ** rng.integers(-9, 9, len(NAMES))
    start_s = np.arange(rows) * 40 * 551 / 22050
    return FeatureSequence(values.astype(np.float32), start_s, start_s + 3.0021, NAMES, "9")


def mood(number: int, model: str = "test-1", spans: int = 7) -> Mood:
    rng = np.random.default_rng(number)
    table = rng.dirichlet(np.ones(len(LABELS)), spans).astype(np.float32)
    attention = rng.dirichlet(np.ones(spans))
    timeline = []
    for i, row in enumerate(table):
        scores = {label: float(p) for label, p in zip(LABELS, row, strict=True)}
        timeline.append(MoodSpan(i * 1.0, i + 1.0, scores, *plane_position(scores), float(attention[i])))
    scores = {label: float(p) for label, p in zip(LABELS, attention @ table, strict=True)}
    return Mood(scores, rng.normal(size=16).astype(np.float32), tuple(timeline), model)


def content(number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()


def analysis(number: int, rows: int = 20, model: str = "test-1", artist: str = "") -> SongAnalysis:
    tags = Tags(f"Song {number}", artist or f"Artist {number % 7}", "Album")
    return SongAnalysis(content(number), tags, 180.0 + number, rounded(features(number, rows)), mood(number, model), {})
