"""Descriptor sequences of clips, computed once by the product's own decoder and extractor and kept on disk."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from converters import augment
from converters.datasets import Clip
from edgemood import audio, features
from edgemood.features import FeatureConfig

NAMES = "lld50"


class FeatureCache:
    """Sequences by clip and variant. Files are keyed by all that makes their values, so a stale one is never read."""

    def __init__(self, folder: Path, config: FeatureConfig | None = None) -> None:
        self.folder, self.config = folder, config or FeatureConfig()
        made_by = json.dumps([features.VERSION, NAMES, self.config.to_dict(), augment.VERSION], sort_keys=True)
        #: Short digest of all that decides the sequences, besides the audio.
        self.made_by = hashlib.sha256(made_by.encode()).hexdigest()[:12]

    def sequences(self, clips: Sequence[Clip], variants: int = 0) -> list[list[NDArray[np.float32]]]:
        """The clip's own sequence, float32 ``[segments, descriptors]``, then those of `variants` changed versions."""
        return [self._of(clip, variants) for clip in tqdm(clips, desc="descriptors", disable=None)]

    def _of(self, clip: Clip, variants: int) -> list[NDArray[np.float32]]:
        stat = clip.path.stat()
        path = self.folder / f"{clip.key}-{self.made_by}-{stat.st_size:x}.npz"
        kept: dict[str, NDArray[np.float32]] = {}
        if path.is_file():
            with np.load(path) as file:
                kept = dict(file)
        wanted = [f"v{i}" for i in range(variants + 1)]
        if missing := [name for name in wanted if name not in kept]:
            samples = audio.load(str(clip.path), self.config.sample_rate)
            kept |= {name: self._extract(samples, clip.key, int(name[1:])) for name in missing}
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part.npz")
            np.savez(partial, **kept)  # type: ignore[arg-type]  # NumPy's stub mistakes names for its own options
            partial.replace(path)
        return [kept[name] for name in wanted]

    def _extract(self, samples: NDArray[np.float32], key: str, variant: int) -> NDArray[np.float32]:
        if variant:
            seed = zlib.crc32(f"{key}/{variant}".encode())
            samples = augment.variant(samples, self.config.sample_rate, seed)
        return features.extract([samples], self.config, NAMES).values
