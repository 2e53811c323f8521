"""Music with what the teachers say of it, for distilling: ``python -m converters.corpus --data DIR --music DIR``.

An excerpt of at most half a minute becomes a shard, an ``.npz`` file: ``mel``, the log-mel frames of the product's own
extractor in eighths of a neper, and the outputs of `converters.teachers` in float16. Shards lie at

    <cache>/<set>/<stem>-v<variant>.npz         a clip of a labelled set; variant 0 is the clip itself
    <cache>/music/<crc32>-<excerpt, ooo>.npz    an excerpt of unlabelled music; crc32 of its path in the folder given

and a run goes on where another was interrupted. A cache belongs to one version of descriptors and teachers.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from converters import augment, datasets, teachers
from converters.datasets import AUDIO_SUFFIXES, MUSIC, Clip, DataError, Dataset
from converters.teachers import Teacher
from edgemood import audio, features
from edgemood.errors import AudioError
from edgemood.features import FeatureConfig

#: What a network over spectra sees.
FRAMES = FeatureConfig(output="frames", n_mels=64)
NAMES = tuple(f"log_mel_{i}" for i in range(FRAMES.n_mels))
#: Frames are kept as ``round((ln(power) + OFFSET) * STEPS)``: from the floor of ln(1e-10) up to 8.8, beyond clipping.
OFFSET, STEPS = 23.1, 8.0
#: An excerpt of music, and the shortest one worth keeping.
EXCERPT_S, SHORTEST_S = 30, 10
#: Root mean square below which there is nothing to hear: -80 dB.
SILENCE = 1e-4

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Shard:
    """One excerpt: `frames` uint8 ``[frames, 64]`` (`decode` gives their values), `targets` the teachers' outputs."""

    frames: NDArray[np.uint8]
    targets: dict[str, NDArray[np.float16]]


class DamagedShardError(ValueError):
    """A file is not a shard, or not a whole one."""


