"""Moods in Vorbis comments, MP4 and ASF, as mutagen writes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO

from edgemood import _mp4
from edgemood._moods import Moods, is_mood
from edgemood.errors import TagError, UnsupportedFormatError

_FREEFORM = "----:com.apple.iTunes:"


class Comments:
    """Vorbis comments, of FLAC and Ogg."""

    key = "MOOD"

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._media = file, _comments_reader(file)(file)
        if self._media.tags is None:
            self._media.add_tags()
        if any("\N{REPLACEMENT CHARACTER}" in value for _, value in self._media.tags):  # mutagen has put it there
            raise TagError("one of its comments is not UTF-8, and would be lost")

    @property
    def moods(self) -> Moods:
        return tuple((key, (value,)) for key, value in self._media.tags if is_mood(key))

    def write(self, moods: Moods) -> None:
        tags = self._media.tags
        tags[:] = [(key, value) for key, value in tags if not is_mood(key)]
        tags.extend((key, value) for key, values in moods for value in values)
        self._file.seek(0)
        self._media.save(self._file)

    def rest(self) -> object:
        pictures = [picture.write() for picture in getattr(self._media, "pictures", ())]
        return [(key, value) for key, value in self._media.tags if not is_mood(key)], pictures


def _comments_reader(file: BinaryIO) -> Callable[[BinaryIO], Any]:
    from mutagen import flac, oggflac, oggopus, oggspeex, oggvorbis

    page = os.pread(file.fileno(), 4096, 0)
    if page[:4] != b"OggS":
        return _made(flac.FLAC)
    codecs = {b"\x01vorbis": oggvorbis.OggVorbis, b"OpusHead": oggopus.OggOpus}
    codecs |= {b"\x7fFLAC": oggflac.OggFLAC, b"Speex   ": oggspeex.OggSpeex}
    for magic, reader in codecs.items():
        if magic in page:
            return _made(reader)
    raise UnsupportedFormatError("Ogg with such a stream has no known place for a mood")


def _made(reader: Callable[[BinaryIO], Any]) -> Callable[[BinaryIO], Any]:
    def read(file: BinaryIO) -> Any:
        file.seek(0)
        return reader(file)

    return read


class Mp4:
    """A freeform item, as iTunes and all since write what has no name of four letters."""

    key = f"{_FREEFORM}MOOD"

    def __init__(self, file: BinaryIO) -> None:
        from mutagen.mp4 import MP4

        self._file, self._media = file, _made(MP4)(file)
        if self._media.tags is None:
            self._media.add_tags()

    @property
    def moods(self) -> Moods:
        tags = self._media.tags
        return tuple((key, tuple(bytes(value).decode("utf-8") for value in tags[key])) for key in self._keys())

    def write(self, moods: Moods) -> None:
        from mutagen import mp4

        freeform: Any = mp4.MP4FreeForm
        for key in self._keys():
            del self._media.tags[key]
        for key, values in moods:
            self._media.tags[key] = [freeform(value.encode("utf-8")) for value in values]
        self._file.seek(0)
        self._media.save(self._file)

    def rest(self) -> object:
        own = self._keys()
        others = {key: value for key, value in self._media.tags.items() if key not in own}
        return others, _mp4.layout(self._file.fileno())

    def _keys(self) -> list[str]:
        return [key for key in self._media.tags if key.startswith("----:") and is_mood(key.rpartition(":")[2])]


class Asf:
    """Attributes of ASF (WMA)."""

    key = "WM/Mood"

    def __init__(self, file: BinaryIO) -> None:
        from mutagen.asf import ASF

        self._file, self._media = file, _made(ASF)(file)

    @property
    def moods(self) -> Moods:
        return tuple((key, (str(value),)) for key, value in self._media.tags if key.casefold() == "wm/mood")

    def write(self, moods: Moods) -> None:
        tags = self._media.tags
        tags[:] = self._others()
        for key in dict.fromkeys(key for key, _ in moods):
            tags[key] = [value for name, values in moods if name == key for value in values]
        self._file.seek(0)
        self._media.save(self._file)

    def rest(self) -> object:
        return sorted((key, value.TYPE, bytes(value)) for key, value in self._others())

    def _others(self) -> list[tuple[str, Any]]:
        return [(key, value) for key, value in self._media.tags if key.casefold() != "wm/mood"]
