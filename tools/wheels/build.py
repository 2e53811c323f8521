"""Builds wheels by cross-compiling the compiled modules and putting them into one wheel for each machine and Python.

Everything but these is the same in all of them, so setuptools runs once (on an unpacked source distribution, which
proves that one complete) and CMake once for each machine. The compiler is that of the package ziglang, linked against
glibc 2.17: the oldest manylinux tag there is for these machines, and no C++ library to carry along.
"""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.arm.commands import CommandError, run
from tools.arm.target import ROOT, tools_env

WORK = ROOT / "build/wheels"
_TOOLCHAIN = "native/cmake/toolchains/zig.cmake"
# As setup.py has them.
_GREEDY_FLAGS = ("-O3", "-g0", "-ffp-contract=off", "-fPIC", "-shared", "-s")
_CORE_CONFIGURATION = ("-DCMAKE_BUILD_TYPE=Release", "-DEDGEMOOD_PYTHON=ON", "-DEDGEMOOD_TESTS=OFF", "-G", "Ninja")


@dataclass(frozen=True)
class Machine:
    """A machine to build for: as wheels, Python's module files and the compiler call it."""

    name: str
    triplet: str
    zig: str
    flags: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """The platform tag that its wheels keep to."""
        return f"manylinux2014_{self.name}"

    def module(self, name: str, python: Interpreter) -> str:
        """The file name of a compiled module for a Python on it."""
        return f"{name}.cpython-{python.version.replace('.', '')}-{self.triplet}.so"


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("x86_64", "x86_64-linux-gnu", "x86_64-linux-gnu.2.17"),
        Machine("aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu.2.17"),
        Machine("armv7l", "arm-linux-gnueabihf", "arm-linux-gnueabihf.2.17", ("-mcpu=cortex_a7",)),  # as zig.cmake
    )
}


@dataclass(frozen=True)
class Interpreter:
    """A Python to build for, at hand on this machine: "3.11", where it is, where its headers are."""

    version: str
    path: Path
    include: Path

    @property
    def tag(self) -> str:
        """As wheels call it: "cp311"."""
        return "cp" + self.version.replace(".", "")


_ASK = "import sys, sysconfig as s; print('%d.%d' % sys.version_info[:2]); print(s.get_path('include'))"


def interpreter(path: str | Path) -> Interpreter:
    """The interpreter at `path`.

    Raises
    ------
    CommandError
        It does not run, or has no headers.
    """
    found = shutil.which(str(path))
    if not found:
        raise CommandError(f"{path}: no such Python")
    version, include = run([found, "-c", _ASK]).stdout.splitlines()
    if not (Path(include) / "Python.h").is_file():
        raise CommandError(f"{path}: no Python.h in {include} (Debian: apt install lib{Path(include).name}-dev)")
    return Interpreter(version, Path(found), Path(include))


def at_hand() -> list[Interpreter]:
    """Give the running Python, and every other supported one on the PATH, so far as they have their headers."""
    found: dict[str, Interpreter] = {}
    for path in (sys.executable, *(f"python3.{minor}" for minor in range(10, 16))):
        try:
            one = interpreter(path)
        except CommandError:
            continue
        found.setdefault(one.version, one)
    return sorted(found.values(), key=lambda one: int(one.version.split(".")[1]))


