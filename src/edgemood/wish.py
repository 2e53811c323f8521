"""What a listener asks of the next songs, and what that means for the ranking: targets, rules, songs to leave out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from edgemood import personal, recommend, targets
from edgemood.domain import Event, FilePath, ListenerMood, Pick, Track
from edgemood.errors import ConfigError, NotYetError
from edgemood.library import Library
from edgemood.personal import Taste
from edgemood.recommend import ALBUM_GAP, ARTIST_GAP, LEFT_OUT, SMOOTHNESS, VARIETY, Choice, Request
from edgemood.shelf import CHRISTMAS, LONG, SHORT, SPEECH, Shelf
from edgemood.targets import Target

#: Kinds of recordings that are not offered unless they are asked for: spoken word; shorter than 20 s; longer than half
#: an hour; Christmas songs, but from the first of December to the sixth of January.
KINDS = {"speech": SPEECH, "short": SHORT, "long": LONG, "christmas": CHRISTMAS}
_ENDS = {"play": "played", "skip": "skipped"}
_LONGEST = 1000  # characters of a text that songs are left out by
_HEARD_EVENTS = 20_000  # plays and skips looked through for those longest ago

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
    seeds_are : str
        How `seeds` are called in the reasons of picks.

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
    seeds_are: str = "the songs you named"

    def __post_init__(self) -> None:
        for name in ("seeds", "without_genres", "without_tags", "without_folders", "include"):
            value = getattr(self, name)
            if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
                raise ConfigError(f"{name} of a wish is a list, not {value!r}")
            object.__setattr__(self, name, tuple(value))
        for name in ("without_genres", "without_tags"):
            if odd := [text for text in getattr(self, name) if not isinstance(text, str) or len(text) > _LONGEST]:
                raise ConfigError(f"{name} of a wish are texts of at most {_LONGEST} characters, not {odd[0]!r:.80}")
        if odd := [path for path in self.without_folders if not isinstance(path, (str, os.PathLike))]:
            raise ConfigError(f"without_folders of a wish are paths, not {odd[0]!r}")
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
    """The songs of a library that suit a listener's wish at present."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        library: Library,
        listener: str,
        wish: Wish,
        present: Present,
        seeds: Sequence[Track],
        shelf: Shelf,
        learned: Learned,
    ) -> None:
        self._library, self._listener = library, listener
        self._wish, self._present, self._seeds = wish, present, seeds
        self._shelf, self._learned = shelf, learned

    def picks(self, n: int, exclude: Iterable[int] = (), steps: int = 0) -> list[Pick]:
        """Choose `n` songs, or as many as there are; where all but songs heard not long ago are used up, those.

        steps: in how many songs a way leads to its mood; `n` if 0, and fewer where there are fewer songs.
        """
        steps = steps or n
        away = np.union1d(self._unwanted, np.fromiter(exclude, np.int64))
        found = self._chosen(n, away, steps)
        if self._wish.toward is not None and 0 < len(found) < min(n, steps):
            found = self._chosen(n, away, len(found))
        return found

    def _chosen(self, n: int, away: NDArray[np.int64], steps: int) -> list[Pick]:
        aims, recent, lately = self._targets(n, steps), self._present.recent, self._lately
        picks = self._ranked(aims, n, np.union1d(away, lately), recent)
        missing = n - len(picks)
        if missing <= 0 or not len(lately):
            return picks
        heard = self._library.events(self._listener, _HEARD_EVENTS, ("play", "skip"))
        ended = {event.track_id: event for event in reversed(heard)}
        free = [i for i in np.setdiff1d(lately, away).tolist() if i in ended]
        free.sort(key=lambda i: (ended[i].at, i))
        older = free[: max(2 * missing, (len(free) + 1) // 2)]
        others = np.setdiff1d(self._shelf.ids, np.array(older, np.int64))
        before = [*(pick.track for pick in reversed(picks)), *recent]
        chosen = np.array(
            [track.id for track in (*before[: len(picks)], *recent[:1])], np.int64
        )  # and the one just heard
        for pick in self._ranked(aims[len(picks) :] or aims, missing, np.union1d(others, chosen), before):
            event = ended[pick.track.id]
            rule = f"{_ENDS[event.kind]} {ago(self._present.now - event.at)}: no others are left"
            picks.append(replace(pick, reason=f"{pick.reason}; {rule}", broken=(*pick.broken, rule)))
        return picks

    @cached_property
    def _lately(self) -> NDArray[np.int64]:
        """Ids of the songs played or skipped so lately that they are not offered again."""
        if not self._wish.repeat_after_s:
            return np.empty(0, np.int64)
        return self._library.heard_since(self._present.now - self._wish.repeat_after_s, self._listener)

    def _ranked(self, aims: Sequence[Target], n: int, away: NDArray[np.int64], recent: Sequence[Track]) -> list[Pick]:
        wish = self._wish
        request = Request(
            aims,
            n,
            recent=recent,
            exclude=away,
            leave_out=wish.left_out(self._present.now),
            variety=wish.variety,
            smoothness=wish.smoothness,
            artist_gap=wish.artist_gap,
            album_gap=wish.album_gap,
            offsets=self._learned.offsets,
        )
        choices = recommend.rank(request, self._shelf)
        tracks = self._library.tracks_of([choice.id for choice in choices], self._shelf.model, timelines=True)
        found = {track.id: track for track in tracks}  # one may just have been removed
        return [self._pick(choice, found[choice.id], request) for choice in choices if choice.id in found]

    def _targets(self, n: int, steps: int) -> list[Target]:
        wish, shelf = self._wish, self._shelf
        if wish.mood is not None:
            return [targets.of_mood(wish.mood, shelf)]
        if self._seeds:
            start = targets.of_songs([track.mood for track in self._seeds if track.mood], shelf, wish.seeds_are)
        elif self._present.mood:
            start = targets.of_listener(self._present.mood, shelf)
        else:
            raise NotYetError("nothing tells what to look for: no song was played yet")
        return [start] if wish.toward is None else targets.path(start, wish.toward, n, shelf, steps)

    @cached_property
    def _unwanted(self) -> NDArray[np.int64]:
        """Ids of the songs that are banned, sought the like of, or that the wish leaves out; looked up once."""
        library, wish = self._library, self._wish
        ids = [library.banned(self._listener), np.array([track.id for track in self._seeds], np.int64)]
        ids += [library.ids_of_genre(genre) for genre in wish.without_genres]
        ids += [library.ids_of_tag(text) for text in wish.without_tags]
        ids += [_under(library, folder) for folder in wish.without_folders]
        return np.concatenate(ids)

    def _pick(self, choice: Choice, track: Track, request: Request) -> Pick:
        reason = recommend.reason(choice, track, request)
        if why := self._learned.taste.explain(choice.row):
            reason += f"; {why}"
        return Pick(track, choice.similarity, reason, choice.broken)


def _under(library: Library, folder: FilePath) -> NDArray[np.int64]:
    """Ids of the songs at or below a folder, or where it leads to if it is a link."""
    ids = np.union1d(library.ids_under(folder), library.ids_under(os.path.realpath(folder)))
    if not len(ids) and not os.path.exists(folder):  # noqa: PTH110 - Path.exists raises where it may not look
        raise ConfigError(
            f"there is no folder {os.fsdecode(folder)!r} to leave out, and no song of the library below it"
        )
    return ids


def ago(seconds: float) -> str:
    """``5 minutes ago``, ``2 hours ago``."""
    minutes = max(0, round(seconds / 60))
    number, unit = (minutes, "minute") if minutes < 60 else (round(minutes / 60), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'} ago" if number else "just now"
