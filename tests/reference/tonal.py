"""Tonal frames: peaks of a fine spectrum at the low rate, their chroma, and how they sound together."""

from dataclasses import dataclass
from math import ceil, floor, log2

import numpy as np

from reference.pitch import LowRate
from reference.spectrum import window

FRAME_S = 0.14
LOWEST_HZ, HIGHEST_HZ, HIGHEST_SHARE = 80.0, 2400.0, 0.33
FLOOR = 1e-10
STRONGEST = 10


@dataclass(frozen=True)
class TonalFrame:
    """What follows from the low rate."""

    low: LowRate

    @property
    def length(self) -> int:
        return 2 ** int(np.clip(round(log2(FRAME_S * self.low.rate_hz)), 5, 14))

    @property
    def covered(self) -> int:
        return (self.length - 1) * self.low.decimation + len(self.low.taps)

    @property
    def band(self) -> range:
        """The bins searched."""
        top_hz = min(HIGHEST_HZ, HIGHEST_SHARE * self.low.rate_hz)
        bins = [hz * self.length / self.low.rate_hz for hz in (LOWEST_HZ, top_hz)]
        return range(ceil(bins[0]), max(ceil(bins[0]), floor(bins[1])))

    @property
    def bin_hz(self) -> float:
        return self.low.rate_hz / self.length


def power_spectrum(frames: np.ndarray) -> np.ndarray:
    """[frames, LT/2 + 1] of frames less their means."""
    length = frames.shape[1]
    frames = (frames - frames.mean(1, keepdims=True)) * window("hann", length)
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2 / length


def peaks(power: np.ndarray, frame: TonalFrame) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and amplitudes of one spectrum's maxima in the band."""
    k = np.array(frame.band, dtype=int)
    k = k[(power[k] > power[k - 1]) & (power[k] >= power[k + 1]) & (power[k] > FLOOR)]
    left, middle, right = (np.log(np.maximum(power[k + i], 1e-20)) for i in (-1, 0, 1))
    curve = left - 2 * middle + right
    shift = np.clip(0.5 * (left - right) / np.where(curve < 0, curve, -1), -0.5, 0.5)  # 0: equal but for rounding
    return (k + shift) * frame.bin_hz, np.exp(0.5 * (middle - 0.25 * (left - right) * shift))


def semitones(frequencies: np.ndarray) -> np.ndarray:
    return 12 * np.log2(frequencies / 440)


def chroma(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    pitch = semitones(frequencies)
    below = np.floor(pitch).astype(int)
    classes = np.zeros(12)
    np.add.at(classes, below % 12, amplitudes * (1 - (pitch - below)))
    np.add.at(classes, (below + 1) % 12, amplitudes * (pitch - below))
    return classes / classes.sum() if classes.sum() > 1e-9 else np.zeros(12)


def tonalness(
    power: np.ndarray, frequencies: np.ndarray, amplitudes: np.ndarray, frame: TonalFrame
) -> dict[str, float]:
    band = power[frame.band.start : frame.band.stop]
    if not len(band):
        return {"tonal_prominence": 0.0, "tonal_peak_share": 0.0, "tonal_tuning": 0.0}
    floored = np.maximum(band, FLOOR)
    turns = np.sum(amplitudes * np.exp(2j * np.pi * semitones(frequencies)))
    return {
        "tonal_prominence": np.log(floored.mean()) - np.log(floored).mean(),
        "tonal_peak_share": min(1.0, np.sum(amplitudes**2) / max(band.sum(), 1e-12)),
        "tonal_tuning": abs(turns) / max(amplitudes.sum(), 1e-12),
    }


def together(frequencies: np.ndarray, amplitudes: np.ndarray) -> dict[str, float]:
    """Of the strongest peaks: roughness three ways, inharmonicity, and where they lie."""
    strongest = np.argsort(-amplitudes, kind="stable")[:STRONGEST]
    f, a = frequencies[strongest], amplitudes[strongest]
    if not len(f):
        return dict.fromkeys(STRONGEST_PEAKS, 0.0)
    energy = a @ a
    i, j = np.triu_indices(len(f), 1)
    low, high = np.minimum(f[i], f[j]), np.maximum(f[i], f[j])
    x = 0.24 * (high - low) / (0.0207 * low + 18.96)
    beating = np.exp(-3.5 * x) - np.exp(-5.75 * x)
    fluctuation = (2 * np.minimum(a[i], a[j]) / (a[i] + a[j])) ** 3.11
    harmonic = f / f[a > 0.1 * a.max()].min()
    return {
        "roughness": np.minimum(a[i], a[j]) @ beating / np.sqrt(energy),
        "roughness_product": (a[i] * a[j]) @ beating / energy,
        "roughness_vassilakis": np.sum(np.maximum(a[i] * a[j], 1e-30) ** 0.1 * 0.5 * fluctuation * beating),
        "inharmonicity": np.sum(2 * np.abs(harmonic - np.round(harmonic)) * a**2) / energy,
        "strongest_peak_share": a.max() ** 2 / energy,
        "peak_centroid": f @ a / a.sum(),
    }


def tonal_centroid(c: np.ndarray) -> np.ndarray:
    """Fifths, minor thirds, major thirds (of half the radius)."""
    k = np.arange(12)
    circles = [(1, 7 * np.pi / 6), (1, 3 * np.pi / 2), (0.5, 2 * np.pi / 3)]
    return np.array([r * wave(k * angle) @ c for r, angle in circles for wave in (np.sin, np.cos)])


def change(c: np.ndarray, before: np.ndarray) -> dict[str, float]:
    if not c.any() or not before.any():
        return {"tonal_centroid_change": 0.0, "chroma_change": 0.0}
    cosine = c @ before / np.sqrt((c @ c) * (before @ before))
    distance = np.linalg.norm(tonal_centroid(c) - tonal_centroid(before))
    return {"tonal_centroid_change": distance, "chroma_change": max(0.0, 1 - cosine)}


STRONGEST_PEAKS = (
    *("roughness", "roughness_product", "roughness_vassilakis"),
    *("inharmonicity", "strongest_peak_share", "peak_centroid"),
)
NAMES = (
    *("tonal_prominence", "tonal_peak_share", "tonal_tuning"),
    *STRONGEST_PEAKS,
    *("tonal_centroid_change", "chroma_change"),
    *(f"chroma_{i}" for i in range(12)),
)


def tonal_values(frames: np.ndarray, frame: TonalFrame) -> dict[str, np.ndarray]:
    """[frames] of each of `NAMES`, of consecutive frames of low-rate samples ``[frames, LT]``."""
    rows, before = [], np.zeros(12)
    for power in power_spectrum(frames):
        f, a = peaks(power, frame)
        c = chroma(f, a)
        classes = {f"chroma_{i}": share for i, share in enumerate(c)}
        rows.append(classes | tonalness(power, f, a, frame) | together(f, a) | change(c, before))
        before = c
    return {name: np.array([row[name] for row in rows]) for name in NAMES}
