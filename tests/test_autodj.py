"""The auto-DJ with a player in memory and a clock that nobody has to wait for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import shelf
from fake_player import Clock, FakePlayer
from shelf import MUSIC

import edgemood
from edgemood.autodj import AutoDJ
from edgemood.autodj.settings import Settings
from edgemood.errors import LibraryError, PlayerError
from edgemood.library import Library
from edgemood.player import PLAYING, Annotation

LABELS = ["calm", "angry", "happy", "sad"]
SONGS = [(f"{MUSIC}/{number}.ogg", LABELS[number % 4], f"Artist {number}") for number in range(60)]
NAMES = [Path(path).name for path, _, _ in SONGS]


def label(name: str) -> str:
    return LABELS[int(name.removesuffix(".ogg")) % 4]


class FakeScan:
    """A scan that ends when it is told to."""

    def __init__(self) -> None:
        self.outcome: tuple[int, str] | None = None
        self.ended = False

    def result(self) -> tuple[int, str] | None:
        return self.outcome

    def end(self) -> None:
        self.ended = True


class Stage:
    """A library, a player, a clock, and a DJ among them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.player = FakePlayer(self.clock, NAMES, MUSIC)
        self.scans: list[tuple[list[str], FakeScan]] = []
        self.engine = edgemood.open(path)

    def dj(self, dry: bool = False, **changes: Any) -> AutoDJ:
        settings = Settings(scan=changes.pop("scan", False), moods=changes.pop("moods", False)).having(**changes)
        return AutoDJ(
            self.engine,
            self.player,
            settings,
            start_scan=self._scan,
            dry=dry,
            clock=self.clock,
            wall=self.clock.wall,
            wait=self.clock.wait,
        )

    def run(self, for_s: float, dry: bool = False, **changes: Any) -> None:
        """Run a DJ for so long; what was arranged with `at` happens meanwhile."""
        dj = self.dj(dry, **changes)
        self.clock.deeds.append((self.clock.now + for_s, dj.stop))
        self.clock.deeds.sort(key=lambda deed: deed[0])
        dj.run()

    def at(self, time_s: float, *deeds: Callable[[], object]) -> None:
        self.clock.at(time_s, *deeds)

    def heard(self) -> list[tuple[str, str]]:
        """What was noted, oldest first: ("play", "3.ogg")."""
        events = self.engine.store.events(self.engine.listener, 1000)[::-1]
        return [(event.kind, Path(self.engine.track(event.track_id).path).name) for event in events]

    def _scan(self, folders: Sequence[str]) -> FakeScan:
        self.scans.append((list(folders), FakeScan()))
        return self.scans[-1][1]


