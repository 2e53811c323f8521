"""What a picture of a listener tells: stretches of listening with their moods, and what was done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from edgemood.domain import Event, Listening, MoodAt, Track
from edgemood.plot._canvas import Array, bottom_up

#: Seconds between the end of one song and the next one from which on nobody listened.
_PAUSE_S = 1800.0
#: How long the mood of the last song of a stretch is drawn, at most, and of any at least (share of the picture).
_LAST_S, _LEAST = 600.0, 0.004
_MOST_DAYS = 366
_SHORTEST_S = 3600.0  # that is drawn
_TOLD = 8  # stretches that are told in words

#: What can be done about a song, in words.
DONE = {"play": "played", "skip": "skipped", "like": "liked", "ban": "banned"}
_TURN = np.linspace(0, 2 * np.pi, 40)
_HEART = np.column_stack(
    [16 * np.sin(_TURN) ** 3, 13 * np.cos(_TURN) - 5 * np.cos(2 * _TURN) - 2 * np.cos(3 * _TURN) - np.cos(4 * _TURN)]
)
#: What of it is drawn without a mood, and its markers.
SIGNS: dict[str, Any] = {"skip": "x", "like": _HEART, "ban": "8"}


@dataclass(frozen=True)
class Stretch:
    """A time in which music was heard without a long pause: the moods read in it, and where each ends."""

    points: Sequence[MoodAt]
    end: float

    @property
    def edges(self) -> Array:
        return np.array([*(point.at for point in self.points), self.end])

    def shares(self, labels: Sequence[str]) -> Array:
        return np.array([[point.mood.scores[label] for label in labels] for point in self.points])


@dataclass(frozen=True)
class Story:
    """What is drawn."""

    listening: Listening

    @cached_property
    def begin(self) -> float:
        """When something was done first, or a little before: silence that came before is not drawn."""
        first = self.listening.events[0][1].at
        first -= 0.02 * max(self.end - first, _SHORTEST_S)
        return max(min(first, self.end - _SHORTEST_S), self.listening.since, self.end - _MOST_DAYS * 86_400)

    @cached_property
    def end(self) -> float:
        return max(self.listening.until, *(event.at for _, event in self.listening.events))

    @cached_property
    def heard(self) -> list[tuple[Track, Event]]:
        return [(track, event) for track, event in self.listening.events if event.kind in {"play", "skip"}]

    @cached_property
    def labels(self) -> list[str]:
        points = self.listening.points
        return bottom_up(tuple(points[-1].mood.scores)) if points else []

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Those with a mood, oldest first."""
        stretches, least = [], _LEAST * (min(self.end - self.begin, 86_400))
        points = [point for point in self.listening.points if point.at >= self.begin]
        for begin, end in self._listened():
            within = [point for point in points if begin <= point.at <= end]
            if within:
                stretches.append(Stretch(within, max(end, within[-1].at + least)))
        return stretches

    def _listened(self) -> list[tuple[float, float]]:
        """When music was heard: from the first play of a stretch to the end of the last song."""
        parts: list[list[tuple[Track, Event]]] = []
        for track, event in self.heard:
            if not parts or event.at - parts[-1][-1][1].at > _PAUSE_S + max(track.duration_s, _last(parts[-1])):
                parts.append([])
            parts[-1].append((track, event))
        ends = [part[-1][1].at + min(_last(part), _LAST_S) for part in parts]
        return [(part[0][1].at, end) for part, end in zip(parts, ends, strict=True)]


def _last(part: Sequence[tuple[Track, Event]]) -> float:
    """How long the last song of a part is, in seconds."""
    return part[-1][0].duration_s


def told(story: Story) -> str:
    """What was done, and how the mood went, in words."""
    done = Counter(event.kind for _, event in story.listening.events)
    counts = ", ".join(f"{done[kind]:,} {name}" for kind, name in DONE.items() if done[kind])
    parts = [f"{counts} in {_number(len(story.stretches), 'stretch', 'stretches')} of listening."]
    for stretch in story.stretches[-_TOLD:]:
        begin = time.strftime("%a %d %b %H:%M", time.localtime(stretch.points[0].at))
        parts.append(f"{begin}: {', then '.join(label for label, _ in groupby(p.mood.label for p in stretch.points))}.")
    return " ".join(parts)


def length(seconds: float) -> str:
    hours = seconds / 3600
    if hours < 1:
        return _number(round(60 * hours), "minute")
    return _number(round(hours), "hour") if hours <= 48 else _number(round(hours / 24), "day")


def _number(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
