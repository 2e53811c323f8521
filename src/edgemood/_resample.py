"""Sound as decoders give it, brought to mono and to the rate that is wanted, in one pass."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood import _native
from edgemood._status import NOT_FINITE
from edgemood.errors import ConfigError, NotFiniteError

Samples = NDArray[np.float32]

#: In Hz; beyond these are damage, not music.
RATES_HZ = (1_000, 1_000_000)


def check_rate(sample_rate: int) -> None:
    """Raise ConfigError where a caller's sample rate is none: a whole number of Hz within `RATES_HZ`."""
    if not isinstance(sample_rate, Integral) or not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        wanted = f"a whole number of Hz, {RATES_HZ[0]} to {RATES_HZ[1]}"
        raise ConfigError(f"sample_rate must be {wanted}, not {sample_rate!r}")


class Resampler:
    """Averages channels and converts the sample rate; samples do not depend on how the frames were cut.

    The native core converts to lower rates in a ratio of small numbers, cleaner than soxr's HQ; soxr (HQ) the others.

    Parameters
    ----------
    rate_hz, wanted_hz
        Sample rates in Hz, 1000 to 1000000.
    channels
        Of the frames that will be pushed, 1 to 1024.
    low_latency
        Give samples as soon as they can be told, which costs more in small pieces. They are the same.
    """

    def __init__(self, rate_hz: int, wanted_hz: int, channels: int = 1, low_latency: bool = False) -> None:
        self._rate_hz = rate_hz
        self._frames = 0
        self._soxr: Any = None
        try:
            self._native = _native.Resampler(rate_hz, wanted_hz, channels, low_latency)
        except _native.NativeError:  # these rates do not suit it
            import soxr

            self._native = _native.Resampler(rate_hz, rate_hz, channels)
            self._soxr = soxr.ResampleStream(rate_hz, wanted_hz, 1, dtype="float32", quality="HQ")

    @property
    def pushed_s(self) -> float:
        """Seconds pushed so far."""
        return self._frames / self._rate_hz

    @property
    def peak(self) -> float:
        """The largest magnitude so far, channels averaged."""
        return self._native.peak

    def push(self, frames: Samples) -> Samples:
        """Take frames, C-contiguous ``[n, channels]`` or ``[n]`` of one channel; give the samples they complete.

        Raises
        ------
        NotFiniteError
            An average is NaN, infinite or absurdly large. Nothing was taken.
        """
        try:
            mono = self._native.push(frames)
        except _native.NativeError as error:
            status, index = error.args
            if status != NOT_FINITE:
                raise
            bad = int(index)
            with np.errstate(over="ignore", invalid="ignore"):
                value = frames[bad].mean()
            at_s = (self._frames + bad) / self._rate_hz
            raise NotFiniteError(f"the sample at {at_s:.3f} s is {value:g}") from None
        self._frames += len(frames)
        return self._converted(mono)

    def finish(self) -> Samples:
        """End the signal; give the samples still held back."""
        return self._converted(self._native.finish(), last=True)

    def _converted(self, mono: Samples, last: bool = False) -> Samples:
        if self._soxr is None:
            return mono
        samples: Samples = self._soxr.resample_chunk(mono, last=last)
        return samples
