"""The library: what it keeps, what it refuses, and that it survives whatever happens to its process."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import NAMES, RECIPE, analysis, content, mood

from edgemood import _format, _sqlite, shelf
from edgemood.domain import Event, Failure, Mood, Tags
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.library import Counts, FileStamp, Library, Recipe, State, default_path

DATA = Path(__file__).parent / "data"
STAMP = FileStamp(100, 200, 300)


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library.db") as opened:
        yield opened


def write_song(path: Path, number: int, library: Library) -> int:
    """A real file (of nonsense) and its analysis in the library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(number))
    return library.store(str(path), FileStamp.of(path.stat()), analysis(number), RECIPE)


def same_mood(a: Mood | None, b: Mood) -> bool:
    return (
        a is not None
        and dict(a.scores) == dict(b.scores)
        and a.vector.dtype == np.float32
        and np.array_equal(a.vector, b.vector)
        and tuple(a.timeline) == tuple(b.timeline)
        and a.model == b.model
    )


# ------------------------------------------------------------------------------------------------------ what it keeps


def test_a_song_comes_back_as_it_was(library: Library) -> None:
    made = analysis(1, rows=50)
    track_id = library.store("/music/one.ogg", STAMP, made, RECIPE)
    track = library.track(track_id)
    assert (track.path, track.tags, track.duration_s, track.missing) == ("/music/one.ogg", made.tags, 181.0, False)
    assert same_mood(track.mood, made.mood)
    stored = library.features(track_id)
    assert stored.names == NAMES
    assert stored.version == "9"
    np.testing.assert_array_equal(stored.values, made.features.values)
    np.testing.assert_array_equal(stored.start_s, made.features.start_s)


def test_paths_need_not_be_utf8(library: Library) -> None:
    path = os.fsdecode(b"/music/bl\xe4ser/\xff.mp3")
    track_id = library.store(path, STAMP, analysis(1), RECIPE)
    assert os.fsencode(library.track(track_id).path) == b"/music/bl\xe4ser/\xff.mp3"
    assert library.track(path).id == track_id


@pytest.mark.parametrize("text", ["a\0b", "\udce4", "x" * 100_000])
def test_any_tag_can_be_stored(library: Library, text: str) -> None:
    track_id = library.store("/a", STAMP, analysis(1), RECIPE)
    library.place("/a", STAMP, content(1), Tags(text, text, text))
    assert 1 <= len(library.track(track_id).tags.title) <= 1000


def test_copies_are_one_song(library: Library) -> None:
    first = library.store("/b.ogg", STAMP, analysis(1), RECIPE)
    assert library.place("/a.ogg", STAMP, content(1), Tags("Renamed")) == first
    assert [track.path for track in library.tracks()] == ["/a.ogg"]
    assert library.track("/b.ogg").tags.title == "Renamed"


def test_storing_again_changes_nothing(library: Library) -> None:
    for _ in range(3):
        library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    assert len(library.tracks()) == 1
    assert library.stats().songs == 1


def test_a_file_with_new_content_is_another_song(library: Library) -> None:
    old = library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    new = library.store("/a.ogg", STAMP, analysis(2), RECIPE)
    assert old != new
    assert library.track("/a.ogg").id == new
    assert library.track(old).missing
    assert library.track(old).path == "/a.ogg"


def test_place_needs_a_known_content(library: Library) -> None:
    with pytest.raises(UnknownTrackError, match=r"/a\.ogg"):
        library.place("/a.ogg", STAMP, content(1), Tags())


