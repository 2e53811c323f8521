"""Ranking: nearness, exclusions, artists kept apart, determinism, and the size it has to stand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood._nearest import Candidates, Request, artist_key, cosines, overlaps, rank, similarities
from edgemood.domain import ListenerMood, Mood, Pick, Tags, Track
from edgemood.errors import ConfigError

SCORES = {"happy": 0.4, "angry": 0.3, "sad": 0.2, "calm": 0.1}
DIMS = 8


def listener(vector: NDArray[np.float32]) -> ListenerMood:
    return ListenerMood(SCORES, vector, 3, "why", "m-1")


def track(track_id: int, artist: str = "", scores: dict[str, float] = SCORES) -> Track:
    mood = Mood(scores, np.zeros(DIMS, np.float32), (), "m-1")
    return Track(track_id, f"/{track_id}.ogg", Tags(artist=artist), 100.0, mood)


def same_scores(count: int) -> NDArray[np.float32]:
    """The listener's own scores for every song, so that the vectors alone decide."""
    return np.tile(np.array(list(SCORES.values()), np.float32), (count, 1))


def candidates(
    vectors: NDArray[np.float32], artists: list[str] | None = None, scores: NDArray[np.float32] | None = None
) -> Candidates:
    names = artists or [""] * len(vectors)
    table = same_scores(len(vectors)) if scores is None else scores
    return Candidates(np.arange(len(vectors)), vectors, table, names, lambda i: track(i, names[i]))


def falling(count: int) -> NDArray[np.float32]:
    """Vectors whose nearness to the first axis falls from row to row."""
    angles = np.linspace(0, 2.5, count)
    vectors = np.zeros((count, DIMS), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    return vectors


NORTH = np.eye(DIMS, dtype=np.float32)[0]


def ids(picks: list[Pick]) -> list[int]:
    return [pick.track.id for pick in picks]


def test_cosines_are_taken_from_the_middle() -> None:
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(500, DIMS)) + 3).astype(np.float32)
    vector = vectors[:10].mean(axis=0)
    middle = vectors.sum(axis=0, dtype=float) / 510
    a, b = vectors - middle, vector - middle
    expected = a @ b / np.linalg.norm(a, axis=1) / np.linalg.norm(b)
    np.testing.assert_allclose(cosines(vector, vectors), expected, atol=2e-6)


def test_overlap_is_what_two_distributions_share() -> None:
    rng = np.random.default_rng(6)
    p, q = rng.dirichlet(np.ones(4)).astype(np.float32), rng.dirichlet(np.ones(4), 50).astype(np.float32)
    np.testing.assert_allclose(overlaps(p, q), 1 - np.abs(p - q).sum(axis=1), atol=1e-6)  # total variation
    assert overlaps(p, p[None])[0] == pytest.approx(1, abs=1e-6)
    assert overlaps(np.eye(4, dtype=np.float32)[0], np.eye(4, dtype=np.float32)).tolist() == [1, -1, -1, -1]


def test_similarity_is_the_mean_of_cosine_and_overlap() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(200, DIMS)).astype(np.float32)
    scores = rng.dirichlet(np.full(4, 0.3), 200).astype(np.float32)
    found = similarities(listener(vectors[0]), candidates(vectors, scores=scores))
    own = np.array(list(SCORES.values()), np.float32)
    np.testing.assert_allclose(found, (cosines(vectors[0], vectors) + overlaps(own, scores)) / 2, atol=2e-6)
    assert found.min() >= -1
    assert found.max() <= 1


def test_in_a_small_library_songs_of_the_mood_come_first() -> None:
    """Vectors that point nowhere in particular do not put another mood before the listener's own."""
    rng = np.random.default_rng(8)
    moods = np.full((12, 4), 0.1, np.float32)
    moods[np.arange(12), np.arange(12) % 4] = 0.7
    for label, name in enumerate(SCORES):
        one = ListenerMood({n: 0.7 if n == name else 0.1 for n in SCORES}, NORTH, 3, "why", "m-1")
        vectors = (NORTH + rng.normal(0, 0.2, (12, DIMS))).astype(np.float32)
        picks = rank(Request(one, n=3), candidates(vectors, scores=moods))
        assert {i % 4 for i in ids(picks)} == {label}


