"""What can be asked of the next songs, and what listeners say of songs, through the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shelf

import edgemood
from edgemood.advice import Advice
from edgemood.domain import Tags
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError
from edgemood.library import FileStamp, Library
from edgemood.shelf import CHRISTMAS, LONG, SHORT, SPEECH
from edgemood.wish import Wish, ago

MOODS = ("happy", "angry", "sad", "calm")
#: Forty songs, ten of each mood, each by an artist of its own but for four by one.
SONGS = [
    (f"{shelf.MUSIC}/wish-{number}.ogg", MOODS[number % 4], "Four" if number in {3, 7, 11, 15} else f"Artist {number}")
    for number in range(40)
]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, SONGS)
    return path


@pytest.fixture
def engine(library: Path) -> Iterator[edgemood.Engine]:
    with edgemood.open(library) as opened:
        yield opened


def labels(picks: list[edgemood.Pick]) -> list[str]:
    return [pick.track.mood.label for pick in picks if pick.track.mood]


def add(library: Path, name: str, tags: Tags, duration_s: float = 120.0, speech: float | None = None) -> int:
    """Store one more calm song, with an empty file."""
    path = f"{shelf.MUSIC}/{name}.ogg"
    Path(path).touch()
    song = replace(shelf.analysis(path, "calm"), tags=tags, duration_s=duration_s, speech=speech)
    with Library.open(library) as shelved:
        return shelved.store(path, FileStamp(1, 1), song, shelf.RECIPE)


def test_a_mood_can_be_asked_for_before_anything_was_played(engine: edgemood.Engine) -> None:
    with pytest.raises(LibraryError, match="has been played yet"):
        engine.next()
    picks = engine.next(6, wish=Wish(mood="sad"))
    assert labels(picks) == ["sad"] * 6
    assert "as asked for" in picks[0].reason
    with pytest.raises(ConfigError, match=r"no mood 'sunny'.* happy, angry, sad, calm"):
        engine.next(wish=Wish(mood="sunny"))


def test_a_way_leads_from_the_present_mood_to_another(engine: edgemood.Engine) -> None:
    for number in (2, 6, 10):
        engine.played(SONGS[number][0])
    picks = engine.next(8, wish=Wish(toward="happy"))
    assert labels(picks)[0] == "sad"
    assert labels(picks)[-1] == "happy"
    valence = [pick.track.mood.valence for pick in picks if pick.track.mood]
    assert sum(valence[4:]) > sum(valence[:4])
    assert "step 8 of 8 on the way to happy" in picks[-1].reason
    from_angry = engine.next(8, wish=Wish(toward="calm", seeds=[SONGS[1][0]]))
    assert labels(from_angry)[0] == "angry"
    assert labels(from_angry)[-1] == "calm"


def test_songs_like_others_come_without_those(engine: edgemood.Engine) -> None:
    seeds = [engine.track(SONGS[number][0]).id for number in (1, 5)]
    picks = engine.next(8, wish=Wish(seeds=seeds))
    assert labels(picks) == ["angry"] * 8
    assert not {pick.track.id for pick in picks} & set(seeds)
    assert "like the songs you named" in picks[0].reason
    with pytest.raises(UnknownTrackError):
        engine.next(wish=Wish(seeds=[10_000]))


def test_genres_folders_and_ids_are_left_out(engine: edgemood.Engine, library: Path) -> None:
    metal = add(library, "metal", Tags("Loud", "Loud", genre="Death Metal"))
    quiet = add(library, "quiet", Tags("Quiet", "Quiet", genre="Folk"))
    wish = Wish(mood="calm", artist_gap=0)
    every = {pick.track.id for pick in engine.next(50, wish=wish)}
    assert {metal, quiet} <= every
    assert {pick.track.id for pick in engine.next(50, wish=replace(wish, without_genres=["metal"]))} == every - {metal}
    for text in ("loud", "DEATH", "oud"):
        assert {pick.track.id for pick in engine.next(50, wish=replace(wish, without_tags=[text]))} == every - {metal}
    assert {pick.track.id for pick in engine.next(50, wish=replace(wish, without_tags=["%", "_", "\\"]))} == every
    assert quiet not in {pick.track.id for pick in engine.next(50, [quiet], wish)}
    assert not engine.next(50, wish=replace(wish, without_folders=[shelf.MUSIC]))
    with pytest.raises(ConfigError, match=r"no folder '/nowhere/Kids'"):
        engine.next(50, wish=replace(wish, without_folders=["/nowhere/Kids"]))
    link = library.parent / "link"
    link.symlink_to(shelf.MUSIC)
    assert not engine.next(50, wish=replace(wish, without_folders=[link]))


@pytest.mark.parametrize(
    ("kind", "tags", "duration_s", "speech"),
    [
        ("speech", Tags("Talk"), 120.0, 0.99),
        ("speech", Tags("Tale", genre="Audiobook"), 120.0, None),
        ("short", Tags("Jingle"), 8.0, None),
        ("long", Tags("Mix"), 3600.0, None),
    ],
)
def test_what_is_no_song_comes_only_when_asked_for(  # noqa: PLR0917
    engine: edgemood.Engine, library: Path, kind: str, tags: Tags, duration_s: float, speech: float | None
) -> None:
    odd = add(library, kind, tags, duration_s, speech)
    assert odd not in {pick.track.id for pick in engine.next(60, wish=Wish(mood="calm"))}
    assert odd in {pick.track.id for pick in engine.next(60, wish=Wish(mood="calm", include=[kind]))}


def test_christmas_songs_have_their_season() -> None:
    def at(month: int, day: int) -> float:
        return time.mktime((2026, month, day, 12, 0, 0, 0, 0, -1))

    everything = SPEECH | SHORT | LONG | CHRISTMAS
    assert Wish().left_out(at(7, 1)) == everything
    assert Wish().left_out(at(11, 30)) == Wish().left_out(at(1, 7)) == everything
    for month, day in ((12, 1), (12, 31), (1, 6)):
        assert Wish().left_out(at(month, day)) == everything & ~CHRISTMAS
    assert Wish(include=["christmas", "short"]).left_out(at(7, 1)) == SPEECH | LONG


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mood": "calm", "toward": "happy"}, "not all at once"),
        ({"mood": "calm", "seeds": [1]}, "not all at once"),
        ({"include": ["opera"]}, r"no kind of recording 'opera': they are speech, short, long, christmas"),
        ({"repeat_after_s": -1}, "not -1"),
        ({"without_tags": [""]}, "would leave out all songs"),
        ({"without_genres": ["metal", " "]}, "would leave out all songs"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Wish(**changes)  # type: ignore[arg-type]


def test_out_of_range_knobs_are_refused(engine: edgemood.Engine) -> None:
    for knob in ("variety", "smoothness"):
        with pytest.raises(ConfigError, match=knob):
            engine.next(wish=Wish(mood="calm", **{knob: 1.5}))
    with pytest.raises(ConfigError, match="artist_gap"):
        engine.next(wish=Wish(mood="calm", artist_gap=-1))


def test_no_song_comes_again_within_the_time(engine: edgemood.Engine) -> None:
    now = time.time()
    old, lately = (engine.track(SONGS[number][0]).id for number in (3, 7))
    engine.played(old, at=now - 4 * 3600)
    engine.played(lately, at=now - 3600)
    for number in range(0, 40, 4):  # ten plays more: none of the two is among the last ten
        engine.played(SONGS[number][0], at=now - 60)
    picked = {pick.track.id for pick in engine.next(20, wish=Wish(mood="calm", artist_gap=0))}
    assert old in picked
    assert lately not in picked
    again = {pick.track.id for pick in engine.next(20, wish=Wish(mood="calm", artist_gap=0, repeat_after_s=600))}
    assert lately in again


def test_a_skipped_song_does_not_come_again_and_says_little_of_the_mood(engine: edgemood.Engine) -> None:
    for number in (2, 6, 10):
        engine.played(SONGS[number][0])
    first = engine.next(1)[0].track.id
    engine.skipped(first, heard=0.1)
    for number in (1, 5):
        engine.skipped(SONGS[number][0], heard=0.0)
    assert engine.now().label == "sad"
    assert first not in {pick.track.id for pick in engine.next(20)}
    for number in (9, 13, 17, 21, 25):
        engine.played(SONGS[number][0])
    assert engine.now().label == "angry"


def test_when_all_was_played_lately_songs_of_longer_ago_come_again_and_say_so(engine: edgemood.Engine) -> None:
    now = time.time()
    for place, (path, _, _) in enumerate(SONGS):
        engine.played(path, at=now - 60 * (len(SONGS) - place))
    picks = engine.next(5, wish=Wish(mood="calm"))
    assert labels(picks)[:2] == ["calm"] * 2
    older = [path for path, _, _ in SONGS[:20]]
    for pick in picks:
        assert pick.track.path in older
        assert f"played {40 - older.index(pick.track.path)} minutes ago: no others are left" in pick.broken
        assert pick.broken[-1] in pick.reason
    assert sum(pick.track.tags.artist == "Four" for pick in picks) <= 2  # the other rules hold
    everything = engine.next(100)
    assert len({pick.track.id for pick in everything}) == len(everything) == len(SONGS) - 1  # but the one just heard


def test_what_was_played_long_ago_may_all_come_again(engine: edgemood.Engine) -> None:
    for path, _, _ in SONGS[:10]:
        engine.played(path, at=time.time() - 86_400)
    assert len(engine.next(40, wish=Wish(mood="calm"))) == 39
    assert not any("played" in pick.reason for pick in engine.next(40, wish=Wish(mood="calm")))


def test_a_skipped_song_that_comes_again_was_skipped(engine: edgemood.Engine) -> None:
    for path, _, _ in SONGS:
        engine.skipped(path, heard=0.5)
    assert all("skipped just now: no others are left" in pick.broken for pick in engine.next(3))


def test_a_way_arrives_where_there_are_fewer_songs_than_steps(engine: edgemood.Engine) -> None:
    picks = engine.next(60, wish=Wish(toward="happy", seeds=[SONGS[2][0]]))
    assert len(picks) == 39
    assert "step 39 of 39 on the way to happy" in picks[-1].reason


def test_a_way_does_not_stretch_for_files_that_are_gone(engine: edgemood.Engine, library: Path) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"/nowhere/{k}.ogg", MOODS[k % 4], f"Nobody {k}") for k in range(40)])
    picks = engine.next(4, wish=Wish(toward="happy", seeds=[SONGS[2][0]]))
    assert "step 4 of 4 on the way to happy" in picks[-1].reason
    assert labels(picks)[-1] == "happy"


def test_a_song_with_a_copy_elsewhere_survives_an_unplugged_drive(engine: edgemood.Engine, library: Path) -> None:
    with Library.open(library) as shelved:
        for number in (3, 7, 11):
            path = SONGS[number][0]
            song = shelf.analysis(path, "calm", f"Artist {number}", f"Song {number}", number)
            shelved.store(f"/a-drive/{number}.ogg", FileStamp(1, 1), song, shelf.RECIPE)
        shelf.fill(shelved, [(f"/a-drive/more-{k}.ogg", "calm", f"Nobody {k}") for k in range(20)])
    picked = {pick.track.path for pick in engine.next(12, wish=Wish(mood="calm"))}
    assert {SONGS[number][0] for number in (3, 7, 11)} <= picked


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.next("x"),
        lambda engine: engine.next(True),
        lambda engine: engine.next(2.5, wish=Wish(toward="calm", seeds=[1])),
        lambda engine: engine.next(wish=5),
        lambda engine: engine.next(exclude=[1 << 70]),
        lambda engine: engine.next(exclude=["x"]),
        lambda engine: engine.next(exclude=1),
        lambda engine: engine.played_each(5),
        lambda engine: engine.played("\ud800"),
        lambda engine: engine.skipped(None),
        lambda engine: edgemood.open(listener=""),
        lambda engine: edgemood.open(listener=5),
        lambda engine: Wish(without_tags="live"),
        lambda engine: Wish(without_folders="/"),
        lambda engine: Wish(seeds=b"x"),
        lambda engine: Wish(without_genres=[None]),
        lambda engine: Wish(without_tags=["a" * 100_000]),
        lambda engine: Wish(without_folders=[3]),
        lambda engine: Wish(include=7),
    ],
)
def test_values_of_a_wrong_kind_are_named(engine: edgemood.Engine, call: Callable[[Any], object]) -> None:
    engine.played(SONGS[0][0])
    with pytest.raises(ConfigError):
        call(engine)


def test_as_many_as_there_are_is_enough(engine: edgemood.Engine) -> None:
    assert len(engine.next(1 << 62, wish=Wish(mood="calm"))) == len(SONGS)


def test_likes_do_not_hide_what_was_played(engine: edgemood.Engine) -> None:
    engine.played(SONGS[1][0])
    for number in range(120):
        engine.liked(SONGS[number % 40][0])
    assert engine.now().label == "angry"


def test_an_artist_comes_again_after_three_others(engine: edgemood.Engine) -> None:
    artists = [pick.track.tags.artist for pick in engine.next(10, wish=Wish(mood="calm"))]
    places = [place for place, artist in enumerate(artists) if artist == "Four"]
    assert len(places) >= 2
    assert min(b - a for a, b in pairwise(places)) > 3


def test_a_banned_song_never_comes_until_it_is_liked(engine: edgemood.Engine) -> None:
    first = engine.next(1, wish=Wish(mood="calm"))[0].track.id
    engine.banned(first)
    for number in range(600):  # however much happens since
        engine.skipped(SONGS[1 + 4 * (number % 10)][0], heard=0.5)
    assert first not in {pick.track.id for pick in engine.next(50, wish=Wish(mood="calm"))}
    engine.liked(first)
    assert first in {pick.track.id for pick in engine.next(50, wish=Wish(mood="calm"))}


def test_likes_and_skips_move_songs_and_forgetting_moves_them_back(engine: edgemood.Engine) -> None:
    wish = Wish(mood="calm", variety=0, smoothness=0, artist_gap=0, album_gap=0)

    def order() -> list[int]:
        return [pick.track.id for pick in engine.next(10, wish=wish)]

    before = order()
    engine.liked(before[-1])
    engine.skipped(before[0], heard=0.0)
    after = order()
    assert after.index(before[-1]) < len(after) - 1
    assert before[0] not in after
    liked = next(pick for pick in engine.next(10, wish=wish) if pick.track.id == before[-1])
    assert "you liked it" in liked.reason
    assert engine.forget() == 2
    assert order() == before


def test_listeners_have_histories_of_their_own(library: Path) -> None:
    with edgemood.open(library, listener="anna") as anna, edgemood.open(library) as other:
        anna.played(SONGS[1][0])
        assert anna.now().label == "angry"
        with pytest.raises(LibraryError, match="has been played yet"):
            other.now()
        other.played(SONGS[3][0])
        assert (anna.now().label, other.now().label) == ("angry", "calm")
        assert anna.listeners() == ["default", "anna"]
        assert anna.forget() == 1
        assert other.now().label == "calm"


def test_a_mood_set_by_hand_holds(engine: edgemood.Engine, library: Path) -> None:
    path = SONGS[1][0]
    engine.played(SONGS[3][0])
    assert engine.label(path, "calm").labelled == "calm"
    track = engine.track(path)
    assert track.mood
    assert (track.mood.label, track.mood.scores["calm"]) == ("calm", 1.0)
    assert path in {pick.track.path for pick in engine.next(15, wish=Wish(mood="calm"))}
    with Library.open(library) as shelved:  # judged again, by another model
        song = shelf.analysis(path, "angry")
        song = replace(song, mood=replace(song.mood, model="shelf-2"))
        shelved.store(path, FileStamp(2, 2), song, replace(shelf.RECIPE, model="shelf-2"))
    again = engine.track(path)
    assert again.mood
    assert (again.labelled, again.mood.label, again.mood.model) == ("calm", "calm", "shelf-2")
    assert engine.label(path, None).mood.label == "angry"  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="no mood 'sunny'"):
        engine.label(path, "sunny")


def test_a_drive_that_is_unplugged_costs_one_look(engine: edgemood.Engine, library: Path, monkeypatch: Any) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"/nowhere/{k % 20}/{k}.ogg", "calm", f"Nobody {k}") for k in range(400)])
    looked: list[str] = []
    find = Advice._find
    monkeypatch.setattr(Advice, "_find", lambda self, track: looked.append(track.path) or find(self, track))
    picks = engine.next(10, wish=Wish(mood="calm"))
    assert len(picks) == 10
    assert all(pick.track.path.startswith(shelf.MUSIC) for pick in picks)
    assert len(looked) <= 10 + 20


def test_songs_like_one_cost_a_look_at_an_unplugged_drive_too(
    engine: edgemood.Engine, library: Path, monkeypatch: Any
) -> None:
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"/nowhere/{k % 20}/{k}.ogg", "calm", f"Nobody {k}") for k in range(400)])
    looked: list[str] = []
    gone = Advice._gone_with
    monkeypatch.setattr(Advice, "_gone_with", lambda self, path: looked.append(path) or gone(self, path))
    song, other = (pick.track.id for pick in engine.next(2, wish=Wish(mood="calm")))
    for find in (lambda: engine.similar(song, 300), lambda: engine.path_between(song, other, 50)):
        looked.clear()
        assert all(pick.track.path.startswith(shelf.MUSIC) for pick in find())
        assert len(looked) <= 1  # one song tells that all of them are gone


def test_how_long_ago_is_said_in_words() -> None:
    assert [ago(seconds) for seconds in (0, -5, 60, 200, 3500, 3599, 7200)] == [
        *["just now", "just now", "1 minute ago", "3 minutes ago", "58 minutes ago", "1 hour ago", "2 hours ago"]
    ]
