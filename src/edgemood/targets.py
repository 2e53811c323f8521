"""What songs are looked for: the listener's mood, a mood by name, some songs' mood, a way from one mood to another.

Pure: no I/O, no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import QUADRANTS, ListenerMood, Mood, plane_position
from edgemood.errors import ConfigError
from edgemood.shelf import LABELLED, SPEECH, Shelf

#: From how much probability on a song is surely of a mood.
SURELY = 0.5

_SURELY_255 = int(np.ceil(SURELY * 255))
_CENTRE_SONGS = 4096  # enough to know where a mood lies
_TINY = 1e-12
_KNOWN_CENTRES: WeakKeyDictionary[Shelf, dict[str, NDArray[np.float32] | None]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Target:
    """A mood that songs are to be near.

    scores: probabilities in the order of the shelf's labels, float32 ``[labels]``; direction: of the mood vector as
    seen from the middle of the shelf, float32 ``[dims]``, of length 1, or less where the direction matters less; None:
    only the scores count. kind: "listener", "mood", "seeds" or "path", for the reason; label: the mood that is meant;
    step: of a path, which step this is and of how many; seeds: how the songs are called that it is the mood of.
    """

    scores: NDArray[np.float32]
    direction: NDArray[np.float32] | None
    kind: str = "mood"
    label: str = ""
    step: tuple[int, int] | None = None
    seeds: str = "the songs you named"


def of_listener(mood: ListenerMood, shelf: Shelf) -> Target:
    """Aim at the listener's present mood.

    Raises
    ------
    ConfigError
        It was read by another model than the shelf's songs were judged by.

    """
    return Target(_scores(mood.scores, shelf), _direction(mood.vector, shelf), "listener", mood.label)


def of_mood(label: str, shelf: Shelf) -> Target:
    """Aim at a mood by name: all of its probability, and the direction of the songs that are surely of it.

    Raises
    ------
    ConfigError
        The shelf's model has no such mood.

    """
    return Target(_corner(label, shelf), centre(label, shelf), "mood", label)


def of_songs(moods: Sequence[Mood], shelf: Shelf, called: str = "the songs you named") -> Target:
    """Aim at the mean of some songs' moods.

    Raises
    ------
    ConfigError
        There are none, or one was judged by another model than the shelf's songs.

    """
    if not moods:
        raise ConfigError("there are no songs with a mood to look for others like them")
    scores = np.asarray(np.mean([_scores(mood.scores, shelf) for mood in moods], axis=0), np.float32)
    vector = np.asarray(np.mean([_vector(mood.vector, shelf) for mood in moods], axis=0), np.float32)
    return Target(scores, _direction(vector, shelf), "seeds", shelf.labels[int(np.argmax(scores))], seeds=called)


def path(start: Target, label: str, n: int, shelf: Shelf, over: int | None = None) -> list[Target]:
    """Aim at a mood by name, but gradually: a target for each of `n` songs, from `start` to the mood.

    Where the moods are the four quadrants the way is a straight line in the plane of valence and arousal, in equal
    steps, and each step's scores are those of independent valence and arousal at that point, so that half-way between
    two opposite moods songs of neither are looked for, not songs of both. Otherwise scores are mixed. Directions are
    mixed too; where the two are opposed, the mixture is short and the scores decide.

    Parameters
    ----------
    start
        Where to begin; the first song is one step on.
    label
        The mood to arrive at.
    n
        How many targets, at least 1.
    shelf
        The songs.
    over
        In how many steps the mood is reached, at least 1; later ones stay there. Default: `n`.

    Raises
    ------
    ConfigError
        The shelf's model has no such mood, or `over` is less than 1.

    """
    steps = n if over is None else over
    if steps < 1:
        raise ConfigError(f"a way has to have at least 1 step, not {steps}")
    corner, middle = _corner(label, shelf), centre(label, shelf)
    targets = []
    for number in range(1, n + 1):
        share = min(number / steps, 1.0)
        scores = _between(start.scores, corner, share, shelf.labels)
        if start.direction is None or middle is None:
            direction = middle if share == 1 else None
        else:
            direction = np.asarray((1 - share) * start.direction + share * middle, np.float32)
        targets.append(Target(scores, direction, "path", label, (min(number, steps), steps)))
    return targets


def centre(label: str, shelf: Shelf) -> NDArray[np.float32] | None:
    """Direction of the songs that are surely of a mood, each as heavy as it is sure; None where there are none.

    It is computed once for a shelf.
    """
    known = _KNOWN_CENTRES.setdefault(shelf, {})
    if label not in known:
        known[label] = _centre(label, shelf)
    return known[label]


def _centre(label: str, shelf: Shelf) -> NDArray[np.float32] | None:
    column = shelf.scores[:, shelf.labels.index(label)]
    rows = np.flatnonzero((column >= _SURELY_255) & (shelf.flags & (LABELLED | SPEECH) == 0))
    rows = rows[:: max(1, -(-len(rows) // _CENTRE_SONGS))]
    if not len(rows):
        return None
    weights = column[rows].astype(np.float32)
    return _direction(weights @ shelf.vectors_of(rows) / weights.sum(), shelf)


def _between(
    start: NDArray[np.float32], corner: NDArray[np.float32], share: float, labels: tuple[str, ...]
) -> NDArray[np.float32]:
    mixed = np.asarray((1 - share) * start + share * corner, np.float32)
    valence, arousal = plane_position(dict(zip(labels, mixed.tolist(), strict=True)))
    if valence is None or arousal is None:
        return mixed
    signs = (QUADRANTS[label] for label in labels)
    return np.array([(1 + v * valence) * (1 + a * arousal) / 4 for v, a in signs], np.float32)


def _corner(label: str, shelf: Shelf) -> NDArray[np.float32]:
    if label not in shelf.labels:
        raise ConfigError(f"there is no mood {label!r}: the model {shelf.model} knows {', '.join(shelf.labels)}")
    return np.array([name == label for name in shelf.labels], np.float32)


def _scores(scores: Mapping[str, float], shelf: Shelf) -> NDArray[np.float32]:
    if set(scores) != set(shelf.labels):
        raise ConfigError(
            f"a mood with the labels {', '.join(scores)} and songs with the labels {', '.join(shelf.labels)}: "
            "they come from different models"
        )
    return np.array([scores[label] for label in shelf.labels], np.float32)


def _vector(vector: NDArray[np.float32], shelf: Shelf) -> NDArray[np.float32]:
    if vector.shape != shelf.scale.shape:
        raise ConfigError(
            f"a mood vector has {vector.size} dimensions, the songs' have {shelf.scale.size}: "
            "they come from different models"
        )
    return vector


def _direction(vector: NDArray[np.float32], shelf: Shelf) -> NDArray[np.float32]:
    seen = _vector(vector, shelf).astype(np.float64) - shelf.middle
    return np.asarray(seen / max(float(np.linalg.norm(seen)), _TINY), np.float32)
