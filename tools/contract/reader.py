"""The real-time reader (reader.c): built, run beside a scan, and asked what it missed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Milliseconds that the card can go on playing when a period does not come; the first is the reader's own deadline, the
#: last the buffer of MPD's ALSA output as it comes.
BUFFERS_MS = (20, 40, 100, 500)
#: MPD's output thread runs under SCHED_FIFO with this priority where it may.
PRIORITY = 40

_SOURCE = Path(__file__).with_name("reader.c")
_PCM_BYTES = 480 * 2 * 2 * 1000  # ten seconds


@dataclass(frozen=True)
class Heard:
    """Periods of 10 ms that the card wanted, how many never came, and after how long the others did.

    late: of each that took more than 10 ms: when it was due, how long it took, and the CPU time that the scan had
    meanwhile; all in microseconds.
    """

    periods: int
    missed: int
    median_us: int
    p999_us: int
    longest_us: int
    late: list[list[int]]

    def ran_dry(self, buffer_ms: int) -> int:
        """How often a card that can go on for so long would have had nothing left to play."""
        return sum(took >= 1000 * buffer_ms for _, took, _ in self.late)

    def by_scan(self, buffer_ms: int) -> int:
        """How often of these it would have had, had the scan not taken the CPU time it had meanwhile."""
        return sum(took >= 1000 * buffer_ms > took - others for _, took, others in self.late)


class Reader:
    """Runs from its making until `stop`.

    Parameters
    ----------
    folder
        Where it may be built.
    load
        Share of a core that it needs.
    prepare
        Called in its process before it begins.
    usage
        A file that tells the CPU time of a scan in nanoseconds, if there is one.
    priority
        Of SCHED_FIFO; 0: it is scheduled as all others.

    """

    def __init__(
        self, folder: Path, load: float, prepare: Callable[[], None], usage: Path | None = None, priority: int = 0
    ) -> None:
        pcm = folder / "reader.pcm"
        if not pcm.exists():
            pcm.write_bytes(os.urandom(_PCM_BYTES))
        self._process = subprocess.Popen(
            [build(folder), pcm, str(round(1000 * load)), usage or "-", str(priority)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509 - there are no threads here
        )

    def stop(self) -> Heard:
        """End it, and give what it counted."""
        said, why = self._process.communicate(timeout=10)
        if self._process.returncode:
            raise RuntimeError(f"the reader ended with status {self._process.returncode}: {why.strip()}")
        return Heard(**json.loads(said))


def build(folder: Path) -> Path:
    """Compile it, once a folder."""
    program = folder / "reader"
    if not program.exists():
        compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", program, _SOURCE], check=True)
    return program
