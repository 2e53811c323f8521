"""Finds the ``Python.h`` to build a module for another machine with.

Python's headers are the same everywhere but for ``pyconfig.h``, which says how large the C types are. All 64-bit Linux
machines agree on these, so the headers of an interpreter at hand serve for them; those of 32-bit ARM come from Debian,
for the one Python that it has. ``pyport.h`` refuses to compile where the sizes are wrong.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from tools.arm import sysroot
from tools.arm.commands import CommandError
from tools.wheels.build import WORK, Interpreter, Machine

_WORDS = {"x86_64": 64, "aarch64": 64, "armv7l": 32}
#: The one Python whose 32-bit ARM headers there are.
ARMHF_PYTHON = sysroot.PYTHON.removeprefix("python")


def headers(machine: Machine, python: Interpreter, armhf_root: Path) -> Path:
    """A folder with the headers of `python` for `machine`.

    `armhf_root` is where the 32-bit Debian is unpacked, or is to be if it is needed.

    Raises
    ------
    CommandError
        There are none; the text says why.
    """
    include, triplet = python.include, f"{platform.machine()}-linux-gnu"
    if _WORDS[machine.name] == 32:
        if python.version != ARMHF_PYTHON:
            raise CommandError(f"{machine.name}: Debian's headers are those of Python {ARMHF_PYTHON} only")
        sysroot.make_sysroot(sysroot.ARMHF, armhf_root)
        include, triplet = armhf_root / "usr/include" / sysroot.PYTHON, machine.triplet
    elif _WORDS.get(platform.machine()) != 64:
        raise CommandError(f"{machine.name}: wheels are built on a 64-bit machine, not on {platform.machine()}")
    folder = WORK / f"include-{machine.name}-{python.tag}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(include, folder)
    # Debian's pyconfig.h only includes the one of the machine, from beside it.
    own = include.parent / triplet / include.name / "pyconfig.h"
    if own.is_file():
        shutil.copy2(own, folder / "pyconfig.h")
    return folder
