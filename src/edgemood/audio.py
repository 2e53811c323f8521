"""Decode any music file into mono float32 at one sample rate, block by block.

The format is told by content, never by the file's name. libsndfile (soundfile) decodes WAV, AIFF, AU, CAF,
FLAC, Ogg Vorbis, Opus and MP3; FFmpeg (PyAV, ``pip install edgemood[av]``) M4A/AAC, ALAC, WMA and others. Memory
does not grow with the length of the file, and the samples do not depend on the size of the blocks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator

import numpy as np

from edgemood import _decoders
from edgemood._containers import open_regular
from edgemood._decoders import Samples, Stream, check_complete, streams
from edgemood._resample import RATES_HZ, Resampler, check_rate
from edgemood.errors import ConfigError, CorruptAudioError, SilentError, TooShortError

#: Peaks below the least step of 24-bit audio are silence (some decoders leave 1e-34 instead of 0).
_SILENCE = 2.0**-24


def blocks(path: str | os.PathLike[str], sample_rate: int, block_s: float | None = None) -> Iterator[Samples]:
    """Decode a file into blocks of mono samples.

    Channels are averaged, the rate is converted with linear phase and no delay (see `_resample`), and the blocks of
    the same file hold the same samples whatever `block_s` is.

    Parameters
    ----------
    path : str or path-like
        A regular file; names that are not UTF-8 as `os.fsdecode` gives them.
    sample_rate : int
        Wanted rate in Hz.
    block_s : float or None
        Length of a block in seconds; the last one is shorter. None: about a second, as they come, which is quickest.

    Yields
    ------
    float32 array ``[n]``, full scale -1 to 1 (lossy and float files may exceed it), finite.

    Raises
    ------
    ConfigError
        `sample_rate` or `block_s` cannot be used.
    UnreadableError
        The file is missing, not permitted, not a regular file, or fails to be read.
    UnsupportedFormatError
        It is not audio, or no installed decoder knows it.
    CorruptAudioError
        It is damaged, or delivers less than its header announces, by more than 1 % and 0.5 s.
    NotFiniteError
        A sample is NaN, infinite or absurdly large.
    SilentError, TooShortError
        At the end: every sample was zero; there was none.

    """
    check_rate(sample_rate)
    if block_s is None:
        return _resampled(path, sample_rate)
    size = round(block_s * sample_rate) if math.isfinite(block_s) else 0
    if size < 1:
        raise ConfigError(f"block_s must be at least one sample long, not {block_s}")
    return _in_blocks(_resampled(path, sample_rate), size)


def load(path: str | os.PathLike[str], sample_rate: int) -> Samples:
    """Decode a whole file at once: mono float32 ``[n]`` at `sample_rate` Hz. Raises what `blocks` does."""
    return np.concatenate(list(blocks(path, sample_rate)))


def recognise(path: str | os.PathLike[str]) -> None:
    """Look at the start of a file, and refuse what is no audio.

    Raises `UnreadableError`, `UnsupportedFormatError` or `CorruptAudioError` as `blocks` does, which finds more damage.
    """
    with open_regular(path) as (fd, size):
        _decoders.recognise(fd, size)


def announced_s(path: str | os.PathLike[str]) -> float | None:
    """Tell the duration in seconds that a file announces, without decoding it; None where it does not say.

    Raises `UnreadableError`, `UnsupportedFormatError` or `CorruptAudioError` as `blocks` does.
    """
    with open_regular(path) as (fd, size):
        lengths = [stream.announced_s for stream in streams(fd, size)]
    known = [length for length in lengths if length is not None]
    return sum(known) if len(known) == len(lengths) else None


def _in_blocks(pieces: Iterable[Samples], size: int) -> Iterator[Samples]:
    block, filled = np.empty(size, np.float32), 0
    for piece in pieces:
        rest = piece
        while len(rest):
            taken = min(size - filled, len(rest))
            block[filled : filled + taken] = rest[:taken]
            filled += taken
            rest = rest[taken:]
            if filled == size:
                yield block
                block, filled = np.empty(size, np.float32), 0
    if filled:
        yield block[:filled]


def _resampled(path: str | os.PathLike[str], sample_rate: int) -> Iterator[Samples]:
    """Give the checked samples of all streams at the wanted rate, then the verdict on the whole file."""
    peak, length_s = 0.0, 0.0
    with open_regular(path) as (fd, size):
        for stream in streams(fd, size):
            if not RATES_HZ[0] <= stream.rate_hz <= RATES_HZ[1]:
                raise CorruptAudioError(f"damaged header: a sample rate of {stream.rate_hz} Hz")
            resampler = Resampler(stream.rate_hz, sample_rate, stream.channels)
            yield from _samples(stream, resampler)
            check_complete(resampler.pushed_s, stream.announced_s)
            peak = max(peak, resampler.peak)
            length_s += resampler.pushed_s
    if not length_s:
        raise TooShortError("holds no samples")
    if peak < _SILENCE:
        raise SilentError("digital silence: every sample is zero (channels averaged)")


def _samples(stream: Stream, resampler: Resampler) -> Iterator[Samples]:
    """Give the samples of one stream, in pieces of at least one."""
    for piece in stream.pieces:
        if len(samples := resampler.push(piece)):
            yield samples
    if len(samples := resampler.finish()):
        yield samples
