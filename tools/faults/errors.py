"""System calls that fail, of files that are music, the library or its log: errors of cards, of drives, of networks."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgemood.library import Library
from tools.faults import actors, corpus, made_up
from tools.faults.report import CannotRunError, Tally, require

_COMMAND = [sys.executable, "-m", "edgemood.cli"]
#: System call and error, where SQLite and decoders meet them.
_LIBRARY = (
    "pread64:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC", "fdatasync:error=EIO", "fsync:error=EIO",
    "ftruncate:error=EIO", "openat:error=EMFILE", "openat:error=EACCES", "unlink:error=EIO", "fcntl:error=ENOLCK",
)  # fmt: skip
_MUSIC = ("read:error=EIO", "pread64:error=EIO", "lseek:error=EIO", "openat:error=EIO", "newfstatat:error=EIO")
_TRACE = ("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null")


def main(rounds: int, seed: int) -> list[Tally]:
    """Let so many calls fail, once or from then on."""
    require("strace")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        music = Path(work) / "music"
        music.mkdir()
        for number, suffix in enumerate((".wav", ".flac", ".ogg", ".mp3", ".m4a")):
            form = next(form for form in corpus.FORMATS if form.suffix == suffix)
            corpus.write(music, form, number, 4.0)
        path = Path(work) / "library" / "library.db"
        path.parent.mkdir()
        made_up.fill(path, 20)
        probe = subprocess.run([*_TRACE, "-e", "inject=fsync:error=EIO", "true"], capture_output=True, check=False)
        if probe.returncode:
            raise CannotRunError(f"strace may not trace here: {probe.stderr.decode().strip()}")
        return [_of_library(path, music, rounds, rng), _of_music(Path(work), music, max(2, rounds // 4), rng)]


def _of_library(path: Path, music: Path, rounds: int, rng: random.Random) -> Tally:
    tally = Tally("system calls on the library that fail")
    promised = 0
    commands = (
        ["played", "3"],
        ["skipped", "4"],
        ["now"],
        ["library"],
        ["scan", "--jobs", "1", str(music)],
        ["repair"],
    )
    for number in range(rounds):
        fault = rng.choice(_LIBRARY)
        name, *rest = rng.choice(commands)
        done = _run([name, "--library", str(path), *rest], fault, _files_of(path), rng)
        what = f"round {number} ({fault}, {name})"
        tally.lost += [f"{what}: {line}" for line in _complaints(done)]
        promised += name in ("played", "skipped") and done.returncode == 0
        tally.outcomes["told" if done.returncode else "none noticed"] += 1
        with Library.open(path) as library:
            kept = len([line for who in library.listeners() for line in library.events(who, 1 << 40)])
            tally.lost += [f"{what}: {line}" for line in actors.whole_file(library)]
        if kept < promised:
            tally.lost.append(f"{what}: {promised - kept} of {promised} acts are gone")
        promised = kept  # one whose command failed may be there all the same
        tally.rounds += 1
    tally.acknowledged = promised
    return tally


def _of_music(work: Path, music: Path, rounds: int, rng: random.Random) -> Tally:
    tally = Tally("system calls on music that fail while it is scanned")
    songs = sorted(music.iterdir())
    for number in range(rounds):
        fault, bad = rng.choice(_MUSIC), rng.choice(songs)
        path = work / f"scan {number}.db"
        done = _run(["scan", "--library", str(path), "--jobs", "1", str(music)], fault, [bad], rng)
        what = f"round {number} ({fault}, {bad.name})"
        tally.lost += [f"{what}: {line}" for line in _complaints(done)]
        with Library.open(path) as library:
            known = {track.path for track in library.tracks()}
            failures = {failure.path: failure for failure in library.failures()}
        for song in map(str, songs):
            if (song in known) == (song in failures) or (song in failures and song != str(bad)):
                tally.lost.append(f"{what}: {song} is {'both' if song in known else 'not accounted for, or failed'}")
        tally.outcomes[failures[str(bad)].kind if str(bad) in failures else "none noticed"] += 1
        tally.rounds += 1
    return tally


def _files_of(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", ".repair-new", ".repair-copy"))]


def _run(
    arguments: Sequence[str], fault: str, files: Sequence[Path], rng: random.Random
) -> subprocess.CompletedProcess[str]:
    """Run a command whose calls on some files fail, one of them or all from then on."""
    call, _, error = fault.partition(":")
    first = rng.choice((1, 1, 2, 3, 5, 8, 13, 21, 50))
    when = f"when={first}{rng.choice(('', '+'))}"
    on = [word for file in files for word in ("-P", str(file))]
    command = [*_TRACE, *on, "-e", f"inject={call}:{error}:{when}", *_COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def _complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    told = [line for line in done.stderr.strip().splitlines() if not line.startswith("strace:")]
    if done.returncode == 0 or (done.returncode == 1 and len(told) == 1 and told[0].startswith("edgemood: error:")):
        return []
    return [f"ended with {done.returncode}: {' / '.join(told[-3:])}"]
