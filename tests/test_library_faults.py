"""What befalls a library's disk and processes: kills in the middle of anything, a full disk, one that is read only."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from made_up import RECIPE, analysis

from edgemood import _database
from edgemood.errors import LibraryError
from edgemood.library import FileStamp, Library

STAMP = FileStamp(100, 200, 300)
HERE = str(Path(__file__).parent)


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    program = f"import sys; sys.path[:0] = {[HERE, *sys.path]!r}\n{code}"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def whole(library: Library) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    checks = [library._database.query(f"PRAGMA {check}") for check in ("integrity_check", "foreign_key_check")]
    return checks == [[("ok",)], []]


# -------------------------------------------------------------------------------------------------------------- kill -9

#: Plays and events in turns; a line says that one is on the disk. What it is noted for is its time.
PLAYER = """
from edgemood.library import Library
library = Library.open(sys.argv[1])
first, count, listener = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
for at in range(first, first + count):
    if at % 4:
        library.add_play(1 + at % 3, at=at, listener=listener)
    else:
        library.add_event(1 + at % 3, "skip", at=at, heard=0.5, listener=listener)
    print(at, flush=True)
"""
SCANNER = """
from made_up import RECIPE, analysis
from edgemood.library import FileStamp, Library
library = Library.open(sys.argv[1])
first = int(sys.argv[2])
for n in range(first, first + 100_000):
    library.store(f"/nowhere/{n}.ogg", FileStamp(n, n), analysis(n, rows=200), RECIPE)
    if n % 10 == 0:
        library._shelves.pack("test-1")
    print(n, flush=True)
"""


def rest_of(process: subprocess.Popen[str]) -> list[int]:
    """Read what a killed process had still said; `communicate` would pass over what lies in the reader's buffer."""
    assert process.stdout is not None
    with process.stdout as out:
        said = [int(line) for line in out]
    process.wait(60)
    assert process.returncode in (0, -signal.SIGKILL)
    return said


def burst(path: Path, rounds: int, most: int, seed: int = 1) -> tuple[int, int]:
    """Kill three players and a scanner in the middle of their work, again and again.

    Returns how many plays and events were acknowledged, and how many of those are lost.
    """
    rng = random.Random(seed)
    with Library.open(path) as library:
        for n in (1, 2, 3):
            library.store(f"/nowhere/{n}.ogg", STAMP, analysis(n), RECIPE)
    noted: dict[str, set[int]] = {f"listener {who}": set() for who in range(3)}
    stored, first = 1000, 0
    for _ in range(rounds):
        first += most
        scanner = start(SCANNER, path, stored + 1)
        players = {who: start(PLAYER, path, first, most, who) for who in noted}
        for who, player in players.items():
            assert player.stdout is not None
            for _ in range(rng.randrange(1, most)):
                if line := player.stdout.readline():
                    noted[who].add(int(line))
            player.send_signal(signal.SIGKILL)
        scanner.send_signal(signal.SIGKILL)
        for who, player in players.items():
            noted[who] |= set(rest_of(player))
        stored = max([stored, *rest_of(scanner)])
        with Library.open(path) as library:
            assert whole(library)
            titles = {track.tags.title for track in library.tracks()}
            assert {f"Song {n}" for n in range(1001, stored + 1)} <= titles
            assert library.shelf("test-1").ids.tolist() == [track.id for track in library.tracks()]
            kept = {who: {int(event.at) for event in library.events(who, 1 << 40)} for who in noted}
    return sum(map(len, noted.values())), sum(len(noted[who] - kept[who]) for who in noted)


def test_kill_9_in_a_burst_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged, lost = burst(tmp_path / "library.db", rounds=3, most=60)
    assert acknowledged >= 9
    assert lost == 0


# -------------------------------------------------------------------------------- files and disks that go and come back


def test_a_library_that_was_replaced_below_a_program_is_found_again(tmp_path: Path) -> None:
    path, other = tmp_path / "library.db", tmp_path / "other.db"
    for each in (path, other):
        with Library.open(each) as library:
            for n in (1, 2):
                library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE)
    with Library.open(path) as library:
        library.add_play(1)
        path.rename(tmp_path / "kept.db")
        assert library.add_play(1)  # there is no other one
        for end in ("-wal", "-shm"):  # as `edgemood repair` does: they belong to the old file
            Path(f"{path}{end}").unlink()
        other.rename(path)
        library.add_play(2)
        assert [event.track_id for event in library.events()] == [2]
    with Library.open(path) as library:
        assert [event.track_id for event in library.events()] == [2]


