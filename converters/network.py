"""The network: LSTM layers, or none, and attention, or a plainer pooling, over a window of descriptor vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

#: How the last layer's outputs become one vector; without attention each segment counts alike, or only the last does.
POOLINGS = ("attention", "mean", "last")
_MASKED = 1e4  # taken from the attention scores of padding: enough to make their share exactly 0 in float32


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and regularisation. The paper's own are 128 units (a guess: it gives none) and dropout 0.7.

    residual and normalise put shortcuts around, and layer normalisation after, each LSTM; skip puts a shortcut around
    the first one, too; deviation gives the attention-weighted standard deviation beside the mean. Inner validation
    decided which of them are on. pooling is one of `POOLINGS`; the paper's plain LSTM takes the last output. hidden is
    the size of a hidden layer on what was pooled, 0 for none. Without LSTM layers the rows themselves are pooled, which
    suits rows that hold an embedding of several seconds already.
    """

    window: int = 28
    descriptors: int = 50
    labels: int = 4
    units: int = 48
    layers: int = 3
    attention_units: int = 32
    dropout: float = 0.4
    input_dropout: float = 0.1
    skip: bool = False
    deviation: bool = False
    residual: bool = True
    normalise: bool = True
    pooling: str = "attention"
    hidden: int = 0

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, not {self.pooling!r}")


def build(config: NetworkConfig, lstm: type[keras.layers.LSTM] = layers.LSTM, batch: int | None = None) -> keras.Model:
    """The network as a Keras model from ``[x, mask]`` to a dict of outputs.

    Parameters
    ----------
    config
        Sizes and regularisation.
    lstm
        The class of the LSTM layers; export puts in one that the TFLite converter can fuse.
    batch
        A fixed batch size, for export.

    Returns
    -------
    keras.Model
        Inputs ``x`` float32 ``[batch, window, descriptors]`` and ``mask`` float32 ``[batch, window]``, 1 on segments
        and 0 on the padding that follows them. Outputs ``logits`` ``[batch, labels]``, ``vector`` ``[batch, units]``
        (what the attention pooled, or the hidden layer made of it), ``attention`` ``[batch, window]`` (sums to 1) and
        ``salience`` ``[batch]`` (log of the sum of the attention's unnormalised weights).
    """
    x = keras.Input((config.window, config.descriptors), batch_size=batch, name="x")
    mask = keras.Input((config.window,), batch_size=batch, name="mask")
    hidden = layers.Dropout(config.input_dropout, noise_shape=(None, 1, config.descriptors))(x)
    for i in range(config.layers):
        out = lstm(config.units, return_sequences=True, name=f"lstm_{i + 1}")(hidden)
        if i == 0 and config.skip:
            hidden = layers.Dense(config.units, name="skip")(hidden)
        hidden = layers.Add()([out, hidden]) if config.residual and (i or config.skip) else out
        if config.normalise:
            hidden = layers.LayerNormalization(name=f"norm_{i + 1}")(hidden)
        hidden = layers.Dropout(config.dropout)(hidden)
    scores = _scores(hidden, mask, config)
    attention = ops.softmax(scores, axis=-1)
    shares = attention[:, :, None]
    vector = ops.sum(shares * hidden, axis=1)
    if config.deviation:
        spread = ops.sum(shares * ops.square(hidden - vector[:, None, :]), axis=1)
        vector = layers.Concatenate()([vector, ops.sqrt(spread + 1e-4)])
    if config.hidden:
        if config.normalise:
            vector = layers.LayerNormalization(name="norm_pooled")(vector)
        vector = layers.Dense(config.hidden, "gelu", name="hidden")(layers.Dropout(config.dropout / 2)(vector))
    outputs = {
        "logits": layers.Dense(config.labels, name="mood")(layers.Dropout(config.dropout)(vector)),
        "vector": vector,
        "attention": attention,
        "salience": ops.logsumexp(scores, axis=-1),
    }
    return keras.Model([x, mask], outputs)


def _scores(hidden: Any, mask: Any, config: NetworkConfig) -> Any:
    """Of each segment the logarithm of its unnormalised weight ``[batch, window]``."""
    if config.pooling == "last":
        mask = mask - ops.pad(mask[:, 1:], ((0, 0), (0, 1)))  # only where padding, or nothing, follows
    away = (1.0 - mask) * _MASKED
    if config.pooling != "attention":
        return -away
    scored = layers.Dense(config.attention_units, activation="tanh", name="attention_hidden")(hidden)
    scores = layers.Dense(1, use_bias=False, name="attention_score")(scored)[:, :, 0]
    return layers.Subtract()([scores, away])
