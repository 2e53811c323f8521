"""A judgement more likely wrong than right is called unsure: by the types, in what is printed, in every JSON shape."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import shelf

from edgemood import shapes
from edgemood.cli import text
from edgemood.domain import ListenerMood, Mood, MoodSpan, Pick, SongAnalysis, Tags, Track
from edgemood.live import LiveScore

DOUBTFUL = {"happy": 0.41, "angry": 0.15, "sad": 0.06, "calm": 0.38}
CERTAIN = {"happy": 0.62, "angry": 0.15, "sad": 0.03, "calm": 0.2}
SIX = {"tender": 0.1, "tense": 0.05, "joy": 0.31, "power": 0.33, "wonder": 0.2, "grief": 0.01}


def mood(scores: dict[str, float], *spans: dict[str, float]) -> Mood:
    timeline = [MoodSpan(10.0 * i, 10.0 * (i + 1), one, None, None, 1 / len(spans)) for i, one in enumerate(spans)]
    return Mood(scores, np.zeros(4, np.float32), timeline, "toy-1")


def song(scores: dict[str, float], *spans: dict[str, float]) -> SongAnalysis:
    return replace(shelf.analysis("a", "calm"), mood=mood(scores, *spans))


def track(scores: dict[str, float] | None, missing: bool = False) -> Track:
    return Track(7, "/a.ogg", Tags("Title", "Artist"), 205.0, mood(scores) if scores else None, missing)


def live(scores: dict[str, float] | None) -> LiveScore:
    return LiveScore(5.0, 4.0, mood(scores) if scores else None, 0.02)


@pytest.mark.parametrize(
    ("best", "unsure"),
    [(0.5, False), (math.nextafter(0.5, 0), True), (math.nextafter(0.5, 1), False), (0.3, True), (1.0, False)],
)
def test_the_border_is_one_half_which_is_sure(best: float, unsure: bool) -> None:
    scores = {"a": (1 - best) / 4, "b": best} | dict.fromkeys("cde", (1 - best) / 4)
    assert mood(scores).unsure is unsure
    assert MoodSpan(0.0, 1.0, scores, None, None, 1.0).unsure is unsure


def test_numpy_s_numbers_give_python_s_truth() -> None:
    scores = dict(zip(DOUBTFUL, np.array(list(DOUBTFUL.values()), np.float32), strict=True))
    assert mood(scores).unsure is True


def test_of_two_moods_one_has_half() -> None:
    assert not mood({"wild": 0.5, "mild": 0.5}).unsure


def test_the_label_stays_the_likeliest() -> None:
    assert mood(SIX).unsure
    assert mood(SIX).label == "power"


def test_a_listener_s_mood_is_a_mean_of_songs_and_no_judgement_to_be_unsure_of() -> None:
    listener = ListenerMood(
        DOUBTFUL, np.zeros(4, np.float32), 2, "happy and calm, nearly level: your last 2 songs", "m"
    )
    assert not hasattr(listener, "unsure")
    assert "unsure" not in shapes.listener(listener)
    assert "unsure" not in "\n".join(text.listener(listener))


def test_the_wording_names_the_two_likeliest() -> None:
    assert text.unsure(mood(DOUBTFUL)) == "unsure: happy 0.41, calm 0.38"
    assert text.unsure(mood(SIX)) == "unsure: power 0.33, joy 0.31"
    assert text.unsure(mood({"\x1b[31m": 0.45, "b": 0.2, "c": 0.2, "d": 0.15})) == "unsure: \\x1b[31m 0.45, b 0.20"
    assert text.unsure(mood(CERTAIN)) == ""


def test_a_song_s_headline_says_it() -> None:
    doubtful, certain = (list(text.song("a.ogg", song(scores), timeline=False))[1] for scores in (DOUBTFUL, CERTAIN))
    assert doubtful == "  unsure: happy 0.41, calm 0.38, valence +0.58, arousal +0.12, 2:00 long, judged by toy-1"
    assert certain == "  happy, valence +0.64, arousal +0.54, 2:00 long, judged by toy-1"


def test_a_track_s_line_says_it_behind_the_name() -> None:
    assert text.track(track(DOUBTFUL)).endswith("3:25  Artist - Title  (unsure: happy 0.41, calm 0.38)")
    assert text.track(track(DOUBTFUL, missing=True)).endswith("(unsure: happy 0.41, calm 0.38)  (missing)")
    assert text.track(track(CERTAIN, missing=True)).endswith("3:25  Artist - Title  (missing)")
    assert text.track(track(CERTAIN)).endswith("3:25  Artist - Title")
    assert text.track(track(None)).endswith("3:25  Artist - Title")


def test_a_live_line_says_it_at_its_end() -> None:
    assert text.live(live(DOUBTFUL)).endswith("  20 ms  unsure")
    assert text.live(live(CERTAIN)).endswith("  20 ms")
    assert "unsure" not in text.live(live(None))


@pytest.mark.parametrize(("scores", "unsure"), [(DOUBTFUL, True), (CERTAIN, False), (SIX, True)])
def test_every_shape_of_a_song_has_the_key(scores: dict[str, float], unsure: bool) -> None:
    pick = Pick(track(scores), 0.5, "near")
    for shape in (
        shapes.song("a.ogg", song(scores)),
        shapes.track(track(scores)),
        shapes.pick(pick),
        shapes.live(live(scores), "m"),
    ):
        assert shape["unsure"] is unsure


def test_each_span_of_a_timeline_has_its_own() -> None:
    shape = shapes.song("a.ogg", song(CERTAIN, DOUBTFUL, CERTAIN))
    assert (shape["unsure"], [span["unsure"] for span in shape["timeline"]]) == (False, [True, False])


def test_what_has_no_mood_is_neither_sure_nor_unsure() -> None:
    assert shapes.track(track(None))["unsure"] is None
    assert shapes.live(live(None), "m")["unsure"] is None
