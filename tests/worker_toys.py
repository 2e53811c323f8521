"""Toy work for the tests of the worker processes: a task is a word that says how to behave."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def set_up(greeting: str = "") -> Callable[[Any, Any], Any]:
    def work(task: Any, channel: Any) -> Any:
        name, *arguments = task if isinstance(task, tuple) else (task,)
        if name == "greet":
            return greeting
        return globals()[f"do_{name}"](channel, *arguments)

    return work


def cannot_set_up() -> None:
    raise RuntimeError("no model here")


def dies_setting_up() -> None:
    print("it was the model", file=sys.stderr, flush=True)
    os.abort()


def do_square(channel: Any, number: int) -> int:
    return number * number


def do_pid(channel: Any) -> tuple[int, int]:
    return os.getpid(), os.getppid()


def do_environment(channel: Any) -> tuple[int, str]:
    return os.nice(0), os.environ["OMP_NUM_THREADS"]


def do_crash(channel: Any) -> None:
    print("last words", file=sys.stderr)
    ctypes.string_at(0)


def do_kill(channel: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def do_abort(channel: Any) -> None:
    os.write(2, b"noise\nterminate called after throwing an instance of 'std::bad_alloc'\n\n")
    os.abort()


def do_exit(channel: Any) -> None:
    os._exit(7)


def do_hang(channel: Any) -> None:
    ctypes.PyDLL(None).sleep(600)  # with the interpreter's lock held, as a native decoder may


def do_stop(channel: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def do_slow(channel: Any, seconds: float, beating: bool = True) -> str:
    for _ in range(int(seconds * 10)):
        time.sleep(0.1)
        if beating:
            channel.beat()
    return "slow but sure"


def do_grace(channel: Any, grace_s: float, seconds: float) -> str:
    channel.beat(grace_s)
    time.sleep(seconds)
    return "with grace"


def do_eat(channel: Any, megabytes: int) -> int:
    return int(np.ones(megabytes << 20, np.uint8).sum()) >> 20


HOARD: list[Any] = []


def do_hoard(channel: Any, megabytes: int) -> int:
    HOARD.append(np.ones(megabytes << 20, np.uint8))
    return os.getpid()


def do_fail(channel: Any, message: str) -> None:
    raise ValueError(message)


def do_hangup_error(channel: Any) -> None:
    raise EOFError("the decoder's own")


def do_ask(channel: Any, question: Any) -> Any:
    return channel.ask(question)


def do_make(channel: Any, megabytes: int) -> bytes:
    return bytes(megabytes << 20)


def do_echo(channel: Any, data: bytes) -> bytes:
    return data


def do_babble(channel: Any, megabytes: int) -> int:
    for _ in range(megabytes):
        os.write(2, bytes(1 << 20))
        time.sleep(0.6)
        channel.beat()
    return os.fstat(2).st_size


def do_unpicklable(channel: Any) -> Any:
    return lambda: None


def do_garbage(channel: Any) -> None:
    os.write(channel._link.fileno(), b"\x04\x00\x00\x00oops")
    time.sleep(600)


def do_half_a_message(channel: Any) -> None:
    os.write(channel._link.fileno(), b"\xff\x00\x00\x00oops")
    time.sleep(600)
