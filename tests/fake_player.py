"""A player in memory, and the clock that it plays by: nothing takes time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from edgemood.errors import PlayerError
from edgemood.player import PAUSED, PLAYING, STOPPED, Annotation, Queued, State

#: What somebody does, and when.
Deed = tuple[float, Callable[[], object]]


class Clock:
    """Goes on when somebody waits, and lets what is due happen. The clock on the wall is 1.8e9 s ahead."""

    def __init__(self) -> None:
        self.now, self.wall_ahead = 1000.0, 1.8e9
        self.deeds: list[Deed] = []

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wall_ahead

    def at(self, time_s: float, *deeds: Callable[[], object]) -> None:
        """Let something happen so long after the start."""
        self.deeds += [(1000.0 + time_s, deed) for deed in deeds]
        self.deeds.sort(key=lambda deed: deed[0])

    def wait(self, seconds: float) -> None:
        self.to(self.now + seconds)

    def to(self, time: float) -> None:
        """Go on to a time, through all that happens until then."""
        while self.deeds and self.deeds[0][0] <= time:
            when, deed = self.deeds.pop(0)
            self.now = max(self.now, when)
            deed()
        self.now = max(self.now, time)


class FakePlayer:
    """Plays a queue; `queued`, `removed`, `notes` and `asked` tell what was done to it."""

    name = "fake player"
    window = 20

    def __init__(self, clock: Clock, songs: Iterable[str], folder: str, length_s: float | None = 120.0) -> None:
        self.clock, self.known, self.folder, self.length_s = clock, list(songs), folder, length_s
        self.queue_: list[Queued] = []
        self.at, self.status = 0, STOPPED
        self.place, self.since = 0.0, clock()
        self.down = self.refuses = self.shuffled = self.repeats = self.consume = False
        self.connected = False
        self.news: set[str] = set()
        self.count = 0
        self.queued: list[str] = []
        self.removed: list[str] = []
        self.asked: list[str] = []
        self.notes: dict[str, dict[str, str]] = {}
        self.tells_folder = True

    # ------------------------------------------------------------------------------------------- what people do to it

    def add(self, *names: str, place: int | None = None) -> None:
        for number, name in enumerate(names):
            place_ = len(self.queue_) if place is None else place + number
            self.queue_.insert(place_, self._song(name))
        self.news.add("state")

    def play(self, at: int | None = None) -> None:
        self._settle()
        self.at, self.place = self.at if at is None else at, 0.0 if at is not None else self.place
        self.status = PLAYING if self.at < len(self.queue_) else STOPPED
        self.news.add("state")

    def next(self) -> None:
        self._settle()
        self._advance()
        self.news.add("state")

    def pause(self) -> None:
        self._settle()
        self.status = PAUSED
        self.news.add("state")

    def stop(self) -> None:
        self._settle()
        self.status, self.place = STOPPED, 0.0
        self.news.add("state")

    def fail(self) -> None:
        """Go away; it plays on."""
        self.down, self.connected = True, False

    def come_back(self, renamed: bool = False) -> None:
        self.down = False
        if renamed:  # it was restarted: it has the queue from a file, and the entries have other names
            self.queue_ = [replace(song, entry=self._name()) for song in self.queue_]

    def playing(self) -> str | None:
        self._settle()
        return self.queue_[self.at].uri if self.status != STOPPED and self.at < len(self.queue_) else None

    def coming(self) -> list[str]:
        self._settle()
        return [song.uri for song in self.queue_[self.at + (self.status != STOPPED) :]]

    # ------------------------------------------------------------------------------------- what it does for edgemood

    def connect(self) -> None:
        self.asked.append("connect")
        if self.down:
            raise PlayerError(f"{self.name} cannot be reached: it is down")
        self.connected = True

    def close(self) -> None:
        self.connected = False

    def state(self) -> State:
        self._ask("state")
        self._settle()
        on = self.status != STOPPED and self.at < len(self.queue_)
        rest = self.queue_[self.at + on :]
        return State(
            self.status if on else STOPPED,
            self.queue_[self.at] if on else None,
            self.place if on else 0.0,
            self.clock(),
            tuple(rest[: self.window]),
            len(rest),
            self.shuffled,
            self.repeats,
        )

    def follow(self, timeout_s: float) -> frozenset[str]:
        self._ask("follow")
        end = self.clock() + timeout_s
        while not self.news and self.clock() < end:
            moments = [end, *(when for when, _ in self.clock.deeds[:1])]
            if self.status == PLAYING and self.length_s is not None:
                moments.append(self.since + self.length_s - self.place + 1e-3)
            self.clock.to(max(self.clock(), min(moments)))
            self._ask()  # it may be gone now
            self._settle()
        news, self.news = frozenset(self.news), set()
        return news

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        self._ask("queue")
        if self.refuses:
            raise PlayerError(f"{self.name} refuses: the queue is full")
        known = [path.removeprefix(self.folder + "/") for path in paths]
        songs = [self._song(name) if name in self.known else None for name in known]
        self.queue_ += [song for song in songs if song]
        self.queued += [song.uri for song in songs if song]
        if any(songs):
            self.news.add("state")
        return list(songs)

    def unqueue(self, entries: Sequence[str]) -> None:
        self._ask("unqueue")
        on = self.queue_[self.at].entry if self.at < len(self.queue_) and self.status != STOPPED else None
        gone = [song for song in self.queue_ if song.entry in entries and song.entry != on]
        self.removed += [song.uri for song in gone]
        self.queue_ = [song for song in self.queue_ if song not in gone]
        self.news.add("state")

    def annotate(self, songs: Iterable[Annotation]) -> int:
        self._ask("annotate")
        written = 0
        for song in songs:
            name = song.path.removeprefix(self.folder + "/")
            if name in self.known and not dict(song.notes).items() <= self.notes.get(name, {}).items():
                self.notes.setdefault(name, {}).update(song.notes)
                written += 1
        return written

    def folders(self) -> list[str]:
        self._ask("folders")
        return [self.folder] if self.tells_folder else []

    # ---------------------------------------------------------------------------------------------------------------

    def _ask(self, what: str = "") -> None:
        if what:
            self.asked.append(what)
        if self.down or not self.connected:
            raise PlayerError(f"{self.name} cannot be reached: it closed the connection")

    def _name(self) -> str:
        self.count += 1
        return str(self.count)

    def _song(self, name: str) -> Queued:
        return Queued(self._name(), name, f"{self.folder}/{name}", self.length_s)

    def _settle(self) -> None:
        """Play up to now."""
        passed, self.since = self.clock() - self.since, self.clock()
        if self.status != PLAYING:
            return
        self.place += passed
        while self.status == PLAYING and self.length_s is not None and self.place >= self.length_s:
            rest = self.place - self.length_s
            self._advance()
            self.place = rest if self.status == PLAYING else 0.0
            self.news.add("state")

    def _advance(self) -> None:
        self.place = 0.0
        if self.consume and self.at < len(self.queue_):
            del self.queue_[self.at]
        else:
            self.at += 1
        if self.at >= len(self.queue_):
            self.at, self.status = (0, self.status) if self.repeats and self.queue_ else (len(self.queue_), STOPPED)
