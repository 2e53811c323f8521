"""The shelf in the library file: whatever is packed, stale, damaged or half done, it says what the tables say."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import LABELS, RECIPE, analysis, content, mood

from edgemood import _kinds, _shelf, shelf
from edgemood.domain import Failure, Mood, MoodSpan, Tags
from edgemood.errors import LibraryError, UnknownTrackError
from edgemood.library import FileStamp, Library, Recipe
from edgemood.shelf import CHRISTMAS, LABELLED, LONG, SHORT, SPEECH, Shelf

STAMP = FileStamp(100, 200, 300)
ARRAYS = ("ids", "vectors", "scale", "scores", "head", "tail", "artist", "album", "genre", "duration_s", "flags")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four songs, and packing from the third song on."""
    monkeypatch.setattr("edgemood._layout.BLOCK_IDS", 4)
    monkeypatch.setattr(_shelf, "BLOCK_IDS", 4)
    monkeypatch.setattr(_shelf, "FEW", 2)


def add(library: Library, number: int, **changes: object) -> int:
    return library.store(f"/nowhere/{number}.ogg", STAMP, replace(analysis(number), **changes), RECIPE)


def fresh(library: Library, model: str = "test-1") -> Shelf:
    """What another process sees."""
    with Library.open(library.path) as other:
        return other.shelf(model)


def from_tables(library: Library, model: str, scale: np.ndarray) -> Shelf:
    """The shelf by way of `Shelf.of` from the tracks, in the given steps of vectors."""
    tracks = [track for track in library.tracks(model) if track.mood is not None and not track.missing]
    whole = [library.track(track.id, model) for track in tracks]
    by_model = [json.loads(text) for (text,) in library._database.query("SELECT scores FROM moods ORDER BY track_id")]
    assert len(by_model) >= len(tracks)
    edges = [
        (np.array(list(track.mood.scores.values())),) * 2
        if track.labelled in track.mood.scores
        else tuple(part / 255 for part in shelf.edges(track.mood.timeline, track.mood.scores))
        for track in whole
    ]
    return Shelf.of(
        [track.id for track in tracks],
        np.array([track.mood.vector for track in tracks]).reshape(len(tracks), -1),
        np.array([list(track.mood.scores.values()) for track in tracks]).reshape(len(tracks), -1),
        LABELS,
        model,
        head=np.array([head for head, _ in edges]),
        tail=np.array([tail for _, tail in edges]),
        artists=[track.tags.artist for track in tracks],
        albums=[f"{track.tags.album}\0{Path(track.path).parent}" if track.tags.album else "" for track in tracks],
        genres=[track.tags.genre for track in tracks],
        duration_s=[track.duration_s for track in tracks],
        flags=[LABELLED if track.labelled in LABELS else 0 for track in tracks],
        scale=scale,
    )


def assert_same(a: Shelf, b: Shelf) -> None:
    assert (a.labels, a.model) == (b.labels, b.model)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def packed_blocks(library: Library) -> list[int]:
    return [block for (block,) in library._database.query("SELECT block FROM shelf_blocks ORDER BY block")]


# ---------------------------------------------------------------------------------------------------- what is on it


@pytest.mark.usefixtures("small_blocks")
def test_it_says_what_the_tables_say(library: Library) -> None:
    for n in range(1, 14):
        add(library, n, tags=Tags(f"Song {n}", f"Artist {n % 3}", "Album" if n % 2 else "", "Rock" if n % 4 else ""))
    library.set_label(5, "calm")
    stocked = library.shelf("test-1")
    assert packed_blocks(library) == [0, 1, 2, 3]
    assert_same(stocked, from_tables(library, "test-1", stocked.scale))
    assert_same(fresh(library), stocked)
    assert stocked.flags.tolist() == [LABELLED * (n == 5) for n in range(1, 14)]
    assert stocked.scores[4].tolist() == [255 * (label == "calm") for label in LABELS]


def test_few_songs_are_not_packed(library: Library) -> None:
    for n in (1, 2):
        add(library, n)
    stocked = library.shelf("test-1")
    assert stocked.ids.tolist() == [1, 2]
    assert packed_blocks(library) == []
    library.pack_shelf("test-1")
    assert packed_blocks(library) == []


