"""A song's mood over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from edgemood.domain import Mood, MoodSpan
from edgemood.palette import GRID, INK, QUIET
from edgemood.plot import Picture
from edgemood.plot._canvas import (
    Array,
    bottom_up,
    canvas,
    finish,
    head,
    legend,
    mood_patches,
    name_areas,
    readable,
    signed,
    stack,
    time_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DECIDES = 0.5  # the share of the attention that is shown as what decided
_RUNS = 8  # stretches that are told in words


def draw(mood: Mood, title: str, suffix: str, note: str) -> Picture:
    """See `plot.song`."""
    on_plane = mood.valence is not None
    title, note = readable(title), readable(note, 100)
    with canvas(suffix, 9, 6 if on_plane else 4.4) as figure:
        heights = [3.2, 1.9, 1.1] if on_plane else [3.2, 1.1]
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        edges = _edges(mood)
        panels[0].set_xlim(edges[0], edges[-1])
        _shares(panels[0], mood, edges)
        if on_plane:
            _plane(panels[1], mood, edges)
        _attention(panels[-1], mood, edges)
        for span in _decisive(mood):
            panels[0].axvspan(span.start_s, span.end_s, ymin=-0.07, ymax=-0.035, color=QUIET, clip_on=False, lw=0)
            for panel in panels[1:-1]:
                panel.axvspan(span.start_s, span.end_s, color=GRID, alpha=0.7, lw=0, zorder=0)
        ticks, _ = time_ticks(edges[0], edges[-1])
        panels[-1].set_xticks(ticks, [_clock(tick) for tick in ticks])
        panels[-1].set_xlabel("time (min:s)" if edges[-1] < 3600 else "time (h:min:s)")
        head(figure, title, "; ".join(part for part in (_verdict(mood), note) if part))
        return finish(figure, suffix, title, _alt(mood, title, note))


def _shares(axes: Axes, mood: Mood, edges: Array) -> None:
    """Stack the probabilities of the moods."""
    labels = bottom_up(tuple(mood.scores))
    shares = np.array([[span.scores[label] for label in labels] for span in mood.timeline])
    stack(axes, edges, shares, labels)
    axes.set(ylabel="probability (0 to 1)", ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])
    name_areas(axes, [(edges, shares)], labels)
    legend(axes, mood_patches(labels, mood.scores), handlelength=1.4)


def _plane(axes: Axes, mood: Mood, edges: Array) -> None:
    """Draw valence and arousal."""
    x = np.repeat(edges, 2)[1:-1]
    for name, style in (("arousal", (0, (4, 1.5))), ("valence", "-")):
        values = np.repeat([getattr(span, name) for span in mood.timeline], 2)
        label = f"{name}  {signed(getattr(mood, name))}"
        axes.plot(x, values, color=INK, linestyle=style, linewidth=1.6, label=label)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set(ylabel="from −1 to 1", ylim=(-1.05, 1.05), yticks=[-1, 0, 1], yticklabels=["−1", "0", "1"])
    legend(axes, handlelength=2.4)


def _attention(axes: Axes, mood: Mood, edges: Array) -> None:
    """Show which part of the song decided."""
    per_10_s = np.array([1000 * _density(span) for span in mood.timeline])
    decisive = {id(span) for span in _decisive(mood)}
    dark = np.array([id(span) in decisive for span in mood.timeline])
    x = np.repeat(edges, 2)[1:-1]
    heights = np.repeat(per_10_s, 2)
    axes.fill_between(x, heights, color=GRID, linewidth=0, label="the rest")
    axes.fill_between(
        x, np.where(np.repeat(dark, 2), heights, 0), color=QUIET, linewidth=0, label="half of it or more:\nthis decided"
    )
    axes.plot(x, heights, color=INK, linewidth=0.9)
    axes.set(ylabel="attention\n(% in 10 s)", ylim=(0, None))
    axes.locator_params(axis="y", nbins=3)
    legend(axes, handlelength=1.4, reverse=True)


def _edges(mood: Mood) -> Array:
    """Where spans begin, and the last one ends."""
    return np.array([*(span.start_s for span in mood.timeline), mood.timeline[-1].end_s], np.float64)


def _density(span: MoodSpan) -> float:
    """Share of the attention in a second."""
    return span.attention / max(span.end_s - span.start_s, 1e-9)


def _decisive(mood: Mood) -> list[MoodSpan]:
    """Return, in order, the fewest seconds that hold half of the attention."""
    chosen: list[MoodSpan] = []
    for span in sorted(mood.timeline, key=_density, reverse=True):
        if sum(other.attention for other in chosen) >= _DECIDES - 1e-6:
            break
        chosen.append(span)
    return sorted(chosen, key=lambda span: span.start_s)


def _verdict(mood: Mood) -> str:
    parts = [f"{'unsure, most likely ' if mood.unsure else ''}{mood.label} ({mood.scores[mood.label]:.2f})"]
    return ", ".join([*parts, f"judged by {mood.model}"])


def _alt(mood: Mood, title: str, note: str) -> str:
    scores = ", ".join(f"{label} {share:.2f}" for label, share in mood.scores.items())
    decisive = _joined([(span.start_s, span.end_s) for span in _decisive(mood)])
    places = ", ".join(f"{_clock(begin)} to {_clock(end)}" for begin, end in decisive[:_RUNS])
    runs = ", ".join(f"{label} until {_clock(end)}" for label, end in _runs(mood))
    said = f"Mood of {title} over {_clock(mood.timeline[-1].end_s)}. {_verdict(mood)}; {scores}. Likeliest: {runs}. "
    return f"{said}Half of the attention lies at {places}." + (f" {note}." if note else "")


def _runs(mood: Mood) -> list[tuple[str, float]]:
    """Return which mood is likeliest until when; of many changes the longest stretches."""
    spans = [(max(span.scores, key=lambda label: span.scores[label]), span) for span in mood.timeline]
    ends = [(label, list(group)[-1][1].end_s) for label, group in groupby(spans, key=lambda pair: pair[0])]
    while len(ends) > _RUNS:
        begins = [0.0, *(end for _, end in ends)]
        shortest = min(range(1, len(ends)), key=lambda k: ends[k][1] - begins[k])
        ends[shortest - 1 : shortest + 1] = [(ends[shortest - 1][0], ends[shortest][1])]
    return [(label, list(group)[-1][1]) for label, group in groupby(ends, key=lambda run: run[0])]


def _joined(stretches: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join stretches, in order, that touch."""
    joined: list[tuple[float, float]] = []
    for begin, end in stretches:
        if joined and begin - joined[-1][1] < 0.01:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _clock(seconds: float) -> str:
    """``3:25``, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
