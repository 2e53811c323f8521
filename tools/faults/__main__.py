"""Makes faults and counts what is lost by them: ``python -m tools.faults COMMAND``.

Ends with 1 where anything was lost, or a control lost nothing; with 97 where this machine cannot make the faults.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tools.faults.report import CannotRunError

#: Command -> what it does, and how many rounds unless told otherwise.
COMMANDS = {
    "daemon": ("kill -9 the MPD daemon while it follows a real MPD", 60),
    "tags": ("kill -9 and cut the power while moods are written into files", 30),
    "bundles": ("damage model bundles", 200),
    "errors": ("let system calls on the library and on music fail", 120),
    "storage": ("fill disks, and lock them in the middle of the work", 10),
    "damage": ("damage library files, use them and repair them", 200),
    "clock": ("let the clock jump while songs are played", 100),
    "kills": ("kill -9 what notes plays, and scans, at any instant", 120),
    "mutations": ("scan music files that are damaged in every way", 600),
    "powercut": ("cut the power while the library is written", 100),
}
CANNOT_RUN = 97


def main() -> int:
    """See the text at the top."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description="Make faults, count what is lost.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, rounds) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--rounds", type=int, default=rounds, help=f"how often [default: {rounds}]")
        command.add_argument("--seed", type=int, default=1, help="of all chance [default: 1]")
    options = parser.parse_args()
    begin = time.monotonic()
    try:
        tallies = importlib.import_module(f"tools.faults.{options.command}").main(options.rounds, options.seed)
    except CannotRunError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return CANNOT_RUN
    for tally in tallies:
        print(tally)
    print(f"     {time.monotonic() - begin:.0f} s")
    return 0 if all(tally.good for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
