"""The catalogue: search, sorting and pages over songs in short, against the plain way to do it."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shelf
from hypothesis import given
from hypothesis import strategies as st
from shelf import MUSIC

from edgemood.engine import Engine
from edgemood.errors import ConfigError
from edgemood.library import Library, SongRow
from edgemood.server import kept
from edgemood.server.catalogue import MISSING, UNJUDGED, Builder, Catalogue, Sieve, roots
from edgemood.server.desk import BusyError, Desk, Lane
from edgemood.server.edition import Edition
from edgemood.server.edition import make as make_edition
from edgemood.server.kept import Kept
from edgemood.server.settings import Settings
from edgemood.server.words import Gather, fold

WORDS = (
    "sun",
    "sunny",
    "Łódź",
    "naïve",
    "Für",
    "Elise",
    "café",
    "CAFÉ",
    "ﬁne",
    "straße",
    "音楽",
    "日本",
    "x-ray",
    "R.E.M.",
    "1999",
)


def row(number: int, title: str, **more: object) -> SongRow:
    values: dict[str, object] = {
        "id": number, "path": b"/music/%d.ogg" % number, "title": title, "artist": "A", "album": "B", "genre": "",
        "duration_s": 1.0, "missing": 0, "label": None, "scores": None, **more,
    }  # fmt: skip
    return SongRow(**values)  # type: ignore[arg-type]


def found(songs: Catalogue, search: str) -> list[int]:
    return songs.ids[songs.select(Sieve(search))].tolist()


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Für Elise", "fur elise"), ("ŁÓDŹ", "lodz"), ("Straße", "strasse"), ("Ænima", "aenima"), ("ﬁ", "fi"), ("İ", "i"),
     ("Ｆｕｌｌ", "full"), ("plain", "plain"), ("", "")],
)  # fmt: skip
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("sun", ["The Sun", "Sunny Day"]),
        ("DAY sunn", ["Sunny Day"]),
        ("unny", []),
        ("lodz", ["Łódź by night"]),
        ("łódź", ["Łódź by night"]),
        ("cafe", ["Café del Mar"]),
        ("楽", ["日本音楽"]),
        ("日本", ["日本音楽"]),
        ("r.e.m", ["R.E.M."]),
        ("...", None),
        ("m r e", ["R.E.M."]),
        ("sun\nday", ["Sunny Day"]),
        ("\0", None),
        ("\ud800", None),
    ],
)
def test_search(search: str, titles: list[str] | None) -> None:
    names = ["The Sun", "Sunny Day", "Łódź by night", "Café del Mar", "日本音楽", "R.E.M.", "\n", "\udce9"]
    songs = Builder().build(row(i + 1, name, path=b"/q/q.q") for i, name in enumerate(names))
    assert [names[i - 1] for i in found(songs, search)] == (names if titles is None else titles)


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=12), st.lists(st.sampled_from(WORDS), max_size=3)
)
def test_search_is_what_looking_at_each_song_finds(titles: list[list[str]], asked: list[str]) -> None:
    gather = Gather()
    for words in titles:
        gather.add([fold(" ".join(words))])
    index = gather.done()

    def words_of(text: str) -> list[str]:
        other = Gather()
        other.add([fold(text)])
        return [word for word in other._known if word != "\n"]

    for cut in (1, 2, 10):
        search = " ".join(word[:cut] for word in asked)
        having = [
            all(any(has.startswith(part) for has in words_of(" ".join(words))) for part in words_of(search))
            for words in titles
        ]
        assert index.find(search).tolist() == having


def test_a_library_without_songs() -> None:
    songs = Builder().build([row(1, "not judged")])
    assert not songs.select(Sieve(mood="calm")).any() and songs.select(Sieve(mood="none")).all()
    songs = Builder().build([])
    assert found(songs, "") == [] and found(songs, "x") == [] and songs.roots == []
    nothing = songs.select(Sieve(mood="calm", artist="x", genre="y", missing=True))
    assert songs.page(nothing, "title", 5, None, False) == ([], None)


@pytest.mark.parametrize(
    ("artist", "ids"),
    [
        ("Max", [1]),
        ("max richter", [2]),
        ("ric", [2]),
        ("ma", [1, 2]),
        ("max x", []),
        ("!!!", [3]),
        ("!!", []),
        ("", [4]),
        ("two lines", [5]),
        ("lines", [5]),
    ],
)
def test_an_artist_is_named_whole_or_by_how_he_begins(artist: str, ids: list[int]) -> None:
    names = ["MAX", "Max Richter", "!!!", "", "two\nlines"]
    songs = Builder().build([row(i + 1, "a", artist=name) for i, name in enumerate(names)])
    assert songs.ids[songs.select(Sieve(artist=artist))].tolist() == ids


def test_songs_without_a_title_are_sorted_by_the_name_they_are_shown_by() -> None:
    songs = Builder().build([row(1, "b"), row(2, "", path=b"/music/C.ogg"), row(3, "d")])
    assert songs.page(songs.select(Sieve()), "title", 9, None, False)[0] == [1, 2, 3]


def test_songs_without_a_mood_come_last_or_first() -> None:
    scores = '{"happy": 0.7, "angry": 0.1, "sad": 0.1, "calm": 0.1}'
    songs = Builder().build([row(1, "a"), row(2, "b", scores=scores, missing=1), row(3, "c", scores='{"x": 1.0}')])
    assert songs.mood[0] == UNJUDGED and songs.flags[1] == MISSING
    assert songs.moods == ("happy", "angry", "sad", "calm", "x")
    assert [songs.select(Sieve(mood=mood)).sum() for mood in (*songs.moods, "none")] == [1, 0, 0, 0, 1, 1]
    with pytest.raises(ConfigError, match=r"'jolly'.* have happy, angry, sad, calm, x or none"):
        songs.select(Sieve(mood="jolly"))
    everything = songs.select(Sieve())
    assert songs.page(everything, "valence", 9, None, False)[0] == [2, 1, 3]
    assert songs.page(everything, "valence", 9, None, True)[0] == [3, 1, 2]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("by", ["id", "title", "duration", "valence"])
def test_pages_while_songs_come_and_go(by: str, backwards: bool) -> None:
    """What was there all the time comes exactly once, whatever else changes between two pages."""
    rng = random.Random(5)

    def song(number: int) -> SongRow:
        own = random.Random(number)
        share = own.random()
        scores = json.dumps({"happy": share, "angry": 0, "sad": 1 - share, "calm": 0}) if number % 3 else None
        return row(number, f"Title {own.randint(1, 9)}", duration_s=float(own.randint(1, 5)), scores=scores)

    always = set(range(1, 200, 2))
    cursor, seen = None, []
    while True:
        there = sorted(always | {number for number in range(2, 300, 2) if rng.random() < 0.5})
        songs = Builder().build(map(song, there))
        ids, cursor = songs.page(songs.select(Sieve()), by, 7, cursor, backwards)
        seen += ids
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) and always <= set(seen)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ([], []),
        (["/music/a/b"], ["/music/a/b"]),
        (["/music/a", "/music/b/c"], ["/music"]),
        (["/home/u/Music/a", "/home/u/Music/b"], ["/home/u/Music"]),
        (["/home/u/Music/a", "/home/v/x/b"], ["/home/u/Music/a", "/home/v/x/b"]),
        (["/media/usb/a", "/home/u/b", "/home/u/c"], ["/home/u", "/media/usb/a"]),
        (["/a/x", "/a/xy"], ["/a"]),
        (["/music", "/music/a"], ["/music"]),
    ],
)
def test_roots(folders: list[str], expected: list[str]) -> None:
    assert [root.decode() for root in roots(folder.encode() for folder in folders)] == expected


# ---------------------------------------------------------------------------------------------------------------- kept


Keeps = Callable[..., None]


@pytest.fixture
def keeps(tmp_path: Path) -> Iterator[Keeps]:
    """Have an asking done of what `make` makes of a library of three songs."""
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        shelf.fill(library, [(f"{MUSIC}/{i}.ogg", "calm", "A") for i in range(3)])
        desk = Desk(Settings(library=str(path)))
        yield lambda asking, make: asyncio.run(asking(library, Kept(desk, make)))
        desk.close()


def test_the_catalogue_is_made_once_for_many_who_ask_and_anew_when_songs_change(keeps: Keeps) -> None:
    async def asking(library: Library, editions: Kept[Edition]) -> None:
        first = await asyncio.gather(*(editions.get() for _ in range(20)))
        assert all(one is first[0] for one in first)
        library.set_label(1, "sad")
        second = await editions.get()
        assert second is not first[0] and second.etag != first[0].etag
        library.add_play(1)  # of no concern
        assert await editions.get() is second
        library.set_label(1, None)
        assert (await editions.get()).etag == first[0].etag  # it says what it did

    keeps(asking, make_edition)


class Slow:
    """Makes a list of the labels of a library, once it may."""

    def __init__(self) -> None:
        self.began, self.go_on, self.times = threading.Event(), threading.Event(), 0

    def __call__(self, engine: Engine) -> list[str | None]:
        labels = [row.label for row in engine.store.in_short()]
        self.times += 1
        self.began.set()
        assert self.go_on.wait(20)
        self.go_on.clear()
        return labels


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 20)
    event.clear()


def test_while_it_is_made_anew_the_last_is_given_unless_somebody_waits_for_his_change(
    keeps: Keeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_QUICK_S", -1.0)  # as if it took long
    monkeypatch.setattr(kept, "_REST", 0)
    slow = Slow()

    async def asking(library: Library, labels: Kept[list[str | None]]) -> None:
        slow.go_on.set()
        assert await labels.get() == [None] * 3
        slow.began.clear()
        library.set_label(1, "sad")  # as another process may
        assert await labels.get() == [None] * 3
        await until(slow.began)  # another is being made, which does not know of what follows
        library.set_label(2, "sad")
        labels.renew()
        waiting = [asyncio.create_task(labels.get()) for _ in range(3)]
        await asyncio.sleep(0.05)
        slow.go_on.set()
        await until(slow.began)
        slow.go_on.set()
        assert await asyncio.gather(*waiting) == [["sad", "sad", None]] * 3
        assert await labels.get() == ["sad", "sad", None]
        assert slow.times == 3

    keeps(asking, slow)


def test_what_takes_long_is_not_made_for_every_change(keeps: Keeps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_QUICK_S", -1.0)
    monkeypatch.setattr(kept, "_REST", 1e9)
    slow = Slow()

    async def asking(library: Library, labels: Kept[list[str | None]]) -> None:
        slow.go_on.set()
        for mood in ("sad", "calm", "sad"):
            library.set_label(1, mood)
            assert await labels.get() == ["sad", None, None]
        assert slow.times == 1

    keeps(asking, slow)


# ---------------------------------------------------------------------------------------------------------------- desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        shelf.fill(library, [(f"{MUSIC}/{i}.ogg", "calm", "A") for i in range(3)])
    return Desk(Settings(library=str(path)))


def test_lanes_do_not_wait_for_each_other(desk: Desk) -> None:
    async def ask() -> None:
        gate = threading.Event()
        slow = asyncio.create_task(desk.ask(lambda engine: gate.wait(30), lane=Lane.LOOK))
        await asyncio.sleep(0.05)
        assert len(await desk.ask(lambda engine: engine.library())) == 3
        assert not slow.done()
        gate.set()
        assert await slow

    asyncio.run(ask())
    desk.close()


def test_what_nobody_waits_for_is_not_begun(desk: Desk) -> None:
    done: list[int] = []

    async def ask() -> None:
        gate = threading.Event()
        first = asyncio.create_task(desk.ask(lambda engine: gate.wait(30)))
        others = [asyncio.create_task(desk.ask(lambda engine, n=n: done.append(n))) for n in range(5)]
        await asyncio.sleep(0.05)
        for other in others[:4]:
            other.cancel()
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(first, *others, return_exceptions=True)

    asyncio.run(ask())
    desk.close()
    assert done == [4]


def test_who_comes_too_late_is_told_so(desk: Desk) -> None:
    async def ask() -> None:
        gate = threading.Event()
        waiting = [asyncio.create_task(desk.ask(lambda engine: gate.wait(30))) for _ in range(200)]
        await asyncio.sleep(0.1)
        refused = [task for task in waiting if task.done() and isinstance(task.exception(), BusyError)]
        assert 100 < len(refused) < 200
        gate.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert len(await desk.ask(lambda engine: engine.library())) == 3  # and then it goes on

    asyncio.run(ask())
    desk.close()


def test_errors_belong_to_who_asked(desk: Desk) -> None:
    async def ask() -> None:
        with pytest.raises(ZeroDivisionError):
            await desk.ask(lambda engine: 1 / 0)
        assert await desk.ask(lambda engine: engine.listener, listener="Ann") == "Ann"
        names = [f"listener {number}" for number in range(30)]
        assert [await desk.ask(lambda engine: engine.listener, listener=name) for name in names] == names

    asyncio.run(ask())
    desk.close()
    with pytest.raises(BusyError):
        asyncio.run(desk.ask(lambda engine: 1))
