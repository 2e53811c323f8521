"""What can be saved of a damaged library, and that nothing else is touched."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_up import RECIPE, analysis

from edgemood import _repair, pipeline
from edgemood._carve import Carver
from edgemood._repair import TABLES, Repaired, repair
from edgemood.cli.commands import edgemood
from edgemood.errors import LibraryError
from edgemood.library import FileStamp, Library, State

SONGS, PLAYS = 150, 900
PAGE = 4096


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with songs, plays and all else, that tests copy."""
    path = tmp_path_factory.mktemp("model") / "library.db"
    with Library.open(path) as library:
        for n in range(1, SONGS + 1):
            library.store(f"/music/{n}.ogg", FileStamp(n, n), analysis(n, rows=60), RECIPE)
        library.pack_shelf("test-1")
        for at in range(1, PLAYS + 1):
            library.add_play(1 + at % SONGS, at=at, listener="anna" if at % 3 else "default")
            if at % 4 == 0:
                library.add_event(1 + at % SONGS, "skip", at=at, heard=0.25, listener="anna")
        library.set_label(7, "sad")
        library.set_note("player:test", "here")
    return path


@pytest.fixture
def path(model: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "library.db"
    shutil.copyfile(model, copy)
    return copy


def pages_of(path: Path, table: str) -> list[int]:
    """Numbers of the pages with the rows of a table, its root first, as an undamaged file's own trees tell."""
    with sqlite3.connect(path) as raw:
        roots = list(raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone())
    raw.close()
    content = path.read_bytes()
    found: list[int] = []
    while roots:
        page = roots.pop(0)
        found.append(page)
        data = content[(page - 1) * PAGE : page * PAGE]
        if data[0] in (2, 5):
            cells = int.from_bytes(data[3:5], "big")
            places = [int.from_bytes(data[12 + 2 * i : 14 + 2 * i], "big") for i in range(cells)]
            roots += [int.from_bytes(data[at : at + 4], "big") for at in places] + [int.from_bytes(data[8:12], "big")]
    return found


def zero(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))


def everything(path: Path) -> dict[str, list[object]]:
    with Library.open(path, create=False) as library:
        return {
            "songs": [(t.id, t.tags, t.path, t.mood and dict(t.mood.scores), t.labelled) for t in library.tracks()],
            "timelines": [library.track(t.id).mood.timeline for t in library.tracks()],  # type: ignore[union-attr]
            "rows": [library.features(t.id).values.tobytes() for t in library.tracks()],
            "events": [library.events(who, 1 << 40) for who in library.listeners()],
            "note": [library.note("player:test")],
        }  # fmt: skip


def test_a_sound_library_is_left_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    assert repair(str(path)) == Repaired(str(path), damaged=False)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["library.db"]


def test_the_carver_reads_every_row_without_a_tree(path: Path) -> None:
    with Carver(str(path), PAGE) as carver:
        rows = [row.values for row in carver.rows()]
    plays = [row for row in rows if len(row) == 5 and isinstance(row[1], bytes) and len(row[1]) == 16]
    assert sorted(int(row[2]) for row in plays) == list(range(1, PLAYS + 1))  # type: ignore[arg-type]
    blobs = [row[2] for row in rows if len(row) == 3 and isinstance(row[2], bytes)]
    with sqlite3.connect(path) as raw:
        kept = {data for (data,) in raw.execute("SELECT data FROM features")}
    raw.close()
    assert kept <= set(blobs)


@pytest.mark.parametrize("page", ["plays", "tracks", "features", "files", "listeners", "sqlite_autoindex_tracks_1"])
def test_a_lost_root_costs_only_what_was_on_that_page(path: Path, page: str) -> None:
    before = everything(path)
    zero(path, pages_of(path, page)[0])
    done = repair(str(path))
    assert done.damaged
    after = everything(path)
    if page == "listeners":  # its one page: the plays are there, the name is lost
        assert sum(map(len, after["events"])) == PLAYS + PLAYS // 4  # type: ignore[arg-type]
        with Library.open(path) as library:
            assert library.listeners() == ["default", "listener 2"]
    else:
        assert after == before
    assert repair(str(path)).damaged is False


def test_songs_of_a_lost_page_keep_what_was_analysed(path: Path) -> None:
    before = everything(path)
    zero(path, pages_of(path, "tracks")[-2])
    repair(str(path))
    after = everything(path)
    assert after["timelines"] == before["timelines"]
    assert after["rows"] == before["rows"]
    lost = [song for song in after["songs"] if not song[1].title]  # type: ignore[index]
    assert 0 < len(lost) < SONGS
    with Library.open(path) as library:  # the next scan opens them for the tags
        number = lost[0][0]  # type: ignore[index]
        assert library.state(f"/music/{number}.ogg", FileStamp(number, number), RECIPE, "") is State.NEW
        assert library.content_state(analysis(number).content, RECIPE) is State.DONE


