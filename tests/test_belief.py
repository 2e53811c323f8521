"""The filter over the listener's mood beside all paths of moods, summed up one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from edgemood._belief import Habits, follow, nearness
from edgemood.domain import QUADRANTS

LABELS = tuple(QUADRANTS)


def by_paths(  # noqa: PLR0917
    scores: np.ndarray,
    gap_s: np.ndarray,
    heard: np.ndarray,
    labels: tuple[str, ...],
    habits: Habits,
    offered: np.ndarray,
):
    """What `follow` gives, of one session, from the definition."""
    near = nearness(labels, habits.opposite)
    plays, count = scores.shape
    moves = [expm((near - np.eye(count)) * max(gap, 30.0) / habits.dwell_s) for gap in gap_s]

    def chance(k: int, mood: int, song: int) -> float:
        off = song != mood
        trusted = scores[k] ** habits.trust / (scores[k] ** habits.trust).sum()
        picked = habits.off_mood * near[mood, song] if off else 1 - habits.off_mood
        picked = 1.0 if offered[k] else picked  # whoever did pick it did not know the mood
        skip = habits.skip_off if off else habits.skip_on
        if np.isnan(heard[k]):
            return trusted[song] * picked * (1 - skip)
        return trusted[song] * picked * skip * (2 * (1 - heard[k]) if off else 1)

    belief, own = np.zeros(count), np.zeros(plays)
    for path in product(range(count), repeat=plays):
        weight = 1 / count
        for k, mood in enumerate(path):
            weight *= moves[k][path[k - 1], mood] if k else 1
            weight *= sum(chance(k, mood, song) for song in range(count))
        belief[path[-1]] += weight
    belief /= belief.sum()
    for k in range(plays):
        lasted = expm((near - np.eye(count)) * np.maximum(gap_s[k + 1 :], 30.0).sum() / habits.dwell_s)
        for mood in range(count):
            chances = [chance(k, mood, song) for song in range(count)]
            own[k] += belief[mood] * lasted[mood, mood] * chances[mood] / sum(chances)
    return belief, own


@pytest.mark.parametrize("labels", [LABELS, ("calm", "angry", "happy", "sad"), ("loud", "quiet", "odd")])
def test_it_gives_what_all_paths_give(labels: tuple[str, ...]) -> None:
    rng = np.random.default_rng(5)
    habits = Habits(dwell_s=3000, opposite=0.15, off_mood=0.3, trust=0.8, skip_on=0.2, skip_off=0.5)
    scores = rng.dirichlet(np.full(len(labels), 0.7), (4, 5))
    gap_s = rng.exponential(1500, (4, 5))
    heard = np.where(rng.random((4, 5)) < 0.4, rng.random((4, 5)), np.nan)
    offered = rng.random((4, 5)) < 0.5
    belief, own = follow(scores, gap_s, heard, labels, habits, offered=offered)
    for i in range(4):
        expected = by_paths(scores[i], gap_s[i], heard[i], labels, habits, offered[i])
        np.testing.assert_allclose(belief[i], expected[0], rtol=1e-6)
        np.testing.assert_allclose(own[i], expected[1], rtol=1e-6)
        alone = follow(scores[i], gap_s[i], heard[i], labels, habits, offered=offered[i])
        np.testing.assert_allclose(alone[0], belief[i])


def of(*labels: str, share: float = 0.7) -> np.ndarray:
    return np.array([[share if name == label else (1 - share) / 3 for name in LABELS] for label in labels])


def read(scores: np.ndarray, gap_s: float | list[float] = 200.0, heard: float | list[float] = np.nan) -> dict:
    shape = len(scores)
    belief, _ = follow(scores, np.broadcast_to(gap_s, shape), np.broadcast_to(heard, shape), LABELS)
    return dict(zip(LABELS, belief, strict=True))


def test_a_pause_weakens_what_was_before() -> None:
    songs = of("happy", "happy", "sad")
    right_on, next_day = read(songs), read(songs, [0, 200, 86_400])
    assert right_on["happy"] > right_on["sad"]
    assert next_day["sad"] > 0.5 > next_day["happy"]


def test_an_early_skip_speaks_against_a_mood_and_a_late_one_hardly() -> None:
    songs = of("calm", "angry", share=0.9)
    played, late, early = (read(songs, heard=[np.nan, h])["angry"] for h in (np.nan, 0.95, 0.05))
    assert early < late
    assert early < 0.25 < played


def test_plays_noted_together_keep_their_order() -> None:
    noted = read(of("happy", "happy", "sad", "sad"), 0.0)
    assert noted["sad"] > noted["happy"]


def test_one_mood_alone_and_certain_songs_are_no_trouble() -> None:
    belief, own = follow(np.ones((3, 1)), np.zeros(3), np.full(3, np.nan), ("any",))
    assert belief.tolist() == [1.0]
    assert (own > 0).all()
    certain = read(of(*["sad"] * 10, share=1.0), heard=1.0)
    assert 0.9 < certain["sad"] <= 1


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_it_is_a_distribution(plays: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heard = np.where(rng.random(plays) < 0.5, rng.random(plays), np.nan)
    scores = rng.dirichlet(np.full(4, 0.05), plays)
    belief, own = follow(scores, 10 ** rng.uniform(-3, 9, plays), heard, LABELS)
    assert belief.sum() == pytest.approx(1)
    assert ((belief > 0) & (belief < 1)).all()
    assert ((own > 0) & (own <= 1)).all()


def test_what_is_offered_does_not_confirm_itself() -> None:
    """Half of the happy songs that edgemood chose were skipped: he is not happy. Had he picked them, he is."""
    scores = np.tile([0.85 if label == "happy" else 0.05 for label in LABELS], (10, 1))
    heard = np.array([0.1, np.nan] * 5)
    gap_s = np.full(10, 200.0)
    happy = LABELS.index("happy")
    for offered, is_happy in ((True, False), (False, True)):
        belief, _ = follow(scores, gap_s, heard, LABELS, offered=np.full(10, offered))
        assert (int(belief.argmax()) == happy) == is_happy
    to_the_end, _ = follow(scores, gap_s, np.full(10, np.nan), LABELS, offered=np.full(10, True))
    assert to_the_end[happy] > 0.7  # what he lets play suits him all the same
