"""The compiled loops of ranking against their plain twin, to the bit, and what they refuse."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import greedy_twin as twin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood import _greedy


def problem(  # noqa: PLR0917
    seed: int, songs: int, targets: int, dims: int, labels: int, coarse: bool = False
) -> dict[str, Any]:
    """Random songs and targets; coarse: of few values, so that many are equally near."""
    rng = np.random.default_rng(seed)
    reach = 2 if coarse else 128
    terms = [rng.choice([0, 0.5], targets), rng.uniform(1e-9, 1e-6, targets), rng.normal(0, 0.01, targets)]
    return {
        "vectors": rng.integers(-reach + 1, reach, (songs, dims), dtype=np.int8),
        "inverse": np.full(songs, 3, np.float32) if coarse else rng.uniform(0, 9, songs).astype(np.float32),
        "scores": rng.integers(0, 3 if coarse else 256, (songs, labels), dtype=np.uint8),
        "labelled": (rng.random(songs) < 0.2).astype(np.uint8),
        "directions": rng.integers(1 - (1 << 15), 1 << 15, (targets, dims), dtype=np.int16),
        "terms": np.stack(terms, axis=1).astype(np.float32),
        "shares": np.rint(rng.dirichlet(np.ones(labels), targets) * 255 * 128).astype(np.int32),
        "of_labels": rng.choice(np.array([2, -0.5, 0.25], np.float32), (targets, labels)),
    }


def pool(seed: int, songs: int, n: int, keys: int = 4, targets: int = 1) -> list[Any]:
    """Arguments of `pick`."""
    rng = np.random.default_rng(seed)
    dims, labels = int(rng.integers(1, 20)), int(rng.integers(1, 7))
    units = rng.normal(size=(songs, dims))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    moods = [rng.integers(0, 256, (songs, labels), dtype=np.uint8) for _ in range(3)]

    def rule() -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
        last = np.where(rng.random(keys) < 0.3, -1 - rng.integers(0, 5, keys), -(1 << 40))
        return rng.integers(-1, keys, songs).astype(np.int32), last.astype(np.int64), int(rng.integers(0, 4))

    return [
        np.round(rng.normal(size=(targets, songs)), 1).astype(np.float32),
        rng.integers(0, targets, n).astype(np.int32),
        twin.padded(units, 8),
        *moods,
        moods[0][0] if rng.random() < 0.7 else None,
        rule(),
        rule(),
        float(rng.choice([0, 0.3, 1])),
        float(rng.choice([0, 0.2, 1])),
    ]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 30), st.integers(0, 40), st.integers(1, 4), st.integers(1, 35), st.integers(1, 9))
def test_scores_are_those_of_the_twin(seed: int, songs: int, targets: int, dims: int, labels: int) -> None:
    arrays = problem(seed, songs, targets, dims, labels)
    found = _greedy.Scorer(**arrays).at(np.arange(songs))
    expected = np.array([twin.near(row, arrays) for row in range(songs)], np.float32).reshape(songs, targets).T
    assert np.array_equal(found, expected)
    assert np.abs(found).max(initial=0) <= 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1 << 30), st.integers(0, 20), st.integers(1, 35))
def test_distances_are_those_of_the_twin(seed: int, songs: int, dims: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-127, 128, (songs, dims), dtype=np.int8)
    scale = rng.uniform(0.001, 0.1, dims).astype(np.float32)
    middle = vectors[0] * scale if songs and seed % 2 else rng.normal(0, 0.3, dims).astype(np.float32)
    found = _greedy.inverses(vectors, scale, middle)
    assert found.tolist() == [twin.inverse(row, vectors, scale, middle) for row in range(songs)]
    assert not songs or seed % 2 == 0 or found[0] == 0
    with pytest.raises(ValueError, match="dimensions"):
        _greedy.inverses(vectors, scale[:-1], middle)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 30), st.integers(0, 60), st.integers(1, 3), st.integers(1, 70), st.booleans())
def test_the_best_are_those_of_the_twin(seed: int, songs: int, targets: int, size: int, coarse: bool) -> None:
    arrays = problem(seed, songs, targets, 5, 4, coarse)
    rng = np.random.default_rng(seed)
    skip = (rng.random(songs) < 0.3).astype(np.uint8)
    offsets = rng.choice(np.array([-0.25, 0, 0.25], np.float32), songs) if seed % 2 else None
    found = _greedy.Scorer(**arrays).best(skip, offsets, size)
    assert found.tolist() == twin.best(arrays, skip, offsets, size).tolist()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 1 << 30), st.integers(0, 24), st.integers(0, 14), st.integers(1, 9), st.integers(1, 3))
def test_picks_are_those_of_the_twin(seed: int, songs: int, n: int, keys: int, targets: int) -> None:
    arguments = pool(seed, songs, n, keys, targets) if songs else None
    if arguments is None:
        return
    order, missing = _greedy.pick(*arguments)
    expected, short = twin.pick(*arguments)
    assert order.tolist() == expected
    assert missing.tolist() == short


def test_picks_of_a_large_pool_are_those_of_the_twin() -> None:
    arguments = pool(5, 120, 15, keys=30)
    order, missing = _greedy.pick(*arguments)
    expected, short = twin.pick(*arguments)
    assert order.tolist() == expected
    assert missing.tolist() == short


def longest(keys: list[int], last: list[int], gap: int, n: int) -> int:
    """How many picks, of all orders of the songs, can come before the rule breaks: by trying all of them."""
    most = 0
    for order in set(permutations(keys, n)):
        when = dict(enumerate(last))
        for now, key in enumerate(order):
            if key >= 0 and now - when[key] <= gap:
                break
            when[key] = now
            most = max(most, now + 1)
    return most


@settings(deadline=None, max_examples=150)
@given(st.data(), st.lists(st.integers(-1, 2), min_size=1, max_size=7), st.integers(0, 3))
def test_a_rule_holds_as_long_as_any_order_can_keep_it(data: st.DataObject, keys: list[int], gap: int) -> None:
    """Both rules in turn; near the end of its songs as much as anywhere, whatever is nearest."""
    n = data.draw(st.integers(1, len(keys)))
    last = data.draw(st.lists(st.sampled_from([-1, -2, -3, -100]), min_size=3, max_size=3))
    values = data.draw(st.permutations(range(len(keys))))
    count = len(keys)
    near = np.array([values], np.float32) / 10
    rule = (np.array(keys, np.int32), np.array(last, np.int64), gap)
    free = (np.full(count, -1, np.int32), np.array([-100], np.int64), 3)
    moods = np.zeros((count, 1), np.uint8)
    for column, rules in enumerate([(rule, free), (free, rule)]):
        steps, units = np.zeros(n, np.int32), np.zeros((count, 8), np.float32)
        order, missing = _greedy.pick(near, steps, units, moods, moods, moods, None, *rules, 0.0, 0.0)
        assert sorted(set(order.tolist())) == sorted(order.tolist())
        broken = np.flatnonzero(missing[:, column])
        unbroken = int(broken[0]) if len(broken) else n
        assert unbroken == longest(keys, last, gap, n)


def test_a_heap_gives_what_sorting_gives() -> None:
    arrays = problem(3, 5000, 2, 16, 4)
    scorer = _greedy.Scorer(**arrays)
    near = scorer.at(np.arange(5000))
    nearest = [np.lexsort((np.arange(5000), -row))[:300] for row in near]
    found = scorer.best(np.zeros(5000, np.uint8), None, 300)
    assert found.tolist() == sorted(set(np.concatenate(nearest).tolist()))


def test_arrays_that_do_not_match_are_refused() -> None:
    arrays = problem(1, 9, 2, 5, 4)
    scorer = _greedy.Scorer(**arrays)
    for name in ("inverse", "scores", "labelled", "terms", "shares", "of_labels"):
        with pytest.raises(ValueError, match="do not match"):
            _greedy.Scorer(**{**arrays, name: arrays[name][:-1].copy()})
    for name in ("vectors", "scores", "directions", "terms", "shares", "of_labels"):
        with pytest.raises(ValueError, match="do not match"):
            _greedy.Scorer(**{**arrays, name: arrays[name][:, :-1].copy()})
    with pytest.raises(ValueError, match="Buffer dtype"):
        _greedy.Scorer(**{**arrays, "vectors": arrays["vectors"].astype(np.int16)})
    with pytest.raises(ValueError, match="8 to skip or not"):
        scorer.best(np.zeros(8, np.uint8), None, 3)
    with pytest.raises(ValueError, match="10 offsets"):
        scorer.best(np.zeros(9, np.uint8), np.zeros(10, np.float32), 3)
    with pytest.raises(ValueError, match="0 wanted"):
        scorer.best(np.zeros(9, np.uint8), None, 0)
    for row in (-1, 9):
        with pytest.raises(IndexError, match=r"\[0, 9\)"):
            scorer.at(np.array([0, row]))


def test_a_pool_that_does_not_match_is_refused() -> None:
    arguments = pool(1, 9, 4)
    for place in (0, 2, 3, 4, 5):
        damaged = list(arguments)
        damaged[place] = arguments[place][..., :-1] if place == 0 else arguments[place][:-1]
        with pytest.raises(ValueError, match=r"pool|nearness"):
            _greedy.pick(*damaged)
    with pytest.raises(IndexError, match="steps"):
        _greedy.pick(arguments[0], np.array([0, 1], np.int32), *arguments[2:])
    for place in (7, 8):
        damaged = list(arguments)
        keys, last, gap = arguments[place]
        damaged[place] = (keys + len(last), last, gap)
        with pytest.raises(IndexError, match="keys"):
            _greedy.pick(*damaged)
