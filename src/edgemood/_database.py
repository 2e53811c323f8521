"""The library file: how it is recognised and brought up to date (`_schema` has its tables), read and written."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgemood._schema import APPLICATION_ID, MIGRATIONS
from edgemood.errors import EdgemoodError, LibraryError, UnknownTrackError

#: How long a writer waits for another one before it gives up.
BUSY_TIMEOUT_S = 10.0
#: What to do about a file that is damaged.
REPAIR = "`edgemood repair` saves what can be read of it"
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
            _begin_to_write(self._connection)
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
        _recognise(connection, self.path)  # before anything is written
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")  # finds damage sooner
        connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
        connection.execute("PRAGMA journal_size_limit = 4194304")  # the write-ahead log shrinks back to 4 MB
        _use_wal(connection)
        self._migrate()

    def _prepare_to_read(self) -> None:
        _recognise(self._connection, self.path)
        if self._version() != len(MIGRATIONS):
            raise LibraryError(
                f"{self.path} was written by an older edgemood and cannot be brought up to date, as it cannot be "
                "written here: check who owns it and its folder"
            )

    def _migrate(self) -> None:
        """Bring the tables up to date in one transaction: a power cut leaves the old version or the new one."""
        if self._version() == len(MIGRATIONS):
            return
        with self._transaction():
            _recognise(self._connection, self.path)  # again: another process may have been here first
            build(self._connection, len(MIGRATIONS), self._version())

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)


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


def build(connection: sqlite3.Connection, version: int, since: int = 0) -> None:
    """Make the tables of a version of the library out of those of an older one, 0 for none at all."""
    for script in MIGRATIONS[since:version]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


def explain(path: str, error: sqlite3.Error) -> str:
    """Say in one line what SQLite's `error` means for the library at `path`, and what can be done."""
    text = str(error)
    advice = {
        "file is not a database": "is not an edgemood library; it was left as it is: name another file, or, if it was "
        "one until it was damaged, try `edgemood repair`",
        "database disk image is malformed": f"is damaged: {REPAIR}",
        "malformed database schema": f"is damaged: {REPAIR}",
        "Could not decode to UTF-8": f"is damaged: {REPAIR}",
        "database is locked": f"has been busy for {BUSY_TIMEOUT_S:.0f} s: another program is writing to it",
        "database or disk is full": "cannot grow: the disk is full",
        "attempt to write a readonly database": "cannot be written: check who owns it and its folder",
        "disk I/O error": "cannot be read or written: the disk fails, is full, or allows no larger file",
        "unable to open database file": "cannot be opened: check that it may be read and its folder written",
    }
    for start, meaning in advice.items():
        if text.startswith(start):
            return f"{path} {meaning}"
    return f"{path} cannot be used ({text}): `edgemood repair` tells whether it is damaged, and saves what can be read"


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


def _recognise(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a database that is not ours, or is newer than this program."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    # Last: another process may make the library between these lines, and whoever saw its tables then sees its mark.
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise LibraryError(f"{path} is a database of another program; it was left as it is: name another file")
    if version > len(MIGRATIONS):
        raise LibraryError(
            f"{path} was written by a newer edgemood (its format is {version}, this one knows up to "
            f"{len(MIGRATIONS)}): update edgemood, or name another file"
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log: readers and the writer do not block each other.

    The switch needs the file for itself for a moment and does not wait for it.
    """
    _patiently(connection, "PRAGMA journal_mode = WAL", look_s=0.02)


def _begin_to_write(connection: sqlite3.Connection) -> None:
    """Begin a transaction as soon as nobody else writes.

    SQLite itself looks every tenth of a second after a while: who comes by so seldom finds a file busy for ever that
    others write without pause.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        _patiently(connection, "BEGIN IMMEDIATE", look_s=0.001)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_TIMEOUT_S)}")


def _patiently(connection: sqlite3.Connection, sql: str, look_s: float) -> None:
    """Execute a statement, again every `look_s` seconds while somebody else is in its way."""
    patience = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute(sql)
            return
        except sqlite3.OperationalError as error:
            if not str(error).startswith("database is locked") or time.monotonic() > patience:
                raise
            time.sleep(look_s)


def _statements(script: str) -> list[str]:
    """Cut a script into statements; ``executescript`` would commit the transaction around it."""
    statements, pending = [], ""
    for piece in script.split(";"):
        pending += piece + ";"
        if sqlite3.complete_statement(pending):  # not a semicolon of a comment, a text or a trigger
            statements.append(pending)
            pending = ""
    return statements
