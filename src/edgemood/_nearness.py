"""How near packed songs are to targets; see `recommend` for what nearness is.

The scores are made of whole numbers (`_greedy.Scorer`), so that they are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from edgemood import _greedy
from edgemood.errors import ConfigError
from edgemood.shelf import LABELLED, Shelf
from edgemood.targets import Target, centre

_TINY = 1e-12
_INT16, _INT32 = 32_767, (1 << 31) - 1
_KNOWN_INVERSES: WeakKeyDictionary[Shelf, NDArray[np.float32]] = WeakKeyDictionary()


def check_target(target: Target, shelf: Shelf) -> None:
    """Refuse a target that is not of the shelf's model, with a ConfigError."""
    if target.scores.shape != (len(shelf.labels),):
        raise ConfigError(
            f"a target's mood has {target.scores.size} labels, the songs' have {len(shelf.labels)}: "
            "they come from different models"
        )
    if target.direction is not None and target.direction.shape != shelf.scale.shape:
        raise ConfigError(
            f"a target's mood vector has {target.direction.size} dimensions, the songs' have {shelf.scale.size}: "
            "they come from different models"
        )
    if (
        not np.isfinite(target.scores).all()
        or not np.isfinite(0 if target.direction is None else target.direction).all()
    ):
        raise ConfigError("a target's mood has a value that is not finite")


def scorer(targets: Sequence[Target], shelf: Shelf) -> _greedy.Scorer:
    """Return what scores the songs of a shelf: all targets have to fit it."""
    count, dims, labels = len(targets), len(shelf.scale), len(shelf.labels)
    directions, terms = np.zeros((count, dims), np.int16), np.zeros((count, 3), np.float32)
    shares, of_labels = np.empty((count, labels), np.int32), np.full((count, labels), 2, np.float32)
    by_hand = (shelf.flags & LABELLED).astype(np.uint8)
    centres = {i: centre(label, shelf) for i, label in enumerate(shelf.labels)} if by_hand.any() else {}
    most = min(_INT16, _INT32 // (128 * dims))  # so that no sum overflows
    for i, target in enumerate(targets):
        shares[i] = np.rint(np.clip(target.scores, 0, 1) * (255 * 128))
        if target.direction is None:
            continue
        per_step = target.direction.astype(np.float64) * shelf.scale
        unit = max(float(np.abs(per_step).max()), _TINY) / most
        directions[i] = np.rint(per_step / unit)
        terms[i] = 0.5, unit, np.dot(target.direction.astype(np.float64), shelf.middle)
        for label, where in centres.items():
            of_labels[i, label] = 2 if where is None else where @ target.direction
    return _greedy.Scorer(shelf.vectors, _inverses(shelf), shelf.scores, by_hand, directions, terms, shares, of_labels)


def _inverses(shelf: Shelf) -> NDArray[np.float32]:
    """What no target changes, computed once for a shelf."""
    if shelf not in _KNOWN_INVERSES:
        _KNOWN_INVERSES[shelf] = _greedy.inverses(shelf.vectors, shelf.scale, shelf.middle)
    return _KNOWN_INVERSES[shelf]
