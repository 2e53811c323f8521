"""What a trunk is shown in training: disturbed patches of a corpus, and what the teachers say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from converters import corpus
from converters.targets import Targets
from converters.trunk import TrunkConfig

Array = NDArray[np.float32]
#: Frames from one of the teachers' windows to the next: a second.
STEP = 40


class Batches(Protocol):
    """Where batches come from."""

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]: ...  # noqa: D102


@dataclass(frozen=True)
class Mixed:
    """Half of each batch from either of two places."""

    one: Batches
    other: Batches

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Patches ``[size, length, bands]`` and their targets ``[size, targets]``."""
        (x, y), (v, w) = self.one.batch(size - size // 2, rng), self.other.batch(size // 2, rng)
        return np.concatenate([x, v]), np.concatenate([y, w])


class Windows:
    """The patches of a corpus that a teacher's window lies over, with what the teachers say there."""

    def __init__(self, shards: Sequence[corpus.Shard], targets: Targets, config: TrunkConfig) -> None:
        self._frames = [shard.frames for shard in shards]
        self._said = [targets(shard).astype(np.float16) for shard in shards]
        self._config = config
        self.places = np.array(
            [
                (i, k)
                for i, (frames, said) in enumerate(zip(self._frames, self._said, strict=True))
                for k in range(min(len(said), (len(frames) - config.length) // STEP + 1))
            ]
        )

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Random patches, disturbed, ``[size, length, bands]`` and their targets ``[size, targets]``."""
        chosen = self.places[rng.integers(0, len(self.places), size)]
        length = self._config.length
        x = np.stack([self._frames[i][STEP * k : STEP * k + length] for i, k in chosen])
        y = np.stack([self._said[i][k] for i, k in chosen])
        return disturbed(corpus.decode(x), rng), y.astype(np.float32)


def cut(frames: NDArray[np.uint8], config: TrunkConfig) -> NDArray[np.uint8]:
    """The patches of an excerpt that lie one behind the other ``[patches, length, bands]``."""
    count = len(frames) // config.length
    return frames[: count * config.length].reshape(count, config.length, config.bands)


def disturbed(x: Array, rng: np.random.Generator) -> Array:
    """Patches ``[patches, length, bands]`` of log power, equalised, band-limited, noisy.

    A smooth curve over the bands varies by 2.6 dB (standard deviation); of some patches a few bands are flat, those
    above a random one 9-52 dB weaker, or nothing is weaker than 22-48 dB below the strongest. Level is left alone: the
    trunk does not hear it.
    """
    count, _, bands = x.shape
    knots = rng.normal(0, 0.6, (count, 7))
    curve = np.stack([np.interp(np.linspace(0, 6, bands), np.arange(7), knot) for knot in knots])
    x = x + curve[:, None]
    for patch in x:
        if rng.random() < 0.3:
            first = int(rng.integers(0, bands - 6))
            patch[:, first : first + int(rng.integers(1, 7))] = patch.mean()
        if rng.random() < 0.25:
            patch[:, int(rng.integers(bands * 5 // 8, bands)) :] -= rng.uniform(2, 12)
        if rng.random() < 0.15:
            patch[:] = np.logaddexp(patch, patch.max() - rng.uniform(5, 11))
    return np.asarray(x, dtype=np.float32)
