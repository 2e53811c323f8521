"""Unpacks Debian packages of another architecture into a folder that qemu-user can run programs from.

apt resolves and fetches with a state of its own, so the host's apt and dpkg are not touched; packages are unpacked, not
installed: no maintainer script runs and no root is needed. The suite is fixed, whatever the host's: Raspberry Pi OS is
made from it, and its Python 3.11 is the last that tflite-runtime has wheels for.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.arm.commands import CommandError, run

SUITE = "bookworm"
PYTHON = "python3.11"
_PYTHON_PACKAGES = ("libc6", "libstdc++6", "python3.11", "python3.11-minimal", "libpython3.11-stdlib")


@dataclass(frozen=True)
class Architecture:
    """A kind of ARM system.

    `name` is Debian's, `triplet` GNU's, `machine` the kernel's; `cpus` are the processors to test on as qemu calls
    them, the first one the oldest; `packages` what its sysroot holds; `cpuinfo` the part of a processor's description
    that programs look at, as on a Raspberry Pi.
    """

    name: str
    triplet: str
    machine: str
    qemu: str
    cpus: tuple[str, ...]
    packages: tuple[str, ...]
    cpuinfo: Mapping[str, str]


ARM64 = Architecture(
    name="arm64",
    triplet="aarch64-linux-gnu",
    machine="aarch64",
    qemu="qemu-aarch64",
    cpus=("cortex-a53", "cortex-a72"),
    packages=_PYTHON_PACKAGES,
    cpuinfo={
        "Features": "fp asimd evtstrm crc32 cpuid",
        "CPU implementer": "0x41",
        "CPU architecture": "8",
        "CPU variant": "0x0",
        "CPU part": "0xd08",
        "CPU revision": "3",
    },
)
# qemu's 32-bit emulator knows the Cortex-A7 of the Raspberry Pi 2, the oldest board with NEON and VFPv4. PyPI has few
# wheels for it, so NumPy and libsndfile are Debian's, as they would be on the board.
ARMHF = Architecture(
    name="armhf",
    triplet="arm-linux-gnueabihf",
    machine="armv7l",
    qemu="qemu-arm",
    cpus=("cortex-a7",),
    packages=(*_PYTHON_PACKAGES, "libpython3.11-dev", "python3-numpy", "python3-soundfile"),
    cpuinfo={
        "Features": "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm",
        "CPU implementer": "0x41",
        "CPU architecture": "7",
        "CPU variant": "0x0",
        "CPU part": "0xc07",
        "CPU revision": "5",
    },
)


def emulator(arch: Architecture, cpu: str, root: Path, options: Sequence[str] = ()) -> list[str]:
    """The start of a command that runs a program of `arch` on `cpu` with the files of `root`."""
    return [arch.qemu, "-cpu", cpu, *options, "-L", str(root)]


def python(arch: Architecture, cpu: str, root: Path, site: Path, options: Sequence[str] = ()) -> list[str]:
    """The start of a command that runs Python of a sysroot, with the packages of `site` first."""
    libraries = root / "usr/lib" / arch.triplet  # Debian makes links to blas and lapack on installing, so not here
    settings = {
        "PYTHONPATH": f"{site}:{root}/usr/lib/python3/dist-packages",
        "LD_LIBRARY_PATH": f"{libraries}/blas:{libraries}/lapack",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    exports = [word for name, value in settings.items() for word in ("-E", f"{name}={value}")]
    return [*emulator(arch, cpu, root, [*options, *exports]), str(root / "usr/bin" / PYTHON)]


def make_sysroot(arch: Architecture, root: Path) -> None:
    """Make `root`, unless it is there as it should be.

    Raises
    ------
    CommandError
        Debian's packages cannot be fetched or unpacked.
    """
    recipe = json.dumps([SUITE, arch.packages, dict(arch.cpuinfo)])
    stamp = root / ".made-of"
    if stamp.is_file() and stamp.read_text() == recipe:
        return
    stamp.unlink(missing_ok=True)
    root = root.absolute()
    for archive in _fetch(arch, root.with_name(root.name + ".apt")):
        _unpack(archive, root)
    _describe_processor(arch, root)
    stamp.write_text(recipe)


def _fetch(arch: Architecture, state: Path) -> list[Path]:
    """The packages and what they need, as files; those fetched before are not fetched again."""
    archives = state / "cache/archives"
    for folder in ("sources.list.d", "apt.conf.d", "preferences.d", "trusted.gpg.d"):
        (state / "etc" / folder).mkdir(parents=True, exist_ok=True)
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    (state / "lists/partial").mkdir(parents=True, exist_ok=True)
    (state / "status").write_text("")
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (state / "etc/sources.list").write_text(f"deb [arch={arch.name} signed-by={keys}] {_mirror()} {SUITE} main\n")
    settings = {
        "Dir::Etc": state / "etc",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "APT::Architecture": arch.name,
        "APT::Architectures": arch.name,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-qq", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
    run([*apt, "update"])
    run([*apt, "install", "-y", "--download-only", *arch.packages])
    return sorted(archives.glob("*.deb"))


def _mirror() -> str:
    """Where this machine has its Debian packages from."""
    listing = run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]).stdout
    for line in listing.splitlines():
        site, release = line.split(maxsplit=1)
        if "security" not in release and "backports" not in release and site.rstrip("/").endswith("/debian"):
            return site
    raise CommandError("apt on this machine knows no Debian mirror: see /etc/apt/sources.list.d")


def _unpack(archive: Path, root: Path) -> None:
    for folder in ("bin", "sbin", "lib"):  # Debian's are links into usr; a package may still name them
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as content:
        run(["tar", "-x", "-C", str(root), "--keep-directory-symlink"], stdin=content.stdout)
    if content.returncode:
        raise CommandError(f"{archive.name} cannot be unpacked")


def _describe_processor(arch: Architecture, root: Path) -> None:
    """Put /proc/cpuinfo of a board where a program under qemu looks for it: the runtime of models reads it."""
    (root / "proc").mkdir(exist_ok=True)
    lines = [f"{key}\t: {value}" for key, value in {"processor": "0", **arch.cpuinfo}.items()]
    (root / "proc/cpuinfo").write_text("\n".join(lines) + "\n")
