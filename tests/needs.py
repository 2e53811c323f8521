"""Programs of the system that some tests need: where one is missing they are skipped, or fail where it is required.

The environment variable EDGEMOOD_REQUIRE lists what must be there, separated by commas: ``mpd,strace``.
"""

from __future__ import annotations

import os
import shutil

import pytest

#: The Debian package that brings a program, where it has another name.
PACKAGES = {
    "chromium": "chromium",
    "dbus-daemon": "dbus-daemon",
    "fiu-run": "fiu-utils",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "setfattr": "attr",
    "unshare": "util-linux",
}
#: Where Debian keeps what only root runs: not on everybody's PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def required(what: str) -> bool:
    """Whether a test that misses this must fail."""
    return what in {name.strip() for name in os.environ.get("EDGEMOOD_REQUIRE", "").split(",")}


def missing(what: str, why: str) -> None:
    """Skip the test, or fail it where `what` is required."""
    if required(what):
        pytest.fail(f"{why} (EDGEMOOD_REQUIRE names {what})", pytrace=False)
    pytest.skip(why)


def program(name: str) -> str:
    """Give the path of a program; without it the test is skipped, or fails where it is required."""
    path = shutil.which(name) or shutil.which(name, path=SBIN)
    if path is None:
        missing(name, f"needs {name}: apt-get install {PACKAGES.get(name, name)}")
    assert path is not None
    return path
