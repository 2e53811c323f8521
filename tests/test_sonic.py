"""Songs near to a song, and the smoothest way between two: against brute force, and what always holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from edgemood import _sonic
from edgemood._sonic import End, Way, nearest, way
from edgemood.domain import QUADRANTS
from edgemood.recommend import ALBUM_GAP, ARTIST_GAP, LEFT_OUT, Request, rank, similarities
from edgemood.shelf import LABELLED, SPEECH, Shelf, artist_hash, empty
from edgemood.targets import Target

LABELS = tuple(QUADRANTS)
DIMS = 8
NOBODY = np.empty(0, np.int64)


def songs(count: int, seed: int = 1, **columns: Any) -> Shelf:
    """Songs spread between four moods."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.full(4, 0.7), count)
    vectors = scores @ np.random.default_rng(0).normal(size=(4, DIMS)) + rng.normal(0, 0.15, (count, DIMS))
    return Shelf.of(np.arange(count) * 2 + 3, vectors, scores, LABELS, "m-1", **columns)


def end(shelf: Shelf, row: int) -> End:
    seen = shelf.vectors_of([row])[0] - shelf.middle
    direction = (seen / np.linalg.norm(seen)).astype(np.float32)
    target = Target(shelf.scores_of([row])[0], direction, "seeds")
    return End(int(shelf.ids[row]), target, int(shelf.artist[row]), int(shelf.album[row]))


def between(shelf: Shelf, first: int, last: int, n: int, **keys: Any) -> Way:
    return way(end(shelf, first), end(shelf, last), n, shelf, keys.get("away", NOBODY), keys.get("leave_out", LEFT_OUT))


def line(shelf: Shelf, first: int, last: int, found: Way) -> list[int]:
    """Rows of all songs of a way."""
    return [first, *shelf.rows([one.id for one in found.songs]).tolist(), last]


def steps(shelf: Shelf, rows: Sequence[int]) -> list[float]:
    """One minus the nearness of neighbours, as it is defined."""
    seen = shelf.vectors_of(rows) - shelf.middle
    units = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    scores = shelf.scores_of(rows)
    overlap = [2 * np.minimum(a, b).sum() - 1 for a, b in pairwise(scores)]
    return [1 - (float(a @ b) + o) / 2 for (a, b), o in zip(pairwise(units), overlap, strict=True)]


def test_nearest_are_all_by_falling_nearness() -> None:
    shelf = songs(500)
    target = end(shelf, 7).target
    near = similarities([target], shelf)[0]
    found = nearest(target, 20, shelf, np.array([shelf.ids[7]]), 0)
    best = [row for row in np.lexsort((shelf.ids, -near)) if row != 7][:20]
    assert [one.id for one in found] == shelf.ids[best].tolist()
    assert [one.similarity for one in found] == near[best].tolist()
    assert len(nearest(target, 10_000, shelf, NOBODY, 0)) == 500
    assert nearest(target, 5, empty("m-1"), NOBODY, 0) == []


def test_what_is_left_out_does_not_come() -> None:
    flags = np.where(np.arange(200) % 3 == 0, SPEECH, 0)
    shelf = songs(200, flags=flags)
    away = shelf.ids[1::3]
    for ids in (
        [one.id for one in nearest(end(shelf, 4).target, 200, shelf, away, LEFT_OUT)],
        [one.id for one in between(shelf, 3, 4, 50, away=away).songs],
    ):
        assert ids
        assert set(ids) <= set(shelf.ids[2::3].tolist())


@pytest.mark.parametrize("seed", range(6))
def test_a_way_goes_forward_over_songs_that_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    artists = [f"artist {i}" for i in rng.integers(0, 40, 800)]
    shelf = songs(800, seed, artists=artists, albums=[f"{name} {i % 3}" for i, name in enumerate(artists)])
    first, last = rng.choice(800, 2, replace=False).tolist()
    found = between(shelf, first, last, 25)
    rows = line(shelf, first, last, found)
    assert 5 < len(rows) <= 25
    assert len(set(rows)) == len(rows)
    to_first, to_last = similarities([end(shelf, first).target, end(shelf, last).target], shelf, np.array(rows))
    for one, row in zip(found.songs, range(1, len(rows) - 1), strict=True):
        assert (one.similarity, one.to_last) == (to_first[row], to_last[row])
    assert found.similarity == to_first[-1]
    assert (np.diff(to_first[1:]) <= 0).all()
    assert (np.diff(to_last[:-1]) >= 0).all()
    assert not found.broken
    for keys, gap in ((shelf.artist, ARTIST_GAP), (shelf.album, ALBUM_GAP)):
        for apart in range(1, gap + 1):
            ends = {(0, len(rows) - 1)}  # which are whoever they are
            assert not [
                i
                for i in range(len(rows) - apart)
                if keys[rows[i]] == keys[rows[i + apart]] and (i, i + apart) not in ends
            ]
    assert line(shelf, first, last, between(shelf, first, last, 25)) == rows


