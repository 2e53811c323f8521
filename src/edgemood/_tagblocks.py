"""Moods in ID3v2 and APEv2 tags, before or behind the audio or in a chunk of it: changed in place, the rest moves."""

from __future__ import annotations

import os
from typing import BinaryIO

from edgemood import _ape, _id3
from edgemood._containers import before_tail_tag, chunks, tail_tags_start
from edgemood._moods import Moods
from edgemood.errors import TagError, UnsupportedFormatError

_PIECE = 1 << 20
_LARGEST_TAG = 64 << 20  # bytes
_LONGEST_RIFF = (1 << 32) - 1


class _OfId3:
    """What an ID3 tag says, wherever it lies."""

    _tag: _id3.Tag

    @property
    def key(self) -> str:
        return _id3.key_of(self._tag.version)

    @property
    def moods(self) -> Moods:
        return self._tag.moods

    def rest(self) -> object:
        return self._tag.with_moods(()).frames


class Id3(_OfId3):
    """A tag that lies at [start, end) of a file; an empty span where there is none yet."""

    def __init__(self, fd: int, start: int, end: int) -> None:
        self._fd, self._start, self._end = fd, start, end
        data = _read(fd, start, end)
        self._tag = _id3.Tag.parse(data) if data else _id3.Tag()

    def write(self, moods: Moods) -> None:
        self._tag = self._tag.with_moods(moods)
        _splice(self._fd, self._start, self._end, self._tag.pack(self._end - self._start))


class Chunk(_OfId3):
    """An ID3 tag in a chunk of a WAV or AIFF file."""

    def __init__(self, file: BinaryIO) -> None:
        fd = self._fd = file.fileno()
        self._size = os.fstat(fd).st_size
        self._form = os.pread(fd, 4, 0)
        if self._form not in (b"RIFF", b"FORM"):
            raise UnsupportedFormatError("WAV files of more than 4 GB have no known place for a mood")
        self._start = self._end = 0
        tag = b""
        for name, at, length in chunks(fd, self._size):
            if at + length > self._size:
                raise TagError(f"its chunk {name!r} does not end where it says")
            if name.upper() == b"ID3 " and not tag:
                tag = _read(fd, at, at + length)
                self._start, self._end = at - 8, min(at + length + length % 2, self._size)
        if not self._start:
            self._start = self._end = self._size
        self._tag = _id3.Tag.parse(tag) if tag[:3] == b"ID3" else _id3.Tag()

    def write(self, moods: Moods) -> None:
        self._tag = self._tag.with_moods(moods)
        tag = self._tag.pack(self._end - self._start - 8)
        if tag:
            name = b"id3 " if self._form == b"RIFF" else b"ID3 "
            tag = name + self._number(len(tag)) + tag + bytes(len(tag) % 2)
            tag = bytes(self._start % 2) + tag  # chunks begin at even places; a writer may have forgotten the last one
        length = self._size - (self._end - self._start) + len(tag)
        if length - 8 > _LONGEST_RIFF:
            raise TagError("it has no room for a tag: such a file holds 4 GB")
        _splice(self._fd, self._start, self._end, tag)
        os.pwrite(self._fd, self._number(length - 8), 4)

    def _number(self, value: int) -> bytes:
        return value.to_bytes(4, "little" if self._form == b"RIFF" else "big")


class Ape:
    """An APEv2 tag at the end of a file, before ID3v1 and the like."""

    key = "Mood"

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        if os.pread(fd, 8, 0) == b"APETAGEX":
            raise TagError("its APE tag lies before the audio")
        self._start = self._end = tail_tags_start(fd, 0, size)
        end = size
        while (start := before_tail_tag(fd, end)) < end:
            if os.pread(fd, 8, end - _ape.FOOTER) == b"APETAGEX":
                self._start, self._end = start, end
                break
            end = start
        data = _read(fd, self._start, self._end)
        self._tag = _ape.Tag.parse(data) if data else _ape.Tag()

    @property
    def exists(self) -> bool:
        """Whether there is a tag."""
        return self._end > self._start

    @property
    def moods(self) -> Moods:
        return self._tag.moods

    def write(self, moods: Moods) -> None:
        self._tag = self._tag.with_moods(moods)
        _splice(self._fd, self._start, self._end, self._tag.pack())

    def rest(self) -> object:
        return self._tag.with_moods(()).items


def _read(fd: int, start: int, end: int) -> bytes:
    if not 0 <= start <= end or end - start > _LARGEST_TAG:
        raise TagError("its tag is damaged, or larger than any that makes sense")
    data = b""
    while len(data) < end - start:
        piece = os.pread(fd, end - start - len(data), start + len(data))
        if not piece:
            raise TagError("it ends within its tag")
        data += piece
    return data


def _splice(fd: int, start: int, end: int, content: bytes) -> None:
    """Put `content` in the place of the bytes [start, end) of a file; what lies behind them moves."""
    size, shift = os.fstat(fd).st_size, len(content) - (end - start)
    places = range(end, size, _PIECE)
    for at in reversed(places) if shift > 0 else places if shift < 0 else ():
        _write(fd, _read(fd, at, min(at + _PIECE, size)), at + shift)
    if shift < 0:
        os.ftruncate(fd, size + shift)
    _write(fd, content, start)


def _write(fd: int, content: bytes, at: int) -> None:
    while content:
        written = os.pwrite(fd, content, at)
        content, at = content[written:], at + written
