"""`make bench-peers`: measure everything, write RESULTS.md and the picture of it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import chart, instructions, levels, music, ours, report, scaling, yardstick
from .child import ChildError, call
from .install import python_of, reasons
from .settings import BENCHES, BUILD, HERE, MUSIC, RATE, ROOT
from .table import PACKAGES, PEERS

SECTIONS = ("levels", "peers", "scaling", "instructions", "end-to-end")


@dataclass(frozen=True)
class Effort:
    """How much of everything: seconds of music, CPU seconds a row, lengths, songs, rounds."""

    music_s: int
    row_s: float
    lengths_s: tuple[int, ...]
    songs: int
    rounds: int


FULL = Effort(600, 2.0, scaling.LENGTHS_S, 10, 5)
QUICK = Effort(60, 0.3, scaling.LENGTHS_S[:3], 3, 2)


class Run:
    """One run of the benchmarks; `results` grows section by section."""

    def __init__(self, peers: Path, effort: Effort, signals: dict[str, str], quick: bool) -> None:
        self._peers, self._effort, self._signals = peers, effort, signals
        self._python = python_of(peers, "common")
        self.results: dict[str, Any] = {"quick": quick, "effort": vars(effort), "date": time.strftime("%Y-%m-%d")}

    def _call(self, function: str, **arguments: Any) -> Any:
        try:
            return call(self._python, function, **arguments)
        except ChildError as error:
            _say(f"  {function}: {error}")
            return {"error": str(error)}

    def levels(self) -> None:
        """Our own cost, by every way there is."""
        built = {name: str(path) for name, path in levels.builds().items()}
        self.results["instruction_set"] = next(iter(built))
        self.results["levels"] = self._call(
            "levels:measure", libraries=built, signals=self._signals, budget_s=self._effort.row_s
        )

    def peers(self, only: str = "") -> None:
        """Every row of the table."""
        missing = reasons(self._peers)
        rows: dict[str, Any] = {}
        for peer in PEERS:
            if only and only not in peer.key:
                continue
            if peer.package in missing:
                rows[peer.key] = {"error": f"does not install: {missing[peer.package]}"}
                continue
            signal = self._signals["shipped" if BENCHES[peer.bench].shipped else "16k"]
            python = python_of(self._peers, PACKAGES[peer.package].group)
            try:
                rows[peer.key] = call(python, "rows:measure", key=peer.key, path=signal, budget_s=self._effort.row_s)
                _say(f"  {peer.key}: {rows[peer.key]['over_ours']['median']:.1f} times ours")
            except ChildError as error:
                rows[peer.key] = {"error": str(error)}
                _say(f"  {peer.key}: {error}")
        self.results["peers"] = rows

    def scaling(self) -> None:
        """Cost against length and chunk size."""
        library, _ = ours.build()
        path = self._signals["16k"]
        lengths = {
            key: {str(s): self._call("scaling:length", key=key, seconds=s, path=path) for s in self._effort.lengths_s}
            for key in ("mfcc", "lld")
        }
        chunks = {
            key: self._call("scaling:chunks", key=key, path=path, library=str(library), budget_s=self._effort.row_s)
            for key in ("mfcc", "lld")
        }
        self.results["scaling"] = {"lengths": lengths, "chunks": chunks}

    def instructions(self) -> None:
        """Instruction counts, where there is valgrind."""
        if problem := instructions.available():
            self.results["instructions"] = {"error": problem}
            return
        _, program = ours.build()
        self.results["instructions"] = self._call("instructions:measure", program=str(program), paths=self._signals)

    def end_to_end(self) -> None:
        """From the file to the mood."""
        effort = self._effort
        self.results["end-to-end"] = self._call(
            "endtoend:measure", signal=self._signals["16k"], songs=effort.songs, rounds=effort.rounds
        )


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers", help="folder of the peers' environments")
    parser.add_argument("--music", type=Path, default=MUSIC, help="music to use instead of the examples")
    parser.add_argument("--quick", action="store_true", help="a minute of music and few rounds: to try, not to publish")
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="sections to run; the others stay as they were"
    )
    parser.add_argument("--row", default="", help="of the peers, those whose key contains this (f0/, librosa)")
    parser.add_argument("--out", type=Path, default=HERE.parent / "RESULTS.md")
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "benchmarks.svg")
    options = parser.parse_args()
    options.peers = options.peers.absolute()
    if not python_of(options.peers, "common").exists():
        parser.error(f"no peers in {options.peers}: make bench-peers installs them")

    BUILD.mkdir(parents=True, exist_ok=True)
    effort = QUICK if options.quick else FULL
    signals = {}
    for name, rate in (("16k", RATE), ("shipped", 22050)):
        signals[name] = str(BUILD / f"{name}.f32")
        music.load(options.music, rate, effort.music_s).tofile(signals[name])
    stick = "FFTW" if yardstick.build() else "SciPy"
    if stick == "SciPy":
        _say("FFTW is missing (apt install libfftw3-dev): SciPy's FFT is the yardstick instead")

    kept = BUILD / ("quick.json" if options.quick else "results.json")
    run = Run(options.peers, effort, signals, options.quick)
    if options.only and kept.exists():
        run.results = {**json.loads(kept.read_text()), **run.results}
    run.results["yardstick"] = stick
    for section in options.only or SECTIONS:
        _say(section)
        if section == "peers":
            run.peers(options.row)
        else:
            getattr(run, section.replace("-", "_"))()
        run.results["machine"] = report.machine()
        kept.write_text(json.dumps(run.results, indent=1))
    options.out.write_text(report.markdown(run.results))
    options.chart.write_text(chart.svg(run.results))
    _say(f"wrote {options.out} and {options.chart}")
    failed = report.disagreeing(run.results)
    for line in failed:
        _say(f"computes something else: {line}")
    return 1 if failed else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
