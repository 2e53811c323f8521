"""A box like a small board: one core and some memory, by control groups (version 1).

Where these cannot be made, which takes root and a kernel with them, all else still runs on one core, unlimited; what
it takes is then measured by looking at its processes. Which of the two it was is part of every result.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_GROUPS = Path("/sys/fs/cgroup")
_ALL_SHARES = 262144  # the box goes before whatever else this machine does on that core
_REAL_TIME_US = 100_000  # of a second, for real-time scheduling; a box that is gone keeps its part a while


@dataclass(frozen=True)
class Taken:
    """What the box took in all. peak_mb: the kernel's cache of files included."""

    peak_mb: float
    killed: int


class Box:
    """One core and `megabytes` of memory. Use it as a context manager.

    Parameters
    ----------
    megabytes
        Of memory, the kernel's cache of files included.
    core
        Which one; None: the first.
    sessions
        Whether all that enter become sessions of their own, as services are. Kernels with CONFIG_SCHED_AUTOGROUP then
        divide the core among the sessions, and niceness counts for nothing between two of them. Else they are one
        group, within which it does.

    Attributes
    ----------
    why_not : str
        Why there is no control group, empty where there is one.
    """

    def __init__(self, megabytes: int, core: int | None = None, sessions: bool = False) -> None:
        self.core = min(os.sched_getaffinity(0)) if core is None else core
        self.why_not = ""
        self._megabytes, self._sessions = megabytes, sessions
        self._made: list[Path] = []
        self._memory = self._account = Path()

    def __enter__(self) -> Box:
        try:
            self._memory = self._make("memory", memory_limit_in_bytes=self._megabytes << 20)
            self._account = self._make("cpuacct")
            if not self._sessions:
                group = self._make("cpu", cpu_shares=_ALL_SHARES)
                with suppress(OSError):  # kernels that do not ration it do not ask
                    (group / "cpu.rt_runtime_us").write_text(str(_REAL_TIME_US))
        except OSError as error:
            self._remove()
            self.why_not = f"no control groups of version 1 can be made here ({error.strerror or error})"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def enter(self, accounted: bool = False) -> Callable[[], None]:
        """Give what brings the calling process in; accounted: what it does from then on counts in `cpu_s`."""
        groups = [group for group in self._made if accounted or group != self._account]

        def go_in() -> None:
            os.sched_setaffinity(0, {self.core})
            if self._sessions:
                os.setsid()
            for group in groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        return go_in

    def cpu_s(self) -> float | None:
        """CPU seconds of all that was ever accounted, None where nobody counts."""
        return None if self.why_not else int((self._account / "cpuacct.usage").read_text()) / 1e9

    @property
    def usage(self) -> Path | None:
        """The file that tells what `cpu_s` tells, in nanoseconds."""
        return None if self.why_not else self._account / "cpuacct.usage"

    def stolen_s(self) -> float:
        """Seconds, since it started, in which this machine had something to do and its host did not let it."""
        line = re.search(rf"^cpu{self.core} .*$", Path("/proc/stat").read_text(), re.MULTILINE)
        return int(line[0].split()[8]) / os.sysconf("SC_CLK_TCK") if line else 0.0

    def taken(self) -> Taken | None:
        """Peak memory and processes killed for want of it, None where nobody counts."""
        if self.why_not:
            return None
        killed = re.search(r"^oom_kill (\d+)", (self._memory / "memory.oom_control").read_text(), re.MULTILINE)
        peak = int((self._memory / "memory.max_usage_in_bytes").read_text())
        return Taken(peak / 2**20, int(killed[1]) if killed else 0)

    def _make(self, controller: str, **settings: int) -> Path:
        found = re.search(rf"^\d+:{controller}:(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
        if not found:
            raise OSError(f"no controller {controller}")
        group = _GROUPS / controller / found[1].strip("/") / f"contract.{os.getpid()}"
        group.mkdir()
        self._made.append(group)
        for name, value in settings.items():
            (group / name.replace("_", ".", 1)).write_text(str(value))
        return group

    def _remove(self) -> None:
        while self._made:
            group = self._made.pop()
            for _ in range(50):  # the last process is gone a moment after it was waited for
                with suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.02)
