"""Music files damaged in every way, scanned: none hangs, crashes or starves the scan, and each is accounted for."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edgemood.library import Library
from tools.faults import corpus
from tools.faults.mutate import mutated
from tools.faults.report import Tally
from tools.faults.scanner import children_of

MEMORY_MB = 300
STALL_S = 10.0
_FIXED_MB = 160  # what a worker has before its first song: interpreter, model, decoders


def main(rounds: int, seed: int) -> list[Tally]:
    """Scan so many damaged files."""
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        made = make(Path(work) / "music", rounds, seed)
        return [scanned(Path(work), made)]


def make(folder: Path, count: int, seed: int) -> dict[str, str]:
    """Write damaged files in all formats in turn; give path -> what was done to it."""
    folder.mkdir()
    rng = random.Random(seed)
    made = {}
    originals = [corpus.write(folder, form, number).read_bytes() for number, form in enumerate(corpus.FORMATS)]
    for path in folder.iterdir():
        path.unlink()
    for number in range(count):
        at = number % len(originals)
        what, data = mutated(originals[at], number // len(originals) + at, rng)
        path = folder / f"{number:04}{corpus.FORMATS[at].suffix}"
        path.write_bytes(data)
        made[str(path)] = what
    return made


def scanned(work: Path, made: dict[str, str]) -> Tally:
    """Scan them and look what became of each."""
    tally = Tally("damaged music files scanned", rounds=len(made))
    library = work / "library.db"
    status, waits, peak_mb = _watched(library, work / "music")
    if status:
        tally.lost.append(f"the scan itself ended with {status}")
    for path, wait_s in waits.items():
        if wait_s > STALL_S + 10:
            tally.lost.append(f"{Path(path).name} ({made.get(path)}) took {wait_s:.0f} s")
    if peak_mb > _FIXED_MB + MEMORY_MB:
        tally.lost.append(f"a worker took {peak_mb} MB")
    with Library.open(library) as opened:
        failures = {failure.path: failure for failure in opened.failures()}
        known = {path for track in opened.tracks() for path in opened.paths(track.id) if not track.missing}
    for path, what in made.items():
        if (path in failures) == (path in known):
            tally.lost.append(
                f"{Path(path).name} ({what}) is {'both' if path in known else 'neither'} song and failure"
            )
    tally.outcomes.update(Counter(failure.kind for failure in failures.values()))
    tally.outcomes["analysed"] = len(known)
    for failure in failures.values():
        if failure.kind == "WorkerError":
            tally.outcomes[f"({made[failure.path]}{Path(failure.path).suffix}: {failure.error[:90]})"] += 1
    tally.outcomes[f"MB at most in a worker ({MEMORY_MB} allowed beyond its start)"] = peak_mb
    tally.outcomes["s at most for a file"] = round(max(waits.values(), default=0))
    return tally


def _watched(library: Path, music: Path) -> tuple[int, dict[str, float], int]:
    """Scan in a process of its own; give its exit status, the seconds of each file, the peak of its workers in MB."""
    command = [sys.executable, "-m", "tools.faults.scanner", str(library), str(music), str(MEMORY_MB), str(STALL_S)]
    waits: dict[str, float] = {}
    peak_kb = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as scan:
        assert scan.stdout is not None
        begin = time.monotonic()
        for line in scan.stdout:
            word, _, path = line.strip().partition(" ")
            if word in ("stored", "failed"):
                waits[path.strip("'\"")] = time.monotonic() - begin
            begin = time.monotonic()
            peak_kb = max([peak_kb, *_peaks(list(children_of(scan.pid)))])
    return scan.returncode, waits, peak_kb // 1024


def _peaks(processes: Sequence[int]) -> list[int]:
    """Most memory that processes have had of their own and shared, in kB."""
    found = []
    for process in processes:
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        found += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return found
