"""Columns by name: descriptors over frames, functionals of them over segments, and the named set ``lld50``."""

from collections.abc import Callable, Sequence

import numpy as np

from reference import mfcc, segments, spectrum, time_domain, tonal
from reference.framing import Config, Frames
from reference.functionals import FUNCTIONALS, functional

DESCRIPTORS: dict[str, Callable[[Frames], np.ndarray]] = {
    "zcr": lambda f: time_domain.zero_crossing_rate(f.short),
    "energy": lambda f: time_domain.energy(f.short, f.window),
    "spectral_centroid": lambda f: spectrum.centroid(f.power, f.frequencies_hz),
    "spectral_rolloff": lambda f: spectrum.rolloff(f.power, f.frequencies_hz),
    "spectral_flatness": lambda f: spectrum.flatness(f.power),
    "spectral_flux": lambda f: spectrum.flux(f.power),
    "f0": lambda f: f.f0_and_hnr[0],
    "hnr": lambda f: f.f0_and_hnr[1],
    "formant_1": lambda f: f.formants[:, 0],
    "formant_2": lambda f: f.formants[:, 1],
}
NEEDS_PITCH_FRAME = {"f0", "hnr"}
NEEDS_TONAL_FRAME = set(tonal.NAMES)
ABSENT_IS_ZERO = {"f0", "formant_1", "formant_2"}

_TONAL = [name for name in tonal.NAMES if not name[-1].isdigit()]
HARMONY = (
    *(f"{name}_mean" for name in _TONAL),
    *(name for name in segments.COLUMNS if "chroma" in name),
)
_STATISTICS = ["max", "min", "mean", "median", "sd", "range", "skewness", "kurtosis"]
LLD50 = (
    *(f"mfcc_{i}_mean" for i in range(1, 19)),
    *("spectral_centroid_mean", "spectral_centroid_sd", "spectral_rolloff_mean", "spectral_flatness_mean"),
    *("spectral_flux_mean", "hnr_mean", "formant_1_mean", "formant_2_mean"),
    *(f"energy_{name}" for name in [*_STATISTICS, "slope", "low_share"]),
    *(f"f0_{name}" for name in ["max", "min", "mean", "median", "sd", "voiced_share"]),
    *(f"zcr_{name}" for name in _STATISTICS),
)
LLD84 = (
    *LLD50,
    *(f"band_level_{i}_mean" for i in range(1, 8)),
    *(name for name in segments.COLUMNS if name.startswith("modulation")),
    *(f"mfcc_{i}_delta_sd" for i in range(1, 8)),
)


def descriptor(name: str, frames: Frames) -> np.ndarray:
    """[frames] values of one descriptor; KeyError for a descriptor that has no reference."""
    if name.startswith("mfcc_"):
        return mfcc.mfcc(frames.log_mel, int(name.removeprefix("mfcc_")))
    if name.startswith("log_mel_"):
        return mfcc.log_mel(frames.power, frames.config)[:, int(name.removeprefix("log_mel_"))]
    if name.startswith("band_level_"):
        return frames.band_levels[:, int(name.removeprefix("band_level_")) - 1]
    if name.startswith("mel_envelope_"):
        return frames.mel_envelopes[:, int(name.removeprefix("mel_envelope_")) - 1]
    if name in NEEDS_TONAL_FRAME:
        return frames.tonal[name]
    return DESCRIPTORS[name](frames)


def split(column: str) -> tuple[str, str]:
    """'f0_voiced_share' -> ('f0', 'voiced_share'); the longest functional that fits, since names hold underscores."""
    ending = max((name for name in FUNCTIONALS if column.endswith(f"_{name}")), key=len)
    return column.removesuffix(f"_{ending}"), ending


def frame_rows(x: np.ndarray, config: Config, names: Sequence[str]) -> np.ndarray:
    """[frames, names] float64."""
    pitch, needs_tonal = not NEEDS_PITCH_FRAME.isdisjoint(names), not NEEDS_TONAL_FRAME.isdisjoint(names)
    frames = Frames(x, config, pitch, needs_tonal)
    if not frames.count:
        return np.zeros((0, len(names)))
    return np.stack([descriptor(name, frames) for name in names], axis=1)


def functional_rows(values: np.ndarray, columns: Sequence[str], config: Config) -> np.ndarray:
    """[segments, columns] of the frames' values [frames, columns], each column of the descriptor it needs."""
    count = max(0, (len(values) - config.segment_frames) // config.segment_hop + 1)
    times_s = np.arange(config.segment_frames) * config.hop_length / config.sample_rate
    rows = np.zeros((count, len(columns)))
    for s in range(count):
        segment = values[s * config.segment_hop :][: config.segment_frames]
        for c, column in enumerate(columns):
            name, ending = split(column)
            rows[s, c] = functional(ending, segment[:, c], times_s, name in ABSENT_IS_ZERO)
    return rows


def needs(column: str) -> tuple[str, ...]:
    """The frame-level columns that a segment's column is made of."""
    return segments.NEEDS[segments.stem(column)] if column in segments.COLUMNS else (split(column)[0],)


def segment_rows(x: np.ndarray, config: Config, columns: Sequence[str]) -> np.ndarray:
    """[segments, columns] float64."""
    unique = list(dict.fromkeys(name for column in columns for name in needs(column)))
    values = frame_rows(x, config, unique)
    count = max(0, (len(values) - config.segment_frames) // config.segment_hop + 1)
    rows = np.zeros((count, len(columns)))
    for c, column in enumerate(columns):
        own = values[:, [unique.index(name) for name in needs(column)]]
        if column not in segments.COLUMNS:
            rows[:, c] = functional_rows(own, [column], config)[:, 0]
            continue
        for s in range(count):
            frames = own[s * config.segment_hop :][: config.segment_frames]
            rows[s, c] = segments.segment_values(segments.stem(column), frames, config)[segments.COLUMNS[column]]
    return rows
