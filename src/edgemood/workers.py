"""Worker processes that die alone.

A `Pool` runs one task at a time in each of a few Python processes. A task that crashes its process, hangs or takes too
much memory costs that task; the process is replaced and the others never notice.

Why not `multiprocessing`: a program that scans at its top level, without ``if __name__ == "__main__"``, must work, so
nothing of the parent's main module may be run again in the workers; and it must work from a program with threads, so
nothing may be forked from it. Each worker is a fresh interpreter joined by one socket. A fork server would save little:
what the workers could share (15 MB each) is mostly libraries, which the kernel shares anyway.

The function that does the work is named (``"package.module:function"``) and found in the worker. It is called once, to
set up, and returns what is then called for each task::

    def set_up(*arguments):                # loads a model, say
        def work(task, channel): ...       # calls channel.beat() now and then, returns a result
        return work
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

from edgemood import errors
from edgemood._governor import Governor
from edgemood._worker import BEAT, BORN, CANNOT_START, DONE, QUESTION, READY, Frames, Setup, command, send
from edgemood.budget import Room
from edgemood.errors import EdgemoodError, WorkerError

Task = TypeVar("Task")

_WATCH_S = 0.5  # how often the workers are looked at when they are quiet
_FAREWELL_S = 5.0  # how long a killed process may take to go before it is left to the system
_START_S = 60.0  # how long starting may take at least
_FAILED_STARTS = 3  # in a row, until it is given up


@dataclass(frozen=True)
class Outcome(Generic[Task]):
    """What became of one task: a `value`, or else a `kind` (name of the exception) and an `error` for a person.

    killed: a signal from nobody here ended the worker. It may have been the task's fault, or just have hit it.
    """

    task: Task
    value: Any = None
    kind: str = ""
    error: str = ""
    killed: bool = False

    @property
    def failed(self) -> bool:
        """Whether there is no value."""
        return bool(self.kind)


@dataclass
class _Worker:
    """The parent's side of one process."""

    process: subprocess.Popen[bytes]
    link: socket.socket
    words: BinaryIO  # what it wrote on standard output and error
    frames: Frames = field(default_factory=Frames)
    task: Any = None
    busy: bool = False
    ready: bool = False
    silent_s: float = 0.0  # how long it has been busy without a sign, as far as anybody was watching