def test_track_by_id_path_and_digits(library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track_id = write_song(tmp_path / "music" / "a.ogg", 1, library)
    monkeypatch.chdir(tmp_path / "music")
    for key in (track_id, str(track_id), "a.ogg", "./a.ogg", "../music/a.ogg", Path("a.ogg")):
        assert library.track(key).id == track_id
    (tmp_path / "link").symlink_to(tmp_path / "music")
    assert library.track(tmp_path / "link" / "a.ogg").id == track_id


@pytest.mark.parametrize("key", [77, "77", "/nowhere.ogg", "9" * 30, -1, 10**30])
def test_unknown_tracks(library: Library, key: int | str) -> None:
    with pytest.raises(UnknownTrackError, match=str(key)):
        library.track(key)


def test_unknown_ids_everywhere(library: Library) -> None:
    for call in (library.features, library.add_play, lambda i: library.store_mood(i, mood(1), RECIPE)):
        with pytest.raises(UnknownTrackError, match="5"):
            call(5)


def test_tracks_have_no_timelines_and_track_has(library: Library) -> None:
    track_id = library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    (listed,) = library.tracks()
    assert listed.mood is not None
    assert listed.mood.timeline == ()
    whole = library.track(track_id).mood
    assert whole is not None
    assert len(whole.timeline) == 7


# ------------------------------------------------------------------------------------------------------------- stages


def test_states_of_a_file(library: Library) -> None:
    changed = STAMP._replace(mtime_ns=201)
    assert library.state("/a.ogg", STAMP, RECIPE, "v") is State.NEW
    library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    assert library.state("/a.ogg", STAMP, RECIPE, "v") is State.DONE
    assert library.state("/a.ogg", STAMP._replace(ctime_ns=1), RECIPE, "v") is State.DONE
    assert library.state("/a.ogg", changed, RECIPE, "v") is State.NEW
    new_model = Recipe("test-2", RECIPE.features)
    assert library.state("/a.ogg", STAMP, new_model, "v") is State.UNJUDGED
    new_features = Recipe.of("test-1", "10", NAMES, {})
    assert library.state("/a.ogg", STAMP, new_features, "v") is State.UNREAD
    assert library.content_state(content(1), RECIPE) is State.DONE
    assert library.content_state(content(2), RECIPE) is State.NEW


def test_recipes_are_equal_by_value() -> None:
    assert Recipe.of("m-1", "9", ["a"], {"x": 1, "y": 2}) == Recipe.of("m-1", "9", ("a",), {"y": 2, "x": 1})
    assert Recipe.of("m-1", "9", ["a", "b"], {}) != Recipe.of("m-1", "9", ["b", "a"], {})


def test_failures_are_not_tried_again_until_something_changes(library: Library) -> None:
    failure = Failure("/bad.mp3", "CorruptAudioError", "it is cut off")
    library.fail(failure, STAMP, "v1")
    assert library.failures() == [failure]
    assert library.state("/bad.mp3", STAMP, RECIPE, "v1") is State.FAILED
    assert library.state("/bad.mp3", STAMP, RECIPE, "v2") is State.NEW
    for change in ({"size": 1}, {"mtime_ns": 1}, {"ctime_ns": 1}):
        assert library.state("/bad.mp3", STAMP._replace(**change), RECIPE, "v1") is State.NEW
    library.store("/bad.mp3", STAMP, analysis(1), RECIPE)
    assert library.failures() == []


def test_a_song_that_became_unreadable_is_missing(library: Library) -> None:
    track_id = library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    library.fail(Failure("/a.ogg", "CorruptAudioError", "it is cut off"), STAMP._replace(size=1), "v1")
    assert library.track(track_id).missing
    assert library.track("/a.ogg").id == track_id


def test_forgive(library: Library) -> None:
    library.fail(Failure("/dir", "UnreadableError", "no permission"), STAMP, "v1")
    library.forgive("/other")
    assert len(library.failures()) == 1
    library.forgive("/dir")
    assert library.failures() == []


def test_a_new_model_rereads_stored_descriptors(library: Library) -> None:
    ids = [library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE) for n in (1, 2)]
    library.store("/3.ogg", STAMP, analysis(3), Recipe.of("test-1", "10", NAMES, {}))
    assert library.unjudged(RECIPE) == []
    newer = Recipe("test-2", RECIPE.features)
    assert library.unjudged(newer) == ids
    library.store_mood(ids[0], mood(11, "test-2"), newer)
    assert library.unjudged(newer) == ids[1:]
    assert same_mood(library.track(ids[0]).mood, mood(11, "test-2"))
    assert same_mood(library.track(ids[0], model="test-1").mood, mood(1))
    assert library.track(ids[1], model="test-2").mood is None
    assert dict(library.stats().judged) == {"test-1": 3, "test-2": 1}


def test_missing_songs_are_not_judged(library: Library) -> None:
    library.store("/nowhere/1.ogg", STAMP, analysis(1), RECIPE)
    library.mark_missing(["/nowhere"])
    assert library.unjudged(Recipe("test-2", RECIPE.features)) == []


# -------------------------------------------------------------------------------------------------------------- plays


