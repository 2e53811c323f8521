"""Builds, checks and tries wheels: ``python -m tools.wheels [--machine aarch64] [--python python3.12]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.arm.commands import CommandError
from tools.arm.target import ROOT, SYSROOTS, check_on_target
from tools.wheels.build import MACHINES, Builder, Interpreter, at_hand, interpreter
from tools.wheels.check import check_here
from tools.wheels.headers import ARMHF_PYTHON, headers


def main() -> int:
    """Build a wheel for every machine and Python asked for, try each where it can run, and list them."""
    parser = argparse.ArgumentParser(prog="python -m tools.wheels", description="Build release wheels.")
    parser.add_argument("--machine", action="append", choices=sorted(MACHINES), help="default: all three")
    parser.add_argument("--python", action="append", help="a Python with its headers; default: those on the PATH")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where they go (default: dist)")
    parser.add_argument("--no-test", action="store_true", help="build only")
    arguments = parser.parse_args()
    try:
        pythons = [interpreter(path) for path in arguments.python] if arguments.python else at_hand()
        if not pythons:
            raise CommandError("no Python with headers is on the PATH (Debian: apt install python3-dev)")
        _make(arguments.machine or list(MACHINES), pythons, arguments.out, not arguments.no_test)
    except CommandError as error:
        print(f"wheels: {error}", file=sys.stderr)
        return 1
    return 0


def _make(machines: list[str], pythons: list[Interpreter], out: Path, test: bool) -> None:
    builder = Builder()
    for name in machines:
        for python in pythons:
            if name == "armv7l" and python.version != ARMHF_PYTHON:
                continue
            include = headers(MACHINES[name], python, SYSROOTS / "armhf")
            wheel = builder.build(MACHINES[name], python, include, out)
            print(f"{wheel.name}: {wheel.stat().st_size / 1000:.0f} kB", flush=True)
            if test:
                print(_tried(name, python, wheel), flush=True)


def _tried(machine: str, python: Interpreter, wheel: Path) -> str:
    if machine == "x86_64":
        report = check_here(python, wheel)
    elif python.version == ARMHF_PYTHON:
        report = check_on_target(machine, wheel)
    else:
        report = f"not run: the Python under qemu is {ARMHF_PYTHON}"
    return "\n".join(f"  {line}" for line in report.splitlines())


if __name__ == "__main__":
    sys.exit(main())
