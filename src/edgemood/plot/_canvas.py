"""What all pictures share: how they begin and end, text, and moods stacked over time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgemood import palette
from edgemood.domain import QUADRANTS
from edgemood.errors import ConfigError
from edgemood.palette import GRID, INK, QUIET
from edgemood.plot import SUFFIXES, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: The quadrants from the bottom of a stack to its top: below are those of low arousal, above those of high arousal.
_BOTTOM_UP = ("sad", "calm", "happy", "angry")
#: Fonts for what the first one lacks, where they are installed.
_MORE_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK KR", "WenQuanYi Zen Hei", "IPAGothic"),
    *("Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Emoji", "Unifont"),
)
_LONGEST = 70  # characters of a text that somebody else wrote
_DPI = 120

_STYLE: Any = {
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.grid.axis": "both",
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "svg.hashsalt": "edgemood",
    "text.color": INK,
    "text.parse_math": False,  # titles of songs are no formulas: a "$" in one must not start one
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
}


@contextmanager
def canvas(
    suffix: str, width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> Iterator[Figure]:
    """Begin a picture of that size in inches; what is drawn on it within has one style.

    layout: None where who draws says himself where things lie.

    Raises
    ------
    ConfigError
        matplotlib is not installed, or there is no such format.

    """
    if suffix.lower() not in SUFFIXES:
        raise ConfigError(f"cannot draw {suffix!r}: the name of a picture has to end in one of {' '.join(SUFFIXES)}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.font_manager import fontManager
    except ImportError:
        raise ConfigError("plotting needs matplotlib: pip install 'edgemood[plot]'") from None
    installed = set(fontManager.get_font_names())
    fonts = ["DejaVu Sans", *(name for name in _MORE_FONTS if name in installed)]
    with matplotlib.rc_context({**_STYLE, "font.family": fonts}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of a title in a script without a font here
        yield Figure(figsize=(width, height), layout=layout)


def finish(figure: Figure, suffix: str, title: str, alt: str) -> Picture:
    """End a picture; its file says what is to be seen on it."""
    kind = suffix.lower()[1:]
    words = {"Title": title, "Description" if kind != "pdf" else "Subject": alt}
    made: dict[str, dict[str, Any]] = {"png": {"Software": "edgemood"}, "svg": {"Creator": "edgemood", "Date": None}}
    metadata: dict[str, Any] = {**words, **made.get(kind, {"Creator": "edgemood", "CreationDate": None})}
    content = BytesIO()  # matplotlib does not take a full disk well: it never sees the file
    figure.savefig(content, format=kind, dpi=_DPI, metadata=metadata)
    return Picture(_smaller(content, metadata) if kind == "png" else content.getvalue(), alt)


def _smaller(png: BytesIO, words: Mapping[str, str]) -> bytes:
    """Make a PNG of 256 colours, which takes a third of the room and looks the same."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in words.items():
        info.add_itxt(key, value)
    content = BytesIO()
    with Image.open(png) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        colours = few.getpalette() or []
        paper = 3 * few.getpixel((0, 0))
        few.putpalette([*colours[:paper], 255, 255, 255, *colours[paper + 3 :]])  # it comes out as not quite white
        few.save(content, "PNG", optimize=True, dpi=(_DPI, _DPI), pnginfo=info)
    return content.getvalue()


