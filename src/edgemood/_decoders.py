"""The decoders: what lies in an open file, as streams of frames at the file's own rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from edgemood import _mpeg, _ogg, _pyav
from edgemood._containers import Span, SpanReader, chunks, container, id3v2_end
from edgemood.errors import CorruptAudioError, UnsupportedFormatError

Samples = NDArray[np.float32]

#: A file may lack this much of what its header announces: both, in s and as a share.
_MAX_LOSS_S, _MAX_LOSS = 0.5, 0.01
#: Samples decoded at a time, all channels together.
_DECODE_SIZE = 1 << 17
#: libsndfile formats whose content is unmistakable; its others (RAW, HTK, SDS...) match almost anything.
_DISTINCT_FORMATS = {"W64", "AU", "CAF", "SVX", "VOC", "NIST", "IRCAM"}
_UNKNOWN_LENGTH = 1 << 60  # libsndfile reports 2^63 - 1 where the header does not say
#: About 2 or 4 GB: what writers to a pipe put for the length that they cannot know.
_PLACEHOLDER_LENGTH = 0x7FF00000


@dataclass(frozen=True)
class Stream:
    """One decoded stream: its rate, channels and announced length (None: unknown), and its pieces.

    A piece holds frames, C-contiguous ``[n, channels]`` or ``[n]`` of one channel, and is only valid until the next one
    is asked for.
    """

    rate_hz: int
    channels: int
    announced_s: float | None
    pieces: Iterator[Samples]


def streams(fd: int, size: int) -> Iterator[Stream]:
    """Open the streams of a file, each to be read before the next is asked for (only chained Ogg has several)."""
    if not size:
        raise UnsupportedFormatError("the file is empty")
    start = id3v2_end(fd)
    name = container(fd, start)
    if name in _LIBSNDFILE:
        try:
            yield from _LIBSNDFILE[name](fd, start, size)
        except soundfile.LibsndfileError as error:  # raised by opening only: perhaps a codec that FFmpeg knows
            yield from _ffmpeg(fd, name, start, refused=_reason(error))
    elif name:
        yield from _ffmpeg(fd, name, start)
    elif index := _mpeg.index(fd, size):
        yield from _mp3(fd, index)
    else:
        yield from _others(fd, size)


def recognise(fd: int, size: int) -> None:
    """Raise what `streams` does where a file is no audio, without looking at all of it."""
    if size and not container(fd, id3v2_end(fd)) and _mpeg.first_frame(fd, size) is not None:
        return  # and do not count its frames
    next(streams(fd, size), None)


def check_complete(length_s: float, announced_s: float | None) -> None:
    """Raise `CorruptAudioError` if a file delivered much less than it announced."""
    if announced_s is not None and _is_much(announced_s - length_s, announced_s):
        raise CorruptAudioError(f"ends at {length_s:.1f} s of {announced_s:.1f} s")


def _is_much(lost_s: float, of_s: float) -> bool:
    return lost_s > _MAX_LOSS_S and lost_s > _MAX_LOSS * of_s


# -- libsndfile ---------------------------------------------------------------------------------------------


def _flac(fd: int, start: int, size: int) -> Iterator[Stream]:
    with _sound_file(fd, (start, size)) as (file, pieces):
        yield Stream(file.samplerate, file.channels, _length_s(file), pieces)


def _chunked(fd: int, start: int, size: int) -> Iterator[Stream]:
    """WAV and AIFF, whose announced length libsndfile silently cuts to what the file holds."""
    with _sound_file(fd, (start, size)) as (file, pieces):
        announced = _length_s(file)
        for name, payload, declared in chunks(fd, size):
            held = size - payload
            if name in (b"data", b"SSND") and 0 < held < declared < _PLACEHOLDER_LENGTH and announced:
                announced *= declared / held
        yield Stream(file.samplerate, file.channels, announced, pieces)


def _ogg_links(fd: int, start: int, size: int) -> Iterator[Stream]:
    """Ogg: one stream, or several chained ones. No header announces its length: the pages tell what is missing."""
    layout = _ogg.layout(fd, size)
    length_s = 0.0
    for number, span in enumerate(layout.links or [(start, size)]):
        try:
            with _sound_file(fd, span) as (file, pieces):
                link_s = _length_s(file) or 0.0
                lost_s = link_s * layout.lost_bytes / size
                if _is_much(lost_s, link_s):
                    raise CorruptAudioError(f"damaged: about {lost_s:.1f} s of {link_s:.1f} s are lost")
                yield Stream(file.samplerate, file.channels, link_s or None, pieces)
                length_s += link_s
        except soundfile.LibsndfileError as error:
            if not number:
                raise
            raise CorruptAudioError(f"damaged at {length_s:.1f} s: {_reason(error)}") from error
    if layout.cut:
        raise CorruptAudioError(f"ends at {length_s:.1f} s in the middle of an Ogg page")


_LIBSNDFILE: dict[str, Callable[[int, int, int], Iterator[Stream]]] = {
    "FLAC": _flac,
    "WAV": _chunked,
    "AIFF": _chunked,
    "Ogg": _ogg_links,
}


def _mp3(fd: int, index: _mpeg.MpegIndex) -> Iterator[Stream]:
    lost_s = index.expected_s - index.duration_s
    if index.lost_bytes and _is_much(lost_s, index.expected_s):
        raise CorruptAudioError(
            f"damaged at {index.lost_at_s:.1f} s: {lost_s:.1f} s of {index.expected_s:.1f} s are lost"
        )
    check_complete(index.duration_s, index.expected_s)
    try:
        with _sound_file(fd, *index.spans, prefix=index.header) as (file, pieces):
            yield Stream(file.samplerate, file.channels, _length_s(file), pieces)
    except soundfile.LibsndfileError as error:
        raise CorruptAudioError(f"damaged MP3: {_reason(error)}") from error


def _others(fd: int, size: int) -> Iterator[Stream]:
    """Try the formats that libsndfile knows and we do not; it must not guess."""
    try:
        with _sound_file(fd, (0, size)) as (file, pieces):
            if file.format in _DISTINCT_FORMATS:
                yield Stream(file.samplerate, file.channels, _length_s(file), pieces)
                return
    except soundfile.LibsndfileError:
        pass
    raise UnsupportedFormatError("not audio, or in a format that no decoder here knows")


@contextmanager
def _sound_file(fd: int, *spans: Span, prefix: bytes = b"") -> Iterator[tuple[soundfile.SoundFile, Iterator[Samples]]]:
    """Open spans of a file as one sound file; raises `soundfile.LibsndfileError`."""
    source = SpanReader(fd, spans, prefix)
    try:
        file = _SoundFile(source, "r")
    except soundfile.LibsndfileError as error:
        raise source.error or error from None
    with file:
        yield file, _pieces(file, source)


class _SoundFile(soundfile.SoundFile):  # type: ignore[misc]  # which has no types
    """A file that is read from start to end: else soundfile seeks after every read, and decoders begin anew."""

    def seekable(self) -> bool:
        """No."""
        return False


def _reason(error: soundfile.LibsndfileError) -> str:
    text: str = error.error_string
    return text.removeprefix("Error : ").removeprefix("Internal error : ").strip().rstrip(".")


def _length_s(file: soundfile.SoundFile) -> float | None:
    return file.frames / file.samplerate if file.frames < _UNKNOWN_LENGTH else None


def _pieces(file: soundfile.SoundFile, source: SpanReader) -> Iterator[Samples]:
    buffer = np.empty((max(256, _DECODE_SIZE // file.channels), file.channels), np.float32)
    done = 0
    while True:
        piece = _read(file, source, buffer, done)
        if source.error:
            raise source.error
        if not len(piece):
            return
        yield piece
        done += len(piece)


def _read(file: soundfile.SoundFile, source: SpanReader, buffer: Samples, done: int) -> Samples:
    """Read the next piece; none at the end."""
    length_s = _length_s(file)
    if length_s is None:
        buffer.fill(np.nan)
    try:
        piece: Samples = file.read(out=buffer)
    except soundfile.LibsndfileError as error:
        if source.error:
            raise source.error from error
        if length_s is None and source.at_end:
            # a FLAC file cut short: what was decoded until there is in the buffer
            return buffer[: int(np.argmax(np.isnan(np.append(buffer[:, 0], np.nan))))]
        where = f"{done / file.samplerate:.1f} s" + ("" if length_s is None else f" of {length_s:.1f} s")
        if source.at_end:
            raise CorruptAudioError(f"ends at {where}") from error
        raise CorruptAudioError(f"damaged at {where}: {_reason(error)}") from error
    return piece


# -- FFmpeg -------------------------------------------------------------------------------------------------


def _ffmpeg(fd: int, name: str, start: int, refused: str = "") -> Iterator[Stream]:
    """Decode what libsndfile does not know, or has refused for the given reason."""
    if not _pyav.available():
        if refused:
            raise CorruptAudioError(
                f"damaged {name} file ({refused}), or one whose codec needs PyAV: pip install edgemood[av]"
            )
        raise UnsupportedFormatError(f"{name} needs PyAV: pip install edgemood[av]")
    try:
        with _pyav.opened(fd, name, start) as (announced, frames):
            first = next(frames, None)
            if first is None:
                raise CorruptAudioError(f"damaged {name} file: nothing in it can be decoded")
            yield Stream(first[0], 1, announced, _gathered(first, frames))
    except CorruptAudioError as error:  # of opening and the first frame: later ones come out of the pieces
        if not refused:
            raise
        raise CorruptAudioError(f"damaged {name} file: {refused}") from error


def _gathered(first: tuple[int, Samples], frames: _pyav.Frames) -> Iterator[Samples]:
    """Join FFmpeg's frames into larger pieces."""
    rate, waiting, count = first[0], [first[1]], len(first[1])
    for rate_hz, mono in frames:
        if rate_hz != rate:
            raise UnsupportedFormatError(f"changes its sample rate from {rate} to {rate_hz} Hz")
        waiting.append(mono)
        count += len(mono)
        if count >= _DECODE_SIZE:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)
