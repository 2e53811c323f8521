"""What the API tells of artists, albums and songs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemood.engine import Engine
from edgemood.errors import UnknownTrackError
from edgemood.server.desk import Lane
from edgemood.server.subsonic import shapes
from edgemood.server.subsonic.answers import GENERIC, NOT_FOUND, SubsonicError
from edgemood.server.subsonic.collection import Album, Artist, Collection
from edgemood.server.subsonic.parameters import MOST_VALUES, Parameters
from edgemood.server.subsonic.service import Base
from edgemood.server.subsonic.shapes import Shape
from edgemood.server.words import Words, fold

_ROOT = "0"  # the id of the only music folder
_MOST_OFFSET = 10**9
_KEPT = ("random", "newest", "alphabeticalByName", "alphabeticalByArtist", "byGenre")
_NOT_KEPT = ("starred", "frequent", "recent", "highest", "byYear")
_LOOKED_AT = 500  # ids in a question to the library
#: The most songs of an album, and the most that are liked, which are told at once.
MOST_SONGS = 5000

T = TypeVar("T")


def track_id(text: str) -> int:
    """Read the id of a song."""
    number = text.removeprefix("tr-")
    if number == text or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise SubsonicError(NOT_FOUND, f"there is no song {text[:40]!r}")
    return int(number)


class Browsing(Base):
    """Methods that look at what there is."""

    async def indexes(self, asked: Parameters) -> Shape:
        """List the artists as folders."""
        made = await self._folder(asked)
        since = asked.number("ifModifiedSince", 0, most=10**18)

        def grouped() -> list[Shape]:
            groups = shapes.index(made) if made.made_ms > since else []
            return [{"name": name, "artist": [_named(one) for one in group]} for name, group in groups]

        index = await self._aside(grouped)
        return {"indexes": {"lastModified": made.made_ms, "ignoredArticles": "", "index": index}}

    async def artists(self, asked: Parameters) -> Shape:
        """List the artists."""
        made = await self._folder(asked)

        def grouped() -> list[Shape]:
            groups = shapes.index(made)
            return [{"name": name, "artist": [shapes.artist(one) for one in group]} for name, group in groups]

        return {"artists": {"ignoredArticles": "", "index": await self._aside(grouped)}}

    async def artist(self, asked: Parameters) -> Shape:
        """Tell of an artist and the albums he is on."""
        made = await self._collections.get()
        found = artist_of(made, asked.needed("id"))
        albums = await self._aside(lambda: [shapes.album(made.albums[album]) for album in found.albums])
        return {"artist": {**shapes.artist(found), "album": albums}}

    async def album(self, asked: Parameters) -> Shape:
        """Tell of an album and its songs."""
        made = await self._collections.get()
        found = album_of(made, asked.needed("id"))
        return {"album": {**shapes.album(found), "song": await self._songs(lambda: found.songs[:MOST_SONGS])}}

    async def music_directory(self, asked: Parameters) -> Shape:
        """Tell what is in a folder: artists hold albums, albums songs."""
        made, wanted = await self._collections.get(), asked.needed("id")
        if wanted == _ROOT:
            inside = await self._aside(lambda: [_folder(one) for one in made.artists.values()])
            return {"directory": {"id": _ROOT, "name": "Music", "child": inside}}
        if wanted in made.artists:
            one = made.artists[wanted]
            albums = await self._aside(lambda: [shapes.album_folder(made.albums[album]) for album in one.albums])
            return {"directory": {"id": wanted, "parent": _ROOT, "name": one.name, "child": albums}}
        found = album_of(made, wanted)
        songs = await self._songs(lambda: found.songs[:MOST_SONGS])
        return {"directory": {"id": wanted, "parent": found.artist[0], "name": found.name, "child": songs}}

    async def song(self, asked: Parameters) -> Shape:
        """Tell of a song."""
        wanted = track_id(asked.needed("id"))
        songs = await self._songs(lambda: [wanted])
        if not songs:
            raise UnknownTrackError(f"the library has no song with the id {wanted}")
        return {"song": songs[0]}

    async def genres(self, asked: Parameters) -> Shape:
        """List the genres."""
        made = await self._collections.get()

        def counted() -> list[Shape]:
            return [{"value": name, "songCount": len(ids), "albumCount": n} for name, (ids, n) in made.genres.items()]

        return {"genres": {"genre": await self._aside(counted)}}

    async def album_list(self, asked: Parameters) -> Shape:
        """List albums as folders."""
        return {"albumList": {"album": await self._albums(asked, shapes.album_folder)}}

    async def album_list2(self, asked: Parameters) -> Shape:
        """List albums."""
        return {"albumList2": {"album": await self._albums(asked, shapes.album)}}

    async def random_songs(self, asked: Parameters) -> Shape:
        """Give songs by chance."""
        size, genre = asked.number("size", 10, least=1), asked.text("genre")
        made = await self._folder(asked)

        def chosen() -> list[int]:
            ids = _of_genre(made, genre) if genre else made.song_ids.tolist()
            return random.sample(ids, min(size, len(ids)))

        return {"randomSongs": {"song": await self._songs(chosen)}}

    async def songs_by_genre(self, asked: Parameters) -> Shape:
        """List the songs of a genre."""
        count, offset, made = asked.number("count", 10), _offset(asked, "offset"), await self._folder(asked)
        genre = asked.needed("genre")
        songs = await self._songs(lambda: _of_genre(made, genre)[offset : offset + count])
        return {"songsByGenre": {"song": songs}}

    async def search3(self, asked: Parameters) -> Shape:
        """Find artists, albums and songs by the beginnings of words; without any all, for those who copy them."""
        query = asked.text("query").strip() if asked.has("query") else asked.needed("query")
        query = "" if query == '""' else query  # as clients say that there is none
        made = await self._folder(asked)
        pages = {what: _page(asked, what) for what in ("artist", "album", "song")}

        def found() -> Shape:
            people, albums = list(made.artists.values()), list(made.albums.values())
            return {
                "artist": [shapes.artist(people[i]) for i in _places(made.artist_words, query)[pages["artist"]]],
                "album": [shapes.album(albums[i]) for i in _places(made.album_words, query)[pages["album"]]],
            }

        def songs() -> list[int]:
            ids: list[int] = made.song_ids[_places(made.song_words, query)[pages["song"]]].tolist()
            return ids

        return {"searchResult3": {**await self._aside(found), "song": await self._songs(songs)}}

    async def _folder(self, asked: Parameters) -> Collection:
        """Give the collection, the whole of which is the folder that may be named."""
        if asked.text("musicFolderId", _ROOT) not in ("", _ROOT):
            raise SubsonicError(NOT_FOUND, "there is one music folder, and its id is 0")
        return await self._collections.get()

    async def _aside(self, work: Callable[[], T]) -> T:
        """Have something long done where others do not wait for it."""
        return await self._desk.ask(lambda _: work(), lane=Lane.LOOK)

    async def _songs(self, chosen: Callable[[], Sequence[int]]) -> list[Shape]:
        """Give the songs that are chosen aside."""

        def look(engine: Engine) -> list[Shape]:
            ids = chosen()
            parts = [ids[i : i + _LOOKED_AT] for i in range(0, len(ids), _LOOKED_AT)]
            liked = engine.store.liked(engine.listener)
            tracks = (track for part in parts for track in engine.store.tracks_of(part))
            return [shapes.child(track, liked.get(track.id)) for track in tracks]

        return await self._desk.ask(look, lane=Lane.LOOK)

    async def _albums(self, asked: Parameters, shaped: Callable[[Album], Shape]) -> list[Shape]:
        kind, size, offset = asked.needed("type"), asked.number("size", 10, least=1), _offset(asked, "offset")
        genre = asked.needed("genre") if kind == "byGenre" else ""
        made = await self._folder(asked)
        if kind in _NOT_KEPT:
            return []
        if kind not in _KEPT:
            raise SubsonicError(GENERIC, f"there is no list of albums {kind[:40]!r}")
        return await self._aside(lambda: [shaped(one) for one in _listed(made, kind, genre, size, offset)])


def _listed(made: Collection, kind: str, genre: str, size: int, offset: int) -> Sequence[Album]:
    """Give a page of a list of albums."""
    albums = list(made.albums.values())
    if kind == "random":
        return random.sample(albums, min(size, len(albums)))
    if kind == "newest":
        albums.sort(key=lambda one: -one.mtime_ns)
    elif kind == "alphabeticalByArtist":
        albums.sort(key=lambda one: fold(one.artist[1]))
    elif kind == "byGenre":
        wanted = fold(genre)
        albums = [one for one in albums if wanted in map(fold, one.genres)]
    return albums[offset : offset + size]


def artist_of(made: Collection, wanted: str) -> Artist:
    """Give an artist by his id."""
    if wanted not in made.artists:
        raise SubsonicError(NOT_FOUND, f"there is no artist {wanted[:40]!r}")
    return made.artists[wanted]


def album_of(made: Collection, wanted: str) -> Album:
    """Give an album by its id."""
    if wanted not in made.albums:
        raise SubsonicError(NOT_FOUND, f"there is no album {wanted[:40]!r}")
    return made.albums[wanted]


def _named(one: Artist) -> Shape:
    return {"id": one.id, "name": one.name}


def _folder(one: Artist) -> Shape:
    return {"id": one.id, "isDir": True, "title": one.name, "parent": _ROOT}


def _of_genre(made: Collection, genre: str) -> list[int]:
    """Give the songs of a genre, whatever its case."""
    wanted = fold(genre)
    return [song for name, (ids, _) in made.genres.items() if fold(name) == wanted for song in ids]


def _offset(asked: Parameters, name: str) -> int:
    return asked.number(name, 0, most=_MOST_OFFSET)


def _page(asked: Parameters, what: str) -> slice:
    count = asked.number(f"{what}Count", 20, most=MOST_VALUES)
    offset = _offset(asked, f"{what}Offset")
    return slice(offset, offset + count)


def _places(words: Words, query: str) -> NDArray[np.intp]:
    """Give the places of what a search finds."""
    if query and not any(sign.isalnum() for sign in query):
        return np.empty(0, np.intp)  # there is nothing to look for, which is not the same as everything
    return np.flatnonzero(words.find(query))