def test_without_songs_it_is_empty(library: Library) -> None:
    assert len(library.shelf("none-0")) == 0
    library.pack_shelf("none-0")
    add(library, 1)
    assert len(library.shelf("none-0")) == 0
    assert library.shelf("test-1").ids.tolist() == [1]


def test_it_is_kept_until_songs_change(library: Library) -> None:
    add(library, 1)
    first = library.shelf("test-1")
    library.add_play(1)
    library.add_event(1, "like")
    assert library.shelf("test-1") is first
    library.set_label(1, "sad")
    assert library.shelf("test-1").flags.tolist() == [LABELLED]
    with Library.open(library.path) as other:
        add(other, 2)
    assert library.shelf("test-1").ids.tolist() == [1, 2]


def test_songs_of_other_models_and_missing_ones_are_not_on_it(library: Library) -> None:
    for n in (1, 2, 3):
        add(library, n)
    library.store_mood(2, mood(12, "test-2"), Recipe("test-2", RECIPE.features))
    assert library.shelf("test-2").ids.tolist() == [2]
    library.fail(Failure("/nowhere/1.ogg", "CorruptAudioError", "x"), STAMP, "v")
    assert library.shelf("test-1").ids.tolist() == [2, 3]


def test_songs_that_are_not_finite_are_left_out(library: Library) -> None:
    judged = mood(1)
    add(library, 1, mood=replace(judged, vector=np.full(16, np.nan, np.float32)))
    add(library, 2, mood=replace(judged, scores=dict.fromkeys(LABELS, float("nan"))))
    add(library, 3)
    for number, length_s in ((4, 1e300), (5, float("inf"))):  # written by no program of ours
        add(library, number)
        library._database.query("UPDATE tracks SET duration_s = ? WHERE id = ?", (length_s, number))
    assert library.shelf("test-1").ids.tolist() == [3]


def test_edges_are_the_first_and_the_last_20_seconds() -> None:
    def span(begin: float, end: float, happy: float) -> MoodSpan:
        return MoodSpan(begin, end, {"happy": happy, "sad": 1 - happy}, None, None, 0.5)

    scores = {"sad": 0.5, "happy": 0.5}
    spans = [span(0, 10, 1.0), span(10, 40, 0.0), span(40, 60, 1.0), span(60, 65, 0.2)]
    head, tail = shelf.edges(spans, scores)
    assert head.tolist() == [128, 128]  # half of it happy
    assert tail.tolist() == [51, 204]  # 15 s of 1 and 5 s of 0.2, in the order of the scores
    head, tail = shelf.edges(spans[:1], scores)
    assert head.tolist() == tail.tolist() == [0, 255]
    head, tail = shelf.edges([], scores)
    assert head.tolist() == tail.tolist() == [128, 128]


@pytest.mark.parametrize(
    ("duration_s", "tags", "speech", "flags"),
    [
        (200, Tags("A", "B", "C", "Rock"), None, 0),
        (19.9, Tags(), None, SHORT),
        (20, Tags(), None, 0),
        (1800, Tags(), None, 0),
        (1801, Tags(genre="Audiobook"), None, LONG | SPEECH),
        (200, Tags(genre="Rock; Spoken Word"), None, SPEECH),
        (200, Tags(genre="Hörbuch"), 0.0, SPEECH),
        (200, Tags(title="Speech"), 0.1, 0),
        (200, Tags(), 0.99, SPEECH),
        (200, Tags(title="White Christmas"), None, CHRISTMAS),
        (200, Tags(album="X-Mas Hits"), None, CHRISTMAS),
        (200, Tags(genre="Weihnachtslieder"), None, CHRISTMAS),
        (200, Tags("Christmasy", "Noël Coward", "Holiday"), None, 0),
    ],
)
def test_kinds_of_recordings(duration_s: float, tags: Tags, speech: float | None, flags: int) -> None:
    assert _kinds.flags_of(duration_s, tags, speech) == flags


# ------------------------------------------------------------------------------------------- packed, stale and damaged


