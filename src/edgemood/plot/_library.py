"""A library on the plane of valence and arousal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgemood import palette
from edgemood.domain import QUADRANTS, UNSURE_BELOW
from edgemood.palette import INK, QUIET
from edgemood.plot import Picture
from edgemood.plot._canvas import Array, bottom_up, canvas, finish, head, readable, text_on
from edgemood.shelf import LABELLED, Shelf

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DENSE = 3000  # songs from which on they are counted, not drawn one by one
_SUMMED_UP = 30  # songs from which on it is shown how they spread along each axis
_HEXAGONS = 44  # across the plane
_LENGTHS = (36, 18)  # characters of a song's name, the second where the first does not fit
#: Where a name may stand beside its song, in points, the best first.
_SIDES = (
    (8, 0, "left", "center"),
    (-8, 0, "right", "center"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
    (7, 7, "left", "bottom"),
    (7, -7, "left", "top"),
    (-7, 7, "right", "bottom"),
    (-7, -7, "right", "top"),
)
_WIDTH, _HEIGHT, _SIDE = 7.8, 10.05, 5.9  # in inches: of the picture, and of the plane


@dataclass(frozen=True)
class _Songs:
    """What is drawn of the songs."""

    shelf: Shelf

    @cached_property
    def labels(self) -> list[str]:
        return bottom_up(self.shelf.labels)

    @cached_property
    def scores(self) -> Array:
        """Float64 ``[songs, labels]``."""
        order = [self.shelf.labels.index(label) for label in self.labels]
        return self.shelf.scores[:, order] / 255.0

    @cached_property
    def mood(self) -> NDArray[np.intp]:
        """Which label is the likeliest."""
        return np.asarray(self.scores.argmax(axis=1), np.intp)

    @cached_property
    def unsure(self) -> NDArray[np.bool_]:
        return np.asarray((self.scores.max(axis=1) < UNSURE_BELOW) & (self.shelf.flags & LABELLED == 0), np.bool_)

    @cached_property
    def place(self) -> Array | None:
        """Valence and arousal, float64 ``[2, songs]``; None where the labels are not the four quadrants."""
        if set(self.labels) != set(QUADRANTS):
            return None
        return np.asarray(
            np.clip(self.scores @ np.array([QUADRANTS[label] for label in self.labels]), -1, 1).T, np.float64
        )

    def counts(self, among: NDArray[np.bool_] | None = None) -> list[int]:
        """How many songs are of each mood."""
        mood = self.mood if among is None else self.mood[among]
        return [int(count) for count in np.bincount(mood, minlength=len(self.labels))]


def draw(shelf: Shelf, suffix: str, names: Mapping[int, str], note: str) -> Picture:
    """See `plot.library`."""
    songs, title = _Songs(shelf), f"{_number(len(shelf))} on the map of moods"
    note = "; ".join(part for part in (f"judged by {shelf.model}", readable(note, 100)) if part)
    if songs.place is None:
        title = f"{_number(len(shelf))} by mood"
        with canvas(suffix, 8, 1.8 + 0.45 * len(songs.labels)) as figure:
            _bars(figure.subplots(), songs)
            head(figure, title, note)
            return finish(figure, suffix, title, _alt(songs, note))
    many = len(shelf) >= _SUMMED_UP
    with canvas(suffix, _WIDTH, _HEIGHT if many else _HEIGHT - 0.7, layout=None) as figure:
        plane = _place(figure, 0.85, 2.8, _SIDE, _SIDE)
        _plane(plane, songs, songs.place)
        if many:
            above = _place(figure, 0.85, 2.8 + _SIDE + 0.1, _SIDE, 0.6)
            beside = _place(figure, 0.85 + _SIDE + 0.1, 2.8, 0.6, _SIDE)
            _spread(above, beside, songs.place)
        _bars(_place(figure, 0.85, 0.5, _WIDTH - 1.05, 1.15), songs)
        head(figure, title, note)
        _name(plane, songs, songs.place, names)
        return finish(figure, suffix, title, _alt(songs, note))


def _place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes, in inches."""
    total = figure.get_figheight()
    return figure.add_axes((left / _WIDTH, bottom / total, width / _WIDTH, height / total))


