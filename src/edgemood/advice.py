"""What to play next, and what mood the listener is in: the ranking of a library's songs for one listener."""

from __future__ import annotations

import math
import operator
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from edgemood import listener
from edgemood.domain import Event, FilePath, ListenerMood, Listening, Pick, Track
from edgemood.errors import ConfigError, NotYetError
from edgemood.library import Library

if TYPE_CHECKING:
    from edgemood._sonic import Kin
    from edgemood.shelf import Shelf
    from edgemood.wish import Learned, Present, Wish


_HEARD = ("play", "skip")  # the events that tell a mood
_ROUNDS = 16  # songs that are gone are replaced by others so many times


class Advice:
    """Answers the questions of one listener. What it learned of him is kept as long as nothing happens."""

    def __init__(self, library: Library, who: str) -> None:
        self._library, self._listener = library, who
        self._learned: Learned | None = None
        self._known: tuple[tuple[list[Event], int], list[tuple[Track, Event]], ListenerMood | None] | None = None

    def now(self) -> ListenerMood:
        """See `Engine.now`."""
        heard, mood = self._read()
        return mood if mood is not None else listener.read(heard)  # which says why there is none

    def history(self, hours: float, points: int) -> Listening:
        """See `Engine.history`."""
        if isinstance(hours, bool) or not isinstance(hours, Real) or not 0 < hours < math.inf:
            raise ConfigError(f"a stretch of time has to be longer than 0 hours, not {hours!r}")
        until = time.time()
        since = until - 3600 * hours
        heard = self._judged_alike(self._events_since(since))
        read_from = [(track, event) for track, event in heard if event.kind in _HEARD]
        done = [(track, event) for track, event in reversed(heard) if event.at >= since]
        return Listening(since, until, done, listener.replay(read_from, since, points))

    def next(self, n: int, exclude: Iterable[int], wish: Wish | None) -> list[Pick]:
        """See `Engine.next`."""
        from edgemood.wish import Learned, Offer, Wish

        wish = Wish() if wish is None else wish
        if not isinstance(wish, Wish):
            raise ConfigError(f"a wish is an edgemood.Wish, not {wish!r}")
        left_out = _ids(exclude)
        present, seeds = self._present(wish.needs_listener), [self._seed(seed) for seed in wish.seeds]
        model = self._model_to_rank_by(present, seeds)
        shelf = self._library.shelf(model)
        seeds = [self._library.track(seed.id, model) for seed in seeds]
        events = self._library.events(self._listener)
        self._learned = Learned.of(events, shelf, present.now, self._learned)
        offer = Offer(self._library, self._listener, wish, present, seeds, shelf, self._learned)
        look_at = steps = min(_count(n), max(1, len(shelf)))
        while True:  # a drive may have been unplugged since the last scan; the further one looks, the fewer rounds
            picks = offer.picks(look_at, left_out, steps)
            found = {pick.track.id: self._find(pick.track) for pick in picks}
            first = picks[:steps]
            there = [replace(pick, track=track) for pick in first if (track := found[pick.track.id])]
            if len(there) == len(first):
                return there
            for pick in picks:
                if found[pick.track.id] is None and pick.track.id not in left_out:
                    left_out |= {pick.track.id, *self._gone_with(pick.track.path)}
            look_at = min(2 * look_at, len(shelf))

    def similar(self, song: int | FilePath, n: int) -> list[Pick]:
        """See `Engine.similar`."""
        from edgemood import _sonic, targets

        first, count = self._seed(song), _count(n)
        shelf = self._library.shelf(_judge(first))
        aim, leave_out = targets.of_songs([first.mood] if first.mood else [], shelf), _kinds_unlike([first.id], shelf)

        def found(away: NDArray[np.int64], rounds: int) -> list[_sonic.Kin]:
            return _sonic.nearest(aim, min(count << rounds, len(shelf)), shelf, away, leave_out)

        kin, tracks = self._related(found, [first.id])
        return [
            Pick(tracks[one.id], one.similarity, f"{_called(tracks[one.id])}, like {_title(first)}")
            for one in kin[:count]
        ]

    def path_between(self, start: int | FilePath, end: int | FilePath, n: int) -> list[Pick]:
        """See `Engine.path_between`."""
        from edgemood import _sonic, targets

        first, count = self._seed(start), _count(n)
        model = _judge(first)
        last = self._seed(end, model)
        if first.id == last.id:
            return [Pick(first, 1.0, "the way begins and ends here")]
        if count < 2:
            raise ConfigError("a way from one song to another has at least 2 songs: both are on it")
        shelf = self._library.shelf(model)
        ends = [
            _sonic.End(one.id, targets.of_songs([one.mood] if one.mood else [], shelf), *_by(one, shelf))
            for one in (first, last)
        ]
        leave_out = _kinds_unlike([first.id, last.id], shelf)
        ways: list[_sonic.Way] = []

        def found(away: NDArray[np.int64], rounds: int) -> Sequence[_sonic.Kin]:
            ways.append(_sonic.way(ends[0], ends[1], count, shelf, away, leave_out))
            return ways[-1].songs

        kin, tracks = self._related(found, [first.id, last.id])
        picks = [Pick(first, 1.0, "the way begins here")]
        for number, one in enumerate(kin, 2):
            said = f"{_called(tracks[one.id])}, {number} of {len(kin) + 2} on the way to {_title(last)}"
            picks.append(Pick(tracks[one.id], one.similarity, said, ways[-1].broken))
        return [*picks, Pick(last, ways[-1].similarity, "the way ends here")]

    def _related(
        self, find: Callable[[NDArray[np.int64], int], Sequence[Kin]], away: Sequence[int]
    ) -> tuple[list[Kin], dict[int, Track]]:
        """Find songs that are there right now, with where they lie: a drive may have been unplugged since the scan."""
        left_out = {*away, *self._library.banned(self._listener).tolist()}
        for rounds in range(_ROUNDS):
            kin = find(np.array(sorted(left_out), np.int64), rounds)
            tracks = self._library.tracks_of([one.id for one in kin])
            there = {track.id: found for track in tracks if (found := self._find(track))}
            if len(there) == len(kin):
                break
            for track in tracks:
                if track.id not in there and track.id not in left_out:
                    left_out |= {track.id, *self._gone_with(track.path)}
        return [one for one in kin if one.id in there], there

    def _present(self, needs_mood: bool) -> Present:
        from edgemood.wish import Present

        heard, mood = self._read()
        if needs_mood and mood is None:
            mood = listener.read(heard)  # which says why there is none
        recent = list({track.id: track for track, _ in heard}.values())  # newest first, each once
        return Present(mood, recent[: listener.WINDOW], time.time())

    def _read(self) -> tuple[list[tuple[Track, Event]], ListenerMood | None]:
        """Return what was heard last, and the mood that it tells; read anew where something has happened."""
        events, revision = self._library.events(self._listener, 2 * listener.WINDOW, _HEARD), self._library.revision
        if self._known is None or self._known[0] != (events, revision):
            heard, mood = self._judged_alike(events), None
            with suppress(NotYetError):
                mood = listener.read(heard)
            self._known = (events, revision), heard, mood
        return self._known[1:]

    def _seed(self, song: int | FilePath, model: str | None = None) -> Track:
        track = self._library.track(song, model)
        if track.mood is None:
            raise NotYetError(f"{track.path} has no mood yet to find others like it: edgemood scan FOLDER")
        return track

    def _model_to_rank_by(self, present: Present, seeds: Sequence[Track]) -> str:
        for mood in (present.mood, *(seed.mood for seed in seeds)):
            if mood is not None:
                return mood.model
        if (latest := self._library.latest_model()) is None:
            raise NotYetError("no song of the library has a mood yet: edgemood scan FOLDER")
        return latest

    def _find(self, track: Track) -> Track | None:
        """Give the track with a path where it lies right now; None where it lies nowhere."""
        if _is_there(track.path):
            return track
        elsewhere = (path for path in self._library.paths(track.id) if _is_there(path))
        path = next(elsewhere, None)
        return replace(track, path=path) if path is not None else None

    def _gone_with(self, path: str) -> Iterable[int]:
        """Ids of the songs that lie only below the uppermost folder, on the way to a missing file, that is gone too."""
        gone = [folder for folder in Path(path).parents if not _is_there(str(folder), os.path.isdir)]
        return self._library.ids_only_under(gone[-1]).tolist() if gone else ()

    def _events_since(self, since: float) -> list[Event]:
        """Return what was done since then, newest first, and before that what the mood was read from then."""
        limit = 256
        while True:
            events = self._library.events(self._listener, limit)
            before = sum(event.at < since and event.kind in _HEARD for event in events)
            if len(events) < limit or before >= 2 * listener.WINDOW:
                return events
            limit *= 4

    def _judged_alike(self, events: Sequence[Event]) -> list[tuple[Track, Event]]:
        """Give the songs of events, newest first, all judged by the model of the newest judged song."""
        ids = list({event.track_id: None for event in events})
        tracks = {track.id: track for track in self._library.tracks_of(ids)}
        there = [event for event in events if event.track_id in tracks]  # one may just have been removed
        moods = [tracks[event.track_id].mood for event in there if event.kind in _HEARD]
        models = [mood.model for mood in moods if mood]
        if len(set(models)) > 1:
            tracks |= {track.id: track for track in self._library.tracks_of(ids, models[0])}
        return [(tracks[event.track_id], event) for event in there]


