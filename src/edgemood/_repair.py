"""Saves what can be read of a damaged library into a new file: what listeners did first, for nothing else can tell it.

The damaged file is only read, and kept. Tables are read by SQLite as far as it comes, and then page by page
(`_carve`); rows that are no rows of their table, or whose packed numbers do not unpack, are left behind: the next scan
brings back what it finds missing. The new file takes the place of the old one in a single step at the end, so that an
end in the middle, whatever its cause, leaves the damaged library as it was.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgemood._carve import Carver
from edgemood._damaged import (
    alone,
    connect,
    is_sound,
    kept_names,
    log_of,
    page_bytes_of,
    readable,
    require_ours,
    rows_indexed,
    version_of,
)
from edgemood._database import Database
from edgemood._format import build
from edgemood._rows import Rows, Table, tables_of
from edgemood.errors import LibraryError

#: In the order in which they are saved. The rest of the tables is derived from these.
TABLES = (
    "listeners", "plays", "events", "sums", "labels", "notes", "written_tags",
    "feature_sets", "models", "tracks", "files", "failures", "features", "moods", "timelines",
)  # fmt: skip

#: Any row of these is worth a new file; those of the others are of no use alone.
_WORTH_IT = ("plays", "events", "sums", "labels", "notes", "written_tags", "tracks")

#: What has lost the row it belongs to, and what takes its place where something should.
_TIDY = """
INSERT OR IGNORE INTO listeners (id, name)
    SELECT listener_id, 'listener ' || listener_id FROM (
        SELECT listener_id FROM plays UNION SELECT listener_id FROM events UNION SELECT listener_id FROM sums)
    WHERE listener_id NOT IN (SELECT id FROM listeners);
DELETE FROM files WHERE track_id NOT IN (SELECT id FROM tracks);
DELETE FROM features WHERE track_id NOT IN (SELECT id FROM tracks) OR set_id NOT IN (SELECT id FROM feature_sets);
DELETE FROM moods WHERE track_id NOT IN (SELECT id FROM tracks) OR model_id NOT IN (SELECT id FROM models)
    OR set_id NOT IN (SELECT id FROM feature_sets) OR id NOT IN (SELECT mood_id FROM timelines);
