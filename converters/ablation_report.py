"""The report of `converters.ablation`: JSON, Markdown, and the differences as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters import report

NAME = "ablation"
#: What a reader has to know of a set before believing its column.
ABOUT = {
    "4qaed": "The groups had been chosen on these same clips and folds, so this column is somewhat too good: an "
    "interval says how sure a difference is, not that it was predicted. When groups were picked anew for each test "
    "fold by its training folds alone, from many more candidates (greedily, by prototypes), macro F1 was 0.660 where "
    "lld50 had 0.601.",
    "emotify": "Emotify was not looked at when the groups were chosen. Its clips are labelled by the quadrant that "
    "most votes fall on; its artists are not known, so its folds may share them. Macro F1 counts a rare label as "
    "much as a common one, so that it hangs on a few clips here.",
    "emotify, strongest emotion": "The same clips, labelled by the quadrant of the one emotion that most votes fall "
    "on, which is less lopsided; so the trials by which the groups were chosen had judged Emotify, once, when they "
    "had been. This reading was added here after the other had shown no gain.",
}
TITLES = {"lld50": "Beside lld50", "wide": "A group less"}


def write(folder: Path, contents: Mapping[str, Any]) -> None:
    """Write ``ablation.json``, ``.md`` and ``.png`` into `folder`."""
    path = folder / f"{NAME}.json"
    report.put(path, contents, markdown(contents))
    draw(contents, path.with_suffix(".png"))


def markdown(contents: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    settings = contents["settings"]
    lines = [
        "# Ablation of the descriptors",
        "",
        "An RBF-SVM on mean and deviation of each column over a clip's segments, evened out (`converters.normalise`), "
        "C and gamma chosen inside the training folds; five folds, a clip is judged by a machine that saw none of "
        "its fold. Differences are of macro F1: beside lld50, or to all of wide (lld84 and harmony) where a group is "
        "left out, so that a minus there is what the group earns. Intervals are 95 % over clips (bootstrap; paired "
        "for differences), not corrected for the number of rows; bold where they leave out 0. Cost: CPU time of "
        f"extraction in times that of lld50, median of {settings['rounds']} rounds in which rows take turns, on "
        f"{settings['seconds']:.0f} s of tones in noise; how far lld50's own is from 1 says how steady that is. "
        f"Feature version {settings['feature_version']}. Also in `{NAME}.png`; quartiles and all other figures are in "
        f"`{NAME}.json`.",
    ]
    for name, counts in contents["sets"].items():
        of_each = ", ".join(f"{count} {label}" for label, count in counts.items())
        said = f" {ABOUT[name]}" if name in ABOUT else ""
        lines += ["", f"**{name}**: {sum(counts.values())} clips ({of_each}).{said}"]
    for reference, title in TITLES.items():
        lines += ["", f"## {title}", "", *table(contents, reference)]
    lines += ["", "## Groups", ""]
    return "\n".join([*lines, *(f"- **{group}**: {_listed(own)}" for group, own in contents["groups"].items())]) + "\n"


def table(contents: Mapping[str, Any], reference: str) -> list[str]:
    """The lines of the table of one reference and of the rows that are compared with it."""
    heads = ["columns", "number", "cost"]
    for name in contents["sets"]:
        heads += [f"macro F1 on {name} (95 %)", "difference (95 %)"]
        heads += ["arousal / valence"] if _has_valence(contents, name) else []
    rows = []
    for title, row in contents["rows"].items():
        if title == reference or row["reference"] == reference:
            cells = [title, str(row["columns"]), f"{row['cost']['median']:.2f}"]
            for name in contents["sets"]:
                cells += _cells(row["judged"][name], title == reference, _has_valence(contents, name))
            rows.append(cells)
    return report.table(heads, rows)


def _cells(figures: Mapping[str, Any], is_reference: bool, has_valence: bool) -> list[str]:
    cells = [report.f1(figures), "" if is_reference else _difference(figures)]
    signs = f"{figures['arousal_accuracy']:.3f} / {figures['valence_accuracy']:.3f}" if has_valence else ""
    return [*cells, signs] if has_valence else cells


def _difference(figures: Mapping[str, Any]) -> str:
    low, high = figures["difference_95"]
    text = report.change(figures["difference"], (low, high))
    return text if low <= 0 <= high else f"**{text}**"


def _has_valence(contents: Mapping[str, Any], name: str) -> bool:
    return all("valence_accuracy" in row["judged"][name] for row in contents["rows"].values())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def draw(contents: Mapping[str, Any], path: Path) -> None:
    """A picture of the differences with their intervals: a panel for each reference, a bar for each set."""
    from matplotlib.figure import Figure

    sets, rows = list(contents["sets"]), contents["rows"]
    height = 0.8 / len(sets)
    figure = Figure(figsize=(10, 5), layout="constrained")
    panels = figure.subplots(1, len(TITLES))
    for panel, (reference, title) in zip(panels, TITLES.items(), strict=True):
        shown = {name: row for name, row in rows.items() if row["reference"] == reference}
        for k, name in enumerate(sets):
            judged = [row["judged"][name] for row in shown.values()]
            value = [figures["difference"] for figures in judged]
            beyond = report.beyond(value, [figures["difference_95"] for figures in judged])
            at = np.arange(len(shown)) + (k - (len(sets) - 1) / 2) * height
            panel.barh(at, value, height, xerr=beyond, label=name, error_kw={"linewidth": 1})
        panel.axvline(0, color="black", linewidth=0.8)
        panel.set_yticks(range(len(shown)), shown)
        panel.invert_yaxis()
        panel.set(xlabel=f"macro F1 less that of {reference} (95 % over clips)", title=title)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(sets))
    figure.savefig(path, dpi=110)
