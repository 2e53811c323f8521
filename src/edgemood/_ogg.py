"""The pages of an Ogg file, its logical streams and their packets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from edgemood._containers import Span

_FIRST = 2  # page flag: a logical stream begins
_PIECE = 1 << 20


@dataclass(frozen=True)
class Page:
    """One page: where it starts, its header, and the lengths of its packet segments."""

    offset: int
    flags: int
    serial: int
    lacing: bytes

    @property
    def body(self) -> int:
        """Where the payload starts."""
        return self.offset + 27 + len(self.lacing)

    @property
    def end(self) -> int:
        """Where the page ends."""
        return self.body + sum(self.lacing)

    @property
    def first(self) -> bool:
        """Whether a logical stream begins here."""
        return bool(self.flags & _FIRST)


def pages(fd: int, size: int) -> Iterator[Page]:
    """Walk the whole pages of an Ogg file, going on behind junk; a gap shows in the offsets."""
    at, base, piece = 0, 0, b""
    while at + 27 <= size:
        if at + 27 + 255 > base + len(piece):
            base, piece = at, os.pread(fd, _PIECE, at)
        here = at - base
        if piece[here : here + 4] != b"OggS":
            found = _next_capture(fd, at + 1, size)
            if found is None:
                return
            at = found
            continue
        lacing = piece[here + 27 : here + 27 + piece[here + 26]]
        page = Page(at, piece[here + 5], int.from_bytes(piece[here + 14 : here + 18], "little"), lacing)
        if len(lacing) < piece[here + 26] or page.end > size:
            return
        yield page
        at = page.end


def _next_capture(fd: int, start: int, size: int) -> int | None:
    while start < size:
        piece = os.pread(fd, _PIECE, start)
        found = piece.find(b"OggS")
        if found >= 0:
            return start + found
        if len(piece) < 4:
            return None
        start += len(piece) - 3
    return None


@dataclass(frozen=True)
class OggLayout:
    """links: the chained streams, up to the last whole page; lost_bytes: junk between pages; cut: ends inside one."""

    links: tuple[Span, ...]
    lost_bytes: int
    cut: bool


def layout(fd: int, size: int) -> OggLayout:
    """Walk over the pages of an Ogg file (headers only)."""
    starts: list[int] = []
    lost, end, in_head = 0, 0, False
    for page in pages(fd, size):
        lost += page.offset - end
        end = page.end
        # the streams of one link all begin before any of them goes on
        if page.first and not in_head:
            starts.append(page.offset)
        in_head = page.first
    cut = end < size and os.pread(fd, 4, end) == b"OggS"
    return OggLayout(tuple(zip(starts, [*starts, end][1:], strict=True)), lost, cut)


def payloads(fd: int, size: int) -> Iterator[bytes]:
    """Give all payload in file order without page headers and comment packets.

    A stream's comments are its second packet, wherever its pages are broken; other packets are given as they
    come, so that the same packets laid out on other pages give the same bytes.

    Raises
    ------
    ValueError
        The file is not Ogg pages from beginning to end.

    """
    packets: dict[int, int] = {}  # by stream: packets begun and ended; counted only as long as it matters
    end = 0
    for page in pages(fd, size):
        if page.offset != end:
            raise ValueError(f"no Ogg page at byte {end}")
        end = page.end
        body = os.pread(fd, end - page.body, page.body)
        done = 0 if page.first else packets.get(page.serial, 2)
        if done >= 2:
            yield body
            continue
        at = 0
        for length in page.lacing:
            if done != 1:
                yield body[at : at + length]
            at += length
            done += length < 255
        packets[page.serial] = done
    if end != size:
        raise ValueError(f"no Ogg page at byte {end}")
