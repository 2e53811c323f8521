"""Find the music files below folders, whatever the names, loops and locked doors on the way."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from edgemood.library import FileStamp

#: What music files are called, in lower case. Whether they are music is for the decoders to say.
SUFFIXES = frozenset({
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf", ".dff", ".dsf", ".flac",
    ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".spx", ".tak",
    ".tta", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv",
})  # fmt: skip


class Entry(NamedTuple):
    """A music file, or (without a stamp) a file or folder that cannot be read, and why."""

    path: str
    stamp: FileStamp | None
    problem: str = ""


def walk(roots: Sequence[str]) -> Iterator[Entry]:
    """Find the music files that `roots` are or contain, each once, in a fixed order.

    A root that is a file is taken whatever its name; below folders, names tell. Hidden files and folders are passed
    over. Links to folders are followed, but a folder is entered only once, and by its own path if that lies below a
    root: so loops end. Memory grows with the number of folders, not of files.
    """
    given = [root for root in roots if not Path(root).is_dir()]
    for path in dict.fromkeys(given):
        yield _file(path)
    entered: set[tuple[int, int]] = set()
    to_follow = deque(root for root in roots if root not in given)
    while to_follow:  # links wait until all real folders have been entered
        for entry in _below(to_follow.popleft(), entered, to_follow):
            if entry.path not in given:
                yield entry


def _below(top: str, entered: set[tuple[int, int]], to_follow: deque[str]) -> Iterator[Entry]:
    stack = [top]
    while stack:
        folder = stack.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted((entry for entry in listing if entry.name[0] != "."), key=lambda entry: entry.name)
        except OSError as error:
            yield Entry(folder, None, _reason(error))
            continue
        folders = []
        for entry in entries:
            if not _is_folder(entry):
                if os.path.splitext(entry.name)[1].lower() in SUFFIXES:  # noqa: PTH122 - a Path for each name is slow
                    yield _file(entry.path)
            elif entry.is_symlink():
                to_follow.append(entry.path)
            else:
                folders.append(entry.path)
        stack.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link that leads in circles, say
        return entry.is_dir()
    return False


def _file(path: str) -> Entry:
    try:
        status = Path(path).stat()
    except OSError as error:
        return Entry(path, None, _reason(error))
    if not stat.S_ISREG(status.st_mode):
        return Entry(path, None, "not a regular file")
    return Entry(path, FileStamp.of(status))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