@pytest.mark.parametrize("seed", range(8))
def test_no_way_is_smoother(seed: int) -> None:
    shelf = songs(11, seed)
    first, last, most = 0, 1, 6
    found = line(shelf, first, last, between(shelf, first, last, most))
    to_first, to_last = similarities([end(shelf, row).target for row in (first, last)], shelf)
    inner = [r for r in range(2, 11) if to_first[r] >= to_first[last] and to_last[r] >= to_last[first]]

    def cost(rows: Sequence[int]) -> float:
        return float(np.mean(np.square(steps(shelf, rows))))

    ways = [
        [first, *chosen, last]
        for count in range(most - 1)
        for picked in combinations(inner, count)
        for chosen in [sorted(picked, key=lambda row: (-to_first[row], to_last[row]))]
        if all(to_last[a] <= to_last[b] for a, b in pairwise(chosen))
    ]
    assert found in ways
    assert cost(found) == pytest.approx(min(map(cost, ways)), rel=1e-3)


def test_steps_are_smaller_than_those_of_songs_picked_along_a_line() -> None:
    rng = np.random.default_rng(3)
    shelf = songs(3000)
    ours, straight = [], []
    for first, last in rng.choice(3000, (10, 2), replace=False).tolist():
        rows = line(shelf, first, last, between(shelf, first, last, 20))
        a, b = end(shelf, first), end(shelf, last)
        shares = np.linspace(0, 1, len(rows))[1:-1]
        request = Request(
            [_sonic._mixed(a.target, b.target, share) for share in shares], len(shares), exclude=[a.id, b.id]
        )
        picked = [first, *(choice.row for choice in rank(request, shelf)), last]
        ours.append(max(steps(shelf, rows)))
        straight.append(max(steps(shelf, picked)))
    assert np.mean(ours) < 0.8 * np.mean(straight)


def test_songs_of_one_artist_come_close_only_where_there_are_too_few_others() -> None:
    shelf = songs(60, artists=["One"] * 60)
    found = between(shelf, 0, 1, 12)
    assert len(found.songs) > 3
    assert "one artist" in found.broken[0]
    free = between(songs(60), 0, 1, 12)
    assert [one.id for one in found.songs] == [one.id for one in free.songs]
    assert not free.broken


def test_the_ends_count_for_the_rules() -> None:
    names = np.array([f"artist {i % 30}" for i in range(400)])
    names[:60] = "First"
    names[60:120] = "Last"
    shelf = songs(400, 5, artists=names.tolist())
    rows = line(shelf, 0, 60, between(shelf, 0, 60, 15))
    assert len(rows) > 2 * ARTIST_GAP + 2
    assert artist_hash("First") not in shelf.artist[rows[1 : ARTIST_GAP + 1]]
    assert artist_hash("Last") not in shelf.artist[rows[-ARTIST_GAP - 1 : -1]]


def test_little_to_choose_from() -> None:
    two = songs(2)
    assert between(two, 0, 1, 25).songs == []
    assert between(songs(50), 0, 1, 2).songs == ()
    nothing = way(end(two, 0), end(two, 1), 9, empty("m-1"), NOBODY, 0)
    assert nothing.songs == ()
    assert nothing.similarity == pytest.approx(1 - steps(two, [0, 1])[0], abs=1e-3)


def test_songs_that_are_all_alike_come_once_each() -> None:
    shelf = Shelf.of(np.arange(40), np.ones((40, DIMS)), np.full((40, 4), 0.25), LABELS, "m-1")
    ids = [one.id for one in between(shelf, 0, 1, 20).songs]
    assert len(set(ids)) == len(ids) == 18


def test_a_way_is_never_longer_than_a_hundred_songs() -> None:
    shelf = songs(2000)
    assert 0 < len(between(shelf, 0, 1, 10_000).songs) <= 98


def test_a_mood_set_by_hand_counts_where_its_songs_lie() -> None:
    shelf = songs(300, flags=np.where(np.arange(300) % 5 == 0, LABELLED, 0))
    by_hand = np.eye(4)[np.arange(300) % 4]
    scores = np.where((np.arange(300) % 5 == 0)[:, None], by_hand, shelf.scores / 255)
    shelf = Shelf.of(shelf.ids, shelf.vectors_of(np.arange(300)), scores, LABELS, "m-1", flags=shelf.flags)
    near = _sonic._nearness(np.array([0, 20, 40, 5]), shelf)
    np.testing.assert_allclose(near[:3, :3], 1, atol=1e-6)  # all three of one mood, by hand
    assert near[0, 3] < 0.9
    assert len(between(shelf, 1, 2, 20).songs) > 3
