"""Learning the normalisation of descriptors from training sequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgemood.bundle import Normalisation

#: Percentiles taken for minimum and maximum: the very extremes of a set say little about the next one.
LOW, HIGH = 0.5, 99.5
#: Half-width of the normalised range, and where values outside the learned range are cut.
SPAN, LIMIT = 2.0, 2.6
#: Descriptors whose values spread over decades, and the value below which they mean nothing: name or prefix -> floor.
LOG_FLOORS = {
    "spectral_centroid": 20.0,
    "spectral_rolloff": 20.0,
    "spectral_flatness": 1e-6,
    "formant": 20.0,
    "energy_max": 1e-4,
    "energy_min": 1e-4,
    "energy_mean": 1e-4,
    "energy_median": 1e-4,
    "energy_sd": 1e-4,
    "energy_range": 1e-4,
    "f0_max": 20.0,
    "f0_min": 20.0,
    "f0_mean": 20.0,
    "f0_median": 20.0,
    "f0_sd": 20.0,
    "zcr_max": 2e-3,
    "zcr_min": 2e-3,
    "zcr_mean": 2e-3,
    "zcr_median": 2e-3,
    "zcr_sd": 2e-3,
    "zcr_range": 2e-3,
}
SIGNED_LOG = ("energy_slope", "energy_skewness", "energy_kurtosis", "zcr_skewness", "zcr_kurtosis")


def transform_of(name: str) -> tuple[str, float]:
    """The transform of a descriptor and its floor (0 where the transform has none)."""
    if name in SIGNED_LOG:
        return "signed_log", 0.0
    floor = next((floor for prefix, floor in LOG_FLOORS.items() if name.startswith(prefix)), None)
    return ("linear", 0.0) if floor is None else ("log", floor)


def learn(sequences: Iterable[NDArray[np.float32]], names: Sequence[str]) -> Normalisation:
    """The normalisation that maps the bulk of the training segments to ``[-SPAN, SPAN]``."""
    transforms, floors = zip(*(transform_of(name) for name in names), strict=True)
    zeros, ones = (0.0,) * len(names), (1.0,) * len(names)
    draft = Normalisation(transforms, floors, zeros, ones, SPAN, LIMIT)
    values = draft.transform(np.concatenate(list(sequences)))
    low, high = np.percentile(values, [LOW, HIGH], axis=0)
    high = np.maximum(high, low + 1e-6)  # a constant descriptor carries nothing, but must not divide by zero
    return Normalisation(transforms, floors, tuple(low.tolist()), tuple(high.tolist()), SPAN, LIMIT)
