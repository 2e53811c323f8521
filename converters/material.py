"""Clips and their descriptors, ready to be split and trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import datasets
from converters.cache import FeatureCache
from converters.fit import Examples, Recipe, Sequences, Trained, fit
from converters.protocol import Split

_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}


class Material:
    """Clips of one or several sets with their sequences, ready to be split and trained on.

    Figures are those of the first set; clips of the others only help to train it, with ``extra_weight``. Those that
    their set's official split keeps for testing are left out, and so are those shorter than one segment, as a line on
    stderr says.

    Raises
    ------
    DataError
        A clip cannot be read, or of the first set a mood, or all folds but one, are lost for short clips.
    """

    def __init__(self, sets: Sequence[datasets.Dataset], cache: FeatureCache, variants: int) -> None:
        self.labels = sets[0].labels
        usable = [s for s in sets if s.labels == self.labels]
        self.sets = tuple(s.name for s in usable)
        clips = [clip for s in usable for clip in s.clips if s is usable[0] or clip.split != "test"]
        sequences: Sequences = cache.sequences(clips, variants)
        kept = [i for i, versions in enumerate(sequences) if len(versions[0])]  # shorter than one segment: nothing
        _check_kept(usable[0], clips, [clips[i] for i in kept])
        self.clips = [clips[i] for i in kept]
        self.sequences = [_whole(sequences[i]) for i in kept]
        self.targets = np.array([clip.target for clip in self.clips], dtype=np.float32)
        self.truth = self.targets.argmax(1)
        self.fold = np.array([clip.fold for clip in self.clips])
        self.first = np.array([clip.dataset == self.sets[0] for clip in self.clips])
        self.columns, self.names = cache.columns, cache.columns.names
        self._folder, self._variants = cache.folder, variants
        self._artists = sets[0].artists

    @property
    def protocol_a(self) -> str:
        """What protocol A is on these clips, for a title."""
        count = len(np.unique(self.fold[self.first]))
        return f"Protocol A: {_COUNTS.get(count, count)} {self.folds}"

    @property
    def folds(self) -> str:
        """What the first set's folds are, for a title."""
        apart = " that share no artist"
        return f"folds{apart if self._artists else ', each file of unknown artist counted as an artist of its own'}"

    def of(self, split: Split) -> Material:
        """The clips as a model that the split judges may know them: by a trunk that never heard what is judged.

        Raises
        ------
        DataError
            There is no such trunk.
        """
        columns = self.columns.without(self.sets[0], split.left_out)
        if columns is self.columns:
            return self
        other, cache = copy(self), FeatureCache(self._folder, columns)
        other.columns, other.sequences = columns, [_whole(v) for v in cache.sequences(self.clips, self._variants)]
        return other

    def fit(self, train: NDArray[np.int64], recipe: Recipe, seed: int) -> Trained:
        """Train on the clips `train` (indices)."""
        if not recipe.extra_weight:
            train = train[self.first[train]]
        weights = np.where(self.first[train], 1.0, recipe.extra_weight).astype(np.float32)
        examples = Examples([self.sequences[i] for i in train], self.targets[train], weights)
        return fit(examples, self.names, recipe, seed)

    def judged(self, split: Split) -> NDArray[np.int64]:
        """The split's test clips that figures are of: those of the first set (indices)."""
        return np.asarray(split.test[self.first[split.test]])

    def sets_of(self, recipe: Recipe) -> list[str]:
        """The sets that `recipe` trains on."""
        return list(self.sets if recipe.extra_weight else self.sets[:1])

    def settings(self, recipe: Recipe, seed: int) -> dict[str, Any]:
        """What decides a model that is trained on these clips, for a report."""
        return {
            "recipe": asdict(recipe),
            "seed": seed,
            "columns": self.columns.digest,
            "descriptors": len(self.names),
            "sets": self.sets_of(recipe),
        }

    def own(self, indices: Iterable[int]) -> list[NDArray[np.float32]]:
        """The unchanged sequences of clips."""
        return [self.sequences[i][0] for i in indices]


def _check_kept(first: datasets.Dataset, clips: Sequence[datasets.Clip], kept: Sequence[datasets.Clip]) -> None:
    """Say which clips are too short; refuse a first set that loses a mood by this, or all folds but one."""
    remaining = set(kept)
    if dropped := [clip for clip in clips if clip not in remaining]:
        print(f"left out, for being shorter than one segment (3 s): {datasets.some(dropped)}", file=sys.stderr)
    own = remaining.intersection(first.clips)
    if lost := {clip.label for clip in first.clips} - {clip.label for clip in own}:
        names = ", ".join(first.labels[label] for label in sorted(lost))
        raise datasets.DataError(f"{first.name}: every clip of {names} is shorter than one segment (3 s)")
    if len({clip.fold for clip in own}) < 2:
        raise datasets.DataError(f"{first.name}: clips of one artist are left; nothing would be left to judge")


def _whole(versions: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """The versions of a clip that are not shorter than one segment."""
    return [values for values in versions if len(values)]
