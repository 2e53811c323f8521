"""Runs a scan and looks, twenty times a second, at what all its processes together have taken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_LOOK_S = 0.05


def _nothing() -> None:
    pass


@dataclass
class Measured:
    """What a scan took. at_s, cpu_s: when it was looked at, and the CPU seconds until then; pss_mb: memory then."""

    at_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    pss_mb: list[float] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Cores in use, on average."""
        return self.cpu_s[-1] / self.at_s[-1]

    def in_any(self, window_s: float = 1.0) -> np.ndarray:
        """Cores in use in windows of so many seconds that begin at every look."""
        at_s, cpu_s = np.array([0.0, *self.at_s]), np.array([0.0, *self.cpu_s])
        begin = at_s[at_s <= at_s[-1] - window_s]
        if not len(begin):
            return np.array([cpu_s[-1] / window_s])
        cores: np.ndarray = (np.interp(begin + window_s, at_s, cpu_s) - cpu_s[: len(begin)]) / window_s
        return cores

    @property
    def peak_mb(self) -> float:
        """The most memory seen."""
        return max(self.pss_mb)


def scan(
    library: Path,
    options: Sequence[str],
    prepare: Callable[[], None] = _nothing,
    clock: Callable[[], float | None] = _nothing,
) -> Measured:
    """Run ``edgemood scan`` and give what it took.

    Parameters
    ----------
    library
        The library file.
    options
        Of the command.
    prepare
        Called in its process before it begins.
    clock
        Tells its CPU seconds so far, if somebody counts them; else its processes are asked.

    """
    command = [sys.executable, "-m", "edgemood.cli", "scan", "--library", str(library), "--json", *options]
    measured, processes, offset = Measured(), _Processes(), clock() or 0.0
    begin = time.monotonic()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=prepare)  # noqa: PLW1509
    while running.poll() is None:
        pids = processes.look(running.pid)
        counted = clock()
        measured.at_s.append(time.monotonic() - begin)
        measured.cpu_s.append(processes.cpu_s() if counted is None else counted - offset)
        measured.pss_mb.append(sum(map(_pss_mb, pids)))
        time.sleep(max(0.0, _LOOK_S - (time.monotonic() - begin) % _LOOK_S))
    said, _ = running.communicate()
    if running.returncode:
        raise RuntimeError(f"the scan ended with status {running.returncode}")
    measured.report = json.loads(said)
    return measured


class _Processes:
    """The CPU clocks of a process and its children, those that have ended included."""

    def __init__(self) -> None:
        self._clocks: dict[int, float] = {}

    def look(self, parent: int) -> list[int]:
        pids = [parent, *_children(parent)]
        for pid in pids:
            with suppress(OSError):
                self._clocks[pid] = time.clock_gettime(~pid << 3 | 2)
        return pids

    def cpu_s(self) -> float:
        return sum(self._clocks.values())


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, listing.read_text().split())
    return found


def _pss_mb(pid: int) -> float:
    with suppress(OSError):
        pss = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(pss[1]) / 1024 if pss else 0.0
    return 0.0
