"""Does the mood stay what it was? Clips judged as they are and under other conditions, by models that never saw them.

``python -m converters.robustness --data DIR [--columns KIND] [--name NAME]``: for each fold one model is trained, as
``evaluate folds`` does, and judges the fold's clips clean and under every condition of `converters.degrade`. The report
(``robustness.json``, ``.md``, ``.png``) holds models side by side, by their names; a name used again replaces what it
stood for.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import datasets, degrade, protocol, recipes, report
from converters.cache import Change, FeatureCache
from converters.fit import Recipe
from converters.judging import Probs, judged_splits
from converters.material import Material
from edgemood.domain import UNSURE_BELOW

CLEAN = "clean"
FILE = "robustness.json"


@dataclass(frozen=True)
class Trial:
    """How the models are trained, and the conditions they are tried under."""

    recipe: Recipe
    seed: int = 0
    conditions: Mapping[str, Change] = field(default_factory=lambda: degrade.CONDITIONS)


def run(
    material: Material, cache: FeatureCache, trial: Trial, splits: Sequence[protocol.Split], jobs: int = 1
) -> dict[str, Any]:
    """Train once for each split, and judge its test clips of the first set under every condition.

    Probabilities are calibrated, as the product's are: by a temperature learnt on the clean clips of the other splits
    (where there is but one split, by none).

    Returns
    -------
    dict
        ``settings``; ``clean``, the figures of `protocol.figures`; ``conditions``, of each those figures and what
        `compared` gives.

    Raises
    ------
    DataError
        A condition needs what is not installed.
    """
    found, truth = judged_splits(material, partial(_judge_split, material, cache.folder, trial), splits, jobs)
    temperatures = _temperatures(truth, [probs[CLEAN] for probs in found])
    together = {
        name: np.concatenate([_tempered(p[name], t) for p, t in zip(found, temperatures, strict=True)])
        for name in (CLEAN, *trial.conditions)
    }
    clean = together.pop(CLEAN)
    return {
        "settings": material.settings(trial.recipe, trial.seed)
        | {"temperature": [round(min(temperatures), 4), round(max(temperatures), 4)]},
        CLEAN: protocol.figures(truth, clean, material.labels),
        "conditions": {
            name: protocol.figures(truth, probs, material.labels) | compared(truth, clean, probs)
            for name, probs in together.items()
        },
    }


def compared(truth: NDArray[np.int64], clean: Probs, changed: Probs) -> dict[str, Any]:
    """What a condition did to the judgements of the same clips, from the probabilities ``[clips, labels]``.

    Returns
    -------
    dict
        ``agreement``: share of the clips whose likeliest label is that of the clean clip; ``sure``: clips that were not
        unsure when clean; ``agreement_sure``: the share among those, None where there are none;
        ``probability_change``: its mean magnitude over clips and labels; ``macro_f1_change_95``: 95 % interval of the
        macro F1 less that of the clean clips (bootstrap over clips, paired).
    """
    was, became, sure = clean.argmax(1), changed.argmax(1), clean.max(1) >= UNSURE_BELOW
    return {
        "agreement": round(float(np.mean(was == became)), 4),
        "sure": int(sure.sum()),
        "agreement_sure": round(float(np.mean((was == became)[sure])), 4) if sure.any() else None,
        "probability_change": round(float(np.abs(changed - clean).mean()), 4),
        "macro_f1_change_95": protocol.difference_95(truth, became, was, clean.shape[1]),
    }


def _judge_split(material: Material, folder: Path, trial: Trial, split: protocol.Split) -> dict[str, Probs]:
    """Probabilities of the split's judged clips, clean and under each condition, by one model.

    The cache is made anew in `folder`: this may be another process, and an extractor cannot go there.
    """
    material = material.of(split)
    judged = material.judged(split)
    changes = {f"{name}.{degrade.VERSION}": change for name, change in trial.conditions.items()}
    versions = FeatureCache(folder, material.columns).changed([material.clips[i] for i in judged], changes)
    trained = material.fit(split.train, trial.recipe, trial.seed)
    changed = {name: trained.predict([clip[k] for clip in versions]) for k, name in enumerate(trial.conditions)}
    return {CLEAN: trained.predict(material.own(judged)), **changed}


def _temperatures(truth: NDArray[np.int64], probs: Sequence[Probs]) -> list[float]:
    """Of each part's probabilities the temperature that the other parts' ask for; 1 where there are no others."""
    if len(probs) == 1:
        return [1.0]
    part, together = np.repeat(np.arange(len(probs)), [len(p) for p in probs]), np.concatenate(probs)
    return [protocol.fit_temperature(truth[part != k], together[part != k]) for k in range(len(probs))]


def _tempered(probs: Probs, temperature: float) -> Probs:
    return protocol.tempered(np.log(np.maximum(probs, 1e-9)), temperature)


def header(material: Material, conditions: Mapping[str, Change]) -> dict[str, Any]:
    """What all models of one report share: the judged clips and the conditions."""
    said = {name: (inspect.getdoc(change) or name).partition("\n\n")[0] for name, change in conditions.items()}
    return report.header(material, "Robustness", degrade.VERSION, list(said)) | {"conditions": said}


_NOTE = (
    "{clips} clips. A model that never saw a clip, nor another by its artist, judges it as its file has it (clean, "
    "though the file may be lossy) and under every condition. Agreement: the likeliest mood is that of the clean clip; "
    "sure: of the clips whose likeliest mood had a probability of {sure} or more when clean. Probabilities are "
    "calibrated by a temperature learnt on the other folds' clean clips. Intervals are 95 % over clips (bootstrap; "
    "paired for differences). Also in `{picture}`."
)


def markdown(contents: Mapping[str, Any], picture: str) -> str:
    """The report as Markdown."""
    lines = [f"# {contents['title']}", "", _NOTE.format(clips=contents["clips"], sure=UNSURE_BELOW, picture=picture)]
    for name, model in contents["models"].items():
        lines += ["", f"## {name}", "", report.trained(model["settings"]), "", *_table(model)]
    lines += ["", "## Conditions", ""]
    return "\n".join([*lines, *(f"- **{name}**: {said}" for name, said in contents["conditions"].items())]) + "\n"


def _table(model: Mapping[str, Any]) -> list[str]:
    heads = [
        "condition",
        "accuracy",
        "macro F1",
        "less that of clean",
        "agreement",
        "agreement, sure",
        "mean change of p",
    ]
    clean = model[CLEAN]
    rows = [[CLEAN, f"{clean['accuracy']:.3f}", report.f1(clean), *[""] * 4]]
    for name, row in model["conditions"].items():
        change = report.change(row["macro_f1"] - clean["macro_f1"], row["macro_f1_change_95"])
        sure = "none were" if row["agreement_sure"] is None else f"{row['agreement_sure']:.3f} of {row['sure']}"
        cells = [name, f"{row['accuracy']:.3f}", report.f1(row), change, f"{row['agreement']:.3f}", sure]
        rows.append([*cells, f"{row['probability_change']:.3f}"])
    return report.table(heads, rows)


def draw(contents: Mapping[str, Any], path: Path) -> None:
    """A picture of macro F1 with its intervals and of the agreement, a bar for each model and condition."""
    from matplotlib.figure import Figure

    names, models = [CLEAN, *contents["conditions"]], contents["models"]
    height = 0.8 / len(models)
    figure = Figure(figsize=(9, 1.5 + 0.3 * len(names) * max(1, len(models) * 0.7)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for k, (title, model) in enumerate(models.items()):
        rows = [model[CLEAN], *(model["conditions"][name] for name in names[1:])]
        at = np.arange(len(names)) + (k - (len(models) - 1) / 2) * height
        f1 = [row["macro_f1"] for row in rows]
        beyond = report.beyond(f1, [row["macro_f1_95"] for row in rows])
        left.barh(at, f1, height, xerr=beyond, label=title, error_kw={"linewidth": 1})
        agreement = [row["agreement"] for row in rows[1:]]
        for y, share, bar in zip(at[1:], agreement, right.barh(at[1:], agreement, height), strict=True):
            right.annotate(f"{share:.2f}", (bar.get_width(), y), ha="right", va="center", fontsize=7, color="white")
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set(xlabel="macro F1 (95 % interval over clips)", xlim=(0, 1))
    right.set(xlabel="share of clips whose mood is that of the clean clip", xlim=(0, 1))
    figure.legend(loc="outside upper center", ncols=len(models))
    figure.savefig(path, dpi=110)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that other evaluations do not have."""
    parser.add_argument("--name", help="what the model is called in the report (default: its columns)")
    parser.add_argument("--members", type=int, help="networks to average, if not the recipe's")
    parser.add_argument("--epochs", type=int, help="to try the command; a full run leaves it out")


def command(options: argparse.Namespace, cache: FeatureCache) -> None:
    """Judge a model that reads the cache's columns by the five folds, and add it to the report.

    Raises
    ------
    DataError
        The data or the report on disk cannot be used, or a condition needs what is not installed.
    """
    trial = Trial(recipes.of(options.columns, members=options.members, epochs=options.epochs), options.seed)
    material = Material(datasets.load(options.data), cache, trial.recipe.variants)
    head = header(material, trial.conditions)
    report.stored(options.reports / FILE, head)  # before hours of training, not after
    record = run(material, cache, trial, list(protocol.folds(material.clips)), options.jobs)
    report.add(options.reports / FILE, head, options.name or options.columns, record, (markdown, draw))
