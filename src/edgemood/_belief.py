"""A Bayes filter over the listener's mood: what plays, pauses and skips say of it together.

The listener has one mood at a time. It lasts `Habits.dwell_s` on average and moves to a neighbouring quadrant more
often than to the opposite one. A song that he picks is of that mood but for a share `off_mood`; songs off the mood are
skipped more often, and sooner. A song that edgemood picked tells of the mood by its end alone: else what it offers
would confirm itself. The model's scores of a song say how likely each mood of the song is, `trust` how far
they are to be believed when several songs err alike. The forward algorithm makes of all this the probability of each
mood after the last play; nothing is learned on the device. The numbers were learned from simulated sessions
(`converters.sessions`); learned like that on some songs and tested on others they are judged in
`converters/reports/listener.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import QUADRANTS

Array = NDArray[np.float64]

_LEAST_S = 30.0  # between two plays, whatever their times say: they may have been noted together
_TINY = 1e-9


@dataclass(frozen=True)
class Habits:
    """What is taken for granted of listeners.

    dwell_s: how long a mood lasts, on average; opposite: share of its moves to the opposite quadrant; off_mood: share
    of songs played that are of another mood; trust: exponent of the scores; skip_on, skip_off: how often a song of the
    mood is skipped, and another: the former anywhere, the latter after a share h of it with the density ``2 (1 - h)``.
    """

    dwell_s: float = 27_000.0
    opposite: float = 0.19
    off_mood: float = 0.22
    trust: float = 0.9
    skip_on: float = 0.1
    skip_off: float = 0.34


DEFAULT = Habits()


def follow(  # noqa: PLR0913
    scores: Array,
    gap_s: Array,
    heard: Array,
    labels: Sequence[str],
    habits: Habits = DEFAULT,
    *,
    offered: NDArray[np.bool_] | None = None,
) -> tuple[Array, Array]:
    """Follow the mood over plays.

    Parameters
    ----------
    scores
        Probabilities of each song's moods ``[..., plays, labels]``, oldest play first.
    gap_s
        Seconds since the play before ``[..., plays]``; that of the first does not count.
    heard
        The share of the song that was heard before it was skipped ``[..., plays]``; NaN where it was not skipped.
    labels
        The moods.
    habits
        What is taken for granted.
    offered
        Whether edgemood had chosen the song ``[..., plays]``, not the listener; if None, no song.

    Returns
    -------
    tuple
        The probability of each mood after the last play ``[..., labels]``, and of each song that it was picked in the
        mood that the listener is in now ``[..., plays]``.

    """
    near = nearness(labels, habits.opposite)
    chosen = np.zeros(heard.shape, np.bool_) if offered is None else offered
    said, of_mood = _evidence(scores, heard, near, habits, chosen)
    rates, axes = np.linalg.eigh(near - np.eye(len(labels)))  # symmetric: all moods are as likely in the long run
    decay = np.exp(rates * np.maximum(gap_s, _LEAST_S)[..., None] / habits.dwell_s)
    belief: Array = np.full_like(said[..., 0, :], 1 / len(labels))
    for k in range(scores.shape[-2]):
        belief = ((belief @ axes) * decay[..., k, :]) @ axes.T if k else belief
        belief = belief * said[..., k, :]
        belief /= belief.sum(axis=-1, keepdims=True)
    own: Array = np.empty_like(gap_s, dtype=np.float64)
    back = np.ones_like(belief)
    for k in range(scores.shape[-2] - 1, -1, -1):
        then = np.einsum("...i,mi->...m", back, axes**2)  # how likely the mood was m then, too, where it is m now
        own[..., k] = (belief * then * of_mood[..., k, :]).sum(axis=-1)
        back = back * decay[..., k, :]
    return belief, own


def _evidence(
    scores: Array, heard: Array, near: Array, habits: Habits, offered: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """How likely each play is in each mood, up to a factor, and how likely it is then of that mood itself.

    Both ``[..., plays, labels]``.
    """
    believed = np.maximum(scores, _TINY) ** habits.trust
    believed /= believed.sum(axis=-1, keepdims=True)
    skipped = ~np.isnan(heard)
    share = np.where(skipped, heard, 0.0)
    on = np.where(skipped, habits.skip_on, 1 - habits.skip_on)[..., None] * believed
    off = np.where(skipped, habits.skip_off * 2 * (1 - share), 1 - habits.skip_off)[..., None]
    picked = ~offered[..., None]
    of_mood = np.where(picked, 1 - habits.off_mood, 1.0) * on
    likelihood = of_mood + off * np.where(picked, habits.off_mood * (believed @ near), 1 - believed)
    return likelihood, of_mood / likelihood


def nearness(labels: Sequence[str], opposite: float) -> Array:
    """How moves out of a mood are shared among the others, symmetric ``[labels, labels]``; rows sum to 1.

    Quadrants are neighbours or opposite; of other labels all are alike, and of one there is nowhere to move.
    """
    count = len(labels)
    if set(labels) != set(QUADRANTS):
        return (np.ones((count, count)) - np.eye(count)) / max(1, count - 1)
    signs = np.array([QUADRANTS[label] for label in labels])
    flips = (signs[:, None] != signs[None]).sum(axis=2)
    return np.asarray(np.array([0.0, (1 - opposite) / 2, opposite])[flips])
