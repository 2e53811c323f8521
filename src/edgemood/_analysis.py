"""The analysis of one file: by whoever asks for it, or in a worker process of a scan."""

from __future__ import annotations

import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood import audio, identity, mood, speech
from edgemood._pack import pack_features, rounded
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence, Mood, SongAnalysis, Tags
from edgemood.errors import ConfigError, TooShortError
from edgemood.library import FileStamp

FilePath = str | os.PathLike[str]

_SLOWEST_BYTES_PER_S = 1_000_000  # a drive or network slower than this looks hung
_FORGET_BYTES = 32 << 20  # larger files are read twice, by hash and decoder, and not kept in between
_FORGET_BLOCKS = 64  # of about a second: so much of a file stays in memory while it is decoded


class Clock:
    """CPU seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count what is done inside for `stage`."""
        begin = time.process_time()
        try:
            yield
        finally:
            self.seconds[stage] += time.process_time() - begin

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add what another clock counted."""
        for stage, spent in seconds.items():
            self.seconds[stage] += spent


def analyse(path: FilePath, model: mood.MoodModel, progress: Callable[[], None] | None = None) -> SongAnalysis:
    """Analyse one file, here and now.

    Parameters
    ----------
    path
        The file.
    model
        What judges it; it also says which descriptors are computed.
    progress
        Called after every few seconds of audio, if given.

    Returns
    -------
    SongAnalysis
        To the bit what a scan stores: its descriptors have the precision of the library.

    Raises
    ------
    AudioError
        The file cannot be read, or has nothing to judge; the message says why.
    BundleError
        The model was trained on other descriptors than this build computes.

    """
    return _Analysis(os.fspath(path), model, progress or (lambda: None)).finish()


class _Analysis:
    """One file on its way: first who it is, then, if that is wanted, what it is like."""

    def __init__(self, path: str, model: mood.MoodModel, progress: Callable[[], None]) -> None:
        self._path, self._model, self._progress = path, model, progress
        self._describer = Describer(model)
        self._samples = 0
        self.clock = Clock()
        with self.clock("identify"):
            audio.recognise(path)  # refuses in no time what is no audio, which may be larger than any song
            self.content, self.tags = identity.content_hash(path), identity.read_tags(path)
        if Path(path).stat().st_size > _FORGET_BYTES:
            forget(path)

    def finish(self) -> SongAnalysis:
        """Decode, describe and judge."""
        with self.clock("features"):
            sequence = rounded(self._describer.describe(self._blocks()))
        self.clock.seconds["features"] -= self.clock.seconds["decode"]  # which went on inside
        duration_s = self._samples / self._describer.sample_rate
        if not len(sequence.values):
            raise TooShortError(f"{duration_s:.2f} s of audio: shorter than one segment")
        with self.clock("model"):
            judged = self._model.judge(sequence, duration_s, self._progress)
            talk = speech.likeness(sequence)
        return SongAnalysis(self.content, self.tags, duration_s, sequence, judged, dict(self.clock.seconds), talk)

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        stream = audio.blocks(self._path, self._describer.sample_rate)
        for number in itertools.count():
            if number % _FORGET_BLOCKS == _FORGET_BLOCKS - 1:
                forget(self._path)
            with self.clock("decode"):
                block = next(stream, None)
            if block is None:
                return
            self._samples += len(block)
            self._progress()
            yield block


@dataclass(frozen=True)
class FileJob:
    """Find out what this file is, and analyse it if need be."""

    path: str
    stamp: FileStamp


@dataclass(frozen=True)
class SongJob:
    """Judge descriptors from the library."""

    path: str
    track_id: int
    duration_s: float
    sequence: FeatureSequence


@dataclass(frozen=True)
class Known:
    """Result of a FileJob that found no need to decode the file."""

    content: bytes
    tags: Tags
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """Result of a SongJob. speech: as of a `SongAnalysis`."""

    mood: Mood
    seconds: Mapping[str, float]
    speech: float | None = None


@dataclass(frozen=True)
class Packed:
    """Result of a FileJob for the library: the analysis without its descriptors, and these as it keeps them.

    They are packed where they are made: that process has the time and the memory for it.
    """

    analysis: SongAnalysis
    features: bytes


#: Answers to the question that a content hash is: go on; go on and pack it for the library; the library has it; another
#: worker is at it.
GO_ON, STORE, KNOWN, LATER = "go on", "store", "known", "later"


def _packed(analysis: SongAnalysis) -> Packed:
    whole, clock = analysis.features, Clock()
    with clock("pack"):
        packed = pack_features(whole)
    nothing = FeatureSequence(whole.values[:0].copy(), whole.start_s[:0], whole.end_s[:0], whole.names, whole.version)
    return Packed(replace(analysis, features=nothing, seconds={**analysis.seconds, **clock.seconds}), packed)


def set_up_worker(model: str, model_id: str) -> Callable[[Any, Any], Any]:
    """Prepare a worker of a scan: see `workers`."""
    loaded = mood.load(model)
    if loaded.id != model_id:
        raise ConfigError(f"model {model} was {model_id} when the scan began and is {loaded.id} now")

    def work(job: Any, channel: Any) -> Any:
        if isinstance(job, SongJob):
            clock = Clock()
            with clock("model"):
                judged = loaded.judge(job.sequence, job.duration_s, channel.beat)
                talk = speech.likeness(job.sequence)
            return Judged(judged, dict(clock.seconds), talk)
        grace_s = job.stamp.size / _SLOWEST_BYTES_PER_S  # it is read at one go before there is more to tell
        channel.beat(grace_s)
        try:
            analysis = _Analysis(job.path, loaded, channel.beat)
            verdict = channel.ask(analysis.content)
            if verdict == LATER:
                return None
            if verdict == KNOWN:
                return Known(analysis.content, analysis.tags, dict(analysis.clock.seconds))
            channel.beat(grace_s)
            return analysis.finish() if verdict == GO_ON else _packed(analysis.finish())
        finally:
            forget(job.path)

    return work


def forget(path: str) -> None:
    """Have the kernel drop what it keeps of a file: nobody reads it again soon, and a player's files would make room.

    It takes pages that are read twice, as by hash and decoder, for dear ones.
    """
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
