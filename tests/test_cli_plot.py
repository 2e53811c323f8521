"""``edgemood plot``: which pictures it writes where, what it says of them, and how it ends without one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import audio_files
import pytest
import scan_toys
import shelf
from click.testing import CliRunner, Result
from PIL import Image
from shelf import MUSIC

import edgemood
from edgemood import _analysis, mood
from edgemood.cli.commands import edgemood as main
from edgemood.library import Library

pytest.importorskip("matplotlib")

SONGS = [(f"{MUSIC}/{number}.ogg", ["calm", "angry"][number % 2], f"Artist {number}") for number in range(4)]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a library of four songs and a toy model, and work in an empty folder."""
    path = tmp_path / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, SONGS)
    monkeypatch.setenv("EDGEMOOD_LIBRARY", str(path))
    monkeypatch.setattr(mood, "load", scan_toys.ToyModel)
    monkeypatch.setattr(_analysis, "set_up_worker", scan_toys.set_up_worker)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return path


def written() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def describes(picture: str, alt: str) -> None:
    with Image.open(picture) as drawn:
        assert drawn.info["Description"] == alt


def test_a_song_of_the_library_is_drawn_as_it_was_judged() -> None:
    for named in ("1", f"{MUSIC}/0.ogg"):  # an empty file: it cannot have been decoded
        result = run("song", named)
        assert (result.exit_code, result.stderr) == (0, "")
        out, alt = result.stdout.strip().split(": ", 1)
        assert out == "edgemood-0.png"
        assert alt.startswith("Mood of Song 0 (Artist 0) over 2:00. calm (0.70), judged by shelf-1")
        describes(out, alt)
        Path(out).unlink()


def test_any_other_file_is_judged() -> None:
    audio_files.write_tone(Path("tone one.ogg"), 5.0)
    result = run("song", "tone one.ogg", "-o", "x.svg", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = json.loads(result.stdout)
    assert shown["path"] == str(Path("x.svg").absolute())
    assert shown["alt"].startswith("Mood of tone one.ogg over 0:05.")
    assert written() == ["tone one.ogg", "x.svg"]
    assert "<svg" in Path("x.svg").read_text()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_needs_no_library(library: Path, damaged: bool) -> None:
    library.unlink()
    if damaged:
        library.write_text("this is no library, whatever its name says " * 100)
    audio_files.write_tone(Path("12.wav"), 5.0).rename("12")  # a file, though its name could be an id
    assert run("song", "12").exit_code == 0
    assert written() == ["12", "edgemood-12.png"]
    result = run("song", "13")
    assert result.exit_code == 1
    assert str(library) in result.stderr


def test_with_a_model_named_a_song_is_judged_anew() -> None:
    result = run("song", "1", "--model", "default")
    assert result.exit_code == 1  # the file is empty
    assert f"{MUSIC}/0.ogg" in result.stderr
    assert written() == []


def test_a_mood_set_by_hand_is_named() -> None:
    with edgemood.open() as engine:
        engine.label(1, "sad")
    assert "sad (1.00), judged by shelf-1" in run("song", "1").stdout
    assert "the mood was set by hand, the curves are the model's" in run("song", "1").stdout


def test_the_library() -> None:
    result = run("library")
    out, alt = result.stdout.strip().split(": ", 1)
    assert out == "edgemood-library.png"
    assert alt.startswith("4 songs: 0 sad, 2 calm, 0 happy, 2 angry; 0 of them unsure. Judged by shelf-1.")
    describes(out, alt)


def test_songs_that_are_not_there_or_not_judged_are_counted(library: Path) -> None:
    with Library.open(library) as shelved:
        shelved.store_mood(
            2, shelf.mood("sad", model="shelf-2"), shelf.RECIPE.__class__("shelf-2", shelf.RECIPE.features)
        )
    result = run("library", "-o", "map.pdf")
    assert "1 song: 1 sad, 0 calm, 0 happy, 0 angry; 0 of them unsure." in result.stdout
    assert "Judged by shelf-2; not shown: 3 not judged by it." in result.stdout
    assert Path("map.pdf").read_bytes().startswith(b"%PDF")


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    Library.open(empty).close()
    for arguments in (["--library", empty], ["--library", tmp_path / "none.db"]):
        result = run("library", *arguments)
        assert result.exit_code == 1
        assert "edgemood scan FOLDER" in result.stderr
    assert written() == []
    assert not (tmp_path / "none.db").exists()


def test_the_listener() -> None:
    with edgemood.open(listener="anna") as engine:
        for number in range(3):
            engine.played(1 + number, time.time() - 600 * (3 - number))
        engine.skipped(4, 0.1, time.time() - 30 * 3600)
    result = run("listener", "--listener", "anna", "--json")
    shown = json.loads(result.stdout)
    assert shown["alt"].startswith("anna's mood over the last 6 hours. 3 played in 1 stretch of listening.")
    describes("edgemood-listener.png", shown["alt"])
    assert "3 played, 1 skipped" in run("listener", "--listener", "anna", "--days", "2", "-o", "two.png").stdout
    assert "last 48 hours" in run("listener", "--listener", "anna", "--hours", "48", "-o", "two.png").stdout
    assert written() == ["edgemood-listener.png", "two.png"]


def test_who_heard_nothing_has_no_picture() -> None:
    result = run("listener", "--hours", "3")
    assert (result.exit_code, result.stderr) == (
        1,
        "edgemood: error: default heard nothing in the last 3 h: --days looks back further\n",
    )
    assert written() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["listener", "--hours", "3", "--days", "2"],
        ["listener", "--hours", "0"],
        ["listener", "--days", "nan"],
        ["listener", "--days", "1000"],
        ["library", "-o", "map.jpg"],
        ["library", "-o", "-"],
        ["song", "1", "-o", ""],
        ["song"],
        ["nothing"],
        [],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
    assert written() == []


@pytest.mark.parametrize("arguments", [["song", "nowhere.ogg"], ["song", "99"], ["library", "-o", "no/where.png"]])
def test_what_cannot_be_drawn_or_written_is_named(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert arguments[-1] in result.stderr
    assert result.stderr.count("\n") == 1
    assert written() == []


def test_a_picture_that_is_there_is_replaced_whole() -> None:
    Path("mood.png").write_text("as it was")
    assert run("song", "1", "-o", "mood.png").exit_code == 0
    assert Path("mood.png").read_bytes().startswith(b"\x89PNG")
    assert written() == ["mood.png"]


def test_names_of_songs_make_names_of_pictures(library: Path) -> None:
    for number, stem in enumerate(("x" * 200, "a\nb\x1b")):
        with Library.open(library) as shelved:
            shelf.fill(shelved, [(f"{MUSIC}/{stem}.ogg", "calm", "")])
        assert run("song", 5 + number).exit_code == 0
    assert written() == ["edgemood-a\\nb\\x1b.png", "edgemood-" + "x" * 60 + ".png"]
