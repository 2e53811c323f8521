"""Where each format of audio files keeps a mood, and how it is read, written and taken out again.

The names are those of MusicBrainz Picard, which other programs share: TMOO (ID3v2.4), TXXX:MOOD (older ID3v2, which
has no TMOO), MOOD (FLAC, Ogg), ``----:com.apple.iTunes:MOOD`` (MP4), Mood (APEv2), WM/Mood (ASF).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO, Protocol

from edgemood import _id3, _mpeg
from edgemood._containers import container, id3v2_end, tail_tags_start
from edgemood._moods import Moods
from edgemood._tagblocks import Ape, Chunk, Id3
from edgemood._tagmedia import Asf, Comments, Mp4
from edgemood.errors import TagError, UnsupportedFormatError


class Field(Protocol):
    """The mood of one file. Every method may raise TagError, and whatever a parser of damaged files raises."""

    @property
    def key(self) -> str:
        """What the format calls a mood."""

    @property
    def moods(self) -> Moods:
        """The moods that the file names."""

    def write(self, moods: Moods) -> None:
        """Put these moods in place of its own; the file has to be open to read and write."""

    def rest(self) -> object:
        """Give all other tags, to be compared."""


def of(file: BinaryIO) -> Field:
    """Give the mood field of an open file; UnsupportedFormatError where its format has none that could be written."""
    fd = file.fileno()
    size = os.fstat(fd).st_size
    start = id3v2_end(fd)
    kind = container(fd, start)
    if make := _KINDS.get(kind):
        return make(file)
    if kind in _APE:
        return Ape(fd, size)
    if kind in ("AAC", "True Audio") or (not kind and _mpeg.first_frame(fd, size) is not None):
        return _in_front(fd, start, size)
    raise UnsupportedFormatError(f"{kind or 'this'} is a format without a known place for a mood")


def _in_front(fd: int, start: int, size: int) -> Field:
    """Of MP3 and others that are tagged around the audio."""
    if start:
        return Id3(fd, 0, _first_tag_end(fd))
    tail = tail_tags_start(fd, 0, size)
    if tail < size:
        ape = Ape(fd, size)
        if ape.exists:
            return ape
        if os.pread(fd, 3, size - 128) == b"TAG":  # an ID3v2 tag with a mood alone would hide what the old one says
            raise TagError("it has an ID3v1 tag only, which holds no mood: let a tagger add ID3v2")
    return Id3(fd, 0, 0)


def _first_tag_end(fd: int) -> int:
    head = os.pread(fd, _id3.HEADER, 0)
    length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return _id3.HEADER + length + (_id3.HEADER if head[5] & 0x10 else 0)


_APE = frozenset({"Monkey's Audio", "WavPack", "Musepack", "Musepack 7", "TAK"})
_KINDS: Mapping[str, Callable[[BinaryIO], Field]] = {
    "FLAC": Comments,
    "Ogg": Comments,
    "MP4": Mp4,
    "WMA": Asf,
    "WAV": Chunk,
    "AIFF": Chunk,
}
