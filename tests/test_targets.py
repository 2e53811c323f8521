"""Targets: what is looked for, and the way from one mood to another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood.domain import QUADRANTS, ListenerMood, Mood, plane_position
from edgemood.errors import ConfigError
from edgemood.shelf import LABELLED, SPEECH, Shelf, empty
from edgemood.targets import Target, centre, of_listener, of_mood, of_songs, path

LABELS = tuple(QUADRANTS)
DIMS = 6


def shelf(songs: int = 40, labels: tuple[str, ...] = LABELS, flags: NDArray[np.uint8] | None = None) -> Shelf:
    """Songs of each mood in turn, whose vectors lie near an axis of their own, all moved by the same."""
    rng = np.random.default_rng(songs)
    which = np.arange(songs) % len(labels)
    scores = np.full((songs, len(labels)), 0.3 / (len(labels) - 1))
    scores[np.arange(songs), which] = 0.7
    vectors = np.eye(DIMS)[which] + rng.normal(0, 0.05, (songs, DIMS)) + 3
    return Shelf.of(np.arange(songs), vectors, scores, labels, "m-1", flags=flags)


def listener(label: str, share: float = 0.7) -> ListenerMood:
    scores = {name: share if name == label else (1 - share) / 3 for name in LABELS}
    return ListenerMood(scores, (np.eye(DIMS)[LABELS.index(label)] + 3).astype(np.float32), 3, "why", "m-1")


def position(target: Target) -> tuple[float, float]:
    valence, arousal = plane_position(dict(zip(LABELS, target.scores.tolist(), strict=True)))
    assert valence is not None
    assert arousal is not None
    return valence, arousal


def test_the_listeners_mood_is_seen_from_the_middle() -> None:
    songs = shelf()
    target = of_listener(listener("sad"), songs)
    assert (target.kind, target.label) == ("listener", "sad")
    assert target.scores.tolist() == pytest.approx([0.1, 0.1, 0.7, 0.1])
    assert target.direction is not None
    assert np.linalg.norm(target.direction) == pytest.approx(1)
    assert int(np.argmax(target.direction)) == LABELS.index("sad")


def test_a_mood_by_name_lies_where_its_songs_do() -> None:
    songs = shelf()
    for number, label in enumerate(LABELS):
        target = of_mood(label, songs)
        own = songs.vectors_of(np.arange(number, 40, 4)).mean(axis=0) - songs.middle
        assert target.scores.tolist() == np.eye(4)[number].tolist()
        np.testing.assert_allclose(target.direction, own / np.linalg.norm(own), atol=1e-6)


def test_songs_set_by_hand_and_speech_do_not_say_where_a_mood_lies() -> None:
    flags = np.zeros(40, np.uint8)
    flags[[0, 4]] = LABELLED, SPEECH
    moved = shelf(flags=flags)
    vectors = moved.vectors.copy()
    vectors[[0, 4]] = -127
    plain = centre("happy", moved)
    other = centre("happy", Shelf(**{**vars_of(moved), "vectors": vectors}))
    assert plain is not None
    assert other is not None
    # Only the middle of the shelf has moved with them.
    assert float(plain @ other) > 0.8
    assert int(np.argmax(other)) == int(np.argmax(plain)) == 0


def vars_of(songs: Shelf) -> dict[str, object]:
    return {name: getattr(songs, name) for name in Shelf.__dataclass_fields__}


def test_a_mood_without_songs_has_scores_only() -> None:
    scores = np.tile([0.4, 0.3, 0.2, 0.1], (5, 1))
    songs = Shelf.of(np.arange(5), np.eye(5, DIMS), scores, LABELS, "m-1")
    assert of_mood("calm", songs).direction is None
    assert path(of_listener(listener("sad"), songs), "calm", 3, songs)[-1].direction is None


def test_several_songs_are_looked_for_by_their_mean() -> None:
    songs = shelf()
    moods = [
        Mood({n: 1.0 if n == label else 0.0 for n in LABELS}, np.eye(DIMS, dtype=np.float32)[i] + 3, (), "m-1")
        for i, label in enumerate(("happy", "angry"))
    ]
    target = of_songs(moods, songs)
    assert target.scores.tolist() == [0.5, 0.5, 0, 0]
    own = (moods[0].vector + moods[1].vector) / 2 - songs.middle
    np.testing.assert_allclose(target.direction, own / np.linalg.norm(own), atol=1e-6)
    assert of_songs(moods[1:], songs).label == "angry"


@pytest.mark.parametrize(("start", "goal"), [("sad", "happy"), ("angry", "calm"), ("happy", "calm"), ("sad", "sad")])
def test_a_way_is_a_straight_line_in_equal_steps_to_the_corner(start: str, goal: str) -> None:
    songs = shelf()
    begin = of_listener(listener(start), songs)
    way = [position(begin), *(position(target) for target in path(begin, goal, 8, songs))]
    steps = np.diff(np.array(way), axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-5)
    np.testing.assert_allclose(way[-1], QUADRANTS[goal], atol=1e-6)


def test_half_way_between_opposite_moods_songs_of_neither_are_looked_for() -> None:
    songs = shelf()
    begin = Target(np.array([0, 0, 1, 0], np.float32), of_mood("sad", songs).direction)
    middle = path(begin, "happy", 2, songs)[0]
    assert middle.scores.tolist() == pytest.approx([0.25] * 4)
    assert middle.direction is not None
    assert np.linalg.norm(middle.direction) < 1


@settings(deadline=None)
@given(st.sampled_from(LABELS), st.sampled_from(LABELS), st.integers(1, 20), st.integers(1, 25))
def test_every_target_of_a_way_can_be_looked_for(start: str, goal: str, n: int, over: int) -> None:
    songs = shelf()
    way = path(of_listener(listener(start), songs), goal, n, songs, over)
    assert [target.step for target in way] == [(min(i, over), over) for i in range(1, n + 1)]
    for target in way:
        assert target.scores.min() >= 0
        assert target.scores.sum() == pytest.approx(1, abs=1e-6)
        assert target.direction is not None
        assert np.linalg.norm(target.direction) <= 1 + 1e-6
    share = [float(target.scores[LABELS.index(goal)]) for target in way]
    assert start == goal or all(a <= b + 1e-6 for a, b in pairwise(share))


def test_other_labels_have_no_plane_and_are_mixed() -> None:
    songs = shelf(labels=("slow", "fast"))
    begin = Target(np.array([0.9, 0.1], np.float32), None)
    way = path(begin, "fast", 2, songs)
    assert way[0].scores.tolist() == pytest.approx([0.45, 0.55])
    assert way[0].direction is None
    assert way[1].scores.tolist() == [0, 1]
    assert way[1].direction is not None


def test_what_does_not_fit_the_shelf_is_refused() -> None:
    songs = shelf()
    with pytest.raises(ConfigError, match=r"no mood 'clam'.*m-1 knows happy, angry, sad, calm"):
        of_mood("clam", songs)
    with pytest.raises(ConfigError, match="no mood 'clam'"):
        path(of_mood("sad", songs), "clam", 3, songs)
    with pytest.raises(ConfigError, match="at least 1 step, not 0"):
        path(of_mood("sad", songs), "calm", 3, songs, over=0)
    with pytest.raises(ConfigError, match="no songs with a mood"):
        of_songs([], songs)
    with pytest.raises(ConfigError, match=r"slow, fast.*different models"):
        of_listener(listener("sad"), shelf(labels=("slow", "fast")))
    short = ListenerMood(listener("sad").scores, np.ones(3, np.float32), 3, "why", "m-1")
    with pytest.raises(ConfigError, match=r"3 dimensions.*6"):
        of_listener(short, songs)
    with pytest.raises(ConfigError, match="no mood 'sad'"):
        of_mood("sad", empty("m-1"))
