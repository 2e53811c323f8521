"""A listener's mood over what was played and skipped: as curves, or as a row for each day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgemood import palette
from edgemood.domain import QUADRANTS, Event, Listening, Track
from edgemood.palette import GREY, INK, QUIET
from edgemood.plot import Picture
from edgemood.plot._canvas import canvas, finish, head, legend, mood_patches, name_areas, readable, stack
from edgemood.plot._days import draw_days
from edgemood.plot._story import DONE, SIGNS, Story, length, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES_S = 86_400.0  # up to here there are curves


def draw(listening: Listening, who: str, suffix: str) -> Picture:
    """See `plot.listener`."""
    story = Story(listening)
    span = story.end - listening.since
    whose = "The listener's mood" if who == "default" else f"{readable(who, 30)}'s mood"
    title = f"{whose} over the last {length(span)}"
    now = readable(listening.points[-1].mood.reason, 300) if listening.points else "no song heard has a mood yet"
    alt = f"{title}. {told(story)} At the end: {now}."
    if span <= _CURVES_S:
        return _curves(story, suffix, title, now, alt)
    return draw_days(story, suffix, title, now, alt)


def _curves(story: Story, suffix: str, title: str, note: str, alt: str) -> Picture:
    """Draw probabilities, valence and arousal, and what was done, over time."""
    on_plane = set(story.labels) == set(QUADRANTS)
    rows = _rows(story)
    heights = [3.2, *([1.9] if on_plane else []), 0.3 + 0.22 * len(rows)]
    with canvas(suffix, 9.6, 1.8 + sum(heights)) as figure:
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        panels[0].set_xlim(story.begin, story.end + 0.02 * (story.end - story.begin))
        _moods(panels[0], story)
        if on_plane:
            _plane(panels[1], story)
        _deeds(panels[-1], story, rows)
        ticks, names = _clock_ticks(story.begin, story.end)
        panels[-1].set_xticks(ticks, names)
        panels[-1].set_xlabel("time of day (h:min)")
        head(figure, title, note)
        return finish(figure, suffix, title, alt)


def _moods(axes: Axes, story: Story) -> None:
    """Stack the probabilities of the moods, stretch by stretch."""
    axes.set(ylabel="probability (0 to 1)", ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])
    if not story.stretches:
        return
    pieces = [(stretch.edges, stretch.shares(story.labels)) for stretch in story.stretches]
    for edges, shares in pieces:
        stack(axes, edges, shares, story.labels, line=0.9 if story.end - story.begin < _CURVES_S / 2 else 0.4)
    name_areas(axes, pieces, story.labels)
    legend(
        axes, mood_patches(story.labels, story.listening.points[-1].mood.scores), title="in the end", handlelength=1.4
    )


def _plane(axes: Axes, story: Story) -> None:
    """Draw valence and arousal, stretch by stretch."""
    for name, style in (("arousal", (0, (4, 1.5))), ("valence", "-")):
        for number, stretch in enumerate(story.stretches):
            values = np.repeat([getattr(point.mood, name) for point in stretch.points], 2)
            x = np.repeat(stretch.edges, 2)[1:-1]
            axes.plot(x, values, color=INK, linestyle=style, linewidth=1.6, label=f"{'_' if number else ''}{name}")
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set(ylabel="from −1 to 1", ylim=(-1.05, 1.05), yticks=[-1, 0, 1], yticklabels=["−1", "0", "1"])
    legend(axes, handlelength=2.4)


def _rows(story: Story) -> list[str]:
    """What was done, from the top down: plays by the song's mood, then skips, likes and bans; what there is of it."""
    kinds = {_row(track, event) for track, event in story.listening.events}
    return [row for row in (*reversed(story.labels), "not judged", *SIGNS) if row in kinds or row in story.labels]


def _row(track: Track, event: Event) -> str:
    if event.kind != "play":
        return event.kind
    return track.mood.label if track.mood else "not judged"


def _deeds(axes: Axes, story: Story, rows: Sequence[str]) -> None:
    """Mark what was played, by the mood of the song, and what was skipped, liked and banned."""
    colours, markers = palette.colours(story.labels), palette.markers(story.labels)
    for y, row in enumerate(reversed(rows)):
        at = [event.at for track, event in story.listening.events if _row(track, event) == row]
        style: dict[str, Any] = {"color": colours.get(row, GREY if row not in SIGNS else INK), "markeredgecolor": INK}
        marker, edge = SIGNS.get(row, markers.get(row, "D")), 1.4 if row == "skip" else 0.6
        axes.plot(at, [y] * len(at), marker=marker, markersize=7, markeredgewidth=edge, linestyle="", **style)
    names = [f"{DONE[row]}" if row in SIGNS else f"played, {readable(row, 20)}" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), names)
    axes.set(ylim=(-0.7, len(rows) - 0.3))


def _clock_ticks(begin: float, end: float) -> tuple[list[float], list[str]]:
    """Return round local times between two times, and their names; the day is named where it begins."""
    steps = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
    step = next((step for step in steps if (end - begin) / step <= 9), steps[-1])
    local = time.localtime(begin)
    midnight = time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 1, -1))
    ticks = [midnight + step * k for k in range(int((begin - midnight) // step) + 1, int((end - midnight) // step) + 1)]
    names, day = [], ""
    for tick in ticks:
        name, today = time.strftime("%H:%M", time.localtime(tick)), time.strftime("%a %d %b", time.localtime(tick))
        names.append(name if today == day else f"{name}\n{today}")
        day = today
    return ticks, names
