"""Which song of the library a line of another program's history means. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

from edgemood.scrobbles import Listen

_CLOSE_S, _CLOSE = 15.0, 0.1  # by how much recordings of one song may differ in length, at least and as a share


class Song(NamedTuple):
    """A song of the library that a listen may mean."""

    track_id: int
    album: str
    duration_s: float


class Matcher:
    """Finds the songs that listens mean, by artist and title, then album and length.

    First all of both has to agree, but for case, accents and punctuation; then also without what programs add to names:
    guests, "(Remastered 2011)", "The". Where lengths are known they have to agree within 15 s or a tenth.
    """

    def __init__(self, listens: Iterable[Listen], songs: Iterable[tuple[int, str, str, str, float]]) -> None:
        """Take the listens that will be asked for, and all songs: id, artist, title, album, duration (s)."""
        named = {(listen.artist, listen.title) for listen in listens}
        self._keys = {name: (_exact(*name), _bare(*name)) for name in named}
        self._songs: dict[tuple[str, str], list[Song]] = {key: [] for key in chain(*self._keys.values()) if all(key)}
        for track_id, artist, title, album, duration_s in songs:
            for key in {_exact(artist, title), _bare(artist, title)}:
                if key in self._songs:
                    self._songs[key].append(Song(track_id, _folded(album), duration_s))

    def find(self, listen: Listen) -> int | None:
        """Give the id of the song that a listen means; None where there is none."""
        for key in self._keys[listen.artist, listen.title]:
            fitting = [song for song in self._songs.get(key, ()) if _is_as_long(song, listen)]
            if fitting:
                return min(fitting, key=_by_likeness(listen)).track_id
        return None


def _is_as_long(song: Song, listen: Listen) -> bool:
    if not listen.duration_s or not song.duration_s:
        return True
    return abs(song.duration_s - listen.duration_s) <= max(_CLOSE_S, _CLOSE * song.duration_s)


def _by_likeness(listen: Listen) -> Callable[[Song], tuple[bool, float, int]]:
    album, duration_s = _folded(listen.album), listen.duration_s

    def likeness(song: Song) -> tuple[bool, float, int]:
        return song.album != album, abs(song.duration_s - duration_s) if duration_s else 0.0, song.track_id

    return likeness


_EDITION = r"\b(feat|ft|featuring|re-?master(ed)?|version|edit|mono|stereo|explicit|bonus|deluxe)\b"
_OTHER = r"\b(live|acoustic|remix|demo|instrumental|karaoke)\b"  # another recording, not another edition
_ASIDE = re.compile(rf"[(\[](?![^)\]]*{_OTHER})[^)\]]*{_EDITION}[^)\]]*[)\]]", re.IGNORECASE)
_TAIL = re.compile(rf"\s[-\u2013]\s(?!.*{_OTHER}).*{_EDITION}.*$|\s(feat|ft|featuring)\b.*$", re.IGNORECASE)
_GUESTS = re.compile(r"\s+(feat|ft|featuring|vs)\b.*$|\s*[;/].*$", re.IGNORECASE)


def _exact(artist: str, title: str) -> tuple[str, str]:
    return _folded(artist), _folded(title)


def _bare(artist: str, title: str) -> tuple[str, str]:
    artist, title = _ASIDE.sub(" ", artist), _ASIDE.sub(" ", title)
    return _folded(re.sub(r"^the\s+", "", _GUESTS.sub("", artist), flags=re.IGNORECASE)), _folded(_TAIL.sub("", title))


def _folded(text: str) -> str:
    """Leave letters and digits only, without case and accents; all as it is where there are none (``!!!``)."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("&", "and")
    return "".join(filter(str.isalnum, plain)) or plain.strip()
