"""Tries a wheel on this machine in an empty virtual environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.arm.commands import run
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
    return run([venv / "bin/python", ROOT / "tools/arm/golden.py"]).stdout
