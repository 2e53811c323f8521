"""Songs near to a song, and the smoothest way from one song to another; nearness is that of `recommend`.

A way goes forward only: each song is at most as near to the first, and at least as near to the last, as the one before.
Of all such ways the one is taken whose steps, squared, are the least on average: they are small and alike, and a song
that would be a detour is left out. For each number of songs that is a shortest path, all of them found backwards in one
go; rules on artists and albums, which look further back than one song, are kept by a beam search that this guides.

Pure: no I/O, no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemood._nearness import check_target, scorer
from edgemood.recommend import ALBUM_GAP, ARTIST_GAP
from edgemood.shelf import LABELLED, Shelf
from edgemood.targets import Target, centre

#: The most songs of a way.
LONGEST = 100

_WAYPOINTS = 6  # the songs near so many places between the ends are looked at
_POOL = 96  # songs looked at for each
_BEAM = 64  # ways followed at a time
#: How many songs lie between two of an artist and of an album; the next ones are tried where a way becomes too short.
_GAPS = ((ARTIST_GAP, ALBUM_GAP), (1, 1), (0, 0))
_DIGITS = 6  # of a cost that count: of two that are equal the longer way is taken
_TINY = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kin:
    """A song that was found.

    id: its track; similarity: how near it is to the (first) song, in [-1, 1]; to_last: and to the last one of a way.
    """

    id: int
    similarity: float
    to_last: float = 1.0


@dataclass(frozen=True, eq=False)
class End:
    """Where a way begins or ends. artist, album: hashes as on the shelf, 0 for none."""

    id: int
    target: Target
    artist: int = 0
    album: int = 0


@dataclass(frozen=True)
class Way:
    """The songs between two, in order; similarity: how near the last is to the first; broken: rules not kept."""

    songs: Sequence[Kin]
    similarity: float
    broken: tuple[str, ...] = ()


def nearest(target: Target, n: int, shelf: Shelf, away: NDArray[np.int64], leave_out: int) -> list[Kin]:
    """Give the songs nearest to a target, by falling nearness; equal ones by id.

    Parameters
    ----------
    target
        What to be near to; of the shelf's model.
    n
        How many at most.
    shelf
        The songs.
    away
        Ids of songs that are not to come.
    leave_out
        Flags of the shelf: songs with any of them do not come.

    """
    if not len(shelf):
        return []
    check_target(target, shelf)
    found = scorer([target], shelf)
    rows = found.best(_skipped(shelf, away, leave_out), None, min(n, len(shelf)))
    near = found.at(rows)[0]
    order = np.lexsort((rows, -near))[:n]
    return [Kin(int(shelf.ids[rows[i]]), float(near[i])) for i in order]


def way(  # noqa: PLR0913, PLR0917
    start: End, end: End, n: int, shelf: Shelf, away: NDArray[np.int64], leave_out: int
) -> Way:
    """Find the smoothest way between two songs, of at most `n` songs with both; other parameters as for `nearest`."""
    near_end = _between(start, end, shelf)
    if not len(shelf) or n <= 2:
        return Way((), near_end)
    rows, near = _pool(start, end, near_end, shelf, np.union1d(away, [start.id, end.id]), leave_out)
    most = min(n - 2, LONGEST - 2, len(rows))
    chosen: Sequence[int] = ()
    broken: tuple[str, ...] = ()
    steps = np.where(_forward(near), (1 - _nearness(rows, shelf)) ** 2, np.inf)
    for gaps in _GAPS:
        found = _Search(start, end, (shelf.artist[rows], shelf.album[rows]), near, steps, gaps).find(most, near_end)
        if len(found) > 2 * len(chosen) or gaps == _GAPS[0]:
            chosen = found
            broken = () if gaps == _GAPS[0] else ("songs by one artist come close together: others would be too few",)
        if 2 * len(chosen) >= most:
            break
    return Way([Kin(int(shelf.ids[rows[i]]), *near[:, i].tolist()) for i in chosen], near_end, broken)


def _skipped(shelf: Shelf, away: NDArray[np.int64], leave_out: int) -> NDArray[np.uint8]:
    skip = (shelf.flags & leave_out).astype(bool)
    rows = shelf.rows(away)
    skip[rows[rows >= 0]] = True
    return skip.view(np.uint8)


def _between(start: End, end: End, shelf: Shelf) -> float:
    """How near the last song is to the first, whether or not it is on the shelf."""
    row = shelf.rows([end.id])
    if len(shelf) and row[0] >= 0:
        return float(scorer([start.target], shelf).at(row)[0, 0])
    overlap = 2 * float(np.minimum(start.target.scores, end.target.scores).sum()) - 1
    assert start.target.direction is not None  # of a song
    assert end.target.direction is not None
    return max(-1.0, min((float(start.target.direction @ end.target.direction) + overlap) / 2, 1.0))


def _pool(  # noqa: PLR0913, PLR0917
    start: End, end: End, near_end: float, shelf: Shelf, away: NDArray[np.int64], leave_out: int
) -> tuple[NDArray[np.int64], Floats]:
    """Rows of the songs that a way may lead over, and how near they are to its first and last, ``[2, rows]``."""
    ends = scorer([start.target, end.target], shelf)
    near = ends.at(np.arange(len(shelf)))
    skip = _skipped(shelf, away, leave_out).astype(bool) | (near < near_end).any(axis=0)
    shares = np.arange(1, _WAYPOINTS + 1) / (_WAYPOINTS + 1)
    rows = scorer([_mixed(start.target, end.target, share) for share in shares], shelf).best(
        skip.view(np.uint8), None, _POOL
    )
    return rows, ends.at(rows).astype(np.float64)


def _mixed(start: Target, end: Target, share: float) -> Target:
    assert start.direction is not None
    assert end.direction is not None
    scores = np.asarray((1 - share) * start.scores + share * end.scores, np.float32)
    return Target(scores, np.asarray((1 - share) * start.direction + share * end.direction, np.float32), "path")


class _Search:
    """Looks for the smoothest way over the songs of a pool.

    Costs are squares of steps; a step's length is one minus the nearness of its two songs.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        start: End,
        end: End,
        keys: tuple[NDArray[np.uint32], NDArray[np.uint32]],
        near: Floats,
        steps: Floats,
        gaps: tuple[int, int],
    ) -> None:
        self._gaps, self._keys = gaps, keys
        self._ends = tuple(zip((start.artist, start.album), (end.artist, end.album), strict=True))
        self._first, self._last = (1 - near) ** 2
        self._steps = steps.copy()
        for which, gap, (before, after) in zip(keys, gaps, self._ends, strict=True):
            if gap:  # what two neighbours have in common is seen at once
                self._steps[(which[:, None] == which) & (which != 0)] = np.inf
                self._first = np.where((which == before) & (which != 0), np.inf, self._first)
                self._last = np.where((which == after) & (which != 0), np.inf, self._last)

    def find(self, most: int, near_end: float) -> list[int]:
        """Give the songs of the smoothest way, at most so many, by their places in the pool."""
        left = self._costs(most)  # of each song: with how many more songs the rest of the way costs how much
        totals = np.array([(1 - near_end) ** 2] + [float((self._first + costs).min()) for costs in left])
        each = np.round(totals / np.arange(1, len(totals) + 1), _DIGITS)
        for count in sorted(range(len(each)), key=lambda count: (each[count], -count)):
            if count == 0 or not np.isfinite(each[count]):
                return []
            if found := self._followed(left[:count]):
                return found
        return []

    def _costs(self, most: int) -> list[Floats]:
        left = [self._last]
        while len(left) < most:
            left.append((self._steps + left[-1]).min(axis=1))
        return left[:most]

    def _followed(self, left: Sequence[Floats]) -> list[int]:
        """Follow the ways of this many songs that promise the most, song by song; none where the rules allow none."""
        count = len(left)
        costs, ways = self._allowed(self._first[None], np.empty((1, 0), np.int64), count), np.empty((1, 0), np.int64)
        for place in range(count):
            best = costs.argmin(axis=0)  # of all ways to a song one is followed
            spent = costs[best, np.arange(len(best))]
            hoped = spent + left[count - 1 - place]
            songs = np.argsort(hoped, kind="stable")[:_BEAM]
            songs = songs[np.isfinite(hoped[songs])]
            if not len(songs):
                return []
            ways = np.column_stack([ways[best[songs]], songs])
            if place == count - 1:
                return [int(song) for song in ways[0]]
            costs = self._allowed(spent[songs, None] + self._steps[songs], ways, count)
        return []

    def _allowed(self, costs: Floats, ways: NDArray[np.int64], count: int) -> Floats:
        """Rule out the songs that come too soon after, or before, one of the same artist or album."""
        costs, place = costs.copy(), ways.shape[1]
        for keys, gap, (before, after) in zip(self._keys, self._gaps, self._ends, strict=True):
            known = keys != 0
            for back in range(1, min(gap, place) + 1):
                costs[(keys[ways[:, -back], None] == keys) & known] = np.inf
            if place < gap:
                costs[:, (keys == before) & known] = np.inf
            if count - 1 - place < gap:
                costs[:, (keys == after) & known] = np.inf
        return costs


