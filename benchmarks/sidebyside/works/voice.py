"""Fundamental frequency, harmonics-to-noise ratio and formants, every 10 ms; F0 between 55 and 1,000 Hz."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..settings import F0_MAX_HZ, F0_MIN_HZ, FRAME, HOP, PITCH_FRAME, PREEMPHASIS, RATE, Audio, Rows, hann
from ..timing import Work

_STEP_S = HOP / RATE


def librosa_yin(signal: Audio) -> Work:
    """librosa.yin; it calls every frame voiced."""
    import librosa

    sizes = {"fmin": F0_MIN_HZ, "fmax": F0_MAX_HZ, "sr": RATE, "frame_length": PITCH_FRAME, "hop_length": HOP}
    return lambda: librosa.yin(signal, center=False, **sizes)[:, None]


def librosa_pyin(signal: Audio) -> Work:
    """librosa.pyin: YIN for many thresholds, then a hidden Markov model."""
    import librosa

    sizes = {"fmin": F0_MIN_HZ, "fmax": F0_MAX_HZ, "sr": RATE, "frame_length": PITCH_FRAME, "hop_length": HOP}

    def work() -> Rows:
        f0, voiced, _ = librosa.pyin(signal, center=False, **sizes)
        return np.where(voiced, f0, 0)[:, None]

    return work


def aubio_yinfft(signal: Audio) -> Work:
    """aubio's yinfft, a hop at a time."""
    import aubio

    def work() -> Rows:
        pitch = aubio.pitch("yinfft", PITCH_FRAME, HOP, RATE)
        pitch.set_unit("Hz")
        hops = signal[: len(signal) // HOP * HOP].reshape(-1, HOP)
        return np.array([[float(pitch(hop)[0])] for hop in hops])  # it gives the same array each time

    return work


def audioflux_yin(signal: Audio) -> Work:
    """audioFlux's PitchYIN."""
    import audioflux as af

    pitch = af.PitchYIN(samplate=RATE, low_fre=F0_MIN_HZ, high_fre=F0_MAX_HZ, radix2_exp=10, slide_length=HOP)
    return lambda: pitch.pitch(signal)[0][:, None]


def _sound(signal: Audio) -> Any:
    import parselmouth

    return parselmouth.Sound(signal.astype(np.float64), RATE)


def praat_f0(signal: Audio) -> Work:
    """Praat's autocorrelation method with its path finder, through Parselmouth."""

    def work() -> Rows:
        pitch = _sound(signal).to_pitch_ac(time_step=_STEP_S, pitch_floor=F0_MIN_HZ, pitch_ceiling=F0_MAX_HZ)
        return pitch.selected_array["frequency"][:, None]

    return work


def praat_hnr(signal: Audio) -> Work:
    """Praat's harmonicity by autocorrelation."""
    return lambda: _sound(signal).to_harmonicity_ac(_STEP_S, F0_MIN_HZ, 0.1, 3.0).values.T


def praat_formants(signal: Audio) -> Work:
    """Praat's formants (Burg); reading the first two costs it little."""

    def work() -> Rows:
        formant = _sound(signal).to_formant_burg(_STEP_S, 5.0, 5500.0, FRAME / RATE / 2, 50.0)
        times = formant.ts()
        both = [[formant.get_value_at_time(i, t) for i in (1, 2)] for t in times]
        return np.nan_to_num(np.array(both))

    return work


def pysptk_rapt(signal: Audio) -> Work:
    """RAPT."""
    import pysptk

    scaled = signal * np.float32(32768)
    return lambda: pysptk.rapt(scaled, RATE, HOP, min=F0_MIN_HZ, max=F0_MAX_HZ, otype="f0")[:, None]


def pysptk_swipe(signal: Audio) -> Work:
    """SWIPE'."""
    import pysptk

    scaled = signal.astype(np.float64) * 32768
    return lambda: pysptk.swipe(scaled, RATE, HOP, min=F0_MIN_HZ, max=F0_MAX_HZ, otype="f0")[:, None]


def world_dio(signal: Audio) -> Work:
    """WORLD's dio."""
    import pyworld

    def work() -> Rows:
        times = {"f0_floor": F0_MIN_HZ, "f0_ceil": F0_MAX_HZ, "frame_period": 1000 * _STEP_S}
        return pyworld.dio(signal.astype(np.float64), RATE, **times)[0][:, None]

    return work


def opensmile_f0(signal: Audio) -> Work:
    """openSMILE's autocorrelation and cepstrum; it computes the harmonics-to-noise ratio with it."""
    return _opensmile(signal, "F0")


def opensmile_hnr(signal: Audio) -> Work:
    """The other column of the same."""
    return _opensmile(signal, "HNR")


def _opensmile(signal: Audio, column: str) -> Work:
    from .smile import PITCH, smile

    extractor = smile("pitch", PITCH)

    def work() -> Rows:
        return extractor.process_signal(signal, RATE)[[column]].to_numpy()

    return work


def librosa_formants(signal: Audio) -> Work:
    """librosa.lpc (Burg) on all frames, the roots by NumPy, as tutorials do it."""
    import librosa

    window = hann(FRAME).astype(np.float32)

    def work() -> Rows:
        emphasised = librosa.effects.preemphasis(signal, coef=PREEMPHASIS)
        frames = sliding_window_view(emphasised, FRAME)[::HOP] * window
        polynomials = librosa.lpc(np.ascontiguousarray(frames) + np.float32(1e-9), order=12)
        out = np.zeros((len(frames), 2), np.float32)
        for row, polynomial in zip(out, polynomials, strict=True):
            roots = np.roots(polynomial)
            frequencies = np.sort(np.angle(roots[roots.imag > 0])) * RATE / (2 * np.pi)
            found = frequencies[frequencies >= 90][:2]
            row[: len(found)] = found
        return out

    return work
