"""Ranking: nearness, what may not be offered, the rules, the two knobs, ways, reasons, and the size it has to stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood.domain import QUADRANTS, Mood, Tags, Track, plane_position
from edgemood.errors import ConfigError
from edgemood.recommend import Choice, Request, rank, reason, similarities
from edgemood.shelf import CHRISTMAS, LABELLED, LONG, SHORT, SPEECH, Shelf, artist_hash, empty
from edgemood.targets import Target, of_mood, path

LABELS = tuple(QUADRANTS)
DIMS = 12
PLAIN: dict[str, Any] = {"variety": 0, "smoothness": 0, "artist_gap": 0, "album_gap": 0}


def songs(count: int, seed: int = 1, **columns: Any) -> Shelf:
    """Songs of four moods, each around a place of its own."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 4, count)
    places = np.random.default_rng(0).normal(size=(4, DIMS))
    vectors = places[which] + rng.normal(0, 0.6, (count, DIMS))
    certainty = np.eye(4)[which] * 2 + rng.normal(0, 0.7, (count, 4))
    scores = np.exp(certainty) / np.exp(certainty).sum(axis=1, keepdims=True)
    columns = {"head": rng.dirichlet(np.ones(4), count), "tail": rng.dirichlet(np.ones(4), count), **columns}
    return Shelf.of(np.arange(count) * 3 + 5, vectors, scores, LABELS, "m-1", **columns)


def track(track_id: int, artist: str = "", label: str = "sad") -> Track:
    mood = Mood({n: 0.7 if n == label else 0.1 for n in LABELS}, np.zeros(DIMS, np.float32), (), "m-1")
    return Track(track_id, f"/{track_id}.ogg", Tags(artist=artist), 100.0, mood)


def ids(choices: Sequence[Choice]) -> list[int]:
    return [choice.id for choice in choices]


def names(rng: np.random.Generator, count: int, artists: int) -> list[str]:
    return [f"artist {i}" for i in rng.integers(0, artists, count)]


def exact(target: Target, shelf: Shelf) -> NDArray[np.float64]:
    """Nearness as it is defined, in double."""
    seen = shelf.vectors.astype(float) * shelf.scale - shelf.middle
    cosine = seen @ target.direction / np.linalg.norm(seen, axis=1) if target.direction is not None else 0
    overlap = 2 * np.minimum(shelf.scores / 255, target.scores).sum(axis=1) - 1
    return np.asarray((cosine + overlap) / 2 if target.direction is not None else overlap)


def test_nearness_is_the_mean_of_cosine_and_overlap() -> None:
    shelf = songs(300)
    target = replace(of_mood("sad", shelf), scores=np.array([0.4, 0.1, 0.3, 0.2], np.float32))
    flat = replace(target, direction=None)
    found = similarities([target, flat], shelf)
    np.testing.assert_allclose(found[0], exact(target, shelf), atol=1e-5)
    np.testing.assert_allclose(found[1], exact(flat, shelf), atol=1e-5)


def test_nearest_first_when_nothing_else_counts() -> None:
    shelf = songs(2000)
    target = of_mood("calm", shelf)
    near = similarities([target], shelf)[0]
    choices = rank(Request([target], n=40, **PLAIN), shelf)
    best = np.lexsort((shelf.ids, -near))[:40]
    assert ids(choices) == shelf.ids[best].tolist()
    assert [choice.row for choice in choices] == best.tolist()
    assert [choice.similarity for choice in choices] == near[best].tolist()
    assert not any(choice.broken for choice in choices)


def test_equally_near_songs_come_by_id() -> None:
    same = np.ones((700, DIMS))
    shelf = Shelf.of(np.arange(700), same, np.full((700, 4), 0.25), LABELS, "m-1")
    target = Target(np.full(4, 0.25, np.float32), None)
    assert ids(rank(Request([target], n=30, **PLAIN), shelf)) == list(range(30))
    assert ids(rank(Request([target], n=30), shelf)) == list(range(30))


def test_songs_that_may_not_be_offered_do_not_come() -> None:
    shelf = songs(50)
    target = of_mood("sad", shelf)
    free = ids(rank(Request([target], n=50, **PLAIN), shelf))
    request = Request([target], n=50, recent=[track(free[0])], exclude={free[2], 10**12, -1}, **PLAIN)
    assert ids(rank(request, shelf)) == [free[1], *free[3:]]
    by_array = replace(request, recent=(), exclude=np.array(free[1:], np.int64))
    assert ids(rank(by_array, shelf)) == free[:1]
    assert rank(replace(request, exclude=free), shelf) == []


