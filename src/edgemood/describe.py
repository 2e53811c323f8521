"""From samples to the rows that a mood model reads: columns of one or several extractors, and an embedding of patches.

A patch is a stretch of frames (their log-mel spectrum, say) that a small convolutional network reads; patches lie one
behind the other, and some consecutive rows carry the embedding of one. A patch ends before the first of its rows does,
so that no row waits for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgemood import features
from edgemood.bundle import Part, Patches
from edgemood.domain import FeatureSequence
from edgemood.errors import ConfigError

Rows = NDArray[np.float32]


class PatchFunction(Protocol):
    """What gives patches their embedding: ``[length, columns]`` to ``[size]``, as `edgemood.bundle.Patches` says."""

    @property
    def layout(self) -> Patches: ...  # noqa: D102

    def __call__(self, frames: Rows) -> Rows: ...  # noqa: D102


class Reads(Protocol):
    """What a `mood.MoodModel` says of the rows it reads."""

    @property
    def parts(self) -> Sequence[Part]: ...  # noqa: D102
    @property
    def patches(self) -> PatchFunction | None: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def feature_version(self) -> str: ...  # noqa: D102
    def require(self, feature_version: str) -> None: ...  # noqa: D102


class Describer:
    """A stream of mono samples in, rows of a model's columns out; bit-equal however the samples were cut.

    Parameters
    ----------
    model
        Whose rows they are.

    Attributes
    ----------
    sample_rate : int
        Of the samples, in Hz.
    names : tuple of str
        The columns.
    version : str
        What their values depend on besides settings and names.
    row_length, row_hop : int
        Samples that one row covers; from the start of one to the start of the next.

    Raises
    ------
    BundleError
        The model was trained on other descriptors than this build computes.
    ConfigError
        Its parts do not fit together, or a setting or name of one cannot be used.
    """

    def __init__(self, model: Reads) -> None:
        model.require(features.VERSION)
        self.names, self.version = model.names, model.feature_version
        self._extractors = [features.Extractor(_config(part), part.names) for part in model.parts]
        first = self._extractors[0]
        self.sample_rate, self.row_hop = first.config.sample_rate, first.row_hop
        self.row_length = max(extractor.row_length for extractor in self._extractors)
        together = "segments", self.sample_rate, self.row_hop
        for extractor in self._extractors:
            if (extractor.config.output, extractor.config.sample_rate, extractor.row_hop) != together:
                raise ConfigError(f"the rows of {extractor.names[0]!r} do not come with those of {first.names[0]!r}")
        self._patches = _Embeddings(model.patches, self) if model.patches else None
        self.reset()

    def reset(self) -> None:
        """Forget everything pushed so far."""
        for extractor in self._extractors:
            extractor.reset()
        if self._patches:
            self._patches.reset()
        self._held = [np.empty((0, len(extractor.names)), np.float32) for extractor in self._extractors]

    def push(self, samples: NDArray[np.float32]) -> Rows:
        """Take mono samples; return the rows they complete, float32 ``[rows, columns]``.

        Raises
        ------
        NotFiniteError, ConfigError
            As `features.Extractor.push`; nothing was taken.
        """
        rows = [extractor.push(samples) for extractor in self._extractors]
        if self._patches:
            self._patches.push(samples)
        return self._joined(rows)

    def finish(self) -> Rows:
        """Return the rows still held back; `reset` before the next signal."""
        return self._joined([extractor.finish() for extractor in self._extractors])

    def times(self, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Start and end of the first `rows` rows in seconds, each float64 ``[rows]``."""
        return features.row_times(rows, self.row_length, self.row_hop, self.sample_rate)

    def sequence(self, values: Rows) -> FeatureSequence:
        """The first rows of a signal as a sequence."""
        return FeatureSequence(values, *self.times(len(values)), self.names, self.version)

    def describe(self, blocks: Iterable[NDArray[np.float32]]) -> FeatureSequence:
        """The rows of a whole signal, given as blocks of mono samples; none where it is shorter than one row."""
        self.reset()
        rows = [self.push(block) for block in blocks]
        return self.sequence(np.concatenate([*rows, self.finish()]))

    def _joined(self, new: list[Rows]) -> Rows:
        """The rows that all extractors have given."""
        held = [np.concatenate(pair) for pair in zip(self._held, new, strict=True)]
        count = min(map(len, held))
        self._held = [rows[count:] for rows in held]
        columns = [rows[:count] for rows in held]
        if self._patches:
            columns.append(self._patches.rows(count))
        return np.concatenate(columns, axis=1)


class _Embeddings:
    """The embedding of each row's patch."""

    def __init__(self, network: PatchFunction, rows: Describer) -> None:
        layout = network.layout
        self._network, self._layout = network, layout
        self._extractor = features.Extractor(_config(layout.frames), layout.frames.names)
        config, hop = self._extractor.config, self._extractor.row_hop
        if config.output != "frames" or config.sample_rate != rows.sample_rate:
            raise ConfigError(f"patches need frames at {rows.sample_rate} Hz, not {config.output}")
        if layout.length * hop != layout.rows * rows.row_hop:
            raise ConfigError(f"{layout.length} frames of {hop} samples are not {layout.rows} of {rows.row_hop}")
        if (layout.length - 1) * hop + self._extractor.row_length > rows.row_length:
            raise ConfigError("a patch ends behind the first of its rows")
        self.reset()

    def reset(self) -> None:
        self._extractor.reset()
        self._frames = np.empty((0, len(self._extractor.names)), np.float32)
        self._ready: deque[Rows] = deque()  # embeddings of the patches from that of row `_given` on
        self._given = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        self._embed(self._extractor.push(samples))

    def rows(self, count: int) -> Rows:
        """The embeddings of the next rows, float32 ``[count, size]``."""
        patch = np.arange(self._given, self._given + count) // self._layout.rows - self._given // self._layout.rows
        if count and patch[-1] >= len(self._ready):
            self._embed(self._extractor.drain())
        out = np.empty((count, self._layout.size), np.float32)
        for i, k in enumerate(patch):
            out[i] = self._ready[k]
        done = self._given // self._layout.rows
        self._given += count
        for _ in range(self._given // self._layout.rows - done):
            self._ready.popleft()
        return out

    def _embed(self, frames: Rows) -> None:
        length = self._layout.length
        waiting = np.concatenate([self._frames, frames])
        whole = len(waiting) // length * length
        for start in range(0, whole, length):
            self._ready.append(self._network(waiting[start : start + length]))
        self._frames = waiting[whole:]


def _config(part: Part) -> features.FeatureConfig:
    return features.FeatureConfig.from_dict(part.config)
