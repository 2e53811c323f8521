"""Keeps the processes of a scan within their share of a core, and all of them still while something plays.

A thread looks at the CPU clocks of the processes and of the thread that scans, some twenty times a second, and closes
a gate when the account is overdrawn. Worker processes are then stopped by SIGSTOP, so that nothing has to cooperate:
neither an interpreter that starts nor a decoder lost in a damaged file takes more. The scanning thread itself waits
at the gate (`pace`) between two pieces of work, never while it holds the library for itself.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import TracebackType

from edgemood.budget import Budget
from edgemood.errors import ConfigError

_LEAST_BURST_S = 0.005  # shorter ones are lost in the grain of schedulers
_BURST_PER_LOOK = 40  # so much longer than the two looks it takes: these are a twentieth of it then
_LATE_S = 0.01  # of a second: see Account
_BIRTH_S = 0.05, 1.0  # what a process may take until it can be stopped: at least, at most, until one has shown
_BIRTH_OF_START = 1 / 3  # of what this program has taken to start, which tells how fast the machine is
_LOOKS_TO_WEIGH = 50  # so many are enough to tell what one costs
_LOOK_S = 0.5  # how often it is looked whether something plays
_QUIET_S = 2.0  # for so long nothing may have played: two songs have a gap in between
_SOUND = Path("/proc/asound")
_RUNS = re.compile(r"^state: (RUNNING|DRAINING)$", re.MULTILINE)


class Account:
    """CPU time that may be spent: in any second no more than a share of it.

    What may be spent grows with time, up to a burst. Any second can then hold at most what grows in it and one burst;
    a little is left for processes that are stopped late, as they are on a busy machine. Together: the share.

    Parameters
    ----------
    share
        CPU seconds a second.
    spent_s
        CPU seconds that were spent before.

    """

    def __init__(self, share: float, spent_s: float = 0.0) -> None:
        self._share = share
        self._choose_burst(_LEAST_BURST_S)
        self._left_s = self.burst_s - spent_s

    def looks_cost(self, cost_s: float) -> None:
        """Let a look at the clocks, which begins or ends a burst, cost no more than a few percent of what is spent."""
        self._choose_burst(max(_LEAST_BURST_S, _BURST_PER_LOOK * cost_s))

    def _choose_burst(self, burst_s: float) -> None:
        self.burst_s = min(burst_s, self._share / 4)
        self.per_s = self._share - self.burst_s - min(_LATE_S, self._share / 10)

    def note(self, elapsed_s: float, spent_s: float) -> None:
        """Note that time went by, and how much was spent in it."""
        self._left_s = min(self.burst_s, self._left_s + self.per_s * elapsed_s - spent_s)

    @property
    def overdrawn(self) -> bool:
        """Whether nothing may be spent now."""
        return self._left_s <= 0

    @property
    def wait_s(self) -> float:
        """How long until, with nothing spent, a whole burst may be."""
        return max(0.0, (self.burst_s - self._left_s) / self.per_s)

    def lasts_s(self, spenders: int) -> float:
        """How long it lasts when so many processes spend all they can, without splitting hairs at its end."""
        return max(self.burst_s / 4, self._left_s) / max(1e-9, max(1, spenders) - self.per_s)


class Governor:
    """Holds the calling thread, and the processes it names, to a budget. Use it as a context manager.

    Raises
    ------
    ConfigError
        The system does not tell what the budget depends on; the message says what is missing.

    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._paused = _pauses(budget)
        self._account = None if budget.cpu is None else Account(budget.cpu, budget.spent_s)
        self._clocks = _Clocks()
        self._lock = threading.Lock()  # of what follows
        self._pids: set[int] = set()
        least, most = _BIRTH_S
        self._birth_s, self._born = min(most, max(least, _BIRTH_OF_START * time.process_time())), False
        self._open_s, self._opened_at = 0.0, time.monotonic()
        self._gate = threading.Event()
        self._gate.set()
        self._cores = len(os.sched_getaffinity(0))
        self._looks = 0
        self._running = threading.Lock()  # held until the end; cheaper to wait for than an Event
        self._running.acquire()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._govern, name="edgemood-governor", daemon=True)

    def __enter__(self) -> Governor:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.release()
        self._thread.join()

    def allow_birth(self) -> None:
        """Wait until a process may be started.

        Until it is taken charge of nobody can stop it. So it takes a piece in one go, which must fit into the second
        before as well as into the one after: it is saved now, and counts once more when it was spent.
        """
        self.save(self._birth_s)

    def save(self, seconds: float, patience_s: float | None = None) -> None:
        """Wait, if need be no longer than `patience_s`, until so many CPU seconds more may be spent in one go."""
        if self._account and self._thread.is_alive():
            with self._lock:
                self._clocks.charge(seconds)
            self._set(False)  # the next look, which is soon, sees how long
            self._gate.wait(patience_s)

    def add(self, pid: int) -> None:
        """Take charge of a process of ours; what it has spent since its start counts."""
        with self._lock:
            self._pids.add(pid)
            took_s = self._clocks.add(pid)
            self._birth_s = max(took_s * 1.25, self._birth_s if self._born else 0.0)
            self._born = True
            if not self._gate.is_set():
                _signal(pid, signal.SIGSTOP)

    def remove(self, pid: int) -> None:
        """Let a process go, and go on: before anybody waits for its end, after which the number may be another's."""
        with self._lock:
            if pid in self._pids:
                self._pids.remove(pid)
                self._clocks.remove(pid)
                _signal(pid, signal.SIGCONT)

    def pace(self) -> None:
        """Wait, in the thread that scans, until there is something left to spend."""
        self._gate.wait()
        if self._error:
            raise RuntimeError("nobody watches the budget any more") from self._error

    def open_s(self) -> float:
        """For how many seconds, so far, processes were let run: a clock that stands still while they are stopped."""
        with self._lock:
            return self._open_s + (time.monotonic() - self._opened_at if self._gate.is_set() else 0.0)

    @contextmanager
    def pacing_imports(self) -> Iterator[None]:
        """Have what is imported inside, which may be most of a program's start, wait at the gate module by module."""
        gate = _ImportGate(self.pace)
        sys.meta_path.insert(0, gate)
        try:
            yield
        finally:
            sys.meta_path.remove(gate)

    # ---------------------------------------------------------------------------------------------------- its thread

    def _govern(self) -> None:
        self._clocks.add_thread(threading.get_ident())
        looked_at, noted_at, paused = 0.0, time.monotonic(), False
        try:
            wait_s = 0.0
            while not self._running.acquire(timeout=wait_s):
                now = time.monotonic()
                if self._paused and now - looked_at >= _LOOK_S:
                    looked_at, paused = now, self._paused()
                wait_s = self._look(now - noted_at, paused)
                noted_at = now
        except BaseException as error:
            self._error = error
        finally:
            self._set(True)

    def _look(self, elapsed_s: float, paused: bool) -> float:
        """Open or close the gate, and give the seconds until the next look."""
        account = self._account
        with self._lock:
            spenders = min(len(self._pids), self._cores)  # the thread that scans has little to do
            spent_s = self._clocks.spent_s() if account else 0.0
        if account:
            self._looks += 1
            if self._looks % _LOOKS_TO_WEIGH == 0:
                account.looks_cost(time.thread_time() / self._looks)
            account.note(elapsed_s, spent_s)
        if paused or account is None:
            wait_s = _LOOK_S
        elif account.overdrawn:
            wait_s = account.wait_s
        else:
            wait_s = account.lasts_s(spenders)
        self._set(not (paused or (account and account.overdrawn)))
        return min(max(wait_s, 0.001), _LOOK_S)

    def _set(self, is_open: bool) -> None:
        with self._lock:
            if is_open != self._gate.is_set():
                if is_open:
                    self._opened_at = time.monotonic()
                    self._gate.set()
                else:
                    self._gate.clear()
                    self._open_s += time.monotonic() - self._opened_at
            elif is_open:
                return
            for pid in self._pids:  # again and again while closed: a shell's `fg` continues them all
                _signal(pid, signal.SIGCONT if is_open else signal.SIGSTOP)


