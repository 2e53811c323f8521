"""From descriptor sequences to mood: model bundles and the interpreter that runs them.

A song is read in overlapping windows. The network gives each window mood probabilities, an attention over its segments
and a salience (the log of the sum of its attention weights before they were normalised); weighing windows by the
softmax of their saliences makes one attention over the whole song out of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemood._patches import PatchNetwork
from edgemood._runtime import Network, Runtime, Signature, find_runtime
from edgemood.bundle import Manifest, read_manifest, read_model
from edgemood.domain import FeatureSequence, Mood, MoodSpan, plane_position
from edgemood.errors import BundleError, NotFiniteError, TooShortError

#: The folder of the bundles that ship with the package.
MODELS = Path(__file__).parent / "models"
_EVEN = 1e-6  # a trace of even weight, so that spans the attention passes over have scores too


@dataclass(frozen=True)
class BundleInfo:
    """A shipped bundle. `problem` says why it cannot be used here, None where it can."""

    name: str
    version: str
    labels: tuple[str, ...]
    size_bytes: int
    quantisation: str
    problem: str | None


def available() -> list[BundleInfo]:
    """The bundles that ship with the package, in order of preference, runnable here or not."""
    infos = []
    for folder in _shipped():
        try:
            manifest = read_manifest(folder)
        except BundleError as error:
            infos.append(BundleInfo(folder.name, "", (), 0, "", str(error)))
            continue
        problem = None
        try:
            find_runtime(manifest)
        except BundleError as error:
            problem = str(error)
        infos.append(
            BundleInfo(folder.name, manifest.version, manifest.labels, manifest.size, manifest.quantisation, problem)
        )
    return infos


def load(name_or_path: str = "default") -> MoodModel:
    """Load a bundle: a shipped one by name, any by the path of its folder.

    ``"default"`` is the first shipped bundle that the installed runtime can run.

    Raises
    ------
    BundleError
        There is no such bundle, its manifest or model file is damaged (the message names the field), or the installed
        runtime cannot run it.
    """
    return MoodModel(_folder(name_or_path))


def find(name_or_path: str = "default") -> Outline:
    """What `load` would load, by its manifest alone: its files are not looked at, nor whether they can run here.

    Raises
    ------
    BundleError
        There is no such bundle, or its manifest is damaged.
    """
    return Outline(_folder(name_or_path))


def outline(name_or_path: str = "default") -> Outline:
    """What `load` would load, its files proved whole, but nothing made that could judge: it takes little memory.

    Raises
    ------
    BundleError
        As `load`, except for what only the runtime finds wrong with a model file.
    """
    found = find(name_or_path)
    found.check_files()
    return found


def _folder(name_or_path: str) -> Path:
    if name_or_path == "default":
        return _default()
    shipped = MODELS / name_or_path
    if Path(name_or_path).name == name_or_path and (shipped / "manifest.json").is_file():
        return shipped
    if Path(name_or_path).is_dir():
        return Path(name_or_path)
    names = ", ".join(folder.name for folder in _shipped()) or "none"
    raise BundleError(f"no model bundle {name_or_path!r}: neither a folder nor one that ships ({names})")


class Outline:
    """What a bundle's manifest says of its model.

    Attributes
    ----------
    id : str
        ``name-version``.
    labels : tuple of str
        The moods, in the order of the network's outputs.
    config : mapping
        The settings of its extractor (of the first, where there are several), for ``FeatureConfig.from_dict``.
    parts : tuple of Part
        The extractors whose columns it reads.
    names : tuple of str
        The columns it reads, in order: those of the parts, then the embedding's.
    feature_version : str
        The version of the descriptors' values it was trained with.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.id = f"{self.manifest.name}-{self.manifest.version}"
        self.labels = self.manifest.labels
        self.parts = self.manifest.parts
        self.config = self.manifest.feature_config
        self.names = self.manifest.feature_names
        self.feature_version = self.manifest.feature_version

    def check_files(self) -> None:
        """Raise BundleError unless a runtime is there and the model files are those of the manifest."""
        find_runtime(self.manifest)
        read_model(self.folder, self.manifest.file)
        if self.manifest.patches:
            read_model(self.folder, self.manifest.patches.file, "patches.model")

    def require(self, feature_version: str) -> None:
        """Raise BundleError unless the model was trained on the extractor's values of this version."""
        if feature_version != self.manifest.native_version:
            raise BundleError(
                f"model {self.id}: manifest field 'features.version' is {self.manifest.native_version!r}, "
                f"but the descriptors are of version {feature_version!r}"
            )