class Builder:
    """Wheels of the source tree as it is now."""

    def __init__(self) -> None:
        cache = str(WORK / "zig")
        self._env = {**tools_env(), "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        self._sources = self._unpacked_sdist()
        self._base = self._unpacked_wheel()

    def _unpacked_sdist(self) -> Path:
        """A source distribution, unpacked where the last one was; files keep their times, so CMake goes on from it."""
        folder = WORK / "source"
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "build", "-q", "--sdist", "--no-isolation", "-o", folder, ROOT], env=self._env)
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
        return folder / archive.name.removesuffix(".tar.gz")

    def _unpacked_wheel(self) -> Path:
        """A wheel as setuptools makes it, unpacked; its modules are to be replaced, so they are made in haste."""
        folder = WORK / "base"
        shutil.rmtree(folder, ignore_errors=True)
        env = {**self._env, "CMAKE_ARGS": "-DCMAKE_CXX_FLAGS_RELEASE=-O0"}
        run([sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "-o", folder, self._sources], env=env)
        (wheel,) = folder.glob("*.whl")
        run([sys.executable, "-m", "wheel", "unpack", "--dest", folder, wheel])
        (tree,) = (path for path in folder.iterdir() if path.is_dir())
        return tree

    def build(self, machine: Machine, python: Interpreter, headers: Path, out: Path) -> Path:
        """One wheel, stripped, tagged and checked.

        Parameters
        ----------
        machine, python
            What to build for.
        headers
            The folder with the ``Python.h`` to use.
        out
            The folder it is put into.

        Raises
        ------
        CommandError
            It cannot be built, or does not keep to the platform tag it is to have.
        """
        modules = [self._native(machine, python, headers), self._greedy(machine, python, headers)]
        tree = WORK / "tree" / self._base.name
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(self._base, tree)
        for old in (tree / "edgemood").glob("*.so"):
            old.unlink()
        for module in modules:
            shutil.copy2(module, tree / "edgemood" / module.name)
        (info,) = tree.glob("*.dist-info/WHEEL")
        tag = f"{python.tag}-{python.tag}-linux_{machine.name}"
        info.write_text(re.sub(r"(?m)^Tag: .*$", f"Tag: {tag}", info.read_text()))
        packed = WORK / "packed"
        shutil.rmtree(packed, ignore_errors=True)
        packed.mkdir()
        run([sys.executable, "-m", "wheel", "pack", "--dest-dir", packed, tree], env=self._env)
        (wheel,) = packed.glob("*.whl")
        return self._tagged(wheel, machine, out)

    def _tagged(self, wheel: Path, machine: Machine, out: Path) -> Path:
        fixed = WORK / "fixed"
        shutil.rmtree(fixed, ignore_errors=True)
        # "auto" is the oldest tag it keeps to; auditwheel takes no other word for a machine that is not this one
        run([sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "-w", fixed, wheel], env=self._env)
        (result,) = fixed.glob("*.whl")
        if machine.platform not in result.name:
            raise CommandError(f"{result.name}: needs a later C library than {machine.platform} promises")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(result, out / result.name))

    def _greedy(self, machine: Machine, python: Interpreter, headers: Path) -> Path:
        """The module that Cython translates; its C is the same for all Pythons."""
        build = WORK / f"greedy-{machine.name}"
        build.mkdir(parents=True, exist_ok=True)
        source, module = WORK / "_greedy.c", build / machine.module("_greedy", python)
        origin = self._sources / "src/edgemood/_greedy.pyx"
        run([sys.executable, "-m", "cython", "--module-name", "edgemood._greedy", "-o", source, origin], env=self._env)
        compiler = [sys.executable, "-m", "ziglang", "cc", "-target", machine.zig, *machine.flags]
        run([*compiler, *_GREEDY_FLAGS, "-I", headers, source, "-o", module], env=self._env)
        return module

    def _native(self, machine: Machine, python: Interpreter, headers: Path) -> Path:
        """The native module; the core under it is compiled once for all Pythons."""
        build = WORK / f"native-{machine.name}"
        name = machine.module("_native", python)
        forget = ("-U", "Python*", "-U", "_Python*", "-U", "PYTHON*", "-U", "PYBIND11*")
        pybind11 = run([sys.executable, "-m", "pybind11", "--cmakedir"], env=self._env).stdout.strip()
        options = (
            f"-DCMAKE_TOOLCHAIN_FILE={self._sources / _TOOLCHAIN}",
            f"-DEDGEMOOD_ZIG_PYTHON={sys.executable}",
            f"-DEDGEMOOD_ZIG_TARGET={machine.zig}",
            "-DCMAKE_MODULE_LINKER_FLAGS=-s",
            "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF",  # keeps pybind11 from trying what it offers
            f"-DEDGEMOOD_MODULE_FILE={name}",
            f"-DPython_EXECUTABLE={python.path}",
            f"-DPython_INCLUDE_DIR={headers}",
            f"-Dpybind11_DIR={pybind11}",
        )
        folders = ("-S", self._sources / "native", "-B", build)
        run(["cmake", *folders, *forget, *_CORE_CONFIGURATION, *options], env=self._env)
        run(["cmake", "--build", build, "--target", "_native"], env=self._env)
        return build / name
