"""Disks to be pulled out, filled and locked: ext4 in a file. Needs root, and a mount namespace of its own."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.faults.report import CannotRunError, require

_ENV = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C"}
_INNER = "disk.img"
_PAGE = 4096
NAMESPACE = "EDGEMOOD_FAULTSNAMESPACE"


def in_own_namespace() -> None:
    """Run this program again where what it mounts is seen by nobody else, and goes with it; or return, if it is so.

    Raises
    ------
    CannotRunError
        This user may not mount.

    """
    if os.environ.get(NAMESPACE):
        return
    require("unshare", "mkfs.ext4", "mount", "umount")
    if os.geteuid() != 0:
        raise CannotRunError("needs root, to mount disks")
    if run(["unshare", "--mount", "true"], check=False).returncode or not Path("/dev/loop-control").exists():
        raise CannotRunError("may not mount disks here: needs CAP_SYS_ADMIN and loop devices")
    os.environ[NAMESPACE] = "1"
    words = [sys.executable, "-m", "tools.faults", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", *words])


def run(command: Sequence[str | Path], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of the system."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=_ENV, check=False)
    if check and done.returncode:
        raise CannotRunError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done


@contextmanager
def mounted(image: Path, at: Path, options: str = "loop") -> Iterator[Path]:
    """Mount a file as a disk."""
    at.mkdir(exist_ok=True)
    run(["mount", "-o", options, image, at])
    try:
        yield at
    finally:
        if run(["umount", at], check=False).returncode:
            run(["umount", "--lazy", at], check=False)


def make(image: Path, megabytes: int, *options: str) -> None:
    """Make an empty ext4 in a file whose blocks are all there, with blocks as long as those of real disks."""
    with image.open("wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
        os.fsync(file.fileno())
    now = "nodiscard,lazy_itable_init=0,lazy_journal_init=0"
    run(["mkfs.ext4", "-q", "-F", "-b", str(_PAGE), "-E", now, *options, image])


class Card:
    """A memory card with a cache that forgets: what was written to it and not flushed may be lost when it is cut off.

    An ext4 with its journal lies in a file of another one without, which plays the card. A flush of the inner one is an
    fsync of that file; all else that is written to it stays in the outer one's memory, and is lost with it. Some of it
    may get to the disk all the same, in any order: `cut` picks pages by chance.
    """

    def __init__(self, work: Path, megabytes: int = 24) -> None:
        self._work, self._template = work, work / "template.img"
        make(self._template, megabytes + megabytes // 4 + 4, "-O", "^has_journal", "-m", "0")
        with mounted(self._template, work / "card") as card:
            make(card / _INNER, megabytes, "-J", "size=4")

    @contextmanager
    def prepared(self) -> Iterator[Path]:
        """Mount the disk that all cards are copies of, to put something on it."""
        with mounted(self._template, self._work / "card") as card, mounted(card / _INNER, self._work / "disk") as disk:
            yield disk

    @contextmanager
    def fresh(self, options: str = "loop") -> Iterator[Path]:
        """Mount the disk of a new card."""
        image = self._work / "live.img"
        shutil.copyfile(self._template, image)
        with mounted(image, self._work / "card") as card, mounted(card / _INNER, self._work / "disk", options) as disk:
            yield disk

    def cut(self, rng: random.Random) -> None:
        """Keep what is on the card at this instant."""
        if rng.random() < 0.5:
            self._write_some(rng)
        shutil.copyfile(self._work / "live.img", self._work / "cut.img")

    @contextmanager
    def after(self) -> Iterator[Path]:
        """Mount the disk as `cut` has left it, where it was before. CannotRunError where it cannot be mounted."""
        image = mounted(self._work / "cut.img", self._work / "card")
        with image as card, mounted(card / _INNER, self._work / "disk") as disk:
            yield disk

    def _write_some(self, rng: random.Random) -> None:
        """Have the card write some of what it has in its cache."""
        write = ctypes.CDLL(None, use_errno=True).sync_file_range
        write.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
        with (self._work / "card" / _INNER).open("rb") as file:
            pages = os.fstat(file.fileno()).st_size // _PAGE
            for _ in range(rng.randrange(1, 200)):
                write(file.fileno(), rng.randrange(pages) * _PAGE, _PAGE * rng.randrange(1, 16), 7)  # and wait for it