def test_plays_newest_first(library: Library) -> None:
    ids = [library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE) for n in range(4)]
    for at, track_id in ((30.0, ids[0]), (10.0, ids[1]), (20.0, ids[2]), (20.0, ids[3])):
        assert library.add_play(track_id, at=at).at == at
    heard = library.plays(3)
    assert [(track.id, play.track_id, play.at) for track, play in heard] == [
        (ids[0], ids[0], 30.0),
        (ids[3], ids[3], 20.0),
        (ids[2], ids[2], 20.0),
    ]
    assert heard[0][0].mood is not None
    assert len(library.plays(100)) == 4


def test_a_play_now_comes_after_all_others(library: Library) -> None:
    first, second = (library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE) for n in (1, 2))
    ahead = time.time() + 1e4
    library.add_play(first, at=ahead)
    assert ahead < library.add_play(second).at < ahead + 1
    assert [track.id for track, _ in library.plays(2)] == [second, first]


@pytest.mark.parametrize("at", [float("nan"), float("inf"), "noon"])
def test_a_play_at_no_time_is_refused(library: Library, at: float) -> None:
    track_id = library.store("/1.ogg", STAMP, analysis(1), RECIPE)
    with pytest.raises(LibraryError, match="no time"):
        library.add_play(track_id, at=at)


def test_plays_together_are_all_noted_or_none(library: Library) -> None:
    one, two = (library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE) for n in (1, 2))
    with pytest.raises(UnknownTrackError):
        library.add_plays([one, two, 77])
    assert library.plays() == []
    noted = library.add_plays([one, two, one], at=1e9)
    assert [play for _, play in library.plays()] == noted[::-1]
    assert [play.track_id for play in noted] == [one, two, one]


@pytest.mark.parametrize("key", [True, 2.5, None, "", "a\0b"])
def test_what_names_no_song_is_refused(library: Library, key) -> None:
    library.store("/1.ogg", STAMP, analysis(1), RECIPE)
    with pytest.raises(ConfigError):
        library.track(key)


def test_ids_may_be_numpy_integers(library: Library) -> None:
    track_id = library.store("/1.ogg", STAMP, analysis(1), RECIPE)
    assert library.track(np.int64(track_id)).id == track_id


def test_plays_outlive_pruning(library: Library) -> None:
    kept, pruned = (library.store(f"/nowhere/{n}.ogg", STAMP, analysis(n), RECIPE) for n in (1, 2))
    library.add_play(pruned, at=1.0)
    library.prune()
    assert library.plays(10) == []
    assert library.stats().plays == 1
    again = library.store("/elsewhere.ogg", STAMP, analysis(2), RECIPE)
    assert again > pruned > kept
    assert [track.id for track, _ in library.plays(10)] == [again]


# ------------------------------------------------------------------------------------------------------------ missing


def test_an_unmounted_drive_is_missing_and_comes_back(library: Library, tmp_path: Path) -> None:
    drive, away = tmp_path / "drive", tmp_path / "away"
    on_drive = [write_song(drive / "deep" / f"{n}.ogg", n, library) for n in (1, 2)]
    here = write_song(tmp_path / "drive2" / "3.ogg", 3, library)
    library.fail(Failure(str(drive / "bad.mp3"), "CorruptAudioError", "x"), STAMP, "v")
    (drive / "bad.mp3").touch()
    drive.rename(away)
    library.mark_missing([str(drive)])
    assert [track.id for track in library.tracks() if track.missing] == on_drive
    assert library.shelf("test-1").ids.tolist() == [here]
    assert len(library.failures()) == 1  # kept: its folder is away as a whole
    assert library.stats().missing == 2
    away.rename(drive)
    library.mark_missing([str(drive)])
    assert not any(track.missing for track in library.tracks())
    assert library.shelf("test-1").ids.tolist() == [*on_drive, here]


def test_missing_is_looked_for_under_the_given_roots_only(library: Library, tmp_path: Path) -> None:
    inside, beside = tmp_path / "a" / "1.ogg", tmp_path / "a.ogg"
    ids = [write_song(inside, 1, library), write_song(beside, 2, library)]
    inside.unlink()
    beside.unlink()
    library.mark_missing([str(tmp_path / "a")])
    assert [track.id for track in library.tracks() if track.missing] == ids[:1]
    library.mark_missing([str(beside)])
    assert [track.id for track in library.tracks() if track.missing] == ids


