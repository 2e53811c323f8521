"""Model bundles on disk: the manifest, the integrity of the model file, and the normalisation of its input.

A bundle is a folder with ``model.tflite``, ``manifest.json`` and ``CARD.md``. The manifest holds everything that
training and device have to agree on. A damaged model file can crash an interpreter, so nothing hands one its bytes
before their size and SHA-256 are those of the manifest.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemood.errors import BundleError

#: Version of the manifest's layout that this build reads.
SCHEMA = 1
#: The largest model file that is read at all.
MAX_MODEL_BYTES = 64 * 1024 * 1024
TRANSFORMS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "linear": lambda values, _: values,
    "log": lambda values, floor: np.log(np.maximum(values, floor)),
    "signed_log": lambda values, _: np.sign(values) * np.log1p(np.abs(values)),
}
INPUTS = ("x", "mask")
OUTPUTS = ("probs", "vector", "attention", "salience")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Normalisation:
    """Max-min normalisation of descriptors, after a transform that evens out the skewed ones.

    A value is transformed (``linear``; ``log``: ``ln(max(x, floor))``; ``signed_log``: ``sign(x) ln(1 + |x|)``), then
    mapped so that `minimum` and `maximum` (of the transformed values, learned in training) become ``-span`` and
    ``span``, then clipped to ``[-limit, limit]``.
    """

    transforms: tuple[str, ...]
    floors: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    span: float
    limit: float

    def transform(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Only the transforms, of ``[rows, dims]``."""
        out = np.array(values, dtype=np.float64)
        floors = np.asarray(self.floors)
        for kind, function in TRANSFORMS.items():
            columns = [i for i, name in enumerate(self.transforms) if name == kind]
            out[:, columns] = function(out[:, columns], floors[columns])
        return out

    def __call__(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Normalise ``[rows, dims]``; float32 in ``[-limit, limit]``."""
        low, high = np.asarray(self.minimum), np.asarray(self.maximum)
        out = (2.0 * (self.transform(values) - low) / (high - low) - 1.0) * self.span
        return np.asarray(np.clip(out, -self.limit, self.limit), dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, ready for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says; see `parse` for the rules each field obeys."""

    name: str
    version: str
    rank: int
    labels: tuple[str, ...]
    feature_version: str
    feature_config: Mapping[str, Any]
    feature_names: tuple[str, ...]
    normalisation: Normalisation
    window_segments: int
    window_hop: int
    step_s: float
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    vector_size: int
    quantisation: str
    runtimes: Mapping[str, str]
    model_file: str
    model_size: int
    model_sha256: str
    accuracy: Mapping[str, Any]
    training: Mapping[str, Any]

    @classmethod
    def parse(cls, values: Any, where: str) -> Manifest:
        """Check every field of a manifest and take it over.

        Raises
        ------
        BundleError
            A field is missing, of the wrong type or out of range; the message starts with `where` and names it.
        """
        read = _Reader(values, where)
        read.check(read.get("schema", int) == SCHEMA, "schema", f"is not {SCHEMA}, the layout this build reads")
        names = read.names("features.names")
        inputs, outputs = read.table("tensors.inputs", INPUTS), read.table("tensors.outputs", OUTPUTS)
        segments = read.whole("window.segments", 1, 100_000)
        runtimes = read.table("runtimes")
        read.check(bool(runtimes), "runtimes", "names no runtime")
        for runtime, minimum in runtimes.items():
            read.check(bool(version_key(minimum)), f"runtimes.{runtime}", f"is {minimum!r}, not a version")
        file = read.text("model.file")
        read.check(Path(file).name == file, "model.file", "must be a bare file name")
        digest = read.text("model.sha256")
        read.check(len(digest) == 64 and set(digest) <= set("0123456789abcdef"), "model.sha256", "is not a SHA-256")
        return cls(
            name=read.text("name"),
            version=read.text("version"),
            rank=read.whole("rank", 0, 1000),
            labels=read.names("labels", at_least=2),
            feature_version=read.text("features.version"),
            feature_config=read.get("features.config", dict),
            feature_names=names,
            normalisation=_normalisation(read, len(names)),
            window_segments=segments,
            window_hop=read.whole("window.hop", 1, segments),
            step_s=read.number("window.step_s", 0.1, 3600.0),
            inputs=inputs,
            outputs=outputs,
            vector_size=read.whole("vector_size", 1, 65536),
            quantisation=read.text("quantisation"),
            runtimes=runtimes,
            model_file=file,
            model_size=read.whole("model.size", 1, MAX_MODEL_BYTES),
            model_sha256=digest,
            accuracy=read.get("accuracy", dict),
            training=read.get("training", dict),
        )


class _Reader:
    """Typed access to nested JSON by dotted names, with errors that name the field."""

    def __init__(self, values: Any, where: str) -> None:
        self.values, self.where = values, where

    def check(self, holds: bool, field: str, problem: str) -> None:
        if not holds:
            raise BundleError(f"{self.where}: manifest field {field!r} {problem}")

    def get(self, field: str, kind: type[_T]) -> _T:
        value = self.values
        for part in field.split("."):
            self.check(isinstance(value, dict) and part in value, field, "is missing")
            value = value[part]
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        self.check(fits, field, f"must be of type {kind.__name__}, not {type(value).__name__}")
        return value  # type: ignore[no-any-return]  # narrowed by the check above

    def text(self, field: str) -> str:
        value = self.get(field, str)
        self.check(_is_text(value), field, "is empty or not Unicode text")
        return value

    def whole(self, field: str, low: int, high: int) -> int:
        value = self.get(field, int)
        self.check(low <= value <= high, field, f"is {value}, not between {low} and {high}")
        return value

    def number(self, field: str, low: float, high: float) -> float:
        value = self.get(field, object)
        self.check(_is_number(value), field, f"must be a number, not {type(value).__name__}")
        self.check(low <= float(str(value)) <= high, field, f"is {value}, not between {low} and {high}")
        return float(str(value))

    def numbers(self, field: str, count: int) -> tuple[float, ...]:
        values = self.get(field, list)
        self.check(len(values) == count, field, f"has {len(values)} entries where there are {count} descriptors")
        for i, value in enumerate(values):
            self.check(_is_number(value), f"{field}[{i}]", "is not a finite number")
        return tuple(map(float, values))

    def names(self, field: str, at_least: int = 1) -> tuple[str, ...]:
        values = self.get(field, list)
        self.check(len(values) >= at_least, field, f"needs at least {at_least} entries")
        for i, value in enumerate(values):
            self.check(_is_text(value), f"{field}[{i}]", "is not a name")
        self.check(len(set(values)) == len(values), field, "names something twice")
        return tuple(values)

    def table(self, field: str, keys: tuple[str, ...] | None = None) -> dict[str, str]:
        values = self.get(field, dict)
        return {key: self.text(f"{field}.{key}") for key in keys or values}


def _is_text(value: Any) -> bool:
    """Whether it says something, and that in characters: half of a surrogate pair can be neither stored nor shown."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _normalisation(read: _Reader, count: int) -> Normalisation:
    transforms = read.get("normalisation.transforms", list)
    read.check(len(transforms) == count, "normalisation.transforms", f"has {len(transforms)} entries, not {count}")
    floors = read.numbers("normalisation.floors", count)
    low, high = read.numbers("normalisation.minimum", count), read.numbers("normalisation.maximum", count)
    for i, kind in enumerate(transforms):
        known = isinstance(kind, str) and kind in TRANSFORMS
        read.check(known, f"normalisation.transforms[{i}]", f"is {kind!r}, not one of {', '.join(TRANSFORMS)}")
        read.check(kind != "log" or floors[i] > 0, f"normalisation.floors[{i}]", "must be above 0 for a log")
        read.check(low[i] < high[i], f"normalisation.maximum[{i}]", "is not above the minimum")
    span = read.number("normalisation.span", 1e-3, 1e3)
    limit = read.number("normalisation.limit", 1e-3, 1e3)
    return Normalisation(tuple(transforms), floors, low, high, span, limit)


def version_key(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing: ``"2.14.0rc1"`` gives ``(2, 14, 0)``; empty where none."""
    key: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        key.append(int(digits))
        if digits != part:
            break
    return tuple(key)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`.

    Raises
    ------
    BundleError
        There is no manifest, it is not JSON, or a field of it is wrong.
    """
    path = folder / "manifest.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{folder}: no readable manifest.json ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder}: manifest.json is not JSON ({error})") from None
    return Manifest.parse(values, str(folder))


def read_model(folder: Path, manifest: Manifest) -> bytes:
    """The bytes of the bundle's model file, proved to be those the manifest describes.

    Raises
    ------
    BundleError
        The file cannot be read, or its size or SHA-256 differ from the manifest's.
    """
    path = folder / manifest.model_file
    try:
        with path.open("rb") as file:
            content = file.read(manifest.model_size + 1)
    except OSError as error:
        raise BundleError(f"{folder}: {manifest.model_file} cannot be read ({error.strerror})") from None
    if len(content) != manifest.model_size:
        raise BundleError(f"{folder}: manifest field 'model.size' is {manifest.model_size}, the file's differs")
    if hashlib.sha256(content).hexdigest() != manifest.model_sha256:
        raise BundleError(f"{folder}: manifest field 'model.sha256' is not that of {manifest.model_file}: damaged?")
    return content
