"""What a scan meets in the wild: bad files, bad names, workers that die, and its own sudden death."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import audio_files
import pytest
import scan_toys

from edgemood import mood, pipeline
from edgemood.library import Library
from edgemood.pipeline import ScanReport, scan


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
    root = tmp_path / "music"
    root.mkdir()
    audio_files.write_tone(root / "good 1.ogg", 5.0, seed=1)
    audio_files.write_tone(root / "good 2.ogg", 5.0, seed=2)
    return root


def run(library: Library, folders: Any, **options: Any) -> ScanReport:
    return scan(library, folders, **{"model": "toy-1", "jobs": 1, **options})


def reasons(report: ScanReport) -> dict[str, tuple[str, str]]:
    return {Path(failure.path).name: (failure.kind, failure.error) for failure in report.failures}


def test_bad_files_are_listed_and_the_scan_ends_well(library: Library, music: Path) -> None:
    audio_files.cut(audio_files.write_tone(music / "truncated.mp3", 20.0))
    audio_files.cut(audio_files.write_tone(music / "truncated.flac", 20.0))
    (music / "text.mp3").write_text("Dear diary, today I renamed a text file.\n" * 100)
    (music / "empty.ogg").touch()
    audio_files.write_tone(music / "short.wav", 0.1)
    audio_files.write_silence(music / "silent.flac", 10.0)
    (music / "loop").symlink_to(music)
    name = audio_files.NOT_UTF8
    shutil.copy(music / "text.mp3", music / f"{name}.mp3")
    audio_files.write_tone(music / f"{name}.ogg", 5.0, seed=3)
    report = run(library, music)
    assert report.analysed == 3
    found = reasons(report)
    assert {bad: kind for bad, (kind, _) in found.items()} == {
        "truncated.mp3": "CorruptAudioError",
        "truncated.flac": "CorruptAudioError",
        "text.mp3": "UnsupportedFormatError",
        "empty.ogg": "UnsupportedFormatError",
        "short.wav": "TooShortError",
        "silent.flac": "SilentError",
        f"{name}.mp3": "UnsupportedFormatError",
    }
    assert all(error for _, error in found.values())
    assert {failure.path for failure in library.failures()} == {failure.path for failure in report.failures}
    assert os.fsencode(library.track(music / f"{name}.ogg").path).endswith(b"caf\xe9 \xff.ogg")
    again = run(library, music)
    assert (again.analysed, again.failed, again.failed_before, again.unchanged) == (0, 0, 7, 3)


@pytest.mark.parametrize("head", [b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC", b"ID3"])
def test_a_giant_that_is_no_audio_is_not_read(library: Library, music: Path, head: bytes) -> None:
    with (music / "giant.wav").open("wb") as file:
        file.write(head)
        file.truncate(200 << 30)  # takes no room on the disk, but minutes to hash
    begin = time.monotonic()
    report = run(library, music)
    assert time.monotonic() - begin < 30
    assert (report.analysed, list(reasons(report))) == (2, ["giant.wav"])


def test_failures_are_tried_again_when_asked_or_when_something_changed(library: Library, music: Path) -> None:
    bad = music / "bad.ogg"
    bad.write_text("no music")
    assert run(library, music).failed == 1
    assert run(library, music).failed_before == 1
    assert run(library, music, retry_failed=True).failed == 1
    assert run(library, music, model="toy-2").failed == 1  # a new model may have fewer demands
    audio_files.write_tone(bad, 5.0, seed=9)
    report = run(library, music, model="toy-2")
    assert (report.analysed, report.failed) == (1, 0)
    assert library.failures() == []


def test_a_removed_bad_file_leaves_the_list(library: Library, music: Path) -> None:
    (music / "bad.ogg").write_text("no music")
    run(library, music)
    (music / "bad.ogg").unlink()
    run(library, music)
    assert library.failures() == []


def test_a_song_that_was_overwritten_by_rubbish_is_missing(library: Library, music: Path) -> None:
    run(library, music)
    (music / "good 1.ogg").write_text("no music")
    report = run(library, music)
    assert (report.failed, report.missing) == (1, 1)
    shutil.copy(music / "good 2.ogg", music / "good 1.ogg")
    assert run(library, music).failed == 0
    assert library.failures() == []


def give_up_privileges() -> None:
    """Before exec, as root: no right any more to read what the file's mode forbids."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            raise OSError(ctypes.get_errno(), "prctl")


