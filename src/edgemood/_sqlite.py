"""How the library uses SQLite: with patience, and with errors that say what to do."""

from __future__ import annotations

import sqlite3
import time

#: How long a writer waits for another one before it gives up.
BUSY_TIMEOUT_S = 10.0
#: What to do about a file that is damaged.
REPAIR = "`edgemood repair` saves what can be read of it"


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


def use_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log: readers and the writer do not block each other.

    The switch needs the file for itself for a moment and does not wait for it.
    """
    _patiently(connection, "PRAGMA journal_mode = WAL", look_s=0.02)


def begin_to_write(connection: sqlite3.Connection) -> None:
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
