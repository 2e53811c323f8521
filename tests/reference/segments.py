"""Descriptors of a segment that are made of several values of its frames."""

import itertools

import numpy as np

# Krumhansl and Kessler 1982, from the tonic up.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
MODULATION_EDGES_HZ = (0.5, 1.5, 3.5, 7.8, 15.8)

COLUMNS = {
    **{f"relative_chroma_{i}": i for i in range(12)},
    **{f"chroma_interval_{k}": k - 1 for k in range(1, 7)},
    **{f"modulation_{g}_{b}": 4 * (g - 1) + b - 1 for g in range(1, 6) for b in range(1, 5)},
}
NEEDS = {
    "relative_chroma": tuple(f"chroma_{i}" for i in range(12)),
    "chroma_interval": tuple(f"chroma_{i}" for i in range(12)),
    "modulation": tuple(f"mel_envelope_{g}" for g in range(1, 6)),
}


def stem(column: str) -> str:
    """'modulation' of 'modulation_2_1'."""
    return column.rstrip("0123456789_")


def mean_chroma(chromas: np.ndarray) -> np.ndarray:
    c = chromas.mean(0)
    return c / c.sum() if c.sum() > 1e-9 else np.zeros(12)


def tonic_scores(c: np.ndarray) -> np.ndarray:
    """[12] the better of the correlations with the major and the minor profile of each tonic."""
    if not c.any():
        return np.zeros(12)
    keys = [[np.corrcoef(c, np.roll(profile, k))[0, 1] for profile in (MAJOR, MINOR)] for k in range(12)]
    return np.max(keys, axis=1)


def relative_chroma(chromas: np.ndarray, tonic: int | None = None) -> np.ndarray:
    c = mean_chroma(chromas)
    return np.roll(c, -int(np.argmax(tonic_scores(c))) if tonic is None else -tonic)


def chroma_interval(chromas: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.fft(mean_chroma(chromas)))[1:7]


def modulation(envelopes: np.ndarray, frame_rate: tuple[int, int]) -> np.ndarray:
    """[5 * 4] of envelopes [frames, 5], `frame_rate` as a fraction in Hz."""
    n = len(envelopes)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)
    power = np.abs(np.fft.rfft((envelopes - envelopes.mean(0)) * window[:, None], axis=0)) ** 2 / n
    f = np.arange(len(power)) * frame_rate[0] / (frame_rate[1] * n)
    edges = list(itertools.pairwise(MODULATION_EDGES_HZ))
    bands = [power[(f >= low) & (f < high)] for low, high in edges]
    means = np.array([band.mean(0) if len(band) else np.zeros(5) for band in bands])
    return np.log(means.T + 1e-4).ravel()


def segment_values(name: str, frames: np.ndarray, config) -> np.ndarray:
    """All members of one descriptor, of a segment's frames of the values that it needs."""
    if name == "modulation":
        return modulation(frames, (config.sample_rate, config.hop_length))
    return {"relative_chroma": relative_chroma, "chroma_interval": chroma_interval}[name](frames)
