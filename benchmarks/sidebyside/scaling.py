"""Cost per frame against length and chunk size, and memory: in processes of their own, for memory's sake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgemood.features import Extractor

from . import ours, yardstick
from .settings import BENCHES, HOP, N_FFT, RATE, Audio, frame_count
from .timing import Spread, Work, cpu_s

LENGTHS_S = (1, 10, 60, 600, 3600, 7200)
CHUNKS_S = (0.01, 0.1, 1.0, 10.0, 0.0)  # 0: all at once
_BLOCK_S = 10


def _status_kb(field: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0])


def length(key: str, seconds: int, path: str) -> dict[str, float]:
    """Stream `seconds` of music in blocks of 10 s from a new extractor, dropping the rows.

    Returns
    -------
    `ratio`: cost per frame in bare FFTs, the extractor's creation included; `memory_kb`: by how much the process grew.
    """
    signal: Audio = np.fromfile(path, np.float32)
    block = _BLOCK_S * RATE
    pieces = [signal[i : i + block] for i in range(0, len(signal) - block + 1, block)]
    columns = BENCHES[key].columns
    stick = yardstick.make(signal, N_FFT, HOP)

    def work() -> None:
        extractor, left, index = Extractor(ours.CONFIG, columns), seconds * RATE, 0
        while left > 0:
            extractor.push(pieces[index % len(pieces)][:left])
            left, index = left - block, index + 1
        extractor.finish()

    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status_kb("VmRSS")
    spent, repeats = cpu_s(work), 1
    grown = _status_kb("VmHWM") - before
    if spent < 0.05:
        repeats = max(1, int(0.05 / max(spent, 1e-6)))
    ratios = stick.turns([lambda: [work() for _ in range(repeats)]], 3 if spent > 1 else 7)[0]
    frames = frame_count(seconds * RATE)
    scale = stick.frames / frames / repeats
    return {"ratio": Spread.of([r * scale for r in ratios]).median, "memory_kb": float(grown)}


def chunks(key: str, path: str, library: str, budget_s: float) -> dict[str, Any]:
    """Cost per frame by the size of the pieces pushed, by Python and by the C library."""
    signal: Audio = np.fromfile(path, np.float32)
    columns = BENCHES[key].columns
    stick = yardstick.make(signal, N_FFT, HOP)
    embedded = ours.Embedded(Path(library))
    works: dict[str, Work] = {}
    for chunk_s in CHUNKS_S:
        size = round(chunk_s * RATE)
        works[f"Python {chunk_s:g}"] = _pushing(signal, columns, size)
        works[f"C {chunk_s:g}"] = embedded.work(signal, columns, chunk=size)
    once = sum(cpu_s(work) for work in works.values())
    ratios = stick.turns(list(works.values()), min(15, max(3, int(budget_s / once))))
    return {name: Spread.of(own).median for name, own in zip(works, ratios, strict=True)}


def _pushing(signal: Audio, columns: tuple[str, ...], size: int) -> Work:
    def work() -> None:
        extractor = Extractor(ours.CONFIG, columns)
        for start in range(0, len(signal), size or len(signal)):
            extractor.push(signal[start : start + size] if size else signal)
        extractor.finish()

    return work
