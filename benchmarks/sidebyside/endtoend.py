"""A music file all the way: decode, mix and resample, descriptors, model; and a whole scan."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from edgemood import audio, mood
from edgemood.features import FeatureConfig, extract
from edgemood.library import Library
from edgemood.pipeline import ScanReport, scan

from .settings import RATE, Audio
from .timing import Spread, take_turns

SONG_S = 240
_SONG_RATE = 44100
_BITRATE = 128
#: libsndfile's level 0 to 1 is 320 to 32 kbit/s at the rates of MPEG-1.
_LEVEL = (320 - _BITRATE) / (320 - 32)
_BLOCK = 65536


def write_songs(music: Audio, folder: Path, count: int) -> list[Path]:
    """Songs of four minutes, each its own: MP3 at a constant 128 kbit/s, 44.1 kHz, two channels that differ."""
    mono = soxr.resample(music, RATE, _SONG_RATE, quality="HQ").astype(np.float32)
    paths = []
    for i in range(count):
        left = np.resize(np.roll(mono, -i * 37 * _SONG_RATE), SONG_S * _SONG_RATE)
        stereo = np.stack([left, np.roll(left, 441) * np.float32(0.9)], axis=1)
        path = folder / f"song {i}.mp3"
        with soundfile.SoundFile(
            path, "w", _SONG_RATE, 2, "MPEG_LAYER_III", format="MP3", compression_level=_LEVEL, bitrate_mode="CONSTANT"
        ) as file:
            for start in range(0, len(stereo), _SONG_RATE):
                file.write(stereo[start : start + _SONG_RATE])
        paths.append(path)
    return paths


def decode(path: Path) -> None:
    """Decode to float32 in blocks, and nothing else."""
    with soundfile.SoundFile(path) as file:
        buffer = np.empty((_BLOCK, file.channels), np.float32)
        while len(file.read(out=buffer)):
            pass


def stages(path: Path, rounds: int) -> dict[str, Any]:
    """CPU time of the pipeline up to each stage, as ratios to decoding alone."""
    model = mood.load("default")
    config = FeatureConfig.from_dict(model.config)

    def resampled() -> Iterator[Audio]:
        return audio.blocks(path, config.sample_rate)

    works = {
        "decode, mono, resample": lambda: [None for _ in resampled()],
        "and descriptors": lambda: extract(resampled(), config, model.names),
        "and model": lambda: model.judge(extract(resampled(), config, model.names)),
    }
    for work in works.values():
        work()
    ratios = take_turns(lambda: decode(path), list(works.values()), rounds)
    return {name: asdict(Spread.of(own)) for name, own in zip(works, ratios, strict=True)}


def scans(folder: Path, rounds: int) -> dict[str, Any]:
    """Scan a folder of several songs into a new library with one worker, and one song of it alone.

    Returns
    -------
    Songs a minute: by the clock, by CPU time, and by the CPU time of the songs after the first; the stages' shares.
    """
    spreads: dict[str, list[float]] = {"per_min": [], "per_cpu_min": [], "further_per_cpu_min": []}
    for _ in range(rounds):
        _, one_s, _ = _scan(min(folder.iterdir()))
        wall_s, all_s, report = _scan(folder)
        spreads["per_min"].append(60 * report.analysed / wall_s)
        spreads["per_cpu_min"].append(60 * report.analysed / all_s)
        spreads["further_per_cpu_min"].append(60 * (report.analysed - 1) / max(all_s - one_s, 1e-3))
        shares = {stage: seconds / all_s for stage, seconds in report.cpu_s.items()}
    return {**{name: Spread.of(values).median for name, values in spreads.items()}, "shares": shares}


def _scan(path: Path) -> tuple[float, float, ScanReport]:
    """Seconds by the clock, CPU seconds of this process and its workers, and the scan's own report."""
    with tempfile.TemporaryDirectory() as temporary:
        before, began = _cpu_s(), time.monotonic()
        with Library.open(Path(temporary) / "library.db") as library:
            report = scan(library, path, jobs=1, nice=0)
        spent, wall = _cpu_s() - before, time.monotonic() - began
    if report.failed:
        raise RuntimeError(f"scan failed: {report.failures[0]}")
    return wall, spent, report


def _cpu_s() -> float:
    """CPU seconds of this process and of those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(signal: str, songs: int, rounds: int) -> dict[str, Any]:
    """All of it, with songs made of the music in the file `signal` (16 kHz)."""
    music: Audio = np.fromfile(signal, np.float32)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = write_songs(music, folder, songs)
        kbit = 8 * paths[0].stat().st_size / SONG_S / 1000
        return {"kbit_s": kbit, "songs": songs, "stages": stages(paths[0], rounds), "scan": scans(folder, rounds)}
