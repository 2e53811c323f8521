"""A simulator of listening: sessions of listeners with a hidden mood, over labelled songs.

No public set joins listening logs with sound and mood, so this stands in for one. A listener has a mood, one of the
four quadrants, that holds for a while and is then drawn anew: more often a neighbouring quadrant than the opposite one,
and more often one that this listener is mostly in. Most songs played are of the mood; some are not (picked by
others, by chance or for another reason), and those are skipped more often and sooner. A listener likes some artists
more than others and does not hear a song again within some plays. Between songs there may be a pause of hours.

What of this can be held against real logs is (`listening_logs`): how plays concentrate on artists, and how alike in
mood the artists of one listener are. The rest are assumptions; figures that rest on them say so. Nothing here reads a
clock or draws chance but from the generator that it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.datasets import QUADRANT_LABELS
from converters.songs import Songs
from edgemood._belief import nearness

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Habits:
    """What listeners of a kind have in common.

    dwell_s
        Mean time until the mood is drawn anew, which may give the same one.
    opposite
        Share of the moves to another mood that lead to the opposite quadrant, for a listener without leanings.
    shares
        Sum of the parameters of the Dirichlet distribution of how much of the time a listener is in which mood; less is
        more lopsided.
    off_mood
        Share of songs that are not of the mood.
    skip_on, skip_off
        Share of the songs that are skipped, of those of the mood and of the others. Those of the mood are left
        anywhere, the others soon: after a share h of the song with the density ``2 (1 - h)``.
    liking
        Standard deviation of the logarithm of how often a listener plays an artist.
    no_repeat
        Plays within which no song comes again.
    song_s
        From one song to the next, if it is not skipped.
    pause, pause_s, pause_spread
        Share of the songs that a pause follows, its median length, and the standard deviation of its logarithm.
    """

    dwell_s: float = 90 * 60.0
    opposite: float = 0.2
    shares: float = 1.0
    off_mood: float = 0.25
    skip_on: float = 0.15
    skip_off: float = 0.45
    liking: float = 2.0
    no_repeat: int = 10
    song_s: float = 220.0
    pause: float = 0.06
    pause_s: float = 4 * 3600.0
    pause_spread: float = 1.0


#: The listeners that figures are of, and others that a model fitted to those is also tried on.
USUAL = Habits()
OTHERS = {
    "restless: the mood moves three times as often": replace(USUAL, dwell_s=USUAL.dwell_s / 3),
    "steady: it moves a third as often": replace(USUAL, dwell_s=USUAL.dwell_s * 3),
    "wayward: 45 % of songs off mood": replace(USUAL, off_mood=0.45),
    "single-minded: 10 % of songs off mood": replace(USUAL, off_mood=0.1),
    "patient: skips say nothing": replace(USUAL, skip_on=0.2, skip_off=0.2),
    "album listeners: few artists": replace(USUAL, liking=4.0),
    "no pauses": replace(USUAL, pause=0.0),
}


@dataclass(frozen=True)
class Sessions:
    """Plays of listeners, oldest first; all arrays are ``[sessions, plays]``.

    moods: the listener's at that time; picks: rows of the songs; gap_s: seconds since the play before (that of the
    first is 0); skipped; heard: share of the song that was heard, 1 where it was not skipped.
    """

    moods: NDArray[np.int64]
    picks: NDArray[np.int64]
    gap_s: Array
    skipped: NDArray[np.bool_]
    heard: Array

    def last(self, k: int) -> Sessions:
        """The last `k` plays of each."""
        return Sessions(*(getattr(self, name)[:, -k:] for name in self.__dataclass_fields__))


def simulate(  # noqa: PLR0913, PLR0917
    songs: Songs, habits: Habits, count: int, length: int, rng: np.random.Generator, change_at: int | None = None
) -> Sessions:
    """`count` sessions of `length` plays each, of a listener each; before the play `change_at` all moods move.

    Raises
    ------
    ValueError
        A mood has no songs.
    """
    if missing := set(range(songs.labels)) - set(songs.truth.tolist()):
        raise ValueError(f"there are no songs of the moods {sorted(missing)}")
    listener = _Listeners.draw(songs, habits, count, rng)
    made: dict[str, list[NDArray[Any]]] = {name: [] for name in Sessions.__dataclass_fields__}
    gap = np.zeros(count)
    for play in range(length):
        listener.wait(gap, rng)
        if play == change_at:
            listener.mood = _drawn(nearness(QUADRANT_LABELS, habits.opposite)[listener.mood], rng)
        pick = listener.pick(rng)
        off = songs.truth[pick] != listener.mood
        skipped = rng.random(count) < np.where(off, habits.skip_off, habits.skip_on)
        place = rng.random(count)
        heard = np.where(skipped, np.where(off, 1 - np.sqrt(1 - place), place), 1.0)
        for name, values in zip(made, (listener.mood.copy(), pick, gap, skipped, heard), strict=True):
            made[name].append(values)
        pause = habits.pause_s * np.exp(habits.pause_spread * rng.standard_normal(count))
        gap = habits.song_s * heard + np.where(rng.random(count) < habits.pause, pause, 0.0)
    return Sessions(*(np.stack(values, axis=1) for values in made.values()))


@dataclass
class _Listeners:
    """Listeners of one kind, side by side: their songs' weights, their moods, what they heard last."""

    habits: Habits
    songs: Songs
    moves: Array  # [listeners, labels, labels]
    weights: Array  # logarithms [listeners, songs]
    mood: NDArray[np.int64]
    last: list[NDArray[np.int64]]

    @classmethod
    def draw(cls, songs: Songs, habits: Habits, count: int, rng: np.random.Generator) -> _Listeners:
        shares = rng.dirichlet(np.full(songs.labels, habits.shares / songs.labels), count) + 1e-3
        near = nearness(QUADRANT_LABELS, habits.opposite)
        moves = (near + near.max() * np.eye(songs.labels)) * shares[:, None, :]  # to stay is as near as a neighbour
        liking = habits.liking * rng.standard_normal((count, int(songs.artists.max()) + 1))
        return cls(habits, songs, moves, liking[:, songs.artists], _drawn(shares, rng), [])

    def wait(self, seconds: Array, rng: np.random.Generator) -> None:
        """Let the moods move as they do in that time."""
        moves = np.minimum(rng.poisson(seconds / self.habits.dwell_s), 20)  # after twenty it may be anywhere
        for k in range(int(moves.max(initial=0))):
            moved = np.flatnonzero(moves > k)
            self.mood[moved] = _drawn(self.moves[moved, self.mood[moved]], rng)

    def pick(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """A song each."""
        wanted = self.mood.copy()
        off = np.flatnonzero(rng.random(len(wanted)) < self.habits.off_mood)
        away = nearness(QUADRANT_LABELS, self.habits.opposite)
        wanted[off] = _drawn(away[wanted[off]], rng)
        chance = self.weights + rng.gumbel(size=self.weights.shape)
        chance[self.songs.truth[None] != wanted[:, None]] = -np.inf
        for earlier in self.last[-self.habits.no_repeat :]:
            chance[np.arange(len(wanted)), earlier] -= 1e3  # unless there is no other
        pick = np.argmax(chance, axis=1)
        self.last.append(pick)
        return pick


def _drawn(shares: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """A label of each row of unnormalised probabilities ``[rows, labels]``."""
    edges = np.cumsum(shares, axis=1)
    return np.asarray((rng.random(len(shares))[:, None] * edges[:, -1:] > edges).sum(axis=1), np.int64)
