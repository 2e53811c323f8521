"""What a trunk learns to say: the teachers' outputs, evened out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.corpus import Shard

Array = NDArray[np.float32]
#: Outputs that are learned value by value, and what each counts in the loss.
PLAIN: Mapping[str, float] = {"msd_pen": 1.0, "mtt_pen": 1.0, "msd_tag": 0.5, "mtt_tag": 0.5}
#: Outputs of which principal components are learned, and what each of those counts.
REDUCED: Mapping[str, float] = {"msd_max": 0.7, "mtt_max": 0.7, "vib": 0.7}
COMPONENTS = 64
#: Standardised values beyond this are cut: what a teacher says of odd sounds must not rule the loss.
LIMIT, REDUCED_LIMIT = 4.0, 5.0
_LEARN_FROM = 5  # every fifth window is plenty for means, deviations and components


@dataclass(frozen=True)
class Reduction:
    """Principal components of standardised values, scaled so that the spread of variances is halved in logarithm."""

    mean: Array
    deviation: Array
    matrix: Array

    @classmethod
    def learn(cls, values: Array) -> Reduction:
        """From ``[samples, dims]``; at most `COMPONENTS` components."""
        mean, deviation = values.mean(0), values.std(0) + 1e-3
        standard = np.clip((values - mean) / deviation, -REDUCED_LIMIT, REDUCED_LIMIT)
        _, singular, directions = np.linalg.svd(standard, full_matrices=False)
        sd = singular[:COMPONENTS] / np.sqrt(len(values))
        return cls(mean, deviation, directions[:COMPONENTS].T / np.sqrt(sd * sd[0] + 1e-12))

    def __call__(self, values: Array) -> Array:
        """``[samples, dims]`` to ``[samples, components]``."""
        standard = np.clip((values - self.mean) / self.deviation, -REDUCED_LIMIT, REDUCED_LIMIT)
        return np.asarray(standard @ self.matrix, dtype=np.float32)


@dataclass(frozen=True)
class Targets:
    """Outputs of the teachers by window, standardised or reduced, one after the other.

    weights: what each counts ``[targets]``.
    """

    mean: Array
    deviation: Array
    reductions: Mapping[str, Reduction]
    weights: Array

    @classmethod
    def learn(cls, shards: Sequence[Shard]) -> Targets:
        """Means, deviations and components of the shards' outputs."""
        plain = np.concatenate([_plain(shard)[::_LEARN_FROM] for shard in shards])
        reductions = {
            key: Reduction.learn(np.concatenate([_rows(shard, key)[::_LEARN_FROM] for shard in shards]))
            for key in REDUCED
        }
        first = shards[0].targets
        weights = [np.full(first[key].shape[-1], share) for key, share in PLAIN.items()]
        weights += [np.full(reductions[key].matrix.shape[1], share) for key, share in REDUCED.items()]
        deviation = plain.std(0) + 1e-3
        return cls(plain.mean(0), deviation, reductions, np.concatenate(weights).astype(np.float32))

    def __call__(self, shard: Shard) -> Array:
        """What is to be said of each window ``[windows, targets]``."""
        plain = (_plain(shard) - self.mean) / self.deviation
        reduced = [
            np.broadcast_to(r(_rows(shard, k)), (len(plain), r.matrix.shape[1])) for k, r in self.reductions.items()
        ]
        return np.clip(np.concatenate([plain, *reduced], axis=1), -LIMIT, LIMIT, dtype=np.float32)


def _plain(shard: Shard) -> Array:
    return np.concatenate([_rows(shard, key) for key in PLAIN], axis=1)


def _rows(shard: Shard, key: str) -> Array:
    """An output by window ``[windows, dims]``; one row where it is of the whole excerpt."""
    return np.atleast_2d(shard.targets[key]).astype(np.float32)