def readable(text: str, most: int = _LONGEST) -> str:
    """Return text that can be drawn: one line, no control characters, odd bytes escaped, not too long."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    line = " ".join("".join(char if char.isprintable() else " " for char in whole).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def head(figure: Figure, title: str, note: str) -> None:
    """Write a title, and below it a smaller line or two; the layout leaves them room."""
    width, height = figure.get_size_inches()
    lines = wrap(note, int(12 * width), max_lines=2, placeholder=" …")
    figure.text(0.1 / width, 1 - 0.1 / height, title, ha="left", va="top", fontsize=13, fontweight="bold")
    figure.text(0.1 / width, 1 - 0.38 / height, "\n".join(lines), ha="left", va="top", color=QUIET)
    if (layout := figure.get_layout_engine()) is not None:
        layout.set(rect=(0, 0, 1, 1 - (0.44 + 0.18 * len(lines)) / height))  # type: ignore[call-arg]


def signed(value: float) -> str:
    """``+0.25``, with a true minus."""
    return f"{value:+.2f}".replace("-", "−")


def bottom_up(labels: Sequence[str]) -> list[str]:
    """Return labels in the order in which they are stacked."""
    return list(_BOTTOM_UP) if set(labels) == set(QUADRANTS) else list(labels)


def text_on(colour: str) -> str:
    """Return the colour of text on a mood's colour."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def stack(axes: Axes, edges: Array, shares: Array, labels: Sequence[str], line: float = 0.9) -> None:
    """Stack shares ``[steps, labels]`` over the steps between ``edges[steps + 1]``; labels from the bottom up.

    line: how wide the lines between them are, in points.
    """
    x = np.repeat(edges, 2)[1:-1]
    heights = np.repeat(np.hstack([np.zeros((len(shares), 1)), shares.cumsum(axis=1)]), 2, axis=0)
    colours, hatches = palette.colours(labels), palette.hatches(labels)
    for k, label in enumerate(labels):
        low, high = heights[:, k], heights[:, k + 1]
        veil = text_on(colours[label])
        axes.fill_between(x, low, high, color=colours[label], linewidth=0)
        if hatches[label]:
            axes.fill_between(
                x, low, high, facecolor="none", edgecolor=veil, hatch=hatches[label], alpha=0.16, linewidth=0
            )
        if k:
            axes.plot(x, low, color="white", linewidth=line, solid_joinstyle="miter")


def name_areas(axes: Axes, pieces: Sequence[tuple[Array, Array]], labels: Sequence[str]) -> None:
    """Write each label into its area of `pieces` (edges, shares): where it is widest, if it fits."""
    from matplotlib.transforms import blended_transform_factory

    left, right = axes.get_xlim()
    columns = left + (np.arange(400) + 0.5) / 400 * (right - left)
    floors = np.full((len(columns), len(labels) + 1), np.nan)
    for edges, shares in pieces:
        within = (columns >= edges[0]) & (columns < edges[-1])
        step = np.clip(np.searchsorted(edges, columns[within], side="right") - 1, 0, len(shares) - 1)
        floors[within] = np.hstack([np.zeros((len(step), 1)), shares[step].cumsum(axis=1)])
    colours = palette.colours(labels)
    place = blended_transform_factory(axes.transData, axes.transAxes)
    for k, label in enumerate(labels):
        room = 14 + 6 * min(len(label), 20)  # columns
        windows = np.lib.stride_tricks.sliding_window_view(floors[:, k : k + 2], room, axis=0)
        low, high = windows[:, 0].max(axis=1), windows[:, 1].min(axis=1)
        free = np.nan_to_num(high - low, nan=-1.0)
        best = int((free - 0.0002 * np.abs(np.arange(len(free)) - len(free) / 2)).argmax())  # the middle, if all alike
        if free[best] > 0.1:
            x, y = columns[best + room // 2], (low[best] + high[best]) / 2
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 10.5, "fontweight": "bold"}
            axes.text(x, y, readable(label, 20), transform=place, color=text_on(colours[label]), **style)


def mood_patches(labels: Sequence[str], shares: Mapping[str, float] | None = None, hatched: bool = True) -> list[Any]:
    """Return what explains the areas of a stack in a legend, in their order; with the values of `shares`."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Patch

    colours, hatches = palette.colours(labels), palette.hatches(labels)
    patches = []
    for label in reversed(labels):
        name = readable(label, 20) + (f"  {shares[label]:.2f}" if shares else "")
        veil = to_rgba(text_on(colours[label]), 0.35)
        hatch = hatches[label] if hatched else ""
        patches.append(Patch(facecolor=colours[label], edgecolor=veil, hatch=hatch, linewidth=0, label=name))
    return patches


def legend(axes: Axes, handles: Sequence[Any] | None = None, **more: Any) -> None:
    """Explain what is drawn, beside it."""
    style: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "handleheight": 1.2, **more}
    axes.legend(**style) if handles is None else axes.legend(handles=list(handles), **style)


def time_ticks(begin: float, end: float, most: int = 10) -> tuple[list[float], float]:
    """Return round times, in seconds, between two times, at most so many, and their distance."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    step = next(
        (step for step in steps if (end - begin) / step <= most), 86400 * (1 + int((end - begin) / 86400 / most))
    )
    first = int(np.ceil(begin / step))
    return [float(step * k) for k in range(first, int(end // step) + 1)], float(step)
