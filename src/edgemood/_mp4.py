"""The boxes of an MP4 file, to see that a new tag leaves all others as they are, and pointers on the same audio."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b

from edgemood.errors import TagError

_NESTING = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"mvex", b"moof", b"traf"})
_PADDING = frozenset({b"free", b"skip"})
_LARGEST = 64 << 20  # bytes of a box other than audio
_DEEPEST = 8

Box = tuple[tuple[bytes, ...], int, int]  # its names from the outermost, and where its payload begins and ends


def layout(fd: int) -> list[tuple[object, ...]]:
    """Describe all boxes but tags and padding so that only what may move with a tag looks the same after it.

    Pointers into the audio are given from the beginning of the box that holds it.

    Raises
    ------
    TagError
        Boxes do not lie within each other as they say: who follows them may not find what others find.

    """
    boxes = list(_walk(fd, (), 0, os.fstat(fd).st_size))
    audio = [(start, end) for path, start, end in boxes if path == (b"mdat",)]
    described: list[tuple[object, ...]] = []
    for path, start, end in boxes:
        name = path[-1]
        if name in _PADDING or path in ((b"moov", b"udta", b"meta"), (b"moov", b"udta")):
            continue
        if name == b"mdat":
            described.append((path, end - start))  # its content is what the hash of the file says
            continue
        content = b"" if name in _NESTING else _payload(fd, start, end)
        if name in (b"stco", b"co64"):
            described.append((path, *_places(content, 4 if name == b"stco" else 8, audio)))
        elif name == b"tfhd" and content[3:4] and content[3] & 1:
            described.append((path, content[:8], _place(int.from_bytes(content[8:16], "big"), audio), content[16:]))
        else:
            described.append((path, blake2b(content, digest_size=16).digest()))
    if any(path == (b"mfra",) for path, _, _ in boxes):  # it points to pieces by where they lie in the file
        described.append(tuple(start for path, start, _ in boxes if path == (b"moof",)))
    return described


def _walk(fd: int, outer: tuple[bytes, ...], at: int, end: int) -> Iterator[Box]:
    while at + 8 <= end:
        head = os.pread(fd, 16, at)
        length, payload = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, payload = int.from_bytes(head[8:16], "big"), at + 16
        after = end if length == 0 and not outer else at + length
        if not payload <= after <= end or len(outer) > _DEEPEST:
            if outer[-1:] == (b"udta",) and length == 0:  # QuickTime ends it so
                return
            raise TagError(f"its box {head[4:8]!r} does not end where it can")
        path = (*outer, head[4:8])
        yield path, payload, after
        if head[4:8] in _NESTING:
            yield from _walk(fd, path, payload, after)
        at = after


def _payload(fd: int, start: int, end: int) -> bytes:
    if end - start > _LARGEST:
        raise TagError("it has a box that is larger than makes sense")
    return os.pread(fd, end - start, start)


def _places(table: bytes, width: int, audio: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for at in range(8, len(table) - width + 1, width):
        yield _place(int.from_bytes(table[at : at + width], "big"), audio)


def _place(offset: int, audio: list[tuple[int, int]]) -> tuple[int, int]:
    """Give the number of the box of audio, and the place in it; -1 for what lies in none."""
    for number, (start, end) in enumerate(audio):
        if start <= offset <= end:
            return number, offset - start
    return -1, 0