def test_a_copy_elsewhere_keeps_a_song_present(library: Library, tmp_path: Path) -> None:
    track_id = write_song(tmp_path / "a.ogg", 1, library)
    shutil.copy2(tmp_path / "a.ogg", tmp_path / "b.ogg")
    library.place(str(tmp_path / "b.ogg"), FileStamp.of((tmp_path / "b.ogg").stat()), content(1), Tags())
    (tmp_path / "a.ogg").unlink()
    library.mark_missing(["/"])
    track = library.track(track_id)
    assert not track.missing
    assert track.path == str(tmp_path / "b.ogg")


def test_a_song_that_turns_up_elsewhere_was_moved_or_copied(library: Library, tmp_path: Path) -> None:
    moved, copied = (write_song(tmp_path / "a" / f"{n}.ogg", n, library) for n in (1, 2))
    (tmp_path / "a" / "1.ogg").unlink()
    assert write_song(tmp_path / "b" / "1.ogg", 1, library) == moved  # stored anew
    path = tmp_path / "b" / "2.ogg"
    path.write_bytes(content(2))
    assert library.place(str(path), FileStamp.of(path.stat()), content(2), Tags()) == copied
    assert library.track(moved).path == str(tmp_path / "b" / "1.ogg")
    assert library.paths(moved) == [str(tmp_path / folder / "1.ogg") for folder in "ba"]
    assert library.paths(copied) == [str(tmp_path / folder / "2.ogg") for folder in "ab"]
    (tmp_path / "b" / "1.ogg").rename(tmp_path / "a" / "1.ogg")  # and back again
    assert library.place(str(tmp_path / "a" / "1.ogg"), STAMP, content(1), Tags()) == moved
    assert library.track(moved).path == str(tmp_path / "a" / "1.ogg")


def test_more_files_than_one_page(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgemood._intake._SWEEP_ROWS", 3)
    for n in range(10):
        write_song(tmp_path / f"{n}.ogg", n, library)
    (tmp_path / "4.ogg").unlink()
    library.mark_missing([str(tmp_path)])
    assert [track.id for track in library.tracks() if track.missing] == [5]
    assert library.prune() == 1
    assert len(library.tracks()) == 9


def test_a_removed_file_is_no_failure_any_more(library: Library, tmp_path: Path) -> None:
    library.fail(Failure(str(tmp_path / "gone.mp3"), "CorruptAudioError", "x"), STAMP, "v")
    library.mark_missing([str(tmp_path)])
    assert library.failures() == []


def test_prune_removes_what_is_missing_with_its_analysis(library: Library, tmp_path: Path) -> None:
    gone, kept = (write_song(tmp_path / f"{n}.ogg", n, library) for n in (1, 2))
    (tmp_path / "1.ogg").unlink()
    library.mark_missing([str(tmp_path)])
    assert library.prune() == 1
    assert library.prune() == 0
    assert [track.id for track in library.tracks()] == [kept]
    with pytest.raises(UnknownTrackError):
        library.features(gone)
    with sqlite3.connect(library.path) as raw:
        for table in ("files", "features", "moods", "timelines"):
            assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,), table
    raw.close()


def test_prune_looks_whether_a_missing_file_is_back(library: Library, tmp_path: Path) -> None:
    track_id = write_song(tmp_path / "drive" / "1.ogg", 1, library)
    (tmp_path / "drive").rename(tmp_path / "away")
    library.mark_missing([str(tmp_path)])
    assert library.track(track_id).missing
    (tmp_path / "away").rename(tmp_path / "drive")
    assert library.prune() == 0
    assert not library.track(track_id).missing


# ------------------------------------------------------------------------------------------------- opening and refusing


def test_default_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGEMOOD_LIBRARY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == str(tmp_path / "edgemood" / "library.db")
    with Library.open() as opened:
        assert opened.path == default_path()
    monkeypatch.setenv("EDGEMOOD_LIBRARY", str(tmp_path / "mine.db"))
    assert default_path() == str(tmp_path / "mine.db")


def test_settings_of_the_file(library: Library) -> None:
    def pragma(name: str) -> object:
        return library._database.query(f"PRAGMA {name}")[0][0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2  # FULL
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") >= 1000
    assert pragma("application_id") == _format.APPLICATION_ID
    assert pragma("user_version") == len(_format.MIGRATIONS)


def test_opening_without_leave_to_create_makes_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "library.db", tmp_path / "folder" / "library.db", tmp_path / "empty.db" / "library.db"):
        (tmp_path / "empty.db").touch()
        with pytest.raises(LibraryError, match=r"there is no library at .*edgemood scan FOLDER"):
            Library.open(path, create=False)
    with pytest.raises(LibraryError, match="there is no library"):
        Library.open(tmp_path / "empty.db", create=False)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
    Library.open(tmp_path / "library.db").close()
    Library.open(tmp_path / "library.db", create=False).close()
    with pytest.raises(LibraryError, match="is a folder"):
        Library.open(tmp_path, create=False)


