"""The mood of sound as it arrives: a score a second, from overlapping windows.

The descriptors of a segment (3 s, one more every second) need its last sample and nothing after it. Each new one is
judged together with those before it, up to the model's window: the first score has 3 s behind it, and half a minute
later each has half a minute. A score whose window is full is, to the bit, what `MoodModel.judge` says of those same
segments of the whole recording, and no score depends on how the samples were cut.

A segment that is silent from end to end has no mood, and what was heard before it is forgotten: after three seconds of
silence another song begins, whose first score has its own segments alone behind it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood._decoders import check_complete
from edgemood._pack import rounded
from edgemood._pcm import ByteStream, PcmFormat, frames, wav_header
from edgemood._resample import Resampler, check_rate
from edgemood.describe import Describer
from edgemood.domain import Mood
from edgemood.errors import ConfigError, TooShortError
from edgemood.mood import MoodModel

Samples = NDArray[np.float32]

#: Peaks below this are silence: what dither and a digital link leave of it. A noisy analogue input needs more.
SILENCE_DBFS = -80.0


@dataclass(frozen=True)
class LiveScore:
    """The mood at one moment of a stream.

    Attributes
    ----------
    time_s : float
        The last sample it covers, in seconds from the start of the stream.
    context_s : float
        How many seconds of audio, up to `time_s`, it was judged by; 0 in silence.
    mood : Mood or None
        None where the last segment is silent.
    latency_s : float
        Seconds from the arrival of the last sample it covers to this score.
    """

    time_s: float
    context_s: float
    mood: Mood | None
    latency_s: float


class LiveMood:
    """Takes samples as they come and gives scores as soon as they can be told. Memory does not grow with time.

    For one thread at a time. After `finish`, or to begin anew, `reset`.

    Parameters
    ----------
    model
        What judges; `mood.load` gives one.
    sample_rate
        Of what will be pushed, in Hz.
    silence_dbfs
        Segments whose peak is below this, in dB of full scale, are silent.

    Attributes
    ----------
    heard_s : float
        Seconds pushed so far.
    first_s : float
        When the first score comes, in seconds from the start of the stream.
    window_s : float
        How much context a score has in the end.

    Raises
    ------
    BundleError
        The model was trained on other descriptors than this build computes.
    ConfigError
        `sample_rate` or `silence_dbfs` cannot be used.
    """

    def __init__(self, model: MoodModel, sample_rate: int, silence_dbfs: float = SILENCE_DBFS) -> None:
        check_rate(sample_rate)
        if not silence_dbfs <= 0:
            raise ConfigError(f"silence_dbfs must be at most 0 dB, not {silence_dbfs}")
        self._model, self._rate = model, sample_rate
        self._loud = 10.0 ** (silence_dbfs / 20)
        self._describer = Describer(model)
        self._window = model.manifest.window_segments
        self.first_s = self._end_s(0)
        self.window_s = self._end_s(self._window - 1)
        self.reset()

    @property
    def heard_s(self) -> float:
        """Seconds pushed so far."""
        return self._resampler.pushed_s

    def reset(self) -> None:
        """Forget everything: the next sample is the first of a stream."""
        self._describer.reset()
        wanted_hz = self._describer.sample_rate
        self._resampler = Resampler(self._rate, wanted_hz, low_latency=True)  # as `audio` does, to the bit
        self._rows: deque[Samples] = deque(maxlen=self._window)
        self._taken = 0  # samples, at the model's rate
        self._last_loud = -1  # the last sample that is not silence, at the model's rate
        self._ended = self._scored = 0  # segments whose last sample was taken; those that were scored
        self._arrivals: deque[float] = deque()  # of the last samples of segments that have not ended
        self._pending: deque[tuple[bool, float]] = deque()  # of those not scored: whether silent, and the arrival
        self._finished = False

    def push(self, samples: NDArray[np.floating[Any]]) -> list[LiveScore]:
        """Take samples; give the scores that they complete.

        Parameters
        ----------
        samples
            Floats, nominally in [-1, 1], ``[n]`` or ``[n, channels]`` (they are averaged), however few or many.

        Raises
        ------
        NotFiniteError
            A sample is NaN, infinite or absurdly large; the message says when. Nothing of `samples` was taken. Go on
            with what comes next, as if they had never been, or push zeros in their place, or `reset`.
        ConfigError
            These are no floats of one or two dimensions, or the stream is finished.
        """
        now = time.perf_counter()
        if self._finished:
            raise ConfigError("the stream is finished; reset() it first")
        return list(self._take(self._resampler.push(_mono(samples)), now))

    def finish(self) -> list[LiveScore]:
        """End the stream; give the scores still held back. What is less than a segment has none.

        Raises
        ------
        ConfigError
            The stream is finished already.
        """
        now = time.perf_counter()
        if self._finished:
            raise ConfigError("the stream is finished; reset() it first")
        self._finished = True
        scores = list(self._take(self._resampler.finish(), now))
        return scores + [self._score(row) for row in self._describer.finish()]

    def _take(self, samples: Samples, now: float) -> Iterator[LiveScore]:
        """Describe samples at the model's rate, cut where segments end: there it shows whether one is silent."""
        while self._end_s(self._ended + len(self._arrivals)) <= self.heard_s:
            self._arrivals.append(now)
        while len(samples):
            end = self._end(self._ended)
            piece, samples = samples[: end - self._taken], samples[end - self._taken :]
            loud = np.flatnonzero(np.abs(piece) >= self._loud)
            if len(loud):
                self._last_loud = self._taken + int(loud[-1])
            self._taken += len(piece)
            if self._taken == end:
                silent = self._last_loud < end - self._describer.row_length
                self._pending.append((silent, self._arrivals.popleft() if self._arrivals else now))
                self._ended += 1
            yield from map(self._score, self._describer.push(piece))

    def _score(self, row: Samples) -> LiveScore:
        """Judge the next segment with those before it."""
        silent, arrived = self._pending.popleft()
        time_s = self._end_s(self._scored)
        self._scored += 1
        if silent:
            self._rows.clear()
            return LiveScore(time_s, 0.0, None, time.perf_counter() - arrived)
        self._rows.append(row)
        # its times count from its own start, as those of a recording that is no longer than this
        sequence = self._describer.sequence(np.stack(self._rows))
        mood = self._model.judge(rounded(sequence))
        return LiveScore(time_s, float(sequence.end_s[-1]), mood, time.perf_counter() - arrived)

    def _end(self, segment: int) -> int:
        """Return the first sample behind a segment, at the model's rate."""
        return self._describer.row_length + segment * self._describer.row_hop

    def _end_s(self, segment: int) -> float:
        return self._end(segment) / self._describer.sample_rate


