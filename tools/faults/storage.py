"""Disks that are full, or that the kernel locks in the middle of the work because they fail."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from edgemood.errors import EdgemoodError
from edgemood.library import Library
from tools.faults import actors, corpus, made_up
from tools.faults.disks import in_own_namespace, make, mounted, run
from tools.faults.report import Tally

_NAME = "library.db"
_COMMAND = [sys.executable, "-m", "edgemood.cli"]


def main(rounds: int, seed: int) -> list[Tally]:
    """Fill and lock so many disks each."""
    in_own_namespace()
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        template = Path(work) / "template.img"
        make(template, 12, "-J", "size=4", "-m", "0")
        with mounted(template, Path(work) / "disk") as disk:
            made_up.fill(disk / _NAME, 20)
        music = Path(work) / "music"
        music.mkdir()
        for number in range(6):
            corpus.write(music, corpus.FORMATS[7], number, 4.0)
        return [each(Path(work), rounds, rng) for each in (_full, _locked, _remounted)]


def _full(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Have a program write until the disk is full, use it then, make room, and go on."""
    tally = Tally("disks that run full")
    for number in range(rounds):
        with mounted(_copy(work), work / "disk") as disk:
            path, ballast = disk / _NAME, disk / "ballast"
            ballast.write_bytes(bytes(rng.randrange(3 << 20)))
            said = _acted(path, rng.choice(["songs", "mixed"]), tally, "full")
            used = [*_commands(path, work / "music"), [*_COMMAND, "repair", "--library", str(path)]]
            tally.lost += [f"round {number}: {line}" for line in _complaints(used)]
            ballast.unlink()
            tally.lost += [f"round {number}: {line}" for line in _lost(path, said)]
            used = _commands(path, work / "music")
            tally.lost += [f"round {number}, with room: {line}" for line in _complaints(used, wanted=0)]
        tally.rounds += 1
        tally.acknowledged += len(said)
    return tally


def _locked(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Have the kernel lock a disk while it is written, as it does where one fails, and mount it anew."""
    tally = Tally("disks that become read only")
    for number in range(rounds):
        image = _copy(work)
        with mounted(image, work / "disk") as disk:
            path = disk / _NAME
            command = [sys.executable, "-m", "tools.faults.actors", rng.choice(list(actors.ACTORS)), str(path), "1000"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as actor:
                assert actor.stdout is not None
                said = [actor.stdout.readline().strip()]
                time.sleep(rng.uniform(0, 0.4))
                run(["mount", "-o", "remount,abort", disk])
                said += actor.communicate(timeout=60)[0].splitlines()
            tally.lost += [f"round {number}: {line}" for line in _complaints(_commands(path, work / "music"))]
        run(["e2fsck", "-p", image], check=False)
        with mounted(image, work / "disk") as disk:
            _count(tally, disk / _NAME, said)
    return tally


def _count(tally: Tally, path: Path, lines: Sequence[str]) -> None:
    """Note what is lost on a disk that the kernel has locked in this round; see `actors.NOT_FLUSHED`."""
    said = _promised(lines, tally, "cannot be")
    last = next((lines[i - 1] for i, line in enumerate(lines) if line.startswith("refused")), "")
    gone = _lost(path, said)
    if gone == [f"{last} is gone"]:
        tally.outcomes[actors.NOT_FLUSHED] += 1
    else:
        tally.lost += [f"round {tally.rounds}: {line}" for line in gone]
    tally.rounds += 1
    tally.acknowledged += len(said)


def _remounted(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Have the kernel lock a disk below a program that goes on trying, and mount it anew at the same place."""
    tally = Tally("disks that fail below a program, and come back")
    for number in range(rounds):
        image = _copy(work)
        with mounted(image, work / "disk") as disk:
            command = [sys.executable, "-m", "tools.faults.actors", "plays", str(disk / _NAME), "1000", "patient"]
            actor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert actor.stdout is not None
            said = [actor.stdout.readline().strip()]
            time.sleep(rng.uniform(0, 0.3))
            run(["mount", "-o", "remount,abort", disk])
            time.sleep(0.3)
            run(["umount", "--lazy", disk])
            again = image.with_suffix(".again")  # a drive that is plugged in again is another device
            shutil.copyfile(image, again)
            run(["e2fsck", "-p", again], check=False)
            run(["mount", "-o", "loop", again, disk])
            time.sleep(1.0)
            actor.kill()
            said += [line for line in actor.communicate()[0].splitlines() if line]
            after = said[max((i for i, line in enumerate(said) if line.startswith("refused")), default=0) + 1 :]
            if not after:
                tally.lost.append(f"round {number}: it did not go on: {said[-1]}")
            _count(tally, disk / _NAME, said)
    return tally


def _copy(work: Path) -> Path:
    image = work / "disk.img"
    shutil.copyfile(work / "template.img", image)
    return image


def _acted(path: Path, kind: str, tally: Tally, refusal: str) -> list[str]:
    """Have an actor work until it is refused three times."""
    command = [sys.executable, "-m", "tools.faults.actors", kind, str(path), "1000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        tally.lost.append(f"{kind} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return _promised(done.stdout.splitlines(), tally, refusal)


def _promised(lines: Sequence[str], tally: Tally, refusal: str) -> list[str]:
    """Take out what was refused, which has to say so."""
    refused = [line for line in lines if line.startswith("refused")]
    tally.lost += [f"told: {line}" for line in refused if refusal not in line]
    if not refused:
        tally.lost.append("nothing was refused")
    tally.outcomes["refusals that said why"] += len(refused)
    return [line for line in lines if line not in refused]


def _commands(path: Path, music: Path) -> list[list[str]]:
    words = (["played", "3"], ["now"], ["library"], ["scan", "--jobs", "1", str(music)])
    return [[*_COMMAND, name, "--library", str(path), *rest] for name, *rest in words]


def _complaints(commands: Sequence[Sequence[str]], wanted: int | None = None) -> list[str]:
    """Run commands: each has to end well, or to say in one line why not."""
    wrong = []
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        told = done.stderr.strip().splitlines()
        explained = done.returncode == 1 and len(told) == 1 and told[0].startswith("edgemood: error:")
        if not (explained or done.returncode == 0) or (wanted is not None and done.returncode != wanted):
            wrong.append(f"{' '.join(command[3:])} ended with {done.returncode}: {' / '.join(told)}")
    return wrong


def _lost(path: Path, said: Sequence[str]) -> list[str]:
    try:
        with Library.open(path, create=False) as library:
            made_up.store(library, 999_999)  # it goes on
            gone = sorted(set(said) - actors.kept(library))
            return [*actors.whole_file(library), *(f"{line} is gone" for line in gone)]
    except EdgemoodError as error:
        return [str(error)]