def test_an_empty_file_becomes_a_library(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with Library.open(tmp_path / "empty.db") as opened:
        assert opened.tracks() == []


def other_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (text TEXT)")
    connection.commit()
    connection.close()


def newer_edgemood(path: Path) -> None:
    Library.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(_format.MIGRATIONS) + 1}")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("Dear diary, " * 100), "not an edgemood library.*name another file"),
        (other_program, "another program.*name another file"),
        (newer_edgemood, "newer edgemood.*update"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "x.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(LibraryError, match=message):
        Library.open(path)
    assert path.read_bytes() == before


class _Interrupted:
    """A connection between two of whose statements somebody else makes the library."""

    def __init__(self, path: Path, after: int) -> None:
        self._path, self._countdown = path, after
        self._connection = sqlite3.connect(path)

    def execute(self, sql: str) -> sqlite3.Cursor:
        if not self._countdown:
            Library.open(self._path).close()
        self._countdown -= 1
        return self._connection.execute(sql)


@pytest.mark.parametrize("after", range(3))
def test_a_library_made_while_it_is_looked_at_is_recognised(tmp_path: Path, after: int) -> None:
    _format.recognise(_Interrupted(tmp_path / "library.db", after), "library.db")
    with Library.open(tmp_path / "library.db", create=False) as library:
        assert library.tracks() == []


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is a folder"):
        Library.open(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="cannot be made"):
        Library.open(tmp_path / "file" / "library.db")
    with pytest.raises(LibraryError, match="/proc"):
        Library.open("/proc/library.db")


_AS_A_READER = f"""
import ctypes, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: of root no more than of others
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
if sys.argv[1:2] != ["again"]:
    import os
    os.execv(sys.executable, [sys.executable, "-c", sys.orig_argv[2], "again", *sys.argv[1:]])
sys.path[:0] = {sys.path!r}
from edgemood.errors import LibraryError
from edgemood.library import Library
try:
    with Library.open(sys.argv[2], create=False) as library:
        print([track.id for track in library.tracks()], len(library.plays()), len(library.shelf("test-1").ids))
        for write in (lambda: library.add_play(1), library.prune, lambda: library.store_mood(1, None, None)):
            try:
                write()
            except LibraryError as error:
                print(error)
except LibraryError as error:
    print(error)
"""


def as_a_reader(path: Path, file_mode: int, folder_mode: int) -> list[str]:
    """What somebody sees who has no more rights than these modes give."""
    files = list(path.parent.iterdir())
    for file in files:
        file.chmod(file_mode)
    path.parent.chmod(folder_mode)
    try:
        command = [sys.executable, "-c", _AS_A_READER, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert list(path.parent.iterdir()) == files  # nothing is left behind for the writer to stumble over
        return done.stdout.splitlines()
    finally:
        path.parent.chmod(0o755)
        for file in files:
            file.chmod(0o644)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o755), (0o644, 0o555)])
def test_a_library_that_cannot_be_written_is_read(tmp_path: Path, file_mode: int, folder_mode: int) -> None:
    path = tmp_path / "folder" / "odd % name?#.db"
    with Library.open(path) as library:
        for n in (1, 2):
            library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE)
        library.add_play(1)
    seen, *refused = as_a_reader(path, file_mode, folder_mode)
    assert seen == "[1, 2] 1 2"
    assert refused == [f"{path} can be read here but not written: check who owns it and its folder"] * 3


def test_a_library_is_read_while_somebody_else_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "library.db"
    with Library.open(path) as library:
        library.store("/1.ogg", STAMP, analysis(1), RECIPE)
        seen, *refused = as_a_reader(path, 0o444, 0o555)
        assert seen == "[1] 0 1"
        assert len(refused) == 3
        for file in path.parent.iterdir():  # as it looks after a crash
            shutil.copy(file, tmp_path)
    (tmp_path / "library.db-shm").unlink()
    assert "in a log beside it" in as_a_reader(tmp_path / "library.db", 0o444, 0o555)[0]