def test_blocks_do_not_show() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(70_000, 3)).astype(np.float32)
    found = cosines(vectors[0], vectors)
    middle = vectors.sum(axis=0, dtype=float) / 70_010
    a, b = vectors - middle, vectors[0] - middle
    np.testing.assert_allclose(found, a @ b / np.linalg.norm(a, axis=1) / np.linalg.norm(b), atol=5e-6)


def test_a_common_part_of_all_vectors_does_not_hide_their_differences() -> None:
    rng = np.random.default_rng(3)
    moods = np.repeat(np.eye(4, DIMS), 100, axis=0) + rng.normal(0, 0.1, (400, DIMS))
    plain, shifted = moods.astype(np.float32), (moods + 5).astype(np.float32)
    for vectors in (plain, shifted):
        near = cosines(vectors[:10].mean(axis=0), vectors)
        assert near[:100].min() > 0.5 > near[100:].max()


def test_a_song_in_the_middle_or_at_zero_has_no_direction() -> None:
    vectors = np.zeros((3, DIMS), np.float32)
    assert cosines(NORTH, vectors).tolist() == [0, 0, 0]
    assert cosines(np.zeros(DIMS, np.float32), vectors).tolist() == [0, 0, 0]


def test_nearest_first() -> None:
    picks = rank(Request(listener(NORTH), n=5), candidates(falling(50)))
    assert ids(picks) == [0, 1, 2, 3, 4]
    assert [pick.similarity for pick in picks] == sorted((pick.similarity for pick in picks), reverse=True)


def test_recent_and_excluded_songs_are_left_out() -> None:
    request = Request(listener(NORTH), n=3, recent=[track(0), track(2)], exclude={1, 4})
    assert ids(rank(request, candidates(falling(20)))) == [3, 5, 6]


def test_fewer_songs_than_asked_for() -> None:
    assert ids(rank(Request(listener(NORTH), n=10), candidates(falling(3)))) == [0, 1, 2]
    assert rank(Request(listener(NORTH), exclude={0, 1, 2}), candidates(falling(3))) == []
    assert rank(Request(listener(NORTH)), candidates(np.zeros((0, DIMS), np.float32))) == []


def test_equal_songs_come_in_the_order_of_their_ids() -> None:
    rng = np.random.default_rng(4)
    numbers = rng.permutation(1000)
    vectors = np.repeat(NORTH[None], 1000, axis=0)
    same = Candidates(numbers, vectors, same_scores(1000), [""] * 1000, track)
    assert ids(rank(Request(listener(NORTH), n=30), same)) == list(range(30))


def test_no_artist_twice_in_a_row_not_even_after_the_song_played_last() -> None:
    artists = ["A", "A", "B", "a ", "C", "A", "B"]
    request = Request(listener(NORTH), n=4, recent=[track(99, "A")])
    assert ids(rank(request, candidates(falling(7), artists))) == [2, 0, 4, 1]


def test_unknown_artists_are_never_the_same() -> None:
    for unknown in ("", "Unknown Artist", "various  artists"):
        request = Request(listener(NORTH), n=4, recent=[track(99, unknown)])
        assert ids(rank(request, candidates(falling(4), [unknown] * 4))) == [0, 1, 2, 3]


def test_one_artist_left_is_offered_all_the_same_and_said_so() -> None:
    picks = rank(Request(listener(NORTH), n=3), candidates(falling(5), ["A"] * 5))
    assert ids(picks) == [0, 1, 2]
    assert ["same artist" in pick.reason for pick in picks] == [False, True, True]
    after = rank(Request(listener(NORTH), n=1, recent=[track(99, "A")]), candidates(falling(5), ["A"] * 5))
    assert ids(after) == [0]
    assert "same artist" in after[0].reason


def test_a_row_of_one_artist_at_the_end_is_spread_between_the_others() -> None:
    picks = rank(Request(listener(NORTH), n=5), candidates(falling(5), ["Y", "Z", "X", "X", "X"]))
    assert [pick.track.tags.artist for pick in picks] == ["X", "Y", "X", "Z", "X"]
    assert [pick.track.id for pick in picks if pick.track.tags.artist == "X"] == [2, 3, 4]
    assert not any("same artist" in pick.reason for pick in picks)


