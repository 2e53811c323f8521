"""What a listener asks of the next songs, and what that means for the ranking: targets, rules, songs to leave out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from edgemood import personal, recommend, targets
from edgemood.domain import Event, FilePath, ListenerMood, Pick, Track
from edgemood.errors import ConfigError, LibraryError
from edgemood.library import Library
from edgemood.personal import Taste
from edgemood.recommend import ALBUM_GAP, ARTIST_GAP, LEFT_OUT, SMOOTHNESS, VARIETY, Choice, Request
from edgemood.shelf import CHRISTMAS, LONG, SHORT, SPEECH, Shelf
from edgemood.targets import Target

#: Kinds of recordings that are not offered unless they are asked for: spoken word; shorter than 20 s; longer than half
#: an hour; Christmas songs, but from the first of December to the sixth of January.
KINDS = {"speech": SPEECH, "short": SHORT, "long": LONG, "christmas": CHRISTMAS}
#: How long a song that was played is not offered again.
REPEAT_AFTER_S = 3 * 3600.0


@dataclass(frozen=True)
class Wish:
    """What is asked of the next songs, besides how many. As it is: songs for the listener's present mood.

    Attributes
    ----------
    mood : str or None
        Songs of this mood, whatever the listener's is.
    toward : str or None
        Songs that lead from the listener's mood to this one, gradually, the last of them there.
    seeds : sequence of int or path
        Songs to find others like, by id or path; they are not offered themselves. With `toward`: where to begin.
    variety, smoothness : float
        In [0, 1]; see `recommend.Request`.
    artist_gap, album_gap : int
        How many songs have to lie between two by one artist, or of one album.
    without_genres : sequence of str
        Songs with any of these in their genre are not offered, whatever the case.
    without_tags : sequence of str
        Songs with any of these in their title, artist, album or genre are not offered.
    without_folders : sequence of path
        Songs at or below these are not offered.
    include : sequence of str
        Any of `KINDS`, which are not offered otherwise.
    repeat_after_s : float
        How long a song that was played is not offered again; at least 0.

    """

    mood: str | None = None
    toward: str | None = None
    seeds: Sequence[int | FilePath] = ()
    variety: float = VARIETY
    smoothness: float = SMOOTHNESS
    artist_gap: int = ARTIST_GAP
    album_gap: int = ALBUM_GAP
    without_genres: Sequence[str] = ()
    without_tags: Sequence[str] = ()
    without_folders: Sequence[FilePath] = ()
    include: Sequence[str] = ()
    repeat_after_s: float = REPEAT_AFTER_S

    def __post_init__(self) -> None:
        if self.mood is not None and (self.toward is not None or self.seeds):
            raise ConfigError("songs are asked for by one mood, or toward a mood, or like other songs: not all at once")
        if unknown := [kind for kind in self.include if kind not in KINDS]:
            raise ConfigError(f"there is no kind of recording {unknown[0]!r}: they are {', '.join(KINDS)}")
        if not all(text.strip() for text in (*self.without_genres, *self.without_tags)):
            raise ConfigError("an empty text is in every genre and tag: it would leave out all songs")
        if not (isinstance(self.repeat_after_s, Real) and self.repeat_after_s >= 0):
            raise ConfigError(f"songs are not repeated within 0 s or more, not {self.repeat_after_s}")

    @property
    def needs_listener(self) -> bool:
        """Whether the listener's mood has to be known."""
        return self.mood is None and not self.seeds

    def left_out(self, now: float) -> int:
        """Flags of the songs that are not offered at this time (seconds since the epoch; the local date counts)."""
        date = time.localtime(now)
        season = CHRISTMAS if date.tm_mon == 12 or (date.tm_mon == 1 and date.tm_mday <= 6) else 0
        asked = sum(KINDS[kind] for kind in set(self.include))
        return LEFT_OUT & ~(season | asked)


@dataclass(frozen=True)
class Present:
    """What the ranking has to know of now: the listener's mood, what was played last, newest first, and the time."""

    mood: ListenerMood | None
    recent: Sequence[Track]
    now: float


@dataclass(frozen=True)
class Learned:
    """What was learned of a listener's taste, for the songs of one shelf.

    events: what it was learned from, newest first; offsets: see `personal.Taste.offsets`; None where there are none.
    """

    events: Sequence[Event]
    shelf: Shelf
    taste: Taste
    offsets: NDArray[np.float32] | None

    @classmethod
    def of(cls, events: Sequence[Event], shelf: Shelf, now: float, before: Learned | None = None) -> Learned:
        """Learn it; `before`, what was learned before, is good as long as nothing happens."""
        if before and before.shelf is shelf and before.events == events:
            return before
        taste = personal.learn(events, shelf, now)
        return cls(events, shelf, taste, taste.offsets() if events else None)


