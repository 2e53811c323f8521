"""Zero crossings, energy and the spectral descriptors, each library framed as we are: 25/10 ms, 512 points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..settings import FRAME, HOP, N_FFT, RATE, Audio, Rows, hann
from ..timing import Work

_BLOCK = 256


def numpy_zcr(signal: Audio) -> Work:
    """Signs compared once, counts by a running sum."""

    def work() -> Rows:
        crossings = np.zeros(len(signal), np.int32)
        positive = signal >= 0
        np.cumsum(positive[1:] != positive[:-1], out=crossings[1:])
        ends = np.arange(FRAME - 1, len(signal), HOP)
        return ((crossings[ends] - crossings[ends - FRAME + 1]) / np.float32(FRAME - 1))[:, None]

    return work


def librosa_zcr(signal: Audio) -> Work:
    """librosa.feature.zero_crossing_rate."""
    import librosa

    sizes = {"frame_length": FRAME, "hop_length": HOP, "center": False}
    return lambda: librosa.feature.zero_crossing_rate(signal, **sizes).T


def aubio_zcr(signal: Audio) -> Work:
    """aubio.zero_crossing_rate, frame by frame."""
    import aubio

    frames = sliding_window_view(signal, FRAME)[::HOP]
    return lambda: np.array([[aubio.zero_crossing_rate(frame)] for frame in frames])


def numpy_energy(signal: Audio) -> Work:
    """The squared window against every block of squared samples: one matrix product, nothing copied."""
    weights = (hann(FRAME) ** 2).astype(np.float32)

    def work() -> Rows:
        frames = sliding_window_view(np.square(signal), FRAME)[::HOP]
        return np.concatenate([frames[i : i + _BLOCK] @ weights for i in range(0, len(frames), _BLOCK)])[:, None]

    return work


def librosa_energy(signal: Audio) -> Work:
    """librosa.feature.rms, without a window."""
    import librosa

    return lambda: librosa.feature.rms(y=signal, frame_length=FRAME, hop_length=HOP, center=False).T ** 2


def numpy_spectral(signal: Audio) -> Work:
    """By hand in NumPy and SciPy: blocks that fit the cache, float32."""
    import scipy.fft

    window = hann(FRAME).astype(np.float32)
    frequency = (np.arange(N_FFT // 2 + 1) * RATE / N_FFT).astype(np.float32)

    def work() -> Rows:
        frames = sliding_window_view(signal, FRAME)[::HOP]
        out = np.empty((len(frames), 4), np.float32)
        last = np.zeros((1, len(frequency)), np.float32)
        for start in range(0, len(frames), _BLOCK):
            spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, N_FFT)
            magnitude = np.abs(spectrum) / np.float32(np.sqrt(N_FFT))
            total = magnitude.sum(axis=1)
            safe = np.where(total > 0, total, 1)
            rows = out[start : start + _BLOCK]
            rows[:, 0] = magnitude @ frequency / safe
            running = np.cumsum(magnitude, axis=1)
            rows[:, 1] = frequency[np.argmax(running >= np.float32(0.85) * running[:, -1:], axis=1)]
            power = np.maximum(np.square(magnitude), np.float32(1e-10))
            rows[:, 2] = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
            shares = magnitude / safe[:, None]
            change = np.diff(shares, axis=0, prepend=last if start else shares[:1])
            rows[:, 3] = np.sqrt(np.einsum("tk,tk->t", change, change))
            last = shares[-1:]
        return out

    return work


def librosa_spectral(signal: Audio) -> Work:
    """Four of librosa.feature on one spectrogram; the flux by NumPy, for librosa has none of this kind."""
    import librosa

    signal = np.pad(signal, (N_FFT - FRAME) // 2)

    def work() -> Rows:
        spectrum = np.abs(librosa.stft(signal, n_fft=N_FFT, win_length=FRAME, hop_length=HOP, center=False))
        return librosa_from_spectrum(spectrum, RATE)

    return work


def librosa_from_spectrum(spectrum: Rows, rate: int) -> Rows:
    """Centroid, roll-off, flatness and flux of magnitudes ``[bins, frames]``."""
    import librosa

    shares = librosa.util.normalize(spectrum, norm=1, axis=0)
    flux = np.linalg.norm(np.diff(shares, axis=1, prepend=shares[:, :1]), axis=0)
    return np.column_stack(
        (
            librosa.feature.spectral_centroid(S=spectrum, sr=rate)[0],
            librosa.feature.spectral_rolloff(S=spectrum, sr=rate)[0],
            librosa.feature.spectral_flatness(S=spectrum, amin=1e-10)[0],
            flux,
        )
    )


def audioflux_spectral(signal: Audio) -> Work:
    """audioFlux's Spectral object on its linear transform; its window is the whole FFT."""
    import audioflux as af

    signal = np.pad(signal, (N_FFT - FRAME) // 2)
    kind = af.type.SpectralFilterBankScaleType.LINEAR
    window, data = af.type.WindowType.HANN, af.type.SpectralDataType.MAG
    bins = N_FFT // 2 + 1
    bft = af.BFT(
        bins,
        radix2_exp=9,
        samplate=RATE,
        low_fre=0,
        window_type=window,
        slide_length=HOP,
        scale_type=kind,
        data_type=data,
    )
    spectral = af.Spectral(num=bft.num, fre_band_arr=bft.get_fre_band_arr())

    def work() -> Rows:
        magnitude = np.abs(bft.bft(signal))
        spectral.set_time_length(magnitude.shape[-1])
        flux: Any = spectral.flux(magnitude, step=1, p=2)
        rolloff = spectral.rolloff(magnitude, threshold=0.85)
        return np.column_stack((spectral.centroid(magnitude), rolloff, spectral.flatness(magnitude), flux))

    return work
