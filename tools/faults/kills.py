"""kill -9 at any instant of whatever edgemood does: what was acknowledged is there, and the next run goes on."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edgemood.errors import EdgemoodError
from edgemood.identity import content_hash
from edgemood.library import Library
from tools.faults import actors, corpus, made_up
from tools.faults.report import Tally
from tools.faults.scanner import children_of

COMMAND = [sys.executable, "-m", "edgemood.cli"]
_OURS = ("", "-wal", "-shm")  # what may lie where the library is


def main(rounds: int, seed: int) -> list[Tally]:
    """Kill so many times in all, each kind of program in its turn."""
    rng = random.Random(seed)
    share = max(2, rounds // 3)
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        series: list[Callable[[Path, int, random.Random], Tally]] = [writers, played, scans]
        return [each(Path(work), share, rng) for each in series]


def writers(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Kill programs that note plays and store songs through the interface, two at a time on one library."""
    tally = Tally("kill -9 of two programs that note plays and store songs")
    path = fresh(work / "writers") / "library.db"
    made_up.fill(path, 20)
    said: set[str] = set()
    for number in range(rounds):
        first = str(10_000 * (number + 1))
        running = [
            _start("tools.faults.actors", kind, path, first) for kind in ("plays", rng.choice(["songs", "mixed"]))
        ]
        said |= set().union(*(_kill(actor, rng.uniform(0.0, 0.3), rng) for actor in running))
        with Library.open(path) as library:
            tally.lost += lost(number, said, actors.kept(library), actors.whole(library), path)
        tally.rounds += 1
    tally.acknowledged = len(said)
    return tally


def played(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Kill the command that notes a play, some before it begins to work and some when it is done."""
    tally = Tally("kill -9 of `edgemood played`")
    path = fresh(work / "played") / "library.db"
    made_up.fill(path, 20)
    promised = 0
    for number in range(rounds):
        song = str(1 + number % 20)
        command = subprocess.Popen([*COMMAND, "played", "--library", path, song], stdout=subprocess.PIPE)
        time.sleep(rng.uniform(0.05, 0.6))
        command.kill()
        promised += bool(command.communicate()[0])  # what it has told had to be on the disk
        with Library.open(path) as library:
            plays = len(library.events(limit=1 << 40))
            tally.lost += lost(number, set(), set(), actors.whole(library), path)
        if not promised <= plays <= number + 1:
            tally.lost.append(f"round {number}: {plays} plays of {promised} that were told")
        promised = plays
        tally.rounds += 1
    tally.acknowledged = promised
    return tally


def scans(work: Path, rounds: int, rng: random.Random) -> Tally:
    """Kill scans of real music; when one comes to its end, begin with an empty library again."""
    tally = Tally("kill -9 of a scan")
    music = fresh(work / "music")
    formats = [form for form in corpus.FORMATS if form.suffix in (".wav", ".flac", ".ogg", ".mp3")]
    songs = [corpus.write(music, formats[number % len(formats)], number, 4.0) for number in range(12)]
    hashes = {song: content_hash(song) for song in songs}
    path, said = fresh(work / "scans") / "library.db", set[str]()
    for number in range(rounds):
        scan = _start("tools.faults.scanner", path, music)
        lines = _kill(scan, rng.uniform(0.0, 1.0), rng)
        said |= {line.partition(" ")[2].strip("'") for line in lines if line.startswith("stored")}
        tally.acknowledged += len(lines)
        if not path.exists():
            tally.rounds += 1
            continue
        with Library.open(path) as library:
            known = {track.path for track in library.tracks()}
            wrong = [str(row) for row in library._database.query("PRAGMA integrity_check") if row != ("ok",)]
            wrong += [failure.error for failure in library.failures()]
        tally.lost += lost(number, said, known, wrong, path)
        tally.lost += [f"round {number}: {song} was changed" for song in songs if content_hash(song) != hashes[song]]
        if len(known) == len(songs):
            fresh(path.parent)
            said.clear()
            tally.outcomes["scans came to their end after all"] += 1
        tally.rounds += 1
    return tally


def lost(number: int, said: set[str], kept: set[str], wrong: Sequence[str], path: Path) -> list[str]:
    """List what is not as it was promised in a round."""
    left = {file.name for file in path.parent.iterdir()} - {path.name + end for end in _OURS}
    lines = [*wrong, *(f"{line} is gone" for line in sorted(said - kept)), *(f"{name} was left" for name in left)]
    return [f"round {number}: {line}" for line in lines]


def fresh(folder: Path) -> Path:
    """Make a folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _start(module: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _kill(program: subprocess.Popen[str], after_s: float, rng: random.Random) -> set[str]:
    """Kill a program so long after its first word, or at times before, and give what it had said.

    Its workers have to die with it: what they still hold must not get into the next round.
    """
    assert program.stdout is not None
    with program.stdout as out:
        said = [out.readline().strip()] if rng.random() < 0.9 else []
        time.sleep(after_s)
        workers = list(children_of(program.pid))
        program.send_signal(signal.SIGKILL)
        said += out.read().splitlines()
    program.wait()
    deadline = time.monotonic() + 10
    while any(_lives(worker) for worker in workers):
        if time.monotonic() > deadline:
            raise EdgemoodError("workers outlive the scan that started them")
        time.sleep(0.02)
    return {line for line in said if line and not line.startswith("refused")}


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
