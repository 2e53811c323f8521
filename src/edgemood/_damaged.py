"""A damaged library file: kept from others while it is read, made readable with its log, and asked what it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from edgemood._carve import MAGIC
from edgemood._schema import APPLICATION_ID, MIGRATIONS
from edgemood.errors import LibraryError

_USUAL_PAGE = 4096
_LOCK = (0x4000_0000, 512)  # the bytes of a database file that SQLite locks
_HEADER = struct.Struct(">16sHBBBBBB12I20x2I")  # the first 100 bytes of a database file


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Keep all others out, as SQLite's own locks do; LibraryError where somebody has the library open.

    A lock of the open file, not of the process: SQLite's own would be let go with any file that it closes.
    """
    with Path(path).open("r+b") as file:
        if hasattr(fcntl, "F_OFD_SETLK"):
            try:
                fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, *_LOCK, 0))
            except (BlockingIOError, PermissionError):
                raise LibraryError(f"{path} is open in another program: end that first") from None
        yield


def log_of(path: str) -> str | None:
    """Find the write-ahead log; one that was moved away by a repair that was ended before its last step counts."""
    for base in (path, *(name for name in kept_names(path) if Path(name).exists() and Path(name).samefile(path))):
        log = Path(f"{base}-wal")
        if log.exists() and log.stat().st_size:
            return str(log)
    return None


def kept_names(path: str) -> list[str]:
    """List names for damaged files, the last one of them free."""
    names = [f"{path}.damaged-1"]
    while os.path.lexists(names[-1]):
        names.append(f"{path}.damaged-{len(names) + 1}")
    return names


def readable(path: str, log: str | None, copy: str) -> tuple[str, bool]:
    """Give a file with all that was written, log included, and whether its header had to be written anew."""
    if log is None and _opens(path):
        return path, False
    shutil.copyfile(path, copy)
    if log is not None:
        shutil.copyfile(log, f"{copy}-wal")
    if _opens(copy, immutable=False):
        return copy, False
    _mend_header(copy)
    _opens(copy, immutable=False)
    return copy, True


def _opens(path: str, immutable: bool = True) -> bool:
    """Whether SQLite can read the list of tables; without `immutable` the log, too, which is then put in its place."""
    try:
        with closing(connect(path, immutable)) as connection:
            if not immutable:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    return bool(tables)


def connect(path: str, immutable: bool = True) -> sqlite3.Connection:
    """Open a database as it stands, without its log and without locks, or else to have its log written back."""
    way = "immutable=1" if immutable else "mode=rw"
    connection = sqlite3.connect(f"{Path(path).as_uri()}?{way}", uri=True, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")  # one damaged line of it does not forbid the others
    connection.text_factory = bytes
    return connection


def _mend_header(copy: str) -> None:
    """Give a file the first bytes of a library of its size."""
    with Path(copy).open("r+b") as file:
        pages = os.fstat(file.fileno()).st_size // _USUAL_PAGE
        file.write(_HEADER.pack(
            MAGIC, _USUAL_PAGE, 2, 2, 0, 64, 32, 32,  # with a write-ahead log
            1, pages, 0, 0, 1, 4, 0, 0, 1, len(MIGRATIONS), 0, APPLICATION_ID,  # no free pages; UTF-8
            1, sqlite3.sqlite_version_info[0] * 1_000_000,
        ))  # fmt: skip


def page_bytes_of(path: str) -> int:
    """Tell how long the pages of a file are; as long as usual where its header does not say."""
    with Path(path).open("rb") as file:
        head = file.read(20)
    size = int.from_bytes(head[16:18], "big") if len(head) == 20 else 0
    size = 65_536 if size == 1 else size
    return size if head.startswith(MAGIC) and size >= 512 and size & (size - 1) == 0 else _USUAL_PAGE


def require_ours(path: str, old: sqlite3.Connection) -> None:
    """Refuse what is whole and not ours, or newer than this program."""
    with suppress(sqlite3.Error):
        (application,) = old.execute("PRAGMA application_id").fetchone()
        tables = {bytes(name) for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if application != APPLICATION_ID and tables and not tables & {b"plays", b"tracks"}:
            raise LibraryError(f"{path} is a database of another program; it was left as it is")
        (version,) = old.execute("PRAGMA user_version").fetchone()
        if application == APPLICATION_ID and len(MIGRATIONS) < version < 1000:  # beyond that it is damage
            raise LibraryError(f"{path} was written by a newer edgemood: update edgemood")


def version_of(old: sqlite3.Connection) -> int:
    """Tell how many of the migrations it has had; all of them where nobody knows."""
    with suppress(sqlite3.Error):
        (version,) = old.execute("PRAGMA user_version").fetchone()
        if 0 < version <= len(MIGRATIONS):
            return int(version)
    return len(MIGRATIONS)


def is_sound(old: sqlite3.Connection) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    with suppress(sqlite3.Error):
        whole = old.execute("PRAGMA integrity_check(1)").fetchall() == [(b"ok",)]
        ours = old.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        return bool(whole and ours and not old.execute("PRAGMA foreign_key_check").fetchall())
    return False


def rows_indexed(old: sqlite3.Connection, table: str) -> int:
    """How many rows of a table its indexes know, at most."""
    indexes: list[bytes] = []
    with suppress(sqlite3.Error):
        found = old.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,))
        indexes = [name for (name,) in found]
    names = [f'"{table}" INDEXED BY "{name.decode(errors="replace")}"' for name in indexes if b"genre" not in name]
    return max((_count(old, name) for name in names), default=0)


def _count(connection: sqlite3.Connection, what: str) -> int:
    with suppress(sqlite3.Error):
        return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
    return 0
