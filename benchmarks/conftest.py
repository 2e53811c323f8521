"""Signals the benchmarks share: seeded, music-like, the same for every peer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


def music(seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """Chords of decaying harmonics over noise, float32 in [-1, 1]."""
    rng = np.random.default_rng(2020)
    note = sample_rate // 2
    t = np.arange(note) / sample_rate
    notes = []
    for _ in range(int(np.ceil(seconds * 2))):
        pitches = 110.0 * 2 ** (rng.integers(0, 24, size=3) / 12)
        harmonics = sum(np.sin(2 * np.pi * f * h * t) / h for f in pitches for h in range(1, 9))
        notes.append(0.1 * harmonics * np.exp(-3 * t) + rng.normal(0, 0.003, note))
    return np.concatenate(notes)[: int(seconds * sample_rate)].astype(np.float32)


@pytest.fixture(scope="session")
def minute_16k() -> NDArray[np.float32]:
    """60 s at 16 kHz: the MFCC comparison of 25 ms / 10 ms frames."""
    return music(60, 16000)


@pytest.fixture(scope="session")
def song() -> NDArray[np.float32]:
    """240 s at 22,050 Hz: one song as the default configuration sees it."""
    return music(240, 22050)