@pytest.mark.usefixtures("small_blocks")
def test_what_changes_after_packing_is_seen_at_once_and_packed_later(library: Library, monkeypatch) -> None:
    for n in range(1, 11):
        add(library, n)
    library.shelf("test-1")
    before = library._database.query("SELECT block, revision FROM shelf_blocks")
    monkeypatch.setattr(_shelf, "FEW", 100)
    library.set_label(2, "sad")
    library.place("/nowhere/6.ogg", STAMP, content(6), Tags("New", "Other", "Name", "Pop"))
    library.store_mood(7, mood(70), RECIPE)
    library.fail(Failure("/nowhere/8.ogg", "CorruptAudioError", "x"), STAMP, "v")
    add(library, 11)
    add(library, 12)
    stocked = library.shelf("test-1")
    assert stocked.ids.tolist() == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    assert_same(stocked, from_tables(library, "test-1", stocked.scale))
    assert library._database.query("SELECT block, revision FROM shelf_blocks") == before
    monkeypatch.setattr(_shelf, "FEW", 2)
    assert_same(fresh(library), stocked)
    assert library._database.query("SELECT * FROM shelf_stale") == []
    after = library._database.query("SELECT block, revision FROM shelf_blocks")
    assert [block for block, _ in after] == [0, 1, 2, 3]
    library.pack_shelf("test-1")
    assert library._database.query("SELECT block, revision FROM shelf_blocks") == after


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from("adjlmfbpr"), st.integers(1, 12)), max_size=25))
def test_any_history_ends_in_what_the_tables_say(tmp_path_factory: pytest.TempPathFactory, steps) -> None:
    with Library.open(tmp_path_factory.mktemp("any") / "library.db") as library:
        ways = {
            "a": lambda n: add(library, n),
            "d": lambda n: library.place(f"/other/{n}.ogg", STAMP, content(n), Tags("T", "A", "L", "G")),
            "j": lambda n: library.store_mood(n, mood(n + 50), RECIPE),
            "l": lambda n: library.set_label(n, LABELS[n % 4]),
            "m": lambda n: library.set_label(n, None),
            "f": lambda n: library.fail(Failure(f"/nowhere/{n}.ogg", "X", "x"), STAMP, "v"),
            "b": lambda n: add(library, n, content=content(n + 1)),
            "p": lambda n: library.pack_shelf("test-1"),
            "r": lambda n: library.prune(),
        }
        for n in range(1, 7):
            add(library, n)
        library.pack_shelf("test-1")
        for what, n in steps:
            try:
                ways[what](n)
            except UnknownTrackError:
                continue
            stocked = library.shelf("test-1")
            if len(stocked):
                assert_same(stocked, from_tables(library, "test-1", stocked.scale))
            else:
                assert not [track for track in library.tracks("test-1") if track.mood and not track.missing]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE shelf_blocks SET data = zeroblob(length(data))",
        "UPDATE shelf_blocks SET data = substr(data, 1, 99)",
        "UPDATE shelf_blocks SET data = CAST(data || x'00' AS BLOB) WHERE block = 1",
        "UPDATE shelf_blocks SET checksum = checksum + 1 WHERE block = 0",
        "DELETE FROM shelf_blocks WHERE block = 1",
        "UPDATE shelf_packs SET recipe = '{'",
        """UPDATE shelf_packs SET recipe = '{"labels": 5}'""",
        "UPDATE shelf_packs SET recipe = replace(recipe, '[1,', '[0,')",
        "UPDATE shelf_packs SET scale = x'00'",
        "DELETE FROM shelf_packs",
    ],
)
def test_damaged_blocks_are_not_trusted_but_made_anew(library: Library, damage: str) -> None:
    for n in range(1, 11):
        add(library, n)
    library.shelf("test-1")
    with sqlite3.connect(library.path) as raw:
        assert raw.execute(damage).rowcount >= 1
    raw.close()
    for _ in range(3):
        stocked = fresh(library)
        assert_same(stocked, from_tables(library, "test-1", stocked.scale))
    assert packed_blocks(library) == [0, 1, 2]
    with Library.open(library.path) as other:
        shelves = other._shelves
        layout = shelves._packed("test-1").layout
        with other._database.reading():
            list(shelves._parts(layout, shelves._packed("test-1")))
        assert shelves._damaged == set()