def test_speech_jingles_long_mixes_and_christmas_stay_out_unless_asked_for() -> None:
    flags = np.zeros(40, np.uint8)
    flags[:5] = SPEECH, SHORT, LONG, CHRISTMAS, LABELLED
    shelf = songs(40, flags=flags)
    request = Request([of_mood("sad", shelf)], n=40)
    assert set(ids(rank(request, shelf))) == set(shelf.ids[4:].tolist())
    assert set(ids(rank(replace(request, leave_out=SPEECH), shelf))) == set(shelf.ids[1:].tolist())
    assert len(rank(replace(request, leave_out=0), shelf)) == 40


def test_offsets_move_songs_and_ban_them() -> None:
    shelf = songs(60)
    request = Request([of_mood("sad", shelf)], n=60, **PLAIN)
    plain = rank(request, shelf)
    offsets = np.zeros(60, np.float32)
    offsets[plain[30].row] = 3
    offsets[plain[0].row], offsets[plain[1].row] = -np.inf, np.nan
    moved = rank(replace(request, offsets=offsets), shelf)
    assert ids(moved) == [plain[30].id, *(choice.id for choice in plain[2:] if choice.id != plain[30].id)]
    assert (moved[0].offset, moved[0].similarity) == (3, plain[30].similarity)
    assert moved[1].offset == 0


def test_a_mood_set_by_hand_is_honoured() -> None:
    """The model hears something happy; by hand it is sad, and it ranks among the sad ones."""
    flags = np.zeros(400, np.uint8)
    shelf = songs(400)
    happiest = int(np.argmax(similarities([of_mood("happy", shelf)], shelf)[0]))
    flags[happiest] = LABELLED
    scores = shelf.scores.copy()
    scores[happiest] = [255 if label == "sad" else 0 for label in LABELS]
    by_hand = replace(shelf, flags=flags, scores=scores)
    for label, first in (("sad", True), ("happy", False)):
        near = similarities([of_mood(label, by_hand)], by_hand)[0]
        assert near[happiest] > max(0.9, np.quantile(near, 0.95)) if first else near[happiest] < 0


def gaps(keys: Sequence[int], played: Sequence[int]) -> list[int | None]:
    """How many songs lie between each song and the one of its key before; None: none, or nobody in particular."""
    heard = [*reversed(played)]
    found: list[int | None] = []
    for key in keys:
        since = [len(heard) - 1 - i for i, other in enumerate(heard) if other == key and key]
        found.append(min(since) if since else None)
        heard.append(key)
    return found


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 1000),
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(1, 8),
    st.integers(0, 4),
    st.integers(0, 3),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_every_list_is_sound(  # noqa: PLR0917
    seed: int, count: int, n: int, artists: int, gap: int, album_gap: int, variety: float, smoothness: float
) -> None:
    """No song twice, as many as there are, and each broken rule is said and only those."""
    rng = np.random.default_rng(seed)
    by = [name if rng.random() < 0.8 else "" for name in names(rng, count, artists)]
    shelf = songs(count, seed, artists=by, albums=[f"{name} {i % 2}" if name else "" for i, name in enumerate(by)])
    recent = [track(int(shelf.ids[0]), by[0]), track(1, "artist 1")]
    request = Request([of_mood("calm", shelf)], n, recent, (), 0, variety, smoothness, gap, album_gap)
    choices = rank(request, shelf)
    assert len(choices) == min(n, count - 1)
    assert len(set(ids(choices))) == len(choices)
    rows = [choice.row for choice in choices]
    played = [artist_hash(one.tags.artist) for one in recent]
    for what, keys, due, before in (
        ("artist", shelf.artist, gap, played),
        ("album", shelf.album, album_gap, [int(shelf.album[0]), 0]),
    ):
        for choice, between in zip(choices, gaps([int(keys[row]) for row in rows], before), strict=True):
            said = [rule for rule in choice.broken if what in rule]
            assert bool(said) == (between is not None and between < due)
            if said and between:
                assert f"after {between} song" in said[0]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(4, 9), st.integers(1, 3), st.integers(1, 3))
def test_rules_hold_where_there_are_artists_enough(seed: int, artists: int, gap: int, album_gap: int) -> None:
    rng = np.random.default_rng(seed)
    by = names(rng, 200, artists)
    shelf = songs(200, seed, artists=by, albums=[f"{name} {rng.integers(0, 3)}" for name in by])
    recent = [track(int(shelf.ids[3]), by[3])]
    request = Request([of_mood("sad", shelf)], 20, recent, artist_gap=gap, album_gap=album_gap)
    assert not any(choice.broken for choice in rank(request, shelf))


