"""Cross-builds the native core, runs its tests under qemu, and looks whether its kernels use vector instructions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tools.arm.commands import CommandError, run
from tools.arm.sysroot import ARM64, ARMHF, Architecture
from tools.arm.target import ROOT, tools_env

#: The four-lane float instructions of each architecture, and the same one number at a time, as objdump prints them.
_VECTOR = {
    ARM64.name: re.compile(r"\tf\w+\tv\d+\.4s"),
    ARMHF.name: re.compile(r"\tv\w+\.f32\tq\d+"),
}
_SCALAR = {
    ARM64.name: re.compile(r"\tf(?:n?m)?(?:add|sub|mul|div|sqrt)\ts\d+"),
    ARMHF.name: re.compile(r"\tv(?:add|sub|n?mul|div|n?ml[as]|fn?m[as]|sqrt)\w*\.f32\ts\d+"),
}
#: A core whose kernels are vectorised has many times more of the former. What stays scalar: tails, square roots and
#: divisions of 32-bit ARM.
_LEAST_RATIO = 10


def build_folder(arch: Architecture) -> Path:
    """Where the native core is built for `arch`."""
    return ROOT / f"build/native-{arch.triplet}"


def test(arch: Architecture, cpus: Sequence[str]) -> list[str]:
    """Build, run ctest on each of `cpus`, and look at the instructions; gives a line of text about each.

    Raises
    ------
    CommandError
        It does not build, a test fails, or the kernels are not vectorised.
    """
    lines = []
    for cpu in cpus:
        build(arch, cpu)
        said = run(["ctest", "--test-dir", build_folder(arch), "--output-on-failure"], env=tools_env()).stdout
        passed = re.search(r"tests passed.*out of (\d+)", said)
        if not passed or passed[1] == "0":
            raise CommandError(f"{arch.name}: ctest ran no test:\n{said}")
        lines.append(f"{arch.name}, {cpu}: all {passed[1]} native tests pass")
    vector, scalar = float_instructions(arch)
    told = f"{vector} four-lane and {scalar} scalar float instructions"
    if not vector >= _LEAST_RATIO * max(scalar, 1):
        raise CommandError(f"{arch.name}: the kernels are not vectorised: {told}")
    return [*lines, f"{arch.name}: {told} in the core"]


def build(arch: Architecture, cpu: str) -> None:
    """Cross-build the core and its tests, which CTest is to run on `cpu`."""
    options = (
        f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/native/cmake/toolchains/{arch.triplet}.cmake",
        f"-DEDGEMOOD_QEMU_CPU={cpu}",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DEDGEMOOD_TESTS=ON",
    )
    run(["cmake", "-S", ROOT / "native", "-B", build_folder(arch), *options], env=tools_env())
    run(["cmake", "--build", build_folder(arch), "--parallel"], env=tools_env())


def float_instructions(arch: Architecture) -> tuple[int, int]:
    """Four-lane and scalar float instructions in the core as built."""
    code = run([f"{arch.triplet}-objdump", "-d", "--no-show-raw-insn", build_folder(arch) / "libedgemood.a"]).stdout
    return len(_VECTOR[arch.name].findall(code)), len(_SCALAR[arch.name].findall(code))
