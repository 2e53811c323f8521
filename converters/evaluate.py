"""Judging the method: ``python -m converters.evaluate {folds,published,tune,svm,paper} --data DIR``.

folds      protocol A: five folds that share no artist, the figures that count
published  protocol B: stratified 10-fold that ignores artists, to stand beside published figures
tune       inner validation of the recipes in `converters.recipes`: the test fold is never looked at
svm        protocol A for a support vector machine on the same descriptors
paper      protocol A for the paper's own settings

Each writes a report (Markdown and JSON) and, where it judges, a picture of the confusion matrix.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import baseline, datasets, protocol, report
from converters.cache import FeatureCache
from converters.fit import PAPER, Examples, Recipe, Sequences, Trained, fit
from converters.recipes import CANDIDATES, SHIPPED
from edgemood.features import set_names

Probs = NDArray[np.float64]


class Material:
    """Clips of one or several sets with their sequences, ready to be split and trained on.

    Figures are those of the first set; clips of the others only help to train it, with ``extra_weight``.
    """

    def __init__(self, sets: Sequence[datasets.Dataset], cache: FeatureCache, variants: int) -> None:
        self.labels = sets[0].labels
        usable = [s for s in sets if s.labels == self.labels]
        self.sets = tuple(s.name for s in usable)
        clips = [clip for s in usable for clip in s.clips]
        sequences: Sequences = cache.sequences(clips, variants)
        kept = [i for i, versions in enumerate(sequences) if len(versions[0])]  # shorter than one segment: nothing
        self.clips = [clips[i] for i in kept]
        self.sequences = [[v for v in sequences[i] if len(v)] for i in kept]
        self.targets = np.array([clip.target for clip in self.clips], dtype=np.float32)
        self.truth = self.targets.argmax(1)
        self.fold = np.array([clip.fold for clip in self.clips])
        self.first = np.array([clip.dataset == self.sets[0] for clip in self.clips])
        self.names, self.config = set_names("lld50"), cache.config

    def fit(self, train: NDArray[np.int64], recipe: Recipe, seed: int) -> Trained:
        """Train on the clips `train` (indices)."""
        if not recipe.extra_weight:
            train = train[self.first[train]]
        weights = np.where(self.first[train], 1.0, recipe.extra_weight).astype(np.float32)
        examples = Examples([self.sequences[i] for i in train], self.targets[train], weights)
        return fit(examples, self.names, recipe, seed)

    def own(self, indices: Iterable[int]) -> list[NDArray[np.float32]]:
        """The unchanged sequences of clips."""
        return [self.sequences[i][0] for i in indices]


def _judge_split(material: Material, recipe: Recipe, seed: int, split: protocol.Split) -> list[Probs]:
    """Of each member, and last of all together, the probabilities of the split's test clips."""
    trained = material.fit(split.train, recipe, seed)
    singles = [Trained((m,), trained.config, trained.normalisation) for m in trained.members]
    return [model.predict(material.own(split.test)) for model in [*singles, trained]]


def by_folds(
    material: Material, recipe: Recipe, seed: int, splits: Sequence[protocol.Split], jobs: int = 1
) -> list[Probs]:
    """Of each member, and last of all together, the probabilities of every clip by the model that never saw it."""
    results = [np.zeros_like(material.targets, dtype=np.float64) for _ in range(recipe.members + 1)]
    judge_one = partial(_judge_split, material, recipe, seed)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for split, probs in zip(splits, pool.map(judge_one, splits), strict=True):
            for result, found in zip(results, probs, strict=True):
                result[split.test] = found
            print(split.name, report.short(protocol.figures(*_at(material, results[-1], split.test))), flush=True)
    return results


def _at(material: Material, probs: Probs, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], Probs, Sequence[str]]:
    indices = indices[material.first[indices]] if material.first[indices].any() else indices
    return material.truth[indices], probs[indices], material.labels


