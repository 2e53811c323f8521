"""What was heard: every way in which people and players begin, leave and end songs. The times are the test's own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgemood.errors import ConfigError
from edgemood.heard import Heard, Listening
from edgemood.player import PAUSED, PLAYING, STOPPED, Queued, State

BOOT = "one"


def song(name: str, length_s: float | None = 200.0, entry: str = "") -> Queued:
    return Queued(entry or f"entry {name}", f"{name}.ogg", f"/music/{name}.ogg", length_s)


A, B, C = song("a"), song("b"), song("c")


class Tape:
    """Feeds states to a listening as a script says: each step is so many seconds after the one before."""

    def __init__(self, listening: Listening | None = None, at: float = 1000.0) -> None:
        self.listening, self.at = listening or Listening(), at
        self.heard: list[Heard] = []

    def see(  # noqa: PLR0917
        self,
        after_s: float,
        playing: Queued | None,
        place_s: float = 0.0,
        status: str = PLAYING,
        coming: tuple[Queued, ...] = (),
        shuffled: bool = False,
    ) -> list[tuple[str, str]]:
        self.at += after_s
        state = State(STOPPED if playing is None else status, playing, place_s, self.at, coming, shuffled=shuffled)
        events = self.listening.look(state)
        self.heard += events
        return [(event.kind, event.song.uri[0]) for event in events]


def test_half_of_a_song_is_a_play_and_it_is_known_at_once() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.listening.due_s == 100
    assert tape.see(99, A, 99) == []
    assert tape.listening.due_s == pytest.approx(1)
    assert tape.see(1, A, 100) == [("play", "a")]
    assert tape.listening.due_s is None
    assert tape.see(100, B) == []  # told once


def test_four_minutes_of_a_long_song_are_a_play() -> None:
    long = song("l", 3600)
    tape = Tape()
    tape.see(0, long)
    assert tape.see(239, long, 239) == []
    assert tape.see(2, long, 241) == [("play", "l")]


def test_a_song_left_before_that_is_skipped_with_the_share_that_was_heard() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(50, B) == [("skip", "a")]
    assert tape.heard[0].share == pytest.approx(0.25)
    assert tape.heard[0].at == 1050


def test_a_song_that_was_seen_late_is_told_as_it_ended() -> None:
    tape = Tape()  # nobody looked when half of it was over
    tape.see(0, A)
    assert tape.see(201, B, 1) == [("play", "a")]
    assert tape.heard[0].at == pytest.approx(1200)


@pytest.mark.parametrize("paused_s", [1.0, 500.0, 1e6])
def test_a_pause_is_no_listening(paused_s: float) -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(40, A, 40, PAUSED)
    assert tape.listening.due_s is None
    assert tape.see(paused_s, A, 40) == []
    assert tape.listening.due_s == pytest.approx(60)
    assert tape.see(10, B) == [("skip", "a")]
    assert tape.heard[0].share == pytest.approx(50 / 200)


def test_what_is_left_while_it_is_paused_is_skipped() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(40, A, 40, PAUSED)
    assert tape.see(3000, B) == [("skip", "a")]
    assert tape.heard[0].share == pytest.approx(0.2)


def test_what_is_jumped_over_was_not_heard() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(10, A, 150) == []  # from 10 s to 150 s
    assert tape.see(20, B) == [("skip", "a")]  # at 170 s: not the end
    assert tape.heard[0].share == pytest.approx(30 / 200)


def test_what_is_heard_twice_counts_twice() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(60, A, 20)  # back from 60 s
    assert tape.see(45, A, 65) == [("play", "a")]  # 105 s of it


def test_the_end_is_the_end_however_one_got_there() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(5, A, 190)
    assert tape.see(10, B) == [("play", "a")]


def test_crossfading_ends_songs_early() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(1, A, 150)
    assert tape.see(40, B) == [("play", "a")]  # 10 s before its end
    tape = Tape()
    tape.see(0, A)
    tape.see(1, A, 150)
    assert tape.see(30, B) == [("skip", "a")]  # 20 s: nobody fades that long


def test_a_short_song_has_a_short_end() -> None:
    jingle = song("j", 20)
    tape = Tape()
    tape.see(0, jingle)
    assert tape.see(6, B) == [("skip", "j")]  # 14 s are left of it: most of it


def test_stopping_is_no_skip() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(30, None) == []
    assert tape.see(100, B) == []
    assert tape.see(20, None) == []
    assert tape.see(5, None) == []


def test_the_last_song_of_the_queue_is_played_too() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(20, A, 120)
    assert tape.see(80, None) == [("play", "a")]
    assert tape.see(10, None) == []
    assert tape.see(10, B) == []


def test_a_song_that_was_stopped_and_goes_on_is_heard_on() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(60, None)
    tape.see(1000, A, 60)
    assert tape.listening.due_s == pytest.approx(40)
    assert tape.see(40, A, 100) == [("play", "a")]


def test_a_song_that_was_stopped_and_begins_again_is_heard_anew() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(60, None)
    tape.see(10, A, 0)
    assert tape.listening.due_s == pytest.approx(100)


def test_a_song_that_repeats_is_played_every_time() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(100, A, 100) == [("play", "a")]
    assert tape.see(100.2, A, 0.2) == []
    assert tape.see(99.9, A, 100.1) == [("play", "a")]
    assert tape.see(105, A, 5) == []
    assert tape.see(202, B) == [("play", "a")]


def test_a_repeat_that_nobody_saw_begin_is_still_one() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(230, A, 30) == [("play", "a")]
    assert tape.listening.due_s == pytest.approx(70)


def test_the_same_song_at_another_place_of_the_queue_is_another_hearing() -> None:
    again = replace(A, entry="another")
    tape = Tape()
    tape.see(0, A, coming=(again,))
    assert tape.see(200, again) == [("play", "a")]
    assert tape.see(30, B) == [("skip", "a")]


def test_going_back_to_the_start_is_no_skip_and_after_a_play_another_hearing() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(40, A, 0) == []
    assert tape.listening.due_s == pytest.approx(60)  # what was heard counts on
    assert tape.see(60, A, 60) == [("play", "a")]
    assert tape.see(30, A, 0) == []
    assert tape.listening.due_s == pytest.approx(100)
    assert tape.see(20, B) == [("skip", "a")]


def test_going_back_a_little_after_a_play_is_the_same_hearing() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(120, A, 120)
    assert tape.see(10, A, 60) == []
    assert tape.listening.due_s is None
    assert [event.kind for event in tape.heard] == ["play"]
    assert tape.see(130, B) == []


def test_a_song_shorter_than_the_polling_is_told_where_the_time_fits() -> None:
    short = song("s", 2.0)
    tape = Tape()
    tape.see(0, A, coming=(short, C))
    assert tape.see(207, C, 5) == [("play", "a"), ("play", "s")]
    assert [event.at for event in tape.heard] == [1200, 1202]


def test_songs_flicked_through_are_not_made_up() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    assert tape.see(50, C, 1) == [("skip", "a")]  # B was never seen, nor was there time for it


def test_what_was_on_for_less_than_a_second_says_nothing() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(30, B) == [("skip", "a")]
    assert tape.see(0.4, C) == []  # passed over, or a file that cannot be played


def test_a_stream_and_a_song_of_unknown_length() -> None:
    stream = Queued("7", "http://radio/stream", None)
    tape = Tape()
    tape.see(0, stream)
    assert tape.listening.due_s == 240
    assert tape.see(30, A) == []  # ended or skipped: nobody knows
    odd = song("o", None)
    tape.see(30, odd)
    assert tape.see(239, odd, 239) == []
    assert tape.see(2, odd, 241) == [("play", "o")]
    zero = song("z", 0.0)
    tape.see(5, zero)
    assert tape.see(10, A) == []


def test_consume_takes_songs_out_of_the_queue_and_changes_nothing() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    assert tape.see(100, A, 100, coming=(B, C)) == [("play", "a")]
    assert tape.see(100, B, coming=(C,)) == []
    assert tape.see(50, C) == [("skip", "b")]


def test_a_program_that_begins_in_the_middle_of_a_song_takes_its_place_for_what_was_heard() -> None:
    tape = Tape()
    assert tape.see(0, A, 60) == []
    assert tape.listening.due_s == pytest.approx(40)
    assert Tape().see(0, A, 150) == [("play", "a")]
    tape = Tape()
    tape.see(0, A, 80)
    tape.see(10, B)
    assert tape.heard[0].share == pytest.approx(0.45)


# ------------------------------------------------------------------------------------------------------- not watched


def test_a_lost_connection_in_the_middle_of_a_song() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.listening.lost()
    assert tape.see(60, A, 60) == []
    assert tape.listening.due_s == pytest.approx(40)
    tape.listening.lost()
    assert tape.see(100, A, 80) == []  # it was paused for a while: 20 s of the 100
    assert tape.listening.due_s == pytest.approx(20)
    tape.listening.lost()
    assert tape.see(10, A, 199) == []  # somebody jumped: at most 10 s
    assert tape.listening.due_s == pytest.approx(10)


def test_songs_played_to_their_ends_while_the_connection_was_lost_are_told() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C, song("d")))
    tape.listening.lost()
    assert tape.see(430, replace(C, entry="9"), 30) == [("play", "a"), ("play", "b")]
    assert [event.at for event in tape.heard] == [1200, 1400]


@pytest.mark.parametrize(("after_s", "place_s"), [(300, 30), (600, 30), (20, 1), (430, 80)])
def test_where_the_time_does_not_fit_nothing_is_claimed(after_s: float, place_s: float) -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    tape.listening.lost()
    assert tape.see(after_s, C, place_s) == []


def test_songs_taken_out_of_the_queue_are_not_made_up() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    tape.listening.taken_back([B.entry])
    tape.listening.lost()
    assert tape.see(430, C, 30) == []


def test_songs_shorter_than_what_may_be_amiss_are_not_made_up() -> None:
    jingles = [song(name, 1.0) for name in "abcd"]
    for after_s, told in ((3.2, "abc"), (5.0, "")):
        tape = Tape()
        tape.see(0, jingles[0], coming=tuple(jingles[1:]))
        tape.listening.lost()
        assert tape.see(after_s, jingles[3], 0.1) == [("play", name) for name in told]


def test_shuffled_songs_and_songs_of_unknown_length_are_not_made_up() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C), shuffled=True)
    tape.listening.lost()
    assert tape.see(430, C, 30) == []
    tape = Tape()
    tape.see(0, A, coming=(song("x", None), C))
    tape.listening.lost()
    assert tape.see(430, C, 30) == []


def test_a_player_that_was_restarted_goes_on_with_new_names() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(60, A, 60)
    tape.listening.lost()
    renamed = replace(A, entry="1")
    assert tape.see(30, renamed, 50, PAUSED) == []  # it noted its place some time ago
    assert tape.see(30, renamed, 50) == []
    assert tape.listening.due_s == pytest.approx(40)
    assert tape.see(40, renamed, 90) == [("play", "a")]


def test_a_player_that_forgot_where_it_was() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(60, A, 60)
    tape.listening.lost()
    assert tape.see(30, None) == []
    assert tape.see(30, A, 0) == []
    assert tape.listening.due_s == pytest.approx(100)


def test_a_clock_that_goes_backwards_hurts_nobody() -> None:
    tape = Tape()
    tape.see(0, A)
    assert tape.see(-500, A, 10) == []
    assert tape.see(20, B) == [("skip", "a")]
    assert tape.heard[0].share == pytest.approx(0.1)


# ---------------------------------------------------------------------------------------------------- going on later


def test_a_program_killed_in_the_middle_of_a_song_goes_on() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    later = Tape(Listening.load(tape.listening.dump(BOOT), BOOT), tape.at)
    assert later.see(60, A, 60, coming=(B, C)) == []
    assert later.listening.due_s == pytest.approx(40)
    assert later.see(40, A, 100) == [("play", "a")]


def test_what_was_told_is_not_told_again() -> None:
    tape = Tape()
    tape.see(0, A)
    tape.see(100, A, 100)
    later = Tape(Listening.load(tape.listening.dump(BOOT), BOOT), tape.at)
    assert later.see(50, A, 150) == []
    other = Listening.load(Tape().listening.dump(BOOT), BOOT)
    assert other.song is None
    tape = Tape()
    tape.see(0, A)
    known = Listening.load(tape.listening.dump(BOOT), BOOT)
    known.counted()
    assert Tape(known, tape.at).see(150, A, 150) == []


def test_a_song_that_ended_while_the_program_was_restarted_is_told_where_the_time_fits() -> None:
    tape = Tape()
    tape.see(0, A, coming=(B, C))
    text = tape.listening.dump(BOOT)
    assert Tape(Listening.load(text, BOOT), tape.at).see(202, B, 2) == [("play", "a")]
    assert Tape(Listening.load(text, BOOT), tape.at).see(120, B, 2) == []


def test_after_a_reboot_the_old_clock_means_nothing() -> None:
    tape = Tape(at=1e6)
    tape.see(0, A, coming=(B,))
    tape.see(60, A, 60, coming=(B,))
    text = tape.listening.dump(BOOT)
    later = Tape(Listening.load(text, "two"), at=5)
    assert later.see(0, A, 60) == []
    assert later.listening.due_s == pytest.approx(40)
    assert Tape(Listening.load(text, "two"), at=5).see(300, B, 2) == []


def test_names_that_are_no_utf8_survive() -> None:
    odd = Queued("1", "\udce9t\udce9.ogg", "/music/\udce9t\udce9.ogg", 200.0)
    tape = Tape()
    tape.see(0, odd)
    text = tape.listening.dump(BOOT)
    assert text.isascii()
    assert Listening.load(text, BOOT).song == odd
    assert len(text) < 1000


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": 99}', '{"version": 1, "song": 3}'])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Listening.load(text, BOOT)
    tape = Tape()
    tape.see(0, A)
    broken = json.loads(tape.listening.dump(BOOT))
    del broken["place_s"]
    with pytest.raises(ConfigError, match="place_s"):
        Listening.load(json.dumps(broken), BOOT)