def _count(n: object) -> int:
    """Check a number of songs."""
    if isinstance(n, bool) or not isinstance(n, SupportsIndex) or operator.index(n) < 1:
        raise ConfigError(f"the number of songs has to be a whole number of at least 1, not {n!r}")
    return operator.index(n)


def _judge(track: Track) -> str:
    """Give the model that judged a song, which has a mood."""
    assert track.mood is not None
    return track.mood.model


def _kinds_unlike(ids: Sequence[int], shelf: Shelf) -> int:
    """Flags of the kinds of recordings that are not offered beside these songs: none of them is of that kind."""
    from edgemood.recommend import LEFT_OUT

    rows = shelf.rows(ids)
    return LEFT_OUT & ~int(np.bitwise_or.reduce(shelf.flags[rows[rows >= 0]], initial=0))


def _by(track: Track, shelf: Shelf) -> tuple[int, int]:
    """Hashes of a song's artist and, where it is on the shelf, album."""
    from edgemood.shelf import artist_hash

    row = int(shelf.rows([track.id])[0])
    return artist_hash(track.tags.artist), int(shelf.album[row]) if row >= 0 else 0


def _called(track: Track) -> str:
    return track.mood.label if track.mood else "near"


def _title(track: Track) -> str:
    return track.tags.title or Path(track.path).stem


def _ids(given: Iterable[int]) -> set[int]:
    """Check ids of songs."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigError(f"ids of songs are given as a list, not as {given!r}")
    ids = list(given)
    if odd := [
        i for i in ids if isinstance(i, bool) or not isinstance(i, SupportsIndex) or abs(operator.index(i)) >> 63
    ]:
        raise ConfigError(f"{odd[0]!r} is no id of a song")
    return {operator.index(i) for i in ids}


def _is_there(path: str, is_so: Callable[[str], bool] = os.path.isfile) -> bool:
    try:
        return is_so(path)
    except OSError:  # a folder on the way that may not be entered, say
        return False
