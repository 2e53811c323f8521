"""What lies in an audio file: opening it safely, telling its format by content, finding its parts.

Everything reads by position (``os.pread``) from a file descriptor, so that decoders and parsers never
disturb each other's place in the file.
"""

from __future__ import annotations

import io
import os
import stat
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from edgemood.errors import UnreadableError

Span = tuple[int, int]  # [start, end) in bytes

_READ_SIZE = 1 << 16  # bytes read at a time for those who take few


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[tuple[int, int]]:
    """Open a regular file for reading: gives its descriptor and its size in bytes.

    Never blocks: directories, FIFOs, sockets and devices are refused before they are opened. Any `OSError`,
    here or in the body of the ``with`` statement, becomes `UnreadableError`.
    """
    fd = -1
    try:
        _refuse_special(Path(path).stat())
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(fd)
        _refuse_special(status)  # it may have been replaced since
        yield fd, status.st_size
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror or error}") from error
    except (ValueError, UnicodeError) as error:
        if fd >= 0:
            raise
        raise UnreadableError(f"not a file name: {error}") from error
    finally:
        if fd >= 0:
            os.close(fd)


def _refuse_special(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableError("is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("is not a regular file (a pipe, socket or device)")


class SpanFile(io.RawIOBase):
    """Some bytes, then some spans of a file, as one read-only seekable file.

    A read error is kept in `error` and looks like the end of the file: libsndfile's callbacks cannot raise.
    """

    def __init__(self, fd: int, spans: Sequence[Span], prefix: bytes = b"") -> None:
        super().__init__()
        self._fd = fd
        self._prefix = prefix
        self._spans = spans
        self._starts = []  # where each span begins in this file
        self._size = len(prefix)
        for start, end in spans:
            self._starts.append(self._size)
            self._size += end - start
        self._position = 0
        self.error: OSError | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one read can; 0 at the end or after an error."""
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            count = self._read_some(view[filled:])
            if not count:
                break
            self._position += count
            filled += count
        return filled

    def _read_some(self, view: memoryview) -> int:
        if self._position < len(self._prefix):
            piece = self._prefix[self._position : self._position + len(view)]
            view[: len(piece)] = piece
            return len(piece)
        index = bisect_right(self._starts, self._position) - 1
        if index < 0:
            return 0
        start, end = self._spans[index]
        offset = start + self._position - self._starts[index]
        if offset >= end:
            return 0
        try:
            return os.preadv(self._fd, [view[: end - offset]], offset)
        except OSError as error:
            self.error = error
            return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and give the new position; before the start is the start."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    @property
    def size(self) -> int:
        """The length in bytes."""
        return self._size

    @property
    def at_end(self) -> bool:
        """Whether everything up to the end has been read."""
        return self._position >= self._size


class SpanReader(io.BufferedReader):
    """A `SpanFile` for who reads a few bytes at a time, as decoders of MP3 do."""

    def __init__(self, fd: int, spans: Sequence[Span], prefix: bytes = b"") -> None:
        self._file = SpanFile(fd, spans, prefix)
        super().__init__(self._file, _READ_SIZE)

    @property
    def error(self) -> OSError | None:
        """The read error that looked like the end of the file."""
        return self._file.error

    @property
    def at_end(self) -> bool:
        """Whether everything up to the end has been taken."""
        return self.tell() >= self._file.size


# Content at the start of a file (behind any ID3v2 tag) -> container. Ordered; each entry: offset, bytes, name.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (8, b"WAVE", "WAV"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (4, b"ftyp", "MP4"),
    (4, b"moov", "MP4"),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "WMA"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "True Audio"),
    (0, b"TTA2", "True Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack 7"),
    (0, b"DSD ", "DSF"),
    (0, b"FRM8", "DSDIFF"),
    (0, b"tBaK", "TAK"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x0b\x77", "AC-3"),
)


def container(fd: int, start: int = 0) -> str:
    """Tell the container that the bytes at `start` announce; an empty string if none (MP3 has no magic)."""
    head = os.pread(fd, 16, start)
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset != 8 or head[:4] in _CHUNKED):
            return name
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"  # ADTS: the sync word, layer bits 0
    return ""


_CHUNKED = {b"RIFF", b"RF64", b"BW64", b"FORM"}


def chunks(fd: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks of a WAV, RF64 or AIFF file: id, where the payload starts, and its length as declared.

    A length of all ones in an RF64 file is replaced by the one in its ``ds64`` chunk. Stops where the file ends.
    """
    form = os.pread(fd, 4, 0)
    order: Literal["big", "little"] = "big" if form == b"FORM" else "little"
    offset, data_size = 12, None
    while offset + 8 <= size:
        head = os.pread(fd, 8, offset)
        length = int.from_bytes(head[4:], order)
        if head[:4] == b"ds64":
            data_size = int.from_bytes(os.pread(fd, 8, offset + 16), "little")
        if head[:4] == b"data" and length == 0xFFFFFFFF and data_size is not None:
            length = data_size
        yield head[:4], offset + 8, length
        offset += 8 + length + length % 2


def id3v2_end(fd: int) -> int:
    """Where the ID3v2 tags at the front end (0 where there are none), padding and footer included."""
    offset = 0
    while True:
        head = os.pread(fd, 10, offset)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 127 or 0xFF in head[3:5]:
            return offset
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + length + (10 if head[5] & 0x10 else 0)


def tail_tags_start(fd: int, start: int, size: int) -> int:
    """Where the tags at the end of a file begin: ID3v1, APEv2 and Lyrics3 in any order; `size` without any."""
    end = size
    while True:
        shorter = before_tail_tag(fd, end)
        if shorter >= end or shorter < start:
            return end
        end = shorter


def before_tail_tag(fd: int, end: int) -> int:
    """Where the tag begins that ends at `end`; `end` where none does."""
    tail = os.pread(fd, min(end, 160), max(0, end - 160)).rjust(160, b"\0")
    if tail[-128:-125] == b"TAG":
        return end - 128
    if tail[-32:-24] == b"APETAGEX":
        length = int.from_bytes(tail[-20:-16], "little")  # without the header, which flag 31 announces
        has_header = tail[-9] & 0x80
        return end - length - (32 if has_header else 0) if length >= 32 else end
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return end - 15 - int(tail[-15:-9])
    if tail[-9:] == b"LYRICSEND":  # Lyrics3 v1: at most 5,100 bytes, found by its opening
        window = os.pread(fd, min(end, 5200), max(0, end - 5200))
        opening = window.rfind(b"LYRICSBEGIN")
        return end - (len(window) - opening) if opening >= 0 else end
    return end
