"""The colours and signs of moods, for every picture and page: this is the one place that has them.

Warm is high arousal, light is positive valence. So the four quadrants stay apart in the two dimensions that are left to
those who cannot tell red from green, or yellow from blue; each has a marker and a hatching, too, for a second cue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Colours of the four quadrants. On black all have a contrast of 3:1 at least; on white the light ones need an outline.
COLOURS: Mapping[str, str] = {"happy": "#e9a820", "angry": "#b82f45", "sad": "#4659cf", "calm": "#43c0bd"}

#: Signs of the four quadrants where they stand for single songs; names are matplotlib's.
MARKERS: Mapping[str, str] = {"happy": "o", "angry": "^", "sad": "v", "calm": "s"}

#: Hatchings of the four quadrants where they fill an area; names are matplotlib's.
HATCHES: Mapping[str, str] = {"happy": "", "angry": "//", "sad": "\\\\", "calm": ".."}

#: Outlines, text; text that matters less; lines of a grid; what is not judged.
INK, QUIET, GRID, GREY = "#1d2126", "#5b636d", "#d9dde2", "#72787f"

_OTHERS = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")  # Okabe and Ito's
_MORE_MARKERS = "o^svDPX*"
_MORE_HATCHES = ("", "//", "\\\\", "..", "--", "xx", "||", "++")


def colours(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour for each label: those of the quadrants, or of eight others, again and again, for other labels."""
    return _signs(labels, COLOURS, _OTHERS)


def markers(labels: Iterable[str]) -> dict[str, str]:
    """Return a marker for each label, as `colours` does colours."""
    return _signs(labels, MARKERS, _MORE_MARKERS)


def hatches(labels: Iterable[str]) -> dict[str, str]:
    """Return a hatching for each label, as `colours` does colours."""
    return _signs(labels, HATCHES, _MORE_HATCHES)


def _signs(labels: Iterable[str], known: Mapping[str, str], others: Iterable[str]) -> dict[str, str]:
    names, signs = list(labels), list(others)
    if set(names) <= set(known):
        return {name: known[name] for name in names}
    return {name: signs[number % len(signs)] for number, name in enumerate(names)}
