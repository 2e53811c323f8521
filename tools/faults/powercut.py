"""Power cuts at any instant: what had been acknowledged has to be there when the disk is mounted again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from edgemood.errors import EdgemoodError
from edgemood.library import Library
from tools.faults import actors, made_up
from tools.faults.disks import Card, in_own_namespace
from tools.faults.report import CannotRunError, Tally

_SONGS = 30
_NAME = "library.db"


def main(rounds: int, seed: int) -> list[Tally]:
    """Cut the power so many times, and a tenth as often for each of the controls."""
    in_own_namespace()
    rng = random.Random(seed)
    controls = max(3, rounds // 10)
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        card = Card(Path(work))
        with card.prepared() as disk:
            made_up.fill(disk / _NAME, _SONGS)
        return [
            _cuts(Tally("power cuts while plays are noted and songs stored"), card, rounds, rng),
            _cuts(Tally("power cuts, commits not flushed", must_fail=True), card, controls, rng, ["careless"]),
            _cuts(Tally("power cuts, a disk that flushes nothing", must_fail=True), card, controls, rng, ["nobarrier"]),
        ]


def _cuts(tally: Tally, card: Card, rounds: int, rng: random.Random, options: Sequence[str] = ()) -> Tally:
    mount = "loop,nobarrier" if "nobarrier" in options else "loop"
    for number in range(rounds):
        with card.fresh(mount) as disk:
            said = _cut(card, disk / _NAME, rng, [rng.choice(list(actors.ACTORS)), "1000", *options])
        tally.rounds += 1
        tally.acknowledged += len(said)
        tally.lost += [f"round {number}: {loss}" for loss in _losses(card, said)]
    return tally


def _cut(card: Card, path: Path, rng: random.Random, arguments: Sequence[str]) -> list[str]:
    """Cut the power while an actor works, and give what it had acknowledged."""
    kind, *rest = arguments
    command = [sys.executable, "-m", "tools.faults.actors", kind, str(path), *rest]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as actor:
        return cut_while(actor, card, rng)


def cut_while(program: subprocess.Popen[str], card: Card, rng: random.Random, within_s: float = 0.6) -> list[str]:
    """Cut the power some time after a program has said its first word, and give all that it had said by then."""
    assert program.stdout is not None
    said = [program.stdout.readline().strip()]
    time.sleep(rng.uniform(0, within_s))
    os.killpg(program.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    card.cut(rng)
    os.killpg(program.pid, signal.SIGKILL)
    return said + program.stdout.read().splitlines()


def _losses(card: Card, said: Sequence[str]) -> list[str]:
    try:
        with card.after() as disk, Library.open(disk / _NAME, create=False) as library:
            gone = sorted(set(said) - actors.kept(library))
            wrong = actors.whole(library)
            library.add_play(1)  # and it goes on
            return wrong + ([f"{len(gone)} of {len(said)} gone, as {gone[0]}"] if gone else [])
    except (CannotRunError, EdgemoodError) as error:
        return [str(error)]
