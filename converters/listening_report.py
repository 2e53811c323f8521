"""The report of `converters.listening`: JSON, Markdown, and how accuracy grows with the songs as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters import listening_logs, report
from converters.sessions import OTHERS

#: What the paper gives, in percent, by the number of songs; its listening records were never published.
PAPER = {"1": 60.2, "3": 64.3, "5": 65.4, "10": 70.8}
TITLES = {
    "mean": "mean of the last k",
    "decay": "exponential decay, half-life learned",
    "network": "the paper's network: vectors and scores",
    "network-events": "its like on scores, times and skips",
    "filter-order": "Bayes filter, order of the songs alone",
    "filter": "Bayes filter with times and skips, learned",
    "shipped": "the filter that ships: the same, its numbers fixed",
}


def write(path: Path, contents: Mapping[str, Any]) -> None:
    """Write the report's JSON file `path`, and Markdown and picture beside it."""
    report.put(path, contents, page(contents))
    picture(contents, path.with_suffix(".png"))


def page(contents: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    rows = contents["rows"]
    lines = [f"# {contents['title']}", "", *_protocol(contents), "", "## Table 3", ""]
    table = [
        (TITLES[row], *(_cell(found["by"][k]) for k in PAPER), f"{found['log_loss']:.3f}", _less(row, found))
        for row, found in rows.items()
    ]
    table.append(("the paper, on its own records", *(f"{value:.1f}" for value in PAPER.values()), "", ""))
    heads = ["right, in percent, from the last k songs", *PAPER, "log loss, 10", "shipped is better by"]
    lines += [*report.table(heads, table), "", "Also in `listener.png`.", ""]
    lines += ["## Other listeners", "", "From the last 10 songs; learned on the usual listeners, as above.", ""]
    others = [name for name in OTHERS if all(name in found["by"] for found in rows.values())]
    cells = [(name, *(f"{100 * found['by'][name]['accuracy']:.1f}" for found in rows.values())) for name in others]
    lines += report.table(["listeners", *rows], cells)
    lines += ["", "## What was learned", "", "Medians over folds and seeds, for 10 songs.", ""]
    learned = [(TITLES[row], _settings(found["learned"])) for row, found in rows.items() if found["learned"]]
    lines += report.table(["reader", "settings"], learned)
    lines += ["", *_logs(contents)]
    return "\n".join(lines) + "\n"


def _protocol(contents: Mapping[str, Any]) -> list[str]:
    accuracy = contents["mood_models"]["test_accuracy"]
    count = contents["folds"] * contents["seeds"] * contents["sessions"]
    return [
        "Sessions are simulated (`converters/sessions.py` says how, and what of it is assumed): no public set joins "
        "listening logs with sound and mood. Five folds that share no artist: of each, sessions run over its songs "
        "alone; what a row learns it learns from sessions over the fold after it, and the mood model that judged both "
        "learned from the labels of the other three. What counts as right is the simulated listener's mood at the last "
        "song. Wrong can be the mood model (it is right on "
        f"{100 * min(accuracy):.0f}-{100 * max(accuracy):.0f} % of a fold's songs) or the listener, who plays "
        f"{100 * contents['habits']['off_mood']:.0f} % of songs off mood.",
        "",
        f"{count} sessions to a figure ({contents['folds']} folds, {contents['seeds']} seeds of sessions and "
        "networks); `+-` is the 95 % interval over sessions, in brackets the worst and best fold. The filter assumes a "
        "listener of the simulator's kind, though not its numbers, which favours it: see the other listeners below. "
        "The numbers of the filter that ships were learned on all folds together. The networks see the songs of one "
        "fold only (144 for 4QAED). The paper's figures are of other data and not comparable.",
    ]


def _cell(figure: Mapping[str, Any]) -> str:
    low, high = min(figure["folds"]), max(figure["folds"])
    half = 100 * figure["half_interval"]
    return f"{100 * figure['accuracy']:.1f} +- {half:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _less(row: str, found: Mapping[str, Any]) -> str:
    less = found["less_than_shipped"]
    if row == "shipped" or not less:
        return ""
    return f"{100 * less['mean']:+.1f} +- {100 * less['half_interval']:.1f}"


def _settings(learned: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in learned.items())


def _logs(contents: Mapping[str, Any]) -> list[str]:
    logs = contents["logs"]
    names = {
        "gini": f"Gini coefficient of plays over a listener's artists (median, of the top {listening_logs.TOP})",
        "top10": "share of plays that go to the ten artists played most (median)",
        "coherence": "intraclass correlation of the moods of one listener's artists",
        "listeners": "listeners",
    }
    rows = [
        (text, *(f"{found[key]:g}" if key in found else "" for found in logs.values())) for key, text in names.items()
    ]
    what = (
        "Real: Last.fm, HetRec 2011 (artists' moods by their tags)." if "real" in logs else "No real logs were given."
    )
    return ["## Simulated listening beside real", "", what, "", *report.table(["", *logs], rows)]


def picture(contents: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy over the number of songs, a line to a reader."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    windows = list(map(int, PAPER))
    for row, found in contents["rows"].items():
        values = [100 * found["by"][k]["accuracy"] for k in PAPER]
        axes.plot(windows, values, marker="o", linewidth=2.5 if row == "shipped" else 1, label=TITLES[row])
    axes.plot(windows, list(PAPER.values()), "k--", marker="s", label="the paper (other data)")
    axes.set(xlabel="last songs", ylabel="present mood right, %", xticks=windows)
    axes.set_title(contents["title"], fontsize=8)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=110)