class Offer:
    """The songs of a library that suit a wish at present."""

    def __init__(self, wish: Wish, present: Present, seeds: Sequence[Track], shelf: Shelf, learned: Learned) -> None:
        self._wish, self._present, self._seeds = wish, present, seeds
        self._shelf, self._taste, self._offsets = shelf, learned.taste, learned.offsets
        self._events = learned.events

    def picks(self, library: Library, listener: str, n: int, exclude: Iterable[int] = ()) -> list[Pick]:
        """Choose `n` songs, or as many as there are; where all but songs played not long ago are used up, those."""
        present = self._present
        never = {*exclude, *(track.id for track in self._seeds)}
        away = [np.fromiter(never, np.int64), library.banned(listener), *self._unwanted(library)]
        lately = self._lately(library, listener)
        chosen = self._ranked(n, [*away, lately] if lately is not None else away, present.recent)
        found = [self._pick(library, choice, request) for choice, request in chosen]
        if lately is not None and len(found) < n and len(lately):
            again = self._again(library, [*away, np.array([pick.track.id for pick in found], np.int64)])
            found += again[: n - len(found)]
        return found

    def _lately(self, library: Library, listener: str) -> NDArray[np.int64] | None:
        """Ids of the songs played or skipped so lately that they are not offered again; None where all may be."""
        if not self._wish.repeat_after_s:
            return None
        since = self._present.now - self._wish.repeat_after_s
        skipped = [event.track_id for event in self._events if event.kind == "skip" and event.at >= since]
        return np.union1d(library.played_since(since, listener), np.array(skipped, np.int64))

    def _ranked(
        self, n: int, away: Sequence[NDArray[np.int64]], recent: Sequence[Track]
    ) -> list[tuple[Choice, Request]]:
        wish = self._wish
        request = Request(
            self._targets(n),
            n,
            recent=recent,
            exclude=np.concatenate(away),
            leave_out=wish.left_out(self._present.now),
            variety=wish.variety,
            smoothness=wish.smoothness,
            artist_gap=wish.artist_gap,
            album_gap=wish.album_gap,
            offsets=self._offsets,
        )
        return [(choice, request) for choice in recommend.rank(request, self._shelf)]

    def _targets(self, n: int) -> list[Target]:
        wish, shelf = self._wish, self._shelf
        if wish.mood is not None:
            return [targets.of_mood(wish.mood, shelf)]
        if self._seeds:
            start = targets.of_songs([track.mood for track in self._seeds if track.mood], shelf)
        elif self._present.mood:
            start = targets.of_listener(self._present.mood, shelf)
        else:
            raise LibraryError("nothing tells what to look for: no song was played yet")
        return [start] if wish.toward is None else targets.path(start, wish.toward, n, shelf)

    def _unwanted(self, library: Library) -> list[NDArray[np.int64]]:
        genres = [library.ids_of_genre(genre) for genre in self._wish.without_genres]
        tags = [library.ids_of_tag(text) for text in self._wish.without_tags]
        return genres + tags + [library.ids_under(folder) for folder in self._wish.without_folders]

    def _again(self, library: Library, away: Sequence[NDArray[np.int64]]) -> list[Pick]:
        """Songs heard not long ago, those longest ago first, each saying so."""
        gone = set(np.concatenate(away).tolist())
        last: dict[int, float] = {}
        for event in self._events:
            if event.kind in ("play", "skip") and event.at >= self._present.now - self._wish.repeat_after_s:
                last.setdefault(event.track_id, event.at)
        newest = self._present.recent[0].id if self._present.recent else None
        target, left_out = self._targets(1)[-1], self._wish.left_out(self._present.now)
        picks = []
        for track_id in sorted(last, key=lambda known: (last[known], known)):
            (row,) = self._shelf.rows([track_id]).tolist()
            if row < 0 or self._shelf.flags[row] & left_out or track_id in gone or track_id == newest:
                continue
            ((near,),) = recommend.similarities([target], self._shelf, np.array([row], np.int64)).tolist()
            rule = f"played {ago(self._present.now - last[track_id])}: no others are left"
            choice = Choice(row, track_id, near, target, broken=(rule,))
            picks.append(self._pick(library, choice, Request([target])))
        return picks

    def _pick(self, library: Library, choice: Choice, request: Request) -> Pick:
        track = library.track(choice.id, self._shelf.model)
        reason = recommend.reason(choice, track, request)
        if why := self._taste.explain(choice.row):
            reason += f"; {why}"
        return Pick(track, choice.similarity, reason, choice.broken)


def ago(seconds: float) -> str:
    """``5 minutes ago``, ``2 hours ago``."""
    minutes = max(0, round(seconds / 60))
    number, unit = (minutes, "minute") if minutes < 60 else (round(minutes / 60), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'} ago" if number else "just now"
