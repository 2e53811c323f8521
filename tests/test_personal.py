"""What a listener thinks of songs: what draws, what pushes, how far, how long, and what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemood import personal, shelf
from edgemood.domain import EVENTS, QUADRANTS, Event

NOW = 1_700_000_000.0
DAY = 86_400.0
LABELS = tuple(QUADRANTS)
SONGS = 400
FAR = 8  # dimensions


def made_shelf(seed: int = 0) -> shelf.Shelf:
    """Songs in four moods; within each, some lie towards dimension 5 (even ids), others away from it (odd ids)."""
    rng = np.random.default_rng(seed)
    mood = rng.integers(0, 4, SONGS)
    scores = np.full((SONGS, 4), 0.1) + 0.6 * np.eye(4)[mood]
    vectors = 3 * np.eye(4, FAR)[mood] + rng.normal(0, 0.4, (SONGS, FAR))
    ids = np.arange(1, SONGS + 1)
    vectors[:, 5] += np.where(ids % 2 == 0, 1.0, -1.0)
    artists = [f"Artist {i // 10}" if i < 200 else "" for i in range(SONGS)]
    genres = [("Rock", "Jazz", "")[i % 3] for i in range(SONGS)]
    return shelf.Shelf.of(ids, vectors, scores, LABELS, "m-1", artists=artists, genres=genres)


SHELF = made_shelf()
EVEN = SHELF.ids % 2 == 0


def event(track_id: int, kind: str, ago_s: float = 0.0, heard: float | None = None) -> Event:
    return Event(track_id, kind, NOW - ago_s, heard)


def offsets(*events: Event) -> np.ndarray:
    return personal.offsets(events, SHELF, NOW)


def gap(values: np.ndarray) -> float:
    """By how much songs towards dimension 5 are ahead, those without artist and genre that no event was about."""
    plain = (SHELF.artist == 0) & (SHELF.genre == 0)
    return float(values[EVEN & plain].mean() - values[~EVEN & plain].mean())


def test_nothing_known_moves_nothing() -> None:
    assert not offsets().any()
    assert personal.learn([], SHELF, NOW).explain(3) == ""


def test_an_empty_shelf() -> None:
    assert personal.offsets([event(1, "like")], shelf.empty("m-1"), NOW).shape == (0,)


def test_shape_and_type() -> None:
    out = offsets(event(2, "like"))
    assert out.dtype == np.float32
    assert out.shape == (SONGS,)


def test_likes_draw_songs_that_differ_in_the_same_way() -> None:
    three = offsets(*(event(i, "like") for i in (202, 302, 398)))
    assert gap(three) > 0.05
    assert gap(three) > gap(offsets(event(202, "like"))) > 0.01


def test_skips_and_bans_push_away() -> None:
    for kind in ("skip", "ban"):
        assert gap(offsets(*(event(i, kind, heard=0.05 if kind == "skip" else None) for i in (202, 302, 398)))) < -0.04


def test_taste_leaves_the_mood_alone() -> None:
    """Liking songs of one mood, whatever else they are like, draws no songs of that mood."""
    calm = np.flatnonzero(SHELF.scores.argmax(axis=1) == 3)
    liked = [int(SHELF.ids[row]) for row in calm[:40]]
    plain = (SHELF.artist == 0) & (SHELF.genre == 0) & ~np.isin(SHELF.ids, liked)
    out = offsets(*(event(i, "like") for i in liked))
    of_mood = SHELF.scores.argmax(axis=1) == 3
    assert abs(out[plain & of_mood].mean() - out[plain & ~of_mood].mean()) < 0.03


@pytest.mark.parametrize(("sooner", "later"), [(0.0, 0.1), (0.1, 0.5), (0.5, 0.79), (0.79, 1.0)])
def test_the_sooner_the_skip_the_more_it_says(sooner: float, later: float) -> None:
    row = 201
    early, late = (offsets(event(202, "skip", heard=heard))[row] for heard in (sooner, later))
    assert early < late


def test_a_skip_at_the_very_end_is_a_play() -> None:
    np.testing.assert_allclose(offsets(event(202, "skip", heard=1.0)), offsets(event(202, "play")), atol=1e-7)


def test_a_skip_at_an_unknown_moment_lies_between() -> None:
    unknown = personal.strength(event(1, "skip"))
    assert personal.strength(event(1, "skip", heard=0)) < unknown < personal.strength(event(1, "skip", heard=1))


def test_a_skip_takes_back_the_play_it_ended() -> None:
    skip, play = event(202, "skip", 10, 0.1), event(202, "play", 30)
    np.testing.assert_array_equal(offsets(skip, play), offsets(skip))
    assert offsets(skip, play, event(202, "play", 5000))[201] > offsets(skip, play)[201]
    assert offsets(skip, event(202, "play", 5000))[201] > offsets(skip)[201]  # another hearing


def test_artists_draw_but_nobody_in_particular_does_not() -> None:
    bare = replace(SHELF, artist=np.zeros(SONGS, np.uint32))
    events = [event(2, "like"), event(202, "like")]  # of artist 0, who has songs 1 to 10, and of nobody
    moved = offsets(*events) - personal.offsets(events, bare, NOW)
    assert (moved[:10] > 0.005).all()
    assert not moved[10:].any()


def test_genres_draw() -> None:
    jazz = SHELF.genre == shelf.text_hash("jazz")
    none = SHELF.genre == 0
    liked = [int(i) for i in SHELF.ids[jazz & (SHELF.artist == 0)][:6]]
    out = offsets(*(event(i, "like") for i in liked))
    rest = ~np.isin(SHELF.ids, liked)
    assert out[jazz & rest].mean() > out[none & rest].mean() + 0.03


def test_banned_songs_are_named_even_off_the_shelf() -> None:
    taste = personal.learn([event(7, "ban"), event(99_999, "ban"), event(8, "like")], SHELF, NOW)
    assert taste.banned == {7, 99_999}


def test_songs_off_the_shelf_teach_nothing() -> None:
    assert not offsets(event(99_999, "like"), event(88_888, "skip", heard=0.0)).any()


def test_one_outlier_says_little_among_many() -> None:
    likes = [event(i, "like", 60.0 * i) for i in range(202, 242, 2)]
    before, after = gap(offsets(*likes)), gap(offsets(event(300, "skip", heard=0.0), *likes))
    assert after > 0.85 * before


def test_one_song_played_for_a_week_is_no_taste() -> None:
    often = [event(202, "play", 300.0 * i) for i in range(500)]
    assert gap(offsets(*often)) < gap(offsets(*(event(i, "like") for i in (202, 302, 398))))


def test_old_events_fade() -> None:
    fresh, old, ancient = (gap(offsets(event(202, "like", days * DAY))) for days in (0, 90, 2000))
    assert fresh > old > ancient
    assert ancient < fresh / 100


def test_later_evidence_counts_more_than_earlier() -> None:
    likes = [event(i, "like") for i in range(202, 262, 2)]
    against = [event(i, "like") for i in range(203, 263, 2)]
    assert gap(offsets(*likes, *against)) > 0.03 > -0.03 > gap(offsets(*against, *likes))


def test_events_after_now_count_as_of_now() -> None:
    """A device without a clock of its own may believe it is 1970."""
    np.testing.assert_array_equal(personal.offsets([event(202, "like")], SHELF, 0.0), offsets(event(202, "like")))


def test_taking_the_events_back_takes_it_all_back() -> None:
    likes = [event(i, "like") for i in (202, 302)]
    np.testing.assert_array_equal(offsets(*likes), offsets(event(202, "like"), event(302, "like")))
    assert offsets(*likes, event(5, "ban")).any() and not offsets().any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, SONGS + 5),
            st.sampled_from(EVENTS),
            st.floats(0, 1e8),
            st.one_of(st.none(), st.floats(0, 1)),
        ),
        max_size=80,
    )
)
def test_offsets_are_bounded_and_finite(rows: list[tuple[int, str, float, float | None]]) -> None:
    out = offsets(*(event(i, kind, ago, heard) for i, kind, ago, heard in rows))
    assert np.isfinite(out).all()
    assert (np.abs(out) < personal.BOUND).all()


def test_the_bound_keeps_the_order() -> None:
    few, many = (offsets(*(event(i, "like") for i in range(2, 2 + 2 * n, 2))) for n in (3, 30))
    assert np.abs(many).max() > np.abs(few).max()
    assert gap(many) > gap(few)


def test_hashes_that_share_a_place_in_the_table_are_told_apart() -> None:
    n = 6
    artist = np.array([0x10005, 0x20005, 0x30005, 7, 0, 7], np.uint32)  # three with the same low bits
    songs = replace(
        shelf.Shelf.of(range(1, n + 1), np.zeros((n, 2)), np.full((n, 4), 0.25), LABELS, "m-1"), artist=artist
    )
    out = personal.offsets([event(1, "like"), event(2, "ban"), event(4, "like")], songs, NOW)
    assert out[5] > 0  # by the artist of song 4
    assert out[0] > 0 > out[1]
    assert out[2] == out[4] == 0


@pytest.mark.parametrize(
    ("events", "row", "said"),
    [
        ([event(2, "like")], 1, "you liked it"),
        ([event(1, "like"), event(2, "like")], 4, "you liked songs by this artist"),
        ([event(2, "like"), *(event(i, "skip", heard=0.0) for i in (202, 302))], 4, "you liked a song by this artist"),
        ([event(i, "play", i) for i in (202, 302, 398, 212, 312)], 391, "you heard songs like it to the end"),
        ([event(i, "skip", heard=0.0) for i in (202, 302)], 397, ""),
    ],
)
def test_what_is_said(events: list[Event], row: int, said: str) -> None:
    assert personal.learn(events, SHELF, NOW).explain(row) == said


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, SONGS), st.sampled_from(EVENTS)), max_size=20), st.integers(0, SONGS - 1))
def test_what_is_said_is_borne_out(pairs: list[tuple[int, str]], row: int) -> None:
    taste = personal.learn([event(i, kind, heard=0.0 if kind == "skip" else None) for i, kind in pairs], SHELF, NOW)
    said = taste.explain(row)
    kinds = {kind for _, kind in pairs}
    if said:
        assert ("like" if said.startswith("you liked") else "play") in kinds
        assert taste.offsets()[row] > 0
    if said == "you liked it":
        assert (int(SHELF.ids[row]), "like") in pairs


def test_effort_grows_with_songs_not_with_songs_times_events() -> None:
    """Ten times the events cost less than twice the time over many songs."""
    rng = np.random.default_rng(3)
    n = 200_000
    songs = shelf.Shelf.of(
        range(n),
        rng.normal(size=(n, 32)),
        rng.dirichlet(np.ones(4), n),
        LABELS,
        "m-1",
        scale=np.full(32, 0.04, np.float32),
    )
    artist, genre = (rng.integers(1, high, n).astype(np.uint32) for high in (20_000, 40))
    songs = replace(songs, artist=artist, genre=genre)

    def cost(count: int) -> float:
        taste = personal.learn([event(int(i), "like") for i in rng.integers(0, n, count)], songs, NOW)
        spent = []
        for _ in range(5):
            begin = time.process_time()
            taste.offsets()
            spent.append(time.process_time() - begin)
        return min(spent)

    assert cost(500) < 2 * cost(50) + 0.005
