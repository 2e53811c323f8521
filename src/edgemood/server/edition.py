"""The catalogue of a library as it is sent: the map, and what names its state."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from edgemood.engine import Engine
from edgemood.server.catalogue import UNJUDGED, Builder, Catalogue, Mask

_MAGIC, _VERSION = b"EMAP", 1


@dataclass
class Edition:
    """A catalogue with its map.

    map: the songs on the plane, as docs/serve.md says; etag: names what is on it, the same as long as that is the same.
    """

    catalogue: Catalogue
    map: bytes
    etag: str

    @classmethod
    def of(cls, songs: Catalogue) -> Edition:
        """Draw the map of a catalogue."""
        head = struct.pack("<4s3I", _MAGIC, _VERSION, len(songs.ids), len(songs.moods))
        there = songs.mood != UNJUDGED
        places = [np.where(there, _byte(songs.keys[name]), 128).astype(np.uint8) for name in ("valence", "arousal")]
        parts = (songs.ids.astype("<u4"), *places, songs.mood, songs.flags)
        drawn = head + b"".join(part.tobytes() for part in parts)
        etag = blake2b(drawn, digest_size=12)
        etag.update(",".join(songs.moods).encode("utf-8", "replace"))
        return cls(songs, drawn, etag.hexdigest())

    @cached_property
    def map_gzip(self) -> bytes:
        """The map, packed, in the thread of who asks first."""
        return gzip.compress(self.map, 6, mtime=0)


def make(engine: Engine) -> Edition:
    """Make the edition of an engine's library."""
    return Edition.of(Builder().build(engine.store.in_short()))


def _byte(values: object) -> NDArray[np.float64]:
    """-1 to 1 as 0 to 255; what is not known in the middle."""
    numbers = np.asarray(values, np.float64)
    return np.rint(np.where(np.isfinite(numbers), np.clip(numbers, -1, 1) + 1, 1) * 127.5)


def matching(songs: Catalogue, found: Mask) -> bytes:
    """Give the ids of songs in binary: how many, then each."""
    ids = songs.ids[found]
    return struct.pack("<I", len(ids)) + ids.astype("<u4").tobytes()
