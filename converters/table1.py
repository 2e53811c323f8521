"""The paper's Table 1 on public data: five models on the same 50 descriptors, clips and folds.

Every row trains on the same clips: nothing but the training part of the set that is judged. A row is computed and
stored seed by seed, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import baseline, datasets, lda, protocol, report, table1_report
from converters.cache import FeatureCache
from converters.datasets import Clip, Dataset
from converters.fit import PAPER, Recipe
from converters.judging import Probs, each
from converters.material import Material
from converters.recipes import SHIPPED

Judge = Callable[[Material, int, protocol.Split], tuple[Probs, dict[str, Any]]]


class OtherMaterialError(ValueError):
    """The report on disk was made from other clips or descriptors."""


@dataclass(frozen=True)
class Row:
    """A model of the table: what it is called, how it judges a split, and all that decides its figures."""

    title: str
    judge: Judge
    settings: Mapping[str, Any]
    has_probabilities: bool = True


@dataclass(frozen=True)
class Protocol:
    """How a set is split, from its clips and a seed."""

    title: str
    splits: Callable[[Sequence[Clip], int], list[protocol.Split]]


#: Tuned inside the training folds of 4QAED, for three layers; here one network on one set, as the other rows are.
TUNED = replace(SHIPPED, members=1, extra_weight=0.0)
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {"layers": 1, "pooling": "last"}),
    "lstm-am": ("LSTM + AM", {"layers": 1}),
    "lstm3-am": ("three-layer LSTM + AM", {"layers": 3}),
}
RECIPES = {"paper": ("the paper's settings", PAPER), "tuned": ("tuned", TUNED)}
PROTOCOLS = {
    "artist": Protocol("five folds that share no artist", lambda clips, _: list(protocol.folds(clips))),
    "stratified": Protocol(
        "stratified 10-fold that ignores artists", lambda clips, seed: list(protocol.stratified(clips, seed))
    ),
    "emopia": Protocol("the official split, test clips", lambda clips, _: [protocol.official(clips)]),
}


def network_split(recipe: Recipe, material: Material, seed: int, split: protocol.Split) -> tuple[Probs, dict[str, Any]]:
    """Probabilities of the split's test clips by a network trained on the others; it chooses no settings."""
    return material.fit(split.train, recipe, seed).predict(material.own(split.test)), {}