def test_unreadable_files_and_folders(library: Library, music: Path) -> None:
    locked, secret = music / "locked", music / "secret.ogg"
    locked.mkdir()
    audio_files.write_tone(locked / "x.ogg", 5.0, seed=7)
    audio_files.write_tone(secret, 5.0, seed=8)
    locked.chmod(0)
    secret.chmod(0)
    command = [*scan_toys.COMMAND, library.path, str(music)]

    def scan_unprivileged() -> str:
        drop = give_up_privileges if os.geteuid() == 0 else None
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, preexec_fn=drop).stdout

    try:
        for _ in range(2):  # the second scan does not open the file again
            assert scan_unprivileged().splitlines()[-1] in ("ends 2", "ends 0")
            failures = {Path(failure.path).name: failure for failure in library.failures()}
            assert set(failures) == {"locked", "secret.ogg"}
            assert {failure.kind for failure in failures.values()} == {"UnreadableError"}
            assert all("ermission denied" in failure.error for failure in failures.values())
    finally:
        locked.chmod(0o755)
        secret.chmod(0o644)
    assert scan_unprivileged().endswith("ends 2\n")  # permissions are noticed, though the content's time is old
    assert library.failures() == []
    assert library.stats().songs == 4


def test_workers_that_misbehave_cost_their_file(library: Library, music: Path) -> None:
    for seed, word in enumerate(("crash", "kill", "abort", "hang", "eat"), start=20):
        audio_files.write_tone(music / f"{word}.ogg", 4.0, seed=seed)
    report = run(library, music, jobs=2, stall_s=3.0, memory_mb=300)
    assert report.analysed == 2
    found = reasons(report)
    assert {kind for kind, _ in found.values()} == {"WorkerError"}
    assert {name.removesuffix(".ogg"): error.split(":")[0] for name, (_, error) in found.items()} == {
        "crash": "worker killed by signal 11 (SIGSEGV)",
        "kill": "worker killed by signal 9 (SIGKILL), perhaps because the machine ran out of memory",
        "abort": "worker killed by signal 6 (SIGABRT)",
        "hang": "no progress for 3 s",
        "eat": "needs more than 300 MB",
    }
    again = run(library, music)
    assert (again.failed, again.failed_before, again.unchanged) == (3, 2, 2)
    assert reasons(again).keys() == {"crash.ogg", "kill.ogg", "abort.ogg"}, "killed by a signal: tried once more"
    last = run(library, music)
    assert (last.failed, last.failed_before, last.unchanged) == (0, 5, 2)
    assert run(library, music, retry_failed=True, stall_s=3.0, memory_mb=300).failed == 5


def test_a_file_whose_worker_was_killed_is_tried_again(
    library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio_files.write_tone(music / "kill.ogg", 5.0, seed=4)
    assert "signal 9" in reasons(run(library, music))["kill.ogg"][1]
    monkeypatch.setenv("SCAN_TOYS_BEHAVE", "1")  # it had not been the file's fault
    report = run(library, music)
    assert (report.analysed, report.failed, report.failed_before) == (1, 0, 0)
    assert library.failures() == []


def test_a_file_that_vanishes_during_the_scan(library: Library, music: Path) -> None:
    audio_files.write_tone(music / "vanish.ogg", 5.0, seed=4)
    report = run(library, music)
    assert (report.analysed, report.failed) == (2, 1)
    assert reasons(report)["vanish.ogg"][0] == "UnreadableError"
    assert run(library, music).failed == 0
    assert library.failures() == []


def kill_in_the_middle(command: list[str], done: int) -> None:
    """Run a scan and kill it when it has finished a number of files."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.split()[0] == str(done):
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_kill_9_in_the_middle_loses_and_repeats_only_what_was_in_flight(library: Library, tmp_path: Path) -> None:
    music = tmp_path / "many"
    music.mkdir()
    for n in range(12):
        audio_files.write_tone(music / f"slow {n:02}.ogg", 4.0, seed=n)
    command = [*scan_toys.COMMAND, library.path, str(music)]
    finished = 0
    for more in (3, 4):
        kill_in_the_middle(command, more)
        stored = len(library.tracks())
        assert finished + more <= stored <= finished + more + 2
        finished = stored
    time.sleep(0.5)  # workers are gone, too
    decoded_before = (tmp_path / "decoded").read_bytes().count(b"\n")
    report = run(library, music)
    assert report.analysed == 12 - finished
    assert report.unchanged == finished
    decoded = (tmp_path / "decoded").read_bytes().count(b"\n")
    assert decoded - decoded_before == 12 - finished
    assert decoded <= 12 + 2 * 2  # two kills, at most two files in flight at each
    assert len(library.tracks()) == 12
    assert library._database.query("PRAGMA integrity_check") == [("ok",)]
