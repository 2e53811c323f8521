"""What MPD calls a song, and where that lies on this machine.

A song's URI is its path below MPD's music folder, byte for byte as the file system has it. Where that folder lies is
taken from the setting; else MPD says it, which it does over its Unix socket only; else MPD is asked for songs that the
library knows: of ``/mnt/nas/music/a/b.flac`` it knows ``a/b.flac`` if its folder is ``/mnt/nas/music`` on this machine,
whatever it is on MPD's own. Of a folder with several names (links) the one that the library has is taken.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgemood.players._mpd_connection import Connection

#: How many of the library's songs MPD is asked for to learn where its music lies.
SAMPLES = 20
#: MPD's names for the parts of a file: a track of a CUE sheet, a tune of a chiptune. No file has them.
_PART = re.compile(r"\.\w+/(track\d{4}|tune_\d{3}\.\w+)$")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


class Songs:
    """The songs of one MPD, by URI and path; `folder` is None as long as it is not known where they lie."""

    def __init__(self, setting: str | None, known: Callable[[], Iterable[str]], local: bool) -> None:
        self._setting, self._known, self._local = setting, known, local
        self.folder: str | None = None
        self._real_folder: str | None = None
        self._asked: Sequence[str] = ()

    def path(self, uri: str) -> str | None:
        """Give the path of a song, None for what is no file on this machine."""
        if uri.startswith("file:///"):
            return uri[len("file://") :]
        if _SCHEME.match(uri) or _PART.search(uri):
            return None
        if uri.startswith("/"):  # only those of MPD's own machine may queue such
            return uri
        return None if self.folder is None else os.path.join(self.folder, uri)  # noqa: PTH118 - kept as it is

    def uri(self, path: str) -> str | None:
        """Give the name of a song below the music folder; None for what lies elsewhere or no MPD can name."""
        for folder in (self.folder, self._real_folder):
            below = None if folder is None else folder.rstrip("/") + "/"
            if below is not None and path.startswith(below) and "\n" not in path:
                return path[len(below) :]
        return None

    def learn(self, connection: Connection) -> None:
        """Try to learn where the music lies, if that is not known and the library has other songs than last time."""
        if self.folder is None and list(islice(self._known(), SAMPLES)) != self._asked:
            self.locate(connection)

    def locate(self, connection: Connection) -> None:
        """Learn where the music lies on this machine, in the library's spelling of it if that has one."""
        folder = self._setting
        if folder is None:
            told, found = self._told(connection), self._found(connection)
            same = told is None or found is None or os.path.realpath(told) == os.path.realpath(found)
            folder = found if found is not None and same else told
        self.folder = None if folder is None else os.path.abspath(folder)  # noqa: PTH100 - no Path keeps all bytes
        self._real_folder = None if folder is None else os.path.realpath(folder)

    def _told(self, connection: Connection) -> str | None:
        from edgemood.players._mpd_connection import CommandError

        if not self._local:
            return None
        try:
            folder = connection.first("config").get("music_directory", "")
        except CommandError:  # it lacks the right, or its music lies in no folder
            return None
        return folder if folder.startswith("/") else None

    def _found(self, connection: Connection) -> str | None:
        """Ask for songs of the library, and give the folder that most of those lie in that MPD knows."""
        folders: Counter[str] = Counter()
        self._asked = list(islice(self._known(), SAMPLES))
        for path in self._asked:
            parts = path.strip("/").split("/")
            uris = ["/".join(parts[n:]) for n in range(len(parts)) if "\n" not in path]
            answers = connection.each("listall", [(uri,) for uri in uris])
            known = [uri for uri, answer in zip(uris, answers, strict=True) if answer is not None]
            folders.update([path.removesuffix(known[0])] if known else [])
        return max(folders, key=folders.__getitem__, default=None)
