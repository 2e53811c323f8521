"""The facade: what it wires, what it does not load, and the whole line from sound to the next song."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shelf
import soundfile
from shelf import MUSIC

import edgemood
from edgemood.errors import AudioError, BundleError, ConfigError, LibraryError, UnknownTrackError
from edgemood.library import FileStamp, Library

SONGS = [(f"{MUSIC}/{number}.ogg", label, f"Artist {number}") for number, label in enumerate(["calm", "angry"] * 8)]


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
    for path in (f"{MUSIC}/0.ogg", f"{MUSIC}/2.ogg", f"{MUSIC}/4.ogg"):
        engine.played(path)
    assert engine.now().reason == "calm: all of your last 3 songs"
    picks = engine.next(5)
    assert {pick.track.path for pick in picks} == {f"{MUSIC}/{number}.ogg" for number in (6, 8, 10, 12, 14)}
    assert all(pick.track.mood and pick.track.mood.timeline for pick in picks)


def test_the_mood_follows_what_is_played(engine: edgemood.Engine) -> None:
    engine.played(f"{MUSIC}/0.ogg")
    assert engine.next(1)[0].track.mood.label == "calm"  # type: ignore[union-attr]
    for number in (1, 3, 5):
        engine.played(f"{MUSIC}/{number}.ogg")
    assert engine.now().label == "angry"
    assert engine.next(1)[0].track.mood.label == "angry"  # type: ignore[union-attr]


def test_played_takes_ids_paths_and_times(engine: edgemood.Engine) -> None:
    track = engine.track(f"{MUSIC}/3.ogg")
    assert engine.played(track.id, at=1e9).at == 1e9
    assert engine.played(Path(f"{MUSIC}/3.ogg")).track_id == track.id
    with pytest.raises(UnknownTrackError, match=r"nowhere\.ogg"):
        engine.played(f"{MUSIC}/nowhere.ogg")


def test_songs_played_one_after_the_other_are_noted_together_or_not_at_all(engine: edgemood.Engine) -> None:
    with pytest.raises(UnknownTrackError, match=r"nowhere\.ogg"):
        engine.played_each([f"{MUSIC}/0.ogg", Path(f"{MUSIC}/nowhere.ogg")])
    with pytest.raises(LibraryError, match="has been played yet"):
        engine.now()
    plays = engine.played_each([f"{MUSIC}/0.ogg", Path(f"{MUSIC}/1.ogg"), engine.track(f"{MUSIC}/2.ogg").id])
    assert [play.track_id for play in plays] == [engine.track(f"{MUSIC}/{n}.ogg").id for n in range(3)]
    assert engine.now().plays == 3
    assert engine.played_each([]) == []


@pytest.mark.parametrize("song", [True, 1.0, None, ""])
def test_what_names_no_song_is_refused(engine: edgemood.Engine, song: Any) -> None:
    with pytest.raises(ConfigError):
        engine.played(song)


def test_excluded_songs_are_not_offered(engine: edgemood.Engine) -> None:
    engine.played(f"{MUSIC}/0.ogg")
    best = [pick.track.id for pick in engine.next(3)]
    assert not set(best) & {pick.track.id for pick in engine.next(13, exclude=best)}


def test_bad_requests(engine: edgemood.Engine) -> None:
    with pytest.raises(LibraryError, match="has been played yet"):
        engine.next()
    engine.played(f"{MUSIC}/0.ogg")
    for n in (0, 2.5, "3"):
        with pytest.raises(ConfigError, match="whole number"):
            engine.next(n)  # type: ignore[arg-type]


def test_missing_songs_are_listed_but_not_offered(engine: edgemood.Engine, library: Path) -> None:
    engine.played(f"{MUSIC}/0.ogg")
    shelf.clear()
    with Library.open(library) as shelved:
        shelved.mark_missing([MUSIC])
    assert len(engine.library()) == len(SONGS)
    assert all(track.missing for track in engine.library())
    assert engine.next() == []
    assert engine.now().label == "calm"
    assert engine.prune() == len(SONGS)
    assert engine.library() == []


def test_failures_are_listed(engine: edgemood.Engine, library: Path) -> None:
    shelf.fail(library, f"{MUSIC}/broken.mp3", "truncated")
    assert engine.failures() == [edgemood.Failure(f"{MUSIC}/broken.mp3", "CorruptAudioError", "truncated")]


def test_a_song_judged_by_two_models_counts_with_the_one_of_the_newest_play(
    engine: edgemood.Engine, library: Path
) -> None:
    engine.played(f"{MUSIC}/0.ogg")
    engine.played(f"{MUSIC}/2.ogg")
    with Library.open(library) as shelved:
        older = shelved.track(f"{MUSIC}/0.ogg")
        shelved.store_mood(older.id, shelf.mood("sad", model="shelf-2"), replace(shelf.RECIPE, model="shelf-2"))
    now = engine.now()
    assert (now.model, now.plays, now.label) == ("shelf-1", 2, "calm")


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    with edgemood.open(tmp_path / "new" / "library.db", model="no such model"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.now(),
        lambda engine: engine.next(),
        lambda engine: engine.library(),
        lambda engine: engine.failures(),
        lambda engine: engine.track(1),
        lambda engine: engine.played(1),
        lambda engine: engine.played_each([1]),
        lambda engine: engine.prune(),
    ],
)
def test_only_a_scan_makes_a_library(tmp_path: Path, use: Callable[[edgemood.Engine], object]) -> None:
    path = tmp_path / "new" / "library.db"
    with edgemood.open(path) as engine:
        for _ in range(2):
            with pytest.raises(LibraryError, match=r"no library at .*library\.db: `edgemood scan FOLDER` makes one"):
                use(engine)
        assert list(tmp_path.iterdir()) == []
        empty = tmp_path / "empty"
        empty.mkdir()
        engine.scan(empty)
        assert path.is_file()
        assert engine.library() == []


def test_listening_loads_neither_interpreter_nor_decoder(library: Path) -> None:
    script = f"""
