"""The recipe that ships and the candidates it was chosen from by inner validation (``evaluate tune``)."""

from __future__ import annotations

from dataclasses import replace

from converters.fit import Recipe
from converters.network import NetworkConfig

SHIPPED = Recipe(members=5)

_ONE = replace(SHIPPED, members=1)
_NET = _ONE.network
CANDIDATES: dict[str, Recipe] = {
    "shipped": _ONE,
    "no mixup": replace(_ONE, mixup=0.0),
    "no variants": replace(_ONE, variants=0, tilt_sd=0.15, level_sd=0.7),
    "only 4QAED": replace(_ONE, extra_weight=0.0),
    "64 units": replace(_ONE, network=replace(_NET, units=64)),
    "dropout 0.6": replace(_ONE, network=replace(_NET, dropout=0.6)),
    "no shortcuts": replace(_ONE, network=NetworkConfig(residual=False, normalise=False)),
}
