"""Pictures of songs, libraries and listeners: what lies where on them, and what is said of it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shelf

from edgemood import palette, plot
from edgemood.domain import QUADRANTS, Event, Listening, Mood, MoodSpan, Tags, Track, plane_position
from edgemood.errors import ConfigError
from edgemood.listener import replay
from edgemood.shelf import LABELLED, Shelf

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure
from PIL import Image

from edgemood.plot import _canvas, _days, _library, _listener, _song, _story

LABELS = tuple(QUADRANTS)
NOON = 1_795_431_600.0  # seconds since the epoch: 2026-11-23, 12:00 in Berlin


def timeline(seed: int, spans: int = 24, span_s: float = 10.0) -> Mood:
    rng = np.random.default_rng(seed)
    attention = rng.dirichlet(np.ones(spans))
    parts = []
    for k, row in enumerate(rng.dirichlet(np.full(4, 0.7), spans)):
        scores = dict(zip(LABELS, row.tolist(), strict=True))
        parts.append(MoodSpan(span_s * k, span_s * (k + 1), scores, *plane_position(scores), float(attention[k])))
    total = {label: float(sum(part.scores[label] * part.attention for part in parts)) for label in LABELS}
    return Mood(total, np.ones(4, np.float32), parts, "m-1")


def songs(count: int, seed: int = 0, labels: tuple[str, ...] = LABELS) -> Shelf:
    scores = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), count)
    return Shelf.of(np.arange(count) + 1, np.zeros((count, 2)), scores, labels, "m-1")


def listening(*plays: tuple[float, str, str], hours: float = 6.0, now: float = NOON) -> Listening:
    """A history of (minutes before now, mood of the song, what was done), oldest first."""
    events = []
    for number, (minutes, label, kind) in enumerate(plays):
        track = Track(number + 1, f"/music/{number}.ogg", Tags(), 200.0, shelf.mood(label, model="m-1"))
        events.append((track, Event(track.id, kind, now - 60 * minutes)))
    heard = [pair for pair in reversed(events) if pair[1].kind in {"play", "skip"}]
    since = now - 3600 * hours
    return Listening(since, now, [pair for pair in events if pair[1].at >= since], replay(heard, since, 1000))


EVENING = [(300 - 4.0 * k, "calm", "play") for k in range(8)] + [(271, "sad", "skip"), (270, "calm", "like")]
MORNING = [(60 - 4.0 * k, "happy", "play") for k in range(8)] + [(20, "angry", "ban")]

PICTURES: dict[str, Callable[[str], plot.Picture]] = {
    "song": lambda suffix: plot.song(timeline(1), "A song", suffix),
    "library": lambda suffix: plot.library(songs(40), suffix),
    "listener": lambda suffix: plot.listener(listening(*EVENING, *MORNING), "anna", suffix),
}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# ---------------------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("what", PICTURES)
def test_each_format_says_what_is_to_be_seen(what: str) -> None:
    png, svg, pdf = (PICTURES[what](suffix) for suffix in (".png", ".SVG", ".pdf"))
    assert png.alt == svg.alt == pdf.alt
    with Image.open(BytesIO(png.content)) as picture:
        assert picture.format == "PNG"
        assert picture.info["Description"] == png.alt
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert min(picture.size) > 500
    drawn = svg.content.decode()
    assert re.sub(r"\s+", " ", png.alt[:40]).replace("'", "&apos;") in drawn.replace("'", "&apos;")
    assert all(colour in drawn for colour in palette.COLOURS.values())
    assert pdf.content.startswith(b"%PDF")
    assert len(png.content) < 150_000


@pytest.mark.parametrize(("what", "suffix"), list(zip(PICTURES, plot.SUFFIXES, strict=True)))
def test_a_picture_drawn_again_is_the_same(what: str, suffix: str) -> None:
    assert PICTURES[what](suffix).content == PICTURES[what](suffix).content


@pytest.mark.parametrize("suffix", [".xyz", "", "png", ".jpg"])
def test_another_format_is_refused(suffix: str) -> None:
    for draw in PICTURES.values():
        with pytest.raises(ConfigError, match=r"\.png \.svg \.pdf"):
            draw(suffix)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"edgemood\[plot\]"):
        plot.song(shelf.mood("sad"), "t", ".png")


TITLES = [
    "",
    "a $ b_1 $",
    "\x00\n\t\x1b[31m",
    "夜に駆ける",
    "أغنية",
    "🎵 emoji",
    "x" * 5000,
    "\udcff",
    r"\frac{1}{0}",
    "%s{}",
]


@pytest.mark.parametrize("title", TITLES)
def test_any_text_can_be_drawn(title: str) -> None:
    assert plot.song(timeline(2, 3), title, ".pdf", title).content
    assert plot.library(songs(3), ".png", {1: title, 2: title}, title).content
    assert plot.listener(listening(*MORNING[:2]), title, ".svg").content


def test_readable_text_is_one_line_of_some_length() -> None:
    assert _canvas.readable(" a\n\tb\x00c ") == "a b c"
    assert _canvas.readable("x" * 100, 10) == "x" * 9 + "…"
    assert _canvas.readable("\udcff") == "\\udcff"


def test_the_page_has_the_same_colours() -> None:
    style = Path(str(plot.__file__)).parents[1] / "server" / "page" / "style.css"
    values = dict(re.findall(r"--(\w+):\s*(#[0-9a-f]{6});", style.read_text()))
    assert {mood: values[mood] for mood in palette.COLOURS} == dict(palette.COLOURS)


# --------------------------------------------------------------------------------------------------------------- stacks


@pytest.mark.parametrize("seed", range(8))
def test_names_stand_within_their_areas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.linspace(0, 100, 21)
    shares = np.cumsum(rng.dirichlet(np.full(4, 0.3), 20), axis=0)
    shares /= shares.sum(axis=1, keepdims=True)
    figure = Figure(figsize=(9, 5))
    axes = figure.subplots()
    axes.set(xlim=(0, 100), ylim=(0, 1))
    labels = _canvas.bottom_up(LABELS)
    _canvas.name_areas(axes, [(edges, shares)], labels)
    figure.draw_without_rendering()
    floors = np.hstack([np.zeros((20, 1)), shares.cumsum(axis=1)])
    assert axes.texts
    for text in axes.texts:
        k = labels.index(text.get_text())
        (left, bottom), (right, top) = axes.transData.inverted().transform(text.get_window_extent().get_points())
        under = (edges[1:] > left) & (edges[:-1] < right)
        assert floors[under, k].max() <= bottom, text.get_text()
        assert floors[under, k + 1].min() >= top, text.get_text()
    wide = [label for k, label in enumerate(labels) if (floors[:, k + 1] - floors[:, k]).min() > 0.2]
    assert set(wide) <= {text.get_text() for text in axes.texts}


def test_the_upper_part_of_a_stack_is_high_arousal() -> None:
    order = _canvas.bottom_up(LABELS)
    assert sorted(order) == sorted(LABELS)
    assert [QUADRANTS[label][1] for label in order] == [-1, -1, 1, 1]
    assert _canvas.bottom_up(("up", "down")) == ["up", "down"]


@pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 34), (0, 325), (0, 3600), (5, 7200), (0, 9e5)])
def test_times_on_an_axis_are_round_and_few(begin: float, end: float) -> None:
    ticks, step = _canvas.time_ticks(begin, end)
    assert 1 <= len(ticks) <= 11
    assert all(tick % step == 0 and begin <= tick <= end for tick in ticks)


# ---------------------------------------------------------------------------------------------------------------- songs


@pytest.mark.parametrize("seed", range(5))
def test_what_decided_is_the_least_time_with_half_of_the_attention(seed: int) -> None:
    mood = timeline(seed, spans=9)
    chosen = _song._decisive(mood)
    assert [span.start_s for span in chosen] == sorted(span.start_s for span in chosen)
    assert sum(span.attention for span in chosen) >= 0.5 - 1e-6
    enough = [
        bits
        for bits in range(1 << 9)
        if sum(span.attention for k, span in enumerate(mood.timeline) if bits >> k & 1) >= 0.5 - 1e-6
    ]
    assert len(chosen) == min(bits.bit_count() for bits in enough)


def test_words_about_a_song_say_what_its_timeline_says() -> None:
    def span(k: int, label: str, attention: float) -> MoodSpan:
        scores = {name: 0.85 if name == label else 0.05 for name in LABELS}
        return MoodSpan(30.0 * k, 30.0 * (k + 1), scores, *plane_position(scores), attention)

    spans = [
        span(0, "sad", 0.1),
        span(1, "sad", 0.1),
        span(2, "happy", 0.3),
        span(3, "happy", 0.4),
        span(4, "calm", 0.1),
    ]
    mood = Mood({"happy": 0.7, "angry": 0.1, "sad": 0.1, "calm": 0.1}, np.ones(4, np.float32), spans, "m-1")
    alt = plot.song(mood, "Title", ".png", "a note").alt
    assert "Mood of Title over 2:30. happy (0.70), judged by m-1" in alt
    assert "Likeliest: sad until 1:00, happy until 2:00, calm until 2:30." in alt
    assert "Half of the attention lies at 1:00 to 2:00. a note." in alt
    unsure = replace(mood, scores={"happy": 0.4, "angry": 0.2, "sad": 0.2, "calm": 0.2})
    assert "unsure, most likely happy (0.40)" in plot.song(unsure, "Title", ".png").alt


@pytest.mark.parametrize("spans", [1, 2, 500])
def test_many_changes_are_told_as_the_longest_stretches(spans: int) -> None:
    mood = timeline(3, spans=spans)
    runs = _song._runs(mood)
    assert 1 <= len(runs) <= 8
    assert runs[-1][1] == mood.timeline[-1].end_s
    assert [end for _, end in runs] == sorted({end for _, end in runs})
    assert all(a != b for (a, _), (b, _) in pairwise(runs))
    assert plot.song(mood, "t", ".png").content


def test_other_labels_have_no_plane() -> None:
    scores = {f"mood {k}": 0.2 for k in range(5)}
    quadrants = shelf.mood("sad")
    spans = [replace(span, scores=scores, valence=None, arousal=None) for span in quadrants.timeline]
    other = plot.song(replace(quadrants, scores=scores, timeline=spans), "t", ".png")
    with Image.open(BytesIO(other.content)) as low, Image.open(BytesIO(PICTURES["song"](".png").content)) as high:
        assert low.height < high.height


# ------------------------------------------------------------------------------------------------------------ libraries


def test_words_about_a_library_count_it() -> None:
    scores = np.array([[0.9, 0.1, 0, 0], [0.8, 0.2, 0, 0], [0.4, 0.3, 0.2, 0.1], [0, 0, 0, 1.0]])
    flags = [0, 0, 0, LABELLED]
    library = Shelf.of([1, 2, 3, 4], np.zeros((4, 2)), scores, LABELS, "m-1", flags=flags)
    alt = plot.library(library, ".png", note="not shown: 3 missing").alt
    assert "4 songs: 0 sad, 1 calm, 3 happy, 0 angry; 1 of them unsure." in alt
    assert "Judged by m-1; not shown: 3 missing." in alt
    valence, arousal = map(float, re.findall(r"[+-]\d\.\d\d", alt))
    moods = [plane_position(dict(zip(LABELS, row, strict=True))) for row in scores.tolist()]
    assert (valence, arousal) == pytest.approx(np.mean(moods, axis=0), abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 29, 30, 2999, 3000, 20_000])
def test_libraries_of_any_size(count: int) -> None:
    picture = plot.library(songs(count), ".png")
    assert picture.alt.startswith(f"{count:,} song")
    assert len(picture.content) < 150_000


def test_songs_that_all_lie_at_one_place() -> None:
    same = Shelf.of(np.arange(5000), np.zeros((5000, 2)), np.tile([1.0, 0, 0, 0], (5000, 1)), LABELS, "m-1")
    assert plot.library(same, ".png").content


def test_hexagons_have_the_colour_of_most_songs_and_hold_all() -> None:
    library = _library._Songs(songs(20_000, seed=4))
    assert library.place is not None
    axes = Figure().subplots()
    _library._density(axes, library, library.place)
    (hexagons,) = axes.collections
    faces = np.asarray(hexagons.get_facecolor())[:, :3]
    centres = np.asarray(hexagons.get_offsets())
    for k, (label, (v, a)) in enumerate((name, QUADRANTS[name]) for name in library.labels):
        inside = (centres * (v, a) > 0.15).all(axis=1)
        pure = np.array([int(palette.COLOURS[label][i : i + 2], 16) for i in (1, 3, 5)]) / 255
        others = [np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in palette.COLOURS.values()]
        directions = [(1 - faces[inside]) @ (1 - other) / np.linalg.norm(1 - other) for other in others]
        assert inside.sum() > 20
        assert (np.argmax(directions, axis=0) == list(palette.COLOURS).index(label)).mean() > 0.9, (k, pure)


def test_fuller_hexagons_are_darker() -> None:
    for colour in palette.COLOURS.values():
        rgb = np.tile([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], (50, 1))
        shades = _library._shade(rgb, np.linspace(0, 1, 50))
        assert (np.diff(shades.sum(axis=1)) < 0).all()
        assert ((shades >= 0) & (shades <= 1)).all()


def test_names_of_a_few_songs_do_not_lie_on_each_other() -> None:
    library = _library._Songs(songs(20, seed=2))
    assert library.place is not None
    figure = Figure(figsize=(7, 7))
    axes = figure.subplots()
    _library._plane(axes, library, library.place)
    names = {k: f"The song number {k}" for k in range(1, 21)}
    _library._name(axes, library, library.place, names)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) >= 4 + 12
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    shown = {text.get_text() for text in axes.texts}
    assert {"happy", "angry", "sad", "calm"} < shown


def test_a_library_of_other_moods_is_counted() -> None:
    picture = plot.library(songs(50, labels=("up", "down", "aside")), ".png")
    assert re.match(r"50 songs: \d+ up, \d+ down, \d+ aside; \d+ of them unsure. Judged by m-1.$", picture.alt)


# ------------------------------------------------------------------------------------------------------------ listeners


def test_silence_parts_stretches_and_is_not_joined() -> None:
    story = _story.Story(listening(*EVENING, *MORNING))
    evening, morning = story.stretches
    assert (len(evening.points), len(morning.points)) == (9, 8)
    assert evening.end < NOON - 60 * 260 < morning.points[0].at
    axes = Figure().subplots()
    _listener._plane(axes, story)
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 4
    gap = (evening.end, morning.points[0].at)
    for line in curves:
        x = np.asarray(line.get_xdata())
        assert x.max() <= gap[0] or x.min() >= gap[1]


def test_long_songs_are_no_silence() -> None:
    track = Track(1, "/music/1.ogg", Tags(), 5400.0, shelf.mood("calm", model="m-1"))
    events = [(track, Event(1, "play", NOON - 60 * minutes)) for minutes in (300, 200, 100)]
    points = replay(events[::-1], 0.0, 10)
    assert len(_story.Story(Listening(NOON - 6 * 3600, NOON, events, points)).stretches) == 1


def test_what_was_done_is_marked_at_its_time() -> None:
    history = listening(*EVENING, *MORNING)
    story = _story.Story(history)
    rows = _listener._rows(story)
    assert rows == ["angry", "happy", "calm", "sad", "skip", "like", "ban"]
    axes = Figure().subplots()
    _listener._deeds(axes, story, rows)
    names = [label.get_text() for label in axes.get_yticklabels()]
    marked = {names[int(line.get_ydata()[0])]: list(line.get_xdata()) for line in axes.lines if len(line.get_xdata())}
    assert marked == {
        "played, calm": [NOON - 60 * minutes for minutes, label, kind in EVENING if kind == "play"],
        "played, happy": [NOON - 60 * minutes for minutes, label, kind in MORNING if kind == "play"],
        "skipped": [NOON - 60 * 271],
        "liked": [NOON - 60 * 270],
        "banned": [NOON - 60 * 20],
    }


def test_words_about_a_listener() -> None:
    alt = plot.listener(listening(*EVENING, *MORNING), "anna", ".png").alt
    assert "anna's mood over the last 6 hours. 16 played, 1 skipped, 1 liked, 1 banned in 2 stretches" in alt
    assert "Mon 23 Nov 07:00: calm." in alt
    assert "Mon 23 Nov 11:00: calm, then happy." in alt
    assert alt.endswith("At the end: happy: 8 of the 9 songs counted among your last 10 (not counted: 1 skipped).")
    assert plot.listener(listening((5, "sad", "play")), "default", ".png").alt.startswith("The listener's mood")


def test_what_tells_no_mood_is_drawn_as_well() -> None:
    track = Track(1, "/music/1.ogg", Tags(), 200.0, None)
    for kind in ("play", "like"):
        only = Listening(NOON - 3600, NOON, [(track, Event(1, kind, NOON - 60))], [])
        assert "no song heard has a mood yet" in plot.listener(only, "anna", ".png").alt
        assert plot.listener(replace(only, since=NOON - 5 * 86_400), "anna", ".svg").content


@pytest.mark.parametrize("days", [1, 1.5, 7, 30, 366])
def test_days_in_rows(days: float) -> None:
    rng = np.random.default_rng(1)
    minutes = sorted(rng.uniform(0, days * 1440, 300), reverse=True)
    plays = [
        (m, LABELS[k % 4], rng.choice(["play", "skip", "like"], p=[0.8, 0.15, 0.05])) for k, m in enumerate(minutes)
    ]
    picture = plot.listener(listening(*plays, hours=24 * days), "anna", ".png")
    with Image.open(BytesIO(picture.content)) as drawn:
        assert drawn.height < 2600
    assert len(picture.content) < 150_000


def test_a_clock_that_was_wrong_gives_no_thousand_rows() -> None:
    history = listening((3, "calm", "play"), (2, "calm", "play"))
    early = replace(history, since=-3e6, until=6e5)  # the clock says 1970 now, the plays are of 2026
    assert plot.listener(early, "anna", ".png").content
    story = _story.Story(early)
    assert len(_days._dates(story.begin, story.end)) <= 367


def test_days_follow_the_local_clock() -> None:
    before = time.mktime((2026, 10, 24, 12, 0, 0, 0, 1, -1))  # the night after, clocks are set back
    days = _days._dates(before, before + 9 * 86_400)
    assert days == [(2026, 10, day) for day in range(24, 32)] + [(2026, 11, 1), (2026, 11, 2)]
    midnight = time.mktime((2026, 11, 23, 0, 0, 0, 0, 1, -1))
    assert _days._within_days(midnight - 1800, midnight + 900) == [
        ((2026, 11, 22), pytest.approx(23.5), 24.0),
        ((2026, 11, 23), 0.0, pytest.approx(0.25)),
    ]
    assert _days._within_days(midnight + 60, midnight + 120)[0][1:] == (pytest.approx(1 / 60), pytest.approx(2 / 60))


@pytest.mark.parametrize("hours", [0.2, 1, 6, 24])
def test_hours_on_an_axis(hours: float) -> None:
    ticks, names = _listener._clock_ticks(NOON - 3600 * hours, NOON)
    assert 1 <= len(ticks) <= 10
    for tick, name in zip(ticks, names, strict=True):
        assert NOON - 3600 * hours <= tick <= NOON
        assert name.split("\n")[0] == time.strftime("%H:%M", time.localtime(tick))
        assert int(name[3:5]) % 5 == 0 or hours < 1
    assert sum("\n" in name for name in names) == len({time.localtime(tick).tm_yday for tick in ticks})


def test_a_picture_has_no_part_of_other_pictures_style() -> None:
    import matplotlib

    before: dict[str, Any] = dict(matplotlib.rcParams)
    PICTURES["song"](".png")
    assert dict(matplotlib.rcParams) == before
    assert "MPLBACKEND" not in os.environ
