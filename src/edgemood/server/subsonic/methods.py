"""What can be asked for, by the API's names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from edgemood.server.subsonic.answers import FORBIDDEN, GENERIC, SubsonicError
from edgemood.server.subsonic.listening import Listening
from edgemood.server.subsonic.parameters import Parameters
from edgemood.server.subsonic.service import Service
from edgemood.server.subsonic.shapes import Shape

#: What is told to everybody.
PUBLIC = frozenset({"getOpenSubsonicExtensions"})


class Methods(Service, Listening):
    """All methods, a class for each of their parts."""


Method = Callable[[Methods, Parameters], Awaitable[Shape]]

_METHODS: dict[str, Method] = {
    "ping": Methods.ping,
    "getLicense": Methods.license,
    "getOpenSubsonicExtensions": Methods.extensions,
    "tokenInfo": Methods.token_info,
    "getUser": Methods.user,
    "getScanStatus": Methods.scan_status,
    "getMusicFolders": Methods.music_folders,
    "getIndexes": Methods.indexes,
    "getMusicDirectory": Methods.music_directory,
    "getArtists": Methods.artists,
    "getArtist": Methods.artist,
    "getAlbum": Methods.album,
    "getSong": Methods.song,
    "getGenres": Methods.genres,
    "getAlbumList": Methods.album_list,
    "getAlbumList2": Methods.album_list2,
    "getRandomSongs": Methods.random_songs,
    "getSongsByGenre": Methods.songs_by_genre,
    "search3": Methods.search3,
    "getStarred": Methods.starred,
    "getStarred2": Methods.starred2,
    "star": Methods.star,
    "unstar": Methods.unstar,
    "scrobble": Methods.scrobble,
    "getSonicSimilarTracks": Methods.sonic_similar_tracks,
    "findSonicPath": Methods.sonic_path,
    "getSimilarSongs": Methods.similar_songs,
    "getSimilarSongs2": Methods.similar_songs2,
}
_SOUND = {"stream", "download", "hls", "getCoverArt", "getAvatar", "getLyrics", "getLyricsBySongId", "getCaptions"}
_SOUND |= {"getTranscodeDecision", "getTranscodeStream"}
_OURS = {"createUser", "updateUser", "deleteUser", "changePassword", "getUsers", "startScan"}


def method_of(name: str) -> Method:
    """Give a method by its name; SubsonicError where there is none."""
    if name in _METHODS:
        return _METHODS[name]
    if name in _SOUND:
        raise SubsonicError(GENERIC, f"{name}: edgemood knows moods and sends no audio, pictures or lyrics")
    if name in _OURS:
        raise SubsonicError(FORBIDDEN, f"{name}: users and scans are up to whoever runs the server")
    raise SubsonicError(GENERIC, f"edgemood has no method {name[:40]!r}", 404)
