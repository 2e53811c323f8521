"""How well two pitch contours agree, by the field's measures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Shares are of frames. Pitch of 0 means unvoiced; NaN stands where there is nothing to count."""

    frames: int
    voicing_recall: float  # of the voiced frames, voiced here too
    voicing_false_alarm: float  # of the unvoiced frames, voiced here
    raw_pitch: float  # of the voiced frames, within 50 cents
    raw_chroma: float  # the same, octaves forgiven
    gross: float  # of the frames voiced in both, more than 20 % off
    too_high: float  # the part of `gross` above
    too_low: float  # the part of `gross` below
    fine_mean_cents: float  # of those that are not gross
    fine_sd_cents: float

    HEADER = "frames   VR%  VFA%  RPA%  RCA%  GPE%   up% down%  mean-c  sd-c"

    def __str__(self) -> str:
        shares = (
            self.voicing_recall,
            self.voicing_false_alarm,
            self.raw_pitch,
            self.raw_chroma,
            self.gross,
            self.too_high,
            self.too_low,
        )
        cells = [f"{self.frames:6d}"] + [f"{100 * s:5.1f}" for s in shares]
        return " ".join([*cells, f"{self.fine_mean_cents:7.2f}", f"{self.fine_sd_cents:5.1f}"])


def agreement(truth: Floats, estimate: Floats) -> Agreement:
    """Of `estimate` with `truth`, Hz frame by frame."""
    voiced, here = truth > 0, estimate > 0
    both = voiced & here
    cents = 1200 * np.log2(estimate[both] / truth[both])
    ratio = estimate[both] / truth[both] - 1
    gross = np.abs(ratio) > 0.2
    chroma = np.abs((cents + 600) % 1200 - 600)
    fine = cents[~gross]
    return Agreement(
        len(truth),
        _share(here[voiced]),
        _share(here[~voiced]),
        _share(np.abs(cents) <= 50, int(np.sum(voiced))),
        _share(chroma <= 50, int(np.sum(voiced))),
        _share(gross),
        _share(ratio > 0.2),
        _share(ratio < -0.2),
        float(np.mean(fine)) if len(fine) else np.nan,
        float(np.std(fine)) if len(fine) else np.nan,
    )


def _share(hits: NDArray[np.bool_], of: int | None = None) -> float:
    total = len(hits) if of is None else of
    return float(np.sum(hits)) / total if total else np.nan


def at_times(times: Floats, f0: Floats, wanted: Floats) -> Floats:
    """The contour at other times: between two voiced neighbours less than a fifth apart in between, else the nearer's.

    Times beyond the contour take its ends' frames if no further than they are from each other, else 0.
    """
    if len(times) < 2:
        return np.zeros(len(wanted))
    right = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    left = right - 1
    share = (wanted - times[left]) / (times[right] - times[left])
    a, b = f0[left], f0[right]
    near = np.where(share < 0.5, a, b)
    smooth = (a > 0) & (b > 0) & (np.abs(a - b) < 0.2 * np.minimum(a, b)) & (share >= 0) & (share <= 1)
    out = np.where(smooth, np.where(a > 0, a, 1) ** (1 - share) * np.where(b > 0, b, 1) ** share, near)
    return np.where((share < -1) | (share > 2), 0.0, out)


def pooled(pairs: Iterable[tuple[Floats, Floats]]) -> Agreement:
    """Over all frames of several contours."""
    truths, estimates = zip(*pairs, strict=True)
    return agreement(np.concatenate(truths), np.concatenate(estimates))
