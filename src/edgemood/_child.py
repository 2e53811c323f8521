"""How a program that runs on has `edgemood scan` run: in a process of its own, which dies with it."""

from __future__ import annotations

import json
import os
import sys

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from edgemood._worker import die_with; die_with(int(sys.argv.pop(1))); "
    "from edgemood.cli import main; main()"
)


def scan_command(*words: str) -> list[str]:
    """Give the command line of ``edgemood scan --json`` with these options and folders."""
    return [sys.executable, "-c", _START, json.dumps(sys.path), str(os.getpid()), "scan", "--json", *words]