DELETE FROM timelines WHERE mood_id NOT IN (SELECT id FROM moods)
"""


@dataclass(frozen=True)
class Repaired:
    """What became of a library.

    damaged: whether anything was wrong; kept_as: where the damaged file lies now, None if nothing was; saved: table ->
    rows that are in the library now; lost: table -> rows that are known to be lost, where an index still counts them.
    """

    path: str
    damaged: bool
    kept_as: str | None = None
    saved: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)


def repair(path: str) -> Repaired:
    """Save what can be read of the library at `path` into a new file in its place, and keep the damaged one beside it.

    Where nothing is wrong, nothing is done.

    Raises
    ------
    LibraryError
        There is no such file; it is no library, or of a newer edgemood; another program has it open; nothing of a
        library can be found in it; or there is no room for the new file beside it.

    """
    path = os.path.realpath(path)
    if not Path(path).is_file():
        raise LibraryError(f"there is no library at {path}")
    copy, new = f"{path}.repair-copy", f"{path}.repair-new"  # fixed names: the next run clears what a kill has left
    try:
        with alone(path):
            return _repair(path, copy, new)
    except OSError as error:
        raise LibraryError(f"{path} cannot be repaired: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise LibraryError(f"{path} cannot be repaired: {error}") from error
    finally:
        for name in (copy, new):
            _remove(name)


def _repair(path: str, copy: str, new: str) -> Repaired:
    for name in (copy, new):
        _remove(name)
    log = log_of(path)
    source, mended = readable(path, log, copy)
    page_bytes = page_bytes_of(source)
    with closing(connect(source)) as old:
        require_ours(path, old)
        version = version_of(old)
        with closing(sqlite3.connect(os.fsencode(new), isolation_level=None)) as fresh:
            for pragma in ("journal_mode = OFF", "synchronous = OFF"):  # it counts only once it is whole
                fresh.execute(f"PRAGMA {pragma}")
            build(fresh, version)
            tables = [table for table in tables_of(fresh) if table.name in TABLES]
            tables.sort(key=lambda table: TABLES.index(table.name))
            with Carver(source, page_bytes) as carver:
                rows = Rows(old, carver, tables)
                if not mended and is_sound(old) and rows.all_fit():
                    return Repaired(path, damaged=False)
                saved = {table.name: _save(fresh, rows, table) for table in tables}
                _stand_in(fresh, rows)
            if not any(saved.get(name) for name in _WORTH_IT):
                raise LibraryError(f"nothing of an edgemood library can be found in {path}; it was left as it is")
            _keep_ids_unused(old, fresh)
        saved = _finish(new, path)
        lost = {name: rows_indexed(old, name) - rows for name, rows in saved.items()}
    kept = _swap(path, log, new)
    return Repaired(path, True, kept, saved, {name: rows for name, rows in lost.items() if rows > 0})


# ------------------------------------------------------------------------------------------------------ the new file


def _save(fresh: sqlite3.Connection, rows: Rows, table: Table) -> int:
    """Write the rows of one table that fit; give how many were new."""
    before = fresh.total_changes
    fresh.execute("BEGIN")
    for row in rows.of(table):
        names = ", ".join(column.name for column in table.columns[: len(row)])
        marks = ", ".join("?" * len(row))
        fresh.execute(f"INSERT OR IGNORE INTO {table.name} ({names}) VALUES ({marks})", row)
    fresh.execute("COMMIT")
    return fresh.total_changes - before


def _stand_in(fresh: sqlite3.Connection, rows: Rows) -> None:
    """Put songs that were lost, but for their number and hash in an index, back without their tags.

    What was analysed of them is not lost, then. Their files get a size that none has, so that the next scan opens them
    and reads the tags again.
    """
    known = {track_id for (track_id,) in fresh.execute("SELECT id FROM tracks")}
    lost = {track_id: content for content, track_id in rows.hashes() if track_id not in known}
    fresh.execute("BEGIN")
    for track_id, content in lost.items():
        places = fresh.execute("SELECT path FROM files WHERE track_id = ?", (track_id,)).fetchone()
        spans = fresh.execute(
            "SELECT m.id, t.data FROM moods m JOIN timelines t ON t.mood_id = m.id WHERE m.track_id = ?", (track_id,)
        ).fetchone()
        if places and spans:
            fresh.execute(
                "INSERT OR IGNORE INTO tracks (id, content, last_path, title, artist, album, duration_s)"
                " VALUES (?, ?, ?, '', '', '', ?)",
                (track_id, content, places[0], rows.end_of(*spans)),
            )
            fresh.execute("UPDATE files SET size = -1 WHERE track_id = ?", (track_id,))
    fresh.execute("COMMIT")


def _keep_ids_unused(old: sqlite3.Connection, fresh: sqlite3.Connection) -> None:
    """Songs that were lost do not lend their ids to others, and what others keep of songs is known to be old."""
    with suppress(sqlite3.Error, TypeError):
        (last,) = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'tracks'").fetchone()
        if 0 < last < 1 << 40:
            fresh.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'tracks'", (last,))
    with suppress(sqlite3.Error, TypeError):
        (songs,) = old.execute("SELECT max(songs) FROM revision").fetchone()
        if 0 <= songs < 1 << 40:
            fresh.execute("UPDATE revision SET songs = ? + 1", (songs,))


def _finish(new: str, path: str) -> dict[str, int]:
    """Bring the new file up to date, check it, have it on the disk, and count what is in it."""
    database = Database(new)
    try:
        with database.writing():
            for statement in _TIDY.split(";"):
                database.run(statement)
        if database.query("PRAGMA integrity_check(1)") != [("ok",)] or database.query("PRAGMA foreign_key_check"):
            raise LibraryError(f"{path} cannot be repaired: what was saved of it does not hold together")
        counts = {name: int(database.query(f"SELECT count(*) FROM {name}")[0][0]) for name in TABLES}
    finally:
        database.close()
    status = Path(path).stat()
    with Path(new).open("r+b") as file:
        os.fchmod(file.fileno(), status.st_mode & 0o7777)
        with suppress(PermissionError):
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        os.fsync(file.fileno())
    return counts


def _swap(path: str, log: str | None, new: str) -> str:
    """Put the new file in the place of the damaged one, and give where that one lies now."""
    kept = next((name for name in kept_names(path)[:-1] if Path(name).samefile(path)), None)
    if kept is None:
        kept = kept_names(path)[-1]
        try:
            os.link(path, kept)
        except OSError:  # a file system without links: FAT
            shutil.copyfile(path, kept)
    if log is not None and log != f"{kept}-wal":
        Path(log).rename(f"{kept}-wal")  # before the new file: it must never be taken for the log of that
    for name in (f"{path}-wal", f"{path}-shm"):
        Path(name).unlink(missing_ok=True)
    _sync_folder(path)
    Path(new).replace(path)
    _sync_folder(path)
    return kept


def _sync_folder(path: str) -> None:
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(name: str) -> None:
    for each in (name, f"{name}-wal", f"{name}-shm"):
        with suppress(OSError):
            Path(each).unlink()
