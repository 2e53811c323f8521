"""What was heard goes into the library at once; and what a daemon that was killed has to know to go on."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

from edgemood.autodj._say import Say, log
from edgemood.domain import Track
from edgemood.engine import Engine
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.heard import Heard, Listening
from edgemood.player import Queued, State

_MOST_UNKNOWN = 1000  # songs heard that the library does not know yet
_MOST_WAITING = 10_000
_FRESH_S = 2.0  # what is written so soon after it was heard was heard now
_MOODS_MOVE = ("skip", "like", "ban")

#: An event as the note keeps it: the song's id, what was done about it, and when.
Mark = tuple[int, str, float]


class Diary:
    """Writes plays and skips of one player, durably and in order.

    Where the library cannot be written, they wait in memory; those of songs that it does not know yet wait for a scan.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        engine: Engine,
        player: str,
        say: Say,
        clock: Callable[[], float],
        wall: Callable[[], float],
        dry: bool,
    ) -> None:
        self._engine, self._say, self._clock, self._wall, self._dry = engine, say, clock, wall, dry
        self._name = f"player:{player}:{engine.listener}"
        self._waiting: deque[Heard] = deque(maxlen=_MOST_WAITING)
        self._unknown: deque[Heard] = deque(maxlen=_MOST_UNKNOWN)
        self._moved: Mark | None = None
        self._told: list[int] = []  # songs noted after what the daemon goes on from was kept, until they are seen again
        self._boot = _boot()
        self.restored = False
        self.listening = Listening()
        self.more: dict[str, object] = {}  # what others want to be kept beside it: small, and changed with songs only

    def restore(self) -> None:
        """Go on where the daemon was, once the library can be read; LibraryError where it cannot yet."""
        if self.restored:
            return
        text = self._engine.store.note(self._name)
        self._moved = self._last(*_MOODS_MOVE)
        self.restored = True
        if text is None:
            return
        try:
            known = json.loads(text)
            listening = Listening.load(known["heard"], self._boot)
            mark = tuple(known["mark"] or ())
            self.more = dict(known["more"])
        except (ConfigError, ValueError, KeyError, TypeError) as error:
            log.warning("what was noted of the player last time cannot be used: %s", error)
            return
        if self.listening.song is None:  # else music was heard before the library could be read
            self.listening, self._told = listening, self._told_since(mark)
            if listening.song is not None and self._was_told(listening.song.path):
                listening.counted()

    def look(self, state: State, offered: Callable[[Queued], bool]) -> bool:
        """Take a state of the player in; give whether it begins another song. offered: who knows what was."""
        before = self.listening.song
        events = [event for event in self.listening.look(state) if event.song.path is not None]
        new = (event for event in events if not self._was_told(event.song.path))
        self._waiting.extend(replace(event, offered=offered(event.song)) for event in new)
        now = self.listening.song
        last, self._told = self._told[-1:], []
        if last and now is not None and self._id(now.path) in last:
            self.listening.counted()
        return (before and (before.uri, before.entry)) != (now and (now.uri, now.entry))

    def write(self) -> list[Track]:
        """Write what was heard, and give the songs; LibraryError where it cannot be written now."""
        written = []
        while self._waiting:
            event = self._waiting[0]
            try:
                written.append(self._write(event))
            except UnknownTrackError:
                self._unknown.append(event)
                self._say.once("unknown", f"{event.song.path} was heard but is not scanned yet: noted once it is")
            self._waiting.popleft()
        return written

    def songs_changed(self) -> None:
        """Try again with songs that the library did not know."""
        self._waiting.extendleft(reversed(self._unknown))
        self._unknown.clear()
        self._say.over("unknown")

    def moved(self) -> bool:
        """Whether something was done that moves the mood, a skip, like or ban, since this was asked last."""
        last, before = self._last(*_MOODS_MOVE), self._moved
        self._moved = last
        return last != before and last is not None

    def keep(self) -> None:
        """Note all that is needed to go on; flash wears, so only when another song began or the queue was changed."""
        if self._dry or not self.restored:
            return
        mark = self._last("play", "skip")
        text = json.dumps({"heard": self.listening.dump(self._boot), "mark": mark, "more": self.more})
        self._engine.store.set_note(self._name, text)

    def unwritten(self, within_s: float) -> list[Queued]:
        """Give what was heard so lately and is in memory only, oldest first."""
        return [event.song for event in self._waiting if self._clock() - event.at < within_s]

    @property
    def waiting(self) -> int:
        """How many plays and skips are in memory only."""
        return len(self._waiting) + len(self._unknown)

    # ---------------------------------------------------------------------------------------------------------------

    def _write(self, event: Heard) -> Track:
        path = event.song.path
        assert path is not None
        track = self._engine.track(path)
        if event.kind == "play":
            words = f"played: {name(track)}"
        else:
            words = f"skipped: {name(track)}, after {event.share or 0:.0%} of it"
        if self._dry:
            log.info("would note %s", words)
            return track
        at = self._when(event)
        if event.kind == "play":
            self._engine.played(track.id, at, event.offered)
        else:
            self._engine.skipped(track.id, event.share, at, event.offered)
        log.info("%s", words)
        return track

    def _when(self, event: Heard) -> float | None:
        """Give the time on the wall; None, so that the library sees to it that times never go backwards, for now."""
        age = max(0.0, self._clock() - event.at)
        if age < _FRESH_S and len(self._waiting) == 1:
            return None
        last, at = self._last("play", "skip"), self._wall() - age
        return at if last is None or at >= last[2] else None

    def _last(self, *kinds: str) -> Mark | None:
        events = self._engine.store.events(self._engine.listener, 1, kinds)
        return (events[0].track_id, events[0].kind, events[0].at) if events else None

    def _told_since(self, mark: tuple[object, ...]) -> list[int]:
        """Give the songs noted after that event, in order: the daemon may have been killed between the two writes.

        None where the event is gone (somebody had all of it forgotten): nothing tells then what came after it.
        """
        ids = list[int]()
        for event in self._engine.store.events(self._engine.listener, 100, ("play", "skip")):
            if (event.track_id, event.kind, event.at) == mark:
                return ids
            ids.insert(0, event.track_id)
        return [] if mark else ids

    def _was_told(self, path: str | None) -> bool:
        """Whether this song was noted by a daemon that was killed then; with it, those before it are done with."""
        song = self._id(path) if self._told else None
        if song is None or song not in self._told:
            return False
        del self._told[: self._told.index(song) + 1]
        return True

    def _id(self, path: str | None) -> int | None:
        with suppress(LibraryError):
            return None if path is None else self._engine.store.find(path)
        return None


def name(track: Track) -> str:
    """``Artist - Title``, or the file's name where the tags do not say."""
    title = track.tags.title or PurePath(track.path).name
    return f"{track.tags.artist} - {title}" if track.tags.artist else title


def _boot() -> str:
    """What names this run of the machine, and so of its monotonic clock; empty where it has no name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
