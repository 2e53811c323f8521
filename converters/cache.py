"""Descriptor sequences of clips, computed once by the product's own decoder and extractors and kept on disk."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from converters import augment
from converters.columns import LLD50, Columns
from converters.datasets import Clip
from edgemood import audio
from edgemood.describe import Describer

Rows = NDArray[np.float32]
#: Mono samples, their rate and a seed to changed samples.
Change = Callable[[NDArray[np.float32], int, int], NDArray[np.float32]]


class FeatureCache:
    """Sequences by clip and variant. Files are keyed by all that makes their values, so a stale one is never read."""

    def __init__(self, folder: Path, columns: Columns = LLD50) -> None:
        self.folder, self.columns = folder, columns
        #: Short digest of all that decides the sequences, besides the audio.
        self.made_by = hashlib.sha256(f"{columns.digest} {augment.VERSION}".encode()).hexdigest()[:12]
        self._describer = Describer(columns)

    def sequences(self, clips: Sequence[Clip], variants: int = 0) -> list[list[Rows]]:
        """The clip's own sequence, float32 ``[segments, columns]``, then those of `variants` changed versions."""
        changes: dict[str, Change | None] = {"v0": None} | {f"v{i}": augment.variant for i in range(1, variants + 1)}
        return [self._of(clip, changes) for clip in tqdm(clips, desc="descriptors", disable=None)]

    def changed(self, clips: Sequence[Clip], changes: Mapping[str, Change]) -> list[list[Rows]]:
        """Of each clip the sequences after each of `changes`; a change's name has to say all that it does."""
        return [self._of(clip, changes) for clip in tqdm(clips, desc="changed", disable=None)]

    def _of(self, clip: Clip, changes: Mapping[str, Change | None]) -> list[Rows]:
        stat = clip.path.stat()
        path = self.folder / f"{clip.key}-{self.made_by}-{stat.st_size:x}.npz"
        kept: dict[str, Rows] = {}
        if path.is_file():
            with np.load(path) as file:
                kept = dict(file)
        if missing := [name for name in changes if name not in kept]:
            samples = audio.load(str(clip.path), self._describer.sample_rate)
            kept |= {name: self._extract(samples, clip.key, name, changes[name]) for name in missing}
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part.npz")  # another process may be at it, too
            np.savez(partial, **kept)  # type: ignore[arg-type]  # NumPy's stub mistakes names for its own options
            partial.replace(path)
        return [kept[name] for name in changes]

    def _extract(self, samples: NDArray[np.float32], key: str, name: str, change: Change | None) -> Rows:
        if change:
            seed = zlib.crc32(f"{key}/{name.removeprefix('v')}".encode())
            samples = change(samples, self._describer.sample_rate, seed)
        return self._describer.describe([samples]).values
