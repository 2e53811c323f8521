"""What the API takes in of a listener, and the songs it finds near to others."""

from __future__ import annotations

from collections.abc import Sequence

from edgemood.domain import Pick
from edgemood.engine import Engine
from edgemood.errors import UnknownTrackError
from edgemood.server.desk import Lane
from edgemood.server.subsonic import shapes
from edgemood.server.subsonic.answers import GENERIC, SubsonicError
from edgemood.server.subsonic.browsing import MOST_SONGS, Browsing, album_of, artist_of, track_id
from edgemood.server.subsonic.parameters import Parameters, whole
from edgemood.server.subsonic.shapes import Shape
from edgemood.wish import Wish

_SEEDS = 25  # songs of an artist or album that others like are looked for
_EVENTS = 1000  # of these the last, songs are looked up that are told again
_SAME_S = 1.0


class Listening(Browsing):
    """Methods about what is heard and liked, and what is like it."""

    async def starred(self, asked: Parameters) -> Shape:
        """List the songs that the listener likes, the latest first."""
        return {"starred": await self._liked()}

    async def starred2(self, asked: Parameters) -> Shape:
        """List the songs that the listener likes, the latest first."""
        return {"starred2": await self._liked()}

    async def star(self, asked: Parameters) -> Shape:
        """Note that the listener likes songs: all of them or, where one is unknown, none."""
        ids = _stars(asked)

        def note(engine: Engine) -> None:
            _require(engine, ids)
            liked = engine.store.liked(engine.listener)
            for song in ids:
                if song not in liked:
                    engine.liked(song)

        await self._desk.ask(note, lane=Lane.NOTE)
        return {}

    async def unstar(self, asked: Parameters) -> Shape:
        """Take back that the listener likes songs."""
        ids = _stars(asked)
        await self._desk.ask(lambda engine: engine.unliked(*ids), lane=Lane.NOTE)
        return {}

    async def scrobble(self, asked: Parameters) -> Shape:
        """Note songs as played; nothing where the client tells only that they begin. Told again, they count once."""
        if not asked.given("id"):
            asked.needed("id")
        ids = [track_id(text) for text in asked.several("id")]
        times = [whole("time", text) / 1000 for text in asked.several("time")]
        if times and len(times) != len(ids):
            raise SubsonicError(GENERIC, f"{len(ids)} songs but {len(times)} times: give one for each, or none")
        if (submission := asked.text("submission", "true").lower()) not in ("true", "false"):
            raise SubsonicError(GENERIC, f"submission is true or false, not {submission[:40]!r}")

        def note(engine: Engine) -> None:
            _require(engine, ids)
            if submission == "false":
                return
            if not times:
                engine.played_each(ids)
                return
            known = {(event.track_id, event.at) for event in engine.store.events(engine.listener, _EVENTS, ("play",))}
            for song, at in zip(ids, times, strict=True):
                if not any(one == song and abs(when - at) < _SAME_S for one, when in known):
                    engine.played(song, at)
                    known.add((song, at))

        await self._desk.ask(note, lane=Lane.NOTE)
        return {}

    async def sonic_similar_tracks(self, asked: Parameters) -> Shape:
        """Find the songs nearest to one."""
        song, count = track_id(asked.needed("id")), asked.number("count", 10, least=1)
        picks = await self._desk.ask(lambda engine: engine.similar(song, count))
        return {"sonicMatch": await self._matches(picks)}

    async def sonic_path(self, asked: Parameters) -> Shape:
        """Find a way from one song to another."""
        start, end = track_id(asked.needed("startSongId")), track_id(asked.needed("endSongId"))
        count = asked.number("count", 25, least=1)
        picks = await self._desk.ask(lambda engine: engine.path_between(start, end, count))
        return {"sonicMatch": await self._matches(picks)}

    async def similar_songs(self, asked: Parameters) -> Shape:
        """Find songs like a song, an album's or an artist's."""
        return {"similarSongs": {"song": await self._similar(asked)}}

    async def similar_songs2(self, asked: Parameters) -> Shape:
        """Find songs like a song, an album's or an artist's."""
        return {"similarSongs2": {"song": await self._similar(asked)}}

    async def _similar(self, asked: Parameters) -> list[Shape]:
        wanted, count = asked.needed("id"), asked.number("count", 50, least=1)
        if wanted.startswith(("ar-", "al-")):
            made = await self._collections.get()
            songs = (artist_of if wanted.startswith("ar-") else album_of)(made, wanted).songs
            if not songs:  # as Various Artists have none
                return []
            seeds = songs[:: -(-len(songs) // _SEEDS)]  # from all over
            picks = await self._desk.ask(lambda engine: engine.next(count, wish=Wish(seeds=_judged(engine, seeds))))
        else:
            song = track_id(wanted)
            picks = await self._desk.ask(lambda engine: engine.similar(song, count))
        return await self._children(picks)

    async def _liked(self) -> Shape:
        liked = await self._desk.ask(lambda engine: list(engine.store.liked(engine.listener)), lane=Lane.LOOK)
        return {"artist": [], "album": [], "song": await self._songs(lambda: liked[:MOST_SONGS])}

    async def _matches(self, picks: Sequence[Pick]) -> list[Shape]:
        """Give songs with how near they are, from 0 to 1."""
        entries = await self._children(picks)
        near = [round((1 + pick.similarity) / 2, 6) for pick in picks]
        return [{"entry": entry, "similarity": one} for entry, one in zip(entries, near, strict=True)]

    async def _children(self, picks: Sequence[Pick]) -> list[Shape]:
        def told(engine: Engine) -> list[Shape]:
            liked = engine.store.liked(engine.listener)
            return [shapes.child(pick.track, liked.get(pick.track.id)) for pick in picks]

        return await self._desk.ask(told, lane=Lane.LOOK)


def _stars(asked: Parameters) -> list[int]:
    """Read which songs a star is for: albums and artists have none here."""
    folders = [text for text in asked.several("id") if text.startswith(("al-", "ar-"))]
    if folders or asked.given("albumId") or asked.given("artistId"):
        raise SubsonicError(GENERIC, "only songs can be starred: a star is a like, which is about how a song sounds")
    ids = asked.several("id")
    if not any(ids):
        asked.needed("id")
    return list(dict.fromkeys(track_id(text) for text in ids))


def _require(engine: Engine, ids: Sequence[int]) -> None:
    """Raise UnknownTrackError unless the library has all of these."""
    found = {track.id for track in engine.store.tracks_of(ids)}
    if missing := [song for song in ids if song not in found]:
        raise UnknownTrackError(f"the library has no song with the id {missing[0]}")


def _judged(engine: Engine, ids: Sequence[int]) -> list[int]:
    """Leave out the songs that have no mood yet."""
    tracks = engine.store.tracks_of(ids)
    return [track.id for track in tracks if track.mood] or list(ids)
