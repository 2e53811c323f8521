"""The class of disk access of the calling thread, and of the processes it starts (ioprio_set(2)).

Neither Python nor the C library has a name for the two system calls, so they go by number.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from edgemood.errors import ConfigError

_CLASSES = {"best-effort": 2, "idle": 3}
_CLASS_SHIFT = 13
_LEVEL = {"best-effort": 7, "idle": 0}  # the last of eight; an idle one has none
_WHO_PROCESS, _MYSELF = 1, 0

_WORD = 8 * struct.calcsize("P")  # the interpreter's: 32-bit ones run on 64-bit kernels
#: (set, get) by machine and word; what is new since 2011 has the common numbers.
_NUMBERS = {
    ("x86_64", 64): (251, 252),
    ("x86_64", 32): (289, 290),
    ("i686", 32): (289, 290),
    ("aarch64", 64): (30, 31),
    ("aarch64", 32): (314, 315),
    ("armv7l", 32): (314, 315),
    ("armv6l", 32): (314, 315),
    ("riscv64", 64): (30, 31),
    ("loongarch64", 64): (30, 31),
    ("ppc64le", 64): (273, 274),
    ("s390x", 64): (282, 283),
}


@contextmanager
def io_class(name: str | None) -> Iterator[None]:
    """Put the calling thread into a class of disk access for a while; None: leave it.

    Raises
    ------
    ConfigError
        The system does not know such classes.

    """
    if name is None:
        yield
        return
    before = _call(1, _WHO_PROCESS, _MYSELF)
    _call(0, _WHO_PROCESS, _MYSELF, _CLASSES[name] << _CLASS_SHIFT | _LEVEL[name])
    try:
        yield
    finally:
        _call(0, _WHO_PROCESS, _MYSELF, before)


def _call(which: int, *arguments: int) -> int:
    numbers = _NUMBERS.get((platform.machine(), _WORD)) if platform.system() == "Linux" else None
    if numbers is None:
        raise ConfigError(f"ionice: no classes of disk access are known for {platform.machine()} machines")
    result: int = ctypes.CDLL(None, use_errno=True).syscall(numbers[which], *arguments)
    if result < 0:
        raise ConfigError(f"ionice: refused by the system ({os.strerror(ctypes.get_errno())})")
    return result
