"""Instructions per frame, counted by callgrind: repeatable to parts per million, so a regression shows anywhere.

The C library runs without Python on two lengths of music; the difference has neither start nor tables in it. Valgrind
knows no AVX-512: on a processor that has it the dispatcher picks x86-64-v3 there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgemood.features import FeatureConfig, set_names

from . import ours
from .settings import BENCHES, Audio

_SKIP = 300_000  # samples of the first song, which fades in
_FRAMES = (192, 640)  # multiples of any number of lanes


def available() -> str:
    """Why instructions cannot be counted here; empty if they can."""
    return "" if shutil.which("valgrind") else "valgrind is not installed: apt install valgrind"


def per_frame(
    program: Path,
    signal: Audio,
    columns: Sequence[str],
    config: FeatureConfig = ours.CONFIG,
    chunk: int = 0,
) -> tuple[float, str]:
    """Instructions for each further frame of the signal, and the instruction set that ran.

    Raises
    ------
    RuntimeError
        The program or valgrind failed.
    """
    raw = program.with_suffix(".f32")
    signal.astype(np.float32).tofile(raw)
    counts, instruction_set = [], ""
    for frames in _FRAMES:
        samples = config.frame_length + (frames - 1) * config.hop_length
        arguments = [ours.settings(config), ",".join(columns), str(raw), str(samples), str(chunk)]
        output = program.with_suffix(".callgrind")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", str(program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        collected = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
        if done.returncode or not collected:
            raise RuntimeError(f"{program.name} under callgrind: {done.stderr.strip()[-300:]}")
        counts.append(int(collected[1]))
        instruction_set = done.stdout.split()[1]
    return (counts[1] - counts[0]) / (_FRAMES[1] - _FRAMES[0]), instruction_set


def measure(program: str, paths: dict[str, str]) -> dict[str, Any]:
    """Instructions per frame by bench; W1 and W2 also pushed a frame at a time."""
    work: dict[str, tuple[str, Sequence[str], FeatureConfig, int]] = {}
    for key, bench in BENCHES.items():
        work[key] = ("shipped" if bench.shipped else "16k", bench.columns, ours.config_of(bench), 0)
    for key in ("mfcc", "lld"):
        work[f"{key} by 10 ms"] = ("16k", BENCHES[key].columns, ours.CONFIG, ours.CONFIG.hop_length)
    names = set_names("lld50")
    short = {"output": "segments", "segment_frames": 64, "segment_hop": 64}  # whole segments in both lengths
    work["lld50"] = ("16k", names, replace(ours.CONFIG, **short), 0)
    signals = {name: np.fromfile(path, np.float32) for name, path in paths.items()}
    counts, instruction_set = {}, ""
    for key, (which, columns, config, chunk) in work.items():
        counts[key], instruction_set = per_frame(Path(program), signals[which][_SKIP:], columns, config, chunk)
    return {"per_frame": counts, "instruction_set": instruction_set}