def _plane(axes: Axes, songs: _Songs, place: Array) -> None:
    """Draw each song, or how many lie where."""
    axes.set(xlim=(-1.19, 1.19), ylim=(-1.19, 1.19))
    axes.set_xlabel("valence, from −1 (negative) to 1 (positive)")
    axes.set_ylabel("arousal, from −1 (quiet) to 1 (energetic)")
    ticks = [-1, -0.5, 0, 0.5, 1]
    axes.set_xticks(ticks, ["−1", "−0.5", "0", "0.5", "1"])
    axes.set_yticks(ticks, ["−1", "−0.5", "0", "0.5", "1"])
    axes.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    for label, (v, a) in QUADRANTS.items():
        side: dict[str, Any] = {"ha": "right" if v > 0 else "left", "va": "top" if a > 0 else "bottom"}
        axes.text(1.17 * v, 1.17 * a, label, fontsize=12, fontweight="bold", zorder=6, **side)
    if len(songs.shelf) < _DENSE:
        _points(axes, songs, place)
    else:
        _density(axes, songs, place)


def _points(axes: Axes, songs: _Songs, place: Array) -> None:
    """Draw each song with the marker of its mood, hollow where that is unsure."""
    colours, markers = palette.colours(songs.labels), palette.markers(songs.labels)
    size = float(np.interp(np.log10(max(len(songs.shelf), 1)), [1, 3.5], [75, 12]))
    for k, label in enumerate(songs.labels):
        for unsure in (True, False):
            rows = (songs.mood == k) & (songs.unsure == unsure)
            fill: dict[str, Any] = (
                {"facecolor": "white", "edgecolor": colours[label], "linewidth": 1.4}
                if unsure
                else {"facecolor": colours[label], "edgecolor": INK, "linewidth": 0.6}
            )
            axes.scatter(place[0, rows], place[1, rows], s=size, marker=markers[label], alpha=0.9, zorder=3, **fill)
    handles = [_sign(palette.markers([label])[label], label, colours[label]) for label in reversed(songs.labels)]
    _below(axes, [*handles, _sign("o", "hollow: unsure", "white")])


def _density(axes: Axes, songs: _Songs, place: Array) -> None:
    """Draw hexagons, the fuller the more songs lie there, in the colour of most of them."""
    from matplotlib.colors import to_rgb

    where: dict[str, Any] = {"gridsize": (_HEXAGONS, int(_HEXAGONS / 3**0.5)), "extent": (-1, 1, -1, 1), "mincnt": 1}
    most = axes.hexbin(
        place[0], place[1], C=songs.mood, reduce_C_function=_commonest, linewidths=0.2, zorder=2, **where
    )
    counted = axes.hexbin(place[0], place[1], **where)
    counts = np.asarray(counted.get_array(), np.float64)
    moods = np.asarray(most.get_array(), np.intp)
    counted.remove()
    fullness = np.log(counts) / max(np.log(counts.max()), 1e-9)
    colours = np.array([to_rgb(palette.colours(songs.labels)[label]) for label in songs.labels])[moods]
    most.set_array(None)
    most.set_facecolor(_shade(colours, fullness).tolist())
    most.set_edgecolor("face")
    _scale(axes, int(counts.max()))


def _commonest(moods: Any) -> int:
    return int(np.bincount(np.asarray(moods, np.intp)).argmax())


def _shade(colours: Array, fullness: Array) -> Array:
    """Lead from nearly white through the colour to a dark one."""
    f = np.asarray(fullness)[:, None]
    light = 1 - (1 - colours) * np.clip(0.18 + f / 0.75 * 0.82, 0, 1)
    return np.asarray(light * (1 - 0.55 * np.clip((f - 0.75) / 0.25, 0, 1)))


def _scale(axes: Axes, top: int) -> None:
    """Explain how full a hexagon is of how many songs."""
    steps = sorted({*(10**k for k in range(6) if 10**k < 0.5 * top), top})
    fullness = np.log(steps) / max(np.log(top), 1e-9)
    greys = _shade(np.full((len(steps), 3), 0.45), fullness).tolist()
    handles = [_sign("h", f"{step:,}", tuple(grey), edge="none") for step, grey in zip(steps, greys, strict=True)]
    _below(axes, handles, "songs in a hexagon, which has the colour of most of them")


def _sign(marker: str, label: str, colour: Any, edge: str = INK) -> Any:
    from matplotlib.lines import Line2D

    style: dict[str, Any] = {"markerfacecolor": colour, "markeredgecolor": edge, "markeredgewidth": 0.6}
    return Line2D([], [], linestyle="", marker=marker, markersize=8, label=label, **style)


