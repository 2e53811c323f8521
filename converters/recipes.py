"""The recipe that ships, and the candidates it was chosen from by inner validation (``evaluate tune``).

Candidates are pairs of networks; more of them are better at every recipe, so their number was left out of the choice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from converters.fit import Recipe
from converters.kernel import KernelConfig
from converters.network import NetworkConfig

#: What ships: the default recipe, five networks.
SHIPPED = Recipe(members=5)

#: What the default bundle is trained by: networks without LSTM, for the trunk has heard three seconds already, and a
#: kernel machine. Chosen on inner folds (docs/models.md).
DEFAULT = Recipe(network=NetworkConfig(layers=0, hidden=64), members=3, kernel=KernelConfig())

_PAIR = replace(SHIPPED, members=2)
_ALONE = replace(_PAIR, extra_weight=0.0)  # 4QAED without Emotify
_SMALL = replace(_ALONE, network=replace(_PAIR.network, units=32), mixup=0.3, epochs=40)

CANDIDATES: dict[str, Recipe] = {
    "48 units, mixup 1, with Emotify at 0.2": _PAIR,
    "32 units, mixup 0.3, with Emotify at 0.2": replace(_SMALL, extra_weight=0.2),
    "32 units, mixup 0.3": _SMALL,
    "64 units, mixup 1, slower": replace(
        _ALONE, network=replace(_PAIR.network, units=64), epochs=50, batch_size=64, learning_rate=3e-3
    ),
    "32 units, mixup 0.3, long stretches only": replace(_SMALL, crop_segments=22),
    "32 units, mixup 0.3, small batches": replace(_SMALL, batch_size=16, epochs=25, learning_rate=1e-3, ema=0.995),
    "32 units, mixup 0.3, strong dropout and decay": replace(
        _SMALL,
        network=replace(_SMALL.network, dropout=0.5, input_dropout=0.2),
        batch_size=64,
        learning_rate=4e-3,
        weight_decay=0.1,
    ),
    "32 units, mixup 0.3, input shortcut, deviation pooling": replace(
        _SMALL, network=replace(_SMALL.network, skip=True, deviation=True)
    ),
}


def of(columns: str, **asked: int | None) -> Recipe:
    """The recipe for a model that reads these columns (one of `columns.KINDS`), but for what is `asked` otherwise."""
    changes: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    return replace(SHIPPED if columns == "lld50" else DEFAULT, **changes)
