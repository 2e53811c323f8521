"""Networks judged by folds: the method itself, and the inner validation its recipe was chosen by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from converters import protocol, report
from converters.fit import Recipe
from converters.material import Material
from converters.recipes import CANDIDATES

Probs = NDArray[np.float64]
T = TypeVar("T")


def _judge_split(material: Material, recipe: Recipe, seed: int, split: protocol.Split) -> list[Probs]:
    """Of each part of the model, and last of all together, the probabilities of the split's test clips."""
    material = material.of(split)
    trained = material.fit(split.train, recipe, seed)
    return [model.predict(material.own(split.test)) for model in [*trained.parts(), trained]]


def by_folds(
    material: Material, recipe: Recipe, seed: int, splits: Sequence[protocol.Split], jobs: int = 1
) -> list[Probs]:
    """Of each part of the model, and last of all together, the probabilities of every clip by what never saw it."""
    parts = recipe.members + (recipe.kernel is not None)
    results = [np.zeros_like(material.targets, dtype=np.float64) for _ in range(parts + 1)]
    judge_one = partial(_judge_split, material, recipe, seed)
    for split, probs in zip(splits, each(judge_one, splits, jobs), strict=True):
        for result, found in zip(results, probs, strict=True):
            result[split.test] = found
        print(split.name, report.short(protocol.figures(*_at(material, results[-1], split.test))), flush=True)
    return results


def each(judge_one: Callable[[protocol.Split], T], splits: Sequence[protocol.Split], jobs: int) -> Iterator[T]:
    """What `judge_one` says of each split, in their order, `jobs` of them at a time in processes of their own."""
    if jobs <= 1:
        yield from map(judge_one, splits)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(judge_one, splits)


def judged_splits(
    material: Material, judge_one: Callable[[protocol.Split], T], splits: Sequence[protocol.Split], jobs: int
) -> tuple[list[T], NDArray[np.int64]]:
    """What `judge_one` says of each split that has clips of the first set to judge, and those clips' true labels."""
    splits = [split for split in splits if len(material.judged(split))]
    found = []
    for split, said in zip(splits, each(judge_one, splits, jobs), strict=True):
        found.append(said)
        print(f"{split.name}: {len(material.judged(split))} clips", flush=True)
    return found, np.concatenate([material.truth[material.judged(split)] for split in splits])


def _at(material: Material, probs: Probs, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], Probs, Sequence[str]]:
    indices = indices[material.first[indices]] if material.first[indices].any() else indices
    return material.truth[indices], probs[indices], material.labels


def judge(
    material: Material, recipe: Recipe, seed: int, splits: Sequence[protocol.Split], jobs: int = 1
) -> dict[str, Any]:
    """Train and judge by `splits`; a report's contents but its title."""
    *parts, together = by_folds(material, recipe, seed, splits, jobs)
    everything = np.concatenate([split.test for split in splits])
    of_first = everything[material.first[everything]]
    alone = [protocol.figures(material.truth[of_first], p[of_first], material.labels) for p in parts]
    part = protocol.part_of(splits, len(material.clips))[of_first]
    temperature = protocol.fit_temperature(material.truth[of_first], together[of_first])
    contents = {
        "recipe": report.plain(recipe),
        "labels": list(material.labels),
        "sets": material.sets_of(recipe),
        "single_network": report.spread(alone[: recipe.members]),
        "model": protocol.figures(material.truth[of_first], together[of_first], material.labels),
        "by_fold": [protocol.figures(*_at(material, together, s.test)) for s in splits],
        "temperature": round(temperature, 4),
        "log_loss_calibrated": round(
            protocol.log_loss(material.truth[of_first], protocol.tempered(np.log(together[of_first]), temperature)), 4
        ),
    }
    if recipe.kernel:
        contents["kernel"] = alone[-1]
    if len(splits) > 1:
        contents["calibrated"] = protocol.calibration(material.truth[of_first], together[of_first], part)
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
