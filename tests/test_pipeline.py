"""Scanning folders: what is analysed, what is not analysed again, and what the report says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import audio_files
import mutagen
import numpy as np
import pytest
import scan_toys

from edgemood import mood, pipeline
from edgemood._walk import walk
from edgemood.bundle import Part
from edgemood.errors import ConfigError, LibraryError, SilentError, TooShortError, UnsupportedFormatError
from edgemood.library import Library
from edgemood.pipeline import Progress, ScanReport, analyse, scan


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mood, "load", scan_toys.ToyModel)
    monkeypatch.setattr(mood, "outline", scan_toys.ToyModel)
    monkeypatch.setattr(pipeline, "set_up_worker", scan_toys.set_up_worker)
    monkeypatch.setenv("SCAN_TOYS_LOG", str(tmp_path / "decoded"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Three songs in two folders, and what a scan has to pass over."""
    root = tmp_path / "music"
    (root / "sub" / ".hidden").mkdir(parents=True)
    audio_files.write_tone(root / "a.ogg", 5.0, seed=1)
    audio_files.write_tone(root / "b.flac", 5.0, seed=2)
    (root / "b.flac").rename(root / "b.FLAC")
    audio_files.write_tone(root / "sub" / "c.mp3", 6.0, seed=3)
    audio_files.write_tone(root / "sub" / ".hidden" / "d.ogg", 5.0, seed=4)
    audio_files.write_tone(root / "sub" / ".e.ogg", 5.0, seed=5)
    (root / "cover.jpg").write_bytes(b"\xff\xd8 no music")
    return root


def run(library: Library, folders: Any, **options: Any) -> ScanReport:
    return scan(library, folders, **{"model": "toy-1", "jobs": 1, **options})


def decoded(tmp_path: Path) -> list[str]:
    """Names of the files that were decoded since this was asked last."""
    log = tmp_path / "decoded"
    lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(Path(os.fsdecode(line)).name for line in lines)


def titles(library: Library) -> list[str]:
    return sorted(Path(track.path).name for track in library.tracks() if not track.missing)


# ------------------------------------------------------------------------------------------------------------ one file


def test_analyse_one_file(music: Path) -> None:
    calls = []
    made = analyse(music / "sub" / "c.mp3", scan_toys.ToyModel("toy-1"), lambda: calls.append(1))
    assert made.duration_s == pytest.approx(6.0, abs=0.1)
    assert len(made.content) == 16
    assert made.features.values.shape == (3, 50)
    assert made.mood.timeline[-1].end_s == made.duration_s
    assert calls
    assert set(made.seconds) == {"identify", "decode", "features", "model"}
    assert all(seconds >= 0 for seconds in made.seconds.values())


@pytest.mark.parametrize(
    ("name", "error"), [("short.wav", TooShortError), ("silent.wav", SilentError), ("text.mp3", UnsupportedFormatError)]
)
def test_analyse_says_what_is_wrong(tmp_path: Path, name: str, error: type[Exception]) -> None:
    audio_files.write_tone(tmp_path / "short.wav", 0.1)
    audio_files.write_silence(tmp_path / "silent.wav", 5.0)
    (tmp_path / "text.mp3").write_text("la la la " * 1000)
    with pytest.raises(error):
        analyse(tmp_path / name, scan_toys.ToyModel("toy-1"))


def test_a_scan_stores_what_analyse_gives_to_the_bit(library: Library, music: Path) -> None:
    run(library, music)
    for track in library.tracks():
        alone = analyse(track.path, scan_toys.ToyModel("toy-1"))
        stored = library.track(track.id).mood
        assert stored is not None
        assert dict(stored.scores) == dict(alone.mood.scores)
        assert tuple(stored.timeline) == tuple(alone.mood.timeline)
        np.testing.assert_array_equal(stored.vector, alone.mood.vector)
        np.testing.assert_array_equal(library.features(track.id).values, alone.features.values)
        assert track.duration_s == alone.duration_s


def test_a_new_model_gives_what_it_would_from_the_file(library: Library, music: Path) -> None:
    run(library, music)
    run(library, music, model="toy-22")
    for track in library.tracks():
        alone = analyse(track.path, scan_toys.ToyModel("toy-22"))
        stored = library.track(track.id, model="toy-22").mood
        assert stored is not None
        assert dict(stored.scores) == dict(alone.mood.scores)
        assert tuple(stored.timeline) == tuple(alone.mood.timeline)


# -------------------------------------------------------------------------------------------------------- incremental


