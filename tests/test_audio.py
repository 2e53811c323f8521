"""Decoding: what comes out of every format, streamed, and what every bad file is called."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_files import (
    AV_FORMATS,
    FORMATS,
    LOSSLESS,
    NOT_UTF8,
    cut,
    deadline,
    first_mp3_frame,
    id3v2,
    mutated,
    overwrite,
    tone,
    write,
    write_silence,
    write_tone,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood import audio
from edgemood._resample import Resampler
from edgemood.errors import (
    AudioError,
    ConfigError,
    CorruptAudioError,
    NotFiniteError,
    SilentError,
    TooShortError,
    UnreadableError,
    UnsupportedFormatError,
)

RATE = 24_000


def dominant_hz(samples: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


def resampled(mono: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """At one go; what it does to sound, test_resample says."""
    resampler = Resampler(rate, wanted)
    return np.concatenate([resampler.push(mono), resampler.finish()])


# -- what comes out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_libsndfile(tmp_path: Path, suffix: str) -> None:
    path = write_tone(tmp_path / f"tone{suffix}", seconds=2.0, sample_rate=RATE, channels=2)
    samples = audio.load(path, 22_050)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) == pytest.approx(2.0 * 22_050, abs=3)
    assert dominant_hz(samples, 22_050) == pytest.approx(440, abs=1)
    assert np.std(samples) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert audio.announced_s(path) == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize("suffix", AV_FORMATS)
def test_every_format_of_pyav(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("av")
    path = write_tone(tmp_path / f"tone{suffix}", seconds=3.0, sample_rate=44_100, channels=2)
    samples = audio.load(path, 22_050)
    assert len(samples) == pytest.approx(3.0 * 22_050, abs=0.06 * 22_050)  # lossy codecs pad to whole frames
    assert dominant_hz(samples, 22_050) == pytest.approx(440, abs=1)
    assert np.std(samples) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)
    announced = audio.announced_s(path)
    assert announced is None if suffix == ".aac" else announced == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_streaming_equals_resampling_at_once(tmp_path: Path, suffix: str, rate: int) -> None:
    path = write_tone(tmp_path / f"tone{suffix}", seconds=7.3, sample_rate=rate)
    stored, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(audio.load(path, 22_050), resampled(stored, rate, 22_050))


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp3"])
def test_lossy_formats_decode_to_what_one_read_gives(tmp_path: Path, suffix: str) -> None:
    path = write_tone(tmp_path / f"tone{suffix}", seconds=7.3, sample_rate=RATE)
    stored, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(audio.load(path, RATE), stored, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, (1000, channels)).astype(np.float32)
    path = write(tmp_path / "many.wav", samples, RATE, subtype="FLOAT")
    np.testing.assert_allclose(audio.load(path, RATE), samples.astype(np.float64).mean(axis=1), atol=1e-6)


@given(
    frames=st.sampled_from([1, 2, 99, 100, 101, 1000, 65_535, 65_536, 65_537, 131_072, 140_001]),
    rate=st.sampled_from([8_000, 22_050, 44_100, 48_000]),
    channels=st.integers(1, 3),
    block_s=st.floats(0.001, 4),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_length_and_no_block_size_changes_a_bit(
    tmp_path: Path, frames: int, rate: int, channels: int, block_s: float
) -> None:
    samples = np.random.default_rng(frames).uniform(-1, 1, (frames, channels)).astype(np.float32)
    path = write(tmp_path / "x.wav", samples, rate, subtype="FLOAT")
    mono = samples[:, 0].copy()
    for channel in range(1, channels):
        mono += samples[:, channel]
    mono *= np.float32(1 / channels)
    pieces = list(audio.blocks(path, 22_050, block_s))
    size = round(block_s * 22_050)
    assert all(len(piece) == size for piece in pieces[:-1])
    assert all(0 < len(piece) <= size for piece in pieces)
    np.testing.assert_array_equal(np.concatenate([*pieces, np.empty(0)]), resampled(mono, rate, 22_050))
    as_they_come = list(audio.blocks(path, 22_050))
    assert all(len(piece) for piece in as_they_come)
    np.testing.assert_array_equal(np.concatenate([*as_they_come, np.empty(0)]), np.concatenate([*pieces, np.empty(0)]))


def test_blocks_are_not_reused(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.wav", seconds=3.0)
    stream = audio.blocks(path, RATE, block_s=0.5)
    first = next(stream)
    kept = first.copy()
    rest = list(stream)
    assert len(rest) == 5
    np.testing.assert_array_equal(first, kept)


# -- memory -------------------------------------------------------------------------------------------------

PEAK_KB = """
import re, sys
from pathlib import Path
from edgemood import audio
samples = sum(map(len, audio.blocks(sys.argv[1], 8000)))
print(samples, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
def test_memory_does_not_grow_with_length(tmp_path: Path, suffix: str) -> None:
    peaks_kb = []
    minute = tone(60.0, 8_000)
    for minutes in (1, 40):
        path = tmp_path / f"{minutes}{suffix}"
        if suffix in LOSSLESS:
            write(path, np.tile(minute, minutes), 8_000)
        else:  # joined MP3, chained Ogg
            path.write_bytes(write(path, minute, 8_000).read_bytes() * minutes)
        output = subprocess.run(
            [sys.executable, "-c", PEAK_KB, path], check=True, capture_output=True, text=True, timeout=60
        ).stdout.split()
        assert int(output[0]) == pytest.approx(60 * minutes * 8000, abs=3000 * minutes)
        peaks_kb.append(int(output[1]))
    assert peaks_kb[1] - peaks_kb[0] < 6_000  # 39 minutes of these samples are 75 MB


# -- content, not names -------------------------------------------------------------------------------------


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.mp3")
    expected = audio.load(path, RATE)
    for name in ("x.ogg", "x.raw", "x.txt", "x", NOT_UTF8):
        renamed = tmp_path / name
        path.rename(renamed)
        np.testing.assert_array_equal(audio.load(str(renamed), RATE), expected)
        path = renamed


@pytest.mark.parametrize(
    "content",
    [
        b"these are the lyrics of a song\n" * 500,
        ("these are the lyrics of a song\n" * 500).encode("utf-16"),
        b"#EXTM3U\nhttp://localhost/x.mp3\n",
        b"\xff" * 5000,
        b"\xff\xfb\x90\x00" * 2000,
        np.random.default_rng(3).bytes(50_000),
        bytes(5000),
        b"RIFF",
        b"OggS",
        id3v2(1000),
    ],
    ids=["text", "utf-16", "playlist", "ones", "sync words", "noise", "zeros", "RIFF", "OggS", "ID3 alone"],
)
def test_what_is_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    with deadline(10), pytest.raises((UnsupportedFormatError, CorruptAudioError)):
        audio.load(path, RATE)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").touch()
    with pytest.raises(UnsupportedFormatError, match="empty"):
        audio.load(tmp_path / "x.mp3", RATE)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "MP4"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "WMA"),
        (b"MAC \x96\x0f", "Monkey's Audio"),
        (b"\xff\xf1\x50\x80", "AAC"),
    ],
)
def test_without_pyav_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, what: str
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "x"
    path.write_bytes(head.ljust(1000, b"\0"))
    with pytest.raises(UnsupportedFormatError, match=rf"{what}.*pip install edgemood\[av\]"):
        audio.load(path, RATE)


