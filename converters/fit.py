"""Fitting the network to labelled sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from converters import kernel, normalise
from converters.kernel import KernelConfig
from converters.network import NetworkConfig, build
from edgemood.bundle import Normalisation

# Networks this small gain nothing from more threads, and sums come out the same whatever the machine.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

#: How many principal axes make a song's mood vector: of `default` these hold 91 % of the variance, and cosines
#: correlate by 0.998 with those of all 192 values (clips of a fold left out).
VECTOR_SIZE = 32

Sequences = Sequence[Sequence[NDArray[np.float32]]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained, besides data and seed.

    variants
        Changed versions of each clip to train on (see `augment`); own_share of the draws take the clip itself.
    crop_segments
        The shortest stretch of a clip that is shown; its length and place are drawn anew each time.
    level_sd, tilt_sd, noise_sd
        Random offsets: of the logarithm of energy descriptors, of each normalised descriptor over the whole stretch,
        and of each value.
    mixup
        Parameter of the beta distribution that blends pairs of stretches and their labels; 0 for none.
    ema
        Momentum of the running mean of the weights, which is what is kept; less where steps are few; 0 for none.
    extra_weight
        What a clip of other sets than the first counts; 0 leaves them out.
    members
        Networks trained with seeds of their own, whose mean is the model.
    kernel
        The kernel machine beside the networks, on the same clips and changed versions; None for none.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    epochs: int = 45
    batch_size: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    mixup: float = 1.0
    variants: int = 2
    own_share: float = 0.34
    crop_segments: int = 14
    level_sd: float = 0.3
    tilt_sd: float = 0.05
    noise_sd: float = 0.1
    ema: float = 0.99
    extra_weight: float = 0.2
    members: int = 1
    kernel: KernelConfig | None = None


#: The paper's own settings, as far as it gives them: plain network, plain descriptors, plain gradient descent.
PAPER = Recipe(
    network=NetworkConfig(
        units=128, attention_units=128, dropout=0.7, input_dropout=0, residual=False, normalise=False
    ),
    epochs=100,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.002,
    weight_decay=0,
    label_smoothing=0,
    mixup=0,
    variants=0,
    crop_segments=10_000,
    level_sd=0,
    tilt_sd=0,
    noise_sd=0,
    ema=0,
    extra_weight=0,
)


@dataclass(frozen=True)
class Examples:
    """Clips to train on.

    sequences: of each clip its descriptors ``[segments, descriptors]``, then those of its changed versions; targets:
    label probabilities ``[clips, labels]``; weights: how much each clip counts ``[clips]``.
    """

    sequences: Sequences
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Axes:
    """The principal axes of members' vectors: middle ``[values]``, axes ``[values, size]``."""

    middle: NDArray[np.float32]
    axes: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], size: int = VECTOR_SIZE) -> Axes:
        """Learn them from vectors ``[clips, values]``; as many as there are where that is fewer than `size`."""
        middle = vectors.mean(axis=0)
        _, _, axes = np.linalg.svd(vectors - middle, full_matrices=False)
        return cls(middle, np.ascontiguousarray(axes[:size].T))


