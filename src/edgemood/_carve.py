"""Reads the rows of a damaged SQLite file off its pages, without the trees that should lead to them.

SQLite finds a page by the page above it: where that one is damaged, so is everything below. Here every page is looked
at by itself (https://www.sqlite.org/fileformat2.html). Pages on the list of free ones hold rows that were deleted and
are passed over.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "int | float | str | bytes | None"

MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100  # at the begin of the first page
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_HEADS = {_TABLE_LEAF: 8, _INDEX_LEAF: 8, _INDEX_INTERIOR: 12}  # bytes before the list of cells
_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes of a value by its type; from 12 on texts and blobs


class Row(NamedTuple):
    """A row as a page holds it; rowid: None in a table without, whose key comes first."""

    page: int
    rowid: int | None
    values: tuple[Value, ...]


class Carver:
    """The pages of a file. Use it as a context manager; OSError where the file cannot be read."""

    def __init__(self, path: str, page_bytes: int) -> None:
        self._page_bytes = page_bytes
        with Path(path).open("rb") as file:
            self._count = os.fstat(file.fileno()).st_size // page_bytes
            self._data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) if self._count else b""

    def __enter__(self) -> Carver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def rows(self) -> Iterator[Row]:
        """Yield what can be read of every row, in the order of the pages."""
        free = self._free()
        for number in range(1, self._count + 1):
            if number not in free:
                yield from self._rows_of(number)

    def _free(self) -> set[int]:
        """List the pages that are free, as far as the list of them can be followed."""
        free: set[int] = set()
        trunk = struct.unpack_from(">I", self._data, 32)[0] if self._data[: len(MAGIC)] == MAGIC else 0
        while 0 < trunk <= self._count and trunk not in free:
            page = self._page(trunk)
            following, leaves = struct.unpack_from(">II", page)
            leaves = min(leaves, (self._page_bytes - 8) // 4)
            free |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
            trunk = following
        return free

    def _page(self, number: int) -> bytes:
        return self._data[(number - 1) * self._page_bytes : number * self._page_bytes]

    def _rows_of(self, number: int) -> Iterator[Row]:
        page = self._page(number)
        start = _HEADER_BYTES if number == 1 else 0
        kind = page[start]
        if kind not in _HEADS:
            return
        (cells,) = struct.unpack_from(">H", page, start + 3)
        first = start + _HEADS[kind]
        for place in range(first, min(first + 2 * cells, self._page_bytes - 1), 2):
            with suppress(IndexError, ValueError, struct.error):  # this cell is damaged
                (at,) = struct.unpack_from(">H", page, place)
                yield self._cell(number, page, kind, at)

    def _cell(self, number: int, page: bytes, kind: int, at: int) -> Row:
        if kind == _INDEX_INTERIOR:
            at += 4  # the page below
        length, at = _varint(page, at)
        rowid = None
        if kind == _TABLE_LEAF:
            rowid, at = _varint(page, at)
            rowid -= (rowid >> 63) << 64
        return Row(number, rowid, _record(self._payload(page, at, length, kind == _TABLE_LEAF)))

    def _payload(self, page: bytes, at: int, length: int, of_table: bool) -> bytes:
        """Put a row together from its page and those that it flows over to."""
        if length > len(self._data):
            raise ValueError(f"a row of {length} bytes")
        usable = self._page_bytes
        most = usable - 35 if of_table else (usable - 12) * 64 // 255 - 23
        here = length
        if length > most:
            least = (usable - 12) * 32 // 255 - 23
            here = least + (length - least) % (usable - 4)
            here = least if here > most else here
        parts, missing = [page[at : at + here]], length - here
        following = struct.unpack_from(">I", page, at + here)[0] if missing else 0
        passed: set[int] = set()
        while missing > 0:
            if not 0 < following <= self._count or following in passed:
                raise ValueError("a row ends before its time, or never")
            passed.add(following)
            page = self._page(following)
            parts.append(page[4 : 4 + min(missing, usable - 4)])
            missing -= len(parts[-1])
            (following,) = struct.unpack_from(">I", page)
        return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to nine bytes, and tell where it ends."""
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9


def _record(payload: bytes) -> tuple[Value, ...]:
    """Read the values of a row; ValueError or IndexError where it is none."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        width = _WIDTHS[kind] if kind < len(_WIDTHS) else (kind - 12) // 2
        if kind in (10, 11) or at + width > len(payload):
            raise ValueError("no row")
        values.append(_value(kind, payload[at : at + width]))
        at += width
    if at != len(payload):
        raise ValueError("no row")
    return tuple(values)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind < 10:
        return kind - 8 if kind >= 8 else int.from_bytes(data, "big", signed=True)
    return data.decode() if kind % 2 else data
