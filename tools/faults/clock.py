"""A clock that jumps: boards without a battery, broken time servers, GPS weeks that roll over."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

import edgemood
from edgemood.errors import EdgemoodError
from tools.faults import actors, made_up
from tools.faults.report import Tally

_DAY_S = 86_400.0
_JUMPS = (
    ("to 1970", lambda rng, now: rng.uniform(0, 100) - now),
    ("back by minutes", lambda rng, now: -rng.uniform(1, 3600)),
    ("back by months", lambda rng, now: -rng.uniform(2, 200) * _DAY_S),
    ("ahead by hours", lambda rng, now: rng.uniform(1, 20) * 3600),
    ("ahead by years", lambda rng, now: rng.uniform(1, 60) * 365 * _DAY_S),
    ("to what it is", lambda rng, now: 0.0),
)


def main(rounds: int, seed: int) -> list[Tally]:
    """Let the clock jump so often, while three listeners play, skip and ask for more."""
    rng = random.Random(seed)
    tally = Tally("clock jumps, each while plays are noted and songs asked for")
    real = time.time
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        path = Path(work) / "library.db"
        made_up.fill(path, 60, Path(work))
        noted: dict[str, list[int]] = {who: [] for who in actors.LISTENERS}
        try:
            for number in range(rounds):
                name, jump = rng.choice(_JUMPS)
                offset = jump(rng, real())
                time.time = lambda offset=offset: real() + offset  # type: ignore[misc]
                who = rng.choice(actors.LISTENERS)
                with edgemood.open(path, listener=who) as engine:
                    tally.lost += [f"round {number}, {name}: {line}" for line in _listen(engine, noted[who], rng)]
                tally.rounds += 1
                tally.outcomes[name] += 1
        finally:
            time.time = real
    tally.acknowledged = sum(map(len, noted.values()))
    return [tally]


def _listen(engine: edgemood.Engine, noted: list[int], rng: random.Random) -> list[str]:
    """Play some songs, one second apart as far as anybody knows; give what is wrong then."""
    wrong = []
    try:
        for _ in range(rng.randrange(1, 5)):
            noted.append(rng.randrange(1, 61))
            if rng.random() < 0.8:
                engine.played(noted[-1])
            else:
                engine.skipped(noted[-1], heard=0.3)
        events = engine._library.events(engine.listener, 1 << 40)
        if [event.track_id for event in events] != noted[::-1]:
            wrong.append("the history is out of order")
        if not engine.now().scores or not engine.next(5):
            wrong.append("nothing is offered")
    except EdgemoodError as error:
        wrong.append(str(error))
    return wrong
