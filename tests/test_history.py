"""What listeners did, and moods set by hand: kept, told apart, forgotten when asked to."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import LABELS, RECIPE, analysis, content, mood

from edgemood import _sums
from edgemood.domain import Event
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.library import Counts, FileStamp, Library, Recipe

STAMP = FileStamp(100, 200, 300)


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library.db") as opened:
        for n in (1, 2, 3):
            opened.store(f"/nowhere/{n}.ogg", STAMP, analysis(n), RECIPE)
        yield opened


def test_listeners_are_told_apart(library: Library) -> None:
    library.add_play(1, at=10.0)
    library.add_play(2, at=20.0, listener="anna")
    library.add_event(3, "like", at=30.0, listener="anna")
    assert library.listeners() == ["default", "anna"]
    assert [track.id for track, _ in library.plays()] == [1]
    assert [track.id for track, _ in library.plays(listener="anna")] == [2]
    assert library.plays(listener="nobody") == []
    assert library.events() == [Event(1, "play", 10.0)]
    assert library.events("anna") == [Event(3, "like", 30.0), Event(2, "play", 20.0)]
    assert library.events("nobody") == []


def test_events_come_newest_first_with_plays_among_them(library: Library) -> None:
    library.add_play(1, at=10.0)
    assert library.add_event(1, "skip", at=20.0, heard=0.25) == Event(1, "skip", 20.0, 0.25)
    library.add_play(2, at=20.0)
    assert library.add_event(3, "play", at=15.0) == Event(3, "play", 15.0)
    library.add_event(2, "ban", at=20.0)
    expected = [(2, "ban"), (1, "skip"), (2, "play"), (3, "play"), (1, "play")]
    assert [(event.track_id, event.kind) for event in library.events()] == expected
    for limit in range(1, 5):
        assert [(event.track_id, event.kind) for event in library.events(limit=limit)] == expected[:limit]


def test_now_is_never_before_what_the_same_listener_did(library: Library) -> None:
    ahead = time.time() + 1e4
    library.add_event(1, "like", at=ahead)
    assert library.add_play(2).at == pytest.approx(ahead)
    assert library.add_event(2, "skip").at == pytest.approx(ahead)
    assert [event.kind for event in library.events()] == ["skip", "play", "like"]
    assert library.add_play(2, listener="anna").at < ahead


def test_a_clock_that_was_wrong_does_not_hold_time_up(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with pytest.raises(LibraryError, match="lies ahead of the clock"):
        library.add_play(1, at=now + 1e6)
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: now + 2e9)  # seventy years ahead
        library.add_play(1)
        library.add_event(1, "like")
    assert library.add_play(2).at < now + 60
    assert [(event.track_id, event.kind) for event in library.events()] == [(2, "play"), (1, "like"), (1, "play")]
    assert library.events()[-1].at < now + 60
    with monkeypatch.context() as unset:
        unset.setattr(time, "time", lambda: 10.0)  # a board without a battery, before it asked the network
        assert library.add_play(3).at > now


def test_events_of_some_kinds_are_not_hidden_by_others(library: Library) -> None:
    library.add_play(1, at=1.0)
    library.add_event(1, "skip", at=2.0)
    for number in range(30):
        library.add_event(2, "like", at=3.0 + number)
    assert [event.kind for event in library.events(limit=5, kinds=("play", "skip"))] == ["skip", "play"]
    assert [event.kind for event in library.events(limit=5)] == ["like"] * 5


def test_songs_heard_since(library: Library) -> None:
    for track_id, at in ((3, 10.0), (1, 20.0), (3, 30.0), (2, 5.0)):
        library.add_play(track_id, at=at)
    library.add_event(2, "like", at=40.0)
    assert library.heard_since(10.0).tolist() == [1, 3]
    assert library.heard_since(25.0).tolist() == [3]
    library.add_event(1, "skip", at=40.0)
    assert library.heard_since(25.0).tolist() == [1, 3]
    assert library.heard_since(1e9).dtype == np.int64
    assert library.heard_since(0.0, "anna").tolist() == []


def test_a_ban_holds_until_the_song_is_liked(library: Library) -> None:
    library.add_event(1, "ban", at=10.0)
    library.add_event(2, "ban", at=10.0)
    library.add_event(2, "like", at=10.0)
    library.add_event(3, "like", at=5.0)
    library.add_event(3, "ban", at=10.0)
    library.add_event(3, "skip", at=20.0)
    assert library.banned().tolist() == [1, 3]
    assert library.banned("anna").tolist() == []


def test_what_was_said_last_of_a_song(library: Library) -> None:
    assert library.liking(1) is None
    for kind, at, last in (("like", 5.0, "like"), ("ban", 9.0, "ban"), ("skip", 12.0, "ban"), ("like", 7.0, "ban")):
        library.add_event(1, kind, at=at)
        assert library.liking(1) == last
    assert library.liking(1, "anna") is None and library.liking(2) is None
    with pytest.raises(UnknownTrackError):
        library.liking(99)


def test_taking_back_is_as_if_it_had_not_been(library: Library) -> None:
    def done(listener: str = "default") -> list[tuple[int, str, float]]:
        return [(event.track_id, event.kind, event.at) for event in library.events(listener)]

    library.add_plays([1, 2], at=1000.0)
    library.add_event(1, "like", at=1001.0)
    library.add_event(1, "ban", at=1002.0004)
    library.add_event(1, "ban", at=1002.0004, listener="anna")
    before = done()
    for track, kind, at in ((1, "ban", 1002.1), (2, "ban", 1002.0), (1, "skip", 1002.0), (1, "play", 1001.0)):
        assert not library.take_back(track, kind, at)
    assert done() == before
    assert library.take_back(1, "ban", 1002.0)  # as it was told, to the millisecond
    assert done() == before[1:] and library.liking(1) == "like" and library.banned().tolist() == []
    assert not library.take_back(1, "ban", 1002.0)
    assert library.take_back(1, "play", 1000.0) and library.take_back(1, "like", 1001.0)
    assert done() == [(2, "play", 1000.0)] and library.banned("anna").tolist() == [1]
    with pytest.raises(ConfigError, match="'love' is nothing that can be done"):
        library.take_back(1, "love", 1.0)
    with pytest.raises(UnknownTrackError):
        library.take_back(99, "like", 1.0)


def test_of_two_plays_at_once_one_is_taken_back(library: Library) -> None:
    library.add_plays([1, 1, 1], at=1000.0)
    assert [library.take_back(1, "play", 1000.0) for _ in range(4)] == [True, True, True, False]


def test_forgetting_removes_all_of_one_listener(library: Library) -> None:
    for listener in ("default", "anna"):
        library.add_plays([1, 2], listener=listener)
        library.add_event(1, "like", listener=listener)
    library.set_label(1, "calm")
    assert library.forget("anna") == 3
    assert library.forget("anna") == 0
    assert library.listeners() == ["default"]
    assert len(library.events()) == 3
    assert library.forget() == 3
    assert library.listeners() == ["default"]
    assert library.events() == []
    assert library.track(1).labelled == "calm"


def test_what_is_forgotten_is_not_in_the_file_any_more(library: Library) -> None:
    name = "a name that nobody else has"
    library.add_event(1, "like", listener=name)
    assert name.encode() in Path(f"{library.path}-wal").read_bytes()
    library.forget(name)
    for suffix in ("", "-wal"):
        assert name.encode() not in Path(library.path + suffix).read_bytes()


@pytest.mark.parametrize("listener", ["", "  ", "a\nb", "x" * 101, None, 7])
def test_what_is_no_name_of_a_listener_is_refused(library: Library, listener) -> None:
    with pytest.raises(ConfigError, match="no name of a listener"):
        library.add_play(1, listener=listener)
    assert library.listeners() == ["default"]


@pytest.mark.parametrize(("kind", "heard"), [("love", None), ("skip", 1.5), ("skip", float("nan")), ("skip", "half")])
def test_what_is_no_event_is_refused(library: Library, kind: str, heard) -> None:
    with pytest.raises(ConfigError):
        library.add_event(1, kind, heard=heard)
    assert library.events() == []


def test_events_need_a_song_and_a_time(library: Library) -> None:
    with pytest.raises(UnknownTrackError, match="77"):
        library.add_event(77, "like", listener="anna")
    with pytest.raises(LibraryError, match="no time"):
        library.add_event(1, "like", at=float("inf"))
    with pytest.raises(LibraryError, match="at least 1"):
        library.events(limit=0)
    assert library.listeners() == ["default"]  # nobody is noted for something that did not happen


def test_a_mood_set_by_hand_holds(library: Library) -> None:
    before = library.track(1)
    assert before.mood is not None
    assert before.labelled is None
    other = next(label for label in LABELS if label != before.mood.label)
    library.set_label(1, other)
    after = library.track(1)
    assert after.labelled == other
    assert after.mood is not None
    assert dict(after.mood.scores) == {label: float(label == other) for label in LABELS}
    np.testing.assert_array_equal(after.mood.vector, before.mood.vector)
    assert [span.scores for span in after.mood.timeline] == [span.scores for span in before.mood.timeline]
    newer = Recipe("test-2", RECIPE.features)
    library.store_mood(1, mood(11, "test-2"), newer)
    library.store("/nowhere/1.ogg", STAMP, analysis(1), RECIPE)
    assert {track.labelled for track in library.tracks()} == {other, None}
    assert library.track(1, "test-2").mood.label == other
    library.set_label(1, None)
    library.set_label(1, None)
    assert library.track(1).labelled is None
    assert dict(library.track(1, "test-1").mood.scores) == dict(before.mood.scores)


def test_a_mood_set_by_hand_comes_back_with_its_song(library: Library) -> None:
    library.set_label(2, "sad")
    library.prune()
    with pytest.raises(UnknownTrackError):
        library.track(2)
    again = library.store("/elsewhere.ogg", STAMP, analysis(2), RECIPE)
    assert library.track(again).labelled == "sad"


def test_a_label_that_the_model_does_not_know_leaves_its_scores(library: Library) -> None:
    before = library.track(1).mood
    library.set_label(1, "dreamy")
    after = library.track(1)
    assert (after.labelled, dict(after.mood.scores)) == ("dreamy", dict(before.scores))
    for label in ("", "a\0b"):
        with pytest.raises(ConfigError, match="no name of a mood"):
            library.set_label(1, label)


def test_speech_and_genre_are_kept(library: Library) -> None:
    made = analysis(4)
    made = replace(made, speech=0.75, tags=replace(made.tags, genre="Post-Rock; Ambient"))
    track_id = library.store("/nowhere/4.ogg", STAMP, made, RECIPE)
    assert library.track(track_id).tags == made.tags
    library.place("/nowhere/4b.ogg", STAMP, content(4), replace(made.tags, genre="Ambient"))
    assert library.track(track_id).tags.genre == "Ambient"
    assert library._database.query("SELECT speech FROM tracks WHERE id = ?", (track_id,)) == [(0.75,)]


def test_songs_of_a_genre_and_in_a_folder(library: Library) -> None:
    for number, (folder, genre) in enumerate([("a", "Rock; Pop"), ("a/b", "ROCK"), ("ab", "Hörspiel"), ("a", "")], 10):
        made = analysis(number)
        library.store(
            f"/music/{folder}/{number}.ogg", STAMP, replace(made, tags=replace(made.tags, genre=genre)), RECIPE
        )
    assert library.ids_of_genre("rock").tolist() == [4, 5]
    assert library.ids_of_genre("HÖRSPIEL").tolist() == [6]
    assert library.ids_of_genre("polka").tolist() == []
    assert library.ids_under("/music/a").tolist() == [4, 5, 7]
    assert library.ids_under("/music/ab/12.ogg").tolist() == [6]
    assert library.ids_under("/music/../music/a/b/").tolist() == [5]
    library.mark_missing(["/music/a/b"])
    assert library.ids_under("/music").tolist() == [4, 6, 7]
    assert library.ids_under("/other").dtype == np.int64


# ------------------------------------------------------------------------------------------------- what lies far back


def small_history(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(_sums, "KEPT", kept)
    monkeypatch.setattr(_sums, "_EVERY", 1)


def test_counts_are_of_one_listener_and_of_all_that_was_ever_heard(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything() -> None:
        for at in range(1, 31):
            library.add_play(1 + at % 2, at=float(at))
            library.add_event(3, "skip", at=float(at))
        library.add_play(3, at=2.5, listener="anna")

    everything()
    expected = {1: Counts(15, 0, 30.0), 2: Counts(15, 0, 29.0), 3: Counts(0, 30, None)}
    assert library.counts("default") == expected
    assert library.counts("anna") == {3: Counts(1, 0, 2.5)}
    assert library.counts("nobody") == {}
    library.forget()
    small_history(monkeypatch, kept=4)
    everything()
    assert library.counts("default") == expected
    assert library.counts("anna") == {3: Counts(2, 0, 2.5)}
    assert [(event.track_id, event.at) for event in library.events(kinds=("play",))] == [
        (1, 30.0), (2, 29.0), (1, 28.0), (2, 27.0),
    ]  # fmt: skip
    assert [event.at for event in library.events(kinds=("skip",))] == [30.0, 29.0, 28.0, 27.0]
    assert library.stats().plays == 32
    assert library.forget() == 60
    assert library.counts("default") == {}


def test_a_song_that_was_skipped_long_ago_and_played_then_has_both(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_history(monkeypatch, kept=1)
    for at in range(6):
        library.add_event(1, "play" if at % 2 else "skip", at=float(at))
    assert library.counts("default") == {1: Counts(3, 3, 5.0)}


def test_likings_that_hold_are_kept_however_old(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    small_history(monkeypatch, kept=2)
    library.add_event(1, "ban", at=1.0)
    library.add_event(2, "ban", at=2.0)
    for at in range(3, 12):
        library.add_event(3, "like", at=float(at))
    library.add_event(2, "like", at=20.0)
    assert [(event.track_id, event.kind) for event in library.events()] == [(2, "like"), (3, "like"), (1, "ban")]
    assert library.banned().tolist() == [1]


def test_plays_of_the_past_are_counted_as_such(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    small_history(monkeypatch, kept=2)
    for at in (100.0, 200.0, 5.0):
        library.add_play(1, at=at)
    assert [event.at for event in library.events()] == [200.0, 100.0]
    assert library.counts("default") == {1: Counts(3, 0, 200.0)}


def test_notes_are_kept_by_name(library: Library) -> None:
    assert library.note("player:here") is None
    library.set_note("player:here", "{}")
    library.set_note("player:here", "[1]")
    library.set_note("player:there", "")
    with Library.open(library.path) as other:
        assert (other.note("player:here"), other.note("player:there")) == ("[1]", "")
    library.set_note("player:here", None)
    assert library.note("player:here") is None


def test_what_was_offered_is_known(library: Library) -> None:
    library.add_plays([1, 2], at=10.0, offered=True)
    library.add_play(3, at=11.0)
    library.add_event(1, "skip", at=12.0, heard=0.1, offered=True)
    library.add_event(2, "play", at=13.0, offered=True)
    assert [(event.track_id, event.kind, event.offered) for event in library.events()] == [
        (2, "play", True),
        (1, "skip", True),
        (3, "play", False),
        (2, "play", True),
        (1, "play", True),
    ]
    assert [play.offered for _, play in library.plays()] == [True, False, True, True]
