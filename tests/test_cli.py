"""The command line: what it prints, for whom, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import shelf
from click.testing import CliRunner, Result
from shelf import MUSIC

from edgemood.cli.commands import edgemood as main
from edgemood.library import Library

COMMANDS = sorted(main.commands)
# What would run until it is stopped.
RUNS_ON = {
    "mpd": "mpd --once --host /nowhere",
    "mpris": "mpris --once --player nobody",
    "serve": "serve --token-file /nowhere",
}
ODD = os.fsdecode(os.fsencode(MUSIC) + b"/\xe9t\xe9\n.ogg")  # neither UTF-8 nor one line
SONGS = [
    (f"{MUSIC}/{number}.ogg", label, f"Artist {number % 5}") for number, label in enumerate(["calm", "angry"] * 10)
]


def run(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, list(arguments), **extra)


def objects(result: Result) -> list[dict[str, Any]]:
    """Read the lines of JSON, which have to be ASCII and strict."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    assert result.stdout.isascii()
    return [json.loads(line, parse_constant=refuse) for line in result.stdout.splitlines()]


def subprocess_run(*arguments: str, **extra: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "edgemood.cli", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **extra)


def shell(command: str, **extra: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which ``edgemood`` is the command."""
    script = f'edgemood() {{ "{sys.executable}" -m edgemood.cli "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", script], capture_output=True, timeout=120, check=False, **extra)


def empty_library(folder: Path) -> str:
    path = folder / "other" / "library.db"
    Library.open(path).close()
    return str(path)


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a library with twenty songs, in place of the user's own."""
    path = tmp_path / "library.db"
    monkeypatch.setenv("EDGEMOOD_LIBRARY", str(path))
    with Library.open(path) as shelved:
        shelf.fill(shelved, SONGS)
    return path


@pytest.fixture
def heard(library: Path) -> list[int]:
    """Play the first four calm songs; gives their ids, newest first."""
    with Library.open(library) as shelved:
        calm = [track.id for track in shelved.tracks() if track.mood and track.mood.label == "calm"][:4]
        for track_id in calm:
            shelved.add_play(track_id)
    return calm[::-1]


# ------------------------------------------------------------------------------------------------------------ house


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    _, example = re.split(r"Examples?:", result.stdout)
    assert f"edgemood {command}" in example


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    for parameter in main.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    assert f"edgemood {command}" in readme.read_text(encoding="utf-8")


def test_examples_in_the_help_are_accepted_by_the_parser() -> None:
    for name in COMMANDS:
        for line in main.commands[name].epilog.splitlines():
            words = re.split(r"[|>]", line)[0].split()
            if words[:1] == ["edgemood"]:
                with contextlib.suppress(click.exceptions.Exit):  # where it prints something and ends
                    main.commands[name].make_context(name, words[2:])


def test_without_a_command_it_shows_help() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stdout


def test_version() -> None:
    assert re.fullmatch(r"edgemood \d+\.\d+\S*\n", run("--version").stdout)


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["next", "-n", "0"], ["next", "-n", "x"], ["mood"], ["now", "--frob"], ["played"]]
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.fullmatch(r"edgemood: error: .* \(see edgemood.* --help\)\n", result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["played", ""], ["mood", ""], ["features", ""], ["scan", ""], ["library", "--library", ""]),
        *(["mood", "--model", "", "x"], ["mood", "--plot", "", "x"], ["features", "--csv", "", "x"]),
        *(["features", "--npz", "", "x"], ["next", "--m3u", ""]),
    ],
)
def test_an_empty_name_is_wrong_usage(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"edgemood: error: Invalid value for .*: the name is empty \(see .*\)\n", result.stderr)


def test_help_tells_the_exit_codes() -> None:
    assert "1 a file failed (scan: every file) or nothing to tell" in " ".join(run("--help").stdout.split())


def test_the_library_option_works_before_and_after_the_command(tmp_path: Path) -> None:
    other = empty_library(tmp_path)
    assert "empty" in run("--library", other, "library").stderr
    assert "empty" in run("library", "--library", other).stderr
    assert "Song 3" in run("library").stdout
    assert "empty" in run("--library", str(tmp_path / "library.db"), "library", "--library", other).stderr


