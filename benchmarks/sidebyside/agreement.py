"""Whether a peer computes what we compute: on music, and on a sung vowel where pitch and formants are at stake."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .settings import Rows

_SHIFTS = range(-12, 13)  # frames; libraries differ in where a frame's time is
_EDGE = 15
_CENTS = 50.0
#: Judged on the voice only.
VOICED = {"f0", "hnr", "formant_1", "formant_2"}


def agreement(ours: Rows, theirs: Rows, names: tuple[str, ...], voice: NDArray[np.bool_]) -> dict[str, float]:
    """How well each named column agrees, 0 to 1.

    For `f0` it is the share of frames within 50 cents, of those that we call voiced; for the rest Pearson's
    correlation. The one shift of up to 12 frames that is best for all columns is allowed.

    Parameters
    ----------
    ours, theirs
        ``[frames, len(names)]``; a column with an empty name is not compared.
    voice
        ``[frames]`` of ours: frames of the sung vowel.
    """
    if theirs.ndim != 2 or theirs.shape[1] != len(names):
        raise ValueError(f"expected {len(names)} columns, got an array of shape {theirs.shape}")
    compared = [i for i, name in enumerate(names) if name and name != "mfcc_0"]
    best: dict[str, float] = {}
    for shift in _SHIFTS:
        n = min(len(ours), len(theirs) + shift) - _EDGE
        at = np.arange(_EDGE + max(shift, 0), n)
        if len(at) < 100:
            raise ValueError(f"{len(theirs)} frames where we have {len(ours)}")
        found = {}
        for i in compared:
            chosen = at[voice[at]] if names[i] in VOICED else at
            found[names[i]] = _column(ours[chosen, i], theirs[chosen - shift, i], names[i])
        if not best or sum(found.values()) > sum(best.values()):
            best = found
    return best


def _column(ours: Rows, theirs: Rows, name: str) -> float:
    if name in VOICED:
        both = np.isfinite(theirs) & (ours > 0 if name != "hnr" else theirs > -100)
        ours, theirs = ours[both], theirs[both]
    if name == "f0":
        positive = theirs > 0
        cents = 1200 * np.abs(np.log2(np.where(positive, theirs, 1) / np.maximum(ours, 1e-9)))
        return float(np.mean(positive & (cents < _CENTS))) if len(ours) else 0.0
    if len(ours) < 10 or ours.std() == 0 or theirs.std() == 0:
        return 0.0
    return float(np.corrcoef(ours, theirs)[0, 1])
