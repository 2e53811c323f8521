"""What edgemood costs on a Raspberry Pi, estimated: ``python -m tools.arm.cost`` writes docs/raspberry-pi.md anew.

Instructions are counted under qemu-user, which is exact to parts in a million and does not depend on how busy this
machine is; time is instructions over the rate at which a board's processor gets through them, which is an assumption.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tools.arm import native, sysroot
from tools.arm.commands import CommandError, run
from tools.arm.sysroot import ARM64, ARMHF, Architecture
from tools.arm.target import ROOT, SYSROOTS, install
from tools.wheels.build import MACHINES, WORK, Builder, interpreter
from tools.wheels.headers import headers

DOCUMENT = ROOT / "docs/raspberry-pi.md"
_BEGIN, _END = "<!-- figures: python -m tools.arm.cost -->", "<!-- end of figures -->"
_FOLDER = SYSROOTS / "cost"
_HERE = Path(__file__).parent
_SONG_S = 240.0
_EXTRACT_S = 30
_MP3_128K = 2 / 3  # soundfile's compression level, 0 to 1, from 320 down to 32 kbit/s


@dataclass(frozen=True)
class Board:
    """A board, its processor and the instructions it is assumed to get done a second and core."""

    name: str
    cpu: str
    clock_ghz: float
    instructions_per_cycle: float

    @property
    def rate(self) -> float:
        """Instructions a second on one core."""
        return self.clock_ghz * 1e9 * self.instructions_per_cycle


BOARDS = (
    Board("Zero 2 W", "Cortex-A53", 1.0, 0.4),
    Board("3B+", "Cortex-A53", 1.4, 0.4),
    Board("4", "Cortex-A72", 1.5, 0.55),
    Board("5", "Cortex-A76", 2.4, 1.3),
)


@dataclass(frozen=True)
class Count:
    """Instructions executed: all, and of these (64-bit only) vector, scalar floating-point, memory and branch ones."""

    total: int
    vector: int
    scalar: int
    memory: int
    branch: int

    def __sub__(self, other: Count) -> Count:
        return Count(*(a - b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def main() -> int:
    """Count, and rewrite the figures in the document."""
    try:
        _FOLDER.mkdir(parents=True, exist_ok=True)
        plugin = _plugin()
        embedded = {arch.name: _count_extractor(arch, plugin) for arch in (ARM64, ARMHF)}
        stages, told = _count_stages(plugin)
    except CommandError as error:
        print(f"cost: {error}", file=sys.stderr)
        return 1
    figures = "\n".join([_BEGIN, "", *_figures(embedded, stages, told), "", _END])
    text = DOCUMENT.read_text()
    before, rest = text.split(_BEGIN)
    DOCUMENT.write_text(before + figures + rest.split(_END)[1])
    print(figures)
    return 0


def _plugin() -> Path:
    plugin = _FOLDER / "count_instructions.so"
    run(["cc", "-shared", "-fPIC", "-O2", "-o", plugin, _HERE / "count_instructions.c"])
    return plugin


def _counted(command: list[str], plugin: Path) -> tuple[list[Count], str]:
    """Run a command that starts with qemu and its options; the work between each two marks, and what it printed."""
    counts = _FOLDER / "counts.txt"
    counts.unlink(missing_ok=True)
    settings = {"COUNTS": str(counts), "OPENBLAS_NUM_THREADS": "1"}
    said = run([command[0], "-plugin", plugin, *command[1:]], env={**os.environ, **settings}).stdout
    lines = [line.split() for line in counts.read_text().splitlines()]
    if len(lines) % 2 or [int(line[0]) for line in lines] != list(range(len(lines))):
        raise CommandError(f"{' '.join(command)}: marks are missing")
    marks = [Count(*map(int, line[1:])) for line in lines]
    return [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)], said


def _count_extractor(arch: Architecture, plugin: Path) -> dict[str, Count]:
    """The extractor as a C program uses it, on `_EXTRACT_S` seconds of sound."""
    cpu = arch.cpus[-1]
    native.build(arch, cpu)
    program = _FOLDER / f"extract-{arch.name}"
    library = native.build_folder(arch) / "libedgemood.a"
    compiler = [f"{arch.triplet}-gcc", "-std=gnu99", "-O2", "-I", str(ROOT / "native/include")]
    run([*compiler, _HERE / "extract.c", library, "-o", program, "-lstdc++", "-lm"])
    start = sysroot.emulator(arch, cpu, Path("/usr") / arch.triplet)
    return {what: _counted([*start, str(program), what, str(_EXTRACT_S)], plugin)[0][0] for what in ("lld50", "mfcc")}


def _count_stages(plugin: Path) -> tuple[dict[str, tuple[float, Count]], dict[str, str]]:
    """Seconds of music, and their instructions, by stage: the 64-bit wheel as Python uses it."""
    python = interpreter(sysroot.PYTHON)
    include = headers(MACHINES["aarch64"], python, SYSROOTS / "armhf")
    site = install(ARM64, Builder().build(MACHINES["aarch64"], python, include, WORK / "arm"))
    _write_song()
    start = sysroot.python(ARM64, ARM64.cpus[-1], SYSROOTS / ARM64.name, site)
    counts, said = _counted([*start, str(_HERE / "workload.py"), str(_FOLDER)], plugin)
    told = json.loads(said)
    stages = {name: (seconds, count) for (name, seconds), count in zip(told["stages"], counts, strict=True)}
    return stages, told


def _write_song() -> None:
    samples, rate = soundfile.read(ROOT / "examples/music/crystan_intro-sad.ogg", 30 * 44100, dtype="float32")
    if (rate, samples.shape) != (44100, (30 * 44100, 2)):
        raise CommandError("the example song is not 30 s of stereo at 44,100 Hz")
    soundfile.write(_FOLDER / "song.wav", np.clip(samples, -1, 1), rate, subtype="PCM_16")
    soundfile.write(
        _FOLDER / "song.mp3", samples, rate, format="MP3", bitrate_mode="CONSTANT", compression_level=_MP3_128K
    )


def _figures(
    embedded: dict[str, dict[str, Count]], stages: dict[str, tuple[float, Count]], told: dict[str, str]
) -> list[str]:
    per_second = {name: count.total / seconds for name, (seconds, count) in stages.items()}
    scan = sum(per_second[name] for name in ("decode MP3 to 22,050 Hz", "rows", "model", "identify"))
    lines = [f"Descriptors of version {told['version']}, model {told['model']}.", ""]
    lines += _work_table(embedded, stages)
    lines += ["", "| estimated | " + " | ".join(f"Pi {board.name}" for board in BOARDS) + " |"]
    lines += ["|---" * (1 + len(BOARDS)) + "|"]
    lines += [_row("instructions a second and core, assumed", lambda b: f"{b.rate / 1e9:.2f} G")]
    listen = per_second["listen"]
    lines += [_row("listening in real time, a score every second: of one core", lambda b: f"{listen / b.rate:.1%}")]
    lld = embedded[ARM64.name]["lld50"].total / _EXTRACT_S
    lines += [_row("only the 50 descriptors, in C: of one core", lambda b: f"{lld / b.rate:.2%}")]
    lines += [_row("scanning: four-minute MP3s a minute and core", lambda b: f"{60 * b.rate / (scan * _SONG_S):.0f}")]
    lines += [_row("scanning: one four-minute MP3", lambda b: f"{scan * _SONG_S / b.rate:.1f} s")]
    return lines


def _work_table(embedded: dict[str, dict[str, Count]], stages: dict[str, tuple[float, Count]]) -> list[str]:
    """Instructions by piece of work, and of what kind they are."""
    lines = ["| work | instructions a second of music | vector | scalar float | memory | branch |", "|---" * 6 + "|"]
    c_names = {"lld50": "LLD-50, shipped configuration", "mfcc": "MFCC (16 kHz, 25/10 ms, 512 FFT, 26 mel, 13)"}
    for key, name in c_names.items():
        lines.append(_work_row(f"{name}, C, 64-bit", _EXTRACT_S, embedded[ARM64.name][key]))
        count = embedded[ARMHF.name][key]
        lines.append(f"| {name}, C, 32-bit | {count.total / _EXTRACT_S / 1e6:.2f} M | | | | |")
    lines += [_work_row(f"{name}, Python, 64-bit", seconds, count) for name, (seconds, count) in stages.items()]
    return lines


def _work_row(name: str, seconds: float, count: Count) -> str:
    shares = (part / count.total for part in (count.vector, count.scalar, count.memory, count.branch))
    return f"| {name} | {count.total / seconds / 1e6:.2f} M | " + " | ".join(f"{share:.0%}" for share in shares) + " |"


def _row(name: str, figure: Callable[[Board], str]) -> str:
    return f"| {name} | " + " | ".join(figure(board) for board in BOARDS) + " |"


if __name__ == "__main__":
    sys.exit(main())
