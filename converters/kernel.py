"""Kernel logistic regression on what a window is like on the whole: a second opinion beside the networks.

The networks weigh seconds and learn from many noisy steps; this is a convex problem on the window's mean and deviation,
whose probabilities fade to the labels' shares where nothing like the window was heard in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression

from edgemood.bundle import PATCH_PREFIX

Array = NDArray[np.float64]
_LIMIT = 4.0  # of standardised statistics, either way
_STEPS = 200  # of the solver, at most
_TINY = 1e-6  # standard deviation of a statistic that never changes


@dataclass(frozen=True)
class KernelConfig:
    """What decides a `fit`; inner validation decided the defaults.

    centres
        How many windows span the kernel, at most: drawn from all that are trained on, changed versions of clips, too.
    gamma
        Of the kernel ``exp(-gamma |a - b|^2)``; a typical window has a squared norm of about 2 where there is an
        embedding beside other descriptors, else of 1.
    ridge
        What half the squared norm of a label's function costs, in clips' log losses.
    share
        Of the kernel's logits in the model's, beside the mean of the networks'.
    """

    centres: int = 512
    gamma: float = 0.3
    ridge: float = 0.1
    share: float = 0.5


def fit(  # noqa: PLR0913, PLR0917
    windows: tuple[NDArray[np.float32], NDArray[np.float32]],
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    names: Sequence[str],
    config: KernelConfig,
    seed: int,
) -> keras.Model:
    """Train on windows.

    Parameters
    ----------
    windows
        Normalised, ``[windows, window, descriptors]``, and their masks ``[windows, window]``.
    targets, weights
        Label probabilities ``[windows, labels]``, and how much each window counts ``[windows]``.
    names
        The descriptors' names. Of an embedding's columns, which change only from patch to patch, only the mean counts;
        embedding and other descriptors count alike, however many columns either has.
    config, seed
        The same two give the same model.

    Returns
    -------
    keras.Model
        From ``[x, mask]`` to ``logits`` ``[batch, labels]``.

    References
    ----------
    Zhu and Hastie, Kernel logistic regression and the import vector machine, JCGS 14 (2005); Williams and Seeger, Using
    the Nystroem method to speed up kernel machines, NIPS 13 (2001).
    """
    x, mask = keras.Input(windows[0].shape[1:], name="x"), keras.Input(windows[1].shape[1:], name="mask")
    pooled = _pooled(x, mask, names)
    raw = np.asarray(keras.Model([x, mask], pooled).predict(windows, verbose=0))
    standardise = _standardiser(raw, weights, names)
    values = np.asarray(standardise(raw), np.float64)
    centres, coefficients, offset = _solved(values, targets, weights, config, seed)
    near = layers.Dense(len(centres), name="centres")
    ready = standardise(pooled)
    exponent = near(ready) - config.gamma * ops.sum(ops.square(ready), axis=1, keepdims=True)
    near.set_weights([2 * config.gamma * centres.T, -config.gamma * np.sum(centres**2, axis=1)])
    # not a layer: large coefficients that cancel out must not become int8
    logits = ops.sum(ops.exp(exponent)[:, :, None] * np.asarray(coefficients, np.float32), axis=1)
    return keras.Model([x, mask], {"logits": logits + np.asarray(offset, np.float32)})


def _varying(names: Sequence[str]) -> NDArray[np.int64]:
    """The columns whose deviation counts, too."""
    return np.array([i for i, name in enumerate(names) if not name.startswith(PATCH_PREFIX)])


def _pooled(x: Any, mask: Any, names: Sequence[str]) -> Any:
    """Mean of every column and deviation of those that vary ``[batch, statistics]``, padding apart."""
    on = mask[:, :, None]
    count = ops.sum(on, axis=1)
    mean = ops.sum(x * on, axis=1) / count
    if not len(varying := _varying(names)):
        return mean
    off = (ops.take(x, varying, axis=2) - ops.take(mean, varying, axis=1)[:, None, :]) * on
    return layers.Concatenate()([mean, ops.sqrt(ops.sum(ops.square(off), axis=1) / count)])


def _standardiser(raw: NDArray[np.float32], weights: NDArray[np.float32], names: Sequence[str]) -> Callable[[Any], Any]:
    """What makes raw statistics zero in the mean and one in the deviation, cuts outliers, and evens out both groups.

    A typical window's squared norm is 1 for the embedding, where there is one, and 1 for the other descriptors.
    """
    mean = np.average(raw, axis=0, weights=weights)
    deviation = np.sqrt(np.average((raw - mean) ** 2, axis=0, weights=weights))
    embedded = np.array([name.startswith(PATCH_PREFIX) for name in names] + [False] * len(_varying(names)))
    share = np.where(embedded, max(1, embedded.sum()), max(1, (~embedded).sum())) ** -0.5
    shift, scale, factor = (np.asarray(v, np.float32) for v in (mean, 1 / np.maximum(deviation, _TINY), share))
    return lambda values: ops.clip((values - shift) * scale, -_LIMIT, _LIMIT) * factor


def _solved(
    values: Array, targets: NDArray[np.float32], weights: NDArray[np.float32], config: KernelConfig, seed: int
) -> tuple[Array, Array, Array]:
    """Centres ``[centres, statistics]``, coefficients ``[centres, labels]`` and offset ``[labels]``."""
    count, labels = targets.shape
    basis = Nystroem(gamma=config.gamma, n_components=min(config.centres, count), random_state=seed).fit(values)
    # a clip with shares of several labels stands once for each of them
    expanded = np.repeat(basis.transform(values), labels, axis=0)
    solver = LogisticRegression(C=1 / config.ridge, max_iter=_STEPS)
    solver.fit(expanded, np.tile(np.arange(labels), count), (targets * weights[:, None]).ravel())
    found, offset = solver.coef_, solver.intercept_
    if labels == 2:  # one function stands for both
        found, offset = np.vstack([-found, found]) / 2, np.concatenate([-offset, offset]) / 2
    return basis.components_, basis.normalization_.T @ found.T, offset
