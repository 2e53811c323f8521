"""Model bundles on disk: the manifest, the integrity of the model file, and the normalisation of its input.

A bundle is a folder with ``model.tflite``, ``manifest.json`` and ``CARD.md``. The manifest holds everything that
training and device have to agree on. A damaged model file can crash an interpreter, so nothing hands one its bytes
before their size and SHA-256 are those of the manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood._reader import Reader
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
#: What the names of an embedding's columns begin with.
PATCH_PREFIX = "patch_"


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
class ModelFile:
    """A TFLite file of a bundle: its bare name, size in bytes and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    @classmethod
    def parse(cls, read: Reader, field: str) -> ModelFile:
        """Take over the table `field` of a manifest."""
        name, digest = read.text(f"{field}.file"), read.text(f"{field}.sha256")
        read.check(Path(name).name == name, f"{field}.file", "must be a bare file name")
        valid = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
        read.check(valid, f"{field}.sha256", "is not a SHA-256")
        return cls(name, read.whole(f"{field}.size", 1, MAX_MODEL_BYTES), digest)


@dataclass(frozen=True)
class Part:
    """Columns that one extractor gives: its settings (for ``FeatureConfig.from_dict``) and their names, in order."""

    config: Mapping[str, Any]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Patches:
    """A network that reads patches of frames, one behind the other, and gives each an embedding.

    frames: of what (settings for frame-level output, columns); length: frames of a patch; rows: how many rows of the
    sequence carry the embedding of one patch, the first those that begin with it; size: of the embedding; file;
    inputs, outputs: the tensors ``x`` ``[1, length, columns]`` and ``embedding`` ``[1, size]``.
    """

    frames: Part
    length: int
    rows: int
    size: int
    file: ModelFile
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the embedding adds to a sequence."""
        return tuple(f"{PATCH_PREFIX}{i}" for i in range(self.size))

    @classmethod
    def parse(cls, read: Reader, field: str) -> Patches:
        """Take over the table `field` of a manifest."""
        return cls(
            frames=Part(read.get(f"{field}.config", dict), read.names(f"{field}.names")),
            length=read.whole(f"{field}.length", 1, 10_000),
            rows=read.whole(f"{field}.rows", 1, 10_000),
            size=read.whole(f"{field}.size", 1, 4096),
            file=ModelFile.parse(read, f"{field}.model"),
            inputs=read.table(f"{field}.tensors.inputs", ("x",)),
            outputs=read.table(f"{field}.tensors.outputs", ("embedding",)),
        )


def column_names(parts: Sequence[Part], patches: Patches | None) -> tuple[str, ...]:
    """All columns of a row, in order: those of the parts, then the embedding's."""
    own = tuple(name for part in parts for name in part.names)
    return own + (patches.names if patches else ())


def values_version(native_version: str, patches: Patches | None) -> str:
    """What values depend on besides settings and names: the extractor's version and the patch network."""
    return native_version + (f"+{patches.file.sha256[:12]}" if patches else "")


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says; see `parse` for the rules each field obeys."""

    name: str
    version: str
    rank: int
    labels: tuple[str, ...]
    native_version: str
    parts: tuple[Part, ...]
    patches: Patches | None
    normalisation: Normalisation
    window_segments: int
    window_hop: int
    step_s: float
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    vector_size: int
    quantisation: str
    runtimes: Mapping[str, str]
    file: ModelFile
    accuracy: Mapping[str, Any]
    training: Mapping[str, Any]

    @property
    def feature_version(self) -> str:
        """What values depend on besides settings and names: the extractor's version and the patch network."""
        return values_version(self.native_version, self.patches)

    @property
    def feature_config(self) -> Mapping[str, Any]:
        """Settings of the extractor, or of the first of several."""
        return self.parts[0].config

    @property
    def size(self) -> int:
        """Bytes of all its model files."""
        return self.file.size + (self.patches.file.size if self.patches else 0)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """All columns of a row, in order: those of the parts, then the embedding's."""
        return column_names(self.parts, self.patches)

    @classmethod
    def parse(cls, values: Any, where: str) -> Manifest:
        """Check every field of a manifest and take it over.

        Raises
        ------
        BundleError
            A field is missing, of the wrong type or out of range; the message starts with `where` and names it.
        """
        read = Reader(values, where)
        read.check(read.get("schema", int) == SCHEMA, "schema", f"is not {SCHEMA}, the layout this build reads")
        parts = tuple(_parts(read))
        patches = Patches.parse(read, "patches") if read.has("patches") else None
        inputs, outputs = read.table("tensors.inputs", INPUTS), read.table("tensors.outputs", OUTPUTS)
        segments = read.whole("window.segments", 1, 100_000)
        runtimes = read.table("runtimes")
        read.check(bool(runtimes), "runtimes", "names no runtime")
        for runtime, minimum in runtimes.items():
            read.check(bool(version_key(minimum)), f"runtimes.{runtime}", f"is {minimum!r}, not a version")
        return cls(
            name=read.text("name"),
            version=read.text("version"),
            rank=read.whole("rank", 0, 1000),
            labels=read.names("labels", at_least=2),
            native_version=read.text("features.version"),
            parts=parts,
            patches=patches,
            normalisation=_normalisation(read, sum(len(p.names) for p in parts) + (patches.size if patches else 0)),
            window_segments=segments,
            window_hop=read.whole("window.hop", 1, segments),
            step_s=read.number("window.step_s", 0.1, 3600.0),
            inputs=inputs,
            outputs=outputs,
            vector_size=read.whole("vector_size", 1, 65536),
            quantisation=read.text("quantisation"),
            runtimes=runtimes,
            file=ModelFile.parse(read, "model"),
            accuracy=read.get("accuracy", dict),
            training=read.get("training", dict),
        )


def _parts(read: Reader) -> Iterator[Part]:
    """One extractor's columns, or those of several, whose names differ."""
    if not read.has("features.parts"):
        yield Part(read.get("features.config", dict), read.names("features.names"))
        return
    seen: set[str] = set()
    for i in range(len(read.get("features.parts", list))):
        field = f"features.parts.{i}"
        part = Part(read.get(f"{field}.config", dict), read.names(f"{field}.names"))
        read.check(seen.isdisjoint(part.names), f"{field}.names", "names a column of an earlier part")
        seen.update(part.names)
        yield part
    read.check(bool(seen), "features.parts", "is empty")


def _normalisation(read: Reader, count: int) -> Normalisation:
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


def read_model(folder: Path, file: ModelFile, field: str = "model") -> bytes:
    """The bytes of a model file of the bundle, proved to be those that the manifest's table `field` describes.

    Raises
    ------
    BundleError
        The file cannot be read, or its size or SHA-256 differ from the manifest's.
    """
    path = folder / file.name
    try:
        with path.open("rb") as stream:
            content = stream.read(file.size + 1)
    except OSError as error:
        raise BundleError(f"{folder}: {file.name} cannot be read ({error.strerror})") from None
    if len(content) != file.size:
        raise BundleError(f"{folder}: manifest field '{field}.size' is {file.size}, the file's differs")
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise BundleError(f"{folder}: manifest field '{field}.sha256' is not that of {file.name}: damaged?")
    return content