@pytest.mark.parametrize("change", ["vector = x'00'", "scores = '{'", "scores = '[]'", """scores = '{"happy": 1}'"""])
def test_damaged_songs_are_told(library: Library, change: str) -> None:
    for n in (1, 2):
        add(library, n)
    with sqlite3.connect(library.path) as raw:
        raw.execute(f"UPDATE moods SET {change} WHERE track_id = 2")
    raw.close()
    with pytest.raises(LibraryError, match="is damaged: moods by test-1"):
        library.shelf("test-1")


def pack_while(library: Library, monkeypatch, change: Callable[[Library], None]) -> None:
    """Pack, and make a change from elsewhere between the reading of the first block and its writing."""
    read = _shelf.Shelves._fresh

    def slowly(self: _shelf.Shelves, layout, block: int):
        columns = read(self, layout, block)
        monkeypatch.setattr(_shelf.Shelves, "_fresh", read)
        with Library.open(library.path) as other:
            change(other)
        return columns

    monkeypatch.setattr(_shelf.Shelves, "_fresh", slowly)
    library._shelves.pack("test-1")


@pytest.mark.usefixtures("small_blocks")
def test_a_song_that_changes_while_its_block_is_packed_stays_stale(library: Library, monkeypatch) -> None:
    for n in range(1, 9):
        add(library, n)
    library.shelf("test-1")
    library.set_label(1, "happy")

    def label_two(other: Library) -> None:
        other.set_label(1, "sad")
        other.set_label(2, "sad")

    pack_while(library, monkeypatch, label_two)
    assert library._database.query("SELECT track_id FROM shelf_stale") == [(1,), (2,)]
    stocked = library.shelf("test-1")
    assert_same(stocked, from_tables(library, "test-1", stocked.scale))
    assert stocked.scores[0].tolist() == [255 * (label == "sad") for label in LABELS]


@pytest.mark.usefixtures("small_blocks")
def test_who_packs_later_songs_wins(library: Library, monkeypatch) -> None:
    for n in range(1, 5):
        add(library, n)
    library.shelf("test-1")
    library.set_label(1, "happy")

    def label_and_pack(other: Library) -> None:
        other.set_label(2, "sad")
        other._shelves.pack("test-1")

    pack_while(library, monkeypatch, label_and_pack)
    assert library._database.query("SELECT track_id FROM shelf_stale") == []
    stocked = fresh(library)
    assert stocked.flags.tolist() == [LABELLED, LABELLED, 0, 0]


@pytest.mark.usefixtures("small_blocks")
def test_another_model_takes_the_place(library: Library) -> None:
    for n in range(1, 7):
        add(library, n)
    library.shelf("test-1")
    for n in range(1, 7):
        library.store_mood(n, mood(n + 30, "test-2"), Recipe("test-2", RECIPE.features))
    for model in ("test-2", "test-1", "test-2"):
        stocked = fresh(library, model)
        assert_same(stocked, from_tables(library, model, stocked.scale))
    assert library._database.query("SELECT count(*) FROM shelf_packs") == [(1,)]


@pytest.mark.usefixtures("small_blocks")
def test_the_steps_are_chosen_anew_when_the_library_has_grown(library: Library) -> None:
    for n in range(1, 4):
        add(library, n)
    coarse = library.shelf("test-1").scale
    for n in range(4, 14):
        add(library, n, mood=replace(mood(n), vector=3 * mood(n).vector))
    assert (fresh(library).scale > coarse).all()
    grown = fresh(library)
    assert np.abs(grown.vectors).max(axis=0).tolist() == [127] * 16


@pytest.mark.usefixtures("small_blocks")
def test_a_shelf_that_cannot_be_packed_is_read_all_the_same(library: Library) -> None:
    for n in range(1, 7):
        add(library, n)
    library._database.query("PRAGMA query_only = ON")
    stocked = library.shelf("test-1")
    assert stocked.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert packed_blocks(library) == []


def test_an_order_of_labels_is_kept(library: Library) -> None:
    judged = mood(1)
    turned = Mood(dict(reversed(judged.scores.items())), judged.vector, (), "turned-1")
    for n in (1, 2):
        add(library, n, mood=turned)
    stocked = library.shelf("turned-1")
    assert stocked.labels == LABELS[::-1]
    np.testing.assert_array_equal(stocked.scores[0], shelf.pack_scores(list(turned.scores.values())))
    np.testing.assert_array_equal(stocked.head, stocked.scores)