def test_a_file_that_is_no_library_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a library " * 100)
    result = run("library", "--library", str(tmp_path / "notes.txt"))
    assert result.exit_code == 1
    assert re.fullmatch(r"edgemood: error: .*notes\.txt.*\n", result.stderr)


def test_a_reader_that_goes_away_is_no_error(library: Path) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"/more/{number:05}.ogg", "sad", "A" * 200) for number in range(600)])
    command = [sys.executable, "-m", "edgemood.cli", "library", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize(
    ("words", "closed"),
    [*((RUNS_ON.get(name, name), ">&-") for name in COMMANDS), ("library", "<&- >&- 2>&-"), ("frob", "2>&-")],
)
def test_without_stdout_or_stderr_it_ends_as_with_them(words: str, closed: str) -> None:
    result = shell(f"edgemood {words} {closed}")
    assert (result.returncode, result.stdout) == (run(*words.split()).exit_code, b"")
    assert b"Traceback" not in result.stderr


def test_what_is_printed_on_a_full_disk_is_one_line(library: Path) -> None:
    for words in ("library", "library --json", "models --json"):
        result = shell(f"edgemood {words} >/dev/full")
        assert result.returncode == 1
        assert result.stderr == b"edgemood: error: standard output: No space left on device\n"
    assert shell("edgemood library --frob 2>/dev/full").returncode == 2


INTERRUPTED = """
import os, signal, sys

module, sys.argv = sys.argv[1], ["edgemood", "library"]

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from edgemood.cli import main
main()
"""


@pytest.mark.parametrize("module", ["click", "numpy", "datetime", "edgemood.domain", "edgemood.cli.listen"])
def test_interrupted_while_it_loads_it_ends_quietly(module: str) -> None:
    """NumPy's C code loads datetime, and makes an ImportError of what goes wrong with that."""
    command = [sys.executable, "-c", INTERRUPTED, module]
    result = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"")


NATIVE_INTERRUPTED = """
import signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "edgemood._native":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as interrupt:
                raise ImportError("initialization failed") from interrupt

sys.meta_path.insert(0, Interrupt())
from edgemood.cli import main
main()
"""


@pytest.mark.parametrize("arguments", [["features", "a.wav"], ["live", "/dev/null"]])
def test_interrupted_while_a_native_module_loads_it_says_so(arguments: list[str]) -> None:
    """The binding makes an ImportError of the KeyboardInterrupt."""
    command = [sys.executable, "-c", NATIVE_INTERRUPTED, *arguments]
    result = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"edgemood: error: interrupted\n")


