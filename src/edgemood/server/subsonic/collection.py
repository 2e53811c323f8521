"""All songs of a library by artists and albums, of one moment."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edgemood.engine import Engine
from edgemood.library import SongPlace
from edgemood.server.words import Gather, Words, fold
from edgemood.shapes import shown

UNKNOWN_ARTIST = "[Unknown Artist]"
VARIOUS_ARTISTS = "Various Artists"

#: Folders of an album that comes in several.
_DISC = re.compile(rb"(cd|dis[ck]|dvd|side)[ _-]*[0-9a-d]{1,2}", re.IGNORECASE)
_PIECE = 2000  # songs whose words are gathered at a time


@dataclass
class Album:
    """Songs of one album tag in one folder, by path. artists: ids of all who are on it; artist: whom it is by."""

    id: str
    name: str
    songs: list[int] = field(default_factory=list)
    artists: dict[str, str] = field(default_factory=dict)  # id -> name
    genres: Counter[str] = field(default_factory=Counter)
    duration_s: float = 0.0
    mtime_ns: int = 0

    @property
    def artist(self) -> tuple[str, str]:
        """Id and name."""
        if len(self.artists) == 1:
            return next(iter(self.artists.items()))
        return artist_id(VARIOUS_ARTISTS), VARIOUS_ARTISTS


@dataclass
class Artist:
    """An artist, the ids of the albums he is on, and his songs."""

    id: str
    name: str
    albums: list[str] = field(default_factory=list)
    songs: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Collection:
    """Artists and albums by id, each in the order of their names.

    song_ids: of all songs, ascending; artist_words, album_words, song_words: what finds their places; genres: the songs
    of each, and how many albums they are on; made_ms: when, since the epoch.
    """

    artists: dict[str, Artist]
    albums: dict[str, Album]
    song_ids: NDArray[np.int64]
    artist_words: Words
    album_words: Words
    song_words: Words
    genres: dict[str, tuple[list[int], int]]
    made_ms: int


def artist_id(name: str) -> str:
    """Give an id that the spellings of an artist's name share, and that stays."""
    return "ar-" + _hash(" ".join(name.casefold().split()).encode("utf-8", "replace"))


def album_id(path: bytes, album: str) -> str:
    """Give the id of the album that a song belongs to, by where it lies and its tag; without the tag the folder's."""
    return "al-" + _hash(_folder(path) + b"\0" + " ".join(album.casefold().split()).encode("utf-8", "replace"))


def genres_of(text: str) -> list[str]:
    """Give the genres that a file names."""
    return list(dict.fromkeys(part for name in text.split(";") if (part := name.strip())))


def make(engine: Engine) -> Collection:
    """Make the collection of an engine's library; others get a turn between any two pieces."""
    builder, each = _Builder(), iter(engine.store.song_places())
    while piece := list(islice(each, _PIECE)):
        builder.add(piece)
    return builder.done()


class _Builder:
    def __init__(self) -> None:
        self._albums: dict[str, Album] = {}
        self._artists: dict[str, Artist] = {}
        self._genres: dict[str, tuple[list[int], set[str]]] = {}
        self._places: dict[str, list[tuple[bytes, int]]] = {}
        self._ids: list[int] = []
        self._words = Gather()

    def add(self, rows: Sequence[SongPlace]) -> None:
        """Add songs."""
        self._words.add([_words(row.title or _stem(row.path), row.artist, row.album) for row in rows])
        for row in rows:
            album, artist = _album(row, self._albums), _artist(row.artist or UNKNOWN_ARTIST, self._artists)
            album.artists[artist.id] = artist.name
            album.duration_s += row.duration_s
            album.mtime_ns = max(album.mtime_ns, row.mtime_ns)
            artist.songs.append(row.id)
            self._ids.append(row.id)
            self._places.setdefault(album.id, []).append((row.path, row.id))
            for genre in genres_of(row.genre):
                songs, albums = self._genres.setdefault(genre, ([], set()))
                songs.append(row.id)
                albums.add(album.id)
                album.genres[genre] += 1

    def done(self) -> Collection:
        """Give what was made."""
        for album in self._albums.values():
            album.songs = [track_id for _, track_id in sorted(self._places[album.id])]
            _artist(album.artist[1], self._artists)  # whom no song may be by
        albums = sorted(self._albums.values(), key=lambda album: (fold(album.name), album.id))
        for album in albums:
            for artist in {*album.artists, album.artist[0]}:
                self._artists[artist].albums.append(album.id)
        artists = sorted(self._artists.values(), key=lambda artist: (fold(artist.name), artist.id))
        return Collection(
            artists={artist.id: artist for artist in artists},
            albums={album.id: album for album in albums},
            song_ids=np.array(self._ids, np.int64),
            artist_words=_gathered([_words(artist.name) for artist in artists]),
            album_words=_gathered([_words(album.name, *album.artists.values()) for album in albums]),
            song_words=self._words.done(),
            genres={
                name: (self._genres[name][0], len(self._genres[name][1])) for name in sorted(self._genres, key=fold)
            },
            made_ms=int(time.time() * 1000),
        )


def _album(row: SongPlace, albums: dict[str, Album]) -> Album:
    """Find a song's album, or begin one."""
    key = album_id(row.path, row.album)
    if key not in albums:
        folder = shown(os.fsdecode(os.path.basename(_folder(row.path))))  # noqa: PTH119 - bytes
        albums[key] = Album(key, row.album.strip() or folder or "[Unknown Album]")
    return albums[key]


def _folder(path: bytes) -> bytes:
    """Give the folder of an album, which may come in several."""
    folder = os.path.dirname(path)  # noqa: PTH120 - bytes
    return os.path.dirname(folder) if _DISC.fullmatch(os.path.basename(folder)) else folder  # noqa: PTH119, PTH120


def _artist(name: str, artists: dict[str, Artist]) -> Artist:
    key = artist_id(name)
    if key not in artists:
        artists[key] = Artist(key, name)
    return artists[key]


def _gathered(texts: Sequence[str]) -> Words:
    gather = Gather()
    gather.add(texts)
    return gather.done()


def _words(*parts: str) -> str:
    return fold(" ".join(parts).replace("\n", " "))


def _stem(path: bytes) -> str:
    return shown(os.fsdecode(os.path.splitext(os.path.basename(path))[0]))  # noqa: PTH119, PTH122


def _hash(key: bytes) -> str:
    return blake2b(key, digest_size=8).hexdigest()
