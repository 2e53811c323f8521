"""RESULTS.md: what a run measured, and nothing else."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .settings import BENCHES
from .table import PACKAGES, PEERS, Peer
from .yardstick import IN_Y

Results = Mapping[str, Any]

_INTRODUCTION = """# Benchmarks

Written by `make bench-peers` on {date}{quick}; every number is of that run. {machine}, {instruction_set} kernels.

One thread, CPU time of the process, {music_s} s of real music (`examples/music` unless told otherwise; 16 kHz mono; a
slow peer gets less: its column says how much). Each peer runs in a process of its own, where it takes turns with the
yardstick and with edgemood; its cost is divided by the mean of the yardstick's before and after it. **Quoted is the
median of the rounds' ratios**, in brackets their quartiles, then the least.

**Y** is one bare 512-point (as shipped: 1,024-point) real FFT a frame, as PFFFT does it. PFFFT is in no registry:
{yardstick} ran in its place, and its times were divided by {factor} (1,024 points: {factor_1024}), as measured beside
PFFFT itself once. Ratios to edgemood do not depend on that.

"Agrees" is the least agreement of the peer's columns with ours on six seconds of music and six of a sung vowel:
Pearson's correlation, for F0 the share of frames within 50 cents (F0, HNR and formants on the vowel only). Where a
definition is another one, "how it differs" says how; (!) marks less agreement than that explains.
"""


def machine() -> str:
    """Processor and system, in general terms."""
    model = "processor of unknown make"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model} ({platform.machine()}), Python {platform.python_version()}"


def markdown(results: Results) -> str:
    """The whole page."""
    parts = [_introduction(results), _summary(results)]
    parts += [_bench(results, key) for key in BENCHES]
    parts += [_scaling(results), _instructions(results), _end_to_end(results), _packages(results)]
    return "\n".join(part for part in parts if part)


def disagreeing(results: Results) -> list[str]:
    """Peers whose numbers agree with ours less than the table says they do."""
    found = []
    for peer in PEERS:
        agrees = results.get("peers", {}).get(peer.key, {}).get("agreement")
        if agrees and peer.least is not None and min(agrees.values()) < peer.least:
            worst = min(agrees, key=agrees.__getitem__)
            found.append(f"{peer.key}: {worst} {agrees[worst]:.3f}, expected {peer.least} or more")
    return found


def _introduction(results: Results) -> str:
    name = results["yardstick"]
    return _INTRODUCTION.format(
        date=results["date"],
        quick=" with `--quick`: to try the command, not to quote" if results["quick"] else "",
        machine=results["machine"],
        instruction_set=results.get("instruction_set", "best"),
        music_s=results["effort"]["music_s"],
        yardstick=name,
        factor=IN_Y[name, 512],
        factor_1024=IN_Y[name, 1024],
    )


def _spread(spread: Mapping[str, float]) -> str:
    return " ".join(
        (
            _number(spread["median"]),
            f"[{_number(spread['lower'])}-{_number(spread['upper'])}],",
            _number(spread["least"]),
        )
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _summary(results: Results) -> str:
    levels = results.get("levels", {})
    if "error" in levels or not levels:
        return f"edgemood itself was not measured: {levels.get('error', 'left out')}\n"
    names = {
        "mfcc": "W1: MFCC alone",
        "lld": "W2: all frame-level descriptors of LLD-50",
        "lld50": "W2 with functionals over 3 s every 1 s (LLD-50)",
        "shipped": "as shipped (22,050 Hz, 1,024-point): frame level",
        "lld50 shipped": "as shipped: LLD-50",
        **{key: bench.title for key, bench in BENCHES.items() if key not in ("mfcc", "lld", "shipped")},
    }
    ways = list(levels["mfcc"])
    rows = ([title, *(_spread(levels[key][way]) for way in ways)] for key, title in names.items())
    return "## edgemood, in Y\n\n" + _table(["", *ways], rows)


def _bench(results: Results, key: str) -> str:
    rows = results.get("peers", {})
    own = [peer for peer in PEERS if peer.bench == key and peer.key in rows]
    done = [peer for peer in own if "error" not in rows[peer.key]]
    done.sort(key=lambda peer: rows[peer.key]["over_ours"]["median"])
    if not own:
        return ""
    table = _table(
        ("", "times edgemood", "in Y", "music, s", "rounds", "agrees", "how it differs"),
        (_row(peer, rows[peer.key]) for peer in done),
    )
    missing = [f"- {peer.name}: not measured, {rows[peer.key]['error']}" for peer in own if peer not in done]
    return f"## {BENCHES[key].title}\n\n{table}" + "\n".join(["", *missing, ""] if missing else [])


def _row(peer: Peer, row: Mapping[str, Any]) -> list[str]:
    agrees = min(row["agreement"].values())
    mark = " (!)" if peer.least is not None and agrees < peer.least else ""
    return [
        peer.name,
        _spread(row["over_ours"]),
        _spread(row["ratio"]),
        f"{row['seconds']:.0f}",
        str(row["ratio"]["rounds"]),
        f"{agrees:.3f}{mark}",
        peer.how,
    ]


def _scaling(results: Results) -> str:
    scaling = results.get("scaling")
    if not scaling:
        return ""
    lengths, chunks = scaling["lengths"], scaling["chunks"]
    rows = []
    for seconds in lengths["mfcc"]:
        cells = [lengths[key][seconds] for key in ("mfcc", "lld")]
        if any("error" in cell for cell in cells):
            rows.append([_duration(int(seconds)), *("not measured" for _ in range(4))])
            continue
        rows.append([_duration(int(seconds)), *(_number(c["ratio"]) for c in cells)])
        rows[-1] += [f"{c['memory_kb'] / 1024:.1f}" for c in cells]
    head = ("length", "W1, Y a frame", "W2, Y a frame", "W1, MB", "W2, MB")
    text = (
        "## Length\n\nBy Python in pieces of 10 s from a new extractor, its creation included; memory: by how much the"
    )
    text += " process grew.\n\n" + _table(head, rows)
    if any("error" in chunks[key] for key in chunks):
        return text + f"\nChunks were not measured: {chunks['mfcc'].get('error') or chunks['lld'].get('error')}\n"
    sizes = [name.removeprefix("Python ") for name in chunks["mfcc"] if name.startswith("Python")]
    rows = [
        [
            _chunk(float(size)),
            *(_number(chunks[key][f"{way} {size}"]) for key in ("mfcc", "lld") for way in ("Python", "C")),
        ]
        for size in sizes
    ]
    head = ("pushed at a time", "W1, Python", "W1, C", "W2, Python", "W2, C")
    return text + "\n## Chunks\n\nIn Y a frame.\n\n" + _table(head, rows)


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"


def _chunk(seconds: float) -> str:
    return "all at once" if seconds == 0 else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"


def _instructions(results: Results) -> str:
    counted = results.get("instructions")
    if not counted:
        return ""
    if "error" in counted:
        return f"## Instructions\n\nNot counted: {counted['error']}\n"
    names = {
        "lld50": "LLD-50 with functionals (16 kHz)",
        "mfcc by 10 ms": "W1 pushed by 10 ms",
        "lld by 10 ms": "W2 pushed by 10 ms",
    }
    rows = ([names.get(key) or BENCHES[key].title, f"{count:,.0f}"] for key, count in counted["per_frame"].items())
    text = "## Instructions\n\nA frame, by callgrind, the C library alone, "
    text += f"{counted['instruction_set']} kernels (Valgrind knows no AVX-512).\n\n"
    return text + _table(("", "instructions a frame"), rows)


def _end_to_end(results: Results) -> str:
    found = results.get("end-to-end")
    if not found:
        return ""
    title = "## From file to mood\n\n"
    if "error" in found:
        return f"{title}Not measured: {found['error']}\n"
    text = (
        f"A song of four minutes, MP3 at {found['kbit_s']:.0f} kbit/s, 44.1 kHz stereo, by Python; CPU time over that "
    )
    text += "of libsndfile decoding it.\n\n"
    rows = [["decode", "1"], *([name, _spread(spread)] for name, spread in found["stages"].items())]
    scan = found["scan"]
    shares = ", ".join(f"{stage} {share:.0%}" for stage, share in scan["shares"].items())
    tail = (
        f"\nA scan of {found['songs']} such songs with one worker, model and database included: {scan['per_min']:.0f} "
        f"songs a minute by the clock, {scan['per_cpu_min']:.0f} a minute of CPU time, and "
        f"{scan['further_per_cpu_min']:.0f} without what starting costs. Of the CPU time: {shares}.\n"
    )
    return title + text + _table(("up to", "times decoding"), rows) + tail


def _packages(results: Results) -> str:
    rows = []
    for name, package in PACKAGES.items():
        own = [results.get("peers", {}).get(peer.key, {}) for peer in PEERS if peer.package == name]
        version = next((row["version"] for row in own if "version" in row), None)
        problem = next((row["error"] for row in own if "error" in row), "not run")
        installed = " ".join(part.removeprefix("--no-deps:") for part in package.install)
        rows.append([name, version or f"no: {problem}", package.licence, f"`pip install {installed}`"])
    return "## Peers\n\n" + _table(("", "version", "licence", "how installed"), rows)
