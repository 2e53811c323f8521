"""The work that is compared, once for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
Rows = NDArray[Any]  # [frames, columns]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench-peers"
MUSIC = ROOT / "examples" / "music"

RATE, FRAME, HOP, N_FFT, N_MELS, N_MFCC, PREEMPHASIS = 16000, 400, 160, 512, 26, 13, 0.97
F0_MIN_HZ, F0_MAX_HZ, PITCH_FRAME = 55.0, 1000.0, 1024

#: One thread for whatever asks; all else as users have it.
ENVIRONMENT = {
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        "1",
    ),
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

_SPECTRAL = ("spectral_centroid", "spectral_rolloff", "spectral_flatness", "spectral_flux")
#: The frame-level descriptors that LLD-50 pools.
LLD = (*(f"mfcc_{i}" for i in range(1, 19)), *_SPECTRAL, "hnr", "formant_1", "formant_2", "energy", "f0", "zcr")


@dataclass(frozen=True)
class Bench:
    """One comparison: `columns` are ours; a peer may give fewer (see `table.py`)."""

    title: str
    columns: tuple[str, ...]
    shipped: bool = False  # in the shipped configuration (22,050 Hz, 662/551, 1024) instead of 16 kHz, 25/10 ms, 512


BENCHES = {
    "mfcc": Bench(
        "W1: MFCC (16 kHz, 25/10 ms, 512-point FFT, 26 mel, 13 coefficients)", tuple(f"mfcc_{i}" for i in range(N_MFCC))
    ),
    "lld": Bench("W2: the frame-level descriptors of LLD-50 (16 kHz, 25/10 ms, 512-point FFT)", LLD),
    "shipped": Bench("LLD-50 as shipped (22,050 Hz, 30/25 ms, 1,024-point FFT)", LLD, shipped=True),
    "zcr": Bench("zero-crossing rate", ("zcr",)),
    "energy": Bench("short-time energy", ("energy",)),
    "spectral": Bench("spectral centroid, roll-off, flatness and flux", _SPECTRAL),
    "f0": Bench("fundamental frequency", ("f0",)),
    "hnr": Bench("harmonics-to-noise ratio", ("hnr",)),
    "formants": Bench("two formants", ("formant_1", "formant_2")),
}


def frame_count(samples: int, frame: int = FRAME, hop: int = HOP) -> int:
    """Whole frames in a signal."""
    return max(0, 1 + (samples - frame) // hop)


def hann(length: int) -> Rows:
    """Periodic Hann window, float64."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
