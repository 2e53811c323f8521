"""The listener's present mood, read from the songs played last. Pure: no I/O, no clock.

The last ten plays are averaged with weights that grow gently with recency. Ten songs foretell the next one better
than one or three, and their order matters little (the method's Table 3; Vall et al. 2019), so the weights are light:
they halve every `HALF_LIFE_PLAYS` plays, which makes the newest of ten count not quite twice as much as the oldest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import ListenerMood, Mood, Play, Track
from edgemood.errors import ConfigError, LibraryError

#: How many of the last plays tell the present mood.
WINDOW = 10
#: After how many plays a song counts half as much.
HALF_LIFE_PLAYS = 10.0

#: Scores nearer to each other than this are called level; smaller differences are noise of the model.
_LEVEL = 0.01
#: By how much the latest songs must differ from those before them until the sentence says so.
_STANDS_OUT = 0.05

Heard = Sequence[tuple[Track, Play]]


def recency_weights(count: int, half_life_plays: float = HALF_LIFE_PLAYS) -> NDArray[np.float64]:
    """Weights of the last `count` plays, newest first, summing to 1: ``0.5 ** (i / half_life_plays)``, normalised."""
    if not half_life_plays > 0:
        raise ConfigError(f"the half-life has to be more than 0 plays, not {half_life_plays}")
    weights = np.exp2(-np.arange(count, dtype=np.float64) / half_life_plays)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def read(plays: Heard, window: int = WINDOW, half_life_plays: float = HALF_LIFE_PLAYS) -> ListenerMood:
    """Read the listener's mood.

    Parameters
    ----------
    plays
        What was played, newest first; only the first `window` are looked at.
    window
        How many plays tell the mood, at least 1.
    half_life_plays
        After how many plays a song counts half as much, more than 0.

    Returns
    -------
    ListenerMood
        Weighted means of the songs' scores and mood vectors, and a sentence that says why. Songs without a mood,
        and songs judged by another model than the newest judged one, are left out; the sentence says how many.

    Raises
    ------
    LibraryError
        Nothing has been played, or none of the songs played last has a mood.
    ConfigError
        `window` or `half_life_plays` is out of range.

    """
    if window < 1:
        raise ConfigError(f"the window has to be at least 1 play, not {window}")
    heard = plays[:window]
    if not heard:
        raise LibraryError("none of the library's songs has been played yet")
    judged = [(track, track.mood) for track, _ in heard if track.mood is not None]
    if not judged:
        raise LibraryError(f"none of the last {_number(len(heard), 'song')} played has a mood yet")
    model = judged[0][1].model
    counted = [(track, mood) for track, mood in judged if mood.model == model]
    moods = [mood for _, mood in counted]
    weights = recency_weights(len(moods), half_life_plays)
    scores = {label: float(np.dot(weights, [mood.scores[label] for mood in moods])) for label in moods[0].scores}
    vector = (weights @ np.stack([mood.vector for mood in moods])).astype(np.float32)
    reason = _reason(scores, counted, len(heard))
    if len(counted) < len(heard):
        reason += _not_counted(len(heard) - len(judged), len(judged) - len(counted))
    return ListenerMood(scores, vector, len(counted), reason, model)


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
        return f"the mean of {songs}, though none by itself"
    rival, rivals = next(item for item in counts.most_common() if item[0] != label)
    ahead = f", ahead of {rival} ({rivals}) by strength and recency" if rivals >= counts[label] else ""
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


def _not_counted(unjudged: int, foreign: int) -> str:
    """Names the plays that the mood was not read from."""
    parts = []
    if unjudged:
        parts.append(f"{unjudged} without a mood")
    if foreign:
        parts.append(f"{foreign} judged by another model")
    return f" (not counted: {' and '.join(parts)})"


def _number(number: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
