"""A picture of a song's mood over time. Needs matplotlib (the extra ``plot``)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgemood.domain import Mood
from edgemood.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of the four quadrants; other labels take matplotlib's own cycle.
COLOURS = {"happy": "#f2b134", "angry": "#d1495b", "sad": "#4f6d9c", "calm": "#66a182"}

#: What the name of a picture may end in.
SUFFIXES = (".png", ".svg", ".pdf")


def save(mood: Mood, title: str, out: str) -> None:
    """Draw the moods' shares over time, valence and arousal, and where the attention lies.

    Parameters
    ----------
    mood
        What to draw; its timeline has at least one span.
    title
        Stands above the picture.
    out
        File to write; its suffix, one of `SUFFIXES`, decides the format.

    Raises
    ------
    ConfigError
        matplotlib is not installed, or the suffix is none of those.
    OSError
        The file cannot be written.

    """
    if Path(out).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"cannot draw {out!r}: its name has to end in one of {' '.join(SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("plotting needs matplotlib: pip install 'edgemood[plot]'") from None
    on_plane = mood.valence is not None
    figure = Figure(figsize=(9, 5.5 if on_plane else 4), layout="constrained")
    panels = figure.subplots(3 if on_plane else 2, 1, sharex=True, height_ratios=[3, 2, 1] if on_plane else [3, 1])
    # Titles of songs are no formulas: a "$" in one must not start one.
    panels[0].set_title(title, parse_math=False)
    _shares(panels[0], mood)
    if on_plane:
        _plane(panels[1], mood)
    _attention(panels[-1], mood)
    panels[-1].set_xlabel("time in s")
    picture = BytesIO()  # matplotlib does not take a full disk well: it never sees the file
    figure.savefig(picture, format=Path(out).suffix.lower()[1:], dpi=120)
    Path(out).write_bytes(picture.getvalue())


def _shares(axes: Axes, mood: Mood) -> None:
    """Stack the probabilities of the moods."""
    labels = list(mood.scores)
    shares = [_steps([span.scores[label] for span in mood.timeline]) for label in labels]
    colours = [COLOURS[label] for label in labels] if set(labels) <= set(COLOURS) else None
    axes.stackplot(_edges(mood), shares, labels=labels, colors=colours)
    axes.set(ylabel="probability", ylim=(0, 1), xlim=(mood.timeline[0].start_s, mood.timeline[-1].end_s))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)


def _plane(axes: Axes, mood: Mood) -> None:
    """Draw valence and arousal."""
    for name in ("valence", "arousal"):
        axes.plot(_edges(mood), _steps([getattr(span, name) for span in mood.timeline]), label=name)
    axes.axhline(0, color="grey", linewidth=0.5)
    axes.set(ylabel="valence, arousal", ylim=(-1, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _attention(axes: Axes, mood: Mood) -> None:
    """Show which part of the song decided."""
    per_s = [span.attention / max(span.end_s - span.start_s, 1e-9) for span in mood.timeline]
    axes.fill_between(_edges(mood), _steps(per_s), color="#777777")
    axes.set(ylabel="attention", yticks=[], ylim=(0, None))


def _edges(mood: Mood) -> list[float]:
    """Start and end of every span, so that each is drawn level."""
    return [second for span in mood.timeline for second in (span.start_s, span.end_s)]


def _steps(values: list[float]) -> list[float]:
    return [float(value) for value in np.repeat(values, 2)]
