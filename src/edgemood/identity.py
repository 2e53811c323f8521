"""Who a file is: a hash of its audio that survives retagging and moving, and what its tags say."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

import mutagen
from mutagen import MutagenError
from mutagen.apev2 import APEv2
from mutagen.easyid3 import EasyID3

from edgemood import _mpeg, _ogg
from edgemood._containers import chunks, container, id3v2_end, open_regular, tail_tags_start
from edgemood.domain import Tags

_PIECE = 1 << 20
_MAX_TAG_LENGTH = 1000
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def content_hash(path: str | os.PathLike[str]) -> bytes:
    """Hash the encoded audio of a file without its tags: 16 bytes of BLAKE2b.

    Left out are ID3v2, ID3v1, APEv2 and Lyrics3 tags around any audio, the metadata blocks of FLAC, the comments and
    page headers of Ogg, and all but the media data of MP4, WMA, WAV (also the format) and AIFF (also the common
    chunk). A file that is not what it seems is hashed as a whole. Reads the file once, in pieces of at most 1 MB.

    Raises
    ------
    UnreadableError
        The file is missing, not permitted, not a regular file, or fails while being read.

    """
    with open_regular(path) as (fd, size):
        start = id3v2_end(fd)
        parts = _PARTS.get(container(fd, start), _without_tags)
        try:
            digest, hashed = _digest(parts(fd, start, size))
        except ValueError:
            hashed = 0
        if not hashed:
            digest, _ = _digest(_span(fd, 0, size))
    return digest


def _digest(parts: Iterable[bytes]) -> tuple[bytes, int]:
    state, length = hashlib.blake2b(digest_size=16), 0
    for part in parts:
        state.update(part)
        length += len(part)
    return state.digest(), length


def _span(fd: int, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        piece = os.pread(fd, min(_PIECE, end - start), start)
        if not piece:
            return
        yield piece
        start += len(piece)


def _without_tags(fd: int, start: int, size: int) -> Iterator[bytes]:
    """MP3, AAC, Monkey's Audio, Musepack...: everything between the tags at the front and at the end."""
    first = _mpeg.first_frame(fd, size)
    start = start if first is None else first
    return _span(fd, start, tail_tags_start(fd, start, size))


def _flac(fd: int, start: int, size: int) -> Iterator[bytes]:
    """FLAC: the frames behind the last metadata block."""
    at, last = start + 4, False
    while not last:
        head = os.pread(fd, 4, at)
        if len(head) < 4:
            raise ValueError("no FLAC frames")
        last = head[0] >= 0x80
        at += 4 + int.from_bytes(head[1:], "big")
    return _span(fd, at, tail_tags_start(fd, at, size))


def _ogg_payloads(fd: int, start: int, size: int) -> Iterator[bytes]:
    if start:
        raise ValueError("an ID3 tag before Ogg pages")
    return _ogg.payloads(fd, size)


def _mp4(fd: int, start: int, size: int) -> Iterator[bytes]:
    """MP4: the payloads of the top-level ``mdat`` boxes."""
    at = start
    while at + 8 <= size:
        head = os.pread(fd, 16, at)
        length, payload = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, payload = int.from_bytes(head[8:16], "big"), at + 16
        end = size if length == 0 else at + length
        if end < payload:
            raise ValueError(f"an MP4 box of {length} bytes")
        if head[4:8] == b"mdat":
            yield from _span(fd, payload, min(end, size))
        at = end


def _chunked(fd: int, start: int, size: int) -> Iterator[bytes]:
    """WAV and AIFF: the chunks that say what the samples are, and the samples."""
    if start:
        raise ValueError("an ID3 tag before chunks")
    for name, payload, length in chunks(fd, size):
        if name in (b"fmt ", b"data", b"COMM", b"SSND"):
            yield from _span(fd, payload, min(payload + length, size))


