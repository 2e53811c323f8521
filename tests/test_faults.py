"""A little of every series of faults that `python -m tools.faults` makes; docs/faults.md has the long ones."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import needs
import pytest

from tools.faults.mutate import WAYS, mutated
from tools.faults.report import Tally

ROOT = Path(__file__).parents[1]
CANNOT_RUN = 97
MOUNTS = ("mkfs.ext4", "unshare", "e2fsck")

#: Command -> how many rounds, and the programs of the system that it needs.
SERIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "powercut": (3, MOUNTS),
    "kills": (6, ()),
    "tags": (2, MOUNTS),
    "daemon": (2, ("mpd",)),
    "storage": (1, MOUNTS),
    "errors": (4, ("strace",)),
    "clock": (40, ()),
    "damage": (16, ()),
    "bundles": (24, ()),
    "mutations": (66, ()),
}


@pytest.mark.parametrize("command", SERIES)
def test_nothing_is_lost(command: str) -> None:
    rounds, programs = SERIES[command]
    for name in programs:
        needs.program(name)
    pytest.importorskip("av", reason="needs PyAV: pip install 'edgemood[av]'")
    words = [sys.executable, "-m", "tools.faults", command, "--rounds", str(rounds), "--seed", "3"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == CANNOT_RUN:
        needs.missing("faults", f"this machine cannot make such faults: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ok  ")


def test_a_control_has_to_lose_and_the_others_must_not() -> None:
    assert Tally("plays", rounds=1).good
    assert not Tally("plays", rounds=1, lost=["a play"]).good
    assert not Tally("nothing was tried").good
    assert Tally("control", rounds=1, lost=["a play"], must_fail=True).good
    assert not Tally("control", rounds=1, must_fail=True).good


def test_music_is_damaged_in_every_way_and_each_time_the_same() -> None:
    music = random.Random(1).randbytes(50_000)
    for number in range(len(WAYS)):
        what, damaged = mutated(music, number, random.Random(number))
        assert what.startswith(WAYS[number].__name__)
        assert damaged != music
        assert (what, damaged) == mutated(music, number, random.Random(number))
