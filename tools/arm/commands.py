"""Running other programs, with errors that say which one failed and why."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LAST_LINES = 30


class CommandError(Exception):
    """A program that is needed is missing or failed; the text says which and what it said."""


def run(
    command: Sequence[str | Path],
    stdin: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 5400,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and give what it wrote.

    Raises
    ------
    CommandError
        It cannot be started, failed or took longer than `timeout_s`.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            timeout=timeout_s,
        )
    except OSError as error:
        raise CommandError(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{' '.join(words)}\nstill ran after {timeout_s:.0f} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
        raise CommandError("\n".join([" ".join(words), f"failed with exit status {done.returncode}:", *said]))
    return done
