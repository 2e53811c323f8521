"""Descriptor sequences of clips, computed once by the product's own decoder and extractors and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from converters import augment
from converters.columns import LLD50, Columns
from converters.datasets import Clip, DataError
from edgemood import audio, features
from edgemood.bundle import Part
from edgemood.describe import Describer, PatchFunction
from edgemood.errors import AudioError
from edgemood.features import Extractor, FeatureConfig

Rows = NDArray[np.float32]
#: Mono samples, their rate and a seed to changed samples.
Change = Callable[[NDArray[np.float32], int, int], NDArray[np.float32]]
_SHOWN = 40  # characters of a clip's name in a file's: those of file systems are limited


class FeatureCache:
    """Sequences by clip and variant. Files are keyed by all that makes their values, so a stale one is never read.

    That is: descriptors and how versions are changed, the audio file's bytes, and the clip's key, which decides how its
    changed versions come out. A file is ``<set>/<stem, for people>-<digest of the former>-<digest of the latter>.npz``.
    The embedding of patches is not kept but computed from their frames each time: these are the same for every trunk.
    """

    def __init__(self, folder: Path, columns: Columns = LLD50) -> None:
        self.folder, self.columns = folder, columns
        parts = Columns(columns.parts)
        describer = Describer(parts)
        self._sample_rate = describer.sample_rate
        self._rows = _Kept(folder, parts.digest, lambda samples: describer.describe([samples]).values)
        self._frames = columns.patches and _frames(folder, columns.patches.layout.frames)

    @property
    def made_by(self) -> str:
        """Short digest of all that decides the sequences, besides the audio."""
        return _digest(self.columns.digest, augment.VERSION)

    def sequences(self, clips: Sequence[Clip], variants: int = 0) -> list[list[Rows]]:
        """The clip's own sequence, float32 ``[segments, columns]``, then those of `variants` changed versions."""
        changes: dict[str, Change | None] = {"v0": None} | {f"v{i}": augment.variant for i in range(1, variants + 1)}
        return [self._of(clip, changes) for clip in tqdm(clips, desc="descriptors", disable=None)]

    def changed(self, clips: Sequence[Clip], changes: Mapping[str, Change]) -> list[list[Rows]]:
        """Of each clip the sequences after each of `changes`; a change's name has to say all that it does."""
        return [self._of(clip, changes) for clip in tqdm(clips, desc="changed", disable=None)]

    def _of(self, clip: Clip, changes: Mapping[str, Change | None]) -> list[Rows]:
        heard = _Heard(clip, self._sample_rate, changes)
        rows = self._rows(heard)
        if not (self._frames and (network := self.columns.patches)):
            return rows
        frames = self._frames(heard)
        return [embedded(own, of_patches, network) for own, of_patches in zip(rows, frames, strict=True)]


def embedded(rows: Rows, frames: Rows, network: PatchFunction) -> Rows:
    """Rows of the extractors with the embedding of each one's patch behind them, as `edgemood.describe` joins them."""
    length, share = network.layout.length, network.layout.rows
    patches = [network(frames[i * length : (i + 1) * length]) for i in range(-(-len(rows) // share))]
    if not patches:
        return np.empty((0, rows.shape[1] + network.layout.size), np.float32)
    return np.concatenate([rows, np.repeat(patches, share, axis=0)[: len(rows)]], axis=1)


def load(clip: Clip, sample_rate: int) -> NDArray[np.float32]:
    """The samples of a clip.

    Raises
    ------
    DataError
        They cannot be decoded.
    """
    try:
        return audio.load(str(clip.path), sample_rate)
    except AudioError as error:
        raise DataError(f"{clip.path} cannot be used: {error}; replace it, or take it out of the set") from None


class _Heard:
    """A clip and its changed versions, each decoded or made when it is first asked for, and once."""

    def __init__(self, clip: Clip, sample_rate: int, changes: Mapping[str, Change | None]) -> None:
        self.clip, self.changes = clip, changes
        self._sample_rate = sample_rate
        self._made: dict[str, NDArray[np.float32]] = {}

    @cached_property
    def digest(self) -> str:
        """Of the file's bytes and the clip's key; raises `DataError` where the file cannot be read."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(self.clip.key.encode(errors="surrogateescape") + b"\0")
        try:
            digest.update(self.clip.path.read_bytes())
        except OSError as error:
            raise DataError(f"{self.clip.path} cannot be read ({error.strerror})") from None
        return digest.hexdigest()

    @cached_property
    def _own(self) -> NDArray[np.float32]:
        return load(self.clip, self._sample_rate)

    def samples(self, name: str) -> NDArray[np.float32]:
        """Those of the version `name`."""
        if not (change := self.changes[name]):
            return self._own
        if name not in self._made:
            self._made[name] = change(self._own, self._sample_rate, self.clip.seed(name.removeprefix("v")))
        return self._made[name]


class _Kept:
    """What `make` makes of the samples of clips and of their changed versions, kept on disk."""

    def __init__(self, folder: Path, made_by: str, make: Callable[[NDArray[np.float32]], Rows]) -> None:
        self._folder, self._make = folder, make
        self._made_by = _digest(made_by, augment.VERSION)

    def __call__(self, heard: _Heard) -> list[Rows]:
        clip = heard.clip
        name = f"{clip.path.stem[:_SHOWN]}-{self._made_by}-{heard.digest}.npz"
        path = self._folder / clip.dataset / name
        kept: dict[str, Rows] = {}
        if path.is_file():
            with np.load(path) as file:
                kept = dict(file)
        if missing := [name for name in heard.changes if name not in kept]:
            kept |= {name: self._make(heard.samples(name)) for name in missing}
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part.npz")  # another process may be at it, too
            np.savez(partial, **kept)  # type: ignore[arg-type]  # NumPy's stub mistakes names for its own options
            partial.replace(path)
        return [kept[name] for name in heard.changes]


def _frames(folder: Path, part: Part) -> _Kept:
    config = FeatureConfig.from_dict(part.config)
    extractor = Extractor(config, part.names)

    def make(samples: NDArray[np.float32]) -> Rows:
        extractor.reset()
        return np.concatenate([extractor.push(samples), extractor.finish()])

    made_by = json.dumps([features.VERSION, part.config, part.names], sort_keys=True)
    return _Kept(folder, made_by, make)


def _digest(*values: object) -> str:
    return hashlib.sha256(" ".join(map(str, values)).encode()).hexdigest()[:12]
