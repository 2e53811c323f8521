"""How far trackers agree: with known pitch, with what two judges agree on in recordings, and HNR with known noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .metrics import Agreement, at_times, pooled
from .recordings import Recording
from .signals import Signal, noisy_tones
from .trackers import Track, Tracker

Floats = NDArray[np.float64]
F0_MIN, F0_MAX = 55.0, 1000.0
#: Rate and hop of the two configurations that count: that of the speed comparison and the shipped one.
SETTINGS = ((16000, 160), (22050, 551))
SAME_CENTS = 50
#: Tones and noise are low-passed here before HNR is judged: a tracker need not look higher to find F0.
HNR_BAND_HZ = 2000.0


def track(tracker: Tracker, sound: Signal | Recording, hop: int) -> Track:
    """What the tracker makes of it, over the range of F0 that all are given."""
    return tracker(sound.samples, sound.rate, hop, F0_MIN, F0_MAX)


def against_truth(signals: Sequence[Signal], tracker: Tracker, hop: int, by_name: bool = False) -> dict[str, Agreement]:
    """Agreement by kind of signal (or by its name, which tells more), at the tracker's frames, and over "all"."""
    pairs: dict[str, list[tuple[Floats, Floats]]] = {}
    for signal in signals:
        times, f0, _ = track(tracker, signal, hop)
        truth = signal.f0_hz[np.clip(np.round(times * signal.rate).astype(int), 0, len(signal.f0_hz) - 1)]
        pairs.setdefault(signal.name if by_name else signal.kind, []).append((truth, f0))
    table = {kind: pooled(found) for kind, found in pairs.items()}
    table["all"] = pooled([pair for found in pairs.values() for pair in found])
    return table


def against_judges(cases: Sequence[tuple[Track, Track, Track]]) -> Agreement:
    """Agreement of each third contour with what the first two agree on; other frames do not count."""
    pairs = []
    for first, second, third in cases:
        truth, counts = consensus(first, second, third[0])
        pairs.append((truth[counts], third[1][counts]))
    return pooled(pairs)


def consensus(first: Track, second: Track, times: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Two judges' common pitch (0 where both say unvoiced) at `times`, and at which of these they agree."""
    a, b = at_times(first[0], first[1], times), at_times(second[0], second[1], times)
    both = (a > 0) & (b > 0)
    octaves = np.abs(np.log2(np.where(both, a, 1) / np.where(both, b, 1)))
    same = both & (octaves * 1200 <= SAME_CENTS)
    return np.where(same, np.sqrt(a * b), 0.0), same | ((a == 0) & (b == 0))


def against(reference: Sequence[Track], estimates: Sequence[Track]) -> Agreement:
    """Agreement of contours with one judge's, at the contours' own frames."""
    return pooled([(at_times(a[0], a[1], b[0]), b[1]) for a, b in zip(reference, estimates, strict=True)])


def hnr_errors(tracker: Tracker, rate: int, hop: int, band_hz: float | None = HNR_BAND_HZ) -> dict[float, float]:
    """By signal-to-noise ratio in dB: the median of HNR less that ratio over steady tones whose F0 was found."""
    errors: dict[float, list[Floats]] = {}
    for snr, signal in noisy_tones(rate, band_hz):
        _, f0, hnr = track(tracker, signal, hop)
        errors.setdefault(snr, []).append(hnr[np.abs(f0 / signal.f0_hz[0] - 1) < 0.03] - snr)
    return {snr: float(np.median(np.concatenate(found))) for snr, found in errors.items()}
