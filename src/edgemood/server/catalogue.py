"""All songs of a library in short, for lists, search and the map: arrays in memory, of one moment of the library."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import QUADRANTS, UNSURE_BELOW
from edgemood.errors import ConfigError
from edgemood.library import SongRow
from edgemood.server.words import Gather, Words, fold
from edgemood.shapes import shown

#: Bits of `Catalogue.flags`.
UNSURE, MISSING, LABELLED = 1, 2, 4
#: The mood of a song that no model has judged.
UNJUDGED = 255
#: What songs can be sorted by.
SORTS = ("id", "title", "artist", "album", "duration", "valence", "arousal")

_KEY = 48  # bytes of a text that it is sorted by
_PIECE = 2000  # songs read at a time
#: Folders in which each user or drive has one: what lies in them does not belong together.
_SHARED = {b"home", b"media", b"mnt", b"run", b"srv", b"tmp", b"var", b"Users", b"Volumes"}

Mask = NDArray[np.bool_]
Keys = NDArray[np.bytes_] | NDArray[np.float64]


@dataclass(frozen=True)
class Sieve:
    """Which songs to show; None: whatever they are.

    search: beginnings of words in title, artist, album, genre or path; mood: its name; artist: the whole name, or where
    nobody has it how its words begin; genre: a part of it; missing, unsure: whether they are.
    """

    search: str = ""
    mood: str | None = None
    artist: str | None = None
    genre: str | None = None
    missing: bool | None = None
    unsure: bool | None = None


@dataclass
class Catalogue:
    """All songs in arrays: row `i` of each belongs together, ids ascend.

    moods, artists, genres: names, which `mood` (`UNJUDGED` where there is none), `artist` and `genre` number; all moods
    that the songs' models know; artists in their order. roots: folders that hold all songs, as few as make sense.
    """

    ids: NDArray[np.int64]
    mood: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    artist: NDArray[np.int64]
    genre: NDArray[np.int64]
    keys: dict[str, Keys]
    moods: tuple[str, ...]
    artists: Sequence[str]
    genres: Sequence[str]
    words: Words
    roots: Sequence[str]
    orders: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def select(self, sieve: Sieve) -> Mask:
        """Tell which songs fall through a sieve."""
        found = self.words.find(sieve.search) if sieve.search.strip() else np.ones(len(self.ids), bool)
        if sieve.mood is not None:
            found &= self.mood == self._mood(sieve.mood)
        if sieve.artist is not None:
            found &= self._artists(sieve.artist)[self.artist]
        if sieve.genre is not None:
            wanted = fold(sieve.genre)
            found &= np.array([wanted in name for name in self.genres] or [False])[self.genre]
        for bit, asked in ((MISSING, sieve.missing), (UNSURE, sieve.unsure)):
            if asked is not None:
                found &= ((self.flags & bit) != 0) == asked
        return found

    def page(
        self, found: Mask, by: str, limit: int, after: str | None, backwards: bool
    ) -> tuple[list[int], str | None]:
        """Give the ids of the next songs of a sorted list, and the cursor behind them; None at the end."""
        order = self._order(by)
        if backwards:
            order = order[::-1]
        if after is not None:
            order = order[self._place(by, order, after, backwards) :]
        rows = order[found[order]][: limit + 1]
        ids = self.ids[rows[:limit]].tolist()
        return ids, self._cursor(by, backwards, int(rows[limit - 1])) if len(rows) > limit else None

    def _artists(self, name: str) -> Mask:
        """Tell which artists have this name; where none has, whose names have words that begin as its words do."""
        names, wanted = [fold(one.replace("\n", " ")) for one in self.artists] or [""], fold(name)
        found = np.array([one == wanted for one in names])
        if found.any() or not any(sign.isalnum() for sign in wanted):
            return found
        gather = Gather()
        gather.add(names)
        return gather.done().find(name)

    def _mood(self, name: str) -> int:
        if name in self.moods:
            return self.moods.index(name)
        if name == "none":
            return UNJUDGED
        if not self.moods:  # nothing is judged yet
            return 0
        raise ConfigError(f"there is no mood {name!r}: the library's songs have {', '.join(self.moods)} or none")

    def _order(self, by: str) -> NDArray[np.int64]:
        if by not in self.orders:
            self.orders[by] = np.arange(len(self.ids)) if by == "id" else np.argsort(self.keys[by], kind="stable")
        return self.orders[by]

    def _cursor(self, by: str, backwards: bool, row: int) -> str:
        key = 0.0 if by == "id" else self.keys[by][row]
        text = key.hex() if isinstance(key, bytes) else float(key).hex()
        return f"{by}.{int(backwards)}.{self.ids[row]}.{text}"

    def _place(self, by: str, order: NDArray[np.int64], cursor: str, backwards: bool) -> int:
        """Tell where a list goes on behind a cursor, whatever songs have come and gone since."""
        wrong = ConfigError("cursor: it belongs to another list; begin without one")
        parts = cursor.split(".", 3)
        if len(parts) != 4 or parts[:2] != [by, str(int(backwards))]:
            raise wrong
        try:
            last = int(parts[2])
            key = _key_of(parts[3], by in {"title", "artist", "album"})
        except (ValueError, OverflowError):
            raise wrong from None
        ascending = order[::-1] if backwards else order
        low, high = 0, len(ascending)
        if by != "id":
            keys = self.keys[by]
            low, high = _span(keys[ascending], key)
        alike = self.ids[ascending[low:high]]
        place = low + int(np.searchsorted(alike, last, "left" if backwards else "right"))
        return len(order) - place if backwards else place


def _span(ordered: Keys, key: bytes | float) -> tuple[int, int]:
    return int(np.searchsorted(ordered, key, "left")), int(np.searchsorted(ordered, key, "right"))


def _key_of(text: str, is_bytes: bool) -> bytes | float:
    return bytes.fromhex(text) if is_bytes else float.fromhex(text)


class Builder:
    """Makes a catalogue out of the rows of a library."""

    def __init__(self) -> None:
        self._words = Gather()
        self._moods: dict[str, int] = {}
        self._artists: dict[str, int] = {}
        self._genres: dict[str, int] = {}
        self._folders: set[bytes] = set()
        self._pieces: dict[str, list[NDArray[np.generic]]] = {}

    def build(self, rows: Iterable[SongRow]) -> Catalogue:
        """Make it; others get a turn between any two pieces."""
        each = iter(rows)
        while piece := list(islice(each, _PIECE)):
            self._add(piece)
        columns = {name: np.concatenate(parts) for name, parts in self._pieces.items()} or _nothing()
        names = list(self._artists)
        keys = np.array([_key(name) for name in names] or [b""], f"S{_KEY}")
        in_order = np.argsort(keys, kind="stable")
        rank = np.empty(len(keys), np.int64)
        rank[in_order] = np.arange(len(keys))
        artist = columns["artist"].astype(np.int64)
        return Catalogue(
            ids=columns["id"].astype(np.int64),
            mood=columns["mood"].astype(np.uint8),
            flags=columns["flags"].astype(np.uint8),
            artist=rank[artist],
            genre=columns["genre"].astype(np.int64),
            keys={
                "title": columns["title"].astype(np.bytes_),
                "album": columns["album"].astype(np.bytes_),
                "artist": keys[artist],
                **{name: columns[name].astype(np.float64) for name in ("duration", "valence", "arousal")},
            },
            moods=tuple(self._moods),
            artists=[names[i] for i in in_order[: len(names)]],
            genres=[fold(name) for name in self._genres],
            words=self._words.done(),
            roots=[os.fsdecode(folder) for folder in roots(self._folders)],
        )

    def _add(self, rows: Sequence[SongRow]) -> None:
        self._words.add([_text(row) for row in rows])
        self._folders.update(os.path.dirname(row.path) for row in rows)  # noqa: PTH120 - bytes
        judged = [_judged(row) for row in rows]
        texts: dict[str, NDArray[np.generic]] = {
            "title": np.array([_key(row.title or _name(row)) for row in rows], f"S{_KEY}"),
            "album": np.array([_key(row.album) for row in rows], f"S{_KEY}"),
        }
        numbers: dict[str, NDArray[np.generic]] = {
            "id": np.array([row.id for row in rows], np.int64),
            "duration": np.array([row.duration_s for row in rows], np.float64),
            "artist": np.array([_number(self._artists, row.artist) for row in rows], np.int64),
            "genre": np.array([_number(self._genres, row.genre) for row in rows], np.int64),
            "mood": np.array([self._mood(one) for one in judged], np.uint8),
            "valence": np.array([one.valence for one in judged], np.float64),
            "arousal": np.array([one.arousal for one in judged], np.float64),
            "flags": np.array([one.flags for one in judged], np.uint8),
        }
        for name, values in {**texts, **numbers}.items():
            self._pieces.setdefault(name, []).append(values)

    def _mood(self, judged: _Judged) -> int:
        if judged.mood is None:
            return UNJUDGED
        if judged.mood not in self._moods:  # what its model knows besides, though no song may have it
            for name in judged.moods:
                _number(self._moods, name)
        return min(UNJUDGED - 1, self._moods[judged.mood])


class _Judged(NamedTuple):
    moods: Iterable[str]
    mood: str | None
    valence: float
    arousal: float
    flags: int


def _judged(row: SongRow) -> _Judged:
    """Say what is known of a song's mood; what is not known comes last where songs are sorted."""
    nothing = _Judged((), None, math.inf, math.inf, MISSING if row.missing else 0)
    if row.scores is None:
        return nothing
    scores: dict[str, float] = json.loads(row.scores)
    labelled = row.label in scores
    if labelled:
        scores = {mood: float(mood == row.label) for mood in scores}
    mood = max(scores, key=scores.__getitem__)
    flags = nothing.flags | (LABELLED if labelled else 0) | (UNSURE if scores[mood] < UNSURE_BELOW else 0)
    if scores.keys() != QUADRANTS.keys():
        return _Judged(scores, mood, math.inf, math.inf, flags)
    happy, angry, sad, calm = scores["happy"], scores["angry"], scores["sad"], scores["calm"]
    valence, arousal = happy + calm - angry - sad, happy + angry - sad - calm  # `plane_position` is slower
    return _Judged(scores, mood, valence, arousal, flags)


