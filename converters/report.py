"""Reports for people and programs: Markdown, JSON, a picture of the confusion matrix, and a bundle's card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.datasets import DataError
from converters.fit import Recipe
from converters.kernel import KernelConfig
from converters.material import Material
from converters.network import NetworkConfig
from edgemood.domain import UNSURE_BELOW

SPREAD_OF = ("macro_f1", "accuracy", "arousal_accuracy", "valence_accuracy", "log_loss")


#: Title of the report of an inner validation.
TUNE_TITLE = "Inner validation: on behalf of each test fold, trained on three others, judged on the fourth"


def inner_row(judged: Mapping[str, Any]) -> dict[str, float]:
    """The row of a candidate in the report of an inner validation: macro F1 by test fold, and the pooled log loss."""
    row = {f"test fold {k}": figures["macro_f1"] for k, figures in enumerate(judged["by_fold"])}
    return row | {"all": judged["model"]["macro_f1"], "log loss": judged["model"]["log_loss"]}


def plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON."""
    return asdict(recipe)


def recipe_of(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `plain` wrote; what an older report does not name has its default."""
    kernel = values.get("kernel")
    nested = {"network": NetworkConfig(**values["network"]), "kernel": KernelConfig(**kernel) if kernel else None}
    return Recipe(**{**values, **nested})


def spread(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of figures over seeds."""
    result: dict[str, Any] = {"seeds": len(figures)}
    for key in SPREAD_OF:
        values = [f[key] for f in figures if key in f]
        if values:
            sd = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            result[key] = {"mean": round(float(np.mean(values)), 4), "sd": round(sd, 4)}
    return result


def read(path: Path) -> dict[str, Any]:
    """The report in a JSON file.

    Raises
    ------
    DataError
        There is none.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no report of `evaluate`: {error}") from None
    if not isinstance(contents, dict) or "model" not in contents:
        raise DataError(f"{path} is no report of `evaluate`: it has no figures of a model")
    return contents


def short(figures: Mapping[str, Any]) -> str:
    """The two main figures in a phrase."""
    return f"macro F1 {figures['macro_f1']:.3f}, accuracy {figures['accuracy']:.3f} ({figures['clips']} clips)"


def write(folder: Path, name: str, contents: Mapping[str, Any]) -> None:
    """Write ``name.json``, ``name.md`` and what pictures there is data for.

    ``name.png`` is the confusion matrix, ``name-calibration.png`` shows how often which probability is right.
    """
    put(folder / f"{name}.json", contents, markdown(contents, name))
    if "model" in contents:
        draw(contents["model"]["confusion"], contents["labels"], contents["title"], folder / f"{name}.png")
    if rows := contents.get("calibrated", {}).get("reliability"):
        reliability_picture(rows, contents["title"], folder / f"{name}-calibration.png")


def put(path: Path, contents: Mapping[str, Any], page: str) -> None:
    """Write the JSON file `path`, whole or not at all, and beside it `page` as Markdown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
    path.with_suffix(".md").write_text(page, encoding="utf-8")


def header(material: Material, what: str, *conditions: Any) -> dict[str, Any]:
    """What the models of a report by five folds share: the judged clips and `conditions` (JSON)."""
    clips = [[c.key, c.target, c.group, c.fold] for c, own in zip(material.clips, material.first, strict=True) if own]
    made_from = json.dumps([*conditions, clips] if conditions else clips)
    return {
        "title": f"{what} on {material.sets[0]}: {material.folds}",
        "made_from": hashlib.sha256(made_from.encode()).hexdigest()[:16],
        "clips": len(clips),
        "labels": list(material.labels),
    }


def stored(path: Path, head: Mapping[str, Any]) -> dict[str, Any]:
    """The report of several models side by side in the JSON file `path`, or one of no models yet.

    Parameters
    ----------
    path
        The file.
    head
        What the models share; ``made_from`` in it tells one report from another.

    Raises
    ------
    DataError
        What is there is of other clips or conditions.
    """
    if not path.is_file():
        return {**head, "models": {}}
    contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if contents["made_from"] != head["made_from"]:
        raise DataError(f"{path} is of other clips or conditions: move it away, or choose another --reports")
    return {**head, "models": contents["models"]}


def add(
    path: Path,
    head: Mapping[str, Any],
    name: str,
    record: Mapping[str, Any],
    shown: tuple[Callable[[Mapping[str, Any], str], str], Callable[[Mapping[str, Any], Path], None]],
) -> None:
    """Put `record` into the report in the JSON file `path` as the model `name`, in place of what had the name.

    `shown` makes a page of the report and the name of its picture, and draws the picture into a file: they lie beside
    `path`. Raises what `stored` does.
    """
    contents = stored(path, head)
    contents["models"][name] = record
    (page, picture), drawn = shown, path.with_suffix(".png")
    put(path, contents, page(contents, drawn.name))
    picture(contents, drawn)


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = ["| " + " | ".join(map(str, cells)) + " |" for cells in (heads, *rows)]
    return [lines[0], "|---" * len(heads) + "|", *lines[1:]]


def f1(figures: Mapping[str, Any]) -> str:
    """Macro F1 and its 95 % interval, as a table's cell."""
    low, high = figures["macro_f1_95"]
    return f"{figures['macro_f1']:.3f} ({low:.3f}-{high:.3f})"


def change(value: float, interval: Sequence[float]) -> str:
    """A difference and its interval, as a table's cell."""
    low, high = interval
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def beyond(values: Sequence[float], intervals: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """How far the intervals reach to both sides, as matplotlib wants it ``[2, values]``."""
    low, high = np.array(intervals).T
    # of few clips a bootstrap's interval can miss the value itself
    return np.asarray(np.maximum(0, [values - low, high - values]))


def trained(settings: Mapping[str, Any]) -> str:
    """What `Material.settings` says, as a sentence."""
    beside = ", and a kernel machine" if settings["recipe"].get("kernel") else ""
    networks = f"networks averaged: {settings['recipe']['members']}{beside}"
    return (
        f"{settings['descriptors']} descriptors, {networks}, trained on "
        f"{', '.join(settings['sets'])}, seed {settings['seed']}."
    )


def markdown(contents: Mapping[str, Any], name: str | None = None) -> str:
    """A report as Markdown; `name` is that of the files its pictures are beside it in, None where there are none."""
    lines = [f"# {contents['title']}", ""]
    if "sets" in contents:
        lines += [f"Trained on: {', '.join(contents['sets'])}.", ""]
    if "scores" in contents:
        lines += _scores(contents["scores"])
    if "model" in contents:
        lines += ["| figure | value |", "|---|---|", *_figures(contents["model"], contents.get("single_network"))]
        lines += _kernel(contents.get("kernel"))
        lines += ["", f"Confusion matrix{_also(name, '')}:", "", *confusion(contents)]
    if "by_fold" in contents:
        folds = ", ".join(f"{f['macro_f1']:.3f}" for f in contents["by_fold"])
        lines += ["", f"Macro F1 of each part: {folds}."]
    if "temperature" in contents:
        lines += ["", _calibration(contents)]
    if "unsure" in contents.get("calibrated", {}):
        lines += ["", *_sureness(contents["calibrated"], name)]
    if "other_sets" in contents:
        lines += ["", f"Held-out clips of the other sets (their likeliest mood): {short(contents['other_sets'])}."]
    if "baseline" in contents:
        beside = contents["baseline"]
        lines += [
            "",
            f"Beside it, on the same folds: {beside['title']}: macro F1 {beside['macro_f1']:.3f} "
            f"(95 % interval {beside['macro_f1_95'][0]:.3f}-{beside['macro_f1_95'][1]:.3f}), "
            f"accuracy {beside['accuracy']:.3f}.",
        ]
    if "chosen_by_inner_folds" in contents:
        lines += ["", f"Chosen inside the training folds: {contents['chosen_by_inner_folds']}."]
    if "recipe" in contents:
        lines += ["", "Recipe:", "", "```json", json.dumps(contents["recipe"], indent=1), "```"]
    return "\n".join(lines) + "\n"


def _calibration(contents: Mapping[str, Any]) -> str:
    text = (
        f"Temperature fitted on these held-out probabilities: {contents['temperature']:.2f}; log loss with it "
        f"{contents['log_loss_calibrated']:.3f}."
    )
    if found := contents.get("calibrated"):
        low, high = found["temperature"]
        text += (
            f" With a temperature learnt on the other parts alone ({low:.2f}-{high:.2f}): log loss "
            f"{found['log_loss']:.3f}, expected calibration error {found['calibration_error']:.3f}."
        )
    return text


def _sureness(found: Mapping[str, Any], name: str | None) -> list[str]:
    """Whether "unsure" means it, and the reliability table."""
    sure, unsure = found["sure"], found["unsure"]
    text = f"Sure (likeliest mood at {UNSURE_BELOW} or more) {_share(sure)}; unsure {_share(unsure)}"
    if unsure["accuracy"] is not None:
        means = "more often wrong than right" if unsure["accuracy"] < 0.5 else "yet not more often wrong than right"
        text += f": {means}"
    rows = [
        (f"{row['from']:.1f}-{row['to']:.1f}", row["clips"], f"{row['confidence']:.3f}", f"{row['accuracy']:.3f}")
        for row in found["reliability"]
    ]
    heads = ["probability of the likeliest mood", "clips", "mean", "right"]
    return [f"{text}. By probability{_also(name, '-calibration')}:", "", *table(heads, rows)]


def _share(found: Mapping[str, Any]) -> str:
    if found["accuracy"] is None:
        return "none of the clips"
    return f"{found['share']:.1%} of the clips, right on {found['accuracy']:.1%} of them"


def _also(name: str | None, suffix: str) -> str:
    return f", also in `{name}{suffix}.png`" if name else ""


def reliability_picture(rows: Sequence[Mapping[str, Any]], title: str, path: Path) -> None:
    """A picture of a reliability table (see `protocol.reliability`): how often right, beside what was claimed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        colour = "#9ecae1" if row["from"] < UNSURE_BELOW else "#2171b5"
        axes.bar(row["from"], row["accuracy"], row["to"] - row["from"], align="edge", color=colour, edgecolor="white")
        axes.annotate(str(row["clips"]), (row["confidence"], row["accuracy"]), ha="center", va="bottom", fontsize=8)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="as often as claimed")
    axes.plot([row["confidence"] for row in rows], [row["accuracy"] for row in rows], "k.", label="bins, their clips")
    axes.axvline(UNSURE_BELOW, color="grey", linestyle=":", linewidth=1, label="unsure | sure")
    axes.set(xlabel="probability of the likeliest mood", ylabel="right", xlim=(0, 1), ylim=(0, 1.08))
    axes.set_title(title, fontsize=8)
    axes.legend(loc="upper left", fontsize=8)
    figure.savefig(path, dpi=110)


def confusion(contents: Mapping[str, Any]) -> list[str]:
    """The confusion matrix as the lines of a Markdown table."""
    labels, counts = contents["labels"], contents["model"]["confusion"]
    recall = [row[k] / max(1, sum(row)) for k, row in enumerate(counts)]
    rows = [(f"**{label}**", *row, f"{r:.2f}") for label, row, r in zip(labels, counts, recall, strict=True)]
    return table(["is \\ taken for", *labels, "recall"], rows)


def draw(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str, path: Path, percent: bool = False) -> None:
    """A picture of a confusion matrix, in clips or in percent of each row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    shares = np.asarray(counts) / np.maximum(1, np.sum(counts, axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="taken for", ylabel="is")
    axes.set_title(title, fontsize=8)
    for (i, k), share in np.ndenumerate(shares):
        text = f"{share:.1%}" if percent else counts[i][k]
        axes.text(k, i, text, ha="center", va="center", color="white" if share > 0.5 else "black")
    figure.savefig(path, dpi=110)


def _figures(model: Mapping[str, Any], single: Mapping[str, Any] | None) -> list[str]:
    low, high = model["macro_f1_95"]
    lines = [
        f"| clips | {model['clips']} |",
        f"| macro F1 | **{model['macro_f1']:.3f}** (95 % interval over clips {low:.3f}-{high:.3f}) |",
        f"| accuracy | {model['accuracy']:.3f} |",
    ]
    named = {
        "arousal_accuracy": "sign of arousal right",
        "valence_accuracy": "sign of valence right",
        "log_loss": "log loss",
        "calibration_error": "expected calibration error",
    }
    lines += [f"| {text} | {model[key]:.3f} |" for key, text in named.items() if key in model]
    if single and single["seeds"] > 1:
        f1, accuracy = single["macro_f1"], single["accuracy"]
        lines += [
            f"| one network, macro F1 | {f1['mean']:.3f}, sd {f1['sd']:.3f} over {single['seeds']} seeds |",
            f"| one network, accuracy | {accuracy['mean']:.3f}, sd {accuracy['sd']:.3f} |",
        ]
    return lines


def _kernel(alone: Mapping[str, Any] | None) -> list[str]:
    named = {"macro_f1": "macro F1", "accuracy": "accuracy"}
    return [f"| the kernel machine alone, {text} | {alone[key]:.3f} |" for key, text in named.items()] if alone else []


def _scores(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    columns = list(next(iter(scores.values())))
    return table(["recipe", *columns], [(name, *(f"{row[c]:.3f}" for c in columns)) for name, row in scores.items()])
