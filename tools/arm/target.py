"""Installs wheels into an unpacked ARM Debian and runs its Python on them under qemu."""

from __future__ import annotations

import os
import shutil
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from tools.arm import sysroot
from tools.arm.commands import CommandError, run
from tools.arm.sysroot import ARM64, ARMHF, Architecture

ROOT = Path(__file__).resolve().parents[2]
SYSROOTS = ROOT / "build/arm"
_BY_MACHINE = {arch.machine: arch for arch in (ARM64, ARMHF)}
_GLIBCS = (17, 27, 28, 31, 34, 35)
# What edgemood needs on 32-bit ARM beside Debian's NumPy and soundfile. soxr has no wheel there: it is cross-built.
_ARMHF_NEEDS = ("tflite-runtime", "mutagen", "click", "tqdm", "platformdirs")


def tools_env() -> dict[str, str]:
    """The environment with the programs that came with this Python's packages (cmake, ctest, ninja) on the PATH."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def check_on_target(machine: str, wheel: Path) -> str:
    """Install `wheel` for `machine` and compare what it hears with the golden file, on every processor to be tried.

    Raises
    ------
    CommandError
        It cannot be installed, imported or run, or hears something else.
    """
    arch = _BY_MACHINE[machine]
    site = install(arch, wheel)
    reports = []
    for cpu in arch.cpus:
        command = sysroot.python(arch, cpu, SYSROOTS / arch.name, site)
        reports.append(f"{cpu}: " + run([*command, ROOT / "tools/arm/golden.py"]).stdout.rstrip())
    return "\n".join(reports)


def install(arch: Architecture, wheel: Path) -> Path:
    """Make the sysroot and beside it a folder with `wheel` and what it needs; gives that folder."""
    root, site = SYSROOTS / arch.name, SYSROOTS / f"{arch.name}-site"
    sysroot.make_sysroot(arch, root)
    shutil.rmtree(site, ignore_errors=True)
    platforms = [f"manylinux_2_{minor}_{arch.machine}" for minor in _GLIBCS] + [f"manylinux2014_{arch.machine}"]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(site)]
    pip += ["--only-binary=:all:", "--python-version", sysroot.PYTHON.removeprefix("python")]
    pip += [word for platform in platforms for word in ("--platform", platform)]
    if arch is ARM64:
        run([*pip, wheel])
        return site
    run([*pip, "--no-deps", wheel, *_ARMHF_NEEDS])
    if "soxr" in _requirements(wheel):
        _install_soxr(arch, site)
    return site


def _requirements(wheel: Path) -> set[str]:
    with ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(content.read(name).decode())
    needs = metadata.get_all("Requires-Dist", [])
    return {need.split(";")[0].split("[")[0].strip().rstrip("=<>!~.0123456789, ") for need in needs}


def _install_soxr(arch: Architecture, site: Path) -> None:
    """Cross-build soxr from its source distribution; once, for it takes a minute."""
    kept = SYSROOTS / "soxr"
    if not list(kept.glob("*.whl")):
        include = SYSROOTS / arch.name / "usr/include"
        headers = SYSROOTS / "include"
        shutil.copytree(include / sysroot.PYTHON, headers, dirs_exist_ok=True)
        shutil.copy2(include / arch.triplet / sysroot.PYTHON / "pyconfig.h", headers)
        toolchain = ROOT / f"native/cmake/toolchains/{arch.triplet}.cmake"
        env = {
            **tools_env(),
            "_PYTHON_HOST_PLATFORM": f"linux-{arch.machine}",
            "CMAKE_ARGS": f"-DCMAKE_TOOLCHAIN_FILE={toolchain} -DPython_INCLUDE_DIR={headers}",
        }
        # without isolation: an environment of its own would hold build tools for the target, compiled from source
        pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-cache-dir", "--no-binary=soxr"]
        pip += ["--no-build-isolation"]
        run([*pip, "--wheel-dir", kept, "soxr"], env=env)
    (wheel,) = kept.glob("*.whl")
    with ZipFile(wheel) as content:
        content.extractall(site)
    modules = list((site / "soxr").glob("*.so"))
    if len(modules) != 1:
        raise CommandError(f"soxr's wheel has {len(modules)} native modules, not one")
    modules[0].rename(site / "soxr" / (modules[0].name.split(".")[0] + ".so"))  # its name is the host's