def _asf(fd: int, start: int, size: int) -> Iterator[bytes]:
    """WMA: the data object."""
    at = start
    while at + 24 <= size:
        head = os.pread(fd, 24, at)
        length = int.from_bytes(head[16:], "little")
        if length < 24:
            raise ValueError(f"an ASF object of {length} bytes")
        if head[:16] == _ASF_DATA:
            yield from _span(fd, at + 24, min(at + length, size))
        at += length


_PARTS: Mapping[str, Callable[[int, int, int], Iterator[bytes]]] = {
    "FLAC": _flac,
    "Ogg": _ogg_payloads,
    "MP4": _mp4,
    "WAV": _chunked,
    "AIFF": _chunked,
    "WMA": _asf,
}


# -- tags ---------------------------------------------------------------------------------------------------

#: What each field is called: Vorbis comments and mutagen's easy names, APEv2, ID3, ASF, RIFF INFO.
_NAMES = {
    "title": ("title", "Title", "TIT2", "INAM"),
    "artist": ("artist", "Artist", "TPE1", "Author", "IART"),
    "album": ("album", "Album", "TALB", "WM/AlbumTitle", "IPRD"),
    "genre": ("genre", "Genre", "TCON", "WM/Genre", "IGNR"),
}
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def read_tags(path: str | os.PathLike[str]) -> Tags:
    """Read title, artist, album and genre, whatever the format; several values of one are joined by ``"; "``.

    Control characters become spaces, what is not valid text the replacement character, and each value is cut at
    1,000 characters. A file without tags, with bad ones, or that cannot be read gives empty strings.
    """
    try:
        with open_regular(path) as (fd, size), open(fd, "rb", closefd=False) as file:
            sources = [_mutagen_tags(file)]
            if container(fd) == "WAV":
                sources.append(_riff_info(fd, size))
            return Tags(**{field: _field(sources, names) for field, names in _NAMES.items()})
    except Exception:  # there is no telling what a damaged file makes parsers of eighteen formats raise
        return Tags()


def recording_id(path: str | os.PathLike[str]) -> str:
    """Read MusicBrainz' id of the recording from a file's tags, in lower case; empty where there is none."""
    try:
        with open_regular(path) as (fd, _), open(fd, "rb", closefd=False) as file:
            named = _field([_mutagen_tags(file)], ("musicbrainz_trackid", "MusicBrainz/Track Id"))
    except Exception:  # as above
        return ""
    return named.split(";")[0].strip().lower()


def _mutagen_tags(file: BinaryIO) -> Any:
    """Give mutagen's mapping of names to values; empty where mutagen finds none."""
    with suppress(Exception):  # as above; other sources may still say something
        media = mutagen.File(file, easy=True)
        if media is not None and media.tags:
            return media.tags
    for reader in (EasyID3, APEv2):  # on formats that have no business with them
        with suppress(MutagenError):
            file.seek(0)
            return reader(file)
    return {}


def _riff_info(fd: int, size: int) -> dict[str, list[str]]:
    """Read the ``LIST INFO`` chunk of a WAV file, which mutagen does not."""
    found: dict[str, list[str]] = {}
    for name, start, length in chunks(fd, size):
        if name != b"LIST" or os.pread(fd, 4, start) != b"INFO":
            continue
        info, at = os.pread(fd, min(length, 1 << 16), start), 4
        while at + 8 <= len(info):
            held = int.from_bytes(info[at + 4 : at + 8], "little")
            value = info[at + 8 : at + 8 + held].decode("utf-8", "replace")
            found[info[at : at + 4].decode("latin-1")] = [value]
            at += 8 + held + held % 2
    return found


def _field(sources: Iterable[Any], names: Iterable[str]) -> str:
    """Find the first of some names that any source has text for."""
    for source, name in itertools.product(sources, names):
        value = source.get(name) or []
        texts = getattr(value, "text", value)  # an ID3 frame has its values in `text`
        parts = [str(part) for part in getattr(value, "genres", texts)]  # one of genres may name them by number
        text = "; ".join(filter(None, (_UNPRINTABLE.sub(" ", part).strip() for part in parts)))
        if text:
            return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text[:_MAX_TAG_LENGTH])
    return ""
