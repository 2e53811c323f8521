"""What a scan within its limits takes, and what music beside it notices: ``python -m tools.contract [--quick]``.

Three runs in a box of one core and 512 MB: the real-time readers alone, beside a scan within limits, and beside one
without any, which has to disturb them: else they would notice nothing at all.

Two readers stand for a player: one that decodes and filters, scheduled as all programs are, and an output thread with
MPD's real-time priority. Nothing on the core goes before that one: what it misses, the machine's host took away.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.contract import songs
from tools.contract.box import Box, Taken
from tools.contract.measure import Measured, scan
from tools.contract.reader import BUFFERS_MS, PRIORITY, Heard, Reader

_LIMITS = ["--cpu", "25%", "--memory", "200M"]
_SHARE, _MEMORY_MB = 0.25, 200
_WITHOUT = ["--jobs", "4", "--nice", "0"]
_OUTPUT_LOAD = 0.02
_DEADLINE_MS = BUFFERS_MS[0]


@dataclass(frozen=True)
class Run:
    """One run: what the readers heard, what the scan and the box took (None: there was none, or nobody counts).

    stolen_s: what the machine's host took of the core meanwhile.
    """

    name: str
    heard: Heard
    output: Heard | None
    measured: Measured | None
    taken: Taken | None
    stolen_s: float

    def scan_line(self) -> str:
        """A row of the table of scans."""
        assert self.measured is not None
        any_second = self.measured.in_any()
        return _row(
            self.name,
            f"{self.measured.report['analysed']} in {self.measured.at_s[-1]:.0f} s",
            f"{100 * self.measured.mean:.1f} %",
            f"{100 * any_second.max():.1f} %",
            f"{(any_second > _SHARE).sum():,} of {len(any_second):,}",
            f"{self.measured.peak_mb:.0f} MB",
            f"{self.taken.peak_mb:.0f} MB, {self.taken.killed} killed" if self.taken else "not known",
        )

    def player_lines(self) -> list[str]:
        """Rows of the table of players."""
        heard = [("decodes", self.heard)] + ([("output", self.output)] if self.output else [])
        return [
            _row(
                self.name,
                name,
                f"{one.periods:,}",
                f"{len(one.late):,}",
                f"{one.missed:,}",
                *(f"{one.ran_dry(size):,} ({one.by_scan(size):,})" for size in BUFFERS_MS),
                f"{one.median_us / 1000:.1f} / {one.p999_us / 1000:.1f} / {one.longest_us / 1000:.1f} ms",
                f"{self.stolen_s:.2f} s",
            )
            for name, one in heard
        ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


SCANS = """\
| scan | songs | CPU, mean | worst second | seconds over 25 % | memory | box |
|---|---|---|---|---|---|---|"""
PLAYERS = f"""\
| run | player | periods | late | missed | {" | ".join(f"{size} ms" for size in BUFFERS_MS)} | came after | stolen |
|---|---|---|---|---|{"---|" * len(BUFFERS_MS)}---|---|"""


def main() -> int:
    """Measure and print; 1 where the contract was broken or the control noticed nothing."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python -m tools.contract", description=__doc__)
    parser.add_argument("--songs", type=Path, help="folder of songs; made if it is empty or not there")
    parser.add_argument("--count", type=int, default=250, help="how many songs to make")
    parser.add_argument("--core", type=int, default=cores[-1], help="the core of the box [default: the last]")
    parser.add_argument("--sessions", action="store_true", help="player and scan are sessions, not a group: no nice")
    parser.add_argument("--load", type=float, default=0.3, help="share of the core that the player needs itself")
    parser.add_argument("--alone", type=float, default=60, help="seconds of the player without a scan")
    parser.add_argument("--quick", action="store_true", help="12 songs")
    parser.add_argument("--json", type=Path, help="where every look goes")
    options = parser.parse_args()
    if others := set(cores) - {options.core}:
        os.sched_setaffinity(0, others)  # who measures is not to be felt
    with tempfile.TemporaryDirectory(prefix="contract-") as scratch:
        folder = options.songs or Path(scratch) / "songs"
        if not folder.is_dir() or not any(folder.iterdir()):
            print(f"making songs in {folder}", file=sys.stderr)
            songs.make(folder, 12 if options.quick else options.count)
        runs = _runs(Path(scratch), folder, options)
    if options.json:
        options.json.write_text(json.dumps([asdict(run) for run in runs]))
    print("", SCANS, *(run.scan_line() for run in runs if run.measured), "", PLAYERS, sep="\n")
    print(*(line for run in runs for line in run.player_lines()), "", sep="\n")
    return _verdict(*runs)


def _runs(scratch: Path, folder: Path, options: argparse.Namespace) -> list[Run]:
    runs: list[Run] = []
    for name, limits in (("no scan", None), ("within limits", _LIMITS), ("no limits (control)", _WITHOUT)):
        with Box(512, options.core, options.sessions) as box:
            if not runs:
                print(
                    f"core {box.core}; {box.why_not or '512 MB by control groups'}; the player needs {options.load:.0%}"
                )
            stolen_s, measured = box.stolen_s(), None
            reader = Reader(scratch, options.load, box.enter(), box.usage)
            output = Reader(scratch, _OUTPUT_LOAD, box.enter(), box.usage, PRIORITY)
            if limits is None:
                time.sleep(options.alone)
            else:
                library = scratch / f"{len(runs)}.db"
                measured = scan(library, [*limits, str(folder)], box.enter(accounted=True), box.cpu_s)
            heard = reader.stop(), _allowed(output)
            runs.append(Run(name, *heard, measured, box.taken(), box.stolen_s() - stolen_s))
            print(f"{name}: done", file=sys.stderr)
    return runs


def _allowed(output: Reader) -> Heard | None:
    try:
        return output.stop()
    except RuntimeError as error:
        print(f"no real-time scheduling: {error}", file=sys.stderr)
        return None


def _verdict(alone: Run, within: Run, without: Run) -> int:
    assert within.measured is not None
    broken = []
    if within.measured.in_any().max() > _SHARE:
        broken.append(f"a second had more than {_SHARE:.0%} of a core")
    if within.measured.peak_mb > _MEMORY_MB:
        broken.append(f"the scan took more than {_MEMORY_MB} MB")
    if within.taken is None and within.heard.missed:
        broken.append("the player missed periods beside the scan, which may or may not have been its fault")
    if within.heard.by_scan(_DEADLINE_MS) or (within.output and within.output.by_scan(_DEADLINE_MS)):
        broken.append("the player missed periods for the scan")
    if not without.heard.missed or (without.taken and not without.heard.by_scan(_DEADLINE_MS)):
        broken.append("the control missed none, so none missed says nothing")
    if alone.heard.missed:
        print(f"the player missed {alone.heard.missed} periods by itself: its machine does not always run")
    print("; ".join(broken) or "the contract was kept")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
