"""The library file: how it is opened, read and written (`_format` tells what it is, `_schema` has its tables)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgemood._format import bring_up_to_date, is_newest, recognise
from edgemood._sqlite import BUSY_TIMEOUT_S, REPAIR, begin_to_write, explain, use_wal
from edgemood.errors import EdgemoodError, LibraryError, UnknownTrackError

#: Tables that are large and tell damage themselves when they are read: what is in them is packed with a checksum.
_PACKED = ("features", "timelines")
#: How SQLite's errors begin that may be over when the file is opened again.
_DISK_FAILS = ("disk I/O error", "attempt to write a readonly database", "unable to open database file")
#: How often one that could only be opened for reading is looked at again.
_LOOK_AGAIN_S = 5.0


class Database:
    """A library file, open: SQL in, rows out, every error a LibraryError that says what to do.

    A file that is something else, or that a newer edgemood has written, is refused and left exactly as it is.
    """

    def __init__(self, path: str) -> None:
        if Path(path).is_dir():
            raise LibraryError(f"{path} is a folder, not a library file")
        self.path = path
        self._failed, self._file = False, self._present_file()
        self.read_only = _holds_something(path) and os.access(path, os.R_OK) and not os.access(path, os.W_OK)
        if not self.read_only:
            try:
                self._open(os.fsencode(path), self._prepare)
            except LibraryError as error:
                if not _folder_is_locked(path, error):
                    raise
                self.read_only = True
        self._locked = self.read_only  # by the disk or its rights: that may be over some day
        self._frozen, self._seen, self._look_at = False, "", 0.0
        if self._locked:
            self._open_to_read()
        self._file = self._present_file()

    def _open(self, name: bytes | str, prepare: Callable[[], None]) -> None:
        uri = isinstance(name, str)
        with self._explained():
            self._connection = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, isolation_level=None, uri=uri)
        try:
            with self._explained():
                prepare()
        except BaseException:
            self.close()
            raise

    def _open_to_read(self) -> None:
        """Open a file that this user may not write, or that lies where nothing can be written.

        Readers of a write-ahead log write, too: they note which part of it they read. Where somebody has the library
        open to write, he has made the place for such notes; where nobody has, there is no log, and the file can be read
        as it stands.
        """
        log = f"{self.path}-wal"
        self._seen, self._look_at = "", time.monotonic() + _LOOK_AGAIN_S
        if not Path(log).exists():
            self._open_as_it_stands()
            return
        try:
            self._open(self._uri("mode=ro"), self._prepare_to_read)
        except LibraryError as error:
            if not str(error.__cause__).startswith("unable to open"):
                raise
            if _holds_something(log):
                raise LibraryError(
                    f"{self.path} cannot be written here, and what was written last is in a log beside it that cannot "
                    "be read: let somebody who may write both open it once"
                ) from error
            self._open_as_it_stands()

    def _open_as_it_stands(self) -> None:
        self._seen = self._state()  # first: it is opened anew where this changes
        self._open(self._uri("immutable=1"), self._prepare_to_read)

    def _uri(self, way: str) -> str:
        return f"file:{quote(os.fsencode(self.path))}?{way}"

    def require_sound(self) -> None:
        """Raise LibraryError where SQLite finds damage: as soon as something long begins, as it takes a while.

        What is packed is passed over, nine tenths of the file: damage there is told when it is read.
        """
        with self._explained():
            tables = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                if table not in _PACKED:
                    found = self._connection.execute(f'PRAGMA integrity_check("{table}")').fetchone()
                    if found != ("ok",):
                        raise LibraryError(f"{self.path} is damaged ({found[0].splitlines()[-1]}): {REPAIR}")

    def _find_again(self) -> None:
        """Open the file anew where the disk has failed since, or another file lies there.

        A program that runs for months sees drives come back and libraries being repaired or restored. What was open
        stays so where nothing else can be opened: it may still be read.
        """
        if self._connection.in_transaction:
            return
        if self._locked:
            self._unlock()
        if self.read_only:
            return
        now = self._present_file()
        if self._failed or now not in (self._file, None):
            connection, file = self._connection, self._file
            self._failed, self._file = False, now
            try:
                self._open(self._uri("mode=rw"), self._prepare)  # where there is none, none is made
            except BaseException:
                self._connection, self._failed, self._file = connection, True, file
                raise

    def _unlock(self) -> None:
        """Open a file to write that could only be read, once that is possible; else anew where others changed it."""
        self._look_at = time.monotonic() + _LOOK_AGAIN_S
        folder = os.path.dirname(self.path)  # noqa: PTH120
        free = not self._frozen and all(os.access(path, os.W_OK) for path in (self.path, folder))
        if not free and self._seen in ("", self._state()):
            return
        connection = self._connection
        try:
            if free:
                self._open(self._uri("mode=rw"), self._prepare)
                self.read_only = self._locked = self._failed = False
                self._file = self._present_file()
            else:
                self._open_to_read()
        except BaseException:
            self._connection = connection
            raise

    def _state(self) -> str:
        """Tell what changes where others write to the file."""
        found = []
        for path in (self.path, f"{self.path}-wal"):
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116 - as above
                found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        return str(found)

    def freeze(self) -> None:
        """Write no more, whatever could be written."""
        self.read_only = self._frozen = True

    def _present_file(self) -> tuple[int, int] | None:
        """Tell which file lies at the path."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - for every write
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Give all rows that `sql` selects."""
        if self._failed or (self._locked and time.monotonic() > self._look_at):
            with suppress(LibraryError):
                self._find_again()
        with self._explained():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Execute one statement that writes; only inside `writing`."""
        with self._explained():
            return self._connection.execute(sql, values)

    def each(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that `sql` selects one by one: for more than should be in memory at a time."""
        with self._explained():
            yield from self._connection.execute(sql, values)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let everything that is read inside be of one moment, whatever others write meanwhile."""
        with self._explained():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make what is written inside one transaction: all of it is on the disk afterwards, or none."""
        self.require_writable()
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            begin_to_write(self._connection)
        try:
            yield
            with self._explained():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def require_writable(self) -> None:
        """Raise LibraryError where the file can only be read."""
        self._find_again()
        if self.read_only:
            raise LibraryError(f"{self.path} can be read here but not written: check who owns it and its folder")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._failed = self._failed or str(error).startswith(_DISK_FAILS)
            raise LibraryError(explain(self.path, error)) from error

    def _prepare(self) -> None:
        connection = self._connection
        recognise(connection, self.path)  # before anything is written
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")  # finds damage sooner
        connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
        connection.execute("PRAGMA journal_size_limit = 4194304")  # the write-ahead log shrinks back to 4 MB
        use_wal(connection)
        self._migrate()

    def _prepare_to_read(self) -> None:
        recognise(self._connection, self.path)
        if not is_newest(self._connection):
            raise LibraryError(
                f"{self.path} was written by an older edgemood and cannot be brought up to date, as it cannot be "
                "written here: check who owns it and its folder"
            )

    def _migrate(self) -> None:
        """Bring the tables up to date in one transaction: a power cut leaves the old version or the new one."""
        if is_newest(self._connection):
            return
        with self._transaction():
            recognise(self._connection, self.path)  # again: another process may have been here first
            bring_up_to_date(self._connection)


class Tables:
    """What all parts of the library share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def _changing_songs(self) -> Iterator[None]:
        """Make one transaction that lets everybody know that songs have changed, not only plays."""
        with self._database.writing():
            yield
            self._database.run("UPDATE revision SET songs = songs + 1")

    @contextmanager
    def _making_sense(self, what: str = "") -> Iterator[None]:
        """Say of rows that no program of ours can have written that the file is damaged."""
        try:
            yield
        except EdgemoodError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise LibraryError(f"{self._database.path} is damaged{what} ({error}): {REPAIR}") from error

    def _require(self, track_id: int) -> bytes:
        """Give the content hash of a track, which has to exist."""
        rows = self._database.query("SELECT content FROM tracks WHERE id = ?", (track_id,))
        if not rows:
            raise UnknownTrackError(f"the library has no song with the id {track_id}")
        return bytes(rows[0][0])


def _holds_something(path: str) -> bool:
    """Whether there is a file with something in it."""
    try:
        return Path(path).stat().st_size > 0
    except OSError:
        return False


def _folder_is_locked(path: str, error: LibraryError) -> bool:
    """Whether a file could not be opened with this error because no log can be made beside it."""
    refused = str(error.__cause__).startswith(("unable to open", "attempt to write a readonly"))
    return refused and _holds_something(path) and os.access(path, os.R_OK)