def listen(
    stream: ByteStream, model: MoodModel, raw: PcmFormat | None = None, silence_dbfs: float = SILENCE_DBFS
) -> Iterator[LiveScore]:
    """Judge a WAV, or PCM of the format `raw`, while it is being read; never wait for more than a score needs.

    Parameters
    ----------
    stream
        A buffered binary file or pipe (it needs ``read1``). It is read to its end, or to that of the WAV's samples.
    model, silence_dbfs
        As `LiveMood` takes them.
    raw
        The format of raw samples; None for a WAV.

    Raises
    ------
    UnsupportedFormatError, CorruptAudioError
        It is no WAV, or one whose samples are encoded; its header is damaged, or (after all scores) announced more.
    NotFiniteError
        As `LiveMood.push`; nothing more is read.
    TooShortError
        At the end, where there was not one score.
    """
    pcm, length = (raw, None) if raw else wav_header(stream)
    live = LiveMood(model, pcm.rate_hz, silence_dbfs)
    scored = 0
    for block in frames(stream, pcm, length):
        for score in live.push(block):
            scored += 1
            yield score
    for score in live.finish():
        scored += 1
        yield score
    check_complete(live.heard_s, length and length / (pcm.frame_bytes * pcm.rate_hz))
    if not scored:
        raise TooShortError(f"{live.heard_s:.2f} s of audio: the first mood needs {live.first_s:.2f} s")


def _mono(samples: NDArray[np.floating[Any]]) -> Samples:
    """Average the channels."""
    block = np.asarray(samples)
    if block.dtype.kind != "f" or not (block.ndim == 1 or (block.ndim == 2 and block.shape[1])):
        raise ConfigError(f"samples must be floats [n] or [n, channels], not {block.dtype.name} {list(block.shape)}")
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold is refused as infinite
        columns = (block if block.ndim == 2 else block[:, np.newaxis]).astype(np.float32, copy=False)
        channels = columns.shape[1]
        mono: Samples = columns[:, 0].copy()
        for channel in range(1, channels):  # column by column: NumPy's mean over a short axis is slow
            mono += columns[:, channel]
        if channels > 1:
            mono *= np.float32(1 / channels)
        return mono
