"""The report of `converters.recommending`: JSON, Markdown, and two pictures in one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters import report

#: What is told of a list of ten, by its key; an arrow says which way is better.
COLUMNS = {
    "precision": "precision@10 ↑",
    "ndcg": "nDCG@10 ↑",
    "regret": "regret, songs ↓",
    "diversity": "diversity ↑",
    "artists": "artists of 10 ↑",
    "clumps": "same artist within 3 ↓",
    "flow": "flow ↑",
}


def write(path: Path, contents: Mapping[str, Any]) -> None:
    """Write the report's JSON file `path`, and Markdown and picture beside it."""
    report.put(path, contents, page(contents))
    picture(contents, path.with_suffix(".png"))


def page(contents: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    songs, sessions = contents["songs"], contents["sessions"]
    rows = [(name, *(_cell(key, found[key]) for key in COLUMNS)) for name, found in contents["rows"].items()]
    lines = [
        f"# {contents['title']}",
        "",
        f"{len(songs)} folds that share no artist, {min(songs)}-{max(songs)} songs each, {sessions} simulated sessions "
        "on each (`converters/sessions.py`: the usual listeners). From the last ten plays each way offers ten songs "
        "that were not among them. The mood model learned from the labels of three other folds; the numbers of the "
        "listener's filter from simulated sessions over all folds' songs (what it costs to learn them elsewhere is in "
        "`listener.md`). `+-` is the 95 % interval over sessions (by fold: the JSON file). Simulated listening: the "
        "order of the ways means more than the values. MFCC and bliss know how songs sound, and nothing of moods.",
        "",
        *report.table(["way", *COLUMNS.values()], rows),
        "",
        "- precision and nDCG: songs of the mood that the listener is in at the last play, by the set's labels;",
        "- regret: after a change of mood, how many songs are played in the new one until half of the list is of it, "
        "and stays so while ten songs are played (11: it does not come to that); a quarter as many sessions;",
        "- diversity: mean distance between the list's songs by mean MFCC, 1 for songs drawn at random;",
        "- same artist within 3: share of songs whose artist is among the three songs before;",
        "- flow: what the moods of the end of a song and of the beginning of the next have in common, in [-1, 1], by "
        "the mood model's own judgement, which edgemood's order goes by, too.",
        "",
        "`edgemood, told the mood` knows the hidden mood and not which songs are of it: what a perfect listener model "
        "would bring. A peer that was not asked for (`--bliss`) is not in the table. Also in `recommend.png`.",
    ]
    return "\n".join(lines) + "\n"


def _cell(key: str, figure: Mapping[str, Any]) -> str:
    digits = 1 if key in {"regret", "artists"} else 3
    return f"{figure['mean']:.{digits}f} +- {figure['half_interval']:.{digits}f}"


def picture(contents: Mapping[str, Any], path: Path) -> None:
    """Draw how often songs are of the mood, and how lists follow a change of it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 5.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(contents["rows"])
    for place, name in enumerate(reversed(names)):
        found = contents["rows"][name]["precision"]
        left.barh(
            place, found["mean"], xerr=found["half_interval"], color="#2171b5" if place + 1 == len(names) else "#9ecae1"
        )
    left.set_yticks(range(len(names)), list(reversed(names)), fontsize=8)
    left.set(xlabel="songs of the listener's mood among ten", xlim=(0, 1))
    for name in names:
        values = contents["rows"][name]["after_change"]
        right.plot(range(1, len(values) + 1), values, marker=".", linewidth=2.5 if name == names[0] else 1, label=name)
    right.set(xlabel="songs played since the mood changed", ylabel="songs of the new mood among ten", ylim=(0, 1))
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=3, fontsize=7)
    figure.suptitle(contents["title"], fontsize=9)
    figure.savefig(path, dpi=110)