@pytest.mark.parametrize("version", [1, 2, 3])
def test_older_libraries_are_brought_up_to_date(version: int, tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    shutil.copyfile(Path(__file__).parent / "data" / f"library_v{version}.db", path)
    as_is = tmp_path / "as it is.db"
    shutil.copyfile(path, as_is)
    with Library.open(as_is) as library:
        songs, events = library.tracks(), library.events(limit=1000)
    index = {1: "plays_by_time", 2: "tracks_by_genre", 3: "tracks_by_genre"}[version]
    zero(path, pages_of(path, index)[0])
    assert repair(str(path)).damaged
    with Library.open(path) as library:
        assert [song.tags for song in library.tracks()] == [song.tags for song in songs]
        assert library.events(limit=1000) == events
        assert events


def test_a_lost_first_page_loses_nothing_else(path: Path) -> None:
    before = everything(path)
    zero(path, 1)
    with pytest.raises(LibraryError, match="edgemood repair"):
        Library.open(path).tracks()
    assert repair(str(path)).kept_as == f"{path}.damaged-1"
    assert everything(path) == before


def test_a_damaged_magic_number_loses_nothing(path: Path) -> None:
    before = everything(path)
    with path.open("r+b") as file:
        file.write(b"SQLite format 4\0\0\0\0")
    repair(str(path))
    assert everything(path) == before


def test_lost_leaves_are_counted(path: Path) -> None:
    leaves = pages_of(path, "plays")[1:3]
    zero(path, *leaves)
    done = repair(str(path))
    assert done.saved["plays"] + done.lost["plays"] == PLAYS
    assert 0 < done.lost["plays"] < PLAYS // 3
    with Library.open(path) as library:
        assert len(library.tracks()) == SONGS
        assert sum(len(library.events(who, 1 << 40, ["play"])) for who in library.listeners()) == done.saved["plays"]


def test_songs_whose_numbers_do_not_unpack_are_for_the_next_scan(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE features SET data = zeroblob(50) WHERE track_id = 3")
        raw.execute("UPDATE timelines SET data = zeroblob(50) WHERE mood_id = 5")
        raw.execute("UPDATE moods SET scores = '{' WHERE id = 6")
    raw.close()
    done = repair(str(path))
    assert (done.saved["features"], done.saved["moods"], done.saved["tracks"]) == (SONGS - 1, SONGS - 2, SONGS)
    with Library.open(path) as library:
        assert [track.id for track in library.tracks() if track.mood is None] == [5, 6]


@pytest.mark.parametrize("table", ["events", "sums", "notes"])
def test_what_is_left_of_a_listener_is_worth_a_repair(path: Path, table: str) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("INSERT INTO sums (listener_id, content, plays, skips) SELECT 1, content, 2, 1 FROM tracks")
        for other in TABLES:
            if other not in ("listeners", table):
                raw.execute(f"DELETE FROM {other}")
        (wanted,) = raw.execute(f"SELECT count(*) FROM {table}").fetchone()
    raw.close()
    zero(path, pages_of(path, "tracks")[0])
    assert repair(str(path)).saved[table] == wanted > 0


def test_pages_that_lead_back_to_themselves_end(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE long (data)")
        raw.execute("INSERT INTO long VALUES (zeroblob(?))", (40 * PAGE,))
        root = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'long'").fetchone()[0]
    raw.close()
    content = bytearray(path.read_bytes())
    at = (root - 1) * PAGE
    cell = at + int.from_bytes(content[at + 8 : at + 10], "big")
    first = int.from_bytes(content[at + PAGE - 4 : at + PAGE], "big")  # the only row ends with its page
    assert cell < at + PAGE
    content[(first - 1) * PAGE : (first - 1) * PAGE + 4] = first.to_bytes(4, "big")
    path.write_bytes(content)
    read: list[int] = []

    class Counting(Carver):
        def _page(self, number: int) -> bytes:
            read.append(number)
            return super()._page(number)

    with Counting(str(path), PAGE) as carver:
        assert not [row for row in carver.rows() if row.page == root]
    assert read.count(first) == 2  # by itself, and once as part of the row


def test_what_was_deleted_does_not_come_back(path: Path) -> None:
    with sqlite3.connect(path) as raw:  # as one who does not overwrite what he deletes
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("DELETE FROM plays WHERE id <= 600")
    raw.close()
    zero(path, pages_of(path, "plays")[0])
    repair(str(path))
    with Library.open(path) as library:
        found = [event.at for who in library.listeners() for event in library.events(who, 1 << 40, ["play"])]
    assert sorted(found) == list(range(601, PLAYS + 1))


def test_what_is_only_in_the_log_is_saved(path: Path) -> None:
    """A process dies without a checkpoint, and then the main file is damaged."""
    code = """
import os, sys
from edgemood.library import Library
library = Library.open(sys.argv[1])
for at in range(2000, 2020):
    library.add_play(1, at=at)
os._exit(0)
"""
    page = pages_of(path, "tracks")[-1]
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert Path(f"{path}-wal").stat().st_size
    zero(path, page)
    done = repair(str(path))
    assert done.saved["plays"] == PLAYS + 20
    assert Path(f"{path}.damaged-1-wal").exists()
    with Library.open(path) as library:
        assert [event.at for event in library.events(limit=20)] == list(range(2019, 1999, -1))


@pytest.mark.parametrize("step", ["rename", "_sync_folder", "replace"])
def test_an_end_in_the_middle_of_the_swap_loses_nothing(path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = pages_of(path, "tracks")[-1]
    with Library.open(path) as library:
        library.add_play(1, at=3000)
        log = Path(f"{path}-wal").read_bytes()
        main = path.read_bytes()
    path.write_bytes(main)
    Path(f"{path}-wal").write_bytes(log)
    zero(path, page)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((_repair, step) if step.startswith("_") else (Path, step)), die)
        with pytest.raises(KeyboardInterrupt):
            repair(str(path))
    assert repair(str(path)).saved["plays"] == PLAYS + 1
    assert [file.name for file in path.parent.iterdir() if "repair" in file.name] == []


def test_a_scan_looks_for_damage_before_it_begins(path: Path, tmp_path: Path) -> None:
    """Two pages exchanged: whoever reads neither of them would never know."""
    first, second, *_ = pages_of(path, "plays")[1:]
    with path.open("r+b") as file:
        pages = []
        for page in (first, second):
            file.seek((page - 1) * PAGE)
            pages.append(file.read(PAGE))
        for page, content in zip((second, first), pages, strict=True):
            file.seek((page - 1) * PAGE)
            file.write(content)
    with Library.open(path) as library, pytest.raises(LibraryError, match=r"is damaged .*: `edgemood repair`"):
        pipeline.scan(library, tmp_path)
    repair(str(path))
    with Library.open(path) as library:
        assert sum(len(library.events(who, 1 << 40, ["play"])) for who in library.listeners()) == PLAYS
        library.require_sound()


def test_a_library_that_is_open_is_not_touched(path: Path) -> None:
    zero(path, pages_of(path, "plays")[1])
    code = """
import sys
from edgemood.library import Library
library = Library.open(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LibraryError, match="is open in another program"):
            repair(str(path))
        other.communicate()
    assert repair(str(path)).damaged


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no library"), (b"Dear diary, " * 1000, "nothing of an edgemood library"), (b"", "nothing of")],
)
def test_what_is_no_library_is_left_alone(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "library.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LibraryError, match=message):
        repair(str(path))
    assert content is None or path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == (content is not None)


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY)")
    other.close()
    with pytest.raises(LibraryError, match="of another program"):
        repair(str(path))


def test_random_damage_never_breaks_the_repair(path: Path) -> None:
    rng = random.Random(5)
    sound = path.read_bytes()
    for _ in range(15):
        damaged = bytearray(sound)
        for _ in range(rng.randrange(1, 6)):
            at, length = rng.randrange(len(damaged)), rng.choice([1, 16, 512, 4096])
            damaged[at : at + length] = rng.randbytes(len(damaged[at : at + length]))
        path.write_bytes(damaged)
        done = repair(str(path))
        with Library.open(path) as library:
            for track in library.tracks():
                library.track(track.id)
            library.shelf("test-1")
        if done.damaged:
            assert done.saved["plays"] > 0.8 * PLAYS
            assert done.saved["tracks"] > 0.8 * SONGS
            Path(str(done.kept_as)).unlink()


def test_the_command_says_what_was_saved(path: Path) -> None:
    run = CliRunner().invoke
    assert "is not damaged" in run(edgemood, ["repair", "--library", str(path)]).stdout
    zero(path, pages_of(path, "plays")[1])
    damaged = path.read_bytes()
    result = run(edgemood, ["repair", "--library", str(path), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["damaged"] is True
    assert told["saved"]["tracks"] == SONGS
    assert Path(told["kept_as"]).read_bytes() == damaged
    zero(path, pages_of(path, "plays")[1])
    result = run(edgemood, ["repair", "--library", str(path)])
    assert "library.db.damaged-2" in result.stdout
    assert "songs: 150\n" in result.stdout