def test_a_library_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "library.db"
    Library.open(path).close()
    assert as_a_reader(path, 0, 0o555)[0].startswith(f"{path} cannot be opened: check that it may be read")


def test_an_old_library_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "library.db"
    monkeypatch.setattr(_format, "MIGRATIONS", ())
    Library.open(path).close()
    assert "older edgemood" in as_a_reader(path, 0o444, 0o555)[0]


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        for n in range(100):
            library.store(f"/{n}.ogg", STAMP, analysis(n), RECIPE)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(LibraryError, match=r"library\.db is damaged: `edgemood repair`"), Library.open(path) as library:
        library.tracks()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE moods SET vector = x'00'",
        "UPDATE moods SET scores = '{'",
        "UPDATE timelines SET data = x'0102'",
        "UPDATE features SET data = zeroblob(50)",
        "UPDATE feature_sets SET identity = '[]'",
    ],
)
def test_damaged_rows_are_told(library: Library, change: str) -> None:
    track_id = library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    with sqlite3.connect(library.path) as raw:
        raw.execute(change)
    raw.close()
    with pytest.raises(LibraryError, match="damaged at song 1"):
        library.track(track_id)
        library.features(track_id)


def test_a_full_disk_is_told_and_nothing_is_half_written(library: Library) -> None:
    library.store("/1.ogg", STAMP, analysis(1), RECIPE)
    ((pages,),) = library._database.query("PRAGMA page_count")
    library._database.query(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="disk is full"):
        for n in range(2, 50):
            library.store(f"/{n}.ogg", STAMP, analysis(n, rows=500), RECIPE)
    library._database.query("PRAGMA max_page_count = 100000")
    for track in library.tracks():
        assert track.mood is not None
        assert len(library.features(track.id).values) > 0
    library.store("/99.ogg", STAMP, analysis(99), RECIPE)


def test_another_thread_is_told_to_open_its_own(library: Library) -> None:
    caught: list[Exception] = []

    def use() -> None:
        try:
            library.tracks()
        except LibraryError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "thread" in str(caught[0])


# ---------------------------------------------------------------------------------------------------------- migrations


def test_a_new_version_migrates_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        library.store("/a.ogg", STAMP, analysis(1), RECIPE)
    added = "ALTER TABLE tracks ADD COLUMN year INTEGER; CREATE TABLE extra (x); -- done\n"
    monkeypatch.setattr(_format, "MIGRATIONS", (*_format.MIGRATIONS, added))
    with Library.open(path) as library:
        assert library.track(1).tags.title == "Song 1"
        assert library._database.query("SELECT year FROM tracks") == [(None,)]
        assert library._database.query("PRAGMA user_version") == [(len(_format.MIGRATIONS),)]


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "library.db"
    Library.open(path).close()
    released = _format.MIGRATIONS
    monkeypatch.setattr(_format, "MIGRATIONS", (*released, "CREATE TABLE extra (x);\nCREATE TABLE tracks (x);\n"))
    with pytest.raises(LibraryError, match="already exists"):
        Library.open(path)
    monkeypatch.setattr(_format, "MIGRATIONS", released)
    with Library.open(path) as library:
        assert library._database.query("SELECT count(*) FROM sqlite_master WHERE name = 'extra'") == [(0,)]


