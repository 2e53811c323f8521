"""Distil a trunk from teachers: ``python -m converters.distil --cache CORPUS --out TRUNK``.

CORPUS holds the shards that `converters.corpus` made: log-mel frames of music and what pretrained taggers say of it.
The trunk learns to say the same of three-second patches, without labels and without any clip of the sets left out by
``--sets``.

``--start SHARED --home SET --data DIR`` goes on from such a trunk with half of each batch from the set that will judge
the models which read the embedding: music like that which the trunk is for. ``--without FOLD`` leaves out one fold of
it and calls the trunk TRUNK-fold<FOLD>: a model is judged on a fold through the trunk that never heard it.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from converters import corpus, datasets, patch_export
from converters.columns import PATCHES, TRUNK_SUFFIX, fold_trunk, read_trunk
from converters.targets import Targets
from converters.trunk import TrunkConfig, build
from converters.windows import Batches, Mixed, Windows, cut


@dataclass(frozen=True)
class Schedule:
    """How a trunk is trained: AdamW, the learning rate rising over the first steps and falling along a cosine."""

    steps: int = 12_000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    warmup_steps: int = 300
    seed: int = 0


#: For going on from a trunk.
FURTHER = Schedule(steps=4000, learning_rate=1e-3, warmup_steps=200)


def train(batches: Batches, targets: Targets, start: TrunkConfig | keras.Model, schedule: Schedule) -> keras.Model:
    """A trunk that predicts `targets` of patches; least squares, each target weighed as `Targets.weights` says.

    `start` is a trained network to go on from (it is changed), or the settings of a new one.
    """
    keras.utils.set_random_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    network = build(start, len(targets.weights)) if isinstance(start, TrunkConfig) else start
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
        losses.append(float(step(*batches.batch(schedule.batch_size, rng))))
        if i % 200 == 0 or i == schedule.steps:
            print(f"step {i} of {schedule.steps}: loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
    return network


def heard(network: keras.Model, shards: Sequence[corpus.Shard], targets: Targets) -> float:
    """Mean correlation, over excerpts, of what the trunk and its teachers say of each on average."""
    pairs = []
    for shard in shards:
        said = targets(shard)
        x = corpus.decode(cut(shard.frames, TrunkConfig()))
        pairs.append((np.asarray(network(x, training=False)["targets"]).mean(0), said.mean(0)))
    guess, truth = (np.stack(side) for side in zip(*pairs, strict=True))
    standard = [(side - side.mean(0)) / (side.std(0) + 1e-6) for side in (guess, truth)]
    return round(float(np.mean(standard[0] * standard[1])), 4)


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
    parser.add_argument("--start", type=Path, help="a trunk to go on from, its folder; with --home and --data")
    parser.add_argument("--home", metavar="SET", help="a labelled set that then fills half of each batch")
    parser.add_argument("--data", type=Path, help="the folder with that set")
    parser.add_argument("--without", type=int, metavar="FOLD", help="leave out this fold of it, and judge on that")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trunk")
    parser.add_argument("--steps", type=int, help="batches to train on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if len({options.start is None, options.home is None, options.data is None}) > 1:
        parser.error("--start, --home and --data go together")
    if options.without is not None and not options.home:
        parser.error("--without needs --home")
    if {options.judge, options.home} & set(options.sets):
        parser.error("a set of --sets cannot judge what learned from it, nor be --home as well")
    try:
        shelf = corpus.Corpus(options.cache)
        network, training = (_further if options.home else _first)(options, shelf)
    except (corpus.DamagedShardError, datasets.DataError) as error:
        parser.error(str(error))
    out = options.out if options.without is None else fold_trunk(options.out, options.without)
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / patch_export.NETWORK)
    for kind, suffix in TRUNK_SUFFIX.items():
        if options.without is None or not suffix:
            content = patch_export.convert(network, TrunkConfig(), kind)
            patch_export.write(out.with_name(out.name + suffix), content, TrunkConfig(), training)


def _first(options: argparse.Namespace, shelf: corpus.Corpus) -> tuple[keras.Model, dict[str, Any]]:
    """A new trunk, and what its manifest says of its training."""
    shards, paths = _loaded(shelf, options.sets)
    schedule = _schedule(Schedule(), options)
    targets = Targets.learn(shards)
    network = train(Windows(shards, targets, TrunkConfig()), targets, TrunkConfig(), schedule)
    training = _training({name: len(shelf.shards([name])) for name in options.sets}, schedule, paths)
    if judged := [corpus.load(path) for path in shelf.shards([options.judge])]:
        training["correlation"] = {options.judge: heard(network, judged, targets)}
    print(training, flush=True)
    return network, training


def _further(options: argparse.Namespace, shelf: corpus.Corpus) -> tuple[keras.Model, dict[str, Any]]:
    """A trunk that goes on from another with music like that which it is for."""
    shards, paths = _loaded(shelf, options.sets)
    clips = [clip for found in datasets.load(options.data) if found.name == options.home for clip in found.clips]
    own = [p for clip in clips if clip.fold != options.without for p in shelf.versions(clip)]
    if not own or (options.without is not None and not any(clip.fold == options.without for clip in clips)):
        fold = "" if options.without is None else f" or no fold {options.without} of it"
        raise datasets.DataError(f"{options.cache} has no shards of {options.home} in {options.data}{fold}")
    schedule, targets, config = _schedule(FURTHER, options), Targets.learn(shards), TrunkConfig()
    started = read_trunk(options.start)[PATCHES]["training"]
    at_home = Windows([corpus.load(path) for path in own], targets, config)
    batches = Mixed(Windows(shards, targets, config), at_home)
    network = train(batches, targets, keras.models.load_model(options.start / patch_export.NETWORK), schedule)
    counts = {name: len(shelf.shards([name])) for name in options.sets} | {options.home: len(own)}
    training = _training(counts, schedule, [*paths, *own]) | {"start": started}
    if judged := [corpus.load(shelf.clip(clip, 0)) for clip in clips if clip.fold == options.without]:
        training["correlation"] = {f"{options.home}, fold {options.without}": heard(network, judged, targets)}
    print(training, flush=True)
    return network, training


def _loaded(shelf: corpus.Corpus, sets: Sequence[str]) -> tuple[list[corpus.Shard], list[Path]]:
    paths = shelf.shards(sets)
    if not paths:
        raise datasets.DataError(f"{shelf.folder} has no shards of {', '.join(sets)}: see converters.corpus")
    return [corpus.load(path) for path in paths], paths


def _schedule(usual: Schedule, options: argparse.Namespace) -> Schedule:
    return replace(usual, steps=options.steps or usual.steps, seed=options.seed)


def _training(excerpts: dict[str, int], schedule: Schedule, paths: Sequence[Path]) -> dict[str, Any]:
    return {"excerpts": excerpts, "schedule": asdict(schedule), "corpus": digest(paths)}


if __name__ == "__main__":
    main()
