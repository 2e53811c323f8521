"""kill -9 of `edgemood mpd` beside a real MPD: what it has noted is there, nothing is noted twice, and it goes on."""

from __future__ import annotations

import importlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgemood.library import Library
from tools.faults import actors
from tools.faults.disks import NAMESPACE, in_own_namespace, make, mounted, run
from tools.faults.report import CannotRunError, Tally, require

_TESTS = Path(__file__).parents[2] / "tests"
_LENGTH_S = 1.1
_REACHED = " to come"  # says the daemon when it has looked at MPD for the first time
_REFUSED = "library.db cannot be "
_TITLE = re.compile(r"Song \d+")


def main(rounds: int, seed: int) -> list[Tally]:
    """Kill the daemon so often; where that can be done, lock the disk of its library below it a tenth as often."""
    require("mpd")
    with suppress(CannotRunError):
        in_own_namespace()
    sys.path.insert(0, str(_TESTS))  # the MPD of the tests
    helpers = importlib.import_module("mpd_daemon")
    rng, lengths = random.Random(seed), [_LENGTH_S] * (40 + 8 * rounds)  # so many that none is played twice
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work, helpers.House(Path(work), lengths) as house:
        tallies = [_kills(house, rounds, rng)]
        if NAMESPACE in os.environ:
            tallies.append(_locked(house, helpers.Daemon, max(1, rounds // 10)))
        return tallies


def _kills(house: Any, rounds: int, rng: random.Random) -> Tally:
    tally = Tally("kill -9 of `edgemood mpd` while songs of a second are played")
    daemon, queued = house.daemon(), list[str]()
    daemon._log.touch()
    for number in range(rounds):
        _play_on(house, queued)
        looks = daemon.log().count(_REACHED)
        daemon.start()
        if rng.random() < 0.5:  # while it notes what was heard meanwhile, and where it is now
            daemon.says(_REACHED, looks + 1)
            time.sleep(rng.uniform(0.0, 0.05))
        else:
            time.sleep(rng.uniform(0.0, 3.0))
        if rng.random() < 0.3:
            with suppress(AssertionError):  # where it has just come to the end of its queue
                house.server.ask("next")
            time.sleep(rng.uniform(0.0, 0.3))
        daemon.end(signal.SIGKILL)
        wrong = _wrong(house, daemon.log(), [*queued, *house.server.uris()], number + 1)
        tally.lost += [f"round {number}: {line}" for line in wrong]
        tally.rounds += 1
    tally.acknowledged = len(_told(daemon.log()))
    before = len(house.events())
    _play(house, queued, 4)
    daemon.start()
    time.sleep(5)
    if daemon.end() != 0 or len(house.events()) <= before:
        tally.lost.append("it does not go on")
    return tally


def _locked(house: Any, daemon_of: Any, rounds: int) -> Tally:
    """Lock the disk of the library while the daemon follows; plug it in again, and let all be noted."""
    tally = Tally("disks that fail below `edgemood mpd`, and come back")
    queued = house.heard()
    image, again, disk = (house.server.base / name for name in ("disk.img", "again.img", "disk"))
    for number in range(rounds):
        make(image, 12, "-J", "size=4", "-m", "0")
        with mounted(image, disk):
            with Library.open(house.library) as library:
                library._database.query("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(house.library, disk / "library.db")
            run(["sync", "--file-system", disk])
            before = len(house.events())
            _play(house, queued, 4)
            daemon = daemon_of(disk / "library.db", "--host", house.server.socket, "--no-scan")
            daemon._log = house.server.base / f"locked {number}.log"
            daemon.start()
            daemon.says(" played: ", 2)
            run(["mount", "-o", "remount,abort", disk])
            time.sleep(3)
            run(["umount", "--lazy", disk])
            shutil.copyfile(image, again)
            run(["e2fsck", "-p", again], check=False)
            run(["mount", "-o", "loop", again, disk])
            try:
                daemon.says("noted again")
                daemon.says(" played: ", len(_told(daemon.log())) + 2)
            except AssertionError:
                tally.lost.append(f"round {number}: it does not go on: {daemon.log().splitlines()[-3:]}")
            ended, log = daemon.end(), daemon.log()
            with Library.open(disk / "library.db", create=False) as library:
                events = library.events(limit=1 << 40)[::-1][before:]
                noted = [library.track(event.track_id).tags.title for event in events]
                tally.lost += [f"round {number}: {line}" for line in actors.whole_file(library)]
        _compare(tally, log, noted)
        if ended or "could not be noted" in log:
            tally.lost.append(f"round {number}: ended with {ended}: {log.splitlines()[-1]}")
    return tally


def _compare(tally: Tally, log: str, noted: Sequence[str]) -> None:
    """Count a round: what was noted has to be what was told."""
    told = [_TITLE.findall(line)[-1] for line in _told(log)]
    last = len(_told(log.partition(_REFUSED)[0])) - 1  # the last that was told before the first refusal
    if noted == told[:last] + told[last + 1 :]:
        tally.outcomes[actors.NOT_FLUSHED] += 1
    elif noted != told:
        tally.lost.append(f"round {tally.rounds}: {noted} noted, {told} told")
    tally.rounds += 1
    tally.acknowledged += len(told)


def _play_on(house: Any, queued: list[str]) -> None:
    """Have music where it ran out while nobody looked after the queue."""
    if not any(line.startswith("state: play") for line in house.server.ask("status")):
        _play(house, queued)


def _play(house: Any, queued: list[str], songs: int = 2) -> None:
    """Have MPD play songs that were never in its queue; what was in it is added to `queued`."""
    queued += house.server.uris()
    new = [name for name in house.names if name not in queued][:songs]
    house.server.ask("clear", *(f"add {name}" for name in new), "play")


def _wrong(house: Any, log: str, queued: Sequence[str], kills: int) -> list[str]:
    """Say what was noted and was not in MPD's queue, what was told and not noted, and what SQLite finds."""
    told, noted = len(_told(log)), house.heard()
    with Library.open(house.library) as library:
        wrong = actors.whole_file(library)
    if not told <= len(noted) <= told + kills:  # at a kill, one may be noted and not told any more
        wrong.append(f"{len(noted)} plays and skips, {told} were told")
    songs = iter(queued)
    if any(song not in songs for song in noted):  # each is looked for behind the one before
        wrong.append(f"noted what was not played, or twice: {noted[-5:]}")
    return wrong


def _told(log: str) -> list[str]:
    return [line for line in log.splitlines() if " played: " in line or " skipped: " in line]
