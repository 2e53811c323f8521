"""Tries a wheel on this machine in an empty virtual environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.arm.commands import CommandError, run
from tools.arm.target import ROOT
from tools.wheels.build import WORK, Interpreter


def check_here(python: Interpreter, wheel: Path) -> str:
    """Install `wheel` and what it needs, compare what it hears with the golden file; gives what that said.

    Raises
    ------
    CommandError
        It cannot be installed, imported or run, or hears something else.
    """
    venv = WORK / f"venv-{python.tag}"
    shutil.rmtree(venv, ignore_errors=True)
    run([python.path, "-m", "venv", venv])
    run([venv / "bin/python", "-m", "pip", "install", "-q", wheel])
    run([venv / "bin/edgemood", "models"])
    picked = run([venv / "bin/python", "-c", "from edgemood import _native as n; print(n.instruction_set())"]).stdout
    if picked.strip() != (best := _best_instruction_set()):
        raise CommandError(f"{wheel.name}: the kernels picked are {picked.strip()}, this processor can do {best}")
    return run([venv / "bin/python", ROOT / "tools/arm/golden.py"]).stdout


def _best_instruction_set() -> str:
    """What the dispatcher should pick on this machine, by the flags that the kernel found."""
    text = Path("/proc/cpuinfo").read_text()
    flags = set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())
    if flags >= {"fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}:
        return "x86-64-v4"
    return "x86-64-v3" if flags >= {"fma", "avx2"} else "baseline"
