"""A tiny set of synthetic clips whose moods are easy to tell apart: for trying the whole chain in seconds."""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

#: Of each kind of clip: beats a second, lowest pitch in Hz, loudness, share of noise.
KINDS = {
    "happy": (3.0, 330.0, 0.30, 0.05),
    "angry": (4.0, 110.0, 0.60, 0.60),
    "sad": (0.7, 130.0, 0.10, 0.00),
    "calm": (0.8, 260.0, 0.05, 0.02),
    "solemn": (0.5, 80.0, 0.25, 0.00),
    "nervous": (7.0, 500.0, 0.20, 0.30),
}
SAMPLE_RATE = 22_050


def clip(kind: str, seconds: float, seed: int) -> NDArray[np.float32]:
    """One synthetic clip, mono float32 at `SAMPLE_RATE`: decaying harmonic notes on a beat, with noise bursts."""
    rng = np.random.default_rng(seed)
    beats_hz, pitch_hz, loudness, noise = KINDS[kind]
    beats_hz *= rng.uniform(0.9, 1.1)
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beat = (time_s * beats_hz).astype(int)
    notes_hz = pitch_hz * 2 ** (rng.choice([0, 2, 4, 7, 9, 12], beat.max(initial=0) + 1) / 12)
    phase = 2 * np.pi * np.cumsum(notes_hz[beat]) / SAMPLE_RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 6))
    envelope = np.exp(-3 * ((time_s * beats_hz) % 1))
    sound = (1 - noise) * tone + noise * rng.standard_normal(len(time_s))
    return np.asarray(np.clip(loudness * rng.uniform(0.8, 1.2) * envelope * sound, -1, 1), dtype=np.float32)


def write(folder: Path, kinds: tuple[str, ...], per_kind: int, seconds: float = 12.0) -> None:
    """Write WAV files of the given kinds and their ``clips.csv`` (`file`, `label`, `artist`) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(per_kind):
        for k, kind in enumerate(kinds):
            name = f"{kind}-{i}.wav"
            soundfile.write(folder / name, clip(kind, seconds, 1000 * k + i), SAMPLE_RATE, subtype="PCM_16")
            rows.append({"file": name, "label": kind, "artist": f"artist {i}"})
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["file", "label", "artist"])
        table.writeheader()
        table.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and export a bundle on synthetic clips of the six kinds: how ``tests/data/six-moods`` was made."""
    from converters import train

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder of the bundle")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "synthetic", tuple(KINDS), 8)
        small = ["--kinds", "int8", "--members", "1", "--epochs", "150", "--units", "8", "--variants", "0"]
        small += ["--columns", "lld50"]
        where = ["--data", f"{folder}/synthetic", "--out", str(options.out), "--cache", f"{folder}/features"]
        train.main([*where, *small])


if __name__ == "__main__":
    main()