def encode(log_power: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Natural logarithms of power as one byte each."""
    return np.clip(np.round((log_power + OFFSET) * STEPS), 0, 255).astype(np.uint8)


def decode(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Natural logarithms of power, to within a sixteenth of a neper."""
    return np.asarray(frames.astype(np.float32) / STEPS - OFFSET, np.float32)


def load(path: Path) -> Shard:
    """Read a shard.

    Raises
    ------
    DamagedShardError
        It is none, or not a whole one.
    """
    try:
        with path.open("rb") as raw, np.load(raw) as file:  # NumPy itself leaves a damaged file open
            arrays = dict(file)
    except (OSError, EOFError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DamagedShardError(f"{path}: {error}") from None
    frames = arrays.pop("mel", np.empty(0))
    if frames.dtype != np.uint8 or frames.shape[1:] != (len(NAMES),) or not arrays:
        raise DamagedShardError(f"{path}: no log-mel frames, or no targets")
    return Shard(frames, arrays)


class Corpus:
    """The shards below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: dict[str, Path] = {}

    def shards(self, sets: Sequence[str]) -> list[Path]:
        """The shards of the named sets (``"music"`` is the unlabelled music), sorted."""
        return [path for name in sets for path in sorted((self.folder / name).glob("*.npz"))]

    def clip(self, clip: Clip, variant: int) -> Path:
        """Where the shard of a labelled clip is, or will be."""
        return self.folder / clip.dataset / f"{clip.path.stem}-v{variant}.npz"

    def versions(self, clip: Clip) -> list[Path]:
        """The shards that are there of a labelled clip and of its changed versions, sorted."""
        there = (self.folder / clip.dataset).glob(f"{glob.escape(clip.path.stem)}-v*.npz")
        return sorted(path for path in there if path.stem[len(clip.path.stem) + 2 :].isdigit())

    def add_clips(self, dataset: Dataset, teacher: Teacher, variants: int) -> None:
        """Make what is missing of the clips' shards and of `variants` changed versions of each.

        Raises
        ------
        DataError
            Two clips of the set would have the same shard.
        """
        taken: dict[Path, Path] = {}
        for clip in dataset.clips:
            if (other := taken.setdefault(self.clip(clip, 0), clip.path)) != clip.path:
                raise DataError(f"{other} and {clip.path}: two clips of one set need different names")
        for clip in tqdm(dataset.clips, desc=dataset.name, disable=None):
            missing = [v for v in range(variants + 1) if not _whole(self.clip(clip, v))]
            if not missing or (samples := _decoded(clip.path)) is None:
                continue
            for v in missing:
                _make(self.clip(clip, v), _version(samples, clip, v), teacher)

    def add_music(self, folder: Path, teacher: Teacher) -> None:
        """Make what is missing of the excerpts of every audio file below `folder`.

        Raises
        ------
        DataError
            `folder` is none.
        """
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder")
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file())
        for path in tqdm(files, desc=str(folder), disable=None):
            key = f"{zlib.crc32(os.fsencode(path.relative_to(folder).as_posix())):08x}"
            if (other := self._taken.setdefault(key, path)) == path:
                self._add_song(path, key, teacher)
            else:
                _report(path, f"left out: its shards would be called as those of {other}")

    def _add_song(self, path: Path, key: str, teacher: Teacher) -> None:
        """Which excerpts a file has is known only once it is decoded, so a list remembers it."""
        made = self.folder / MUSIC / f"{key}.list"
        if (known := _listed(made)) is not None and all(_whole(self._excerpt(key, i)) for i in known):
            return
        if (samples := _decoded(path)) is None:
            return
        kept = []
        for i, excerpt in excerpts(samples):
            shard = self._excerpt(key, i)
            if _whole(shard) or _make(shard, excerpt, teacher):
                kept.append(i)
        _write(made, lambda file: file.write(b"%s\n" % " ".join(map(str, kept)).encode()))

    def _excerpt(self, key: str, index: int) -> Path:
        return self.folder / MUSIC / f"{key}-{index:03d}.npz"


def excerpts(samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Of a piece of music the half minutes that begin after a third and two thirds, each with its number.

    A song of fewer than three has its first ones; what is shorter than ten seconds is left out.
    """
    size = EXCERPT_S * FRAMES.sample_rate
    count = max(1, len(samples) // size)
    for i in [count // 3, 2 * count // 3] if count >= 3 else range(count):
        excerpt = samples[i * size : (i + 1) * size]
        if len(excerpt) >= SHORTEST_S * FRAMES.sample_rate:
            yield i, excerpt


def _version(samples: Samples, clip: Clip, variant: int) -> Samples:
    if not variant:
        return samples
    return augment.variant(samples, FRAMES.sample_rate, clip.seed(str(variant)))


def _make(path: Path, samples: Samples, teacher: Teacher) -> bool:
    """Write the shard of an excerpt; False where there is nothing to hear in it."""
    heard = np.ascontiguousarray(samples[: EXCERPT_S * FRAMES.sample_rate])
    if len(heard) < FRAMES.frame_length or np.sqrt(np.mean(heard**2)) < SILENCE:
        return False
    frames = features.extract([heard], FRAMES, NAMES).values
    outputs = teacher(soxr.resample(heard, FRAMES.sample_rate, teachers.SAMPLE_RATE))
    arrays: dict[str, Any] = {name: np.asarray(values, np.float16) for name, values in outputs.items()}
    _write(path, lambda file: np.savez(file, mel=encode(frames), **arrays))
    return True


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file so that it is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        fill(file)
    part.replace(path)


def _whole(path: Path) -> bool:
    try:
        load(path)
    except DamagedShardError:
        return False
    return True


def _listed(path: Path) -> list[int] | None:
    """The numbers in a list of excerpts; None where there is none, or it is damaged."""
    text = path.read_bytes() if path.is_file() else b""
    return [int(number) for number in text.split()] if re.fullmatch(rb"[0-9 ]*\n", text) else None


def _decoded(path: Path) -> Samples | None:
    """The samples of a file; None, and a line on stderr, where it cannot be decoded."""
    try:
        return audio.load(path, FRAMES.sample_rate)
    except AudioError as error:
        _report(path, str(error))
        return None


def _report(path: Path, what: str) -> None:
    tqdm.write(f"{os.fsencode(path).decode(errors='replace')}: {what}", file=sys.stderr)


def _for_training(dataset: Dataset) -> Dataset:
    """Without the test clips of an official split: a network shall not meet their teachers' outputs either."""
    return replace(dataset, clips=tuple(clip for clip in dataset.clips if clip.split != "test"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the shards of labelled sets and of folders of music."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with the labelled sets (see converters/README.md)")
    parser.add_argument("--music", type=Path, nargs="+", default=[], metavar="DIR", help="folders of any music")
    parser.add_argument("--cache", type=Path, default=Path("build/corpus"), help="where the shards are kept")
    parser.add_argument("--variants", type=int, default=0, help="changed versions of each labelled clip")
    options = parser.parse_args(arguments)
    folders = [*([options.data] if options.data else []), *options.music]
    if not folders:
        parser.error("there is nothing to do without --data or --music")
    if missing := [folder for folder in folders if not folder.is_dir()]:
        parser.error(f"{missing[0]} is not a folder")
    corpus = Corpus(options.cache)
    try:
        sets = [_for_training(dataset) for dataset in datasets.load(options.data)] if options.data else []
        teacher = teachers.everyone()
        for dataset in sets:
            corpus.add_clips(dataset, teacher, options.variants)
        for folder in options.music:
            corpus.add_music(folder, teacher)
    except (DataError, teachers.TeacherError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
