"""The listener's present mood, read from the songs played last. Pure: no I/O, no clock.

The last ten plays go through a Bayes filter (`edgemood._belief`): a song's mood counts the less the longer ago it was
played, pauses included, and one that was skipped says little for its mood, the less the sooner; one that edgemood had
offered says only by its end how it suits, for nobody picked it. In simulated sessions
that tells the mood more often than a mean of the last songs, and than the method's own network does (Table 3,
`converters/reports/listener.md`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemood._belief import follow
from edgemood.domain import Event, ListenerMood, Mood, MoodAt, Play, Track
from edgemood.errors import ConfigError, LibraryError, NotYetError

#: How many of the last plays tell the present mood.
WINDOW = 10

#: Scores nearer to each other than this are called level; smaller differences are noise of the model.
_LEVEL = 0.01
#: By how much the latest songs must differ from those before them until the sentence says so.
_STANDS_OUT = 0.05

Array = NDArray[np.float64]
#: Songs and what was done about them, newest first.
Heard = Sequence[tuple[Track, Play | Event]]


@dataclass(frozen=True)
class _Heard:
    """A song that was heard, and when; offered: edgemood had chosen it.

    heard: the share of it before a skip, 0.5 if that is not known; NaN: no skip.
    """

    track: Track
    at: float
    offered: bool
    heard: float = np.nan

    @property
    def skipped(self) -> bool:
        return not np.isnan(self.heard)


def read(plays: Heard, window: int = WINDOW) -> ListenerMood:
    """Read the listener's mood.

    Parameters
    ----------
    plays
        What was played, newest first; only the first `window` are looked at. Of events, skips count (one that follows a
        play of the same song is the end of that play); likes and bans say what a listener wants, not how he feels.
    window
        How many plays tell the mood, at least 1.

    Returns
    -------
    ListenerMood
        The probability of each mood, the mean of the vectors of songs of that mood, and a sentence that says why. Songs
        without a mood, and songs judged by another model than the newest judged one, are left out; the sentence says
        how many. Skipped songs are read, but the sentence does not count them for their mood.

    Raises
    ------
    LibraryError
        Nothing has been played, or none of the songs played last has a mood.
    ConfigError
        `window` is out of range.

    """
    if window < 1:
        raise ConfigError(f"the window has to be at least 1 play, not {window}")
    heard = _heard(plays)[:window]
    if not heard:
        raise NotYetError("none of the library's songs has been played yet")
    judged = [(each, each.track.mood) for each in heard if each.track.mood is not None]
    if not judged:
        raise NotYetError(f"none of the last {_number(len(heard), 'song')} played has a mood yet")
    model = judged[0][1].model
    read_from = [(each, mood) for each, mood in judged if mood.model == model]
    labels = tuple(read_from[0][1].scores)
    belief, own = _follow(read_from[::-1], labels)
    scores = dict(zip(labels, belief.tolist(), strict=True))
    vectors = np.stack([mood.vector for _, mood in read_from[::-1]])
    vector = (own / own.sum() @ vectors).astype(np.float32)
    kept = [(each.track, mood) for each, mood in read_from if not each.skipped]
    reason = _reason(scores, kept, len(heard)) if kept else _all_skipped(scores, len(heard))
    reason += _not_counted(len(read_from) - len(kept), len(heard) - len(judged), len(judged) - len(read_from))
    return ListenerMood(scores, vector, len(read_from), reason, model)


def replay(plays: Heard, since: float, most: int) -> list[MoodAt]:
    """Read the mood again as it was read after each play and skip.

    Parameters
    ----------
    plays
        As for `read`, plays and skips only; those before `since` are what the first moods were read from.
    since
        From when on (seconds since the epoch).
    most
        How many moods at most, at least 1: of more plays some evenly, the last always.

    Returns
    -------
    list of MoodAt
        Oldest first. Moments at which no mood could be read are left out.

    Raises
    ------
    ConfigError
        `most` is out of range.

    """
    if most < 1:
        raise ConfigError(f"the number of moods has to be at least 1, not {most}")
    within = sum(what.at >= since for _, what in plays)
    points = []
    for k in np.unique(np.linspace(0, within - 1, min(most, within)).round().astype(int))[::-1] if within else ():
        with suppress(LibraryError):
            points.append(MoodAt(plays[k][1].at, read(plays[k : k + 2 * WINDOW])))
    return points


def _heard(plays: Heard) -> list[_Heard]:
    """Songs that were heard, newest first, each with the end that it took."""
    heard: list[_Heard] = []
    skip: Event | None = None
    for track, what in plays:
        if isinstance(what, Event) and what.kind not in {"play", "skip"}:
            continue
        if isinstance(what, Event) and what.kind == "skip":
            heard.append(_Heard(track, what.at, what.offered, 0.5 if what.heard is None else what.heard))
            skip = what
            continue
        if skip is None or skip.track_id != what.track_id:
            heard.append(_Heard(track, what.at, what.offered))
        skip = None
    return heard


def _follow(oldest_first: Sequence[tuple[_Heard, Mood]], labels: Sequence[str]) -> tuple[Array, Array]:
    """The probability of each mood now, and of each song that it was picked in that mood."""
    scores = np.array([[mood.scores[label] for label in labels] for _, mood in oldest_first])
    at = np.array([each.at for each, _ in oldest_first])
    heard = np.array([each.heard for each, _ in oldest_first])
    offered = np.array([each.offered for each, _ in oldest_first])
    return follow(scores, np.diff(at, prepend=at[0]), heard, labels, offered=offered)


def _all_skipped(scores: Mapping[str, float], heard: int) -> str:
    label = max(scores, key=lambda mood: scores[mood])
    level = [mood for mood in scores if scores[label] - scores[mood] < _LEVEL]
    label = f"{' and '.join(level)}, nearly level" if len(level) > 1 else label
    return f"{label}: a guess from songs that you skipped, of your last {_number(heard, 'song')}"


def _reason(scores: Mapping[str, float], counted: Sequence[tuple[Track, Mood]], heard: int) -> str:
    """Why `scores` are what they are; says nothing that the songs (newest first) do not bear out."""
    moods = [mood for _, mood in counted]
    songs = _songs([track for track, _ in counted], heard)
    label = max(scores, key=lambda mood: scores[mood])
    level = [mood for mood in scores if scores[label] - scores[mood] < _LEVEL]
    counts = Counter(mood.label for mood in moods)
    if len(level) > 1:
        headline = f"{' and '.join(level)}, nearly level: "
        return headline + (songs if len(moods) == 1 else f"{' and '.join(str(counts[m]) for m in level)} of {songs}")
    return f"{label}: {_tally(label, counts, songs)}{_trend(label, moods)}"


def _songs(tracks: Sequence[Track], heard: int) -> str:
    """Names what the mood was read from: ``your last 10 songs`` ("plays" where one came twice)."""
    count = len(tracks)
    noun = "song" if len({track.id for track in tracks}) == count else "play"
    if count < heard:
        return f"the {_number(count, noun)} counted among your last {heard}"
    return f"your last {noun}" if count == 1 else f"your last {count} {noun}s"


def _tally(label: str, counts: Counter[str], songs: str) -> str:
    """How many of the songs are of the mood `label`."""
    total = counts.total()
    if counts[label] == total:
        return songs if total == 1 else f"all of {songs}"
    if counts[label] == 0:
        return f"the nearest to {songs} together, though none by itself"
    rival, rivals = next(item for item in counts.most_common() if item[0] != label)
    ahead = (
        f", ahead of {rival} ({rivals}) by strength, recency and neighbouring moods" if rivals >= counts[label] else ""
    )
    return f"{counts[label]} of {songs}{ahead}"


def _trend(label: str, moods: Sequence[Mood]) -> str:
    """Whether the latest songs have more of `label`, or less, than any other stretch as long."""
    length = min(3, len(moods) // 2)
    if length < 2:
        return ""
    strength = np.array([mood.scores[label] for mood in moods])
    stretches = np.convolve(strength, np.full(length, 1 / length), "valid")
    latest, others = stretches[0], stretches[1:]
    lead = latest - strength[length:].mean()
    if lead > _STANDS_OUT and latest > others.max() and all(mood.label == label for mood in moods[:length]):
        return f", strongest in the latest {length}"
    if lead < -_STANDS_OUT and latest < others.min():
        return f", weakest in the latest {length}"
    return ""


def _not_counted(skipped: int, unjudged: int, foreign: int) -> str:
    """Names the plays that the sentence does not count for their mood."""
    parts = []
    if skipped:
        parts.append(f"{skipped} skipped")
    if unjudged:
        parts.append(f"{unjudged} without a mood")
    if foreign:
        parts.append(f"{foreign} judged by another model")
    return f" (not counted: {' and '.join(parts)})" if parts else ""


def _number(number: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