def rows(epochs: int | None = None) -> dict[str, Row]:
    """Every row by its key, in the table's order. epochs: of all networks, instead of their recipes'."""
    table = {}
    for recipe_key, (recipe_title, recipe) in RECIPES.items():
        for key, (title, changes) in NETWORKS.items():
            own = replace(recipe, network=replace(recipe.network, **changes), epochs=epochs or recipe.epochs)
            settings = {"recipe": report.plain(own)}
            table[f"{recipe_key}-{key}"] = Row(f"{title}, {recipe_title}", partial(network_split, own), settings)
    grid = {"words": lda.WORDS, "topics": lda.TOPICS, "c": lda.C}
    table["svm"] = Row("SVM", baseline.judge_split, {"grid": baseline.GRID}, has_probabilities=False)
    table["lda"] = Row("LDA", lda.judge_split, {"grid": grid})
    return table


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate table1`` that other evaluations do not have."""
    known = rows()
    parser.add_argument("--protocol", choices=PROTOCOLS, default="artist")
    parser.add_argument(
        "--rows",
        type=lambda text: text.split(","),
        default=list(known),
        help=f"comma-separated rows to compute, of {','.join(known)}; those of the report are kept",
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs of each row")
    parser.add_argument("--epochs", type=int, help="of the networks, to try the command; a full run leaves it out")


def run(sets: Sequence[Dataset], cache: FeatureCache, options: argparse.Namespace) -> None:
    """Compute what is missing of the chosen rows and write the report after each.

    Raises
    ------
    DataError
        The protocol does not suit the data, or there is no such row.
    OtherMaterialError
        The report on disk is of other clips or descriptors.
    """
    known = rows(options.epochs)
    if options.seeds < 1:
        raise datasets.DataError(f"--seeds is {options.seeds}, at least one is needed")
    if unknown := [key for key in options.rows if key not in known]:
        raise datasets.DataError(f"no such row: {', '.join(unknown)}; there are {', '.join(known)}")
    variants = max(known[key].settings.get("recipe", {"variants": 0})["variants"] for key in options.rows)
    material = Material([_set_for(options.protocol, sets)], cache, variants)
    report_file = options.reports / f"table1-{options.protocol}.json"
    header = _header(material, options.protocol, cache)
    for key in options.rows:
        for seed in range(options.seeds):
            contents = _stored(report_file, header)
            if str(seed) in _seeds(contents, key, known[key]):
                continue
            start = time.monotonic()
            record = judge(material, known[key], options.protocol, seed, options.jobs)
            print(f"{key}, seed {seed}: {report.short(record)}, {time.monotonic() - start:.0f} s", flush=True)
            _store(report_file, header, key, known[key], {str(seed): record})
    _store(report_file, header, options.rows[0], known[options.rows[0]], {})


def judge(material: Material, row: Row, kind: str, seed: int, jobs: int) -> dict[str, Any]:
    """The figures of one run of a row."""
    splits = PROTOCOLS[kind].splits(material.clips, seed)
    probs = np.zeros(material.targets.shape)
    settings = []
    for split, (found, taken) in zip(splits, each(partial(row.judge, material, seed), splits, jobs), strict=True):
        probs[split.test] = found
        settings.append(taken)
    judged, part, own = _parts(material, splits)
    result = protocol.figures(material.truth[judged], probs[judged], material.labels)
    if row.has_probabilities:
        tested = part >= 0
        result["calibrated"] = protocol.calibration(material.truth[tested], probs[tested], part[tested], own)
    else:
        result = protocol.of_choices(result)
    if any(settings):
        result["chosen_by_inner_folds"] = settings
    return result | {"chosen": table1_report.packed(probs[judged].argmax(1))}


def _parts(
    material: Material, splits: Sequence[protocol.Split]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Sequence[int] | None]:
    """The clips that are judged, the part each clip is in (-1: none) for calibration, and the parts judged."""
    if len(splits) > 1:
        return np.arange(len(material.clips)), protocol.part_of(splits, len(material.clips)), None
    numbers = {split: k for k, split in enumerate(datasets.SPLITS)}
    part = np.array([numbers.get(clip.split, -1) for clip in material.clips])
    part[part == numbers["train"]] = -1
    return np.flatnonzero(part == numbers["test"]), part, [numbers["test"]]


def _set_for(kind: str, sets: Sequence[Dataset]) -> Dataset:
    if kind != "emopia":
        return sets[0]
    found = [s for s in sets if any(clip.split for clip in s.clips)]
    if not found:
        raise datasets.DataError("no set with an official split; `python -m converters.render` makes EMOPIA's audio")
    return found[0]


def _header(material: Material, kind: str, cache: FeatureCache) -> dict[str, Any]:
    splits = PROTOCOLS[kind].splits(material.clips, 0)
    judged, _, _ = _parts(material, splits)
    clips = [[c.key, c.target, c.group, c.fold, c.split] for c in material.clips]
    made_from = hashlib.sha256(json.dumps([cache.made_by, clips]).encode()).hexdigest()[:16]
    return {
        "title": f"Table 1 on {material.sets[0]}: {PROTOCOLS[kind].title}",
        "protocol": kind,
        "made_from": made_from,
        "labels": list(material.labels),
        "truth": table1_report.packed(material.truth[judged]),
    }


def _stored(path: Path, header: Mapping[str, Any]) -> dict[str, Any]:
    if not path.is_file():
        return {**header, "rows": {}}
    contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if contents["made_from"] != header["made_from"]:
        raise OtherMaterialError(f"{path} is of other clips or descriptors: move it away, or choose another --reports")
    return contents


def _seeds(contents: Mapping[str, Any], key: str, row: Row) -> dict[str, Any]:
    """What is stored of a row; nothing where its settings have changed since."""
    stored: dict[str, Any] = contents["rows"].get(key, {})
    same = stored.get("settings") == json.loads(json.dumps(row.settings))
    return dict(stored["seeds"]) if same else {}


def _store(path: Path, header: Mapping[str, Any], key: str, row: Row, records: Mapping[str, Any]) -> None:
    """Add runs to the report as it is now on disk: another process may have added rows meanwhile."""
    contents = _stored(path, header)
    seeds = _seeds(contents, key, row) | dict(records)
    found = contents["rows"] | {key: {"title": row.title, "settings": row.settings, "seeds": seeds}}
    contents["rows"] = {k: found[k] for k in rows() if k in found and found[k]["seeds"]}
    table1_report.write(path, contents)
