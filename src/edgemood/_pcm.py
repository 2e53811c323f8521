"""PCM as it comes out of a pipe: a WAV whose header is read on the way, or raw samples whose format the caller knows.

Nothing here seeks, waits for more than there is, or trusts a length that the writer of a pipe could not know.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgemood._resample import RATES_HZ
from edgemood.errors import ConfigError, CorruptAudioError, UnsupportedFormatError

Frames = NDArray[np.float32]

#: Numbers of channels beyond these are damage, not music.
CHANNELS = (1, 64)
_READ_BYTES = 1 << 16
#: No cover picture in front of the audio is larger; a chunk that claims to be is a damaged length.
_MAX_CHUNK_BYTES = 1 << 26
_FORMAT_BYTES = 64  # as much of a chunk as is looked at
#: About 2 or 4 GB, as 0: what writers to a pipe put for the length that they cannot know.
_PLACEHOLDER_BYTES = 0x7FF00000


class ByteStream(Protocol):
    """What PCM is read from: an open binary file, buffered."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes, as many as are there now; none at the end only."""


def _s24(raw: NDArray[np.uint8]) -> Frames:
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = raw.reshape(-1, 3)
    return _s32(wide.reshape(-1))


def _s32(raw: NDArray[np.uint8]) -> Frames:
    samples: Frames = raw.view("<i4").astype(np.float32) * np.float32(2.0**-31)
    return samples


#: Encoding -> bytes of a sample, and what makes floats of bytes: full scale is -1 to 1, as libsndfile has it.
ENCODINGS: Mapping[str, tuple[int, Callable[[NDArray[np.uint8]], Frames]]] = {
    "u8": (1, lambda raw: raw.astype(np.float32) * np.float32(2.0**-7) - np.float32(1)),
    "s16le": (2, lambda raw: raw.view("<i2").astype(np.float32) * np.float32(2.0**-15)),
    "s24le": (3, _s24),
    "s32le": (4, _s32),
    "f32le": (4, lambda raw: raw.view("<f4").astype(np.float32)),
    "f64le": (8, lambda raw: raw.view("<f8").astype(np.float32)),
}
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
#: Codec in the header and bytes of a sample -> encoding.
_WAV_ENCODINGS = {
    **{(_PCM, 1): "u8", (_PCM, 2): "s16le", (_PCM, 3): "s24le", (_PCM, 4): "s32le"},
    **{(_FLOAT, 4): "f32le", (_FLOAT, 8): "f64le"},
}
_CODEC_NAMES = {2: "MS ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM 6.10", 80: "MPEG", 85: "MP3"}
_DECODE = "decode it first, as with: ffmpeg -i FILE -f wav - | edgemood live"


