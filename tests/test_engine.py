"""The facade: what it wires, what it does not load, and the whole line from sound to the next song."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import shelf

import edgemood
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.library import Library

SONGS = [(f"/music/{number}.ogg", label, f"Artist {number}") for number, label in enumerate(["calm", "angry"] * 8)]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, SONGS)
    return path


@pytest.fixture
def engine(library: Path) -> Iterator[edgemood.Engine]:
    with edgemood.open(library) as opened:
        yield opened


def test_plays_tell_the_mood_and_the_mood_what_is_next(engine: edgemood.Engine) -> None:
    for path in ("/music/0.ogg", "/music/2.ogg", "/music/4.ogg"):
        engine.played(path)
    assert engine.now().reason == "calm: all of your last 3 songs"
    picks = engine.next(5)
    assert {pick.track.path for pick in picks} == {f"/music/{number}.ogg" for number in (6, 8, 10, 12, 14)}
    assert all(pick.track.mood and pick.track.mood.timeline for pick in picks)


def test_the_mood_follows_what_is_played(engine: edgemood.Engine) -> None:
    engine.played("/music/0.ogg")
    assert engine.next(1)[0].track.mood.label == "calm"  # type: ignore[union-attr]
    for number in (1, 3, 5):
        engine.played(f"/music/{number}.ogg")
    assert engine.now().label == "angry"
    assert engine.next(1)[0].track.mood.label == "angry"  # type: ignore[union-attr]


def test_played_takes_ids_paths_and_times(engine: edgemood.Engine) -> None:
    track = engine.track("/music/3.ogg")
    assert engine.played(track.id, at=1e9).at == 1e9
    assert engine.played(Path("/music/3.ogg")).track_id == track.id
    with pytest.raises(UnknownTrackError, match=r"nowhere\.ogg"):
        engine.played("/music/nowhere.ogg")


def test_excluded_songs_are_not_offered(engine: edgemood.Engine) -> None:
    engine.played("/music/0.ogg")
    best = [pick.track.id for pick in engine.next(3)]
    assert not set(best) & {pick.track.id for pick in engine.next(13, exclude=best)}


def test_bad_requests(engine: edgemood.Engine) -> None:
    with pytest.raises(LibraryError, match="nothing has been played"):
        engine.next()
    engine.played("/music/0.ogg")
    with pytest.raises(ConfigError):
        engine.next(0)


def test_missing_songs_are_listed_but_not_offered(engine: edgemood.Engine, library: Path) -> None:
    engine.played("/music/0.ogg")
    with Library.open(library) as shelved:
        shelved.mark_missing(["/music"])
    assert len(engine.library()) == len(SONGS)
    assert all(track.missing for track in engine.library())
    assert engine.next() == []
    assert engine.now().label == "calm"
    assert engine.prune() == len(SONGS)
    assert engine.library() == []


def test_failures_are_listed(engine: edgemood.Engine, library: Path) -> None:
    shelf.fail(library, "/music/broken.mp3", "truncated")
    assert engine.failures() == [edgemood.Failure("/music/broken.mp3", "CorruptAudioError", "truncated")]


def test_a_song_judged_by_two_models_counts_with_the_one_of_the_newest_play(
    engine: edgemood.Engine, library: Path
) -> None:
    engine.played("/music/0.ogg")
    engine.played("/music/2.ogg")
    with Library.open(library) as shelved:
        older = shelved.track("/music/0.ogg")
        shelved.store_mood(older.id, shelf.mood("sad", model="shelf-2"), replace(shelf.RECIPE, model="shelf-2"))
    now = engine.now()
    assert (now.model, now.plays, now.label) == ("shelf-1", 2, "calm")


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    with edgemood.open(tmp_path / "new" / "library.db", model="no such model"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_listening_loads_neither_interpreter_nor_decoder(library: Path) -> None:
    script = f"""
import sys, edgemood
with edgemood.open({str(library)!r}) as engine:
    engine.played("/music/0.ogg")
    engine.now(), engine.next(), engine.library()
heavy = {{"ai_edge_litert", "tflite_runtime", "soundfile", "soxr", "mutagen", "tqdm", "edgemood._native"}}
print(sorted(heavy & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "[]\n"