def test_similarity_belongs_to_the_song_wherever_it_was_moved() -> None:
    vectors = falling(30)
    expected = similarities(listener(NORTH), candidates(vectors))
    for pick in rank(Request(listener(NORTH), n=20), candidates(vectors, ["A"] * 12 + ["B"] * 18)):
        assert pick.similarity == pytest.approx(float(expected[pick.track.id]))


def test_reason_compares_the_moods() -> None:
    sad = dict(SCORES, sad=0.9)
    known = [track(0), track(1, scores=sad), Track(2, "/2", Tags(), 1.0, None)]
    some = Candidates(np.arange(3), falling(3), same_scores(3), [""] * 3, known.__getitem__)
    picks = rank(Request(listener(NORTH)), some)
    assert picks[0].reason == f"happy, as you are now (similarity {picks[0].similarity:.2f})"
    assert picks[1].reason.startswith("sad, ")
    assert picks[2].reason.startswith("near your mood")


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1, not 0"):
        rank(Request(listener(NORTH), n=0), candidates(falling(3)))
    with pytest.raises(ConfigError, match=r"whole number.*2\.5"):
        rank(Request(listener(NORTH), n=2.5), candidates(falling(3)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"3 dimensions.*8"):
        rank(Request(listener(np.ones(3, np.float32))), candidates(falling(3)))
    with pytest.raises(ValueError, match="do not match"):
        Candidates(np.arange(3), falling(2), same_scores(3), [""] * 3, track)
    with pytest.raises(ValueError, match="do not match"):
        Candidates(np.arange(3), falling(3), same_scores(2), [""] * 3, track)
    with pytest.raises(ConfigError, match=r"4 labels.*2"):
        rank(Request(listener(NORTH)), candidates(falling(3), scores=same_scores(3)[:, :2]))


def test_a_vector_that_is_not_finite_is_never_offered_and_spoils_no_other() -> None:
    vectors = falling(6)
    vectors[1] = np.nan
    vectors[2, 3] = np.inf
    assert ids(rank(Request(listener(NORTH)), candidates(vectors))) == [0, 3, 4, 5]
    scores = same_scores(6)
    scores[4, 2] = np.nan
    assert ids(rank(Request(listener(NORTH)), candidates(vectors, scores=scores))) == [0, 3, 5]


def test_artist_key_ignores_case_and_spacing() -> None:
    assert artist_key("  The  BAND ") == artist_key("the band") == "the band"
    assert artist_key("Unknown Artist") is None


def test_a_hundred_thousand_songs_are_ranked_like_a_plain_sort() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(100_000, DIMS)).astype(np.float32)
    vector = rng.normal(size=DIMS).astype(np.float32)
    picks = rank(Request(listener(vector), n=25), candidates(vectors))
    near = similarities(listener(vector), candidates(vectors))
    assert ids(picks) == np.lexsort((np.arange(100_000), -near))[:25].tolist()


@settings(deadline=None)
@given(st.lists(st.sampled_from(["A", "B", "C", ""]), min_size=1, max_size=14), st.integers(1, 16), st.data())
def test_the_rule_holds_wherever_it_can(artists: list[str], n: int, data: st.DataObject) -> None:
    last = data.draw(st.sampled_from(["A", "B", ""]))
    picks = rank(Request(listener(NORTH), n=n, recent=[track(99, last)]), candidates(falling(len(artists)), artists))
    assert len(picks) == min(n, len(artists))
    assert len(set(ids(picks))) == len(picks)
    heard = [artist_key(last), *(artist_key(pick.track.tags.artist) for pick in picks)]
    breaks = [one is not None and one == two for one, two in pairwise(heard)]
    assert breaks == ["same artist" in pick.reason for pick in picks]
    if any(breaks):
        # Only where one artist has more songs than there are places between the others.
        (him,) = {artist for artist, broken in zip(heard[1:], breaks, strict=True) if broken}
        others = sum(artist_key(name) != him for name in artists)
        places = others + (heard[0] != him)
        assert len(picks) - others > places
