"""What a scan may take of the machine, so that music goes on playing beside it."""

from __future__ import annotations

import math
import os
import re
import resource
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from edgemood.errors import ConfigError

#: The classes of disk access a scan may be put into (see ioprio_set(2)).
IO_CLASSES = ("idle", "best-effort")

_LEAST_CPU = 0.01
#: Bytes that are kept free: for what a worker loads late (FFmpeg's code, mostly), and for the process that scans to
#: grow, at least.
_LATE, _GROWTH = 20 << 20, 24 << 20
_LEAST_SONG = 24 << 20
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Budget:
    """What a scan may take, all its processes together. As it is: whatever it can get.

    Attributes
    ----------
    cpu : float or None
        Share of one processor core: 0.25 is a quarter of one, 1.5 one and a half. It holds in every second, not only
        on average. None: any.
    memory : int or None
        Bytes of memory: private pages and the process's share of those it shares (PSS), libraries' code included. The
        kernel's cache of files that were read does not count: it is given back to whoever asks. None: any.
    pause_while_playing : bool
        Nothing is done as long as an ALSA device plays, and two seconds more.
    pause_file : path or None
        Nothing is done as long as there is a file of this name.
    ionice : str or None
        One of `IO_CLASSES`: which class of disk access the scan is in meanwhile; None: that of the calling thread.
    spent_s : float
        CPU seconds that were spent before and count as well, such as a program's start; at least 0.

    Raises
    ------
    ConfigError
        A value is out of range; the message names it.

    """

    cpu: float | None = None
    memory: int | None = None
    pause_while_playing: bool = False
    pause_file: str | os.PathLike[str] | None = None
    ionice: str | None = None
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        if self.cpu is not None and not (_is_number(self.cpu) and self.cpu >= _LEAST_CPU):
            raise ConfigError(f"cpu is a share of one core of at least {_LEAST_CPU:g}, not {self.cpu!r}")
        if self.memory is not None and not (_is_number(self.memory) and self.memory >= 1):
            raise ConfigError(f"memory is a number of bytes of at least 1, not {self.memory!r}")
        if self.ionice is not None and self.ionice not in IO_CLASSES:
            raise ConfigError(f"ionice is one of {', '.join(IO_CLASSES)}, not {self.ionice!r}")
        if not (_is_number(self.spent_s) and self.spent_s >= 0):
            raise ConfigError(f"spent_s is a number of seconds of at least 0, not {self.spent_s!r}")
        if self.pause_file is not None and Path(self.pause_file).is_dir():
            raise ConfigError(f"pause_file {os.fspath(self.pause_file)} is a folder: it would pause for ever")

    @property
    def limits(self) -> bool:
        """Whether there is any limit at all."""
        return self.governs or self.memory is not None or self.ionice is not None

    @property
    def governs(self) -> bool:
        """Whether somebody has to watch the clock or the player."""
        return self.cpu is not None or self.pause_while_playing or self.pause_file is not None


@dataclass(frozen=True)
class Room:
    """The memory of a scan.

    Attributes
    ----------
    total : int
        Bytes for all of it.
    taken : int
        Of these, what the process that scans has now.
    jobs : int
        How many workers are wanted.

    """

    total: int
    taken: int
    jobs: int

    @property
    def growth(self) -> int:
        """Bytes that the process that scans may come to need: for results, pages of the library, failures."""
        return max(_GROWTH, self.total // 8)

    @property
    def longest_message(self) -> int:
        """Bytes that a worker may send at a time: they are there as they came, as objects and as SQLite's copy."""
        return self.growth // 4

    def divide(self, base: int) -> tuple[int, int]:
        """Tell how many workers there is room for, and how many bytes a song may take in each.

        Parameters
        ----------
        base
            What a worker takes before its first song, in bytes.

        Raises
        ------
        ConfigError
            There is none for a single one; the message says how much there has to be.

        """
        worker = base + _LATE + _LEAST_SONG
        free = self.total - self.taken - self.growth
        jobs = min(self.jobs, free // worker)
        if jobs < 1:
            least = math.ceil((self.taken + _GROWTH + worker) / _UNITS["M"])
            raise ConfigError(f"memory of {self.total / _UNITS['M']:g}M is too little: a scan takes {least}M here")
        return jobs, free // jobs - base - _LATE


def room(memory: int, jobs: int) -> Room:
    """Reckon with what this process takes now, libraries that it shares with workers included."""
    return Room(memory, footprint(), jobs)


def footprint() -> int:
    """Bytes that this process takes of the memory: its own, and its share of what it shares (PSS).

    Where the system does not tell the shares (before Linux 4.14) all that it shares counts.
    """
    try:
        with open("/proc/self/smaps_rollup", "rb") as rollup:  # noqa: PTH123 - shorter and quicker than a Path here
            found = re.search(rb"^Pss:\s+(\d+) kB", rollup.read(), re.MULTILINE)
        if found:
            return int(found[1]) << 10
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def read_cpu(text: str) -> float:
    """Give the share of one core that a text like ``25%`` or ``150%`` says.

    Raises
    ------
    ConfigError
        It is no percentage of at least 1.

    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s?%", text.strip(), re.ASCII)
    if not found or float(found[1]) < 100 * _LEAST_CPU:
        raise ConfigError(f"{text!r} is no share of a core such as 25% or 150% (at least {_LEAST_CPU:.0%})")
    return float(found[1]) / 100


def read_size(text: str) -> int:
    """Give the bytes that a text like ``200M`` or ``1G`` says: K, M and G are 2**10, 2**20 and 2**30.

    Raises
    ------
    ConfigError
        It is no such size.

    """
    found = re.fullmatch(r"(\d{1,12})\s?([KMG]?)", text.strip().upper(), re.ASCII)
    if not found or int(found[1]) < 1:
        raise ConfigError(f"{text!r} is no size such as 200M or 1G")
    return int(found[1]) * _UNITS[found[2]]
