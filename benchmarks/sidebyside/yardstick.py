"""What everything is measured in: Y, one bare real FFT a frame, as PFFFT does it.

PFFFT is in no registry, so FFTW (Debian: libfftw3-dev; single precision, FFTW_PATIENT) runs in its place, or SciPy
where FFTW is not installed, and the result is converted by factors that were measured against PFFFT itself in one
alternating run on one machine (AMD EPYC, Zen 4; PFFFT built with -O3 for any x86-64, its unordered transform; with
-mavx2 -mfma it takes 0.92 Y). Another processor may have others; ratios between edgemood and a peer do not depend on
them.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import scipy
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from .settings import BUILD, HERE, Audio
from .timing import Work, take_turns

#: What an FFT of a library and a size costs in those of PFFFT.
IN_Y = {("FFTW", 512): 1.09, ("SciPy", 512): 2.0, ("FFTW", 1024): 1.19, ("SciPy", 1024): 1.62}


class Yardstick:
    """The FFTs of `frames` frames of a signal; `name` tells whose."""

    def __init__(self, name: str, version: str, n_fft: int, work: Work, frames: int) -> None:
        self.name, self.version, self.work, self.frames = name, version, work, frames
        self.in_y = IN_Y[name, n_fft]

    def turns(self, works: list[Work], rounds: int) -> list[list[float]]:
        """For each work its costs in Y, one a round, taking turns with the yardstick."""
        return [[self.in_y * ratio for ratio in own] for own in take_turns(self.work, works, rounds)]


def build() -> Path | None:
    """Compile the FFTW loop; None where there is no FFTW or no compiler."""
    library = BUILD / "libyardstick.so"
    source = HERE / "native" / "yardstick.c"
    compiler = shutil.which("cc")
    if library.exists() and library.stat().st_mtime >= source.stat().st_mtime:
        return library
    if compiler is None:
        return None
    BUILD.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lfftw3f", "-lm"]
    return library if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


def make(signal: Audio, n_fft: int, hop: int) -> Yardstick:
    """Transform `n_fft` samples every `hop` samples of the signal, straight from where they lie."""
    frames = 1 + (len(signal) - n_fft) // hop
    library = build()
    if library is None:
        work = partial(_scipy_ffts, sliding_window_view(signal, n_fft)[::hop])
        return Yardstick("SciPy", scipy.__version__, n_fft, work, frames)
    native = ctypes.CDLL(str(library))
    native.yardstick_create.restype = ctypes.c_void_p
    native.yardstick_version.restype = ctypes.c_char_p
    aligned = _aligned(signal)
    handle = ctypes.c_void_p(native.yardstick_create(n_fft, str(BUILD / "fftw-wisdom").encode()))
    if not handle:
        raise MemoryError("FFTW gave no plan")
    samples = aligned.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

    def work() -> object:
        native.yardstick_run(handle, samples, ctypes.c_size_t(frames), ctypes.c_size_t(hop))
        return aligned  # kept alive with the work

    return Yardstick("FFTW", native.yardstick_version().decode(), n_fft, work, frames)


def _scipy_ffts(frames: Audio, block: int = 64) -> None:
    """In blocks that stay in the cache."""
    for start in range(0, len(frames), block):
        scipy.fft.rfft(frames[start : start + block])


def _aligned(signal: Audio, alignment: int = 64) -> Audio:
    room = np.empty(len(signal) + alignment, np.float32)
    offset = (-room.ctypes.data % alignment) // room.itemsize
    copy = room[offset : offset + len(signal)]
    copy[:] = signal
    return copy
