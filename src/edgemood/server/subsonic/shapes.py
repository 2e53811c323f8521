"""Songs, albums and artists as the API has them."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

from edgemood.domain import Track
from edgemood.server.subsonic.collection import (
    UNKNOWN_ARTIST,
    Album,
    Artist,
    Collection,
    album_id,
    artist_id,
    genres_of,
)
from edgemood.server.words import fold
from edgemood.shapes import shown

Shape = dict[str, Any]


def song_id(track_id: int) -> str:
    """Give the id of a song."""
    return f"tr-{track_id}"


def child(track: Track, starred: float | None = None) -> Shape:
    """Give a song; its mood is in ``moods`` where the model is sure of it or a person set it."""
    path, album = shown(track.path), album_id(os.fsencode(track.path), track.tags.album)
    artist = track.tags.artist or UNKNOWN_ARTIST
    who = artist_id(artist)
    genres = genres_of(track.tags.genre)
    suffix = PurePath(track.path).suffix.lstrip(".").lower()
    mood = [track.mood.label] if track.mood and not track.mood.unsure else []
    return {
        "id": song_id(track.id),
        **({} if track.missing else {"parent": album, "albumId": album}),
        "isDir": False,
        "isVideo": False,
        "type": "music",
        "mediaType": "song",
        "title": track.tags.title or PurePath(path).stem,
        **({"album": track.tags.album} if track.tags.album else {}),
        "artist": artist,
        "artistId": who,
        "displayArtist": artist,
        "artists": [{"id": who, "name": artist}],
        **({"genre": genres[0]} if genres else {}),
        "genres": [{"name": name} for name in genres],
        "moods": mood,
        "duration": round(track.duration_s),
        "path": path,
        **({"suffix": shown(suffix), "contentType": _content_type(suffix)} if suffix else {}),
        **({"starred": moment(starred)} if starred is not None else {}),
    }


def album(found: Album) -> Shape:
    """Give an album without its songs."""
    who, name = found.artist
    genres = [genre for genre, _ in found.genres.most_common()]
    return {
        "id": found.id,
        "name": found.name,
        "artist": name,
        "artistId": who,
        "displayArtist": name,
        "artists": [{"id": who, "name": name}],
        "songCount": len(found.songs),
        "duration": round(found.duration_s),
        "created": moment(found.mtime_ns / 1e9),
        **({"genre": genres[0]} if genres else {}),
        "genres": [{"name": genre} for genre in genres],
    }


def album_folder(found: Album) -> Shape:
    """Give an album as the folder that it is to clients that browse by folders."""
    of_both = ("id", "artist", "artistId", "duration", "created", "genres", "genre")
    shape = {name: value for name, value in album(found).items() if name in of_both}
    own = {"parent": shape["artistId"], "isDir": True, "title": found.name, "album": found.name, "mediaType": "album"}
    return shape | own


def artist(found: Artist) -> Shape:
    """Give an artist without his albums."""
    return {"id": found.id, "name": found.name, "albumCount": len(found.albums)}


def index(collection: Collection) -> list[tuple[str, list[Artist]]]:
    """Give the artists by the first letter of their names; ``#`` for all that do not begin with one of A to Z."""
    found: dict[str, list[Artist]] = {}
    for one in collection.artists.values():
        found.setdefault(_initial(one.name), []).append(one)
    return sorted(found.items())


def moment(seconds: float) -> str:
    """Give a time (seconds since the epoch) as ISO 8601; one that no calendar has as the epoch."""
    try:
        when = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, OSError, ValueError):
        when = datetime.fromtimestamp(0, timezone.utc)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _initial(name: str) -> str:
    first = fold(name)[:1].upper()
    return first if "A" <= first <= "Z" else "#"


def _content_type(suffix: str) -> str:
    kind: Mapping[str, str] = {"flac": "audio/flac", "opus": "audio/ogg", "ogg": "audio/ogg", "oga": "audio/ogg"}
    kind = {**kind, "mp3": "audio/mpeg", "m4a": "audio/mp4", "wma": "audio/x-ms-wma", "wv": "audio/x-wavpack"}
    guessed, _ = mimetypes.guess_type(f"a.{suffix}", strict=False)
    return kind.get(suffix) or (guessed if guessed and guessed.startswith("audio/") else "application/octet-stream")
