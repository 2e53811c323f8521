"""The catalogue: search, sorting and pages over songs in short, against the plain way to do it."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from pathlib import Path

import pytest
import shelf
from hypothesis import given
from hypothesis import strategies as st
from shelf import MUSIC

from edgemood.library import Library, SongRow
from edgemood.server.catalogue import MISSING, UNJUDGED, Builder, Catalogue, Sieve, roots
from edgemood.server.catalogues import Catalogues
from edgemood.server.desk import BusyError, Desk, Lane
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
    songs = Builder().build([])
    assert found(songs, "") == [] and found(songs, "x") == [] and songs.roots == []
    nothing = songs.select(Sieve(mood="calm", artist="x", genre="y", missing=True))
    assert songs.page(nothing, "title", 5, None, False) == ([], None)


def test_songs_without_a_mood_come_last_or_first() -> None:
    scores = '{"happy": 0.7, "angry": 0.1, "sad": 0.1, "calm": 0.1}'
    songs = Builder().build([row(1, "a"), row(2, "b", scores=scores, missing=1), row(3, "c", scores='{"x": 1.0}')])
    assert songs.mood[0] == UNJUDGED and songs.flags[1] == MISSING and songs.moods == ("happy", "x")
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


def test_the_catalogue_is_made_once_for_many_who_ask_and_anew_when_songs_change(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with Library.open(path) as library:
        shelf.fill(library, [(f"{MUSIC}/{i}.ogg", "calm", "A") for i in range(3)])
        desk = Desk(Settings(library=str(path)))

        async def editions() -> None:
            catalogues = Catalogues(desk)
            first = await asyncio.gather(*(catalogues.edition() for _ in range(20)))
            assert all(one is first[0] for one in first)
            library.set_label(1, "sad")
            second = await catalogues.edition()
            assert second is not first[0] and second.etag != first[0].etag
            library.add_play(1)  # of no concern
            assert await catalogues.edition() is second

        try:
            asyncio.run(editions())
        finally:
            desk.close()


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
