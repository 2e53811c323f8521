"""Keeps the player's queue topped up with what suits the listener, and touches nothing that people put there."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgemood.autodj._diary import name
from edgemood.autodj._say import Say, log
from edgemood.autodj.settings import ALWAYS, Settings
from edgemood.domain import Pick, Track
from edgemood.engine import Engine
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.player import Player, Queued, State
from edgemood.wish import Wish

_TRIES = 4  # times that songs are asked for in place of those the player does not know
_MOST_OWN = 200  # entries remembered

#: A place of the queue that is edgemood's: the player's entry and URI.
Own = tuple[str, str]


@dataclass(frozen=True)
class _Place:
    """What is done about a queue: how many songs are still to be played, and those that come first."""

    left: int
    coming: tuple[Queued, ...]


class Filler:
    """Queues songs and takes them back. It knows which entries of the queue are its own."""

    def __init__(self, engine: Engine, player: Player, settings: Settings, say: Say, dry: bool) -> None:
        self._engine, self._player, self._settings, self._say, self._dry = engine, player, settings, say, dry
        self._own: list[Own] = []
        self._on: Own | None = None  # what is played now, where that is its own
        self._others: set[str] | None = None  # entries of people as of the last state; None: there was none
        self._useless: set[int] = set()  # ids of songs that this player does not have
        self._led = 0
        self._far: tuple[object, set[int]] = (None, set())
        self.changed = False  # since it was last kept
        self.taken: list[str] = []  # entries of the last state that it took back

    # ------------------------------------------------------------------------------------------------- what is kept

    def dump(self) -> dict[str, object]:
        """Give what has to be known after a restart."""
        return {"own": self._own, "on": self._on, "toward": self._settings.wish.toward, "led": self._led}

    def load(self, known: dict[str, object]) -> None:
        """Take in what `dump` gave; nonsense raises ValueError, TypeError or KeyError."""
        own = known.get("own") or []
        if not isinstance(own, list):
            raise TypeError("own entries are a list")
        self._own = [(str(entry), str(uri)) for entry, uri in own]
        if isinstance(on := known.get("on"), list):
            self._on = str(on[0]), str(on[1])
        if known.get("toward") == self._settings.wish.toward:
            self._led = int(str(known.get("led", 0)))

    def songs_changed(self) -> None:
        """Ask the player again for songs that it did not have."""
        self._useless.clear()

    def offered(self, song: Queued) -> bool:
        """Whether it was edgemood that queued a song which is played, or was until now."""
        return (song.entry, song.uri) in {*self._own, self._on}

    # ---------------------------------------------------------------------------------------------------- the queue

    def recognise(self, state: State) -> None:
        """Find its own entries in the queue of a player that was just reached: it may have named them anew."""
        coming = {(song.entry, song.uri) for song in state.coming}
        found = [own for own in self._own if own in coming]
        if not found and self._own and state.left <= len(state.coming):
            found = self._at_the_tail(state.coming)
        if self._on is not None and state.song is not None and self._on[1] == state.song.uri:
            self._on = state.song.entry, state.song.uri
        self._set_own(found)
        self._others = None

    def _at_the_tail(self, coming: Sequence[Queued]) -> list[Own]:
        """Songs at the end of the queue that are, in this order, those it queued last."""
        uris, found = [uri for _, uri in self._own], list[Own]()
        for song in reversed(coming):
            if song.uri not in uris:
                break
            uris = uris[: len(uris) - 1 - uris[::-1].index(song.uri)]
            found.insert(0, (song.entry, song.uri))
        return found

    def look(self, state: State, moved: bool, unwritten: Sequence[Queued] = ()) -> None:
        """Bring the queue into order.

        moved: the listener's mood has changed by more than a song heard; unwritten: what the library was not told yet
        that it was heard, oldest first.
        """
        self.taken = []
        self._on = (state.song.entry, state.song.uri) if state.song and self.offered(state.song) else None
        self._forget_what_is_gone(state)
        place = self._take_back(state, moved and self._settings.refresh and not state.repeats)
        if state.repeats:
            self._say.once(
                "mode", "repeat is on: the queue begins again by itself, nothing is queued", level=logging.INFO
            )
            return
        if state.shuffled:
            self._say.once(
                "mode", "shuffle is on: the player plays its queue in an order of its own", level=logging.INFO
            )
        else:
            self._say.over("mode")
        own = {entry for entry, _ in self._own}
        people = place.left - sum(song.entry in own for song in place.coming)
        wanted = self._settings.ahead - place.left
        if wanted > 0 and (self._settings.when == ALWAYS or people <= 0):
            self._top_up(wanted, state, place, unwritten)

    def _forget_what_is_gone(self, state: State) -> None:
        """Forget entries that have been played, removed or put elsewhere by somebody."""
        coming = [(song.entry, song.uri) for song in state.coming]
        own = [one for one in self._own if one in coming or state.left > len(coming)]
        if not state.shuffled and [one for one in coming if one in own] != [one for one in own if one in coming]:
            log.info("somebody put the queue into another order: it stays as it is")
            own = []
        self._set_own(own)

    def _take_back(self, state: State, all_of_it: bool) -> _Place:
        """Remove own songs that no longer suit, or that people's new songs stand behind: those come first."""
        own = {entry for entry, _ in self._own}
        entries = [song.entry for song in state.coming]
        others = {entry for entry in entries if entry not in own}
        known, self._others = self._others, others
        back: list[str] = [entry for entry in entries if entry in own] if all_of_it else []
        reason = "chosen anew"
        places = [number for number, entry in enumerate(entries) if entry in others]
        if not back and places and not state.shuffled:
            before = [entry for entry in entries[: places[-1]] if entry in own]
            if before and known is not None and any(e in known for e in entries[entries.index(before[0]) :]):
                self._set_own([one for one in self._own if one[0] not in before])  # moved there by hand: theirs now
                return _Place(state.left, tuple(state.coming))
            back, reason = before, "songs that somebody queued come first"
        if back:
            log.info("%s %d of the queue: %s", "would take back" if self._dry else "took back", len(back), reason)
            self._player.unqueue(back)
            self.taken = back
            self._led = max(0, self._led - len(back))
            self._set_own([one for one in self._own if one[0] not in back])
        coming = tuple(song for song in state.coming if song.entry not in back)
        return _Place(state.left - len(back), coming)

    def _top_up(self, wanted: int, state: State, place: _Place, unwritten: Sequence[Queued]) -> None:
        """Queue so many songs, or as many as there are."""
        present = [state.song] if state.song else []
        away = self._ids([*present, *place.coming])
        wish = self._wish(state)
        if wish is None:
            return
        away |= self._elsewhere() | self._useless
        lately = list(dict.fromkeys(i for song in unwritten for i in self._ids([song])))
        for _ in range(_TRIES):
            steps = max(wanted, self._settings.over - self._led if wish.toward is not None else 0)
            picks = self._engine.next(steps, away | set(lately), wish)[:wanted]
            if not picks and lately:
                lately = lately[len(lately) // 2 + 1 :]  # rather those heard longest ago than silence
                continue
            if not picks:
                break
            wanted -= self._queue(picks)
            if wanted <= 0:
                self._say.over("offer")
                return
            away |= {pick.track.id for pick in picks}
        self._say.once("offer", "nothing more to offer: every song was just heard, left out, not there or not scanned")

    def _queue(self, picks: Sequence[Pick]) -> int:
        """Queue songs, and give how many of them the player has."""
        paths = [self._path(pick.track) for pick in picks]
        queued = self._player.queue(paths)
        for pick, path, song in zip(picks, paths, queued, strict=True):
            if song is None:
                self._useless.add(pick.track.id)
                log.debug("the player does not know %s", path)
                continue
            mood = f" ({pick.track.mood.label})" if pick.track.mood else ""
            log.info("%s: %s%s: %s", "would queue" if self._dry else "queued", name(pick.track), mood, pick.reason)
            self._set_own([*self._own, (song.entry, song.uri)][-_MOST_OWN:])
            self._led += 1
        return sum(song is not None for song in queued)

    def _wish(self, state: State) -> Wish | None:
        """What to look for, while nothing was heard yet too; None where nothing says it."""
        wish = self._settings.wish
        if not wish.needs_listener:
            return wish
        try:
            self._engine.now()
        except LibraryError as nothing_heard:
            if state.song is not None and (track := self._track(state.song)) is not None and track.mood is not None:
                return replace(wish, seeds=(track.id,), seeds_are="what is on")
            if self._settings.start is not None:
                return replace(wish, mood=self._settings.start, toward=None)
            self._say.once("start", f"{nothing_heard}; play a song of the library, or set a mood to start with")
            return None
        self._say.over("start")
        return wish

    # ------------------------------------------------------------------------------------------- songs and the player

    def _set_own(self, own: list[Own]) -> None:
        self.changed = self.changed or own != self._own
        self._own = own

    def _track(self, song: Queued) -> Track | None:
        try:
            return None if song.path is None else self._engine.track(song.path)
        except (UnknownTrackError, ConfigError):
            return None

    def _ids(self, songs: Sequence[Queued]) -> set[int]:
        """Ids of those songs that the library knows."""
        ids = set()
        for song in songs:
            try:
                if song.path is not None:
                    ids.add(self._engine.store.find(song.path))
            except (UnknownTrackError, ConfigError):
                continue
        return ids

    def _elsewhere(self) -> set[int]:
        """Ids of the songs that do not lie where the player's songs lie."""
        folders = self._player.folders()
        if not folders:
            return set()
        store = self._engine.store
        if self._far[0] != (store.revision, folders):
            here = [store.ids_under(place) for folder in folders for place in {folder, os.path.realpath(folder)}]
            far = np.setdiff1d(store.ids_under("/"), np.concatenate(here))
            self._far = (store.revision, folders), set(far.tolist())
        return self._far[1]

    def _path(self, track: Track) -> str:
        """Where a song lies below the player's folders, if it lies at several places."""
        places = [os.path.join(place, "") for f in self._player.folders() for place in (f, os.path.realpath(f))]  # noqa: PTH118
        if not places or track.path.startswith(tuple(places)):
            return track.path
        return next((path for path in self._engine.store.paths(track.id) if path.startswith(tuple(places))), track.path)