def judge(
    material: Material, recipe: Recipe, seed: int, splits: Sequence[protocol.Split], jobs: int = 1
) -> dict[str, Any]:
    """Train and judge by `splits`; a report's contents but its title."""
    *singles, together = by_folds(material, recipe, seed, splits, jobs)
    everything = np.concatenate([split.test for split in splits])
    of_first = everything[material.first[everything]]
    single = [protocol.figures(material.truth[of_first], p[of_first], material.labels) for p in singles]
    temperature = protocol.fit_temperature(material.truth[of_first], together[of_first])
    contents = {
        "recipe": report.plain(recipe),
        "labels": list(material.labels),
        "sets": list(material.sets if recipe.extra_weight else material.sets[:1]),
        "single_network": report.spread(single),
        "model": protocol.figures(material.truth[of_first], together[of_first], material.labels),
        "by_fold": [protocol.figures(*_at(material, together, s.test)) for s in splits],
        "temperature": round(temperature, 4),
        "log_loss_calibrated": round(
            protocol.log_loss(material.truth[of_first], protocol.tempered(np.log(together[of_first]), temperature)), 4
        ),
    }
    others = everything[~material.first[everything]]
    if recipe.extra_weight and len(others):
        contents["other_sets"] = protocol.figures(material.truth[others], together[others], material.labels)
    return contents


def tune(material: Material, seed: int, jobs: int = 1) -> dict[str, Any]:
    """Inner validation of every candidate recipe: on behalf of each test fold, train on three and judge a fourth.

    What is reported for a test fold comes from models that never saw it, neither in training nor in judging.
    """
    splits = list(protocol.inner(material.clips))
    scores = {}
    for name, recipe in CANDIDATES.items():
        judged = judge(material, recipe, seed, splits, jobs)
        scores[name] = report.inner_row(judged)
        print(name, scores[name], flush=True)
    return {"title": report.TUNE_TITLE, "scores": scores}


def machine(material: Material, transformed: bool) -> dict[str, Any]:
    """Protocol A for the support vector machine."""
    clips = np.flatnonzero(material.first)
    values = baseline.statistics(material.own(clips), material.names, transformed)
    truth, fold = material.truth[clips], material.fold[clips]
    chosen = np.zeros_like(truth)
    settings = []
    for k in np.unique(fold):
        train = fold != k
        model = baseline.fit(values[train], truth[train], fold[train])
        chosen[~train] = model.predict(values[~train])
        settings.append({key.removeprefix("svc__"): value for key, value in model.best_params_.items()})
    figures = protocol.figures(truth, np.eye(len(material.labels))[chosen], material.labels)
    for meaningless in ("log_loss", "calibration_error"):  # the machine chooses, it gives no probabilities
        del figures[meaningless]
    kind = "evened-out (see converters.normalise)" if transformed else "plain"
    title = f"Protocol A: RBF-SVM on mean and deviation of the {kind} descriptors"
    return {"title": title, "labels": list(material.labels), "model": figures, "chosen_by_inner_folds": settings}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one kind of evaluation and write its reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["folds", "published", "tune", "svm", "paper"])
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets (see converters/README.md)")
    parser.add_argument("--cache", type=Path, default=Path("build/features"), help="where descriptors are kept")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="folds trained at the same time")
    parser.add_argument("--members", type=int, default=SHIPPED.members, help="networks to average")
    options = parser.parse_args(arguments)
    shipped = replace(SHIPPED, members=options.members)
    variants = {"svm": 0, "paper": 0, "tune": max(r.variants for r in CANDIDATES.values())}
    sets = datasets.load(options.data)
    material = Material(sets, FeatureCache(options.cache), variants.get(options.what, SHIPPED.variants))
    if options.what == "tune":
        report.write(options.reports, "tune", tune(material, options.seed, options.jobs))
    elif options.what == "svm":
        report.write(options.reports, "svm", machine(material, transformed=True))
        report.write(options.reports, "svm-plain", machine(material, transformed=False))
    elif options.what == "published":
        splits = list(protocol.stratified(material.clips, options.seed))
        title = "Protocol B: stratified 10-fold that ignores artists"
        judged = judge(material, shipped, options.seed, splits, options.jobs)
        report.write(options.reports, "published", {"title": title} | judged)
    else:
        recipe, what = (PAPER, "the paper's own settings") if options.what == "paper" else (shipped, "the method")
        splits = list(protocol.folds(material.clips))
        title = f"Protocol A: five folds that share no artist, {what}"
        judged = judge(material, recipe, options.seed, splits, options.jobs)
        report.write(options.reports, options.what, {"title": title} | judged)


if __name__ == "__main__":
    main()
