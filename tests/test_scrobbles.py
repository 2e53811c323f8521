"""Histories of other programs: every line is accounted for, and the same again adds nothing."""

from __future__ import annotations

import io
import json
import os
import re
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import shelf
from audio_files import deadline, write_tone
from click.testing import CliRunner, Result

import edgemood
from edgemood import _sums, scrobbles
from edgemood._matching import Matcher
from edgemood.cli.commands import edgemood as main
from edgemood.domain import Tags
from edgemood.errors import ConfigError, UnreadableError
from edgemood.library import FileStamp, Heard, Library
from edgemood.scrobbles import Listen, Malformed

AT = 1_700_000_000
HEAD = "#AUDIOSCROBBLER/1.1\n#TZ/UTC\n#CLIENT/Rockbox 3.15\n"


def line(title: str, at: int = AT, rating: str = "L", artist: str = "Artist", **given: Any) -> str:
    fields = (artist, given.get("album", ""), title, given.get("number", ""), given.get("length", 200), rating, at, "")
    return "\t".join(map(str, fields)) + "\n"


def log(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / ".scrobbler.log"
    path.write_text(head + "".join(lines), encoding="utf-8")
    return path


def listen(title: str, at: float = AT, artist: str = "Artist", **info: Any) -> dict[str, Any]:
    about = {"artist_name": artist, "track_name": title, "release_name": "", "additional_info": info}
    return {"listened_at": at, "track_metadata": about}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Set a library of songs 0 to 9 by Artist, each 200 s."""
    path = tmp_path / "library.db"
    with Library.open(path) as shelved:
        for number in range(10):
            add(shelved, f"{shelf.MUSIC}/{number}.ogg", f"Song {number}")
    return path


def add(library: Library, path: str, title: str, artist: str = "Artist") -> int:
    analysis = replace(shelf.analysis(path, "calm"), tags=Tags(title, artist), duration_s=200.0)
    return library.store(path, FileStamp(1, 1), analysis, shelf.RECIPE)


def take_in(library: Path, *files: Path, listener: str = "default", **given: Any) -> edgemood.importing.ImportReport:
    with edgemood.open(library, listener=listener) as engine:
        return engine.import_history(*files, **given)


def history(library: Path, listener: str = "default") -> list[tuple[int, str, float]]:
    with Library.open(library) as shelved:
        return [(event.track_id, event.kind, event.at) for event in shelved.events(listener, 1000)][::-1]


# -------------------------------------------------------------------------------------------------------------- reading


def test_a_log_of_a_portable_player(tmp_path: Path) -> None:
    text = "Ärtist\tÄlbum\tTee\t3\t185\tS\t1700000001\t0b8c5f2e-1f0e-4b7a-9a53-2f1d9d2f5a11\n"
    (one,) = scrobbles.read(log(tmp_path, text))
    assert one == Listen(1_700_000_001.0, "Ärtist", "Tee", "Älbum", 185.0, True, "0b8c5f2e-1f0e-4b7a-9a53-2f1d9d2f5a11")


@pytest.mark.parametrize("head", [HEAD.replace("UTC", "UNKNOWN"), "#AUDIOSCROBBLER/1.0\n"])
def test_a_clock_that_knows_no_zone_is_read_where_it_stood(tmp_path: Path, head: str) -> None:
    wall = datetime(2023, 7, 1, 12, 0, tzinfo=timezone.utc).timestamp()  # "12:00", as if in Greenwich
    path = log(tmp_path, line("Tee", int(wall)), head=head)
    (one,) = scrobbles.read(path, timezone(timedelta(hours=2)))
    assert isinstance(one, Listen)
    assert one.at == wall - 7200
    (one,) = scrobbles.read(path)
    assert isinstance(one, Listen)
    assert one.at == datetime(2023, 7, 1, 12, 0).timestamp()  # here


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("Artist\tTee\n", "2 fields"),
        (line("Tee", rating="X"), "rating is 'X'"),
        (line("Tee", at="soon"), "time is 'soon'"),  # type: ignore[arg-type]
        (line("Tee", length="3:20"), "length is '3:20'"),
        (line("Tee", at=600), "clock was not set"),
        (line("Tee", at=9_999_999_999), "ahead of the clock"),
        (line("Tee", at=99_999_999_999), "ahead of the clock|out of range"),
        (line(""), "no title"),
        (line("x" * 2_000_000), "far too long"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path, bad: str, why: str) -> None:
    found = list(scrobbles.read(log(tmp_path, line("One"), bad, "\n", line("Two")), latest=time.time()))
    assert [one.title for one in found if isinstance(one, Listen)] == ["One", "Two"]
    (problem,) = (one for one in found if isinstance(one, Malformed))
    assert problem.where == ".scrobbler.log, line 5"
    assert re.search(why, problem.why)


SHAPES = {
    "listens.json": json.dumps,
    "api.json": lambda listens: json.dumps({"payload": {"count": len(listens), "listens": listens}}),
    "11.jsonl": lambda listens: "".join(json.dumps(one) + "\n" for one in listens),
}


@pytest.mark.parametrize("name", SHAPES)
def test_listenbrainz(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    listens = [
        listen("One", recording_mbid="ID", duration_ms=200_500),
        listen("Two", AT + 300, duration=201, origin_url="file:///m/%C3%84%20b.ogg"),
        {**listen("Three"), "listened_at": None},
        {"listened_at": AT, "track_metadata": [1]},
        17,
    ]
    listens[0]["track_metadata"]["mbid_mapping"] = {"recording_mbid": "other"}
    path.write_text(SHAPES[name](listens))
    found = list(scrobbles.read(path))
    assert found[:2] == [
        Listen(float(AT), "Artist", "One", "", 200.5, False, "ID"),
        Listen(AT + 300.0, "Artist", "Two", "", 201.0, False, "", "/m/Ä b.ogg"),
    ]
    assert [type(one) for one in found[2:]] == [Malformed] * 3


def test_the_zip_file_of_an_export(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("feedback.jsonl", json.dumps({"score": 1}))
        for month in (11, 2):
            archive.writestr(f"listens/2023/{month}.jsonl", json.dumps(listen(f"Song {month}")) + "\n{broken\n")
    found = list(scrobbles.read(path))
    assert sorted(one.title for one in found if isinstance(one, Listen)) == ["Song 11", "Song 2"]
    assert "export.zip, listens/2023/2.jsonl, line 2" in [one.where for one in found if isinstance(one, Malformed)]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"hello"), ("b.json", b'["unclosed'), ("c.json", b'{"payload": {"listens": 3}}'), ("d.zip", b"PK")],
)
def test_files_that_hold_no_listens_are_refused(tmp_path: Path, library: Path, name: str, content: bytes) -> None:
    good, path = log(tmp_path, line("Song 1")), tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=name):
        take_in(library, good, path)
    assert history(library) == []
    with pytest.raises(UnreadableError, match=r"nowhere\.log"):
        take_in(library, tmp_path / "nowhere.log")


@pytest.mark.parametrize("at", ["NaN", "Infinity", "1700000000000000"])
def test_what_is_no_time_is_said_to_be_none(tmp_path: Path, at: str) -> None:
    path = tmp_path / "listens.jsonl"
    path.write_text(json.dumps(listen("Song 0")).replace(str(AT), at))
    (problem,) = scrobbles.read(path, latest=time.time())
    assert isinstance(problem, Malformed)
    assert "is no time" in problem.why


def test_damaged_files_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "listens/2023/1.jsonl", "".join(json.dumps(listen(f"Song {n}", AT + n)) + "\n" for n in range(50))
        )
    sources = [packed.getvalue(), (HEAD + line("One") * 20).encode(), json.dumps([listen("One")] * 20).encode()]
    path, read = tmp_path / "damaged", 0
    for trial in range(300):
        content = bytearray(sources[trial % 3])
        for _ in range(rng.integers(1, 8)):
            content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        with deadline(10), suppress(ConfigError, UnreadableError):
            read += sum(isinstance(one, Listen) for one in scrobbles.read(path))
    assert read > 1000


# ------------------------------------------------------------------------------------------------------------- matching


@pytest.mark.parametrize(
    ("artist", "title", "matches"),
    [
        ("ARTIST", "song 1", True),
        ("Ártist", "Song  1!", True),
        ("Artist feat. Somebody", "Song 1", True),
        ("Artist", "Song 1 (feat. Somebody)", True),
        ("Artist", "Song 1 - Remastered 2011", True),
        ("Artist", "Song 1 [Deluxe Edition]", True),
        ("The Artist", "Song 1", True),
        ("Artist", "Song 1 (Live)", False),
        ("Artist", "Song 1 - Live Version", False),
        ("Artist", "Song 1 (Somebody Remix)", False),
        ("Artist", "Song 11", False),
        ("Artists", "Song 1", False),
    ],
)
def test_names_agree_but_for_what_programs_add(artist: str, title: str, matches: bool) -> None:
    one = Listen(AT, artist, title)
    assert Matcher([one], [(7, "Artist", "Song 1", "", 200.0)]).find(one) == (7 if matches else None)


def test_what_is_written_in_signs_alone_is_told_apart() -> None:
    songs = [(1, "!!!", "???", "", 0.0), (2, "!!!", "...", "", 0.0)]
    named = [Listen(AT, "!!!", "..."), Listen(AT, "!!!", "??")]
    assert [Matcher(named, songs).find(one) for one in named] == [2, None]


def test_of_several_songs_the_one_of_that_album_and_length_is_meant() -> None:
    songs = [(1, "A", "T", "Live", 300.0), (2, "A", "T", "Best Of", 201.0), (3, "A", "T", "First", 200.0)]
    wanted = {
        Listen(AT, "A", "T"): 1,
        Listen(AT, "A", "T", "best of!"): 2,
        Listen(AT, "A", "T", "Best Of", 300.0): 1,
        Listen(AT, "A", "T", "", 199.0): 3,
        Listen(AT, "A", "T", "Live", 120.0): None,
    }
    matcher = Matcher(wanted, songs)
    assert {one: matcher.find(one) for one in wanted} == wanted


def test_a_path_goes_before_names_and_ids_only_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    tagged = write_tone(tmp_path / "a.flac", 0.5)
    media = mutagen.File(tagged)
    media["musicbrainz_trackid"] = "AB-1"
    media.save()
    with Library.open(path) as library:
        other = add(library, f"{shelf.MUSIC}/0.ogg", "Song 0")
        known = add(library, str(tagged), "Ошибка", "Другой")
    listens = [
        listen("Song 0", origin_url=tagged.as_uri()),
        listen("Mistake", AT + 500, recording_mbid="ab-1"),
        listen("Song 0", AT + 900, origin_url="file:///nowhere.ogg"),
    ]
    source = tmp_path / "listens.json"
    source.write_text(json.dumps(listens))
    assert take_in(path, source).unmatched == 1
    assert history(path) == [(known, "play", AT), (other, "play", AT + 900)]
    assert take_in(path, source, read_ids=True).plays == 1
    assert history(path) == [(known, "play", AT), (known, "play", AT + 500), (other, "play", AT + 900)]


# -------------------------------------------------------------------------------------------------------- into history


def test_plays_and_skips_keep_their_times_and_come_once(tmp_path: Path, library: Path) -> None:
    lines = [line(f"Song {n}", AT + 300 * n, "S" if n % 3 == 0 else "L") for n in (5, 3, 8, 3)]
    path = log(tmp_path, *lines, line("Unknown", AT), line("Unknown", AT + 9), "broken\n")
    report = take_in(library, path)
    assert (report.plays, report.skips, report.known, report.unmatched, report.malformed) == (2, 1, 1, 2, 1)
    assert [(song.title, song.times) for song in report.songs] == [("Unknown", 2)]
    wanted = [(n + 1, "skip" if n % 3 == 0 else "play", AT + 300.0 * n) for n in (3, 5, 8)]
    assert history(library) == wanted
    again = take_in(library, path)
    assert (again.plays, again.skips, again.known) == (0, 0, 4)
    assert history(library) == wanted
    assert take_in(library, path, listener="anna").plays == 2
    assert history(library, "anna") == wanted


def test_what_was_noted_when_the_song_ended_is_the_same_listening(tmp_path: Path, library: Path) -> None:
    with Library.open(library) as shelved:
        shelved.add_play(1, AT + 203.0)  # Song 0, begun at AT, with a pause
    path = log(tmp_path, line("Song 0", AT), line("Song 0", AT + 204), line("Song 0", AT + 404), line("Song 1", AT))
    report = take_in(library, path)
    assert (report.plays, report.known) == (3, 1)  # the second began where the first was noted
    assert take_in(library, path).plays == 0


@pytest.mark.parametrize("together", [True, False])
def test_what_two_programs_tell_of_one_listening_counts_once(tmp_path: Path, library: Path, together: bool) -> None:
    ours = log(tmp_path, line("Song 0", AT), line("Song 0", AT + 900))
    theirs = tmp_path / "theirs.jsonl"
    theirs.write_text("".join(json.dumps(listen("Song 0", AT + after_s)) + "\n" for after_s in (3, 203, 897)))
    reports = [take_in(library, *files) for files in ([(ours, theirs)] if together else [(ours,), (theirs,)])]
    assert sum(report.plays for report in reports) == 3  # with the one that only one of them told
    assert sum(report.known for report in reports) == 2
    assert take_in(library, theirs, ours).plays == 0


def test_a_play_before_one_that_is_known_is_another(tmp_path: Path, library: Path) -> None:
    assert take_in(library, log(tmp_path, line("Song 0", AT + 200))).plays == 1
    assert take_in(library, log(tmp_path, line("Song 0", AT), line("Song 0", AT + 200))).plays == 1
    assert history(library) == [(1, "play", AT), (1, "play", AT + 200)]


def test_a_song_played_on_and_on_counts_each_time(tmp_path: Path, library: Path) -> None:
    path = log(tmp_path, *(line("Song 0", AT + 200 * n) for n in range(5)))
    assert take_in(library, path).plays == 5
    longer = log(tmp_path, *(line("Song 0", AT + 200 * n) for n in range(9)))
    assert take_in(library, longer).plays == 4


def test_a_long_history_stays_bounded_and_the_same_again_adds_nothing(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sums, "KEPT", 1000)
    rng = np.random.default_rng(1)
    lines = [line(f"Song {n % 10}", AT + 250 * n, "LS"[n % 4 == 0]) for n in range(4000)]
    rng.shuffle(lines)
    path = log(tmp_path, *lines)
    report = take_in(library, path)
    assert (report.plays, report.skips) == (3000, 1000)
    with Library.open(library) as shelved:
        counts = shelved.counts("default")
        events = shelved.events("default", 10_000)
        assert 2000 <= len(events) < 2000 + 600  # the others are counted
        assert min(event.at for event in events if event.kind == "play") > AT + 250 * 1500
    assert sum(count.plays for count in counts.values()) == 3000
    assert sum(count.skips for count in counts.values()) == 1000
    again = take_in(library, path)
    assert (again.plays, again.skips, again.known + again.old) == (0, 0, 4000)
    with Library.open(library) as shelved:
        assert shelved.counts("default") == counts


def test_an_import_that_was_killed_goes_on(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sums, "KEPT", 600)
    heard = [Heard(AT + 250.0 * n, n % 10 + 1) for n in range(3000)]
    with Library.open(library) as shelved:
        add_one, added = shelved._add, 0

        def dying(*row: Any) -> None:
            nonlocal added
            added += 1
            if added > 2000:
                raise KeyboardInterrupt
            add_one(*row)

        monkeypatch.setattr(shelved, "_add", dying)
        with pytest.raises(KeyboardInterrupt):
            shelved.add_heard(heard)
    with Library.open(library) as shelved:
        done = shelved.add_heard(heard)
        assert done["plays"] == 1000
        assert sum(count.plays for count in shelved.counts("default").values()) == 3000


def test_a_hundred_thousand_lines_cost_little_more_than_reading_them(tmp_path: Path, library: Path) -> None:
    """The work for a line does not grow with the lines: ten times as many take ten times as long, or so."""

    def took(count: int, run: int) -> float:
        path = log(
            tmp_path, *(line(f"Song {n % 10}", AT + 250 * n - 30_000_000 * (count > 4000)) for n in range(count))
        )
        begin = time.process_time()
        report = take_in(library, path, listener=f"{count}, {run}")
        assert report.plays == count
        return time.process_time() - begin

    few = sorted(took(4_000, run) for run in range(3))
    assert min(took(40_000, run) for run in range(2)) < 30 * few[1]  # were it to grow so, it would be 100 times


# ---------------------------------------------------------------------------------------------------------- the command


def run(library: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["import", "--library", str(library), *map(str, arguments)])


def test_the_command_sums_up_and_lists(tmp_path: Path, library: Path) -> None:
    path = log(tmp_path, line("Song 1"), line("Song 2", AT + 300, "S"), line("Else\x1b"), "broken\n")
    result = run(library, path, "--unmatched")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "1 play and 1 skip noted",
        "1 of songs that the library does not have",
        "1 that could not be read",
        "      1  Artist - Else\\x1b",
    ]
    assert result.stderr == "edgemood: warning: .scrobbler.log, line 7: it has 1 fields, not 8\n"
    shape = json.loads(run(library, path, "--json", "--unmatched", "--timezone", "Europe/Berlin").stdout)
    assert shape == {
        "plays": 0,
        "skips": 0,
        "known": 2,
        "old": 0,
        "unmatched": 1,
        "malformed": 1,
        "problems": [{"where": ".scrobbler.log, line 7", "error": "it has 1 fields, not 8"}],
        "songs": [{"artist": "Artist", "title": "Else\x1b", "album": "", "times": 1}],
    }


@pytest.mark.parametrize("arguments", [[], ["x.log", "--timezone", "Nowhere/Town"], [""]])
def test_wrong_usage(library: Path, arguments: list[str]) -> None:
    assert run(library, *arguments).exit_code == 2


def test_a_library_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = run(tmp_path / "none.db", log(tmp_path, line("Song 1")))
    assert result.exit_code == 1
    assert not os.path.lexists(tmp_path / "none.db")
