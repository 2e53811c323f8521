"""Ways to read a listener's present mood from the last plays: plain means, and the filter that ships.

Each learns what it has to from sessions over songs that are not those it is tested on, and says the probability of
each mood at the last play.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from converters import protocol
from converters.datasets import QUADRANT_LABELS
from converters.sessions import Sessions
from converters.songs import Songs
from edgemood._belief import DEFAULT, Habits, follow

Array = NDArray[np.float64]
#: Half-lives of the decaying mean that are tried, in plays.
HALF_LIVES = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
#: Seconds between plays for a filter that is not told when they were.
EVEN_S = 220.0


@dataclass(frozen=True)
class Heard:
    """What a listener model is told of the last plays, oldest first, and the mood that it is to find.

    scores: of the songs ``[sessions, plays, labels]``; vectors ``[sessions, plays, dims]``; gap_s: since the play
    before ``[sessions, plays]``; heard: share heard of a skipped song ``[sessions, plays]``, NaN where it was played to
    the end; truth: the listener's mood at the last play ``[sessions]``.
    """

    scores: Array
    vectors: Array
    gap_s: Array
    heard: Array
    truth: NDArray[np.int64]

    @classmethod
    def of(cls, songs: Songs, sessions: Sessions) -> Heard:
        """What is known of the songs of sessions."""
        heard = np.where(sessions.skipped, sessions.heard, np.nan)
        picks = sessions.picks
        return cls(songs.scores[picks], songs.vectors[picks], sessions.gap_s, heard, sessions.moods[:, -1])

    def last(self, k: int) -> Heard:
        """The last `k` plays alone."""
        fields = {name: getattr(self, name)[:, -k:] for name in ("scores", "vectors", "gap_s", "heard")}
        return replace(self, **fields)

    def untimed(self) -> Heard:
        """The same without the times and skips."""
        return replace(self, gap_s=np.full_like(self.gap_s, EVEN_S), heard=np.full_like(self.heard, np.nan))


Reader = Callable[[Heard], Array]


def mean(heard: Heard) -> Array:
    """The mean of the songs' scores."""
    return np.asarray(heard.scores.mean(axis=1))


def decaying(half_life: float) -> Reader:
    """A mean whose weights halve every `half_life` plays."""

    def read(heard: Heard) -> Array:
        weights = np.exp2(np.arange(1 - heard.scores.shape[1], 1) / half_life)
        return np.asarray(np.einsum("k,nkl->nl", weights / weights.sum(), heard.scores))

    return read


def fit_decay(learn: Heard) -> tuple[Reader, Mapping[str, float]]:
    """The half-life by which the mood is right most often."""
    best = max(HALF_LIVES, key=lambda h: accuracy(learn.truth, decaying(h)(learn)))
    return decaying(best), {"half_life_plays": best}


def filtering(habits: Habits) -> Reader:
    """The filter of `edgemood._belief`."""
    return lambda heard: follow(heard.scores, heard.gap_s, heard.heard, QUADRANT_LABELS, habits)[0]


def fit_filter(learn: Heard, start: Habits = DEFAULT) -> tuple[Reader, Mapping[str, float]]:
    """The habits by which the log loss of the mood is lowest."""

    def loss(values: Array) -> float:
        return protocol.log_loss(learn.truth, filtering(_habits(values))(learn))

    first = _values(start)
    simplex = np.vstack([first, first + 0.4 * np.eye(len(first))])
    options = {"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-5, "maxiter": 600}
    found = minimize(loss, first, method="Nelder-Mead", options=options)
    habits = _habits(found.x)
    return filtering(habits), asdict(habits)


def accuracy(truth: NDArray[np.int64], probs: Array) -> float:
    """How often the likeliest mood is right."""
    return float(np.mean(probs.argmax(axis=1) == truth))


def _values(habits: Habits) -> Array:
    """Habits as numbers without bounds."""
    shares = [habits.opposite, habits.off_mood, habits.skip_on, habits.skip_off]
    return np.concatenate([np.log([habits.dwell_s / 3600, habits.trust]), logit(shares)])


def _habits(values: Array) -> Habits:
    dwell_h, trust = np.exp(np.clip(values[:2], -4, 4)).tolist()
    opposite, off_mood, skip_on, skip_off = np.clip(expit(values[2:]), 0.001, 0.999).tolist()
    return Habits(3600 * dwell_h, opposite, off_mood, trust, skip_on, skip_off)
