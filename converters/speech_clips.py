"""Talk and music under several conditions, as descriptors: what `converters.speech` learns from and is judged on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from converters import datasets, degrade, speech_voices
from converters.cache import Change, FeatureCache
from converters.columns import WIDE
from edgemood import audio
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence

Samples = NDArray[np.float32]

LENGTH_S = 30.0
#: Stretches of talk of each voice.
TALKS = 12
#: The labelled sets that count as music: recordings, mostly of songs.
SETS = ("4qaed", "emotify")
#: How far below a voice the music under it is.
BED_DB = (8, 20)
#: Changes when a condition, or how talk is put together, does.
VERSION = 1
#: Conditions besides `CONDITIONS`, and the source of music without labels.
PLAIN, BED, OTHER = "plain", "over music", "other music"


@dataclass(frozen=True)
class Origin:
    """Where a clip comes from. group: what shares its sound (a family of voices, an artist); fold: -1 if none."""

    source: str
    group: str
    speech: bool
    fold: int


@dataclass(frozen=True)
class Sound:
    """One clip under one condition."""

    key: str
    condition: str
    origin: Origin
    sequence: FeatureSequence


def telephone(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Nothing below 300 Hz nor above 3.4 kHz, steep as a telephone network is."""
    spectrum = np.fft.rfft(samples)
    freq_hz = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    spectrum[(freq_hz < 300) | (freq_hz > 3400)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), dtype=np.float32)


def over(bed: Samples, samples: Samples, sample_rate: int, seed: int) -> Samples:
    """The voice with music under it, 8 to 20 dB below."""
    below_db = np.random.default_rng(seed).uniform(*BED_DB)
    under = np.resize(bed, len(samples))
    level = 10 ** (-below_db / 20) * _rms(samples) / max(_rms(under), 1e-9)
    return np.asarray(samples + under * np.float32(level), dtype=np.float32)


#: Conditions of talk and music alike, so that neither bandwidth nor room tells them apart.
CONDITIONS: Mapping[str, Change] = {
    "room": degrade.room,
    "low-pass": degrade.low_passed,
    "telephone": telephone,
    "codec": degrade.mp3_64,
}


class Clips:
    """Clips' descriptors, kept on disk by `key` and condition."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "speech"
        self._describer = Describer(WIDE)
        self._made_by = f"{WIDE.digest}-{VERSION}"

    def sequence(self, key: str, condition: str, samples: Samples, change: Change | None) -> FeatureSequence:
        """The descriptors of a clip under a condition."""
        path = self._folder / f"{zlib.crc32(samples.tobytes()):08x}-{condition.replace(' ', '-')}-{self._made_by}.npy"
        if path.is_file():
            return self._describer.sequence(np.load(path))
        seed = zlib.crc32(f"{key}/{condition}".encode())
        rate_hz = self._describer.sample_rate
        heard = change(samples, rate_hz, seed) if change else samples
        sequence = self._describer.describe([heard])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, sequence.values)
        return sequence

    def kept(self, values: NDArray[np.float32]) -> FeatureSequence:
        """Rows of `converters.cache` as a sequence."""
        return self._describer.sequence(values)

    def plain(self, key: str, origin: Origin, samples: Samples) -> Sound:
        """A clip as it is."""
        return Sound(key, PLAIN, origin, self.sequence(key, PLAIN, samples, None))

    def changed(self, key: str, origin: Origin, samples: Samples) -> Sound:
        """A clip under one of `CONDITIONS`, by turns of its key."""
        turn = sorted(CONDITIONS)[zlib.crc32(key.encode()) % len(CONDITIONS)]
        return Sound(key, turn, origin, self.sequence(key, turn, samples, CONDITIONS[turn]))

    def over(self, key: str, origin: Origin, samples: Samples, bed: Samples) -> Sound:
        """A voice over music."""
        return Sound(key, BED, origin, self.sequence(key, BED, samples, partial(over, bed)))


def labelled(clips: Clips, cache: Path, data: Path) -> Iterator[Sound]:
    """The clips of `SETS` below `data`, every second one under one more condition."""
    found = [clip for part in datasets.load(data) if part.name in SETS for clip in part.clips]
    rows = FeatureCache(cache, WIDE).sequences(found)
    for i, (clip, (values,)) in enumerate(zip(tqdm(found, desc="labelled music", disable=None), rows, strict=True)):
        origin = Origin(clip.dataset, clip.group, False, clip.fold)
        yield Sound(clip.key, PLAIN, origin, clips.kept(values))
        if i % 2:
            yield clips.changed(clip.key, origin, middle(clip.path))


def music(clips: Clips, folders: Sequence[Path]) -> Iterator[Sound]:
    """The middle of every audio file in `folders`, every second one under one more condition."""
    files = [p for folder in folders for p in sorted(folder.rglob("*")) if p.suffix.lower() in datasets.AUDIO_SUFFIXES]
    fold_of = datasets.deal(path.name for path in files)
    for i, path in enumerate(tqdm(files, desc="other music", disable=None)):
        key, origin = f"music/{path.stem}", Origin(OTHER, path.stem, False, fold_of[path.name])
        samples = middle(path)
        yield clips.plain(key, origin, samples)
        if i % 2:
            yield clips.changed(key, origin, samples)


def middle(path: Path) -> Samples:
    """The middle `LENGTH_S` of a file."""
    samples = audio.load(str(path), speech_voices.RATE_HZ)
    spare = max(0, len(samples) - round(LENGTH_S * speech_voices.RATE_HZ))
    return samples[spare // 2 : len(samples) - (spare - spare // 2)]


def talk(clips: Clips, cache: Path, beds: Sequence[Path]) -> Iterator[Sound]:
    """`TALKS` stretches of each voice that is installed, with music of `beds` under them as one condition of three."""
    families = [voice.family for voice in speech_voices.VOICES]
    largest_first = sorted(dict.fromkeys(families), key=lambda family: -families.count(family))
    fold_of = {family: i % datasets.N_FOLDS for i, family in enumerate(largest_first)}
    for voice in tqdm(speech_voices.VOICES, desc="voices", disable=None):
        if files := speech_voices.sentences(voice, cache / "voices" / voice.key):
            origin = Origin(voice.key, voice.family, True, fold_of[voice.family])
            yield from _talks(clips, origin, files, beds)


def people(clips: Clips, folder: Path, beds: Sequence[Path]) -> Iterator[Sound]:
    """`TALKS` stretches of each person whose recordings lie in a folder of `folder`."""
    for name, files in speech_voices.recorded(folder).items():
        yield from _talks(clips, Origin(name, name, True, -1), files, beds)


def _talks(clips: Clips, origin: Origin, files: Sequence[Path], beds: Sequence[Path]) -> Iterator[Sound]:
    seed = zlib.crc32(origin.source.encode())
    for i, samples in enumerate(speech_voices.talks(files, TALKS, LENGTH_S, seed)):
        key = f"{origin.source}/{i}"
        yield clips.plain(key, origin, samples)
        yield clips.changed(key, origin, samples)
        if beds:
            yield clips.over(key, origin, samples, middle(beds[(seed + i) % len(beds)]))


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
