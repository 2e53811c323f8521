"""Which files are meant where songs, files or folders are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from edgemood._tagged import Written
from edgemood.domain import FilePath
from edgemood.errors import UnknownTrackError
from edgemood.library import Library


def files(library: Library, songs: list[int | FilePath]) -> Iterator[tuple[str, int]]:
    """Yield the files of songs that are there, each once, whatever names lead to it."""
    found = [place for song in songs for place in _places(library, song)] if songs else library.places()
    seen: set[str] = set()
    for path, track_id in found:
        real = os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            yield path, track_id


def _places(library: Library, song: int | FilePath) -> list[tuple[str, int]]:
    if isinstance(song, str | os.PathLike) and Path(song).is_dir():
        root = os.path.normpath(Path(os.fsdecode(song)).absolute())
        if not (found := library.places(root=root)):
            raise UnknownTrackError(f"the library has no song below {root}: scan it first")
        return found
    track_id = library.find(song)
    library.content_of(track_id)
    places = library.places(track_id=track_id)
    if isinstance(song, str | os.PathLike):
        named = [place for place in places if place[0] in _names(song)]
        return named[:1] or places
    return places


def wanted(library: Library, song: int | FilePath) -> Callable[[Written], bool]:
    """Make the question whether something was written into files of a song, or below a folder."""
    if isinstance(song, str | os.PathLike):
        names = _names(song)
        if Path(song).is_dir():
            return lambda note: any(note.path.startswith(name.rstrip("/") + "/") for name in names)
        if any(library.written_into(name) for name in names):
            return lambda note: note.path in names
    content = library.content_of(library.find(song))
    return lambda note: note.content == content


def _names(path: FilePath) -> tuple[str, str]:
    """Give a path as the library may know it: as it is, and with its links resolved."""
    return os.path.normpath(Path(os.fsdecode(path)).absolute()), os.path.realpath(os.fsdecode(path))
