"""The inside of a worker process (see `workers`), and how it and its parent talk.

A message is four bytes of length and a pickle. From the worker: a tuple, its first item one of the signs below. To the
worker: `Setup` first, then tasks, and answers to its questions.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgemood.budget import Room, footprint

#: What a worker's message says, and what follows: nothing; how many workers there is memory for (None: any number);
#: seconds it may now be silent; a question; a value and whether it leaves; an exception's name, its message and whether
#: it leaves; an exception's name and its message.
BORN, READY, BEAT, QUESTION, DONE, FAILED, CANNOT_START = (
    "born", "ready", "beat", "question", "done", "failed", "cannot start",
)  # fmt: skip

_LENGTH = struct.Struct("<I")
_PIECE = 1 << 20
_MB = 1 << 20
_BEAT_S = 0.5  # signs of life are not sent more often than this
_LONGEST_WORDS = 1 << 20  # bytes of standard error kept
_PR_SET_PDEATHSIG = 1  # of prctl(2)
_INCOMPLETE = object()


@dataclass(frozen=True)
class Setup:
    """What a worker has to know before its first task; see `workers.Pool`."""

    function: str
    arguments: tuple[Any, ...]
    memory_mb: int | None
    nice: int
    room: Room | None = None


class Frames:
    """Cuts what arrives on a socket into messages; never waits for the rest of one."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def receive(self, link: socket.socket) -> list[Any]:
        """Read once and give the messages that are complete now.

        Raises
        ------
        EOFError
            The other side has hung up.

        """
        piece = link.recv(_PIECE)
        if not piece:
            raise EOFError
        self._bytes += piece
        messages = []
        while (message := self._next()) is not _INCOMPLETE:
            messages.append(message)
        return messages

    def _next(self) -> Any:
        if len(self._bytes) < _LENGTH.size:
            return _INCOMPLETE
        end = _LENGTH.size + _LENGTH.unpack_from(self._bytes)[0]
        if len(self._bytes) < end:
            return _INCOMPLETE
        with memoryview(self._bytes) as heard, heard[_LENGTH.size : end] as message:  # no copy of what may be long
            content = pickle.loads(message)
        del self._bytes[:end]
        return content


def send(link: socket.socket, message: Any, longest: int | None = None) -> None:
    """Send one message; OSError if the other side is gone, MemoryError if it is too long for the other side."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    if longest is not None and len(data) > longest:
        raise MemoryError
    link.sendall(_LENGTH.pack(len(data)) + data)


def command(fd: int) -> list[str]:
    """Give the command line of a worker that talks on the socket `fd`.

    Isolated (-I), lest modules of the current folder are imported in place of Python's own; then with the parent's
    path, so that it finds the same edgemood.
    """
    start = (
        "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
        "from edgemood._worker import main; main(int(sys.argv[2]), int(sys.argv[3]))"
    )
    return [sys.executable, "-I", "-c", start, json.dumps(sys.path), str(fd), str(os.getpid())]


class HungUpError(BaseException):
    """The parent is gone. No Exception: the code that does the work is not to catch it."""


class Channel:
    """A task's connection to the process that handed it out."""

    def __init__(self, link: socket.socket) -> None:
        self.longest: int | None = None  # message, in bytes
        self._link = link
        self._frames = Frames()
        self._waiting: list[Any] = []
        self._beaten_at = 0.0

    def beat(self, grace_s: float = 0.0) -> None:
        """Give a sign of life. What comes next may take `grace_s` seconds more than is usually allowed."""
        now = time.monotonic()
        if grace_s <= 0 and now - self._beaten_at < _BEAT_S:
            return
        self._beaten_at = now
        if os.fstat(2).st_size > _LONGEST_WORDS:
            _forget_words()
        self.tell(BEAT, grace_s)

    def ask(self, question: Any) -> Any:
        """Put a question about this task to the process that handed it out, and wait for the answer."""
        self.tell(QUESTION, question)
        return self.receive()

    def tell(self, *message: Any) -> None:
        """Send a message, its first item one of the signs above."""
        try:
            send(self._link, message, self.longest)
        except OSError as error:
            raise HungUpError from error

    def receive(self) -> Any:
        """Wait for the next message."""
        try:
            while not self._waiting:
                self._waiting = self._frames.receive(self._link)
        except (OSError, EOFError) as error:
            raise HungUpError from error
        return self._waiting.pop(0)


def main(fd: int, parent: int) -> None:
    """Be a worker until the parent hangs up or is gone."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the parent decides what it means
    channel = Channel(socket.socket(fileno=fd))
    with suppress(HungUpError):
        channel.tell(BORN)  # from now on it may be stopped: it cannot outlive its parent any more
        _serve(channel, channel.receive())
    os._exit(0)  # nothing to tidy up, and libraries that crash in their destructors do not matter


def _serve(channel: Channel, setup: Setup) -> None:
    try:
        os.nice(setup.nice)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no core dumps on flash
        module, _, name = setup.function.partition(":")
        work = getattr(importlib.import_module(module), name)(*setup.arguments)
        jobs, memory = _share(setup)
    except Exception as error:
        channel.tell(CANNOT_START, type(error).__name__, str(error))
        return
    channel.longest = setup.room.longest_message if setup.room else None
    channel.tell(READY, jobs)
    while True:
        task = channel.receive()
        _forget_words()
        try:
            reply: tuple[Any, ...] = (DONE, work(task, channel))
        except MemoryError:
            reply = (FAILED, "WorkerError", memory.exceeded)
        except Exception as error:
            reply = (FAILED, type(error).__name__, str(error) or type(error).__name__)
        leaves = memory.short()
        try:
            channel.tell(*reply, leaves)
        except MemoryError:
            channel.tell(FAILED, "WorkerError", memory.exceeded, leaves)
        if leaves:
            return


def _share(setup: Setup) -> tuple[int | None, _Memory]:
    """How many workers there is memory for, and this one's limit."""
    if setup.room is None:
        return None, _Memory(setup.memory_mb)
    jobs, song = setup.room.divide(footprint())
    limit_mb = song // _MB
    return jobs, _Memory(limit_mb if setup.memory_mb is None else min(limit_mb, setup.memory_mb))


class _Memory:
    """The limit on this process's own memory (private pages, not mapped files), counted from now."""

    def __init__(self, limit_mb: int | None) -> None:
        self.exceeded = f"needs more than {limit_mb} MB"
        self._limit = None if limit_mb is None else limit_mb * _MB
        self._start = _data_bytes()
        if self._limit is not None and self._start:
            limit = self._start + self._limit
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    def short(self) -> bool:
        """Whether so much is taken between tasks that the next one might suffer for it."""
        return self._limit is not None and _data_bytes() - self._start > self._limit // 4


def _data_bytes() -> int:
    """How much counts against RLIMIT_DATA at present; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - shorter and quicker than a Path here
            return int(statm.read().split()[5]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


def _forget_words() -> None:
    """Empty what was written on standard output and error: the last words should be about the last task."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.lseek(2, 0, os.SEEK_SET)
    os.ftruncate(2, 0)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone, even by SIGKILL while this one hangs.

    Only Linux can do so; elsewhere, and until here, the broken connection ends the worker at its next message.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # gone before the kernel was asked
            os._exit(1)
