"""edgemood's side of every bench: through Python, and through the C library itself."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgemood.features import Extractor, FeatureConfig

from .settings import (
    BENCHES,
    BUILD,
    F0_MAX_HZ,
    F0_MIN_HZ,
    FRAME,
    HERE,
    HOP,
    N_FFT,
    N_MELS,
    RATE,
    ROOT,
    Audio,
    Bench,
    Rows,
)
from .timing import Work

#: 16 kHz, 25/10 ms, 512, the mel bank of python_speech_features; segments of 3 s every 1 s.
CONFIG = FeatureConfig(
    output="frames",
    sample_rate=RATE,
    frame_length=FRAME,
    hop_length=HOP,
    n_fft=N_FFT,
    n_mels=N_MELS,
    mel_fmin_hz=0.0,
    mel_fmax_hz=RATE / 2,
    mel_edges="bins",
    f0_min_hz=F0_MIN_HZ,
    f0_max_hz=F0_MAX_HZ,
    segment_frames=300,
    segment_hop=100,
)
SHIPPED = FeatureConfig(output="frames")


def config_of(bench: Bench) -> FeatureConfig:
    """The configuration a bench runs in."""
    return SHIPPED if bench.shipped else CONFIG


def rows(signal: Audio, columns: Sequence[str] | str, config: FeatureConfig = CONFIG) -> Rows:
    """The named columns, by Python, the signal pushed at once."""
    extractor = Extractor(config, columns)
    return np.concatenate([extractor.push(signal), extractor.finish()])


def work_of(key: str, signal: Audio) -> Work:
    """Do our side of a bench."""
    bench = BENCHES[key]
    return lambda: rows(signal, bench.columns, config_of(bench))


def pooled(config: FeatureConfig) -> FeatureConfig:
    """The same frames, pooled into segments."""
    return replace(config, output="segments")


class Embedded:
    """The C library, without Python in the way: a build of it with one set of kernels."""

    def __init__(self, library: Path) -> None:
        self._native = ctypes.CDLL(str(library))
        self._native.embedded_create.restype = ctypes.c_void_p
        self._native.embedded_run.restype = ctypes.c_size_t
        self._native.embedded_instruction_set.restype = ctypes.c_char_p
        self.instruction_set = self._native.embedded_instruction_set().decode()

    def work(self, signal: Audio, columns: Sequence[str], config: FeatureConfig = CONFIG, chunk: int = 0) -> Work:
        """Push the signal, `chunk` samples at a time (0: all at once)."""
        handle = ctypes.c_void_p(self._native.embedded_create(settings(config).encode(), ",".join(columns).encode()))
        if not handle:
            raise ValueError("the C library refused the configuration")
        samples = signal.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

        def run() -> object:
            done = self._native.embedded_run(handle, samples, ctypes.c_size_t(len(signal)), ctypes.c_size_t(chunk))
            if not done:
                raise RuntimeError("the C library gave no rows")
            return signal

        return run


def settings(config: FeatureConfig) -> str:
    """A configuration as native/embedded.h reads it."""
    native = config._native()
    return ",".join(f"{name}={getattr(native, name)}" for name in config.to_dict())


def build(kernels: str = "", folder: Path | None = None) -> tuple[Path, Path]:
    """Build the static C library and link the benchmarks' drivers with it.

    `kernels` names the instruction sets to build, as EDGEMOOD_KERNELS of native/CMakeLists.txt; all where it is empty.

    Returns
    -------
    The shared library for `Embedded` and the program for callgrind.

    Raises
    ------
    RuntimeError
        There is no compiler or CMake, or the build failed; with the tool's last words.
    """
    out = folder or BUILD / f"native-{kernels.replace(';', '-') or 'all'}"
    prefix = out / "prefix"
    cmake = shutil.which("cmake")
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if cmake is None or compiler is None:
        raise RuntimeError("the C library needs cmake and a C++ compiler: apt install cmake g++")
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DEDGEMOOD_TESTS=OFF", "-DEDGEMOOD_SHARED=OFF"]
    if kernels:
        options.append(f"-DEDGEMOOD_KERNELS={kernels}")
    _run([cmake, "-S", ROOT / "native", "-B", out / "build", f"-DCMAKE_INSTALL_PREFIX={prefix}", *options])
    _run([cmake, "--build", out / "build"])
    _run([cmake, "--install", out / "build"])
    archive = next(prefix.glob("lib*/**/libedgemood.a"))
    common = [compiler, "-std=c++17", "-O2", "-fPIC", f"-I{prefix / 'include'}", HERE / "native" / "embedded.cc"]
    library, program = out / "libembedded.so", out / "count"
    _run([*common, archive, "-shared", "-o", library, "-lm"])
    _run([*common, HERE / "native" / "count.cc", archive, "-o", program, "-lm"])
    return library, program


def _run(command: Sequence[object]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[:3]))}: {(done.stderr or done.stdout).strip()[-500:]}")