@pytest.mark.parametrize("version", range(1, len(_format.MIGRATIONS) + 1))
def test_libraries_of_every_released_version_open(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    shutil.copy(DATA / f"library_v{version}.db", path)
    with Library.open(path) as library:
        tracks = library.tracks()
        assert [(track.id, track.path, track.missing) for track in tracks] == [
            (1, "/music/1.ogg", False),
            (2, "/music/2.ogg", False),
            (3, "/music/3.ogg", True),
        ]
        for track in tracks:
            assert replace(track.tags, genre="") == analysis(track.id).tags
            if not track.labelled:
                found, made = library.track(track.id).mood, mood(track.id)
                assert found.scores == pytest.approx(made.scores, rel=1e-12)  # summed on another machine
                assert same_mood(replace(found, scores=made.scores), made)
            np.testing.assert_array_equal(library.features(track.id).values, analysis(track.id).features.values)
        assert [(track.id, play.at) for track, play in library.plays(9)] == [(1, 1_700_000_300.0), (2, 1_700_000_000.5)]
        assert [failure.path for failure in library.failures()] == ["/music/3.ogg", "/music/b\udce4d.mp3"]
        assert library.state("/music/1.ogg", FileStamp(1001, 5), RECIPE, "v1") is State.DONE
        stocked = library.shelf("test-1")
        assert stocked.ids.tolist() == [1, 2]
        head, _ = shelf.edges(mood(1).timeline, mood(1).scores)
        np.testing.assert_array_equal(stocked.head[0], head)  # in version 1 only the timeline tells
        if version == 1:
            assert (library.listeners(), library.track(2).labelled) == (["default"], None)
            return
        assert library.ids_of_genre("pop").tolist() == [2]
        assert library.listeners() == ["default", "anna"]
        assert library.events() == [
            Event(1, "play", 1_700_000_300.0),
            Event(2, "skip", 1_700_000_100.0, 0.25),
            Event(2, "play", 1_700_000_000.5),
        ]
        assert library.events("anna") == [Event(1, "like", 1_700_000_400.0)]
        assert library.track(2).labelled == "calm"
        assert library.note("player:kitchen") == (None if version == 2 else "{}")
        assert library.counts("default") == {1: Counts(1, 0, 1_700_000_300.0), 2: Counts(1, 1, 1_700_000_000.5)}


# ------------------------------------------------------------------------------------------ several at once, kill -9


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path[:0] = {[here, *sys.path]!r}\n{code}"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


WRITER = """
from made_up import RECIPE, analysis
from edgemood.library import FileStamp, Library
library = Library.open(sys.argv[1])
first = int(sys.argv[2])
for n in range(first, first + int(sys.argv[3])):
    library.store(f"/{n}.ogg", FileStamp(n, n), analysis(n, rows=200), RECIPE)
    print(n, flush=True)
"""


def test_many_processes_make_one_library_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "library.db"
    writers = [run_python(WRITER, path, 0, 10) for _ in range(4)]
    for writer in writers:
        out, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        assert len(out.split()) == 10
    with Library.open(path) as library:
        assert [track.tags.title for track in library.tracks()] == [f"Song {n}" for n in range(10)]


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    acknowledged = -1
    for _ in range(3):
        writer = run_python(WRITER, path, acknowledged + 1, 100_000)
        assert writer.stdout is not None
        for line in writer.stdout:
            acknowledged = int(line)
            if acknowledged % 17 == 16:
                break
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=30)
        acknowledged = max([acknowledged, *map(int, rest.split())])
        with Library.open(path) as library:
            titles = {track.tags.title for track in library.tracks()}
            assert {f"Song {n}" for n in range(acknowledged + 1)} <= titles
            assert len(titles) <= acknowledged + 2  # the one in flight may have made it
            assert library._database.query("PRAGMA integrity_check") == [("ok",)]
            assert library._database.query("PRAGMA foreign_key_check") == []
            for track in library.tracks():
                assert len(library.features(track.id).values) == 200


def test_a_play_does_not_wait_for_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        track_id = library.store("/a.ogg", STAMP, analysis(1), RECIPE)
        writer = run_python(WRITER, path, 1000, 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        waits = []
        for _ in range(30):
            begin = time.perf_counter()
            library.add_play(track_id)
            library.plays(10)
            waits.append(time.perf_counter() - begin)
        writer.kill()
        writer.communicate()
        assert sorted(waits)[len(waits) // 2] < 0.5
        assert max(waits) < _sqlite.BUSY_TIMEOUT_S


def test_songs_come_some_at_a_time(library: Library) -> None:
    ids = [library.store(f"/m/{n}.ogg", STAMP, analysis(n), RECIPE) for n in range(7)]
    taken: list[int] = []
    while some := library.tracks(limit=3, after=taken[-1] if taken else 0):
        assert len(some) <= 3
        taken += [track.id for track in some]
    assert taken == ids


def test_the_revision_grows_with_songs_and_not_with_plays(library: Library) -> None:
    track_id = library.store("/m/a.ogg", STAMP, analysis(1), RECIPE)
    before = library.revision
    library.add_play(track_id)
    assert library.revision == before
    library.set_label(track_id, "calm")
    assert library.revision > before


def test_a_frozen_library_writes_nothing(library: Library) -> None:
    track_id = library.store("/m/a.ogg", STAMP, analysis(1), RECIPE)
    library.freeze()
    for write in (lambda: library.add_play(track_id), lambda: library.set_note("a", "b"), library.prune):
        with pytest.raises(LibraryError, match="not written"):
            write()
    assert library.track(track_id).path == "/m/a.ogg"