def _below(axes: Axes, handles: list[Any], title: str | None = None) -> None:
    """Put a legend below the plane."""
    where: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.075), "ncols": len(handles)}
    axes.legend(handles=handles, handletextpad=0.1, columnspacing=1.4, title=title, title_fontsize=9, **where)


def _spread(above: Axes, beside: Axes, place: Array) -> None:
    """Show how songs spread along valence, and along arousal."""
    bins = np.linspace(-1, 1, 21 if place.shape[1] < 300 else 41).tolist()
    above.hist(place[0], bins=bins, color=QUIET, rwidth=0.9)
    beside.hist(place[1], bins=bins, color=QUIET, rwidth=0.9, orientation="horizontal")
    for axes, counted in ((above, above.yaxis), (beside, beside.xaxis)):
        axes.set(**{"xlim" if axes is above else "ylim": (-1.19, 1.19), "xticks" if axes is above else "yticks": []})
        axes.tick_params(labelsize=8)
        counted.set_major_locator(_two_ticks())
        counted.set_major_formatter(lambda value, _: f"{value:,.0f}")
    above.set_ylabel("songs", fontsize=8.5)
    beside.set_xlabel("songs", fontsize=8.5)


def _two_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(2, integer=True)


def _bars(axes: Axes, songs: _Songs) -> None:
    """Count the songs of each mood; of which how many are unsure."""
    colours, hatches = palette.colours(songs.labels), palette.hatches(songs.labels)
    everything, unsure = songs.counts(), songs.counts(songs.unsure)
    for y, label in enumerate(songs.labels):
        sure = everything[y] - unsure[y]
        veil = text_on(colours[label])
        axes.barh(y, sure, color=colours[label], edgecolor=INK, linewidth=0.6)
        if hatches[label]:
            axes.barh(y, sure, facecolor="none", edgecolor=veil, hatch=hatches[label], linewidth=0, alpha=0.3)
        axes.barh(y, unsure[y], left=sure, facecolor="white", edgecolor=colours[label], linewidth=1.2)
        share = f" ({everything[y] / len(songs.shelf):.0%})" if len(songs.shelf) >= 10 else ""
        words = f"  {everything[y]:,}{share}" + _of_which(unsure[y], everything[y])
        axes.text(everything[y], y, words, va="center", fontsize=9)
    axes.set_yticks(range(len(songs.labels)), [readable(label, 20) for label in songs.labels])
    axes.set(xlabel="songs", xlim=(0, 1.65 * max(everything)))
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(_few_ticks())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _of_which(unsure: int, of: int) -> str:
    if not unsure:
        return ""
    return ", unsure" if of == 1 else ", all unsure" if unsure == of else f", {unsure:,} of them unsure"


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(6, integer=True)


def _name(axes: Axes, songs: _Songs, place: Array, names: Mapping[int, str]) -> None:
    """Write names beside songs where they do not lie on others."""
    if not names:
        return
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    taken = [np.tile(axes.transData.transform(point), 2) + np.array([-6, -6, 6, 6]) for point in place.T]
    taken += [_box(text) for text in axes.texts]
    frame = _box(axes.patch)
    for row, song in enumerate(songs.shelf.ids.tolist()):
        for most, (dx, dy, ha, va) in product(_LENGTHS, _SIDES) if song in names else ():
            style: dict[str, Any] = {"ha": ha, "va": va, "fontsize": 8.5, "zorder": 5, "textcoords": "offset points"}
            text = axes.annotate(readable(names[song], most), tuple(place[:, row]), (dx, dy), **style)
            box = _box(text)
            inside = (box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all()
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _box(artist: Any) -> Array:
    """Left, bottom, right and top in pixels."""
    return np.asarray(artist.get_window_extent().extents)


def _overlap(one: Array, other: Array) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


def _alt(songs: _Songs, note: str) -> str:
    counts = ", ".join(f"{count:,} {label}" for label, count in zip(songs.labels, songs.counts(), strict=True))
    said = f"{_number(len(songs.shelf))}: {counts}; {int(songs.unsure.sum()):,} of them unsure."
    said += f" {note[:1].upper()}{note[1:]}."
    if songs.place is None:
        return said
    v, a = (f"{value:+.2f}" for value in songs.place.mean(axis=1))
    return f"{said} On the plane of valence and arousal their middle lies at valence {v}, arousal {a}."


def _number(count: int) -> str:
    return f"{count:,} song" + ("" if count == 1 else "s")