class Pool:
    """A few worker processes, started when there is work. Use it as a context manager, or `close` it.

    It belongs to one thread: the workers end when the thread that started them does.

    Parameters
    ----------
    function
        Set-up function, as ``"package.module:function"``; see the module's text.
    arguments
        What it is called with (picklable).
    jobs
        How many processes, at least 1.
    memory_mb
        How much more memory than it has after set-up a worker may take, in MB (of 2**20 bytes); None for any amount.
    stall_s
        After how many seconds without a sign a worker counts as hung.
    nice
        By how much workers are nicer than this process (see nice(2)); 0 to 19.
    room
        The memory that all of them share; None: any. There are no more workers than it has room for.
    governor
        Who holds them to a budget of time. While it stops them they are not silent, and no task is handed out.

    """

    def __init__(  # noqa: PLR0913 - options, all by name
        self,
        function: str,
        arguments: tuple[Any, ...] = (),
        *,
        jobs: int = 1,
        memory_mb: int | None = 512,
        stall_s: float = 60.0,
        nice: int = 0,
        room: Room | None = None,
        governor: Governor | None = None,
    ) -> None:
        self._setup = Setup(function, arguments, memory_mb, nice, room)
        self._governor = governor
        self._clock = governor.open_s if governor else time.monotonic
        self._jobs = max(1, jobs) if room is None else 1  # until the first worker tells how many there is room for
        self._stall_s = stall_s
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[Any] = deque()  # tasks whose worker died before it began
        self._failed_starts = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            self._dismiss(worker)
        self._selector.close()

    def run(self, tasks: Iterable[Task], answer: Callable[[Task, Any], Any] | None = None) -> Iterator[Outcome[Task]]:
        """Give the outcomes of `tasks` as they come. Who does not take them all has to close the pool.

        Parameters
        ----------
        tasks
            Picklable; taken one by one, each as late as possible.
        answer
            Called here, in this process, with a task and what its worker asked about it; gives what the worker hears.

        Raises
        ------
        WorkerError
            Workers cannot be started at all. What befalls a single task is an outcome of it.

        """
        todo = iter(tasks)
        while True:
            self._hand_out(todo)
            if not any(worker.busy for worker in self._workers):
                return
            for worker in self._watch():
                yield from self._listen(worker, answer)
            for worker in [worker for worker in self._workers if self._hangs(worker)]:
                worker.process.kill()
                yield from self._bury(worker, f"no progress for {self._stall_s:g} s")

    def _hangs(self, worker: _Worker) -> bool:
        return worker.busy and worker.silent_s >= (self._stall_s if worker.ready else max(self._stall_s, _START_S))

    def _hand_out(self, todo: Iterator[Any]) -> None:
        """Give every free worker a task, and start workers while there are more tasks than workers."""
        while True:
            free = next((worker for worker in self._workers if not worker.busy), None)
            if free is None and len(self._workers) >= self._jobs:
                return
            if not self._waiting:
                try:
                    self._waiting.append(next(todo))
                except StopIteration:
                    return
            if self._governor:
                self._governor.pace()  # who is stopped does not hear
            worker = free or self._start()
            try:
                send(worker.link, self._waiting[0])
            except OSError:  # it died while it was idle, or at birth: no fault of the task
                list(self._bury(worker))
                continue
            worker.task, worker.busy, worker.silent_s = self._waiting.popleft(), True, 0.0

    def _watch(self) -> list[_Worker]:
        """Wait for signs of life; who gives none has been silent for as long as was waited.

        Only time spent watching counts: neither a consumer that is slow to take outcomes, nor a program stopped and
        continued from a terminal, nor a governor makes workers look hung.
        """
        begin = self._clock()
        ready = [key.data for key, _ in self._selector.select(_WATCH_S)]
        waited = min(self._clock() - begin, _WATCH_S)
        for worker in self._workers:
            worker.silent_s += waited
        return ready

    def _listen(self, worker: _Worker, answer: Callable[[Any, Any], Any] | None) -> Iterator[Outcome[Any]]:
        """Hear what a worker has to say."""
        try:
            heard = worker.frames.receive(worker.link)
        except (EOFError, OSError):  # it is dying
            yield from self._bury(worker)
            return
        except Exception as error:  # no message at all: its memory must be damaged
            worker.process.kill()
            yield from self._bury(worker, f"worker talks nonsense ({error})")
            return
        for sign, *content in heard:
            worker.silent_s = 0.0
            if sign == BORN:
                if self._governor:
                    self._governor.add(worker.process.pid)
            elif sign == READY:
                worker.ready, self._failed_starts = True, 0
                self._jobs = content[0] or self._jobs
            elif sign == BEAT:
                worker.silent_s = -content[0]
            elif sign == QUESTION:
                self._reply(worker, answer(worker.task, content[0]) if answer else None)
            elif sign == CANNOT_START:
                raise _as_told(*content)
            else:
                yield self._finish(worker, sign, content)

    def _finish(self, worker: _Worker, sign: str, content: list[Any]) -> Outcome[Any]:
        *content, leaves = content
        task, worker.task, worker.busy = worker.task, None, False
        if leaves:  # it has grown, and says so before it hurts the next task
            self._workers.remove(worker)
            self._dismiss(worker)
        if sign == DONE:
            return Outcome(task, value=content[0])
        kind, error = content
        return Outcome(task, kind=kind, error=error)

    def _reply(self, worker: _Worker, answer: Any) -> None:
        with suppress(OSError):  # it died since; the next look at it finds out
            send(worker.link, answer)

    def _start(self) -> _Worker:
        if self._governor:
            self._governor.allow_birth()
        ours, theirs = socket.socketpair()
        ours.settimeout(max(self._stall_s, _FAREWELL_S))  # for sending; receiving waits for the selector
        words = _scratch()
        try:
            with theirs:
                process = subprocess.Popen(
                    command(theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
                )
        except OSError as error:
            ours.close()
            words.close()
            raise WorkerError(f"worker processes cannot start: {sys.executable or 'no Python'}: {error}") from error
        worker = _Worker(process, ours, words)
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        with suppress(OSError):  # died at birth: its first task finds out
            send(ours, self._setup)
        return worker

    def _bury(self, worker: _Worker, reason: str = "") -> Iterator[Outcome[Any]]:
        """Remove a worker that died or was killed; its task, if it had begun one, has failed."""
        self._workers.remove(worker)
        cause = self._dismiss(worker)
        killed = not reason and (worker.process.returncode or 0) < 0
        reason = reason or cause
        if worker.ready:
            if worker.busy:
                yield Outcome(worker.task, kind=WorkerError.__name__, error=reason, killed=killed)
            return
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            raise WorkerError(f"worker processes cannot start: {reason}")
        if worker.busy:
            self._waiting.append(worker.task)

    def _dismiss(self, worker: _Worker) -> str:
        """Hang up, which ends a process that is still there, take leave of it, and say how it ended."""
        if self._governor:
            self._governor.remove(worker.process.pid)
        self._selector.unregister(worker.link)
        worker.link.close()
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(_FAREWELL_S)
        if worker.process.returncode is None:  # stuck in the kernel, on a dead network drive perhaps
            worker.process.kill()
        cause = _cause_of_death(worker)
        worker.words.close()
        return cause


_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _as_told(kind: str, message: str) -> EdgemoodError:
    """What a worker could not start for: what its user did wrong is said as it was there."""
    if kind == errors.ConfigError.__name__:
        return errors.ConfigError(message)
    return WorkerError(f"worker processes cannot start: {kind}: {message}")


def _scratch() -> BinaryIO:
    """A file in memory for a worker's words: decoders complain about every other file, but last words matter."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("edgemood-worker"), "w+b")
    return tempfile.TemporaryFile()


def _cause_of_death(worker: _Worker) -> str:
    status = worker.process.returncode
    if status is None:
        cause = "worker cannot be ended"
    elif status >= 0:
        cause = f"worker exited with status {status}"
    else:
        names = {number.value: number.name for number in signal.Signals}
        cause = f"worker killed by signal {-status} ({names.get(-status, 'unknown')})"
        if -status == signal.SIGKILL:
            cause += ", perhaps because the machine ran out of memory"
    last = _last_words(worker.words)
    return f"{cause}: {last}" if last else cause


def _last_words(words: BinaryIO) -> str:
    words.seek(0, os.SEEK_END)
    words.seek(max(0, words.tell() - 2000))
    lines = words.read().decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:200] if said else ""
