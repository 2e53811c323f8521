"""The trunk: a small convolutional network that gives three seconds of log-mel spectrum an embedding.

Plain 3x3 convolutions: per multiplication they are the fastest there are on devices in int8, and in training on a CPU,
too. Means and maxima over both axes are what the embedding is made of, so that it tells what sounds from when.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from converters import corpus
from edgemood.bundle import Part


@dataclass(frozen=True)
class TrunkConfig:
    """Frames and mel bands of a patch, rows of the mood network's sequence it lies beside, size of the embedding.

    A patch is taken relative to its own mean power, so that its level does not count, and nothing in it is lower than
    `floor`, in neper of power, so that neither noise nor what a codec leaves out does. mean and deviation are those of
    such values in music at large.
    """

    length: int = 120
    bands: int = len(corpus.NAMES)
    rows: int = 3
    size: int = 96
    floor: float = -12.0
    mean: float = -3.4
    deviation: float = 3.3
    dropout: float = 0.05

    @property
    def frames(self) -> Part:
        """The frames of a patch: natural logarithm of the power in mel bands."""
        return Part(corpus.FRAMES.to_dict(), corpus.NAMES)


def build(config: TrunkConfig, targets: int) -> keras.Model:
    """The network for training, from ``[batch, length, bands]`` of log power to ``embedding`` and ``targets``.

    The targets are predicted from the embedding through one hidden layer, which is thrown away afterwards.
    """
    x = keras.Input((config.length, config.bands), name="x")
    level = ops.logsumexp(x, axis=(1, 2), keepdims=True) - math.log(config.length * config.bands)
    hidden = ops.expand_dims((ops.maximum(x - level, config.floor) - config.mean) / config.deviation, -1)
    hidden = _convolution(hidden, 24, (3, 5), 2)
    hidden = _convolution(hidden, 40, 3, 2)
    hidden = _convolution(hidden, 48, 3)
    hidden = _residual(_convolution(hidden, 80, 3, 2))
    hidden = _residual(_convolution(hidden, 128, 3, 2))
    hidden = _convolution(hidden, 256, 1)
    mean = ops.mean(hidden, axis=(1, 2))
    brightest = ops.mean(ops.max(hidden, axis=2), axis=1)
    strongest = ops.max(ops.mean(hidden, axis=2), axis=1)
    pooled = _dense(layers.Concatenate()([mean, brightest, strongest]), 256)
    embedding = layers.Dense(config.size, name="embedding")(layers.Dropout(config.dropout)(pooled))
    guess = layers.Dense(targets, name="targets")(layers.Dense(384, activation="gelu")(embedding))
    return keras.Model(x, {"embedding": embedding, "targets": guess})


def embedding_of(network: keras.Model) -> keras.Model:
    """The part of a trained network that ships."""
    return keras.Model(network.input, network.output["embedding"])


def _convolution(x: Any, channels: int, kernel: int | tuple[int, int], stride: int = 1) -> Any:
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))


def _residual(x: Any) -> Any:
    return layers.Add()([x, _convolution(x, x.shape[-1], 3)])


def _dense(x: Any, units: int) -> Any:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.97)(layers.Dense(units, use_bias=False)(x)))
