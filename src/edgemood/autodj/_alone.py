"""One daemon for one player: two would note every play twice and fight over the queue."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from edgemood.errors import PlayerError


@contextmanager
def alone(player: str, library: str, command: str = "edgemood") -> Iterator[None]:
    """Follow a player as the only one of this user; the lock goes with the process, however that ends.

    It lies in ``$XDG_RUNTIME_DIR``, else beside the library; where nothing can be written there is none.

    Parameters
    ----------
    player
        The player's name.
    library
        The library file.
    command
        What is run, for the error.

    Raises
    ------
    PlayerError
        Another process follows it.

    """
    key = hashlib.sha256(os.fsencode(player)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = f"{runtime}/edgemood-dj-{key}.lock" if runtime else f"{library}-dj-{key}.lock"
    file = -1
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if file < 0:
        yield
        return
    try:
        _take(file, f"{command} already runs for {player}")
        yield
    finally:
        os.close(file)


def _take(file: int, complaint: str) -> None:
    """Lock an open file and write into it who did; a file system that knows no locks has none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        number = os.pread(file, 20, 0).decode("ascii", "replace").strip()
        raise PlayerError(f"{complaint} (process {number or 'unknown'})") from error
    except OSError:
        return
    with suppress(OSError):  # a full disk
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
