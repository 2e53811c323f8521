"""Decoding through FFmpeg (PyAV, the optional extra ``av``) what libsndfile does not know.

FFmpeg is never left to guess the format: some of its demuxers are playlists that open other files and
addresses. It gets an open file and the demuxer for the container that our own look at the content found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgemood._containers import SpanFile
from edgemood.errors import CorruptAudioError, UnsupportedFormatError

if TYPE_CHECKING:
    import av

DEMUXERS = {
    "MP4": "mov",
    "WMA": "asf",
    "AAC": "aac",
    "Monkey's Audio": "ape",
    "WavPack": "wv",
    "True Audio": "tta",
    "Musepack": "mpc8",
    "Musepack 7": "mpc",
    "DSF": "dsf",
    "DSDIFF": "iff",
    "TAK": "tak",
    "Matroska": "matroska",
    "AMR": "amr",
    "AC-3": "ac3",
    # known to libsndfile, but not with every codec
    "FLAC": "flac",
    "Ogg": "ogg",
    "WAV": "wav",
    "AIFF": "aiff",
}
_UNTIMED = {"aac", "amr", "ac3"}  # no header: FFmpeg's duration is a guess from the bit rate
_SCALE = {"u1": 1 / 128, "i2": 1 / 32768, "i4": 1 / 2147483648, "f4": 1.0, "f8": 1.0}

Frames = Iterator[tuple[int, NDArray[np.float32]]]


def available() -> bool:
    """Whether PyAV is installed and can be imported."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def opened(fd: int, container: str, start: int = 0) -> Iterator[tuple[float | None, Frames]]:
    """Open a file with FFmpeg: the announced duration in s (None if unknown), and its audio as (rate, mono) pieces.

    Raises
    ------
    UnsupportedFormatError
        There is no audio in it, or its codec is unknown or encrypted.
    CorruptAudioError
        FFmpeg cannot read it; while iterating, FFmpeg meets damage.

    """
    import av  # optional, and slow to import

    demuxer = DEMUXERS[container]
    source = SpanFile(fd, [(start, os.fstat(fd).st_size)])  # a plain file's seek would raise inside FFmpeg's callbacks
    try:
        media = av.open(source, mode="r", format=demuxer, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise source.error or CorruptAudioError(f"damaged {container} file: {_reason(error)}") from error
    try:
        yield _announced_s(media, container), _decoded(media, container, source)
    finally:
        media.close()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _announced_s(media: av.container.InputContainer, container: str) -> float | None:
    if not media.streams.audio:
        raise UnsupportedFormatError(f"{container} file without audio")
    stream = media.streams.audio[0]
    if DEMUXERS[container] in _UNTIMED:
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if media.duration and len(media.streams) == 1:
        return float(media.duration) / 1e6
    return None


def _decoded(media: av.container.InputContainer, container: str, source: SpanFile) -> Frames:
    import av

    stream = media.streams.audio[0]
    if stream.codec_context is None:
        raise UnsupportedFormatError(f"{container} file with an unknown or encrypted codec")
    done_s = 0.0
    try:
        for packet in media.demux(stream):
            for frame in packet.decode():
                yield frame.sample_rate, _mono(frame)
                done_s += frame.samples / frame.sample_rate
    except av.error.FFmpegError as error:
        if not source.at_end and not source.error:
            raise CorruptAudioError(f"damaged at {done_s:.1f} s: {_reason(error)}") from error
        # else the last packet is cut short: whether much is missing, the announced duration tells
    if source.error:
        raise source.error


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, len(frame.layout.channels)).T
    kind = samples.dtype.str[1:]
    if kind not in _SCALE:
        raise UnsupportedFormatError(f"samples of type {frame.format.name}")
    mono: NDArray[np.float32] = samples.sum(axis=0, dtype=np.float32)
    if kind == "u1":
        mono -= 128 * len(samples)
    mono *= np.float32(_SCALE[kind] / len(samples))
    return mono