def test_a_clump_larger_than_the_pool_does_not_hide_other_artists() -> None:
    """A thousand songs by one artist are nearest; others are far away, but there."""
    count = 3000
    vectors = np.tile(np.eye(DIMS)[0], (count, 1))
    vectors[2000:] = -np.eye(DIMS)[0]
    scores = np.tile(np.eye(4)[2], (count, 1))
    scores[2000:] = np.eye(4)[0]
    by = ["the many"] * 1000 + ["the few"] * 1000 + [f"artist {i}" for i in range(1000)]
    shelf = Shelf.of(np.arange(count), vectors, scores, LABELS, "m-1", artists=by)
    choices = rank(Request([of_mood("sad", shelf)], n=12), shelf)
    assert not any(choice.broken for choice in choices)
    assert sum(choice.similarity > 0 for choice in choices) == 6  # both near artists, as often as the rule lets them
    albums = Shelf.of(np.arange(count), vectors, scores, LABELS, "m-1", albums=by)
    assert not any(choice.broken for choice in rank(Request([of_mood("sad", albums)], n=12), albums))


def test_one_artist_alone_is_offered_all_the_same_and_said_so() -> None:
    shelf = songs(5, artists=["A"] * 5)
    choices = rank(Request([of_mood("sad", shelf)], n=4), shelf)
    assert [choice.broken for choice in choices] == [
        (),
        *[("by the same artist as the song before: no others are left",)] * 3,
    ]
    after = rank(Request([of_mood("sad", shelf)], n=1, recent=[track(10**6, "a ")]), shelf)
    assert "same artist" in after[0].broken[0]
    two = songs(8, artists=["A", "B"] * 4)
    assert rank(Request([of_mood("sad", two)], n=3), two)[2].broken == (
        "the same artist again after 1 song: no others are left",
    )


def test_unknown_artists_are_never_the_same() -> None:
    for unknown in ("", "Unknown Artist", "various  artists"):
        shelf = songs(6, artists=[unknown] * 6)
        choices = rank(Request([of_mood("sad", shelf)], n=6, recent=[track(99, unknown)]), shelf)
        assert not any(choice.broken for choice in choices)


def likeness(choices: Sequence[Choice], shelf: Shelf) -> float:
    """Mean nearness of the songs of a list to each other."""
    rows = np.array([choice.row for choice in choices])
    seen = shelf.vectors_of(rows) - shelf.middle
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    return float((seen @ seen.T)[np.triu_indices(len(rows), 1)].mean())


def test_more_variety_makes_less_alike_and_less_near() -> None:
    """Over many targets; each list's own greedy choices may cross."""
    shelf = songs(3000)
    alike, near = [], []
    for variety in (0, 0.25, 0.5, 0.75, 1):
        lists = [
            rank(Request([replace(of_mood(label, shelf), scores=p)], 12, **{**PLAIN, "variety": variety}), shelf)
            for label in LABELS
            for p in np.random.default_rng(7).dirichlet(np.ones(4), 6).astype(np.float32)
        ]
        alike.append(np.mean([likeness(one, shelf) for one in lists]))
        near.append(np.mean([[choice.similarity for choice in one] for one in lists]))
    assert all(a > b for a, b in pairwise(alike))
    assert all(a > b for a, b in pairwise(near))


def test_more_smoothness_makes_smoother() -> None:
    shelf = songs(3000)
    request = Request([of_mood("happy", shelf)], 15, recent=[track(int(shelf.ids[7]))], **PLAIN)
    flows, near = [], []
    for smoothness in (0, 0.2, 0.5, 1):
        choices = rank(replace(request, smoothness=smoothness), shelf)
        flows.append(np.mean([choice.flow for choice in choices]))
        near.append(np.mean([choice.similarity for choice in choices]))
    assert all(a < b for a, b in pairwise(flows))
    assert all(a > b for a, b in pairwise(near))


def test_flow_is_from_the_end_of_one_song_to_the_beginning_of_the_next() -> None:
    shelf = songs(30)
    target = of_mood("happy", shelf)
    choices = rank(Request([target], 3, recent=[track(int(shelf.ids[7]))]), shelf)
    rows = [7, *(choice.row for choice in choices)]
    for (before, row), choice in zip(pairwise(rows), choices, strict=True):
        shared = np.minimum(shelf.tail[before] / 255, shelf.head[row] / 255).sum()
        assert choice.flow == pytest.approx(2 * shared - 1)
    assert rank(Request([target], 1), shelf)[0].flow is None
    assert rank(Request([target], 1, recent=[track(1)]), shelf)[0].flow is None


