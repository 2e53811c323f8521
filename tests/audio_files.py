"""Small audio files made at test time: every format, and every way to be bad."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
import soundfile
from numpy.typing import NDArray

#: Suffix -> libsndfile format and subtype.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
}
LOSSLESS = (".wav", ".flac", ".aiff", ".au", ".caf")
#: Suffix -> PyAV codec and container.
AV_FORMATS = {
    ".m4a": ("aac", "ipod"),
    ".alac.m4a": ("alac", "ipod"),
    ".wma": ("wmav2", "asf"),
    ".aac": ("aac", "adts"),
    ".wv": ("wavpack", "wv"),
    ".mka": ("flac", "matroska"),
}
#: A file name that is not UTF-8, as `os.fsdecode` gives it.
NOT_UTF8 = os.fsdecode(b"caf\xe9 \xff")


def tone(
    seconds: float, sample_rate: int = 24_000, frequency_hz: float = 440.0, noise: float = 0.02, seed: int = 0
) -> NDArray[np.float32]:
    """A sine at half scale with a little noise on it: mono ``[n]``."""
    n = round(seconds * sample_rate)
    sine = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(n) / sample_rate)
    return (sine + noise * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def write_tone(
    path: str | os.PathLike[str],
    seconds: float = 2.0,
    *,
    sample_rate: int = 24_000,
    channels: int = 1,
    frequency_hz: float = 440.0,
    seed: int = 0,
) -> Path:
    """Write a tone in the format of the path's suffix; equal arguments give equal audio."""
    samples = tone(seconds, sample_rate, frequency_hz, seed=seed)
    return write(path, np.repeat(samples[:, np.newaxis], channels, axis=1), sample_rate)


def write_silence(path: str | os.PathLike[str], seconds: float = 2.0, sample_rate: int = 24_000) -> Path:
    """Write digital silence in the format of the path's suffix."""
    return write(path, np.zeros(round(seconds * sample_rate), np.float32), sample_rate)


def write(
    path: str | os.PathLike[str],
    samples: NDArray[np.float32],
    sample_rate: int,
    subtype: str | None = None,
    **options: str,
) -> Path:
    """Write samples, ``[n]`` or ``[n, channels]``, in the format of the path's suffix."""
    path = Path(path)
    suffix = next((s for s in AV_FORMATS if path.name.endswith(s)), path.suffix)
    if suffix in AV_FORMATS:
        return _write_av(path, samples, sample_rate, *AV_FORMATS[suffix])
    name, usual = FORMATS[suffix]
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(
        os.fsencode(path), "w", sample_rate, channels, subtype or usual, format=name, **options
    ) as file:
        for start in range(0, len(samples), 1 << 16):  # one large write overflows libsndfile's stack with Vorbis
            file.write(samples[start : start + (1 << 16)])
    return path


def _write_av(path: Path, samples: NDArray[np.float32], sample_rate: int, codec: str, container: str) -> Path:
    import av

    channels = samples.reshape(len(samples), -1).T
    layout = {1: "mono", 2: "stereo"}[len(channels)]
    with av.open(
        str(path), "w", format=container, options={"movflags": "faststart"} if container == "ipod" else {}
    ) as out:
        stream = out.add_stream(codec, rate=sample_rate, layout=layout)
        stream.bit_rate = 64_000
        convert = av.AudioResampler(format=stream.format.name, layout=layout, rate=sample_rate)
        for start in range(0, channels.shape[1], 4096):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(channels[:, start : start + 4096]), format="fltp", layout=layout
            )
            frame.rate, frame.pts = sample_rate, start
            for converted in convert.resample(frame):
                out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
    return path


def cut(path: Path, share: float = 0.4) -> Path:
    """Keep only the first `share` of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def overwrite(path: Path, at: int, content: bytes) -> Path:
    """Replace bytes in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)
    return path


def id3v2(length: int, footer: bool = False) -> bytes:
    """An ID3v2.4 tag with that many bytes of padding."""
    size = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    flags = 0x10 if footer else 0
    tail = b"3DI\x04\x00" + bytes([flags]) + size if footer else b""
    return b"ID3\x04\x00" + bytes([flags]) + size + bytes(length) + tail


def first_mp3_frame(content: bytes) -> int:
    """The length of the first frame of an MPEG 1 or 2 layer III file that begins with one."""
    mpeg1 = content[1] >> 3 & 3 == 3
    kbps = (
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        if mpeg1
        else [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    )[content[2] >> 4]
    rate = [44_100, 48_000, 32_000][content[2] >> 2 & 3] // (1 if mpeg1 else 2)
    return (144 if mpeg1 else 72) * kbps * 1000 // rate + (content[2] >> 1 & 1)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage some content at random: bytes changed, overwritten, cut off, removed or inserted."""
    damaged = bytearray(content)
    at = int(rng.integers(len(damaged) if rng.random() < 0.5 else min(len(damaged), 200)))
    length = int(rng.integers(1, 2000))
    kind = rng.integers(5)
    if kind == 0:
        for _ in range(rng.integers(1, 20)):
            damaged[rng.integers(at + 1)] = rng.integers(256)
    elif kind == 1:
        damaged[at : at + length] = rng.bytes(min(length, len(damaged) - at))
    elif kind == 2:
        del damaged[at:]
    elif kind == 3:
        del damaged[at : at + length]
    else:
        damaged[at:at] = rng.bytes(length)
    return bytes(damaged)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in the body once it has run too long."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
