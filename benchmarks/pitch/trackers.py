"""Pitch trackers that take and give the same: ``f(x, rate, hop, f0_min, f0_max)`` gives times in seconds, F0, HNR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood.features import Extractor, FeatureConfig

Floats = NDArray[np.float64]
Track = tuple[Floats, Floats, Floats]  # frame centres in s, F0 in Hz (0: unvoiced), HNR in dB (NaN: not given)
Tracker = Callable[[NDArray[np.float32], int, int, float, float], Track]

FINE_S = 0.005  # Praat chooses where its frames begin: this close together, one is near any time
#: Frame length and FFT that go with a hop, as the product has them: they decide where rows begin, not what F0 is.
FRAMES = {160: (400, 512), 551: (662, 1024)}


def edgemood(x: NDArray[np.float32], rate: int, hop: int, f0_min: float, f0_max: float) -> Track:
    """Ours."""
    frame, n_fft = FRAMES[hop]
    config = FeatureConfig(
        output="frames",
        sample_rate=rate,
        hop_length=hop,
        frame_length=frame,
        n_fft=n_fft,
        mel_fmax_hz=min(10000.0, rate / 2),
        f0_min_hz=f0_min,
        f0_max_hz=f0_max,
    )
    extractor = Extractor(config, ["f0", "hnr"])
    rows = np.concatenate([extractor.push(x), extractor.finish()]).astype(float)
    times = (np.arange(len(rows)) * hop + extractor.row_length / 2) / rate
    return times, rows[:, 0], rows[:, 1]


def praat(x: NDArray[np.float32], rate: int, hop: int, f0_min: float, f0_max: float) -> Track:
    """Praat's autocorrelation method with its standard settings, its best path included, and its harmonicity."""
    return _praat(x, rate, hop, f0_min, f0_max)


def praat_pathless(x: NDArray[np.float32], rate: int, hop: int, f0_min: float, f0_max: float) -> Track:
    """Praat's method, each frame by itself: no cost for jumps or for voicing switches."""
    return _praat(x, rate, hop, f0_min, f0_max, octave_jump_cost=0.0, voiced_unvoiced_cost=0.0)


def _praat(x: NDArray[np.float32], rate: int, hop: int, f0_min: float, f0_max: float, **costs: float) -> Track:
    import parselmouth

    sound: Any = parselmouth.Sound(x.astype(float), rate)
    step = hop / rate / max(1, round(hop / rate / FINE_S))
    pitch = sound.to_pitch_ac(time_step=step, pitch_floor=f0_min, pitch_ceiling=f0_max, **costs)
    strength = np.clip(pitch.selected_array["strength"], 1e-4, 1 - 1e-4)
    voiced = pitch.selected_array["frequency"] > 0
    hnr = np.where(voiced, 10 * np.log10(strength / (1 - strength)), np.nan)
    return pitch.xs(), pitch.selected_array["frequency"], hnr


def pyin(x: NDArray[np.float32], rate: int, hop: int, f0_min: float, f0_max: float) -> Track:
    """The probabilistic YIN of librosa with its standard settings, frames of three periods as ours."""
    import librosa

    length = 2 * int(np.ceil(1.5 * rate / f0_min))
    first = length // 2 % hop  # that its frames' centres are ours
    f0, voiced, _ = librosa.pyin(x[first:], fmin=f0_min, fmax=f0_max, sr=rate, frame_length=length, hop_length=hop)
    return (first + np.arange(len(f0)) * hop) / rate, np.where(voiced, f0, 0.0), np.full(len(f0), np.nan)


TRACKERS: dict[str, Tracker] = {"edgemood": edgemood, "Praat": praat, "Praat, no path": praat_pathless, "pYIN": pyin}