@dataclass(frozen=True)
class Trained:
    """Trained members, the normalisation their inputs need, and the kernel machine beside them with its share.

    axes: what a song's mood vector is given by; None: it is the members' vectors, one behind the other.
    """

    members: tuple[keras.Model, ...]
    config: NetworkConfig
    normalisation: Normalisation
    kernel: keras.Model | None = None
    share: float = 0.0
    axes: Axes | None = None

    def parts(self) -> tuple[Trained, ...]:
        """Each member by itself, then the kernel machine, if there is one: with no axes, which are of all members."""
        alone = [replace(self, members=(member,), kernel=None, axes=None) for member in self.members]
        return (*alone, replace(self, share=1.0, axes=None)) if self.kernel else tuple(alone)

    def logits(self, of_members: Any, x: Any, mask: Any) -> Any:
        """The model's logits ``[batch, labels]``, of the members' ``[members, batch, labels]`` and the windows."""
        mean = ops.mean(of_members, axis=0)
        if self.kernel is None:
            return mean
        return (1.0 - self.share) * mean + self.share * self.kernel([x, mask], training=False)["logits"]

    @property
    def vector_size(self) -> int:
        """How many values a mood vector has."""
        own = sum(member.output["vector"].shape[-1] for member in self.members)
        return int(own if self.axes is None else self.axes.axes.shape[1])

    def vector(self, of_members: Sequence[Any]) -> Any:
        """The model's mood vector ``[batch, values]`` of its members' ``[batch, units]``."""
        together = ops.concatenate(of_members, axis=1)
        return together if self.axes is None else ops.matmul(together - self.axes.middle, self.axes.axes)

    def predict(self, sequences: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Mood probabilities ``[clips, labels]`` of sequences of raw descriptors, each cut to its first window."""
        x, mask = padded([self.normalisation(s) for s in sequences], self.config.window)
        logits = self.logits(ops.stack([m([x, mask], training=False)["logits"] for m in self.members]), x, mask)
        logits = np.asarray(logits, np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def vectors(self, sequences: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Mood vectors ``[clips, values]`` of sequences of raw descriptors, each cut to its first window."""
        windows = padded([self.normalisation(s) for s in sequences], self.config.window)
        return np.asarray(self.vectors_of(windows), np.float64)

    def vectors_of(self, windows: tuple[NDArray[np.float32], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Mood vectors ``[windows, values]`` of normalised windows and their masks."""
        outputs = [member(list(windows), training=False)["vector"] for member in self.members]
        return np.asarray(self.vector(outputs), np.float32)


def padded(sequences: Sequence[NDArray[np.float32]], window: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sequences cut or padded on the right to `window` rows, and the mask that tells them from padding."""
    x = np.zeros((len(sequences), window, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(sequences), window), dtype=np.float32)
    for i, values in enumerate(sequences):
        x[i, : len(values)], mask[i, : len(values)] = values[:window], 1.0
    return x, mask


def fit(examples: Examples, names: Sequence[str], recipe: Recipe, seed: int) -> Trained:
    """Train on clips.

    The networks learn from stretches of clips of any length, drawn anew each time; the axes of the mood vector and the
    kernel machine learn from the first window of each clip alone, that is from half a minute.

    Parameters
    ----------
    examples
        The clips, with raw descriptors.
    names
        The descriptors' names.
    recipe, seed
        The same two give the same model on one machine.
    """
    normalisation = normalise.learn((clip[0] for clip in examples.sequences), names)
    config = replace(recipe.network, descriptors=len(names), labels=examples.targets.shape[1])
    # a step of one in the logarithm of energy, in normalised units
    reach = np.asarray(normalisation.maximum) - np.asarray(normalisation.minimum)
    kinds = zip(names, normalisation.transforms, strict=True)
    is_level = np.array([name.startswith("energy") and kind == "log" for name, kind in kinds])
    level = np.where(is_level, 2 * normalisation.span / reach, 0).astype(np.float32)
    ready = [[normalisation(v) for v in clip[: recipe.variants + 1]] for clip in examples.sequences]
    examples = replace(examples, sequences=ready)
    members = tuple(
        _fit_one(examples, level, replace(recipe, network=config), seed * 1000 + i) for i in range(recipe.members)
    )
    trained = Trained(members, config, normalisation)
    windows = padded([clip[0] for clip in examples.sequences], config.window)
    trained = replace(trained, axes=Axes.of(trained.vectors_of(windows)))
    if recipe.kernel is None:
        return trained
    machine = _fit_kernel(examples, names, recipe.kernel, config.window, seed)
    return replace(trained, kernel=machine, share=recipe.kernel.share)


def _fit_kernel(examples: Examples, names: Sequence[str], config: KernelConfig, window: int, seed: int) -> keras.Model:
    """The machine on clips' first windows and on those of their changed versions, which share a clip's weight."""
    counts = [len(versions) for versions in examples.sequences]
    windows = padded([values for versions in examples.sequences for values in versions], window)
    targets = np.repeat(examples.targets, counts, axis=0)
    weights = np.repeat(examples.weights / counts, counts)
    return kernel.fit(windows, targets, weights, names, config, seed)


def _fit_one(examples: Examples, level: NDArray[np.float32], recipe: Recipe, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    network = build(recipe.network)
    count = len(examples.sequences)
    steps = max(1, count // recipe.batch_size)
    optimizer = _optimizer(recipe, steps * recipe.epochs)
    variables = network.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step(x: Any, mask: Any, target: Any, weight: Any) -> None:
        with tf.GradientTape() as tape:
            logits = network([x, mask], training=True)["logits"]
            loss = tf.nn.softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_sum(loss * weight) / tf.reduce_sum(weight)
        optimizer.apply(tape.gradient(loss, variables), variables)

    smooth = recipe.label_smoothing
    targets = examples.targets * (1 - smooth) + smooth / examples.targets.shape[1]
    for _ in range(recipe.epochs):
        order = rng.permutation(count)
        for k in range(steps):
            chosen = order[k * recipe.batch_size : (k + 1) * recipe.batch_size]
            x, mask = _stretches([examples.sequences[i] for i in chosen], level, recipe, rng)
            step(*_mixed(x, mask, targets[chosen], recipe.mixup, rng), examples.weights[chosen])
    if recipe.ema:
        optimizer.finalize_variable_values(variables)
    return network


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(recipe.learning_rate)
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate * 0.05,
        steps,
        alpha=0.02,
        warmup_target=recipe.learning_rate,
        warmup_steps=max(1, steps // 10),
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        clipnorm=1.0,
        use_ema=recipe.ema > 0,
        ema_momentum=min(recipe.ema, 1 - 5 / max(steps, 10)) or 0.99,  # few steps: a shorter memory
    )


def _stretches(
    clips: Sequences, level: NDArray[np.float32], recipe: Recipe, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A random stretch of a random version of each clip, randomly disturbed."""
    cuts = []
    for versions in clips:
        own = len(versions) == 1 or rng.random() < recipe.own_share
        values = versions[0 if own else rng.integers(1, len(versions))]
        longest = min(len(values), recipe.network.window)
        length = int(rng.integers(min(recipe.crop_segments, longest), longest + 1))
        start = int(rng.integers(0, len(values) - length + 1))
        cut = values[start : start + length] + rng.normal(0, recipe.level_sd) * level
        cut = cut + rng.normal(0, recipe.tilt_sd, cut.shape[1]) + rng.normal(0, recipe.noise_sd, cut.shape)
        cuts.append(cut.astype(np.float32))
    return padded(cuts, recipe.network.window)


def _mixed(
    x: NDArray[np.float32], mask: NDArray[np.float32], target: NDArray[np.float32], alpha: float, rng: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Each stretch blended with another of the batch, its own share being the larger one."""
    if not alpha:
        return x, mask, target
    share = rng.beta(alpha, alpha, len(x)).astype(np.float32)
    share = np.maximum(share, 1 - share)[:, None]
    other = rng.permutation(len(x))
    x = x * share[:, :, None] + x[other] * (1 - share[:, :, None])
    return x, np.maximum(mask, mask[other]), target * share + target[other] * (1 - share)