def _text(row: SongRow) -> str:
    """All words of a song in one line."""
    path = shown(os.fsdecode(row.path))
    return fold(f"{row.title} {row.artist} {row.album} {row.genre} {path}".replace("\n", " "))


def _name(row: SongRow) -> str:
    """Give what a song without a title is shown by."""
    return shown(os.fsdecode(os.path.basename(row.path)))  # noqa: PTH119 - bytes


def _key(text: str) -> bytes:
    return fold(text.strip()).encode("utf-8", "replace")[:_KEY].rstrip(b"\0")


def _number(known: dict[str, int], name: str) -> int:
    return known.setdefault(name, len(known))


def _nothing() -> dict[str, NDArray[np.generic]]:
    return {
        name: np.empty(0)
        for name in ("id", "mood", "flags", "artist", "genre", "title", "album", "duration", "valence", "arousal")
    }


def roots(folders: Iterable[bytes]) -> Iterator[bytes]:
    """Give folders that hold all of these, as few as make sense: none where users or drives have theirs."""
    split = sorted({tuple(folder.split(b"/")[1:]) for folder in folders if folder.startswith(b"/")})
    yield from _common(split, 0)


def _common(split: Sequence[tuple[bytes, ...]], depth: int) -> Iterator[bytes]:
    """Give the folder that all of `split` lie in; where that is at the top, those below it."""
    if not split:
        return
    first, last = split[0], split[-1]  # they are sorted: what these two share all share
    shared = depth
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    if shared >= 2 or shared == len(first) or (shared == 1 and first[0] not in _SHARED):
        yield b"/" + b"/".join(first[:shared])
        return
    start = 0
    for i in range(1, len(split) + 1):
        if i == len(split) or split[i][shared] != split[start][shared]:
            yield from _common(split[start:i], shared + 1)
            start = i