def test_a_codec_that_libsndfile_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = overwrite(write_tone(tmp_path / "x.wav"), 20, b"\x34\x12")  # an unknown WAV format tag
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(CorruptAudioError, match=r"edgemood\[av\]"):
        audio.load(path, RATE)


# -- files that cannot be read ------------------------------------------------------------------------------


def test_unreadable_paths(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    cases = {
        tmp_path / "missing.mp3": "No such file",
        tmp_path: "directory",
        tmp_path / "fifo": "not a regular file",
        tmp_path / "socket": "not a regular file",
        Path("/dev/zero"): "not a regular file",
        tmp_path / "loop": "symbolic links",
        tmp_path / ("x" * 300): "too long",
    }
    for path, message in cases.items():
        with deadline(5), pytest.raises(UnreadableError, match=message):
            audio.load(path, RATE)
    for name in ("a\0b", "\ud800"):
        with pytest.raises(UnreadableError, match="not a file name"):
            audio.load(name, RATE)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.wav")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        with pytest.raises(UnreadableError, match="Permission denied"):
            audio.load(path, RATE)
    finally:
        if root:
            os.seteuid(0)


def test_an_io_error_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".wav", ".flac", ".ogg", ".mp3"):
        path = write_tone(tmp_path / f"x{suffix}", seconds=30.0)
        real, limit = os.preadv, path.stat().st_size // 2

        def failing(fd: int, buffers: list[memoryview], offset: int, real=real, limit=limit) -> int:
            if offset > limit:
                raise OSError(5, "Input/output error")
            return real(fd, buffers, offset)

        monkeypatch.setattr(os, "preadv", failing)
        with pytest.raises(UnreadableError, match="Input/output error"):
            audio.load(path, RATE)
        monkeypatch.setattr(os, "preadv", real)


