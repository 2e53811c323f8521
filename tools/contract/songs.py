"""Songs to scan: 250 that no scan knows, put together out of the examples', in the formats people have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]
_KINDS = (("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III"), ("flac", None), ("flac", None), ("wav", "PCM_24"))
_PART_S = 8
_LONG = 40  # of so many songs, one is a long mix


def make(folder: Path, count: int = 250, seed: int = 6) -> int:
    """Write `count` songs of 30 to 90 s, one in 40 of ten minutes, and give the seconds in all. Seeded."""
    rng = np.random.default_rng(seed)
    parts = [part for file in sorted((ROOT / "examples/music").glob("*.ogg")) for part in _parts(file)]
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for number in range(count):
        seconds = 600 if number % _LONG == _LONG - 1 else int(rng.integers(30, 90))
        suffix, subtype = _KINDS[number % len(_KINDS)] if seconds < 600 else ("flac", None)
        total += seconds
        file = folder / f"{number:03} {rng.integers(1 << 32):08x}.{suffix}"
        with soundfile.SoundFile(file, "w", 44100, 2, subtype) as out:
            for _ in range(0, seconds, _PART_S):
                out.write(parts[int(rng.integers(len(parts)))] * rng.uniform(0.5, 1.0))
    return total


def _parts(file: Path) -> list[np.ndarray]:
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    size = _PART_S * rate
    return [stereo[start : start + size] for start in range(0, len(stereo) - size + 1, size)] if rate == 44100 else []
