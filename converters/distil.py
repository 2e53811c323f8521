"""Distil a trunk from teachers: ``python -m converters.distil --cache CORPUS --out TRUNK``.

CORPUS holds the shards that `converters.corpus` made: log-mel frames of music and what pretrained taggers say of it.
The trunk learns to say the same of three-second patches, without labels and without any clip of the sets left out by
``--sets``: 4QAED, which judges the models that read the trunk's embedding, is left out unless it is named.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converters import corpus, patch_export
from converters.columns import TRUNK_SUFFIX
from converters.targets import Targets
from converters.trunk import TrunkConfig, build

Array = NDArray[np.float32]
#: Frames from one of the teachers' windows to the next: a second.
STEP = 40


@dataclass(frozen=True)
class Schedule:
    """How a trunk is trained: AdamW, the learning rate rising over the first steps and falling along a cosine."""

    steps: int = 12_000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    warmup_steps: int = 300
    seed: int = 0


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

    def cut(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The patches of an excerpt that lie one behind the other ``[patches, length, bands]``."""
        count = len(frames) // self._config.length
        return frames[: count * self._config.length].reshape(count, self._config.length, self._config.bands)

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Random patches, disturbed, ``[size, length, bands]`` and their targets ``[size, targets]``."""
        chosen = self.places[rng.integers(0, len(self.places), size)]
        length = self._config.length
        x = np.stack([self._frames[i][STEP * k : STEP * k + length] for i, k in chosen])
        y = np.stack([self._said[i][k] for i, k in chosen])
        return disturbed(corpus.decode(x), rng), y.astype(np.float32)


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


def train(windows: Windows, targets: Targets, config: TrunkConfig, schedule: Schedule) -> keras.Model:
    """A trunk that predicts `targets` of patches; least squares, each target weighed as `Targets.weights` says."""
    keras.utils.set_random_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    network = build(config, len(targets.weights))
    rate = keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate * 0.01,
        max(1, schedule.steps - schedule.warmup_steps),
        alpha=0.01,
        warmup_target=schedule.learning_rate,
        warmup_steps=schedule.warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay, clipnorm=5.0)
    variables = network.trainable_variables
    optimizer.build(variables)
    weights = targets.weights / targets.weights.mean()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            guess = network(x, training=True)["targets"]
            loss = tf.reduce_mean(weights * tf.square(guess - y))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    losses: list[float] = []
    for i in range(1, schedule.steps + 1):
        losses.append(float(step(*windows.batch(schedule.batch_size, rng))))
        if i % 200 == 0 or i == schedule.steps:
            print(f"step {i} of {schedule.steps}: loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
    return network


def heard(network: keras.Model, windows: Windows, targets: Targets, shards: Sequence[corpus.Shard]) -> float:
    """Mean correlation, over excerpts, of what the trunk and its teachers say of each on average."""
    pairs = []
    for shard in shards:
        said = targets(shard)
        x = corpus.decode(windows.cut(shard.frames))
        pairs.append((np.asarray(network(x, training=False)["targets"]).mean(0), said.mean(0)))
    guess, truth = (np.stack(side) for side in zip(*pairs, strict=True))
    standard = [(side - side.mean(0)) / (side.std(0) + 1e-6) for side in (guess, truth)]
    return float(np.mean(standard[0] * standard[1]))


def digest(shards: Sequence[Path]) -> str:
    """A short digest of the shards' names and sizes: another corpus gives another trunk."""
    listed = "\n".join(f"{path.parent.name}/{path.name} {path.stat().st_size}" for path in shards)
    return hashlib.sha256(listed.encode()).hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train and write the trunk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="the corpus, as `converters.corpus` made it")
    parser.add_argument("--sets", nargs="+", default=["emotify", "emopia", "music"], help="its folders to learn from")
    parser.add_argument("--judge", default="4qaed", help="a folder of it to judge what was learned on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trunk")
    parser.add_argument("--steps", type=int, default=Schedule.steps, help="batches to train on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.judge in options.sets:
        parser.error(f"{options.judge} cannot judge a trunk that learned from it")
    shelf = corpus.Corpus(options.cache)
    try:
        shards = [corpus.load(path) for path in shelf.shards(options.sets)]
    except corpus.DamagedShardError as error:
        parser.error(f"{error}; run converters.corpus again")
    if not shards:
        parser.error(f"{options.cache} has no shards of {', '.join(options.sets)}: see converters.corpus")
    config, schedule = TrunkConfig(), Schedule(steps=options.steps, seed=options.seed)
    targets = Targets.learn(shards)
    windows = Windows(shards, targets, config)
    print(f"{len(shards)} excerpts, {len(windows.places)} windows", flush=True)
    network = train(windows, targets, config, schedule)
    options.out.mkdir(parents=True, exist_ok=True)
    network.save(options.out / patch_export.NETWORK)
    training: dict[str, Any] = {"excerpts": {name: len(shelf.shards([name])) for name in options.sets}}
    training |= {"schedule": asdict(schedule), "corpus": digest(shelf.shards(options.sets))}
    if judged := [corpus.load(path) for path in shelf.shards([options.judge])]:
        training["correlation"] = {options.judge: round(heard(network, windows, targets, judged), 4)}
        print(training["correlation"], flush=True)
    for kind, suffix in TRUNK_SUFFIX.items():
        content = patch_export.convert(network, config, kind)
        patch_export.write(options.out.with_name(options.out.name + suffix), content, config, training)


if __name__ == "__main__":
    main()
