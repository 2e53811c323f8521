"""What a row of the library's tables looks like, and the rows of a damaged file that still do."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, NamedTuple

from edgemood import _pack
from edgemood._carve import Carver, Row, Value


class Column(NamedTuple):
    """A column: its type as declared, whether it may be NULL, whether it may be left out."""

    name: str
    type: str
    nullable: bool
    optional: bool

    def fits(self, value: Value) -> bool:
        """Whether this column may hold `value`."""
        if value is None:
            return self.nullable
        if self.type == "REAL":
            return isinstance(value, int | float) and math.isfinite(value)
        return isinstance(value, {"INTEGER": int, "TEXT": str, "BLOB": bytes}[self.type])


class Table(NamedTuple):
    """A table. key: its column that is the row's id, None for one that has no such ids."""

    name: str
    columns: tuple[Column, ...]
    key: int | None
    kept_by_key: bool  # WITHOUT ROWID: the columns of the key come first in the file

    def row_of(self, found: Row) -> tuple[Value, ...] | None:
        """Give the row that was found on a page, None where it cannot be one of this table."""
        if (found.rowid is None) != self.kept_by_key:
            return None
        values = found.values
        if self.key is not None and values[self.key : self.key + 1] == (None,):
            values = (*values[: self.key], found.rowid, *values[self.key + 1 :])
        elif self.key is not None:
            return None
        return values if self.fits(values) else None

    def fits(self, values: Sequence[Value]) -> bool:
        """Whether these can be the values of a row; columns that came later may be missing."""
        if len(values) > len(self.columns) or not all(column.optional for column in self.columns[len(values) :]):
            return False
        return all(column.fits(value) for column, value in zip(self.columns, values, strict=False))


def tables_of(connection: sqlite3.Connection) -> list[Table]:
    """Describe all tables of a sound library."""
    names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
    return [_table(connection, name, sql) for name, sql in names.fetchall() if not name.startswith("sqlite_")]


def _table(connection: sqlite3.Connection, name: str, sql: str) -> Table:
    info = connection.execute(f"PRAGMA table_info({name})").fetchall()
    by_key = sql.rstrip().endswith("WITHOUT ROWID")
    keys = [i for i, (*_, key) in enumerate(info) if key]
    columns = tuple(
        Column(label, kind, not required and not key, not required or default is not None)
        for _, label, kind, required, default, key in info
    )
    return Table(name, columns, None if by_key or len(keys) != 1 else keys[0], by_key)


class Rows:
    """The rows of a library file that is damaged."""

    def __init__(self, old: sqlite3.Connection, carver: Carver, tables: Iterable[Table]) -> None:
        self._old, self._carver, self._tables = old, carver, list(tables)
        self._labels: dict[int, tuple[str, ...]] = {}  # id of a mood -> what it scores
        self._sets: dict[int, tuple[tuple[str, ...], str]] = {}  # id -> names of the descriptors, version

    def all_fit(self) -> bool:
        """Whether SQLite can read every row, and none of them is odd."""
        with suppress(sqlite3.Error):
            return all(self._holds(table, row) for table in self._tables for row in self._read(table))
        return False

    def of(self, table: Table) -> Iterator[tuple[Value, ...]]:
        """Yield all rows of a table that can be read and hold what they should; some of them twice."""
        damaged = False
        try:
            for row in self._read(table):
                if self._holds(table, row):
                    yield row
            damaged = self._old.execute(f"PRAGMA quick_check({table.name})").fetchone() != (b"ok",)
        except sqlite3.Error:
            damaged = True
        if damaged:
            yield from (row for row in self._carved(table) if self._holds(table, row))

    def hashes(self) -> Iterator[tuple[bytes, int]]:
        """Yield hash and id of songs, as the index of the hashes has them."""
        for row in self._carver.rows():
            if row.rowid is None and len(row.values) == 2:
                content, track_id = row.values
                if isinstance(content, bytes) and len(content) == 16 and isinstance(track_id, int):
                    yield content, track_id

    def end_of(self, mood_id: int, timeline: bytes) -> float:
        """Tell how long a song is, in seconds, by the timeline of a mood that `of` has given."""
        return _pack.unpack_timeline(timeline, self._labels[mood_id])[-1].end_s

    def _read(self, table: Table) -> Iterator[tuple[Value, ...]]:
        """Read a table as SQLite does, in the columns that this table has there; sqlite3.Error where it is damaged."""
        names = ", ".join(column.name for column in table.columns)
        kinds = ", ".join(f"typeof({column.name})" for column in table.columns)
        count = len(table.columns)
        rows = self._old.execute(f"SELECT {names}, {kinds} FROM {table.name} NOT INDEXED")
        for row in rows:
            yield tuple(_text(value, kind) for value, kind in zip(row[:count], row[count:], strict=True))

    def _carved(self, table: Table) -> Iterator[tuple[Value, ...]]:
        for _, found in groupby(self._carver.rows(), lambda row: row.page):
            rows = list(found)
            for owners in map(self._owners, rows):
                if table.name in owners and (len(owners) == 1 or table.name == _which_names(rows)):
                    yield owners[table.name]

    def _owners(self, row: Row) -> dict[str, tuple[Value, ...]]:
        found = ((table.name, table.row_of(row)) for table in self._tables)
        return {name: values for name, values in found if values is not None}

    # ---------------------------------------------------------------------------------------- what a row has to hold

    def _holds(self, table: Table, row: tuple[Value, ...]) -> bool:
        """Whether a row is one of its table and its numbers unpack; remembers what later tables need of it."""
        if not table.fits(row):
            return False
        values: Mapping[str, Any] = {column.name: value for column, value in zip(table.columns, row, strict=False)}
        if len(values.get("content", b"16 bytes of hash")) != 16:
            return False
        with suppress(ValueError, KeyError, TypeError):
            return self._means_something(table.name, values)
        return False

    def _means_something(self, table: str, values: Mapping[str, Any]) -> bool:
        if table == "feature_sets":
            made_with = json.loads(values["identity"])
            self._sets[values["id"]] = tuple(made_with["names"]), made_with["version"]
        elif table == "features":
            _pack.unpack_features(values["data"], *self._sets[values["set_id"]])
        elif table == "moods":
            scores = json.loads(values["scores"])
            self._labels[values["id"]] = tuple(scores)
            return bool(scores) and len(values["vector"]) % 4 == 0 < len(values["vector"])
        elif table == "timelines":
            return bool(_pack.unpack_timeline(values["data"], self._labels[values["mood_id"]]))
        return True


def _which_names(rows: Sequence[Row]) -> str:
    """Tell to which of the tables of a number and a text the rows of a page belong."""
    texts = {(row.rowid, row.values[-1]) for row in rows}
    if (1, "default") in texts:  # the listener who is always there
        return "listeners"
    return "feature_sets" if any(str(text).startswith("{") for _, text in texts) else "models"


def _text(value: Any, kind: bytes) -> Value:
    """Undo `text_factory`, which leaves texts as bytes lest one that is damaged forbids its row."""
    if kind != b"text":
        return value  # type: ignore[no-any-return]
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        return None