def _forward(near: Floats) -> NDArray[np.bool_]:
    """Whether a song, in a column, may follow another, in a row: not nearer to the first, not farther from the last."""
    first, last = near
    onward = (first <= first[:, None]) & (last >= last[:, None])
    same = onward & onward.T
    later = np.arange(len(first))[:, None] < np.arange(len(first))
    return np.asarray(onward & (~same | later))  # of two alike the first comes first


def _nearness(rows: NDArray[np.int64], shelf: Shelf) -> Floats:
    """How near the songs at `rows` are to each other, ``[rows, rows]``."""
    seen = (shelf.vectors_of(rows) - shelf.middle).astype(np.float64)
    scores = shelf.scores_of(rows).astype(np.float64)
    for label in np.unique(scores.argmax(axis=1)[(shelf.flags[rows] & LABELLED) != 0]).tolist():
        where = centre(shelf.labels[label], shelf)
        if where is not None:
            seen[((shelf.flags[rows] & LABELLED) != 0) & (scores.argmax(axis=1) == label)] = where
    seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), _TINY)
    overlap = np.zeros((len(rows), len(rows)))
    for column in scores.T:
        overlap += np.minimum(column[:, None], column)
    return np.asarray(np.clip((seen @ seen.T + 2 * overlap - 1) / 2, -1, 1), np.float64)
