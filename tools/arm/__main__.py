"""Proves that edgemood runs on ARM, from any Debian machine: ``python -m tools.arm [--quick]``.

The native core is cross-built for 64-bit and 32-bit ARM and its tests run under qemu-user. Then, unless ``--quick``,
wheels are built and run by a real ARM Python with NumPy and the TFLite runtime, which has to hear what this machine
hears. What was fetched and built is kept under ``build/``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.arm import native
from tools.arm.commands import CommandError, run
from tools.arm.sysroot import ARM64, ARMHF, PYTHON
from tools.arm.target import ROOT, SYSROOTS, check_on_target
from tools.wheels.build import MACHINES, WORK, Builder, interpreter
from tools.wheels.headers import headers

_DEBIAN = {
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "arm-linux-gnueabihf-g++": "g++-arm-linux-gnueabihf",
    "qemu-aarch64": "qemu-user",
    "qemu-arm": "qemu-user",
    "make": "make",
}


def main() -> int:
    """See the text at the top."""
    parser = argparse.ArgumentParser(prog="python -m tools.arm", description="Test on ARM, emulated.")
    parser.add_argument("--quick", action="store_true", help="native tests only, on the oldest processors")
    quick = parser.parse_args().quick
    summary: list[str] = []
    try:
        _check_packages()
        _test_native(quick, summary)
        if not quick:
            _test_wheels(summary)
    except CommandError as error:
        print(f"test-arm: {error}", file=sys.stderr)
        return 1
    print("\n".join(["", "ARM:", *summary]))
    return 0


def _check_packages() -> None:
    missing = sorted({package for program, package in _DEBIAN.items() if not shutil.which(program)})
    if missing:
        raise CommandError(f"missing Debian packages: apt install --no-install-recommends {' '.join(missing)}")


def _test_native(quick: bool, summary: list[str]) -> None:
    for arch in (ARM64, ARMHF):
        with _timed(f"{arch.name}: native tests", summary):
            summary += native.test(arch, arch.cpus[:1] if quick else arch.cpus)


def _test_wheels(summary: list[str]) -> None:
    with _timed("this machine", summary):
        summary += run([sys.executable, ROOT / "tools/arm/golden.py"]).stdout.splitlines()
    python = interpreter(PYTHON)
    builder = Builder()
    for name in ("aarch64", "armv7l"):
        with _timed(f"{name}: wheel", summary):
            include = headers(MACHINES[name], python, SYSROOTS / "armhf")
            wheel = builder.build(MACHINES[name], python, include, WORK / "arm")
            summary.append(f"{wheel.name}: {wheel.stat().st_size / 1000:.0f} kB")
            summary += check_on_target(name, wheel).splitlines()


@contextmanager
def _timed(what: str, summary: list[str]) -> Iterator[None]:
    print(f"{what} ...", flush=True)
    begin = time.monotonic()
    yield
    summary.append(f"  ({what}: {time.monotonic() - begin:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
