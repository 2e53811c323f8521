"""ID3v2 tags, changed frame by frame: every frame that is not a mood stays as it is, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgemood._moods import Moods, is_mood
from edgemood.errors import TagError

HEADER = 10  # bytes
_PADDING = 1024  # bytes of room for the next program, where a tag has to grow
_LARGEST = 1 << 28  # bytes: what the size field can say
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_TEXT_OF_USER = {2: b"TXX", 3: b"TXXX", 4: b"TXXX"}
_UNSYNCHRONISED, _EXTENDED = 0x80, 0x40  # flags of the header


def key_of(version: int) -> str:
    """Give the frame that holds a mood: TMOO came with version 4; before, programs write a text frame of the user."""
    return "TMOO" if version == 4 else f"{_TEXT_OF_USER[version].decode()}:MOOD"


@dataclass(frozen=True)
class Tag:
    """A tag: its version, its frames with their headers, and how they are written."""

    version: int = 4
    frames: tuple[bytes, ...] = ()
    flags: int = 0
    plain_sizes: bool = False  # of version 4, as an old iTunes wrote it

    @classmethod
    def parse(cls, data: bytes) -> Tag:
        """Take a tag apart; TagError where it is damaged, so that nothing of it is lost."""
        version, flags = data[3], data[5]
        if version not in _TEXT_OF_USER or (version == 2 and flags & _EXTENDED):
            raise TagError(f"its tag is of a kind of ID3v2.{version} that is not known")
        body = data[HEADER : HEADER + _synchsafe(data[6:HEADER])]
        if version < 4 and flags & _UNSYNCHRONISED:
            body = body.replace(b"\xff\0", b"\xff")
        if version > 2 and flags & _EXTENDED:
            body = body[_extended_length(body, version) :]
        kept = flags & ~_EXTENDED & ~0x10  # neither extended header nor footer is written again
        for plain in (version < 4, True):
            frames = _walk(body, version, int_of if plain else _synchsafe)
            if frames is not None:
                return cls(version, frames, kept, plain and version == 4)
        raise TagError("its ID3 tag is damaged")

    @property
    def moods(self) -> Moods:
        """The moods it names."""
        found = ((key, values) for key, values in map(self._mood, self.frames) if key)
        return tuple(found)

    def with_moods(self, moods: Moods) -> Tag:
        """Give a tag with these moods in place of its own."""
        others = tuple(frame for frame in self.frames if not self._mood(frame)[0])
        return replace(self, frames=others + tuple(self._frame(key, values) for key, values in moods))

    def pack(self, room: int = 0) -> bytes:
        """Write it, as long as `room` bytes where they suffice, else with new padding; nothing if it has no frame."""
        if not self.frames:
            return b""
        body = b"".join(self.frames)
        if self.version < 4 and self.flags & _UNSYNCHRONISED:
            body = re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", body)
        length = room - HEADER if len(body) + HEADER <= room else len(body) + _PADDING
        if length >= _LARGEST:
            raise TagError("its ID3 tag has no room for a mood")
        head = b"ID3" + bytes((self.version, 0, self.flags)) + _as_synchsafe(length)
        return head + body.ljust(length, b"\0")

    def _mood(self, frame: bytes) -> tuple[str, tuple[str, ...]]:
        """Give key and values of a frame that names moods; an empty key for others."""
        name = frame[: _id_length(self.version)]
        if name not in (b"TMOO", _TEXT_OF_USER[self.version]):
            return "", ()
        parts = self._texts(frame)
        if name == b"TMOO":
            if parts is None:
                raise TagError("what it says of a mood cannot be read")
            return "TMOO", parts
        if not parts or not is_mood(parts[0]):
            return "", ()
        return f"{name.decode()}:{parts[0]}", parts[1:]

    def _texts(self, frame: bytes) -> tuple[str, ...] | None:
        """Read the texts of a text frame; None where they are compressed, encrypted or of no known encoding."""
        body, flags = frame[_head_length(self.version) :], frame[9] if self.version > 2 else 0
        if flags & (0xC0 if self.version == 3 else 0x0C):
            return None
        if flags & (0x20 if self.version == 3 else 0x40):  # of a group
            body = body[1:]
        if self.version == 4:
            body = body[4:] if flags & 1 else body  # how long it is
            body = body.replace(b"\xff\0", b"\xff") if flags & 2 or self.flags & _UNSYNCHRONISED else body
        if not body:
            return ()
        try:
            text = body[1:].decode(_ENCODINGS[body[0]])
        except (IndexError, UnicodeDecodeError):
            return None
        texts = text.replace("\ufeff", "").split("\0")
        while texts and not texts[-1]:  # the end of a text may be marked
            texts.pop()
        return tuple(texts)

    def _frame(self, key: str, values: tuple[str, ...]) -> bytes:
        name, colon, description = key.partition(":")
        texts = (description, *values) if colon else values
        body = _encoded("\0".join(texts), self.version, texts)
        if self.version == 2:
            return name.encode() + len(body).to_bytes(3, "big") + body
        plain = self.version == 3 or self.plain_sizes
        size = len(body).to_bytes(4, "big") if plain else _as_synchsafe(len(body))
        return name.encode() + size + b"\0\0" + body


def _encoded(text: str, version: int, texts: tuple[str, ...]) -> bytes:
    if version == 4:
        return b"\3" + text.encode("utf-8")
    try:
        return b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:  # each text has a mark of the order of bytes
        return b"\1" + b"\0\0".join(b"\xff\xfe" + part.encode("utf-16-le") for part in texts)


def _walk(body: bytes, version: int, size_of: Callable[[bytes], int]) -> tuple[bytes, ...] | None:
    """Cut the frames apart; None where that does not come out even."""
    frames, at, head, named = [], 0, _head_length(version), _id_length(version)
    while at + head <= len(body) and body[at]:
        if not re.fullmatch(rb"[A-Z][A-Z0-9]{2}[A-Z0-9 \0]?", body[at : at + named]):
            return None
        end = at + head + size_of(body[at + named : at + 2 * named])
        if end > len(body):
            return None
        frames.append(body[at:end])
        at = end
    return None if body[at:].strip(b"\0") else tuple(frames)


def _extended_length(body: bytes, version: int) -> int:
    if re.match(rb"[A-Z][A-Z0-9]{3}", body):  # announced, but not there: some programs did that
        return 0
    return _synchsafe(body[:4]) if version == 4 else 4 + int_of(body[:4])


def _id_length(version: int) -> int:
    return 3 if version == 2 else 4


def _head_length(version: int) -> int:
    return 6 if version == 2 else 10


def int_of(data: bytes) -> int:
    """Read a number of plain bytes, the greatest first."""
    return int.from_bytes(data, "big")


def _synchsafe(data: bytes) -> int:
    if max(data, default=0) > 127:
        return _LARGEST  # more than there can be
    return sum(byte << 7 * place for place, byte in enumerate(reversed(data)))


def _as_synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
