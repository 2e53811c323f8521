"""Runs one measurement in a process of its own, so that one that crashes or starts threads harms no other.

`call` starts it: this module as a program, with the name of a function of this package and its arguments as JSON; the
outcome is the last line it prints.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from .settings import ENVIRONMENT, HERE


class ChildError(Exception):
    """What a measurement said before it died."""


def call(python: Path, function: str, timeout_s: float = 300, **arguments: Any) -> Any:
    """Run `module:function` of this package under an interpreter and return its result.

    Raises
    ------
    ChildError
        It failed, crashed or took too long.
    """
    command = [str(python), "-m", f"{HERE.name}.child", function, json.dumps(arguments)]
    environment = {**os.environ, **ENVIRONMENT}
    try:
        done = subprocess.run(
            command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise ChildError(f"took more than {timeout_s:.0f} s") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ChildError(f"ended by signal {-done.returncode}: {said}" if done.returncode < 0 else said)
    return json.loads(lines[-1])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    module, name = sys.argv[1].split(":")
    result = getattr(importlib.import_module(f".{module}", __package__), name)(**json.loads(sys.argv[2]))
    print("\n" + json.dumps(result), flush=True)
    os._exit(0)  # some peers crash when they are unloaded, after their work is done
