"""The command ``edgemood live``. The model is a toy; all else is real."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import audio_files
import numpy as np
import pytest
import scan_toys
from click.testing import CliRunner, Result

from edgemood import features, mood
from edgemood.cli.commands import edgemood as main

RATE = 16_000
FIELDS = ["time_s", "context_s", "silence", "mood", "scores", "valence", "arousal", "unsure", "latency_s", "model"]
#: The command in a process of its own, with the toy.
COMMAND = [
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_cli_live; "
    "test_cli_live.mood.load = test_cli_live.Toy; from edgemood.cli import main; main()",
    "live",
]
RAW = ["--raw", "--rate", str(RATE), "--channels", "1"]


class Toy(scan_toys.ToyModel):
    manifest = SimpleNamespace(window_segments=4)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mood, "load", Toy)


def sound(seconds: float) -> np.ndarray:
    """Give int16 mono at `RATE`."""
    return (audio_files.tone(seconds, RATE) * 30_000).astype("<i2")


def run(*arguments: str | Path, **extra: Any) -> Result:
    return CliRunner().invoke(main, ["live", *map(str, arguments)], **extra)


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def without_latency(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "latency_s"} for line in lines]


def test_json_is_a_line_a_second(tmp_path: Path) -> None:
    file = audio_files.write(tmp_path / "a.wav", sound(8.0), RATE)
    result = run("--json", file)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = objects(result.stdout)
    assert len(lines) == 5
    for line in lines:
        assert list(line) == FIELDS
        assert sum(line["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert line["mood"] == max(line["scores"], key=line["scores"].get)
        assert line["unsure"] == (max(line["scores"].values()) < 0.5)
        assert 0 < line["latency_s"] < 5
        assert (line["silence"], line["model"]) == (False, "default")
    assert [line["context_s"] for line in lines] == pytest.approx([3.03, 4.03, 5.03, 6.03, 6.03], abs=0.1)
    assert [line["time_s"] for line in lines] == pytest.approx([3.03, 4.03, 5.03, 6.03, 7.03], abs=0.1)


def test_a_file_a_pipe_and_bare_samples_are_heard_alike(tmp_path: Path) -> None:
    stereo = np.stack([sound(5.0), sound(5.0)[::-1]], axis=1)
    file = audio_files.write(tmp_path / "a.wav", stereo, RATE)
    floats = (stereo.astype("<f4") / 32768).tobytes()
    runs = [
        run("--json", file),
        run("--json", "-", input=file.read_bytes()),
        run("--json", input=file.read_bytes()),
        run("--json", "--raw", "--rate", str(RATE), input=stereo.tobytes()),
        run("--json", "--raw", "--rate", str(RATE), "--channels", "2", "--format", "f32le", input=floats),
    ]
    assert [result.exit_code for result in runs] == [0] * 5
    first, *others = (without_latency(objects(result.stdout)) for result in runs)
    assert len(first) == 2
    assert all(other == first for other in others)


def test_for_a_person_there_is_a_table(tmp_path: Path) -> None:
    samples = sound(12.0)
    samples[4 * RATE : 9 * RATE] = 0
    result = run(audio_files.write(tmp_path / "a.wav", samples, RATE))
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["time", "mood", "val.", "ar.", *scan_toys.LABELS, "context", "latency"]
    assert len(lines) == 9
    assert sum(line.endswith("  silence") for line in lines) == 1
    number, share = r"[-+]\d\.\d\d", r"\d\.\d\d"
    pattern = rf" +0:\d\d  (\w+) +{number} +{number}( +{share}){{4}} +\d\.\d s +\d+ ms(  unsure)?"
    spoken = [re.fullmatch(pattern, line) for line in lines if "silence" not in line]
    assert len(spoken) == 8
    assert all(
        match and match[1] in scan_toys.LABELS and len(match[0].removesuffix("  unsure")) == len(heading)
        for match in spoken
    )


def test_silence_is_null_and_may_be_redefined(tmp_path: Path) -> None:
    file = audio_files.write(tmp_path / "a.wav", (sound(4.0) // 1000), RATE)  # peaks at -65 dB
    (loud,) = objects(run("--json", file).stdout)
    (silent,) = objects(run("--json", "--silence", "-50", file).stdout)
    assert (loud["silence"], silent["silence"]) == (False, True)
    assert list(silent) == FIELDS
    assert [silent[key] for key in ("context_s", "mood", "scores", "valence", "arousal", "unsure")] == [0, *[None] * 5]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--raw"], "--raw needs --rate"),
        (["--rate", "48000"], "for --raw"),
        (["--channels", "2"], "for --raw"),
        (["--format", "s16le"], "for --raw"),
        (["--raw", "--rate", "0"], "--rate"),
        (["--raw", "--rate", "48000", "--channels", "0"], "--channels"),
        (["--raw", "--rate", "48000", "--format", "mp3"], "--format"),
        (["--silence", "3"], "--silence"),
        (["--silence", "nan"], "--silence"),
        ([""], "the name is empty"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], named: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(rf"edgemood: error: .*{named}.* \(see edgemood live --help\)\n", result.stderr)


def test_what_cannot_be_heard_is_one_line_that_names_it(tmp_path: Path) -> None:
    short = audio_files.write(tmp_path / "short.wav", sound(1.0), RATE)
    ogg = audio_files.write_tone(tmp_path / "a.ogg", 4.0)
    for arguments, message in [
        ([tmp_path], ".*Is a directory"),
        ([tmp_path / "none.wav"], ".*none.wav: No such file or directory"),
        ([short], r".*short.wav: 1\.00 s of audio: the first mood needs 3\.\d\d s"),
        ([ogg], r".*a\.ogg: not a WAV.*ffmpeg.*"),
        ([], "standard input: there is no audio: the stream is empty"),
        ([*RAW], r"standard input: 0\.00 s of audio: .*"),
    ]:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert re.fullmatch(f"edgemood: error: {message}\n", result.stderr)


def test_scores_before_the_damage_are_told() -> None:
    samples = sound(6.0).astype("<f4") / 32768
    samples[5 * RATE] = np.nan
    result = run("--json", *RAW, "--format", "f32le", input=samples.tobytes())
    assert result.exit_code == 1
    assert len(objects(result.stdout)) == 2
    assert result.stderr == "edgemood: error: standard input: the sample at 5.000 s is nan\n"


@pytest.mark.parametrize(("extra", "said"), [(1, "1 byte"), (3, "3 bytes")])
def test_part_of_a_sample_at_the_end_is_told(extra: int, said: str) -> None:
    raw = ["--json", "--raw", "--rate", str(RATE)]
    content = np.repeat(sound(4.0), 2).tobytes()
    whole, more = run(*raw, input=content), run(*raw, input=content + bytes(extra))
    assert (whole.exit_code, whole.stderr, more.exit_code) == (0, "", 0)
    assert without_latency(objects(more.stdout)) == without_latency(objects(whole.stdout))
    assert more.stderr == f"edgemood: warning: standard input: ends in {said} of a sample that takes 4 bytes: dropped\n"


# ---------------------------------------------------------------------------------------------------------- live pipes


@contextmanager
def listening(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with pipes at all ends, unbuffered."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def feed(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Write sound in pieces of 10 ms, as a sound card would, though not in its time."""
    assert process.stdin
    data = sound(seconds).tobytes()
    for start in range(0, len(data), RATE // 50):
        process.stdin.write(data[start : start + RATE // 50])


def wait_until_read(process: subprocess.Popen[bytes]) -> None:
    """Return when the pipe into the process is empty."""
    assert process.stdin
    left = b"?"
    while any(left):
        time.sleep(0.01)
        left = fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4))


def test_a_score_is_out_as_soon_as_its_samples_are_in() -> None:
    with listening("--json", *RAW) as process, audio_files.deadline(60):
        assert process.stdout
        feed(process, 3.4)  # the first segment, and less than the second needs
        (first,) = objects(process.stdout.readline().decode())
        assert first["time_s"] < 3.2
        feed(process, 1.0)
        (second,) = objects(process.stdout.readline().decode())
        assert second["time_s"] < 4.2
        assert process.poll() is None


def test_interrupted_it_ends_with_what_it_has() -> None:
    """The resampler may still hold the end of the second segment."""
    extractor = features.Extractor()
    seconds = (extractor.row_length + extractor.row_hop) / 22_050
    with listening("--json", *RAW) as process, audio_files.deadline(60):
        assert process.stdout
        assert process.stderr
        feed(process, seconds + 0.001)
        lines = process.stdout.readline()
        wait_until_read(process)
        process.send_signal(signal.SIGINT)
        lines += process.stdout.read()
        assert len(objects(lines.decode())) == 2
        assert (process.wait(), process.stderr.read()) == (130, b"")


def test_interrupted_a_wav_that_announces_more_is_no_error(tmp_path: Path) -> None:
    content = audio_files.write(tmp_path / "a.wav", sound(20.0), RATE).read_bytes()
    with listening("--json") as process, audio_files.deadline(60):
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(content[: 44 + 2 * 4 * RATE])
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert (process.wait(), process.stderr.read()) == (130, b"")


def test_interrupted_before_there_is_sound_it_ends_quietly_too() -> None:
    with listening("--json") as process, audio_files.deadline(60):
        assert process.stdin
        assert process.stderr
        process.stdin.write(b"RIFF")
        wait_until_read(process)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b""


def test_interrupted_within_a_sample_there_is_no_warning() -> None:
    with listening("--json", *RAW) as process, audio_files.deadline(60):
        assert process.stdin
        assert process.stdout
        assert process.stderr
        feed(process, 3.4)
        process.stdin.write(b"x")
        assert process.stdout.readline()
        wait_until_read(process)
        process.send_signal(signal.SIGINT)
        assert (process.wait(), process.stderr.read()) == (130, b"")


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with listening("--json", *RAW) as process, audio_files.deadline(60):
        assert process.stdout
        assert process.stderr
        feed(process, 3.4)
        assert process.stdout.readline()
        process.stdout.close()
        feed(process, 1.0)
        assert (process.wait(), process.stderr.read()) == (141, b"")