class MoodModel(Outline):
    """A loaded bundle. Not for use by several threads at once.

    Attributes
    ----------
    patches : PatchNetwork or None
        What adds an embedding to the columns of its extractors.
    runtime : str
        The runtime that runs it, with its version.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        runtime = find_runtime(self.manifest)
        self.patches = PatchNetwork(folder, self.manifest.patches, runtime) if self.manifest.patches else None
        self.runtime = str(runtime)
        self._network = _Network(folder, self.manifest, runtime)

    def judge(
        self, sequence: FeatureSequence, duration_s: float | None = None, beat: Callable[[], object] = bool
    ) -> Mood:
        """The mood of a song, whole and over time.

        Parameters
        ----------
        sequence
            The song's segments, with this model's descriptors (`names`, `config`, `feature_version`).
        duration_s
            Where the song ends, for the last span of the timeline; default: where the last segment does.
        beat
            Called after each window, as a sign of life.

        Raises
        ------
        BundleError
            The sequence was made with other descriptors or another version of them than the model was trained on.
        TooShortError
            The sequence is empty.
        NotFiniteError
            A descriptor is NaN or infinite; the message says which.
        """
        self._check(sequence)
        values = self.manifest.normalisation(sequence.values)
        rows, window = len(values), self.manifest.window_segments
        starts = window_starts(rows, window, self.manifest.window_hop)
        windows = []
        for start in starts:
            windows.append(self._network(values[start : start + window]))
            beat()
        weights = _softmax(np.array([w.salience for w in windows]))
        probs = np.stack([w.probs for w in windows])
        attention = [weight * w.attention for weight, w in zip(weights, windows, strict=True)]
        return Mood(
            scores=self._scores(weights @ probs),
            vector=(weights @ np.stack([w.vector for w in windows])).astype(np.float32),
            timeline=self._timeline(sequence, duration_s, starts, attention, probs),
            model=self.id,
        )

    def _check(self, sequence: FeatureSequence) -> None:
        if sequence.version != self.feature_version:
            raise BundleError(
                f"model {self.id} reads descriptors of version {self.feature_version!r} (manifest fields "
                f"'features.version', 'patches'), not of {sequence.version!r}"
            )
        if sequence.names != self.names:
            differs = next((a for a, b in zip(self.names, sequence.names, strict=False) if a != b), "their number")
            raise BundleError(
                f"model {self.id}: manifest field 'features.names' differs from the sequence's ({differs})"
            )
        if len(sequence.values) == 0:
            raise TooShortError("the audio is shorter than one segment")
        if not np.isfinite(sequence.values).all():
            row, column = np.argwhere(~np.isfinite(sequence.values))[0]
            raise NotFiniteError(f"descriptor {sequence.names[column]} of segment {row} is NaN or infinite")

    def _scores(self, probs: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.labels, (probs / probs.sum()).tolist(), strict=True))

    def _timeline(
        self,
        sequence: FeatureSequence,
        duration_s: float | None,
        starts: list[int],
        attention: list[NDArray[np.float64]],
        probs: NDArray[np.float64],
    ) -> tuple[MoodSpan, ...]:
        """Spans of about `step_s`: the windows over a span, weighed by their attention on it, give its scores."""
        end_s = max(float(sequence.end_s[-1]), duration_s or 0.0)
        count = max(1, min(len(sequence.values), round(end_s / self.manifest.step_s)))
        edges = np.linspace(0.0, end_s, count + 1)
        centres = (sequence.start_s + sequence.end_s) / 2
        span_of = np.clip(np.searchsorted(edges, centres, side="right") - 1, 0, count - 1)
        shares, weighted = np.zeros(count), np.zeros((count, probs.shape[1]))
        for start, weights, p in zip(starts, attention, probs, strict=True):
            spans = span_of[start : start + len(weights)]
            first = spans[0]  # spans are in order: a window lies over a few neighbours
            on_span = np.bincount(spans - first, weights)
            here = slice(first, first + len(on_span))
            shares[here] += on_span
            weighted[here] += np.outer(on_span + _EVEN * np.bincount(spans - first), p)
        shares /= shares.sum()  # float32 softmaxes leave it a rounding error away from 1
        middles = (edges[:-1] + edges[1:]) / 2
        nearest = span_of[np.clip(np.searchsorted(centres, middles), 0, len(centres) - 1)]
        filled = np.where(weighted.any(axis=1), np.arange(count), nearest)  # a span may hold no segment's centre
        return tuple(
            self._span(float(edges[k]), float(edges[k + 1]), weighted[filled[k]], float(shares[k]))
            for k in range(count)
        )

    def _span(self, start_s: float, end_s: float, weighted: NDArray[np.float64], share: float) -> MoodSpan:
        scores = self._scores(weighted)
        valence, arousal = plane_position(scores)
        return MoodSpan(start_s, end_s, scores, valence, arousal, share)


@dataclass(frozen=True)
class _Result:
    probs: NDArray[np.float64]
    vector: NDArray[np.float64]
    attention: NDArray[np.float64]
    salience: float


class _Network:
    """The mood network with one window in and its results out."""

    def __init__(self, folder: Path, manifest: Manifest, runtime: Runtime) -> None:
        self._window, self._dims = manifest.window_segments, len(manifest.feature_names)
        window = self._window
        shapes = {"x": [1, window, self._dims], "mask": [1, window]}
        inputs = {key: (manifest.inputs[key], shape) for key, shape in shapes.items()}
        shapes = {"probs": [1, len(manifest.labels)], "vector": [1, manifest.vector_size], "attention": [1, window]}
        shapes["salience"] = [1]
        outputs = {key: (manifest.outputs[key], shape) for key, shape in shapes.items()}
        content, signature = read_model(folder, manifest.file), Signature("tensors", inputs, outputs)
        self._network = Network(runtime, content, signature, str(folder))

    def __call__(self, values: NDArray[np.float32]) -> _Result:
        """Judge at most one window of normalised, finite segments; a shorter one is padded and masked."""
        rows = len(values)
        x = np.zeros((1, self._window, self._dims), dtype=np.float32)
        mask = np.zeros((1, self._window), dtype=np.float32)
        x[0, :rows], mask[0, :rows] = values, 1.0
        out = {key: value[0].astype(np.float64) for key, value in self._network(x=x, mask=mask).items()}
        return _Result(out["probs"], out["vector"], out["attention"][:rows], float(out["salience"]))


def window_starts(rows: int, window: int, hop: int) -> list[int]:
    """The first rows of the windows over `rows`: every `hop`, the last one aligned to the end."""
    if rows <= window:
        return [0]
    starts = list(range(0, rows - window, hop))
    return [*starts, rows - window]


def _shipped() -> list[Path]:
    """Folders of the shipped bundles, the preferred first; unreadable ones last."""

    def rank(folder: Path) -> tuple[int, str]:
        try:
            return read_manifest(folder).rank, folder.name
        except BundleError:
            return 1_000_000, folder.name

    if not MODELS.is_dir():
        return []
    return sorted((f for f in MODELS.iterdir() if (f / "manifest.json").is_file()), key=rank)


def _default() -> Path:
    problems = []
    for folder in _shipped():
        try:
            find_runtime(read_manifest(folder))
        except BundleError as error:
            problems.append(str(error))
        else:
            return folder
    raise BundleError("no shipped model bundle can be used: " + ("; ".join(problems) or "there are none"))


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())
