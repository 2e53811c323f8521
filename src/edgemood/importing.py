"""Takes what other programs noted of a listener into the library."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from edgemood import scrobbles
from edgemood._matching import Matcher
from edgemood.domain import FilePath
from edgemood.errors import UnknownTrackError
from edgemood.identity import recording_id
from edgemood.library import Heard, Library
from edgemood.scrobbles import Listen, Malformed

_AT_A_TIME = 20_000  # listens held in memory with all they say
_AHEAD_S = 86_400.0  # by how much a clock may be wrong
_LISTED = 10_000  # of the songs that were not found, and of the lines that could not be read


@dataclass(frozen=True)
class Unmatched:
    """What was heard of a song that the library does not have, and how often."""

    artist: str
    title: str
    album: str
    times: int


@dataclass(frozen=True)
class ImportReport:
    """What came of an import.

    plays, skips: noted now; known: noted before; old: before the time since when the history is kept one by one;
    unmatched: of no song of the library; malformed: lines that could not be read. `songs` and `problems` list the last
    two, 10,000 each at most.
    """

    plays: int
    skips: int
    known: int
    old: int
    unmatched: int
    malformed: int
    songs: tuple[Unmatched, ...] = ()
    problems: tuple[Malformed, ...] = ()


class Import:
    """One run."""

    def __init__(self, library: Library, listener: str, zone: tzinfo | None, read_ids: bool) -> None:
        self._library, self._listener = library, listener
        self._zone, self._read_ids = zone, read_ids
        self._heard: list[Heard] = []
        self._unmatched: Counter[tuple[str, str, str]] = Counter()
        self._problems: list[Malformed] = []
        self._malformed = self._lost = 0

    def run(self, files: Iterable[FilePath]) -> ImportReport:
        """Do it: all files are read before anything is noted."""
        self._library.require_writable()
        listens = (listen for file in files for listen in self._listens(file))
        while some := list(itertools.islice(listens, _AT_A_TIME)):
            self._match(some)
        noted = self._library.add_heard(self._heard, self._listener)
        songs = (Unmatched(*named, times) for named, times in self._unmatched.most_common(_LISTED))
        return ImportReport(
            noted["plays"],
            noted["skips"],
            noted["known"],
            noted["old"],
            self._lost,
            self._malformed,
            tuple(songs),
            tuple(self._problems),
        )

    def _listens(self, file: FilePath) -> Iterator[Listen]:
        for one in scrobbles.read(file, self._zone, time.time() + _AHEAD_S):
            if isinstance(one, Listen):
                yield one
                continue
            self._malformed += 1
            if len(self._problems) < _LISTED:
                self._problems.append(one)

    def _match(self, listens: list[Listen]) -> None:
        ids = self._ids({listen.mbid.lower() for listen in listens if listen.mbid}) if self._read_ids else {}
        matcher = Matcher(listens, self._library.songs_to_match())
        for listen in listens:
            track_id = self._at(listen.path) or ids.get(listen.mbid.lower()) or matcher.find(listen)
            if track_id is not None:
                self._heard.append(Heard(listen.at, track_id, listen.skipped))
                continue
            self._lost += 1
            named = listen.artist, listen.title, listen.album
            if len(self._unmatched) < _LISTED or named in self._unmatched:
                self._unmatched[named] += 1

    def _at(self, path: str) -> int | None:
        if not os.path.isabs(path):  # noqa: PTH117
            return None
        try:
            return self._library.find(path)
        except UnknownTrackError:
            return None

    def _ids(self, wanted: set[str]) -> Mapping[str, int]:
        """Find the songs with these ids of MusicBrainz, by reading the tags of all files."""
        found: dict[str, int] = {}
        for path, track_id in self._library.places() if wanted else ():
            if (named := recording_id(path)) in wanted:
                found.setdefault(named, track_id)
        return found
