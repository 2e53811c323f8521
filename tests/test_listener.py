"""The listener's mood: weights, means, and a sentence that is true whatever was played."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgemood._belief import follow
from edgemood.domain import QUADRANTS, Event, ListenerMood, Mood, Play, Tags, Track
from edgemood.errors import ConfigError, LibraryError
from edgemood.listener import WINDOW, read

LABELS = tuple(QUADRANTS)


def song(track_id: int, label: str | None, share: float = 0.7, model: str = "m-1") -> tuple[Track, Play]:
    """A play of a song whose mood is `label` with probability `share`; without a mood for None."""
    mood = None
    if label is not None:
        rest = (1 - share) / (len(LABELS) - 1)
        scores = {name: share if name == label else rest for name in LABELS}
        mood = Mood(scores, np.array([scores[name] for name in LABELS], np.float32), (), model)
    return Track(track_id, f"/music/{track_id}.ogg", Tags(), 200.0, mood), Play(track_id, 1e9 - track_id)


def songs(*labels: str | None) -> list[tuple[Track, Play]]:
    return [song(number, label) for number, label in enumerate(labels)]


def skip(track_id: int, label: str | None, heard: float | None = 0.1, share: float = 0.7) -> tuple[Track, Event]:
    track, play = song(track_id, label, share)
    return track, Event(track_id, "skip", play.at + 20, heard)


def test_scores_are_those_of_the_filter() -> None:
    heard = [song(0, "calm", 0.9), skip(1, "happy", 0.25), song(2, "sad", 0.6)]
    mood = read(heard)
    scores = np.array([[track.mood.scores[name] for name in LABELS] for track, _ in heard if track.mood])
    gap_s = [0.0, heard[1][1].at - heard[2][1].at, heard[0][1].at - heard[1][1].at]
    belief, own = follow(scores[::-1], np.array(gap_s), np.array([np.nan, 0.25, np.nan]), LABELS)
    np.testing.assert_allclose([mood.scores[name] for name in LABELS], belief, rtol=1e-6)
    np.testing.assert_allclose(mood.vector, own / own.sum() @ scores[::-1], rtol=1e-6)
    assert mood.vector.dtype == np.float32
    assert (mood.plays, mood.model, mood.label) == (3, "m-1", "calm")


def test_the_vector_is_of_the_songs_of_the_mood() -> None:
    mood = read(songs("calm", "angry", "calm", "calm", "calm"))
    plain = np.mean([track.mood.vector for track, _ in songs("calm", "angry", "calm", "calm", "calm")], axis=0)
    assert mood.vector[LABELS.index("calm")] > plain[LABELS.index("calm")] + 0.02


def test_few_songs_leave_it_open_and_many_do_not() -> None:
    shares = [read(songs(*["sad"] * count)).scores["sad"] for count in (1, 2, 4)]
    assert 0.5 < shares[0] < shares[1] < shares[2] < 1


def test_a_skip_ends_the_play_before_it() -> None:
    _, play = song(0, "angry")
    both = [skip(0, "angry"), (song(0, "angry")[0], play), song(1, "calm")]
    assert read(both).reason == read([skip(0, "angry"), song(1, "calm")]).reason
    assert read(both).plays == 2
    twice = [skip(0, "angry"), song(0, "angry"), song(0, "angry"), song(1, "calm")]
    assert read(twice).plays == 3


def test_likes_and_bans_are_no_listening() -> None:
    other = song(7, "angry")[0]
    events = [(other, Event(7, kind, 1e9)) for kind in ("like", "ban")]
    assert read([*events, *songs("sad", "sad")]).reason == "sad: all of your last 2 songs"
    with pytest.raises(LibraryError, match="has been played yet"):
        read(events)


def test_recency_decides_between_two_moods() -> None:
    assert read(songs(*["happy"] * 5, *["sad"] * 5)).label == "happy"
    assert read(songs(*["sad"] * 5, *["happy"] * 5)).label == "sad"


def test_only_the_window_counts() -> None:
    mood = read(songs("calm", "calm", *["angry"] * 20), window=2)
    assert (mood.label, mood.plays) == ("calm", 2)
    many, few = read(songs(*["calm"] * 10, *["angry"] * 50)), read(songs(*["calm"] * 10))
    assert (many.scores, many.plays) == (few.scores, 10)


@pytest.mark.parametrize(
    ("heard", "sentence"),
    [
        (songs("sad"), "sad: your last song"),
        (songs("sad", "sad"), "sad: all of your last 2 songs"),
        (songs(*["calm"] * 10), "calm: all of your last 10 songs"),
        (
            songs("calm", "calm", "calm", "happy", "calm", "calm", "sad", "calm", "calm", "sad"),
            "calm: 7 of your last 10 songs, strongest in the latest 3",
        ),
        (songs("happy", "calm", "calm", "calm", "calm"), "calm: 4 of your last 5 songs, weakest in the latest 2"),
        (songs("calm", "sad", "calm", "calm"), "calm: 3 of your last 4 songs"),
        (
            [song(0, "happy", 0.95), song(1, "sad", 0.4), song(2, "sad", 0.4)],
            "happy: 1 of your last 3 songs, ahead of sad (2) by strength, recency and neighbouring moods",
        ),
        ([song(0, "sad"), song(0, "sad"), song(1, "happy")], "sad: 2 of your last 3 plays"),
        ([song(0, "sad"), song(1, None)], "sad: the 1 song counted among your last 2 (not counted: 1 without a mood)"),
        (
            [song(0, None), song(1, "calm"), song(2, "calm"), song(3, "sad", model="m-0"), song(4, None)],
            "calm: all of the 2 songs counted among your last 5 "
            "(not counted: 2 without a mood and 1 judged by another model)",
        ),
        (
            [song(0, "calm"), skip(1, "angry"), song(2, "calm"), skip(3, "calm", None)],
            "calm: all of the 2 songs counted among your last 4 (not counted: 2 skipped)",
        ),
        (
            [skip(0, "angry", 0.01, 0.9), skip(1, "angry", 0.01, 0.9)],
            "angry: a guess from songs that you skipped, of your last 2 songs (not counted: 2 skipped)",
        ),
    ],
)
def test_sentence(heard: list[tuple[Track, Play | Event]], sentence: str) -> None:
    assert read(heard).reason == sentence


def test_sentence_names_moods_that_are_level() -> None:
    calm, sad = song(0, "calm", 0.7), song(1, "sad", 0.7)
    at_once = [calm, (sad[0], calm[1])]
    assert read(at_once).reason == "sad and calm, nearly level: 1 and 1 of your last 2 songs"
    one = [song(0, "calm", 0.25)]
    assert read(one).reason == "happy and angry and sad and calm, nearly level: your last song"


def test_sentence_of_a_mood_that_no_song_has() -> None:
    vector = np.zeros(4, np.float32)
    happy = Mood({"happy": 0.5, "angry": 0.05, "sad": 0.0, "calm": 0.45}, vector, (), "m-1")
    sad = Mood({"happy": 0.0, "angry": 0.05, "sad": 0.5, "calm": 0.45}, vector, (), "m-1")
    heard = [(Track(i, f"/{i}", Tags(), 1.0, mood), Play(i, 0.0)) for i, mood in enumerate([happy, sad])]
    mood = read(heard)
    assert mood.label == "calm"
    assert mood.reason == "calm: the nearest to your last 2 songs together, though none by itself"


def test_the_newest_judged_song_sets_the_model() -> None:
    mood = read([song(0, None), song(1, "sad", model="m-2"), song(2, "calm", model="m-1")])
    assert (mood.model, mood.plays, mood.label) == ("m-2", 1, "sad")


def test_nothing_played_or_nothing_judged_is_an_error() -> None:
    with pytest.raises(LibraryError, match="has been played yet"):
        read([])
    with pytest.raises(LibraryError, match="last 1 song played"):
        read(songs(None))
    with pytest.raises(LibraryError, match="last 2 songs played"):
        read(songs(None, None, "calm"), window=2)


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 play"):
        read(songs("calm"), window=0)


plays = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([*LABELS, None]),
        st.floats(0.26, 1.0),
        st.sampled_from(["m-1", "m-1", "m-1", "m-0"]),
        st.sampled_from([None, None, None, 0.0, 0.5, 1.0]),
    ),
    min_size=1,
    max_size=14,
)


def check_claims(mood: ListenerMood, heard: list[tuple[Track, Play | Event]]) -> None:
    """Read the sentence back and hold every number in it against the songs."""
    judged = [(track, what) for track, what in heard if track.mood and track.mood.model == mood.model]
    counted = [track for track, what in judged if isinstance(what, Play)]
    assert mood.plays == len(judged)
    moods = [track.mood for track in counted if track.mood]
    counts = Counter(each.label for each in moods)
    said = mood.reason
    assert max(mood.scores.values()) - mood.scores[said.split(":")[0].split(",")[0].split(" and ")[0]] < 0.01
    if not counted:
        assert "a guess from songs that you skipped" in said
        return
    if found := re.search(r": (\d+) of (?:the|your)", said):
        assert int(found[1]) == counts[mood.label]
    if found := re.search(r"ahead of (\w+) \((\d+)\)", said):
        assert counts[found[1]] == int(found[2]) >= counts[mood.label]
    elif "level" not in said and "none by itself" not in said:
        assert counts[mood.label] == max(counts.values())
    assert ("all of" in said) <= (len(counts) == 1)
    assert ("none by itself" in said) == ("level" not in said and mood.label not in counts)
    assert ("play" in said.split("(")[0]) == (len({track.id for track in counted}) < len(counted))
    assert ("not counted" in said) == (len(counted) < len(heard))
    assert sum(map(int, re.findall(r"(\d+) (?:without|judged|skipped)", said))) == len(heard) - len(counted)
    if found := re.search(r"(strongest|weakest) in the latest (\d+)", said):
        length = int(found[2])
        means = [
            np.mean([each.scores[mood.label] for each in moods[start : start + length]])
            for start in range(len(moods) - length + 1)
        ]
        assert means[0] == (max if found[1] == "strongest" else min)(means)


@given(plays)
def test_the_sentence_is_true_of_any_plays(drawn: list[tuple[int, str | None, float, str, float | None]]) -> None:
    heard: list[tuple[Track, Play | Event]] = []
    for number, (track_id, label, share, model, skipped) in enumerate(drawn):
        track, _ = song(track_id, label, share, model)
        at = 1e9 - 300.0 * number
        heard.append((track, Play(track_id, at) if skipped is None else Event(track_id, "skip", at, skipped)))
    separate = all(
        not (isinstance(newer, Event) and isinstance(what, Play) and newer.track_id == what.track_id)
        for (_, newer), (_, what) in pairwise(heard)
    )
    assume(separate)  # a skip and the play that it ends are one: see above
    if not any(track.mood for track, _ in heard[:WINDOW]):
        with pytest.raises(LibraryError):
            read(heard)
        return
    mood = read(heard)
    assert sum(mood.scores.values()) == pytest.approx(1)
    check_claims(mood, heard[:WINDOW])
