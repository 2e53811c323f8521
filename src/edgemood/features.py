"""Low-level descriptors of audio over time, computed by the native core.

The definitions are in ``docs/descriptors.md``; the core's configuration is mirrored by `FeatureConfig`. One extractor
serves batch and streaming: batch is "push everything, then finish", and rows are bit-equal however the samples were
cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood import _native
from edgemood._status import FINISHED, NOT_FINITE
from edgemood.domain import FeatureSequence
from edgemood.errors import ConfigError, NotFiniteError

#: Version of the descriptors' values; stored with every analysis and in every model bundle.
VERSION: str = _native.feature_version()

_ENUMS: Mapping[str, tuple[str, ...]] = {
    "output": ("frames", "segments"),
    "window": ("hann", "hamming", "rectangular"),
    "mel_edges": ("exact", "bins"),
}


@dataclass(frozen=True)
class FeatureConfig:
    """How descriptors are computed. The defaults are the method's.

    Lengths and hops are in samples, segments in frames; see ``em_config`` in ``edgemood.h`` for the limits of each.
    """

    output: str = "segments"
    sample_rate: int = 22050
    frame_length: int = 662
    hop_length: int = 551
    n_fft: int = 1024
    window: str = "hann"
    preemphasis: float = 0.97
    n_mels: int = 40
    mel_fmin_hz: float = 20.0
    mel_fmax_hz: float = 10000.0
    mel_edges: str = "exact"
    f0_min_hz: float = 55.0
    f0_max_hz: float = 1000.0
    voicing_threshold: float = 0.5
    lpc_order: int = 12
    lpc_fmax_hz: float = 5500.0
    segment_frames: int = 120
    segment_hop: int = 40

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureConfig:
        """The inverse of `to_dict`.

        Raises
        ------
        ConfigError
            A field is missing or unknown.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown feature setting {unknown[0]!r}")
        if missing := sorted(known - set(values)):
            raise ConfigError(f"feature setting {missing[0]!r} is missing")
        return cls(**values)

    def _native(self) -> _native.Config:
        config = _native.Config()
        for name, value in asdict(self).items():
            if name in _ENUMS:
                if value not in _ENUMS[name]:
                    raise ConfigError(f"{name} = {value!r}: must be one of {', '.join(_ENUMS[name])}")
                value = _ENUMS[name].index(value)  # noqa: PLW2901
            try:
                setattr(config, name, value)
            except TypeError:
                raise ConfigError(f"{name} = {value!r}: not a number this field can hold") from None
        return config


#: What the settings that a set is made for have other than the defaults.
_OF_SET: Mapping[str, Mapping[str, Any]] = {"harmony": {"hop_length": 2204, "segment_frames": 30, "segment_hop": 10}}


@dataclass(frozen=True)
class DescriptorInfo:
    """One frame-level descriptor; a family (MFCC, formants) is given by its first member.

    `minimum` and `maximum` are the range of its values, infinite where they are unbounded (or where half the sample
    rate is the bound). Where `absent_is_zero`, 0 means "none in this frame" and functionals skip such frames.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    summary: str
    source: str
    absent_is_zero: bool


def descriptors() -> list[DescriptorInfo]:
    """The frame-level descriptors of this build."""
    return [DescriptorInfo(*row) for row in _native.descriptors()]


def segment_descriptors() -> list[DescriptorInfo]:
    """The descriptors of a whole segment: columns without a functional, a family given by its first member."""
    return [DescriptorInfo(*row) for row in _native.segment_descriptors()]


def functionals() -> tuple[str, ...]:
    """Names of the functionals that can follow a descriptor's name and an underscore."""
    return tuple(_native.functionals())


def set_names(name: str) -> tuple[str, ...]:
    """The column names of a named set, in order.

    Raises
    ------
    ConfigError
        There is no such set.
    """
    if not _is_name(name):
        raise ConfigError(f"no set can be called {name!r}")
    try:
        return tuple(_native.set_names(name))
    except _native.NativeError as error:
        raise ConfigError(error.args[1]) from None


def set_config(name: str) -> FeatureConfig:
    """The settings that a named set is made for: the defaults, but a frame every 100 ms for ``"harmony"``.

    Rows of segments of all sets come equally often.

    Raises
    ------
    ConfigError
        There is no such set.
    """
    set_names(name)
    return FeatureConfig(**_OF_SET.get(name, {}))


def _is_name(name: object) -> bool:
    r"""Whether the core can look it up: C text, which ends at ``\0``, and no character beyond the names' own ASCII."""
    return isinstance(name, str) and name.isascii() and "\0" not in name


