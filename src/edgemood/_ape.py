"""APEv2 tags, changed item by item: every item that is not a mood stays as it is, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

from edgemood._moods import Moods, is_mood
from edgemood.errors import TagError

_MARK = b"APETAGEX"
FOOTER = 32  # bytes; a header is as long
_VERSION = 2000
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29
_BINARY = 6  # bits of an item's flags: 0 is text


@dataclass(frozen=True)
class Tag:
    """A tag: its items as they are written."""

    items: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Tag:
        """Take a tag apart, header and footer included; TagError where it is damaged, so that nothing is lost."""
        footer = data[-FOOTER:]
        version, size, count, _ = (_number(footer[at : at + 4]) for at in (8, 12, 16, 20))
        if footer[:8] != _MARK or version != _VERSION:
            raise TagError("its APE tag is of a version that is not known")
        body, items = data[len(data) - size : -FOOTER], []
        while body:
            end = body.find(b"\0", 8) + 1
            end += _number(body[:4])
            if len(body) < 11 or end < 11 or end > len(body):
                raise TagError("its APE tag is damaged")
            items.append(body[:end])
            body = body[end:]
        if len(items) != count:
            raise TagError("its APE tag is damaged")
        return cls(tuple(items))

    @property
    def moods(self) -> Moods:
        """The moods it names."""
        try:
            return tuple(
                (_key(item), tuple(_value(item).decode("utf-8").split("\0"))) for item in self.items if _is_mood(item)
            )
        except UnicodeDecodeError as error:
            raise TagError("what it says of a mood cannot be read") from error

    def with_moods(self, moods: Moods) -> Tag:
        """Give a tag with these moods in place of its own."""
        others = tuple(item for item in self.items if not _is_mood(item))
        return Tag(others + tuple(_item(key, values) for key, values in moods))

    def pack(self) -> bytes:
        """Write it, with header and footer; nothing if it has no item."""
        if not self.items:
            return b""
        body = b"".join(self.items)
        size, count = len(body) + FOOTER, len(self.items)
        header, footer = (_end(size, count, flags) for flags in (_HAS_HEADER | _IS_HEADER, _HAS_HEADER))
        return header + body + footer


def _is_mood(item: bytes) -> bool:
    return is_mood(_key(item)) and not item[4] & _BINARY


def _key(item: bytes) -> str:
    return item[8 : item.index(b"\0", 8)].decode("latin-1")


def _value(item: bytes) -> bytes:
    return item[item.index(b"\0", 8) + 1 :]


def _item(key: str, values: tuple[str, ...]) -> bytes:
    value = "\0".join(values).encode("utf-8")
    return len(value).to_bytes(4, "little") + bytes(4) + key.encode("latin-1") + b"\0" + value


def _end(size: int, count: int, flags: int) -> bytes:
    return _MARK + b"".join(number.to_bytes(4, "little") for number in (_VERSION, size, count, flags)) + bytes(8)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
