"""Commands that hear: scan, mood, features, models. The model is a toy; decoding, descriptors and workers are real."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import audio_files
import numpy as np
import pytest
import scan_toys
import soundfile
from click.testing import CliRunner, Result

from edgemood import _analysis, audio, features, mood, plot
from edgemood.cli.commands import edgemood as main

#: The command in a process of its own, with the toys.
TOY_COMMAND = [
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import scan_toys; scan_toys.install(); "
    "from edgemood.cli import main; main()",
]


@pytest.fixture(autouse=True)
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMOOD_LIBRARY", str(tmp_path / "library.db"))
    monkeypatch.setattr(mood, "load", scan_toys.ToyModel)
    monkeypatch.setattr(mood, "outline", scan_toys.ToyModel)
    monkeypatch.setattr(_analysis, "set_up_worker", scan_toys.set_up_worker)
    monkeypatch.setattr("edgemood.pipeline.set_up_worker", scan_toys.set_up_worker)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(3):
        audio_files.write_tone(folder / f"{number}.ogg", 5.0 + number, seed=number)
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [os.fspath(argument) for argument in arguments])


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# -------------------------------------------------------------------------------------------------------------- mood


def test_mood_json_is_a_line_a_file_in_their_order(music: Path) -> None:
    (music / "broken.mp3").write_text("no music at all")
    files = [music / "2.ogg", music / "broken.mp3", music / "nowhere.ogg", music / "0.ogg"]
    result = run("mood", "--json", *files)
    assert result.exit_code == 1
    assert result.stderr == ""
    long, broken, nowhere, short = objects(result)
    assert [shape["path"] for shape in (long, broken, nowhere, short)] == [str(file) for file in files]
    assert set(broken) == set(nowhere) == {"path", "error"}
    assert "not audio" in broken["error"]
    assert "No such file" in nowhere["error"]
    assert list(long) == ["path", "mood", "scores", "valence", "arousal", "unsure", "duration_s", "model", "timeline"]
    assert (long["duration_s"], short["duration_s"]) == (7.0, 5.0)
    assert sum(long["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert long["mood"] == max(long["scores"], key=lambda label: long["scores"][label])
    for span in long["timeline"]:
        assert list(span) == ["start_s", "end_s", "scores", "valence", "arousal", "unsure", "attention"]
    assert sum(span["attention"] for span in long["timeline"]) == pytest.approx(1, abs=1e-5)


def test_mood_all_well_is_exit_code_0_and_keeps_nothing(music: Path, tmp_path: Path) -> None:
    assert run("mood", "--json", music / "0.ogg").exit_code == 0
    assert not (tmp_path / "library.db").exists()


def test_mood_for_a_person(music: Path) -> None:
    result = run("mood", music / "0.ogg", music / "nowhere.ogg", music / "1.ogg", "--timeline")
    assert result.exit_code == 1
    assert re.fullmatch(r"edgemood: error: \S*nowhere\.ogg: .*No such file or directory\n", result.stderr)
    lines = result.stdout.splitlines()
    assert lines[0] == str(music / "0.ogg")
    assert ", 0:05 long, judged by default" in lines[1]
    assert [line.split()[0] for line in lines[2:6]] == list(scan_toys.LABELS)
    assert "attention" in result.stdout
    assert "attention" not in run("mood", music / "0.ogg").stdout


@pytest.mark.parametrize("misfortune", ["crash", "kill"])
def test_a_file_that_kills_its_decoder_costs_only_itself(music: Path, misfortune: str) -> None:
    bad = music / f"{misfortune}.ogg"
    audio_files.write_tone(bad, 5.0)
    before, died, after = objects(run("mood", "--json", music / "0.ogg", bad, music / "1.ogg"))
    assert ("mood" in before, "mood" in after) == (True, True)
    assert "signal" in died["error"]


def test_mood_of_a_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / f"{audio_files.NOT_UTF8}.wav"
    audio_files.write_tone(file, 5.0)
    good, bad = objects(run("mood", "--json", file, str(file) + "x"))
    assert good["path"].endswith("/caf\\xe9 \\xff.wav")
    assert b64decode(good["path_b64"]) == os.fsencode(file)
    assert b64decode(bad["path_b64"]) == os.fsencode(file) + b"x"
    assert run("mood", file).stdout.startswith(good["path"])


def test_mood_plot(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run("mood", music / "0.ogg", "--plot", tmp_path / "mood.png").exit_code == 0
    assert (tmp_path / "mood.png").read_bytes().startswith(b"\x89PNG")
    several = run("mood", music / "0.ogg", music / "1.ogg", "--plot", tmp_path / "mood.png")
    assert several.exit_code == 2
    assert "one FILE" in several.stderr
    unknown = run("mood", music / "0.ogg", "--plot", tmp_path / "mood.xyz")
    assert unknown.exit_code == 2
    assert re.fullmatch(r"edgemood: error: .*mood\.xyz.*\n", unknown.stderr)


@pytest.mark.parametrize("out", ["one", "-", "one.png/two", ".png"])
def test_a_plot_needs_a_suffix_that_says_its_format(music: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    monkeypatch.chdir(music)
    (music / "one.png").write_text("as it was")
    result = run("mood", "0.ogg", "--plot", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"edgemood: error: Invalid value for '--plot': .*\n", result.stderr)
    assert out == "-" or ".png .svg .pdf" in result.stderr
    assert (music / "one.png").read_text() == "as it was"
    assert sorted(file.name for file in music.iterdir()) == ["0.ogg", "1.ogg", "2.ogg", "one.png"]


def test_a_plot_that_cannot_be_written_is_one_line_with_its_name(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for suffix in plot.SUFFIXES:
        full = tmp_path / f"full{suffix}"
        full.symlink_to("/dev/full")
        result = run("mood", music / "0.ogg", "--plot", full)
        assert (result.exit_code, result.stderr) == (1, f"edgemood: error: {full}: No space left on device\n")


def test_a_model_that_does_not_exist_is_one_line(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = run("mood", "--model", "no-such", music / "0.ogg")
    assert result.exit_code == 1
    assert re.fullmatch(r"edgemood: error: no model bundle 'no-such'.*\n", result.stderr)


# -------------------------------------------------------------------------------------------------------------- scan


def test_scan_sums_up_and_the_library_shows_it(music: Path) -> None:
    (music / "broken.mp3").write_text("no music at all")
    result = run("scan", music)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("3 songs analysed in ")
    assert result.stdout.endswith("1 file failed: edgemood library --failed says why\n")
    *tracks, failure = objects(run("library", "--json"))
    assert [track["path"] for track in tracks] == [str(music / f"{number}.ogg") for number in range(3)]
    assert failure["path"] == str(music / "broken.mp3")
    again = run("scan", music).stdout
    assert again.startswith("0 songs analysed in ")
    assert "3 songs unchanged\n1 file failed, 1 of them before and not tried again" in again
    assert again.endswith("edgemood scan --retry-failed tries again\n")


def test_scan_json(music: Path) -> None:
    (shape,) = objects(run("scan", music, "--json", "--jobs", "2"))
    assert (shape["analysed"], shape["failed"], shape["unchanged"]) == (3, 0, 0)
    assert shape["songs_per_min"] > 0
    assert {"decode", "features", "model"} <= set(shape["cpu_s"])
    (shape,) = objects(run("scan", music, "--json"))
    assert (shape["analysed"], shape["unchanged"]) == (0, 3)


def test_scan_exit_code_is_1_only_if_every_file_failed(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    assert run("scan", tmp_path / "music").exit_code == 0
    (tmp_path / "music" / "broken.mp3").write_text("no music at all")
    assert run("scan", tmp_path / "music").exit_code == 1
    assert run("scan", tmp_path / "music").exit_code == 1
    assert "0 songs analysed" in run("scan", tmp_path / "music", "--retry-failed").stdout
    audio_files.write_tone(tmp_path / "music" / "good.ogg", 5.0)
    assert run("scan", tmp_path / "music").exit_code == 0


def test_scan_of_no_such_folder_is_one_line(tmp_path: Path) -> None:
    result = run("scan", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert re.fullmatch(r"edgemood: error: .*nowhere.*\n", result.stderr)


def test_the_bar_shows_rate_and_time_left_on_a_terminal(music: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    with subprocess.Popen([*TOY_COMMAND, "scan", str(music)], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        assert process.wait(60) == 0
    os.close(ours)
    assert re.search(rb"\d+%.*\d/3, \d+ songs/min, \d+:\d\d left", shown)


def test_an_interrupted_scan_ends_with_130_and_goes_on_next_time(music: Path, tmp_path: Path) -> None:
    for number in range(12):
        audio_files.write_tone(music / f"slow{number}.ogg", 5.0, seed=number + 10)
    with subprocess.Popen(
        [*TOY_COMMAND, "scan", str(music)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        while "ogg" not in run("library").stdout and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    stored = len(objects(run("library", "--json")))
    assert 0 < stored < 15
    (shape,) = objects(run("scan", music, "--json"))
    assert (shape["analysed"], shape["unchanged"]) == (15 - stored, stored)


# ---------------------------------------------------------------------------------------------------------- features


def table(text: str) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float32]]]:
    heading, *rows = csv.reader(io.StringIO(text))
    return heading, np.array(rows, np.float32)


def test_features_as_csv_on_stdout_are_exact(music: Path) -> None:
    heading, values = table(run("features", music / "2.ogg").stdout)
    expected = features.extract(audio.blocks(music / "2.ogg", 22050))
    assert heading == ["start_s", "end_s", *features.set_names("lld50")]
    np.testing.assert_array_equal(values[:, 2:], expected.values)
    np.testing.assert_allclose(values[:, 1], expected.end_s, atol=1e-5)


def test_frames_are_the_descriptors_under_the_set(music: Path, tmp_path: Path) -> None:
    run("features", music / "0.ogg", "--frames", "--csv", tmp_path / "frames.csv")
    heading, values = table((tmp_path / "frames.csv").read_text())
    names = [f"mfcc_{i}" for i in range(1, 19)]
    names += ["spectral_centroid", "spectral_rolloff", "spectral_flatness", "spectral_flux", "hnr"]
    assert heading == ["start_s", "end_s", *names, "formant_1", "formant_2", "energy", "f0", "zcr"]
    voiced = values[values[:, heading.index("f0")] > 0]
    np.testing.assert_allclose(voiced[:, heading.index("f0")], 440, rtol=0.01)
    assert len(voiced) > 0.9 * len(values)


def test_harmony_comes_from_ten_frames_a_second(music: Path, tmp_path: Path) -> None:
    """As the default bundle reads it, without being told; its rows come with those of the other sets."""
    config = features.FeatureConfig(hop_length=2204, segment_frames=30, segment_hop=10)
    expected = features.extract(audio.blocks(music / "2.ogg", 22050), config, features.set_names("harmony"))
    run("features", music / "2.ogg", "--set", "harmony", "--npz", tmp_path / "harmony.npz")
    with np.load(tmp_path / "harmony.npz") as stored:
        np.testing.assert_array_equal(stored["values"], expected.values)
        assert json.loads(str(stored["config"])) == config.to_dict()
    _, lld84 = table(run("features", music / "2.ogg", "--set", "lld84").stdout)
    np.testing.assert_allclose(lld84[:, 0], expected.start_s, atol=1e-6)
    heading, frames = table(run("features", music / "2.ogg", "--set", "harmony", "--frames").stdout)
    assert heading[2:4] == ["tonal_prominence", "tonal_peak_share"]
    np.testing.assert_allclose(np.diff(frames[:, 0]), 2204 / 22050, atol=1e-5)


def test_features_as_npz(music: Path, tmp_path: Path) -> None:
    (tmp_path / "npz").mkdir()
    assert run("features", music / "0.ogg", "--npz", tmp_path / "npz" / "out").exit_code == 0
    assert [file.name for file in (tmp_path / "npz").iterdir()] == ["out"]  # NumPy itself would add a suffix
    with np.load(tmp_path / "npz" / "out") as stored:
        assert stored["values"].shape == (len(stored["start_s"]), len(stored["names"]))
        assert stored["values"].dtype == np.float32
        assert str(stored["version"]) == features.VERSION
        assert json.loads(str(stored["config"])) == features.FeatureConfig().to_dict()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.ogg"], 1, "nowhere.ogg: .*No such file"),
        (["short.wav"], 1, "short.wav: shorter than one segment"),
        (["0.ogg", "--set", "frob"], 2, "'frob'"),
        (["0.ogg", "--set", "frob\udcff"], 2, r"'frob\\udcff'"),
        (["0.ogg", "--csv", "a", "--npz", "b"], 2, "not both"),
        (["0.ogg", "--csv", "no/such/folder.csv"], 1, "no/such/folder.csv: No such file or directory"),
        (["0.ogg", "--csv", "/dev/full"], 1, "/dev/full: No space left on device"),
        (["0.ogg", "--npz", "/dev/full"], 1, "/dev/full: No space left on device"),
        (["0.ogg", "--npz", "no/such/folder.npz"], 1, "no/such/folder.npz: No such file or directory"),
        (["0.ogg", "--npz", "-"], 2, "'--npz': .*name a file"),
    ],
)
def test_features_says_what_is_wrong(
    music: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(music)
    soundfile.write("short.wav", np.ones(1000, np.float32) / 2, 22050)
    result = run("features", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert re.fullmatch(rf"edgemood: error: .*{said}.*\n", result.stderr)


# ------------------------------------------------------------------------------------------------------------ models


def info(name: str, problem: str | None) -> mood.BundleInfo:
    return mood.BundleInfo(name, "", scan_toys.LABELS, 379_000, "dynamic-range int8", problem)


def test_models_lists_bundles_and_which_one_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [info("heavy", "it needs more"), info("light", None), info("lighter", None)]
    monkeypatch.setattr(mood, "available", lambda: found)
    shapes = objects(run("models", "--json"))
    assert [(shape["name"], shape["default"]) for shape in shapes] == [
        ("heavy", False),
        ("light", True),
        ("lighter", False),
    ]
    assert list(shapes[0]) == [
        *["name", "version", "default", "labels", "size_bytes", "quantisation", "accuracy", "problem"]
    ]
    shown = run("models").stdout
    assert "cannot be used here: it needs more" in shown
    assert "light  (default)\n  moods     happy, angry, sad, calm\n  size      379 kB, dynamic-range int8\n" in shown


@pytest.mark.parametrize("found", [[], [info("heavy", "it needs more")]])
def test_no_model_that_can_be_used_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, found: list[mood.BundleInfo]
) -> None:
    monkeypatch.setattr(mood, "available", lambda: found)
    result = run("models")
    assert result.exit_code == 1
    assert re.fullmatch(r"edgemood: error: no model bundle .*\n", result.stderr)


def test_models_shows_how_well_the_shipped_bundle_was_measured() -> None:
    shown = run("models").stdout
    assert "(default)" in shown
    assert re.search(r"measured  macro F1 0\.\d\d, accuracy 0\.\d\d on \d+ clips \(\S.*\)", shown)