class _ImportGate(MetaPathFinder):
    """Finds nothing, but takes its time."""

    def __init__(self, pace: Callable[[], None]) -> None:
        self._pace, self._thread = pace, threading.get_ident()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if threading.get_ident() == self._thread:
            self._pace()


class _Clocks:
    """What processes and threads have spent since the last look; the first thread is the one that makes this."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}
        self._late_s = 0.0  # of processes that have gone since
        try:
            time.clock_gettime(_clock_of(os.getpid()))
            owner = self.add_thread(threading.get_ident())
            self._last[owner] = time.clock_gettime(owner)
        except (AttributeError, OSError) as error:
            raise ConfigError(f"a share of a core can be kept on Linux only ({error})") from error

    def add(self, pid: int) -> float:
        """Watch a process from its start on; gives what it has taken."""
        clock = _clock_of(pid)
        self._last[clock] = 0.0
        try:
            return time.clock_gettime(clock)
        except OSError:  # it has died
            return 0.0

    def charge(self, seconds: float) -> None:
        self._late_s += seconds

    def add_thread(self, ident: int) -> int:
        clock = time.pthread_getcpuclockid(ident)
        self._last[clock] = 0.0
        return clock

    def remove(self, pid: int) -> None:
        clock = _clock_of(pid)
        self._late_s += self._since(clock)
        del self._last[clock]

    def spent_s(self) -> float:
        spent_s, self._late_s = self._late_s + sum(self._since(clock) for clock in self._last), 0.0
        return spent_s

    def _since(self, clock: int) -> float:
        try:
            now = time.clock_gettime(clock)
        except OSError:  # a process that has died
            return 0.0
        before, self._last[clock] = self._last[clock], now
        return now - before


def _clock_of(pid: int) -> int:
    """The CPU clock of a process as Linux numbers them (clock_getcpuclockid(3))."""
    return ~pid << 3 | 2


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


# -------------------------------------------------------------------------------------------------------------- pauses


def _pauses(budget: Budget) -> Callable[[], bool] | None:
    """Give what tells whether to pause, None where nothing ever makes us."""
    reasons: list[Callable[[], bool]] = []
    if budget.pause_while_playing:
        if not _SOUND.is_dir():
            raise ConfigError(f"whether something plays cannot be told: there is no {_SOUND} (no sound driver)")
        reasons.append(_Playing())
    if budget.pause_file is not None:
        reasons.append(Path(budget.pause_file).exists)
    return (lambda: any(reason() for reason in reasons)) if reasons else None


class _Playing:
    """Whether an ALSA device plays, or has a moment ago."""

    def __init__(self) -> None:
        self._heard_at = float("-inf")

    def __call__(self) -> bool:
        now = time.monotonic()
        if playing():
            self._heard_at = now
        return now - self._heard_at < _QUIET_S


def playing(sound: Path = _SOUND) -> bool:
    """Whether any ALSA playback stream runs at this moment (MPD, PipeWire and PulseAudio all end there)."""
    for status in sound.glob("card*/pcm*p/sub*/status"):
        with suppress(OSError):  # a USB device that is pulled out
            if _RUNS.search(status.read_text("ascii", "replace")):
                return True
    return False