def test_works_on_a_terminal_that_only_knows_ascii(heard: list[int]) -> None:
    result = subprocess_run("now", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert b"#" in result.stdout


# --------------------------------------------------------------------------------------------------------- listening


def test_played_by_path_and_id_then_now(library: Path) -> None:
    result = run("played", f"{MUSIC}/0.ogg", "4", f"{MUSIC}/4.ogg")
    assert (result.exit_code, result.stdout.count("played: ")) == (0, 3)
    now = run("now")
    assert now.stdout.startswith("calm: 2 of your last 3 songs")
    (shape,) = objects(run("now", "--json"))
    assert list(shape) == ["mood", "scores", "valence", "arousal", "plays", "reason", "model"]
    assert (shape["mood"], shape["plays"], shape["model"]) == ("calm", 3, "shelf-1")
    assert shape["reason"] == now.stdout.splitlines()[0]
    assert sum(shape["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_played_json_names_the_song() -> None:
    (shape,) = objects(run("played", f"{MUSIC}/7.ogg", "--json"))
    assert shape["path"] == f"{MUSIC}/7.ogg"
    assert set(shape) == {"id", "path", "at"}


def test_played_notes_all_songs_or_none() -> None:
    result = run("played", f"{MUSIC}/0.ogg", f"{MUSIC}/unknown.ogg")
    assert result.exit_code == 1
    assert re.fullmatch(rf"edgemood: error: .*{MUSIC}/unknown\.ogg.*\n", result.stderr)
    assert "has been played yet" in run("now").stderr


def test_played_notes_all_songs_also_where_its_output_cannot_be_written(library: Path) -> None:
    result = shell("edgemood played 1 2 3 >/dev/full")
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
    with Library.open(library) as shelved:
        assert [track.id for track, _ in shelved.plays()] == [3, 2, 1]


@pytest.mark.parametrize("command", ["now", "next"])
def test_nothing_played_yet_is_exit_code_1(command: str) -> None:
    result = run(command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "edgemood: error: none of the library's songs has been played yet\n"


def test_next_offers_the_mood_and_neither_played_songs_nor_an_artist_twice_in_a_row(heard: list[int]) -> None:
    picks = objects(run("next", "-n", "6", "--json"))
    assert len(picks) == 6
    assert [pick["mood"] for pick in picks[:5]] == ["calm"] * 5
    assert not {pick["id"] for pick in picks} & set(heard)
    artists = [pick["artist"] for pick in picks]
    assert all(one != two for one, two in pairwise(artists))
    assert list(picks[0]) == [
        *["id", "path", "title", "artist", "album", "duration_s", "mood", "scores", "valence", "arousal", "unsure"],
        *["model", "missing", "genre", "labelled", "similarity", "reason", "broken"],
    ]


@pytest.mark.parametrize("options", [(), ("--json",), ("--m3u", "-"), ("--m3u", "next.m3u8")])
def test_next_says_why_it_has_nothing_to_offer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("next.m3u8").write_text("as it was")
    few = empty_library(tmp_path)
    with Library.open(few) as shelved:
        shelf.fill(shelved, SONGS[:1])
    assert run("played", "--library", few, "1").exit_code == 0
    result = run("next", "--library", few, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"edgemood: error: nothing to offer: every song was just played, .*\n", result.stderr)
    with Library.open(few) as shelved:
        shelf.fill(shelved, [(f"/nowhere/{number}.ogg", "calm", "") for number in range(3)])
    result = run("next", "--library", few, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"edgemood: error: nothing to offer: .* not there now .*\n", result.stderr)
    assert Path("next.m3u8").read_text() == "as it was"


def test_next_prints_either_json_or_a_playlist(heard: list[int]) -> None:
    result = run("next", "--json", "--m3u", "-")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"edgemood: error: --json and --m3u - .*\n", result.stderr)


def test_next_for_a_person(heard: list[int]) -> None:
    lines = run("next", "-n", "3").stdout.splitlines()
    assert len(lines) == 3
    assert all("as you are now" in line and "2:00" in line for line in lines)


def test_next_writes_a_playlist_and_leaves_nothing_behind(heard: list[int], tmp_path: Path) -> None:
    out = tmp_path / "lists" / "next.m3u8"
    out.parent.mkdir()
    out.write_text("old")
    result = run("next", "-n", "4", "--json", "--m3u", str(out))
    lines = out.read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[2::2] == [pick["path"] for pick in objects(result)]
    assert [path.name for path in out.parent.iterdir()] == ["next.m3u8"]


def test_next_writes_a_playlist_to_stdout(heard: list[int]) -> None:
    assert subprocess_run("next", "--m3u", "-").stdout.startswith(b"#EXTM3U\n#EXTINF:120,")


def test_a_playlist_that_cannot_be_written_is_one_line_with_its_name(heard: list[int], tmp_path: Path) -> None:
    nowhere = tmp_path / "no such folder" / "next.m3u8"
    for target, why in ((nowhere, "No such file or directory"), ("/dev/full", "No space left on device")):
        result = run("next", "--m3u", str(target))
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"edgemood: error: {target}: {why}\n"
    folder = run("next", "--m3u", str(tmp_path))
    assert folder.exit_code == 2
    assert "is a directory" in folder.stderr


def test_a_playlist_may_have_the_longest_name_there_is(heard: list[int], tmp_path: Path) -> None:
    out = tmp_path / f"{'n' * 250}.m3u8"
    assert run("next", "--m3u", str(out)).exit_code == 0
    assert out.read_text().startswith("#EXTM3U")


def test_a_playlist_keeps_its_mode_and_the_link_to_it(heard: list[int], tmp_path: Path) -> None:
    real, link = tmp_path / "real.m3u8", tmp_path / "link.m3u8"
    link.symlink_to(real)
    before = os.umask(0o027)
    try:
        assert run("next", "--m3u", str(link)).exit_code == 0
        assert real.stat().st_mode & 0o777 == 0o640
        real.chmod(0o604)
        real.write_text("old")
        assert run("next", "--m3u", str(link)).exit_code == 0
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o604
    assert real.read_text().startswith("#EXTM3U")


def test_a_number_is_a_path_where_a_song_lies_there(library: Path, tmp_path: Path, monkeypatch: Any) -> None:
    with Library.open(library) as shelved:
        (named,) = shelf.fill(shelved, [(str(tmp_path / "3"), "sad", "")])
    monkeypatch.chdir(tmp_path)
    (shape,) = objects(run("played", "3", "--json"))
    assert shape["id"] == named != 3


# ----------------------------------------------------------------------------------------------------------- library


def test_library_lists_songs_and_failures(library: Path) -> None:
    shelf.fail(library, f"{MUSIC}/broken.mp3", "it is truncated")
    shown = run("library").stdout
    assert "calm" in shown
    assert "Artist 3 - Song 3" in shown
    assert f"1 file that could not be analysed:\n  {MUSIC}/broken.mp3: it is truncated\n" in shown
    only = run("library", "--failed").stdout
    assert "Song 3" not in only
    assert "broken.mp3" in only


def test_an_empty_library_has_nothing_to_tell(tmp_path: Path) -> None:
    other = empty_library(tmp_path)
    for options in ((), ("--json",)):
        result = run("library", "--library", other, *options)
        assert (result.exit_code, result.stdout) == (1, "")
        assert re.fullmatch(r"edgemood: error: the library is empty.*\n", result.stderr)
    none = run("library", "--library", other, "--failed")
    assert (none.exit_code, none.stdout) == (0, "no file has failed\n")


def test_library_json_has_a_track_or_failure_a_line(library: Path) -> None:
    shelf.fail(library, f"{MUSIC}/broken.mp3", "it is truncated")
    *tracks, failure = objects(run("library", "--json"))
    assert [track["path"] for track in tracks] == [path for path, _, _ in SONGS]
    first = tracks[0]
    assert list(first) == [
        *["id", "path", "title", "artist", "album", "duration_s", "mood", "scores", "valence", "arousal", "unsure"],
        *["model", "missing", "genre", "labelled"],
    ]
    assert (first["mood"], first["duration_s"], first["model"], first["missing"]) == ("calm", 120.0, "shelf-1", False)
    assert first["valence"] == pytest.approx(0.6)
    assert failure == {"path": f"{MUSIC}/broken.mp3", "error": "it is truncated"}
    assert objects(run("library", "--json", "--failed")) == [failure]


def test_odd_paths_are_shown_escaped_and_given_exactly(library: Path) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(ODD, "sad", "\x1b[31mred\x07")])
    shelf.fail(library, ODD + "x", "no")
    *_, track, failure = objects(run("library", "--json"))
    assert track["path"] == f"{MUSIC}/\\xe9t\\xe9\n.ogg"
    assert os.fsdecode(b64decode(track["path_b64"])) == ODD
    assert os.fsdecode(b64decode(failure["path_b64"])) == ODD + "x"
    human = run("library").stdout
    assert "\x1b" not in human
    assert "\x07" not in human
    assert f"{MUSIC}/\\xe9t\\xe9\\n.oggx: no" in human
    result = subprocess_run("played", os.fsencode(ODD), "--json")
    assert json.loads(result.stdout)["path_b64"] == track["path_b64"]


def test_a_path_in_utf8_needs_no_base64(library: Path) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"{MUSIC}/Ärger.ogg", "sad", "")])
    *_, track = objects(run("library", "--json"))
    assert (track["path"], "path_b64" in track) == (f"{MUSIC}/Ärger.ogg", False)


def test_prune_removes_songs_whose_files_are_gone() -> None:
    shelf.clear()
    assert run("prune").stdout == "removed 20 songs\n"
    assert objects(run("prune", "--json")) == [{"removed": 0}]


def test_songs_that_were_offered_are_noted_as_such(library: Path) -> None:
    for command in ("played 1 --offered", "played 2", "skipped 3 --heard 10% --offered"):
        assert run(*command.split()).exit_code == 0
    with Library.open(library) as shelved:
        assert [(e.track_id, e.offered) for e in shelved.events(limit=3)] == [(3, True), (2, False), (1, True)]
