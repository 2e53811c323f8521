"""The paper's network of the listener's mood, over songs that the mood model has described.

A song's vector is what a fully connected layer (64 units, sigmoid) makes of the mood model's vector, which joins
descriptors and an embedding of the spectrogram, and of its scores. The vectors of the last k songs are weighed by
recency (eq. 12, whose weights are not legible: here ``softmax`` of a learned number for each place), then come three
LSTM layers, attention and softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from converters.readers import Heard

Array = NDArray[np.float64]
#: What a network can be told of a play: the song's scores, its vector, and when it was played and whether skipped.
TOLD = ("scores", "vectors", "events")


@dataclass(frozen=True)
class ListenerConfig:
    """Sizes and training; the learning rate falls along a cosine.

    Learning rate and epochs are the best of a few on the first test fold, which favours the network. told: which of
    `TOLD` the network reads; noise_sd: of standardised inputs, so that it does not know songs again.
    """

    told: tuple[str, ...] = TOLD
    song_units: int = 64
    units: int = 48
    layers: int = 3
    dropout: float = 0.3
    noise_sd: float = 0.3
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 6e-3
    weight_decay: float = 1e-2


class _Recency(keras.layers.Layer):
    """Multiply each place of a window by a learned weight; together they are 1 on average."""

    def build(self, shape: Any) -> None:
        self.log_weights = self.add_weight(shape=(shape[1],), initializer="zeros", name="log_weights")

    def call(self, x: Any) -> Any:
        return x * (ops.softmax(self.log_weights) * x.shape[1])[None, :, None]


def build(config: ListenerConfig, plays: int, inputs: int, labels: int) -> keras.Model:
    """The network, from ``[batch, plays, inputs]`` to logits ``[batch, labels]``."""
    x = keras.Input((plays, inputs))
    hidden = layers.GaussianNoise(config.noise_sd)(x)
    hidden = layers.Dense(config.song_units, "sigmoid", name="song")(hidden)
    if plays > 1:
        hidden = _Recency(name="recency")(hidden)
    for i in range(config.layers):
        hidden = layers.LSTM(config.units, return_sequences=True, name=f"lstm_{i + 1}")(hidden)
        hidden = layers.Dropout(config.dropout)(hidden)
    if plays > 1:
        scores = layers.Dense(1, use_bias=False)(layers.Dense(config.units, "tanh")(hidden))
        hidden = ops.softmax(scores, axis=1) * hidden
    pooled = ops.sum(hidden, axis=1)
    return keras.Model(x, layers.Dense(labels, name="mood")(pooled))


def fit(learn: Heard, config: ListenerConfig, seed: int) -> tuple[Callable[[Heard], Array], dict[str, Any]]:
    """Train on sessions; gives what reads the mood from others as long, and its settings."""
    keras.utils.set_random_seed(seed)
    inputs = _inputs(learn, config.told)
    mean, scale = inputs.mean(axis=(0, 1)), inputs.std(axis=(0, 1)) + 1e-6
    network = build(config, inputs.shape[1], inputs.shape[2], learn.scores.shape[2])
    steps = config.epochs * -(-len(inputs) // config.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps, alpha=0.02)
    network.compile(
        keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    network.fit((inputs - mean) / scale, learn.truth, config.batch_size, config.epochs, verbose=0)

    def read(heard: Heard) -> Array:
        values = (_inputs(heard, config.told) - mean) / scale
        logits = np.asarray(network.predict(values, batch_size=1024, verbose=0), np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    return read, asdict(config)


def _inputs(heard: Heard, told: tuple[str, ...]) -> NDArray[np.float32]:
    """What the network is told of each play ``[sessions, plays, inputs]``."""
    skipped = ~np.isnan(heard.heard)
    events = [np.log(heard.gap_s + 30.0), skipped, np.where(skipped, heard.heard, 1.0)]
    events[0][:, 0] = events[0][:, 1:].mean() if heard.gap_s.shape[1] > 1 else 0.0  # of the first it means nothing
    parts = {
        "scores": np.log(np.maximum(heard.scores, 1e-4)),
        "vectors": heard.vectors,
        "events": np.stack(events, axis=2),
    }
    return np.concatenate([parts[name] for name in told], axis=2).astype(np.float32)
