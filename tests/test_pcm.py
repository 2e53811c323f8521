"""PCM out of a pipe: every encoding, headers that do not know their length or lie, bytes that are missing."""

from __future__ import annotations

import io
import math
import re
import struct
from pathlib import Path
from types import SimpleNamespace

import audio_files
import numpy as np
import pytest
import scan_toys
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemood import live
from edgemood._pcm import ENCODINGS, PcmFormat, frames, wav_header
from edgemood.errors import ConfigError, CorruptAudioError, EdgemoodError, TooShortError, UnsupportedFormatError

NOISE = np.random.default_rng(0).uniform(-1, 1, 700)
RATE = 8_000


class Toy(scan_toys.ToyModel):
    manifest = SimpleNamespace(window_segments=4)


class Pipe:
    """Gives its bytes in portions of these sizes, in turn, as a live pipe would."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content, self.sizes, self.turn = content, sizes, 0

    def read1(self, size: int, /) -> bytes:
        size = min(size, self.sizes[self.turn % len(self.sizes)])
        self.turn += 1
        piece, self.content = self.content[:size], self.content[size:]
        return piece


def wav(
    data: bytes = b"\0\1" * 400,
    *,
    codec: int = 1,
    channels: int = 1,
    rate: int = RATE,
    bits: int = 16,
    frame_bytes: int | None = None,
    length: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    frame_bytes = channels * bits // 8 if frame_bytes is None else frame_bytes
    form = struct.pack("<HHIIHH", codec, channels, rate, rate * frame_bytes & 0xFFFFFFFF, frame_bytes, bits)
    length = len(data) if length is None else length
    body = b"WAVE" + before + b"fmt \x10\0\0\0" + form + b"data" + struct.pack("<I", length) + data + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def decoded(stream: Pipe | io.BytesIO) -> np.ndarray:
    pcm, length = wav_header(stream)
    blocks = list(frames(stream, pcm, length))
    assert all(len(block) for block in blocks)
    return np.concatenate([np.empty((0, pcm.channels)), *blocks])


# ---------------------------------------------------------------------------------------------------------- encodings


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_what_is_decoded_is_what_libsndfile_decodes(
    container: str, subtype: str, channels: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([NOISE / k for k in range(1, channels + 1)], 1), 44_100, subtype, format=container)
    with path.open("rb") as stream:
        pcm, length = wav_header(stream)
        assert (pcm.rate_hz, pcm.channels, length) == (44_100, channels, len(NOISE) * pcm.frame_bytes)
        found = np.concatenate(list(frames(stream, pcm, length)))
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=60, deadline=None)
@given(
    encoding=st.sampled_from(sorted(ENCODINGS)),
    channels=st.integers(1, 3),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=30),
    odd=st.integers(0, 7),
)
def test_samples_do_not_depend_on_how_the_pipe_gives_them(
    encoding: str, channels: int, sizes: list[int], odd: int
) -> None:
    pcm = PcmFormat(RATE, channels, encoding)
    odd %= pcm.frame_bytes
    data = np.random.default_rng(odd).integers(0, 256, 50 * pcm.frame_bytes + odd, np.uint8).tobytes()
    found = np.concatenate(list(frames(Pipe(data, sizes), pcm)))
    assert found.shape == (50, channels)
    np.testing.assert_array_equal(found, pcm.decode(data[: len(data) - odd]))


def test_full_scale_is_one() -> None:
    ends = {
        "u8": (b"\x00", b"\xc0"),
        "s16le": (b"\0\x80", b"\0\x40"),
        "s24le": (b"\0\0\x80", b"\0\0\x40"),
        "s32le": (b"\0\0\0\x80", b"\0\0\0\x40"),
        "f32le": (struct.pack("<f", -1), struct.pack("<f", 0.5)),
        "f64le": (struct.pack("<d", -1), struct.pack("<d", 0.5)),
    }
    assert set(ends) == set(ENCODINGS)
    for encoding, (lowest, half) in ends.items():
        assert PcmFormat(RATE, 2, encoding).decode(lowest + half).tolist() == [[-1.0, 0.5]]


@pytest.mark.parametrize(
    ("values", "named"),
    [((0, 1, "u8"), "0 Hz"), ((RATE, 0, "u8"), "0 channels"), ((RATE, 65, "u8"), "65"), ((RATE, 1, "s16be"), "s16be")],
)
def test_a_format_that_is_none_is_refused(values: tuple[int, int, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        PcmFormat(*values)


# ------------------------------------------------------------------------------------------------------------ headers


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_writer_to_a_pipe_does_not_know_the_length(length: int) -> None:
    pcm, announced = wav_header(io.BytesIO(wav(length=length)))
    assert (pcm, announced) == (PcmFormat(RATE, 1, "s16le"), None)
    assert len(decoded(Pipe(wav(length=length), [3]))) == 400


def test_a_stream_in_rf64_does_not_know_its_length_either() -> None:
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 0, 0, 0, 0)
    stream = io.BytesIO(b"RF64" + wav(length=0xFFFFFFFF, before=sizes)[4:])
    assert wav_header(stream)[1] is None


@pytest.mark.parametrize("extra", [b"LIST\4\0\0\0abcd", b"id3 \3\0\0\0abc\0", b"junk\0\0\0\0"])
def test_other_chunks_are_no_sound(extra: bytes) -> None:
    assert len(decoded(Pipe(wav(before=extra, after=extra), [5, 1]))) == 400


def test_twenty_bits_lie_in_the_upper_part_of_twenty_four() -> None:
    assert decoded(io.BytesIO(wav(b"\0\0\x40" * 5, bits=20, frame_bytes=3))).tolist() == [[0.5]] * 5


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", UnsupportedFormatError, "the stream is empty"),
        (b"RIFF", UnsupportedFormatError, "not a WAV"),
        (b"fLaC" + bytes(100), UnsupportedFormatError, "not a WAV.* ffmpeg"),
        (wav()[:30], CorruptAudioError, "its format is cut off"),
        (wav()[:38], CorruptAudioError, "ends before its first sample"),
        (wav(codec=6, bits=8), UnsupportedFormatError, "codec A-law: .*ffmpeg"),
        (wav(codec=0x161), UnsupportedFormatError, "codec number 353"),
        (wav(codec=3), UnsupportedFormatError, "16 bits float"),
        (wav(bits=0), UnsupportedFormatError, "0 bits PCM"),
        (wav(bits=16, frame_bytes=3), CorruptAudioError, "1 channels of 16 bits in 3 bytes"),
        (wav(channels=0, frame_bytes=0), CorruptAudioError, "0 channels"),
        (wav(channels=300), CorruptAudioError, "300 channels"),
        (wav(rate=0), CorruptAudioError, "a sample rate of 0 Hz"),
        (wav(rate=4_000_000_000), CorruptAudioError, "4000000000 Hz"),
        (wav(before=b"junk\xff\xff\xff\x7f"), CorruptAudioError, "a chunk of 2147483647 bytes"),
        (wav(before=b"data\4\0\0\0abcd"), CorruptAudioError, "before their format"),
    ],
)
def test_a_header_that_lies_is_named(content: bytes, error: type[EdgemoodError], message: str) -> None:
    for stream in (io.BytesIO(content), Pipe(content, [1])):
        with pytest.raises(error, match=message):
            decoded(stream)


# ------------------------------------------------------------------------------------------------------------- listen


def heard(content: bytes, raw: PcmFormat | None = None) -> list[live.LiveScore]:
    return list(live.listen(io.BytesIO(content), Toy("toy-1"), raw))


SOUND = (20_000 * np.random.default_rng(5).uniform(-1, 1, 5 * RATE)).astype("<i2").tobytes()


def test_a_wav_and_its_bare_samples_are_heard_alike() -> None:
    scores = heard(wav(SOUND))
    bare = heard(SOUND + b"\1", PcmFormat(RATE, 1, "s16le"))
    assert [(s.time_s, s.mood and s.mood.scores) for s in scores] == [
        (s.time_s, s.mood and s.mood.scores) for s in bare
    ]
    assert len(scores) == 2


def test_a_wav_that_ends_too_early_is_scored_as_far_as_it_goes() -> None:
    scores = []
    with pytest.raises(CorruptAudioError, match=r"ends at 5\.0 s of 9\.0 s"):
        for score in live.listen(io.BytesIO(wav(SOUND, length=9 * 2 * RATE)), Toy("toy-1")):
            scores.append(score)
    assert len(scores) == 2


def test_what_is_too_short_for_a_score_says_what_one_needs() -> None:
    with pytest.raises(TooShortError, match=r"^2\.00 s of audio: the first mood needs 3\.\d\d s$"):
        heard(wav(SOUND[: 2 * 2 * RATE]))
    with pytest.raises(TooShortError, match=r"^0\.00 s"):
        heard(b"\1", PcmFormat(RATE, 1, "s16le"))


def test_samples_that_are_no_numbers_end_it_after_the_scores_before_them() -> None:
    samples = np.frombuffer(SOUND, "<i2").astype("<f4") / 32768
    samples[4 * RATE + 80] = math.nan
    scores = []
    with pytest.raises(EdgemoodError, match=r"the sample at 4\.010 s is nan"):
        for score in live.listen(Pipe(samples.tobytes(), [640]), Toy("toy-1"), PcmFormat(RATE, 1, "f32le")):
            scores.append(score)
    assert [round(s.time_s) for s in scores] == [3]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_give_scores_or_an_error_of_ours(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content, head = wav(SOUND, before=b"LIST\4\0\0\0abcd"), 60
    scores = errors = 0
    with audio_files.deadline(60):
        for _ in range(60):
            damaged = audio_files.mutated(content[:head], rng) + content[head:]
            try:
                scores += bool(heard(damaged))
            except EdgemoodError as error:
                errors += bool(re.search(r"\w", str(error)))
    assert scores + errors == 60
    assert min(scores, errors) > 0
