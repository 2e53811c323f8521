"""Latent Dirichlet allocation over an audio codebook, the last row of the paper's Table 1.

A clip is a document; its words are the k-means clusters that its normalised segments fall into. The mood is told from
the clip's topic proportions by a multinomial logistic regression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from converters import normalise, protocol
from converters.material import Material
from edgemood.bundle import Normalisation

#: What is tried inside the training folds: words of the codebook, topics, inverse strength of the regularisation.
WORDS = (64, 256)
TOPICS = (8, 16, 32)
C = (0.1, 1.0, 10.0)

Sequences = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Setting:
    """One point of the grid."""

    words: int
    topics: int
    c: float


@dataclass(frozen=True)
class Codebook:
    """Words: the normalisation learned from training clips and the clusters of their segments."""

    normalisation: Normalisation
    clusters: MiniBatchKMeans

    @classmethod
    def learn(cls, sequences: Sequences, names: Sequence[str], words: int, seed: int) -> Codebook:
        """At most `words` words (no more than there are segments) from clips' descriptors ``[segments, names]``."""
        normalisation = normalise.learn(sequences, names)
        vectors = np.concatenate([normalisation(s) for s in sequences])
        clusters = MiniBatchKMeans(min(words, len(vectors)), batch_size=4096, n_init=3, random_state=seed)
        return cls(normalisation, clusters.fit(vectors))

    def counts(self, sequences: Sequences) -> NDArray[np.int64]:
        """How often each word occurs in each clip ``[clips, words]``."""
        size = self.clusters.n_clusters
        said = [self.clusters.predict(self.normalisation(s)) for s in sequences]
        return np.array([np.bincount(words, minlength=size) for words in said], dtype=np.int64)


def topics_of(counts: NDArray[np.int64], topics: int, seed: int) -> LatentDirichletAllocation:
    """A topic model of word counts; its ``transform`` gives proportions ``[clips, topics]``."""
    return LatentDirichletAllocation(topics, learning_method="batch", max_iter=20, random_state=seed).fit(counts)


def classifier(proportions: NDArray[np.float64], truth: NDArray[np.int64], c: float) -> Any:
    """A multinomial logistic regression on standardised proportions."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000)).fit(proportions, truth)


def scores(
    material: Material, train: NDArray[np.int64], test: NDArray[np.int64], seed: int
) -> Iterator[tuple[Setting, float]]:
    """Macro F1 on `test` of every setting, each trained on `train`."""
    truth, labels = material.truth, len(material.labels)
    for words in WORDS:
        codebook = Codebook.learn(material.own(train), material.names, words, seed)
        said, heard = codebook.counts(material.own(train)), codebook.counts(material.own(test))
        for topics in TOPICS:
            model = topics_of(said, topics, seed)
            known, new = model.transform(said), model.transform(heard)
            for c in C:
                chosen = classifier(known, truth[train], c).predict(new)
                counts = protocol.confusion(truth[test], chosen, labels)
                yield Setting(words, topics, c), protocol.macro_f1(counts)


def choose(material: Material, train: NDArray[np.int64], seed: int) -> Setting:
    """The setting with the best mean macro F1 when each fold inside `train` is judged by the others."""
    total = {Setting(*point): 0.0 for point in product(WORDS, TOPICS, C)}
    fold = material.fold[train]
    for k in np.unique(fold):
        for setting, score in scores(material, train[fold != k], train[fold == k], seed):
            total[setting] += score
    return max(total, key=total.__getitem__)


def judge_split(material: Material, seed: int, split: protocol.Split) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Probabilities of the split's test clips ``[clips, labels]`` and the settings chosen inside its training clips."""
    train = split.train[material.first[split.train]]
    with threadpool_limits(1):  # the same sums however many folds run at once
        setting = choose(material, train, seed)
        codebook = Codebook.learn(material.own(train), material.names, setting.words, seed)
        said, heard = codebook.counts(material.own(train)), codebook.counts(material.own(split.test))
        topics = topics_of(said, setting.topics, seed)
        model = classifier(topics.transform(said), material.truth[train], setting.c)
        probs = np.zeros((len(split.test), len(material.labels)))
        probs[:, model.classes_] = model.predict_proba(topics.transform(heard))
    return probs, asdict(setting)
