"""Which format a library file has: how it is told from other databases, and brought up to date."""

from __future__ import annotations

import sqlite3

from edgemood._schema import APPLICATION_ID, MIGRATIONS
from edgemood.errors import LibraryError


def recognise(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a database that is not ours, or is newer than this program."""
    version = version_of(connection)
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


def version_of(connection: sqlite3.Connection) -> int:
    """Tell which format a library has; 0: it is empty."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def is_newest(connection: sqlite3.Connection) -> bool:
    """Whether a library has the format that this program writes."""
    return version_of(connection) == len(MIGRATIONS)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables of today out of those that are there; inside a transaction."""
    build(connection, len(MIGRATIONS), version_of(connection))


def build(connection: sqlite3.Connection, version: int, since: int = 0) -> None:
    """Make the tables of a version of the library out of those of an older one, 0 for none at all."""
    for script in MIGRATIONS[since:version]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


def _statements(script: str) -> list[str]:
    """Cut a script into statements; ``executescript`` would commit the transaction around it."""
    statements, pending = [], ""
    for piece in script.split(";"):
        pending += piece + ";"
        if sqlite3.complete_statement(pending):  # not a semicolon of a comment, a text or a trigger
            statements.append(pending)
            pending = ""
    return statements