def test_a_first_scan(library: Library, music: Path, tmp_path: Path) -> None:
    report = run(library, music)
    assert (report.analysed, report.moved, report.rejudged, report.unchanged) == (3, 0, 0, 0)
    assert (report.failed, report.failed_before, report.missing, report.failures) == (0, 0, 0, ())
    assert titles(library) == ["a.ogg", "b.FLAC", "c.mp3"]
    assert decoded(tmp_path) == ["a.ogg", "b.FLAC", "c.mp3"]
    assert {"identify", "decode", "features", "model", "pack", "database"} == set(report.cpu_s)
    assert report.wall_s > 0
    assert report.songs_per_min == pytest.approx(180 / report.wall_s)


def test_a_second_scan_opens_nothing(library: Library, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(library, music)
    monkeypatch.setattr("edgemood.workers.subprocess.Popen", None)  # no worker is even started
    report = run(library, music)
    assert (report.analysed, report.unchanged) == (0, 3)


def test_new_and_changed_files_only(library: Library, music: Path, tmp_path: Path) -> None:
    run(library, music)
    decoded(tmp_path)
    audio_files.write_tone(music / "new.ogg", 5.0, seed=11)
    audio_files.write_tone(music / "a.ogg", 5.0, seed=12)
    report = run(library, music)
    assert (report.analysed, report.unchanged, report.missing) == (2, 2, 1)  # the old a.ogg lies nowhere now
    assert decoded(tmp_path) == ["a.ogg", "new.ogg"]


def test_moved_copied_and_retagged_files_are_not_decoded(library: Library, music: Path, tmp_path: Path) -> None:
    run(library, music)
    decoded(tmp_path)
    before = {Path(track.path).name: track.id for track in library.tracks()}
    (music / "a.ogg").rename(music / "moved.ogg")
    shutil.copy(music / "b.FLAC", music / "sub" / "copy.flac")
    tagged = mutagen.File(music / "sub" / "c.mp3", easy=True)
    tagged.add_tags()
    tagged["title"], tagged["artist"] = "A title", "An artist"
    tagged.save()
    report = run(library, music)
    assert decoded(tmp_path) == []
    assert (report.analysed, report.moved, report.unchanged, report.missing) == (0, 3, 1, 0)
    assert library.track(music / "moved.ogg").id == before["a.ogg"]
    assert library.track(music / "sub" / "copy.flac").id == before["b.FLAC"]
    assert library.track(before["c.mp3"]).tags.artist == "An artist"
    assert len(library.tracks()) == 3


def test_copies_found_together_are_decoded_once(library: Library, tmp_path: Path) -> None:
    for folder in "abcdef":
        (tmp_path / "music" / folder).mkdir(parents=True)
        audio_files.write_tone(tmp_path / "music" / folder / "slow same.ogg", 5.0, seed=1)
    report = run(library, tmp_path / "music", jobs=3)
    assert (report.analysed, report.moved) == (1, 5)
    assert decoded(tmp_path) == ["slow same.ogg"]
    assert len(library.tracks()) == 1


def test_a_new_model_decodes_nothing(library: Library, music: Path, tmp_path: Path) -> None:
    run(library, music)
    decoded(tmp_path)
    report = run(library, music, model="toy-2")
    assert (report.analysed, report.rejudged) == (0, 3)
    assert decoded(tmp_path) == []
    assert dict(library.stats().judged) == {"toy-1": 3, "toy-2": 3}
    assert run(library, music, model="toy-2").rejudged == 0


def test_new_descriptors_need_the_audio_again(
    library: Library, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(library, music)
    decoded(tmp_path)
    config = {**scan_toys.ToyModel.config, "n_mels": 30}
    monkeypatch.setattr(scan_toys.ToyModel, "config", config)
    monkeypatch.setattr(scan_toys.ToyModel, "parts", (Part(config, scan_toys.ToyModel.names),))
    report = run(library, music)
    assert (report.analysed, report.unchanged) == (3, 0)
    assert len(library.tracks()) == 3


def test_a_drive_that_is_not_there_is_missing_not_gone(library: Library, music: Path, tmp_path: Path) -> None:
    run(library, music)
    music.rename(tmp_path / "unplugged")
    report = run(library, music)
    assert (report.missing, report.analysed, report.failed) == (3, 0, 0)
    music.mkdir()  # an empty mount point
    assert run(library, music).missing == 3
    music.rmdir()
    (tmp_path / "unplugged").rename(music)
    decoded(tmp_path)
    report = run(library, music)
    assert (report.missing, report.unchanged, report.analysed) == (0, 3, 0)
    assert decoded(tmp_path) == []


def test_songs_that_were_missing_when_the_model_changed(library: Library, music: Path, tmp_path: Path) -> None:
    run(library, music)
    (music / "sub").rename(tmp_path / "away")
    assert run(library, music, model="toy-2").rejudged == 2
    (tmp_path / "away").rename(music / "elsewhere")
    report = run(library, music, model="toy-2")
    assert (report.moved, report.rejudged, report.missing) == (1, 1, 0)
    assert dict(library.stats().judged)["toy-2"] == 3


# ------------------------------------------------------------------------------------------------------------- folders


def test_a_file_is_tried_whatever_its_name(library: Library, tmp_path: Path) -> None:
    audio_files.write_tone(tmp_path / "x.ogg", 5.0).rename(tmp_path / "noname")
    assert run(library, [tmp_path / "noname", str(tmp_path / "noname")]).analysed == 1
    assert run(library, tmp_path).unchanged == 0  # not a music file by name: passed over in a folder ...
    assert not library.tracks()[0].missing  # ... but still there


def test_folders_in_folders_are_walked_once(library: Library, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(music)
    report = run(library, ["sub", ".", music / "sub", "sub/../sub", "a.ogg"])
    assert report.analysed == 3
    assert {track.path for track in library.tracks()} == {
        str(music / "a.ogg"),
        str(music / "b.FLAC"),
        str(music / "sub" / "c.mp3"),
    }


@pytest.mark.parametrize("folders", ["nowhere", ["nowhere"], []])
def test_a_folder_that_nobody_knows_is_an_error(library: Library, music: Path, folders: Any) -> None:
    named = [music, *folders] if folders == ["nowhere"] else folders
    with pytest.raises(ConfigError, match=r"nowhere|no folder"):
        run(library, named)
    assert library.tracks() == []


@pytest.mark.parametrize("option", [{"jobs": 0}, {"stall_s": 0}, {"memory_mb": 0}, {"nice": 20}])
def test_options_out_of_range(library: Library, music: Path, option: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        run(library, music, **option)


def test_a_library_that_can_only_be_read_is_told_before_any_work(
    library: Library, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library._database, "read_only", True)
    with pytest.raises(LibraryError, match="can be read here but not written"):
        run(library, music)
    assert decoded(tmp_path) == []


def test_walk_follows_links_and_ends(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "b" / "c").mkdir(parents=True)
    outside.mkdir()
    for path in (root / "b" / "c" / "1.mp3", outside / "2.mp3"):
        path.touch()
    (root / "a").symlink_to(root / "b")  # sorts before what it points to, yet is followed later
    (root / "b" / "c" / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "out").symlink_to(outside)
    (outside / "back").symlink_to(root)
    (root / "dangling.mp3").symlink_to(tmp_path / "nothing")
    (root / "song.mp3").symlink_to(outside / "2.mp3")
    (root / "circle.mp3").symlink_to(root / "circle.mp3")
    os.mkfifo(root / "fifo.mp3")
    found = {entry.path: entry for entry in walk([str(root)])}
    assert [path for path, entry in found.items() if entry.stamp] == [
        str(root / "song.mp3"),
        str(root / "b" / "c" / "1.mp3"),
        str(root / "out" / "2.mp3"),
    ]
    problems = {Path(path).name: entry.problem for path, entry in found.items() if not entry.stamp}
    assert problems == {
        "dangling.mp3": "No such file or directory",
        "circle.mp3": "Too many levels of symbolic links",
        "fifo.mp3": "not a regular file",
    }


# ------------------------------------------------------------------------------------------------------------ progress


def test_progress_is_told(library: Library, music: Path) -> None:
    (music / "bad.mp3").write_text("no music")
    seen: list[Progress] = []
    run(library, music, on_progress=seen.append)
    counted = [progress for progress in seen if progress.total is not None]
    assert [progress.done for progress in counted] == [0, 1, 2, 3, 4]
    assert {progress.total for progress in counted} == {4}
    assert counted[0].eta_s is None
    assert counted[-1].eta_s == 0
    assert counted[-1].failed == 1
    assert counted[-1].songs_per_min > 0
    assert {Path(progress.current).name for progress in counted[1:]} == {"a.ogg", "b.FLAC", "c.mp3", "bad.mp3"}


def test_an_error_of_the_caller_ends_the_scan_and_keeps_what_was_done(library: Library, music: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(library, music, on_progress=interrupt, jobs=1)
    assert len(library.tracks()) == 1
    assert run(library, music).analysed == 2


def test_two_scans_of_one_library_at_once(tmp_path: Path) -> None:
    music, path = tmp_path / "music", tmp_path / "library.db"
    music.mkdir()
    for n in range(8):
        audio_files.write_tone(music / f"slow {n}.ogg", 4.0, seed=n)
    command = [*scan_toys.COMMAND, path, music]
    scans = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in scans:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out
    with Library.open(path) as library:
        assert titles(library) == [f"slow {n}.ogg" for n in range(8)]
        assert run(library, music).unchanged == 8
