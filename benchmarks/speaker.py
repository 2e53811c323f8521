"""A speaker that plays in the time of a clock of its own, with somebody in front of it: a `player.Player` in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from edgemood.domain import Track
from edgemood.player import PLAYING, STOPPED, Annotation, Queued, State

SHOWN = 30  # songs of the queue that it tells of
DWELL_S = 90 * 60.0  # mean time until the mood is drawn anew
SKIP_ON, SKIP_OFF = 0.1, 0.5  # share of the songs skipped: of those of the mood, and of the others
BY_HAND = 0.03  # share of the songs after which the listener picks one of the mood


class Speaker:
    """Plays what is queued, one song after the other, for a listener whose mood drifts.

    Parameters
    ----------
    tracks
        The songs there are.
    pace_s
        How long a song takes, in seconds; one that is skipped, a fifth of that.
    seed
        Of all that happens by chance.

    """

    name = "a speaker"

    def __init__(self, tracks: Sequence[Track], pace_s: float, seed: int = 1) -> None:
        self.clock = 0.0
        self.ended = self.skipped = self.of_the_mood = 0
        self._tracks = {track.path: track for track in tracks}
        self._by_mood: dict[str, list[str]] = {}
        for track in tracks:
            if track.mood:
                self._by_mood.setdefault(track.mood.label, []).append(track.path)
        self._pace_s, self._rng = pace_s, random.Random(seed)
        self._queue: list[Queued] = []
        self._playing: Queued | None = None
        self._began = self._ends = 0.0
        self._skips = False
        self._mood, self._mood_ends = "", -1.0
        self._entries = 0
        self.happened: Callable[[], None] = lambda: None  # called when a song has begun

    def connect(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def state(self) -> State:
        """Tell what it does now."""
        if self._playing is None:
            return State(STOPPED, at=self.clock, coming=tuple(self._queue[:SHOWN]), left=len(self._queue))
        elapsed_s = self.clock - self._began
        return State(PLAYING, self._playing, elapsed_s, self.clock, tuple(self._queue[:SHOWN]), len(self._queue))

    def follow(self, timeout_s: float) -> frozenset[str]:
        """Let time pass: so much, or until the song that is played ends or is skipped, and the next one begins."""
        if self._playing is not None and self._ends > self.clock + timeout_s:
            self.rest(timeout_s)
            return frozenset()
        if self._playing is not None:
            self.clock = self._ends
            self.ended += not self._skips
            self.skipped += self._skips
        self._begin_next()
        self.happened()
        return frozenset({"state"})

    def rest(self, seconds: float) -> None:
        """Let so much time pass."""
        self.clock += seconds

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        """Append songs."""
        added: list[Queued | None] = [self._entry(path) for path in paths]
        self._queue += [entry for entry in added if entry is not None]
        return added

    def unqueue(self, entries: Sequence[str]) -> None:
        """Take songs out."""
        self._queue = [queued for queued in self._queue if queued.entry not in entries]

    def annotate(self, songs: Iterable[Annotation]) -> int:
        """Pay no heed."""
        return sum(1 for _ in songs)

    def folders(self) -> list[str]:
        """Tell of none."""
        return []

    def _entry(self, path: str) -> Queued | None:
        if path not in self._tracks:
            return None
        self._entries += 1
        return Queued(str(self._entries), path, path, self._pace_s)

    def _begin_next(self) -> None:
        if self.clock >= self._mood_ends:
            self._mood = self._rng.choice(sorted(self._by_mood))
            self._mood_ends = self.clock + self._rng.expovariate(1 / DWELL_S)
        if not self._queue or self._rng.random() < BY_HAND:
            entry = self._entry(self._rng.choice(self._by_mood[self._mood]))
            self._queue[:0] = [entry] if entry else []
        self._playing = self._queue.pop(0)
        mood = self._tracks[self._playing.uri].mood
        suits = mood is not None and mood.label == self._mood
        self.of_the_mood += suits
        self._skips = self._rng.random() < (SKIP_ON if suits else SKIP_OFF)
        self._began, self._ends = self.clock, self.clock + self._pace_s * (0.2 if self._skips else 1.0)
