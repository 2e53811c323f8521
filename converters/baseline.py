"""What the method is measured against: a support vector machine on the same descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from converters import normalise

GRID = {"svc__C": [0.5, 1, 2, 4, 8, 16], "svc__gamma": [0.0005, 0.001, 0.002, 0.005, 0.01]}


def statistics(
    sequences: Sequence[NDArray[np.float32]], names: Sequence[str], transformed: bool
) -> NDArray[np.float64]:
    """Mean and standard deviation over the segments ``[clips, 2 descriptors]``, of raw or of transformed values."""
    if transformed:
        transform = normalise.learn(sequences, names).transform  # needs no learned ranges
        sequences = [transform(s) for s in sequences]
    return np.array([np.concatenate([s.mean(0), s.std(0)]) for s in sequences], dtype=np.float64)


def fit(statistics: NDArray[np.float64], labels: NDArray[np.int64], fold: NDArray[np.int64]) -> Any:
    """An RBF machine on standardised statistics, its C and gamma chosen by macro F1 over the training folds."""
    pipeline = make_pipeline(StandardScaler(), SVC(cache_size=500))
    search = GridSearchCV(pipeline, GRID, cv=PredefinedSplit(fold), scoring="f1_macro")
    return search.fit(statistics, labels)