@dataclass(frozen=True)
class PcmFormat:
    """How samples lie in bytes: interleaved, `encoding` one of `ENCODINGS`.

    Raises
    ------
    ConfigError
        A value is unknown or out of range; the message names it.
    """

    rate_hz: int
    channels: int
    encoding: str

    def __post_init__(self) -> None:
        if not RATES_HZ[0] <= self.rate_hz <= RATES_HZ[1]:
            raise ConfigError(f"a sample rate of {self.rate_hz} Hz is not {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
        if not CHANNELS[0] <= self.channels <= CHANNELS[1]:
            raise ConfigError(f"{self.channels} channels are not {CHANNELS[0]} to {CHANNELS[1]}")
        if self.encoding not in ENCODINGS:
            raise ConfigError(f"encoding {self.encoding!r} is not one of {', '.join(ENCODINGS)}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * ENCODINGS[self.encoding][0]

    def decode(self, data: bytes | bytearray | memoryview) -> Frames:
        """Make float32 ``[frames, channels]`` of the bytes of whole frames."""
        with np.errstate(over="ignore", invalid="ignore"):  # whoever takes the samples checks them
            return ENCODINGS[self.encoding][1](np.frombuffer(data, np.uint8)).reshape(-1, self.channels)


def frames(stream: ByteStream, pcm: PcmFormat, length: int | None = None) -> Iterator[Frames]:
    """Read frames as they come, up to `length` bytes or the end; what is less than a frame there is dropped.

    Yields
    ------
    float32 array ``[frames, channels]``, not empty: never waits for more than there is in the stream.
    """
    rest, left = b"", length
    while left is None or left > 0:
        data = stream.read1(_READ_BYTES if left is None else min(left, _READ_BYTES))
        if not data:
            return
        left = None if left is None else left - len(data)
        data = rest + data
        whole = len(data) - len(data) % pcm.frame_bytes
        rest = data[whole:]
        if whole:
            yield pcm.decode(memoryview(data)[:whole])


def wav_header(stream: ByteStream) -> tuple[PcmFormat, int | None]:
    """Read a WAV up to its first sample.

    Returns
    -------
    The format, and how many bytes of samples the header announces; None where it does not know, as in a pipe.

    Raises
    ------
    UnsupportedFormatError
        It is no WAV, or its samples are encoded; the message says how to help oneself.
    CorruptAudioError
        The header is damaged, contradicts itself, or ends before the samples.
    """
    head = _exactly(stream, 12)
    if not head:
        raise UnsupportedFormatError("there is no audio: the stream is empty")
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        raise UnsupportedFormatError(f"not a WAV; if it is no raw PCM either, {_DECODE}")
    pcm, data_size = None, None
    while True:
        head = _exactly(stream, 8)
        if len(head) < 8:
            raise CorruptAudioError("damaged WAV: ends before its first sample")
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name == b"data":
            if pcm is None:
                raise CorruptAudioError("damaged WAV: samples come before their format")
            if length == 0xFFFFFFFF and data_size is not None:
                return pcm, data_size or None
            return pcm, length if 0 < length < _PLACEHOLDER_BYTES else None
        if length > _MAX_CHUNK_BYTES:
            raise CorruptAudioError(f"damaged WAV: a chunk of {length} bytes before the first sample")
        payload = _exactly(stream, min(length, _FORMAT_BYTES))
        _skip(stream, length + length % 2 - len(payload))
        if name == b"fmt ":
            pcm = _format(payload)
        elif name == b"ds64" and len(payload) >= 16:
            data_size = int.from_bytes(payload[8:16], "little")


def _format(payload: bytes) -> PcmFormat:
    if len(payload) < 16:
        raise CorruptAudioError("damaged WAV: its format is cut off")
    codec, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", payload)
    if codec == _EXTENSIBLE and len(payload) >= 26:
        codec = int.from_bytes(payload[24:26], "little")
    width = (bits + 7) // 8  # 20 bits lie in the upper part of 24
    if codec not in (_PCM, _FLOAT):
        name = _CODEC_NAMES.get(codec, f"number {codec}")
        raise UnsupportedFormatError(f"a WAV with codec {name}: {_DECODE}")
    if frame_bytes != channels * width:
        raise CorruptAudioError(
            f"damaged header: {channels} channels of {bits} bits in {frame_bytes} bytes do not fit together"
        )
    if (codec, width) not in _WAV_ENCODINGS:
        raise UnsupportedFormatError(
            f"a WAV with {bits} bits {'float' if codec == _FLOAT else 'PCM'} a sample: {_DECODE}"
        )
    try:
        return PcmFormat(rate_hz, channels, _WAV_ENCODINGS[codec, width])
    except ConfigError as error:
        raise CorruptAudioError(f"damaged header: {error}") from None


def _exactly(stream: ByteStream, size: int) -> bytes:
    """Read `size` bytes; fewer at the end only."""
    data = bytearray()
    while len(data) < size and (piece := stream.read1(min(size - len(data), _READ_BYTES))):
        data += piece
    return bytes(data)


def _skip(stream: ByteStream, size: int) -> None:
    while size > 0 and (piece := stream.read1(min(size, _READ_BYTES))):
        size -= len(piece)
