"""Functionals: what one number says about a descriptor over the frames of a segment."""

from collections.abc import Callable

import numpy as np

Functional = Callable[[np.ndarray, np.ndarray], float]  # (values, times in s) -> number


def _moment(x: np.ndarray, order: int) -> float:
    return float(np.mean((x - x.mean()) ** order))


def _flat(x: np.ndarray) -> bool:
    return bool(np.sqrt(_moment(x, 2)) <= 1e-7 * np.max(np.abs(x)))


def _skewness(x: np.ndarray, _t: np.ndarray) -> float:
    return 0.0 if _flat(x) else _moment(x, 3) / _moment(x, 2) ** 1.5


def _kurtosis(x: np.ndarray, _t: np.ndarray) -> float:
    return 0.0 if _flat(x) else _moment(x, 4) / _moment(x, 2) ** 2 - 3


def _slope(x: np.ndarray, t: np.ndarray) -> float:
    t = t - t.mean()
    spread = float(t @ t)
    return float(t @ x) / spread if spread > 0 else 0.0


def _delta_sd(x: np.ndarray, counts: np.ndarray) -> float:
    """Of the steps between neighbours that both count."""
    steps = np.diff(x)[counts[1:] & counts[:-1]]
    return float(np.std(steps)) if len(steps) else 0.0


FUNCTIONALS: dict[str, Functional] = {
    "mean": lambda x, t: float(np.mean(x)),
    "min": lambda x, t: float(np.min(x)),
    "max": lambda x, t: float(np.max(x)),
    "median": lambda x, t: float(np.median(x)),
    "sd": lambda x, t: float(np.sqrt(_moment(x, 2))),
    "range": lambda x, t: float(np.max(x) - np.min(x)),
    "skewness": _skewness,
    "kurtosis": _kurtosis,
    "slope": _slope,
    "low_share": lambda x, t: float(np.mean(x < 0.5 * np.mean(x))),
    "voiced_share": lambda x, t: float(np.mean(x > 0)),
    "delta_sd": lambda x, t: _delta_sd(x, np.ones(len(x), dtype=bool)),
}


def functional(name: str, values: np.ndarray, times_s: np.ndarray, absent_is_zero: bool) -> float:
    """Of one segment's frames. `absent_is_zero`: a value of 0 means "none in this frame" and is left out."""
    if absent_is_zero and name == "delta_sd":
        return _delta_sd(values, values > 0)
    if absent_is_zero and name != "voiced_share":
        present = values > 0
        values, times_s = values[present], times_s[present]
        if not len(values):
            return 0.0
    return FUNCTIONALS[name](values, times_s)
