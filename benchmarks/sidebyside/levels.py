"""What every bench costs us: through Python, and in C with each set of kernels this processor can run."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgemood.features import set_names

from . import ours, yardstick
from .settings import BENCHES, Audio
from .timing import Spread, Work, cpu_s

#: The sets of kernels to build, by the name the CMake option EDGEMOOD_KERNELS has for them; "" is all of them.
_BUILDS = ("", "v3", "baseline")


def builds() -> dict[str, Path]:
    """Shared libraries by the instruction set their dispatcher picks here."""
    found: dict[str, Path] = {}
    for kernels in _BUILDS:
        library, _ = ours.build(kernels)
        found.setdefault(ours.Embedded(library).instruction_set, library)
    return found


def measure(libraries: dict[str, str], signals: dict[str, str], budget_s: float) -> dict[str, Any]:
    """Ratios to the yardstick by bench and way; `lld50` and `lld50 shipped` are with functionals."""
    embedded = {name: ours.Embedded(Path(path)) for name, path in libraries.items()}
    whole = set_names("lld50")
    work = {key: (bench.columns, ours.config_of(bench)) for key, bench in BENCHES.items()}
    work["lld50"] = (whole, replace(ours.CONFIG, output="segments"))
    work["lld50 shipped"] = (whole, replace(ours.SHIPPED, output="segments"))
    results = {}
    for key, (columns, config) in work.items():
        shipped = config.sample_rate != ours.CONFIG.sample_rate
        signal: Audio = np.fromfile(signals["shipped" if shipped else "16k"], np.float32)
        stick = yardstick.make(signal, config.n_fft, config.hop_length)
        ways: dict[str, Work] = {"Python": partial(ours.rows, signal, columns, config)}
        ways |= {f"C, {name}": library.work(signal, columns, config) for name, library in embedded.items()}
        once = sum(cpu_s(way) for way in ways.values())
        ratios = stick.turns(list(ways.values()), min(25, max(3, int(budget_s / once))))
        results[key] = {name: asdict(Spread.of(own)) for name, own in zip(ways, ratios, strict=True)}
    return results