import sys, edgemood
with edgemood.open({str(library)!r}) as engine:
    engine.played(f"{MUSIC}/0.ogg")
    engine.now(), engine.next(), engine.library()
heavy = {{"ai_edge_litert", "tflite_runtime", "soundfile", "soxr", "mutagen", "tqdm", "edgemood._native"}}
print(sorted(heavy & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "[]\n"


# ---------------------------------------------------------------- the whole line, with the model that ships, on sound


def write_song(path: Path, seed: int, seconds: float = 21.0, loud_from: float | None = None) -> None:
    """Write a soft chord, which turns into loud noise with a beat at `loud_from`."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 22050)) / 22050
    chord = sum(np.sin(2 * np.pi * f * rng.uniform(0.9, 1.1) * t) for f in (220.0, 277.2, 329.6))
    samples = 0.05 * chord + 0.001 * rng.standard_normal(len(t))
    if loud_from is not None:
        late = t >= loud_from
        samples[late] = 0.5 * np.tanh(3 * rng.standard_normal(late.sum()) * (1 + np.sin(2 * np.pi * 3 * t[late])))
    soundfile.write(path, samples.astype(np.float32), 22050)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(6):
        write_song(folder / f"{number}.flac", number, loud_from=0.0 if number % 2 else None)
    (folder / "broken.mp3").write_text("no music at all")
    return folder


def test_from_a_folder_of_sound_to_the_next_song(tmp_path: Path, music: Path) -> None:
    seen = []
    with edgemood.open(tmp_path / "library.db") as engine:
        report = engine.scan(music, jobs=1, on_progress=seen.append)
        assert (report.analysed, report.failed, seen[-1].done) == (6, 1, 7)
        assert [Path(failure.path).name for failure in engine.failures()] == ["broken.mp3"]
        for track in engine.library():
            assert track.mood
            assert sum(track.mood.scores.values()) == pytest.approx(1)
            assert track.mood.model == engine.model.id
        engine.played(music / "0.flac")
        engine.played(music / "2.flac")
        now = engine.now()
        assert (now.plays, now.model) == (2, engine.model.id)
        *picks, again = engine.next()
    assert picks[0].track.path == str(music / "4.flac"), "the third soft song is nearest to the two played"
    assert {Path(pick.track.path).name for pick in picks} == {"1.flac", "3.flac", "4.flac", "5.flac"}
    assert (Path(again.track.path).name, again.broken) == ("0.flac", ("played just now: no others are left",))


def test_a_scan_stores_what_mood_gives(tmp_path: Path, music: Path) -> None:
    with edgemood.open(tmp_path / "library.db") as engine:
        engine.scan(music)
        stored = engine.track(music / "1.flac").mood
        fresh = engine.mood(music / "1.flac")
        ((path, apart),) = engine.analyse_each([music / "1.flac"])
    assert stored
    assert isinstance(apart, edgemood.SongAnalysis)
    assert path == str(music / "1.flac")
    assert stored.scores == fresh.scores == apart.mood.scores
    np.testing.assert_array_equal(stored.vector, fresh.vector)


def test_a_song_whose_halves_differ_shows_it_in_its_timeline(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", 1, seconds=120, loud_from=60)
    with edgemood.open(tmp_path / "library.db") as engine:
        mood = engine.mood(tmp_path / "song.wav")
    before = [span.arousal for span in mood.timeline if span.end_s <= 45]
    after = [span.arousal for span in mood.timeline if span.start_s >= 75]
    assert min(after) > max(before) + 0.2
    assert sum(span.attention for span in mood.timeline) == pytest.approx(1)


def test_one_file_that_cannot_be_read(tmp_path: Path, music: Path) -> None:
    with edgemood.open(tmp_path / "library.db") as engine:
        with pytest.raises(AudioError, match="not audio"):
            engine.mood(music / "broken.mp3")
        with pytest.raises(AudioError, match="No such file"):
            engine.mood(music / "nowhere.mp3")
        (first, second) = engine.analyse_each([music / "broken.mp3", music / "0.flac"])
    assert isinstance(first[1], edgemood.Failure)
    assert isinstance(second[1], edgemood.SongAnalysis)


@pytest.mark.parametrize("option", ["memory_mb", "stall_s", "nice"])
def test_options_reach_the_scan(tmp_path: Path, music: Path, option: str) -> None:
    with edgemood.open(tmp_path / "library.db") as engine, pytest.raises(ConfigError, match=option):
        engine.scan(music, **{option: -1})


def test_a_model_that_cannot_be_used(tmp_path: Path, music: Path) -> None:
    with edgemood.open(tmp_path / "library.db", model="no-such") as engine:
        for use in (engine.scan, engine.mood, lambda path: list(engine.analyse_each([path]))):
            with pytest.raises(BundleError, match="no-such"):
                use(music / "0.flac")


def test_songs_gone_since_the_last_scan_are_not_offered(engine: edgemood.Engine) -> None:
    engine.played(f"{MUSIC}/0.ogg")
    first = engine.next(3)
    for pick in first:
        Path(pick.track.path).unlink()
    instead = engine.next(3)
    assert len(instead) == 3
    assert not {p.track.id for p in first} & {p.track.id for p in instead}
    shelf.clear()
    assert engine.next(3) == []


def store_copies(library: Path, *names: str) -> None:
    """Have every song of the shelf lie below folders of these names, too."""
    with Library.open(library) as shelved:
        for name in names:
            folder = Path(MUSIC) / name
            folder.mkdir(exist_ok=True)
            songs = [(f"{folder}/{Path(path).name}", label, artist) for path, label, artist in SONGS]
            for number, (path, label, artist) in enumerate(songs):
                Path(path).touch()
                same = shelf.analysis(SONGS[number][0], label, artist, f"Song {number}", number)
                shelved.store(path, FileStamp(1, 1), same, shelf.RECIPE)


def test_a_song_is_offered_where_it_lies_now(engine: edgemood.Engine, library: Path) -> None:
    store_copies(library, "copy", "other")
    engine.played(f"{MUSIC}/0.ogg")
    first = engine.next(5)
    shelf.clear()  # since the last scan, which knows the songs at three places each
    (Path(MUSIC) / "copy").rename(Path(MUSIC) / "gone")
    try:
        picks = engine.next(5)
    finally:
        for name in ("gone", "other"):
            shutil.rmtree(Path(MUSIC) / name)
    assert [pick.track.id for pick in picks] == [pick.track.id for pick in first]
    assert all(pick.track.path.startswith(f"{MUSIC}/other/") for pick in picks)
    assert engine.next(5) == []


def test_a_folder_that_was_moved_keeps_its_songs(tmp_path: Path, music: Path) -> None:
    with edgemood.open(tmp_path / "library.db") as engine:
        engine.scan(music)
        engine.played(music / "0.flac")
        music.rename(tmp_path / "moved")
        report = engine.scan(tmp_path / "moved")
        assert (report.moved, report.analysed, report.missing) == (6, 0, 0)
        assert {Path(track.path).parent for track in engine.library()} == {tmp_path / "moved"}
        assert {Path(pick.track.path).parent for pick in engine.next()} == {tmp_path / "moved"}
