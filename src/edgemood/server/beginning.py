"""What is looked at before a server listens: what was mistyped is told to whoever starts it, not to who asks later."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from edgemood._schema import APPLICATION_ID, MIGRATIONS
from edgemood.errors import BundleError, ConfigError, LibraryError
from edgemood.library import Library
from edgemood.server.settings import Settings

_SQLITE = b"SQLite format 3\0"
_MARKS_AT = 60  # in the head of the file: the version, 4 bytes, and behind it the mark of whose it is


def require_usable(settings: Settings) -> None:
    """Raise ConfigError where the model, a folder or the library cannot be what was meant.

    What may become right by itself is let be: a library that is not there yet, or is damaged and may be repaired. A
    folder is to be there: of one that is not nobody can tell whether it is still to be mounted.
    """
    _require_model(settings.model)
    for folder in settings.folders:
        _require_folder(folder)
    _require_library(settings)


def _require_model(name: str) -> None:
    from edgemood import mood

    if name == "default":
        return  # which one that is depends on what runs here, and songs that have moods are shown without any
    try:
        mood.find(name)
    except BundleError as error:
        raise ConfigError(f"--model {name}: {error}") from error


def _require_folder(folder: str) -> None:
    where = Path(folder).expanduser()
    if not where.is_dir():
        what = "this is no folder" if where.exists() else "there is no such folder; what is not mounted yet comes first"
        raise ConfigError(f"--folder {folder}: {what}")


def _require_library(settings: Settings) -> None:
    """Open the library, unless it is surely one: that may take long where another program writes to it."""
    path = settings.library_path
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(_MARKS_AT + 12)
        if head and not _is_ours(head):
            Library.open(path, create=False).close()
    except FileNotFoundError:
        return
    except (OSError, LibraryError) as error:
        option = "--library" if settings.library or "EDGEMOOD_LIBRARY" not in os.environ else "EDGEMOOD_LIBRARY"
        said = f"{option} {path}: {error.strerror}" if isinstance(error, OSError) else f"{option}: {error}"
        raise ConfigError(said) from error


def _is_ours(head: bytes) -> bool:
    if not head.startswith(_SQLITE) or len(head) < _MARKS_AT + 12:
        return False
    version, _, mark = struct.unpack_from(">3I", head, _MARKS_AT)
    return bool(mark == APPLICATION_ID and version <= len(MIGRATIONS))
