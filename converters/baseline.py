"""What the method is measured against: a support vector machine on the same descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from converters import normalise, protocol
from converters.material import Material
from edgemood.bundle import PATCH_PREFIX

GRID = {"svc__C": [0.5, 1, 2, 4, 8, 16], "svc__gamma": [0.0005, 0.001, 0.002, 0.005, 0.01]}


def statistics(
    sequences: Sequence[NDArray[np.float32]], names: Sequence[str], transformed: bool
) -> NDArray[np.float64]:
    """Mean and standard deviation over the segments ``[clips, values]``, of raw or of transformed values.

    Of an embedding, which changes only from patch to patch, the mean alone.
    """
    values: list[NDArray[Any]] = list(sequences)
    if transformed:
        transform = normalise.learn(sequences, names).transform  # needs no learned ranges
        values = [transform(s) for s in sequences]
    varies = [not name.startswith(PATCH_PREFIX) for name in names]
    return np.array([np.concatenate([v.mean(0), v[:, varies].std(0)]) for v in values], dtype=np.float64)


def shares(names: Sequence[str]) -> NDArray[np.float64]:
    """What each of the `statistics` of standardised columns is multiplied by: descriptors and embedding count alike."""
    embedded = [name.startswith(PATCH_PREFIX) for name in names]
    of_embedding = np.array([*embedded, *(False for own in embedded if not own)])
    weights = np.ones(len(of_embedding))
    if 0 < of_embedding.sum() < len(of_embedding):
        for group in (of_embedding, ~of_embedding):
            weights[group] = np.sqrt(len(weights) / 2 / group.sum())
    return weights


def fit(statistics: NDArray[np.float64], labels: NDArray[np.int64], fold: NDArray[np.int64], weights: Any = 1.0) -> Any:
    """An RBF machine on standardised statistics, its C and gamma chosen by macro F1 over the training folds."""
    weigh = FunctionTransformer(_times, kw_args={"by": weights})
    pipeline = make_pipeline(StandardScaler(), weigh, SVC(cache_size=500))
    search = GridSearchCV(pipeline, GRID, cv=PredefinedSplit(fold), scoring="f1_macro")
    return search.fit(statistics, labels)


def _times(values: NDArray[np.float64], by: Any) -> NDArray[np.float64]:
    return np.asarray(values * by)


def judge_split(
    material: Material, seed: int, split: protocol.Split, transformed: bool = True
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """The machine's choice for the split's test clips, one-hot ``[clips, labels]``, and the settings it took.

    Nothing here is random: `seed` stands among the parameters because every model that is judged takes one.
    """
    material = material.of(split)
    train = split.train[material.first[split.train]]
    values = statistics(material.own(range(len(material.clips))), material.names, transformed)
    model = fit(values[train], material.truth[train], material.fold[train], shares(material.names))
    settings = {key.removeprefix("svc__"): value for key, value in model.best_params_.items()}
    return np.eye(len(material.labels))[model.predict(values[split.test])], settings


def machine(material: Material, transformed: bool) -> dict[str, Any]:
    """Protocol A for the support vector machine."""
    chosen = np.zeros(material.targets.shape)
    settings = []
    for split in protocol.folds(material.clips):
        chosen[split.test], taken = judge_split(material, 0, split, transformed)
        settings.append(taken)
    given = protocol.figures(material.truth[material.first], chosen[material.first], material.labels)
    figures = protocol.of_choices(given)
    kind = "evened-out (see converters.normalise)" if transformed else "plain"
    title = f"Protocol A: RBF-SVM on mean and deviation of the {kind} descriptors"
    return {
        "title": title,
        "labels": list(material.labels),
        "model": figures,
        "chosen_by_inner_folds": settings,
    }