@pytest.fixture
def stage(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    caplog.set_level(logging.INFO, "edgemood")
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        shelf.fill(library, SONGS)
    made = Stage(path)
    monkeypatch.setattr("time.time", made.clock.wall)  # the library's clock goes with the player's
    yield made
    made.engine.close()


def said(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if text in record.getMessage()]


# --------------------------------------------------------------------------------------------------------- following


def test_what_is_played_is_noted_and_the_queue_never_ends(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(120 * 10 - 1)
    heard = stage.heard()
    assert [kind for kind, _ in heard] == ["play"] * 10
    assert [name for _, name in heard] == ["0.ogg", *stage.player.queued[:9]]
    assert len(set(heard)) == 10
    assert len(stage.player.coming()) == 3
    assert {label(name) for name in stage.player.queued} == {"calm"}


def test_a_skip_is_noted_with_its_share_and_moves_what_is_queued(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(30, stage.player.next)
    stage.run(40, ahead=4)
    assert stage.heard() == [("skip", "0.ogg")]
    (event,) = stage.engine.store.events(kinds=("skip",))
    assert event.heard == pytest.approx(0.25, abs=0.01)
    assert stage.player.removed == stage.player.queued[:3]  # all that was its own; never 1.ogg
    assert stage.player.playing() == "1.ogg"
    assert len(stage.player.coming()) == 4
    assert said(caplog, "skipped: Artist 0 - Song 0, after 25% of it")


def test_who_picked_a_song_is_noted(stage: Stage) -> None:
    """Its own songs are noted as such, across a restart of both in the middle of one; what people queue is theirs."""
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(150)
    stage.player.come_back(renamed=True)
    stage.at(60, lambda: stage.player.add("1.ogg"))  # behind its own songs: these go
    stage.at(130, stage.player.next)
    stage.run(400)
    noted = {Path(stage.engine.track(e.track_id).path).name: e.offered for e in stage.engine.store.events()}
    assert not (noted["0.ogg"] or noted["1.ogg"])
    assert len(noted) >= 5
    assert {name for name, offered in noted.items() if offered} == noted.keys() - {"0.ogg", "1.ogg"}
    assert noted[stage.player.queued[0]]  # it was on when both were restarted


def test_where_its_songs_are_skipped_it_looks_elsewhere(stage: Stage) -> None:
    """What it offers does not confirm itself: of its songs every second one is skipped, as somebody does who is sad."""
    stage.player.add("0.ogg")
    stage.player.play()
    for start in range(150, 900, 150):
        stage.at(start, stage.player.next)
    stage.run(1000)
    assert {label(name) for name in stage.player.queued[-3:]} != {"calm"}


def test_a_play_moves_nothing(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(500)
    assert stage.player.removed == []


def test_a_like_given_elsewhere_moves_what_is_queued(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()

    def like() -> None:
        with edgemood.open(stage.path) as other:
            other.liked(f"{MUSIC}/0.ogg")

    stage.at(10, like)
    stage.run(100)
    assert len(stage.player.removed) == 3
    assert len(stage.player.coming()) == 3


def test_it_leaves_the_queue_alone_if_it_is_not_to_be_refreshed(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(30, stage.player.next)
    stage.run(40, refresh=False)
    assert stage.heard() == [("skip", "0.ogg")]
    assert stage.player.removed == []


def test_what_people_queue_comes_first_and_stays(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(10, lambda: stage.player.add("1.ogg", "5.ogg"))
    stage.run(50)
    assert stage.player.coming()[:2] == ["1.ogg", "5.ogg"]
    assert len(stage.player.coming()) == 3
    assert said(caplog, "songs that somebody queued come first")
    stage.at(60, stage.player.next)
    stage.at(70, stage.player.next)
    stage.run(30)
    assert stage.player.playing() == "5.ogg"
    assert not {"1.ogg", "5.ogg"} & set(stage.player.removed)


def test_what_people_put_in_front_stays_there(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()

    def move() -> None:
        stage.player.queue_.insert(1, stage.player.queue_.pop(3))
        stage.player.news.add("state")

    stage.at(10, move)
    stage.at(20, lambda: stage.player.add("1.ogg"))
    stage.at(30, stage.player.next)
    stage.run(40)
    assert stage.player.removed == []


def test_a_song_of_its_own_that_people_move_ahead_of_theirs_is_theirs(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg", "5.ogg")
    stage.player.play()

    def move() -> None:
        stage.player.queue_.insert(1, stage.player.queue_.pop(3))
        stage.player.news.add("state")

    stage.at(10, move)
    stage.run(20, ahead=4)
    first = stage.player.queued[0]
    assert stage.player.coming()[:3] == [first, "1.ogg", "5.ogg"]
    assert stage.player.removed == []


def test_at_the_end_only(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg", "5.ogg")
    stage.player.play()
    stage.run(100, when="end")
    assert stage.player.queued == []
    stage.run(160, when="end")  # 5.ogg, the last one, is on
    assert len(stage.player.coming()) == 3
    stage.run(120, when="end")
    assert len(stage.player.coming()) == 3


def test_a_long_queue_of_people_is_left_alone(stage: Stage) -> None:
    stage.player.add(*NAMES)
    stage.player.play()
    stage.run(300)
    assert stage.player.queued == stage.player.removed == []
    assert len(stage.heard()) == 2


def test_repeat_queues_nothing_and_says_so(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.repeats = True
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(130, stage.player.next)  # a skip takes nothing back
    stage.run(1000)
    assert stage.player.queued == []
    assert len(said(caplog, "repeat is on")) == 1
    stage.player.repeats = False
    stage.run(100)
    assert len(stage.player.coming()) >= 3


def test_repeat_that_is_turned_on_later_leaves_what_is_queued(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(10, lambda: setattr(stage.player, "repeats", True))
    stage.at(20, stage.player.next)
    stage.run(100)
    assert stage.heard()[0] == ("skip", "0.ogg")
    assert stage.player.removed == []


def test_an_order_made_by_chance_is_not_somebodys(stage: Stage) -> None:
    stage.player.shuffled = True
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()

    def reorder() -> None:
        stage.player.queue_[2:] = stage.player.queue_[:1:-1]
        stage.player.news.add("state")

    stage.at(10, reorder)
    stage.at(30, stage.player.next)
    stage.run(40, ahead=4)
    assert set(stage.player.removed) == set(stage.player.queued[:3])


def test_shuffle_appends_and_takes_nothing_back_for_its_order(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.shuffled = True
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(10, lambda: stage.player.add("1.ogg"))
    stage.run(50)
    assert len(stage.player.queued) == 3
    assert stage.player.removed == []
    assert len(said(caplog, "shuffle is on")) == 1


def test_consume_mode(stage: Stage) -> None:
    stage.player.consume = True
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(600)
    assert [kind for kind, _ in stage.heard()] == ["play"] * 5
    assert len(stage.player.queue_) == 4


def test_songs_of_unknown_length_have_the_librarys(stage: Stage) -> None:
    stage.player.length_s = None
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(65)
    assert stage.heard() == [("play", "0.ogg")]


def test_a_radio_station_is_nothing_to_note(stage: Stage) -> None:
    from dataclasses import replace

    stage.player.add("0.ogg")
    stage.player.queue_[0] = replace(stage.player.queue_[0], uri="http://radio", path=None, duration_s=None)
    stage.player.length_s = None
    stage.player.play()
    stage.run(1000, start="calm")
    assert stage.heard() == []
    assert len(stage.player.coming()) == 3


# -------------------------------------------------------------------------------------------------- what to begin with


def test_with_nothing_heard_it_goes_by_the_present_song(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.add("1.ogg")
    stage.player.play()
    stage.run(10, start="calm")
    assert [label(name) for name in stage.player.queued] == ["angry"] * 3
    assert "1.ogg" not in stage.player.queued
    assert len(said(caplog, "(angry): angry, like what is on (similarity")) == 3


def test_with_nothing_heard_and_nothing_on_it_begins_with_the_mood_it_was_told(stage: Stage) -> None:
    stage.run(10, start="sad")
    assert [label(name) for name in stage.player.queued] == ["sad"] * 3
    assert stage.player.status != PLAYING


def test_with_nothing_to_go_by_it_says_so_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.run(1000)
    assert stage.player.queued == []
    assert len(said(caplog, "set a mood to start with")) == 1


def test_a_mood_asked_for_needs_no_listener(stage: Stage) -> None:
    stage.run(10, mood="happy")
    assert [label(name) for name in stage.player.queued] == ["happy"] * 3


def test_it_leads_to_a_mood_in_as_many_songs_as_it_was_told_and_stays(stage: Stage) -> None:
    stage.player.add("1.ogg")
    stage.player.play()
    stage.run(120 * 14, toward="calm", over=6)
    moods = [label(name) for name in stage.player.queued]
    assert moods[0] != "calm"
    assert moods[8:] == ["calm"] * len(moods[8:])
    assert len(moods) > 12


def test_where_nothing_is_left_it_says_so_once_and_offers_what_was_heard_again(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.player.known = NAMES[:3]
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(1000)
    assert set(stage.player.queued) <= set(NAMES[:3])
    assert len(said(caplog, "nothing more to offer")) <= 2


def test_songs_that_the_player_does_not_know_are_passed_over(stage: Stage) -> None:
    stage.player.known = NAMES[30:]
    stage.run(10, mood="calm", ahead=10)
    assert len(stage.player.queued) == 10
    assert set(stage.player.queued) <= set(NAMES[30:])


def test_songs_outside_the_players_folder_are_not_asked_for(stage: Stage, tmp_path: Path) -> None:
    elsewhere = [(str(tmp_path / f"{n}.ogg"), "calm", f"Other {n}") for n in range(200)]
    for path, _, _ in elsewhere:
        Path(path).touch()
    shelf.fill(stage.engine.store, elsewhere)
    stage.run(10, mood="calm")
    assert len(stage.player.queued) == 3
    assert stage.player.asked.count("queue") == 1


# -------------------------------------------------------------------------------------------------------- what fails


def test_a_player_that_goes_away_is_waited_for(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(20, stage.player.fail)
    stage.at(50, stage.player.come_back)
    stage.run(200)
    assert stage.heard() == [("play", "0.ogg"), ("play", stage.player.queued[0])]
    assert stage.player.removed == []
    assert len(said(caplog, "waited for")) == 2  # it closed the connection; it is down
    assert len(said(caplog, "reached fake player again")) == 1


def test_what_was_not_seen_while_it_was_away_is_not_made_up(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(20, stage.player.fail)
    stage.at(25, stage.player.pause)
    stage.at(300, stage.player.play)
    stage.at(310, stage.player.come_back)  # it is found at 323 s
    stage.run(330)
    assert stage.player.asked.count("connect") > 8
    assert stage.player.connected is False
    assert stage.player.asked[-1] == "follow"
    assert stage.heard() == []
    stage.run(20)
    assert stage.heard() == [("play", "0.ogg")]


def test_it_knocks_less_and_less_often(stage: Stage) -> None:
    stage.player.fail()
    stage.run(3600)
    assert 60 <= stage.player.asked.count("connect") <= 75


def test_its_own_songs_are_known_again_after_the_player_was_restarted(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(20, stage.player.fail)
    stage.at(21, lambda: stage.player.come_back(renamed=True))
    stage.at(40, stage.player.next)
    stage.run(50)
    assert stage.player.removed == stage.player.queued[:2]
    assert stage.player.playing() == "1.ogg"


@pytest.mark.parametrize("renamed", [False, True])
def test_its_own_songs_are_known_again_after_it_was_restarted(stage: Stage, renamed: bool) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.run(20)
    stage.player.come_back(renamed)
    stage.at(40, stage.player.next)
    stage.run(30)
    assert stage.player.removed == stage.player.queued[:2]


def test_a_song_goes_on_where_the_daemon_was_killed(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    first = stage.dj()
    with pytest.raises(KeyboardInterrupt):
        stage.at(40, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        first._end = lambda: None  # type: ignore[method-assign]  # as SIGKILL would have it
        first.run()
    stage.run(25)
    assert stage.heard() == [("play", "0.ogg")]


def test_what_was_noted_before_it_was_killed_is_not_noted_again(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    first = stage.dj()
    with pytest.raises(KeyboardInterrupt):
        stage.at(70, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        first._end = lambda: None  # type: ignore[method-assign]
        first.run()
    assert stage.heard() == [("play", "0.ogg")]
    stage.run(30)
    assert stage.heard() == [("play", "0.ogg")]


def test_where_it_resumes_is_noted_for_each_listener(stage: Stage) -> None:
    stage.player.add("0.ogg", "0.ogg")
    stage.player.play()
    stage.run(70)
    stage.engine.close()
    stage.engine = edgemood.open(stage.path, listener="anna")
    stage.engine.played(f"{MUSIC}/0.ogg")
    stage.run(115)
    assert stage.heard() == [("play", "0.ogg")] * 3  # the one given by hand, the one that was on, the next


def test_where_all_was_forgotten_nothing_counts_as_told(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.run(130)
    stage.engine.forget()
    stage.engine.played(f"{MUSIC}/1.ogg")
    stage.run(60)
    assert stage.heard() == [("play", "1.ogg")] * 2


@pytest.mark.parametrize("second_s", [250, 310, 370])
def test_what_it_found_to_be_heard_before_it_was_killed_again_is_not_noted_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, second_s: float
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    stage.player.add("0.ogg", "1.ogg", "2.ogg", "3.ogg")
    stage.player.play()
    stage.run(70)
    stage.clock.wait(second_s - 70)
    second, kept = stage.dj(), Library.set_note
    second._end = lambda: None  # type: ignore[method-assign]
    monkeypatch.setattr(Library, "set_note", killed)
    with pytest.raises(KeyboardInterrupt):
        second.run()
    monkeypatch.setattr(Library, "set_note", kept)
    noted = [name for _, name in stage.heard()]
    assert noted == [f"{number}.ogg" for number in range(round((second_s + 60) // 120))]
    stage.run(125)
    assert [name for _, name in stage.heard()] == [*noted, f"{len(noted)}.ogg"]


def test_what_it_took_back_before_it_was_killed_was_not_played(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(130, stage.player.next)  # all that is queued is chosen anew
    first = stage.dj()
    with pytest.raises(KeyboardInterrupt):
        stage.at(131, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        first._end = lambda: None  # type: ignore[method-assign]
        first.run()
    known = json.loads(json.loads(stage.engine.store.note("player:fake player:default") or "")["heard"])
    assert stage.player.removed
    assert not {song["uri"] for song in known["coming"]} & set(stage.player.removed)


def test_a_library_that_cannot_be_written_costs_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LibraryError("the disk is full")

    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    writing = Library.add_plays
    monkeypatch.setattr(Library, "add_plays", full)
    stage.at(300, lambda: monkeypatch.setattr(Library, "add_plays", writing))
    stage.run(410)
    assert [name for _, name in stage.heard()] == ["0.ogg", "1.ogg", *stage.player.queued[:1]]
    times = [event.at - stage.clock.wall_ahead - 1000 for event in stage.engine.store.events()][::-1]
    assert times == pytest.approx([60, 180, 300], abs=1)
    assert len(said(caplog, "the disk is full")) == 1
    assert len(said(caplog, "can be noted again")) == 1


def test_what_could_not_be_written_yet_is_not_queued_again(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LibraryError("the disk is full")

    for name in ("add_plays", "add_event", "set_note"):
        monkeypatch.setattr(Library, name, full)
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(130, stage.player.next)
    stage.run(120 * 8)
    heard = ["0.ogg", *stage.player.queued]
    assert len(heard) > 9
    assert len(set(heard)) == len(heard)
    assert len(said(caplog, "what is heard is kept in memory only: the disk is full")) == 1


def test_where_all_was_heard_and_nothing_can_be_written_the_music_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LibraryError("the disk is full")

    monkeypatch.setattr(Library, "add_plays", full)
    stage.player.known = NAMES[:7]
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(120 * 15)
    assert len(stage.player.coming()) > 0


def test_the_last_attempt_to_write_is_made_at_the_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise LibraryError("the disk is full")

    writing = Library.add_plays
    monkeypatch.setattr(Library, "add_plays", full)
    stage.player.add("0.ogg")
    stage.player.play()
    stage.at(70, lambda: monkeypatch.setattr(Library, "add_plays", writing))
    stage.run(72)
    assert stage.heard() == [("play", "0.ogg")]


def test_a_song_that_is_not_scanned_yet_is_noted_once_it_is(stage: Stage) -> None:
    stage.player.known.append("new.ogg")
    stage.player.add("new.ogg", "0.ogg")
    stage.player.play()

    def scanned() -> None:
        shelf.fill(stage.engine.store, [(f"{MUSIC}/new.ogg", "calm", "Somebody")])
        stage.scans[0][1].outcome = (0, "{}")

    stage.at(150, scanned)
    stage.run(240, scan=True)
    assert sorted(stage.heard()) == [("play", "0.ogg"), ("play", "new.ogg")]
    new = next(event for event in stage.engine.store.events() if "new" in stage.engine.track(event.track_id).path)
    assert new.at - stage.clock.wall_ahead - 1000 == pytest.approx(60, abs=1)


def test_without_a_library_it_waits_for_the_first_scan(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage.engine = edgemood.open(tmp_path / "later" / "library.db")
    stage.player.add("0.ogg")
    stage.player.play()

    def scanned() -> None:
        with Library.open(tmp_path / "later" / "library.db") as library:
            shelf.fill(library, SONGS)
        stage.scans[0][1].outcome = (0, "{}")

    stage.at(100, scanned)
    stage.run(200, scan=True)
    assert stage.heard()[0] == ("play", "0.ogg")
    assert len(stage.player.coming()) == 3
    lines = said(caplog, "there is no library")
    assert lines[1].startswith("what is heard is kept in memory only")
    assert len(lines) == 2
    stage.engine.close()


def test_what_the_player_refuses_is_said_once_and_it_is_followed_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.player.refuses = True
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.run(230)
    assert [name for _, name in stage.heard()] == ["0.ogg", "1.ogg"]
    assert len(said(caplog, "the queue is full")) == 1
    assert stage.player.asked.count("connect") == 1


def test_no_part_that_fails_ends_it(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(edgemood.Engine, "next", broken)
    stage.player.add("0.ogg", "1.ogg", "2.ogg")
    stage.player.play()
    stage.run(300)
    assert len(stage.heard()) == 2
    assert len(said(caplog, "nobody foresaw: ZeroDivisionError: oh")) == 1


def test_a_player_that_breaks_is_connected_to_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    state, calls = FakePlayer.state, []

    def odd(self: FakePlayer) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("odd")
        return state(self)

    monkeypatch.setattr(FakePlayer, "state", odd)
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(100)
    assert stage.heard() == [("play", "0.ogg")]
    assert stage.player.asked.count("connect") == 2


def test_an_idle_player_is_asked_for_next_to_nothing(stage: Stage) -> None:
    stage.player.add(*NAMES)
    stage.run(3600, moods=True, statistics=True)
    assert stage.player.asked.count("state") <= 63
    assert stage.player.asked.count("queue") == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heard": 3, "mark": null, "more": {}}'])
def test_a_note_that_cannot_be_read_costs_nothing(stage: Stage, text: str, caplog: pytest.LogCaptureFixture) -> None:
    stage.engine.store.set_note("player:fake player:default", text)
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(70)
    assert stage.heard() == [("play", "0.ogg")]
    assert said(caplog, "cannot be used")


def test_it_writes_little(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    writing = Library.set_note
    monkeypatch.setattr(Library, "set_note", lambda self, *a: (written.append(a[1]), writing(self, *a)))
    stage.player.add("0.ogg")
    stage.player.play()
    stage.run(1200)
    assert len(written) <= 12  # one a song; plays are one write each
    assert max(map(len, written)) < 2500


# ------------------------------------------------------------------------------------------------------------- notes


def test_moods_are_written_for_every_song_and_once(stage: Stage) -> None:
    stage.engine.label(f"{MUSIC}/3.ogg", "happy")
    stage.run(100, moods=True)
    assert set(stage.player.notes) == set(NAMES)
    assert stage.player.notes["0.ogg"] == {"mood": "calm", "valence": "080", "arousal": "020", "unsure": "0"}
    assert stage.player.notes["3.ogg"]["mood"] == "happy"
    asked = stage.player.asked.count("annotate")
    stage.run(600, moods=True)
    assert stage.player.asked.count("annotate") == 2 * asked  # once for each time it was started


def test_where_notes_take_long_it_listens_all_the_same(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    took: list[float] = []
    annotate = stage.player.annotate

    def slowly(songs: Sequence[Annotation]) -> int:
        took.append(0.09 * len(songs))
        stage.clock.wait(took[-1])
        return annotate(songs)

    monkeypatch.setattr(stage.player, "annotate", slowly)
    stage.run(100, moods=True)
    assert set(stage.player.notes) == set(NAMES)
    assert max(took) < 0.2


def test_what_changes_in_the_library_is_written_again(stage: Stage) -> None:
    stage.at(100, lambda: stage.engine.label(f"{MUSIC}/3.ogg", "happy"))
    stage.run(200, moods=True, prefix="em_")
    assert stage.player.notes["3.ogg"]["em_mood"] == "happy"


def test_statistics(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(130, stage.player.next)
    stage.run(140, statistics=True)
    played = stage.player.notes["0.ogg"]
    assert played == {"play_count": "1", "skip_count": "0", "last_played": str(round(1060 + stage.clock.wall_ahead))}
    assert stage.player.notes["1.ogg"] == {"play_count": "0", "skip_count": "1"}
    assert set(stage.player.notes) == {"0.ogg", "1.ogg"}


def test_what_is_forgotten_is_counted_no_more(stage: Stage) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(70, lambda: stage.player.notes["0.ogg"]["play_count"] == "1" or pytest.fail("not counted"))
    stage.at(80, stage.engine.forget)
    stage.run(170, statistics=True)
    assert stage.player.notes["0.ogg"] == {"play_count": "0", "skip_count": "0", "last_played": "0"}


# ------------------------------------------------------------------------------------------------------------- scans


def test_new_songs_are_scanned_when_the_player_has_settled(stage: Stage) -> None:
    stage.at(0.5, lambda: setattr(stage.scans[0][1], "outcome", (0, '{"analysed": 60}')))
    for second in (50, 55, 60):
        stage.at(second, lambda: stage.player.news.add("songs"))
    stage.at(69, lambda: stage.scans.append(([f"{len(stage.scans)} scan so far"], FakeScan())))
    stage.run(100, scan=True)
    assert [folders for folders, _ in stage.scans] == [[MUSIC], ["1 scan so far"], [MUSIC]]


def test_there_are_never_two_scans_at_once_and_the_last_one_dies_with_it(stage: Stage) -> None:
    for second in range(10, 100, 10):
        stage.at(second, lambda: stage.player.news.add("songs"))
    stage.run(200, scan=True)
    assert len(stage.scans) == 1
    assert stage.scans[0][1].ended


def test_the_end_of_a_scan_has_notes_written(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.at(
        30,
        lambda: setattr(
            stage.scans[0][1], "outcome", (0, '{"analysed": 2, "rejudged": 0, "moved": 0, "failed": 1, "missing": 0}')
        ),
    )
    stage.at(29, lambda: setattr(stage, "early", dict(stage.player.notes)))
    stage.run(60, scan=True, moods=True)
    assert stage.early == {}  # type: ignore[attr-defined]
    assert len(stage.player.notes) == len(NAMES)
    assert said(caplog, "scanned: 2 analysed, 1 failed")


def test_a_scan_that_failed_is_made_again_later(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.at(30, lambda: setattr(stage.scans[0][1], "outcome", (1, "edgemood: error: no space")))
    stage.run(3700, scan=True)
    assert len(stage.scans) == 2
    assert said(caplog, "no space")


@pytest.mark.parametrize("gone", [True, False])
def test_a_folder_that_is_not_mounted_is_not_scanned_until_it_is_back(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture, gone: bool
) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    (folder / "song.ogg").touch()
    shelf.fill(stage.engine.store, [(str(folder / "song.ogg"), "calm", "Somebody")])
    away = tmp_path / "away"
    folder.rename(away)
    if not gone:
        folder.mkdir()  # an empty mount point

    def mount() -> None:
        if not gone:
            folder.rmdir()
        away.rename(folder)

    stage.player.folder = str(folder)
    stage.at(300, lambda: stage.scans.append((["before"], FakeScan())), mount)
    stage.run(400, scan=True)
    assert [folders for folders, _ in stage.scans] == [["before"], [str(folder)]]
    assert len(said(caplog, "is not there or empty")) == 1
    assert len(said(caplog, "can be scanned")) == 1


def test_a_player_that_does_not_tell_its_folder(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.tells_folder = False
    stage.run(500, scan=True)
    assert stage.scans == []
    assert len(said(caplog, "does not tell where its music lies")) == 1
    stage.run(10, scan=True, music=MUSIC)
    assert [folders for folders, _ in stage.scans] == [[MUSIC]]


# --------------------------------------------------------------------------------------------------- dry run and once


def test_a_dry_run_changes_nothing_and_says_all(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.player.add("0.ogg", "1.ogg")
    stage.player.play()
    stage.at(30, stage.player.next)
    stage.engine.played(f"{MUSIC}/4.ogg")
    before = stage.engine.store.events()
    queue = list(stage.player.queue_)
    stage.run(300, dry=True, scan=True, moods=True, statistics=True)
    assert stage.player.queue_ == queue
    assert (stage.player.queued, stage.player.removed, stage.player.notes, stage.scans) == ([], [], {}, [])
    assert stage.engine.store.events() == before
    assert stage.engine.store.note("player:fake player:default") is None
    assert said(caplog, "would note skipped: Artist 0")
    assert said(caplog, "would note played: Artist 1")
    assert 3 <= len(said(caplog, "would queue Artist")) + len(said(caplog, "would queue: Artist")) <= 8
    assert said(caplog, "would scan")
    assert said(caplog, "notes to compare: 60")
    with pytest.raises(LibraryError):
        stage.engine.played(f"{MUSIC}/4.ogg")


def test_one_round(stage: Stage) -> None:
    stage.player.add("0.ogg")
    stage.player.play()
    stage.clock.wait(70)
    stage.dj(moods=True, scan=True).once()
    assert stage.heard() == [("play", "0.ogg")]
    assert len(stage.player.coming()) == 3
    assert len(stage.player.notes) == len(NAMES)
    assert stage.scans == []
    stage.clock.wait(120)
    stage.dj(moods=True).once()
    assert stage.heard() == [("play", "0.ogg"), ("play", stage.player.queued[0])]
    assert stage.player.connected is False


def test_one_round_with_nobody_there(stage: Stage) -> None:
    stage.player.fail()
    with pytest.raises(PlayerError, match="it is down"):
        stage.dj().once()


def test_it_ends_at_once_wherever_it_waits(stage: Stage) -> None:
    dj = stage.dj()
    stage.player.fail()
    stage.at(100, dj.stop)
    dj.run()
    assert stage.clock() == 1100
    other = stage.dj()
    other.stop()  # before it runs
    other.run()
    assert stage.clock() == 1100