def test_nothing_stays_open(tmp_path: Path) -> None:
    def open_files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = open_files()
    for suffix in (".wav", ".mp3", ".ogg"):
        path = write_tone(tmp_path / f"x{suffix}", seconds=20.0)
        stream = audio.blocks(path, RATE, block_s=1)
        next(stream)
        stream.close()
        with pytest.raises(AudioError):
            audio.load(cut(path), RATE)
        audio.announced_s(write_tone(path))
    assert open_files() == before


# -- files cut short ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".aiff"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = cut(write_tone(tmp_path / f"x{suffix}", seconds=30.0), 0.4)
    with pytest.raises(CorruptAudioError, match=r"ends at 1[0-2]\.\d s of 30\.0 s"):
        audio.load(path, RATE)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_truncated_ogg(tmp_path: Path, suffix: str) -> None:
    path = cut(write_tone(tmp_path / f"x{suffix}", seconds=30.0), 0.4)
    with pytest.raises(CorruptAudioError, match="in the middle of an Ogg page"):
        audio.load(path, RATE)


@pytest.mark.parametrize("suffix", [".m4a", ".alac.m4a", ".wma", ".wv", ".mka"])
def test_truncated_through_pyav(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("av")
    path = cut(write_tone(tmp_path / f"x{suffix}", seconds=30.0, sample_rate=44_100), 0.4)
    with pytest.raises(CorruptAudioError, match=r"ends at|damaged"):
        audio.load(path, RATE)


def test_a_little_missing_is_forgiven(tmp_path: Path) -> None:
    for suffix in (".wav", ".mp3"):
        path = cut(write_tone(tmp_path / f"x{suffix}", seconds=30.0), 0.99)
        assert len(audio.load(path, RATE)) == pytest.approx(29.7 * RATE, abs=0.1 * RATE)


def test_blocks_of_a_truncated_file_come_first(tmp_path: Path) -> None:
    path = cut(write_tone(tmp_path / "x.wav", seconds=30.0), 0.4)
    seen = 0
    with pytest.raises(CorruptAudioError):
        for block in audio.blocks(path, RATE, block_s=1):
            seen += len(block)
    assert seen >= 11 * RATE


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_garbage_in_the_middle(tmp_path: Path, suffix: str) -> None:
    path = write_tone(tmp_path / f"x{suffix}", seconds=30.0)
    size = path.stat().st_size
    overwrite(path, size // 2, np.random.default_rng(0).bytes(size // 10))
    with pytest.raises(CorruptAudioError, match="damaged"):
        audio.load(path, RATE)


# -- MPEG audio that libsndfile alone gets wrong -------------------------------------------------------------


def mp3_without_header(tmp_path: Path, mode: str, seconds: float = 20.0) -> bytes:
    """A variable-rate MP3 that starts quietly, without its Xing frame."""
    quiet_then_loud = tone(seconds, noise=0) * 0.1
    half = len(quiet_then_loud) // 2
    quiet_then_loud[half:] += tone(seconds, noise=0.3)[half:]
    content = write(tmp_path / "header.mp3", quiet_then_loud, RATE, bitrate_mode=mode).read_bytes()
    return content[first_mp3_frame(content) :]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_mp3_without_a_header_is_read_to_its_end(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(mp3_without_header(tmp_path, mode))
    samples = audio.load(path, RATE)
    assert len(samples) == pytest.approx(20.0 * RATE, abs=0.1 * RATE)
    assert np.std(samples[11 * RATE :]) > 2 * np.std(samples[: 9 * RATE])
    assert audio.announced_s(path) == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (id3v2(200_000), b""),
        (id3v2(100) + id3v2(3000, footer=True), b""),
        (bytes(5000), b""),
        (np.random.default_rng(5).bytes(3000), b""),
        (b"", b"TAG" + bytes(125)),
        (b"", np.random.default_rng(6).bytes(30_000)),
    ],
    ids=["ID3v2", "two ID3v2", "zeros", "junk", "ID3v1", "junk behind"],
)
def test_mp3_between_other_things(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = write_tone(tmp_path / "x.mp3", seconds=5.0)
    expected = audio.load(path, RATE)
    path.write_bytes(before + path.read_bytes() + after)
    np.testing.assert_array_equal(audio.load(path, RATE), expected)


def test_a_little_junk_inside_an_mp3_is_skipped(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.mp3", seconds=60.0)
    content = path.read_bytes()
    path.write_bytes(content[:50_000] + np.random.default_rng(7).bytes(700) + content[50_000:])
    assert len(audio.load(path, RATE)) == pytest.approx(60.0 * RATE, abs=0.2 * RATE)


def test_joined_mp3_files_are_read_whole(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.mp3", seconds=5.0)
    path.write_bytes(path.read_bytes() * 3)
    assert len(audio.load(path, RATE)) == pytest.approx(15.0 * RATE, abs=0.3 * RATE)


def test_mp3_with_a_vbri_header(tmp_path: Path) -> None:
    music = mp3_without_header(tmp_path, "VARIABLE")
    frame = bytearray(first_mp3_frame(music))
    frame[:4] = music[:4]
    frame[36:40] = b"VBRI"
    for announced, error in ((20 * RATE // 576, False), (60 * RATE // 576, True)):
        frame[50:54] = announced.to_bytes(4, "big")
        path = tmp_path / "x.mp3"
        path.write_bytes(bytes(frame) + music)
        if error:
            with pytest.raises(CorruptAudioError, match=r"ends at 20\.\d s of 60\.0 s"):
                audio.load(path, RATE)
        else:
            assert len(audio.load(path, RATE)) == pytest.approx(20.0 * RATE, abs=0.1 * RATE)


# -- Ogg, FLAC and WAV that libsndfile alone gets wrong ------------------------------------------------------


def test_chained_ogg_is_read_to_its_end(tmp_path: Path) -> None:
    first = write_tone(tmp_path / "1.ogg", seconds=3.0, sample_rate=RATE)
    second = write_tone(tmp_path / "2.ogg", seconds=4.0, sample_rate=32_000, channels=2, frequency_hz=880)
    path = tmp_path / "x.ogg"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    samples = audio.load(path, RATE)
    assert len(samples) == pytest.approx(7.0 * RATE, abs=4)
    assert dominant_hz(samples[: 3 * RATE], RATE) == pytest.approx(440, abs=1)
    assert dominant_hz(samples[3 * RATE :], RATE) == pytest.approx(880, abs=1)
    assert audio.announced_s(path) == pytest.approx(7.0)


def test_a_glance_tells_audio_and_reads_little_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in FORMATS:
        path = write_tone(tmp_path / f"x{suffix}", seconds=120.0)
        read = 0

        def counted(fd: int, length: int, offset: int, real=os.pread) -> bytes:
            nonlocal read
            read += len(piece := real(fd, length, offset))
            return piece

        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", counted)
            audio.recognise(path)
        assert read < 200_000 or suffix in (".ogg", ".opus"), suffix  # whose pages tell what is missing
    for name, content in {"text": b"no sound " * 20_000, "empty": b"", "zeros": bytes(200_000)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnsupportedFormatError):
            audio.recognise(tmp_path / name)
    with pytest.raises(UnreadableError):
        audio.recognise(tmp_path / "none")


def test_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.flac", seconds=7.3)
    expected = audio.load(path, RATE)
    byte = path.read_bytes()[21]
    overwrite(path, 21, bytes([byte & 0xF0, 0, 0, 0, 0]))  # the number of samples in STREAMINFO
    assert audio.announced_s(path) is None
    np.testing.assert_array_equal(audio.load(path, RATE), expected)


def test_wav_written_to_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.wav", seconds=3.0)
    expected = audio.load(path, RATE)
    overwrite(path, 4, b"\xff" * 4)
    overwrite(path, 40, b"\xff" * 4)
    np.testing.assert_array_equal(audio.load(path, RATE), expected)


# -- bad samples and bad headers ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3"])
def test_silence(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(SilentError, match="silence"):
        audio.load(write_silence(tmp_path / f"x{suffix}"), RATE)


def test_almost_silence_is_not_silence(tmp_path: Path) -> None:
    samples = np.zeros(RATE, np.float32)
    samples[-1] = 2.0**-15  # the least step of 16 bits
    assert len(audio.load(write(tmp_path / "x.wav", samples, RATE), RATE)) == RATE


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_not_finite(tmp_path: Path, bad: float, channels: int) -> None:
    samples = np.repeat(tone(10.0)[:, np.newaxis], channels, axis=1)
    samples[round(7.125 * RATE), -1] = bad
    path = write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(NotFiniteError, match=r"at 7\.125 s"):
        audio.load(path, 22_050)


def test_no_samples(tmp_path: Path) -> None:
    with pytest.raises(TooShortError, match="no samples"):
        audio.load(write(tmp_path / "x.wav", np.empty(0, np.float32), RATE), RATE)


@pytest.mark.parametrize("rate", [0, 1, 10**9, 2**32 - 1])
def test_absurd_sample_rates(tmp_path: Path, rate: int) -> None:
    path = overwrite(write_tone(tmp_path / "x.wav"), 24, rate.to_bytes(4, "little"))
    with deadline(10), pytest.raises(CorruptAudioError, match=r"damaged|sample rate"):
        audio.load(path, RATE)


def test_no_channels(tmp_path: Path) -> None:
    path = overwrite(write_tone(tmp_path / "x.wav"), 22, b"\0\0")
    with pytest.raises(CorruptAudioError, match="Channel count is zero"):
        audio.load(path, RATE)


def test_options_that_cannot_be_used(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "x.wav")
    for rate in (0, -1, 999, 10**7, 22050.5, 22050.0, "22050", None):
        with pytest.raises(ConfigError, match="sample_rate"):
            audio.blocks(path, rate)  # type: ignore[arg-type]
    for block_s in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="block_s"):
            audio.blocks(path, RATE, block_s)


# -- damage at random ---------------------------------------------------------------------------------------


def survives(path: Path, content: bytes, seed: int, rounds: int) -> set[str]:
    """Decode damaged versions of a file; the ways it ended."""
    rng = np.random.default_rng(seed)
    ends = set()
    for _ in range(rounds):
        path.write_bytes(mutated(content, rng))
        with deadline(20):
            try:
                assert np.isfinite(audio.load(path, 22_050)).all()
                ends.add("decoded")
            except AudioError as error:
                ends.add(type(error).__name__)
    return ends


@pytest.mark.parametrize("suffix", FORMATS)
def test_random_damage_is_reported_or_survived(tmp_path: Path, suffix: str) -> None:
    content = write_tone(tmp_path / f"x{suffix}", seconds=2.0, channels=2).read_bytes()
    assert len(survives(tmp_path / "damaged", content, seed=1, rounds=40)) > 1


@pytest.mark.parametrize("suffix", AV_FORMATS)
def test_random_damage_through_pyav(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("av")
    content = write_tone(tmp_path / f"x{suffix}", seconds=2.0, sample_rate=44_100).read_bytes()
    assert survives(tmp_path / "damaged", content, seed=2, rounds=20)
