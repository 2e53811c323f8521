"""The columns that a mood network reads: what extractors give, and a trunk's embedding of patches of frames."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ai_edge_litert.interpreter as litert

from converters.datasets import DataError
from edgemood import features
from edgemood._patches import PatchNetwork
from edgemood._reader import Reader
from edgemood._runtime import Runtime
from edgemood.bundle import Part, Patches, column_names, values_version
from edgemood.errors import BundleError
from edgemood.features import set_config, set_names
from edgemood.mood import MODELS

#: What runs networks here, as the product would.
RUNTIME = Runtime("ai-edge-litert", "", litert)
#: Key of its table in a trunk's or a bundle's manifest.
PATCHES = "patches"


@dataclass(frozen=True)
class Columns:
    """What `edgemood.describe.Describer` asks of a model, before there is one: extractors and, perhaps, a trunk.

    trunk is the folder that `patches` was read from.
    """

    parts: tuple[Part, ...]
    patches: PatchNetwork | None = None
    trunk: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """How they get into another process: a trunk's interpreter cannot be copied and is made anew."""
        if self.trunk:
            return with_trunk, (Columns(self.parts), self.trunk)
        return Columns, (self.parts, self.patches)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns in order: those of the parts, then the embedding's."""
        return column_names(self.parts, self.patches and self.patches.layout)

    @property
    def feature_version(self) -> str:
        """What the values depend on besides settings and names."""
        return values_version(features.VERSION, self.patches and self.patches.layout)

    def require(self, feature_version: str) -> None:
        """Nothing: these columns are of whatever version this build computes."""

    def without(self, dataset: str, fold: int | None) -> Columns:
        """The same columns by a trunk that never heard that fold of that set.

        Raises
        ------
        DataError
            The trunk has heard the set, and there is none beside it that left out the fold; None stands for no fold.
        """
        if self.trunk is None or dataset not in heard(self.trunk):
            return self
        beside = fold_trunk(self.trunk, fold)
        if fold is None or not beside.is_dir():
            left_out = "all clips to be judged" if fold is None else f"fold {fold} ({beside})"
            raise DataError(f"{self.trunk}: this trunk has heard {dataset}, and there is none that left out {left_out}")
        return with_trunk(Columns(self.parts), beside)

    @property
    def digest(self) -> str:
        """A short digest of all that decides the values, besides the audio."""
        made_by = [self.feature_version, [[part.config, part.names] for part in self.parts]]
        return hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:12]

    def manifest(self) -> dict[str, Any]:
        """The tables of a bundle's manifest that describe these columns."""
        tables = [{"config": dict(part.config), "names": list(part.names)} for part in self.parts]
        described = tables[0] if len(tables) == 1 else {"parts": tables}
        values: dict[str, Any] = {"features": {"version": features.VERSION, **described}}
        if self.trunk:
            values[PATCHES] = read_trunk(self.trunk)[PATCHES]
        return values


def _part(name: str) -> Part:
    return Part(set_config(name).to_dict(), set_names(name))


#: The published method's own descriptors.
LLD50 = Columns((_part("lld50"),))
#: With spectral balance, rhythm and harmony: see docs/models.md for what each group earns.
WIDE = Columns((_part("lld84"), _part("harmony")))
#: What a model can read; `default` is `wide` and the embedding of a trunk.
KINDS = ("lld50", "wide", "default")
#: What the names of trunks' folders end in, by the kind of export that bundles have.
TRUNK_SUFFIX = {"int8": "", "float16": "-f16"}
#: The trunk of the bundle that ships.
SHIPPED_TRUNK = MODELS / "default"


def get(kind: str, trunk: Path = SHIPPED_TRUNK) -> Columns:
    """The columns of one of `KINDS`.

    Raises
    ------
    DataError
        `default`, and there is no usable trunk in the folder `trunk`.
    """
    if kind == "default":
        return with_trunk(WIDE, trunk)
    return {"lld50": LLD50, "wide": WIDE}[kind]


def add_options(parser: argparse.ArgumentParser, kind: str) -> None:
    """The options that say what a model reads."""
    parser.add_argument("--columns", choices=KINDS, default=kind, help=f"what the model reads (default: {kind})")
    parser.add_argument(
        "--trunk", type=Path, default=SHIPPED_TRUNK, help="trunk of `--columns default`: its folder, or a bundle's"
    )


def with_trunk(columns: Columns, folder: Path) -> Columns:
    """`columns` and the embedding of the trunk in `folder`, which may be a bundle.

    Raises
    ------
    DataError
        There is no usable trunk.
    """
    try:
        layout = Patches.parse(Reader(read_trunk(folder), str(folder)), PATCHES)
        network = PatchNetwork(folder, layout, RUNTIME)
    except BundleError as error:
        raise DataError(str(error)) from None
    return Columns(columns.parts, network, folder)


def for_kind(columns: Columns, kind: str) -> Columns:
    """The same columns with the trunk for bundles of this kind of export, whose folder lies beside the other's."""
    if columns.trunk is None or not (suffix := TRUNK_SUFFIX[kind]):
        return columns
    return with_trunk(Columns(columns.parts), columns.trunk.with_name(columns.trunk.name + suffix))


def fold_trunk(folder: Path, fold: int | None) -> Path:
    """Where the trunk lies that was made like the one in `folder`, but without one fold of the judged set."""
    return folder.with_name(f"{folder.name}-fold{fold}")


def heard(folder: Path) -> list[str]:
    """The sets whose clips the trunk in `folder` learned from."""
    return list(read_trunk(folder)[PATCHES].get("training", {}).get("excerpts", {}))


def read_trunk(folder: Path) -> dict[str, Any]:
    """The manifest in the folder of a trunk, or of a bundle that has one.

    Raises
    ------
    DataError
        There is none.
    """
    try:
        values = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: no readable manifest.json of a trunk ({error})") from None
    if not isinstance(values, dict) or PATCHES not in values:
        raise DataError(f"{folder}: manifest.json describes no trunk (field {PATCHES!r} is missing)")
    return values