class Extractor:
    """A streaming extractor of named columns.

    Parameters
    ----------
    config
        What to compute, and whether rows are frames or segments. None stands for what `set_config` gives for the set,
        and for the defaults where columns are named one by one.
    names
        A set's name (``"lld50"``, segments) or column names: descriptors for frames (``"mfcc_1"``), descriptor and
        functional for segments (``"mfcc_1_mean"``).

    Raises
    ------
    ConfigError
        A setting or a name cannot be used; the message says which.
    """

    def __init__(self, config: FeatureConfig | None = None, names: str | Sequence[str] = "lld50") -> None:
        self.names = set_names(names) if isinstance(names, str) else tuple(names)
        self.config = config or (set_config(names) if isinstance(names, str) else FeatureConfig())
        if not self.names:
            raise ConfigError("no column was asked for: names is empty")
        if unfit := [name for name in self.names if not _is_name(name)]:
            raise ConfigError(f"no column can be called {unfit[0]!r}")
        try:
            self._native = _native.Extractor(self.config._native(), list(self.names))
        except _native.NativeError as error:
            raise ConfigError(error.args[1]) from None
        self._samples = 0

    @property
    def row_length(self) -> int:
        """Samples that one row covers."""
        return self._native.row_length

    @property
    def row_hop(self) -> int:
        """Samples from the start of one row to the start of the next."""
        return self._native.row_hop

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take mono samples, nominally in [-1, 1]; return the rows they complete, float32 ``[rows, columns]``.

        Raises
        ------
        NotFiniteError
            A sample is NaN or infinite. Nothing was taken; the extractor can go on.
        ConfigError
            The extractor is finished, or `samples` is not a one-dimensional array of floats.
        """
        block = np.asarray(samples)
        if block.dtype.kind != "f":
            raise ConfigError(f"samples must be floats in [-1, 1], not {block.dtype.name}")
        if block.ndim != 1:
            raise ConfigError(f"samples must have one dimension (mono), not shape {block.shape}")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
            block = np.ascontiguousarray(block, dtype=np.float32)
        try:
            rows = self._native.push(block)
        except _native.NativeError as error:
            raise self._translated(error) from None
        self._samples += len(block)
        return rows

    def drain(self) -> NDArray[np.float32]:
        """Return the rows whose samples are all there though the block they are computed in is not full.

        For who cannot wait for a frame: rows do not change by it, but a block costs the same full or not. Segments
        never wait.

        Raises
        ------
        ConfigError
            The extractor is finished.
        """
        try:
            return self._native.drain()
        except _native.NativeError as error:
            raise self._translated(error) from None

    def finish(self) -> NDArray[np.float32]:
        """Return the rows still held back. Samples short of a whole row are dropped.

        Raises
        ------
        ConfigError
            The extractor is finished already; `reset` it first.
        """
        try:
            return self._native.finish()
        except _native.NativeError as error:
            raise self._translated(error) from None

    def reset(self) -> None:
        """Forget everything pushed so far."""
        self._native.reset()
        self._samples = 0

    def times(self, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Start and end of the first `rows` rows in seconds, each float64 ``[rows]``."""
        return row_times(rows, self.row_length, self.row_hop, self.config.sample_rate)

    def _translated(self, error: _native.NativeError) -> Exception:
        status, message = error.args
        if status == NOT_FINITE:
            index = self._samples + int(message)
            return NotFiniteError(f"sample {index} ({index / self.config.sample_rate:.3f} s) is NaN or infinite")
        if status == FINISHED:
            return ConfigError("the extractor is finished; reset() it first")
        return ConfigError(message)


def row_times(
    rows: int, row_length: int, row_hop: int, sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and end in seconds, each float64 ``[rows]``, of rows of `row_length` samples every `row_hop`."""
    start = np.arange(rows, dtype=np.float64) * row_hop / sample_rate
    return start, start + row_length / sample_rate


def extract(
    blocks: Iterable[NDArray[np.float32]],
    config: FeatureConfig | None = None,
    names: str | Sequence[str] = "lld50",
) -> FeatureSequence:
    """The descriptors of a whole signal, given as blocks of mono samples.

    Returns
    -------
    FeatureSequence
        One row a segment (or a frame, where ``config.output`` is ``"frames"``); none where the signal is shorter than
        one row.

    Raises
    ------
    ConfigError, NotFiniteError
        As `Extractor` raises them.
    """
    extractor = Extractor(config, names)
    rows = [extractor.push(block) for block in blocks]
    rows.append(extractor.finish())
    values = np.concatenate(rows)
    start_s, end_s = extractor.times(len(values))
    return FeatureSequence(values, start_s, end_s, extractor.names, VERSION)