@pytest.mark.parametrize(("start", "goal"), [("sad", "happy"), ("angry", "calm"), ("calm", "angry"), ("happy", "sad")])
def test_a_way_leads_gradually_to_its_corner(start: str, goal: str) -> None:
    shelf = songs(5000)
    choices = rank(Request(path(of_mood(start, shelf), goal, 12, shelf), 12), shelf)
    places = [
        plane_position(dict(zip(LABELS, shelf.scores_of([choice.row])[0].tolist(), strict=True))) for choice in choices
    ]
    along = (
        np.array(places, float) @ (np.array(QUADRANTS[goal]) - QUADRANTS[start]) / 4
    )  # -1 at the start, 1 at the goal
    assert along[:2].mean() < -0.3
    assert along[-2:].mean() > 0.5
    assert -0.5 < along[5:7].mean() < 0.5
    assert np.corrcoef(along, np.arange(12))[0, 1] > 0.9
    assert all(choice.target.step == (i + 1, 12) for i, choice in enumerate(choices))


def test_songs_of_several_targets_are_each_near_their_own() -> None:
    shelf = songs(2000)
    targets = [of_mood(label, shelf) for label in LABELS]
    choices = rank(Request(targets, 4, **PLAIN), shelf)
    near = similarities(targets, shelf)
    assert [choice.row for choice in choices] == near.argmax(axis=1).tolist()


def test_the_same_request_gives_the_same_list() -> None:
    shelf = songs(800, artists=names(np.random.default_rng(3), 800, 40))
    request = Request(path(of_mood("sad", shelf), "calm", 20, shelf), 20, variety=0.4, smoothness=0.3)
    assert ids(rank(request, shelf)) == ids(rank(request, songs(800, artists=names(np.random.default_rng(3), 800, 40))))


def test_a_hundred_thousand_songs_are_ranked_like_a_plain_sort() -> None:
    shelf = songs(100_000)
    target = of_mood("angry", shelf)
    near = similarities([target], shelf)[0]
    order = np.lexsort((np.arange(100_000), -near))[:300]
    assert [choice.row for choice in rank(Request([target], 300, **PLAIN), shelf)] == order.tolist()


def test_an_empty_shelf_has_nothing_to_offer() -> None:
    target = Target(np.full(4, 0.25, np.float32), None)
    assert rank(Request([target]), empty("m-1")) == []
    assert similarities([target], empty("m-1")).shape == (1, 0)


def test_reasons_say_what_was_looked_for() -> None:
    shelf = songs(50, artists=["A"] * 50)
    calm = of_mood("calm", shelf)
    request = Request([calm], 2)
    first, second = rank(request, shelf)
    near = f"(similarity {first.similarity:.2f})"
    assert reason(first, track(1, label="calm"), request) == f"calm, as asked for {near}"
    assert reason(first, track(1, label="sad"), request) == f"sad, yet near calm {near}"
    assert reason(first, replace(track(1), mood=None), request) == f"near calm {near}"
    assert reason(second, track(1, label="calm"), request).endswith(
        "; by the same artist as the song before: no others are left"
    )
    for kind, same, other in (
        ("listener", "calm, as you are now", "sad, yet near your calm"),
        ("seeds", "calm, like the songs you named", "sad, yet near the songs you named"),
    ):
        one = replace(first, target=replace(calm, kind=kind))
        assert reason(one, track(1, label="calm"), request) == f"{same} {near}"
        assert reason(one, track(1, label="sad"), request) == f"{other} {near}"
    far = replace(first, similarity=-0.2)
    assert reason(far, track(1, label="sad"), request) == "sad, though not near calm (similarity -0.20)"
    step = replace(first, target=path(calm, "happy", 5, shelf)[1])
    assert reason(step, track(1), request) == f"sad, step 2 of 5 on the way to happy {near}"


def test_what_cannot_be_asked_for_is_refused() -> None:
    shelf = songs(9)
    target = of_mood("sad", shelf)
    for values, message in (
        ({"n": 0}, "at least 1, not 0"),
        ({"n": 2.5}, r"whole number.*2\.5"),
        ({"variety": 1.5}, r"variety.*1\.5"),
        ({"smoothness": float("nan")}, "smoothness.*nan"),
        ({"artist_gap": -1}, "artist_gap.*-1"),
        ({"album_gap": 1.5}, r"album_gap.*1\.5"),
        ({"targets": []}, "0 targets for 10 songs"),
        ({"targets": [target] * 3}, "3 targets for 10 songs"),
        ({"offsets": np.zeros(8, np.float32)}, r"\(8,\) offsets for 9 songs"),
        ({"targets": [replace(target, scores=np.ones(3, np.float32))]}, r"3 labels.*4"),
        ({"targets": [replace(target, direction=np.ones(5, np.float32))]}, r"5 dimensions.*12"),
        ({"targets": [replace(target, scores=np.full(4, np.nan, np.float32))]}, "not finite"),
        ({"targets": [replace(target, direction=np.full(DIMS, np.inf, np.float32))]}, "not finite"),
    ):
        with pytest.raises(ConfigError, match=message):
            rank(replace(Request([target]), **values), shelf)
