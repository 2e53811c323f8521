"""A listener's mood as a row for each day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from edgemood import palette
from edgemood.palette import GRID, INK, QUIET
from edgemood.plot import Picture
from edgemood.plot._canvas import canvas, finish, head, legend, mood_patches
from edgemood.plot._story import DONE, SIGNS, Story

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKED = 0.15  # inches: how tall rows of days are where there is room for marks

Day = tuple[int, int, int]  # year, month, day


def draw_days(story: Story, suffix: str, title: str, note: str, alt: str) -> Picture:
    """Draw a row for each day: the moods' shares over the time of day, and marks for what was done."""
    days = _dates(story.begin, story.end)
    tall = float(np.clip(9 / len(days), 0.05, 0.6))  # inches
    with canvas(suffix, 9.6, 1.7 + max(1.5, tall * len(days))) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, 24), ylim=(len(days) - 0.5, -0.5), xlabel="time of day (h)", ylabel="day")
        axes.set_xticks(range(0, 25, 3))
        row = {day: number for number, day in enumerate(days)}
        _ribbons(axes, story, row, 0.72 if tall >= _MARKED else 0.9)
        handles = mood_patches(story.labels, hatched=False)
        if tall >= _MARKED:
            handles += _marks(axes, story, row, tall)
        step = next(step for step in (1, 2, 7, 14, 28) if step * tall > 0.17)
        shown = range(len(days) - 1, -1, -step)
        axes.set_yticks(shown, [time.strftime("%a %d %b", time.localtime(_noon(days[k]))) for k in shown])
        axes.grid(visible=False, axis="y")
        legend(axes, handles, loc="upper left", bbox_to_anchor=(1.06, 1), handlelength=1.4)
        head(figure, title, note)
        return finish(figure, suffix, title, alt)


def _day(at: float) -> tuple[Day, float]:
    """Day and hour of a moment, by the local clock."""
    local = time.localtime(at)
    hour = local.tm_hour + local.tm_min / 60 + (local.tm_sec + at % 1) / 3600
    return (local.tm_year, local.tm_mon, local.tm_mday), hour


def _noon(day: Day, later: int = 0) -> float:
    """Noon of a day, or some days later."""
    return time.mktime((day[0], day[1], day[2] + later, 12, 0, 0, 0, 1, -1))


def _dates(begin: float, end: float) -> list[Day]:
    """All days from the one to the other, by the local clock."""
    last = _day(end)[0]
    days = [_day(begin)[0]]
    while days[-1] < last:
        days.append(_day(_noon(days[-1], 1))[0])
    return days


def _ribbons(axes: Axes, story: Story, row: Mapping[Day, int], tall: float) -> None:
    """Stack the moods within the rows of their days."""
    from matplotlib.collections import PolyCollection

    parts = [
        (row[day], left, right, shares)
        for stretch in story.stretches
        for (begin, end), shares in zip(pairwise(stretch.edges.tolist()), stretch.shares(story.labels), strict=True)
        for day, left, right in _within_days(begin, end)
        if day in row
    ]
    if tall < 0.9:
        axes.hlines([number + 0.45 for number in row.values()], 0, 24, color=GRID, linewidth=0.6, zorder=0)
    if not parts:
        return
    numbers, left, right = (np.array(column, np.float64) for column in list(zip(*parts, strict=True))[:3])
    tops = np.cumsum([shares for *_, shares in parts], axis=1) * tall
    floors = np.hstack([np.zeros((len(parts), 1)), tops])
    for k, label in enumerate(story.labels):
        low, high = numbers + 0.45 - floors[:, k], numbers + 0.45 - floors[:, k + 1]
        corners = np.stack([(left, low), (right, low), (right, high), (left, high)]).transpose(2, 0, 1)
        colour = palette.colours(story.labels)[label]
        axes.add_collection(PolyCollection(corners, facecolor=colour, edgecolor=colour, linewidth=0.2), autolim=False)


def _within_days(begin: float, end: float) -> list[tuple[Day, float, float]]:
    """Cut a time at midnight: the days, and from which hour to which."""
    (first, left), (last, right) = _day(begin), _day(end)
    if first == last:
        return [(first, left, max(right, left))]
    return [(first, left, 24.0), (last, 0.0, right)]


def _marks(axes: Axes, story: Story, row: Mapping[Day, int], tall: float) -> list[Any]:
    """Mark skips, likes and bans above the moods of their day, tell how many songs were played; return a legend."""
    handles = []
    for kind, sign in SIGNS.items():
        places = [_day(event.at) for _, event in story.listening.events if event.kind == kind]
        at = [(hour, row[day] - 0.39) for day, hour in places if day in row]
        if at:
            x, y = zip(*at, strict=True)
            style: dict[str, Any] = {"color": INK, "linestyle": "", "label": DONE[kind]}
            handles += axes.plot(x, y, marker=sign, markersize=float(np.clip(14 * tall, 2, 5)), **style)
    plays = Counter(_day(event.at)[0] for _, event in story.heard if event.kind == "play")
    for day, number in row.items():
        if plays[day]:
            axes.text(24.2, number + 0.1, f"{plays[day]}", va="center", fontsize=8, color=QUIET)
    axes.text(24.2, -0.5, "played", va="bottom", fontsize=8, color=QUIET)
    return handles