def test_after_an_error_of_the_disk_the_file_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        library.store("/1.ogg", STAMP, analysis(1), RECIPE)
        before = library._database._connection
        with monkeypatch.context() as broken, pytest.raises(LibraryError, match="disk fails"):
            broken.setattr(_database, "begin_to_write", fail_of_disk)
            library.add_play(1)
        away = path.rename(tmp_path / "away.db")
        with pytest.raises(LibraryError, match="cannot be opened"):
            library.add_play(1)
        assert library._database._connection is before
        assert len(library.tracks()) == 1  # what was open can still be read
        assert not path.exists()
        away.rename(path)
        library.add_play(1)
        assert library._database._connection is not before
        assert len(library.events()) == 1


def fail_of_disk(connection: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


# ------------------------------------------------------------------------------------------------------- a full disk

#: Stores until nothing more fits, which has to be told; prints how many songs and plays were acknowledged.
FILLER = """
import os, resource
from made_up import RECIPE, analysis
from edgemood.errors import LibraryError
from edgemood.library import FileStamp, Library
library = Library.open(sys.argv[1])
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
songs = plays = 0
told = []
for n in range(10_000):
    try:
        library.store(f"/nowhere/{n}.ogg", FileStamp(n, n), analysis(n, rows=500), RECIPE)
        songs += 1
        library.add_play(1)
        plays += 1
    except LibraryError as error:
        told.append(str(error))
        if len(told) == 5:
            break
assert len(library.shelf("test-1")) == len(library.tracks()) >= songs
assert len(library.events(limit=100_000)) >= plays
print(songs, plays)
print(*told, sep="\\n")
os._exit(0)  # without the checkpoint of a good close
"""


def assert_told_and_whole(path: Path, filler: subprocess.Popen[str]) -> None:
    acknowledged, *told = filler.communicate(timeout=120)[0].splitlines()
    assert filler.returncode == 0
    songs, plays = map(int, acknowledged.split())
    assert songs > 3
    assert len(told) == 5
    assert all(line.startswith(f"{path} cannot") and "full" in line for line in told), told
    with Library.open(path) as library:
        assert whole(library)
        assert len(library.tracks()) >= songs
        assert len(library.events(limit=100_000)) >= plays
        assert all(len(library.features(track.id).values) == 500 for track in library.tracks())


def test_a_disk_without_room_is_told_and_the_file_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    assert_told_and_whole(path, start(FILLER, path, 1_500_000))
    with Library.open(path) as library:  # there is room again
        library.add_play(library.store("/nowhere/new.ogg", STAMP, analysis(99_999), RECIPE))


@pytest.mark.parametrize("room", [0, 8192, 40_000])
def test_a_library_that_does_not_even_fit_at_its_birth_is_told(tmp_path: Path, room: int) -> None:
    code = """
import resource
from edgemood.errors import LibraryError
from edgemood.library import Library
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Library.open(sys.argv[1])
except LibraryError as error:
    print(error)
"""
    path = tmp_path / "library.db"
    out, _ = start(code, path, room).communicate(timeout=60)
    assert out.startswith(f"{path} cannot")
    with Library.open(path) as library:
        assert whole(library)
        assert library.tracks() == []


def test_a_disk_that_was_read_only_at_the_start_is_written_once_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        library.store("/nowhere/1.ogg", STAMP, analysis(1), RECIPE)
    monkeypatch.setattr(_database.os, "access", lambda _, mode: mode != _database.os.W_OK)
    monkeypatch.setattr(_database, "_LOOK_AGAIN_S", 0.0)
    with Library.open(path) as library, Library.open(path) as frozen:
        frozen.freeze()
        with pytest.raises(LibraryError, match="can be read here but not written"):
            library.add_play(1, at=1)
        adding = start(
            "from made_up import RECIPE, analysis\nfrom edgemood.library import FileStamp, Library\n"
            "Library.open(sys.argv[1]).store('/nowhere/2.ogg', FileStamp(1, 2), analysis(2), RECIPE)",
            path,
        )
        with adding:
            assert adding.wait(60) == 0
        assert len(library.tracks()) == 2  # what others write is seen
        monkeypatch.undo()
        library.add_play(1, at=1)
        with pytest.raises(LibraryError, match="can be read here but not written"):
            frozen.add_play(1, at=2)
        assert [event.at for event in library.events()] == [1]
        assert whole(library)
