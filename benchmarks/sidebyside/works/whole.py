"""The whole set of frame-level descriptors, as far as other libraries have it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..settings import F0_MAX_HZ, F0_MIN_HZ, FRAME, HOP, N_FFT, N_MELS, PITCH_FRAME, PREEMPHASIS, RATE, Audio, Rows
from ..timing import Work
from .spectral import librosa_from_spectrum


def opensmile_is09(signal: Audio) -> Work:
    """The nearest set of openSMILE: 12 MFCC, RMS energy, ZCR, voicing probability, F0, smoothed."""
    from .smile import is09

    extractor = is09()
    return lambda: extractor.process_signal(signal, RATE).to_numpy()


def librosa_lld(signal: Audio) -> Work:
    """librosa in our 16 kHz setting; no HNR, no formants; F0 by yin."""
    return _librosa(signal, _Sizes(RATE, FRAME, HOP, N_FFT, PITCH_FRAME), {"n_mels": N_MELS})


def librosa_shipped(signal: Audio) -> Work:
    """The same in the shipped configuration."""
    return _librosa(signal, _Sizes(22050, 662, 551, 1024, 2048), {"n_mels": 40, "fmin": 20, "fmax": 10000})


class _Sizes(NamedTuple):
    rate: int
    frame: int
    hop: int
    n_fft: int
    pitch_frame: int


def _librosa(signal: Audio, framing: _Sizes, mel: dict[str, Any]) -> Work:
    import librosa

    rate, frame, hop, n_fft, pitch_frame = framing
    centred = np.pad(signal, (n_fft - frame) // 2)
    frames = {"frame_length": frame, "hop_length": hop, "center": False}
    pitch = {"fmin": F0_MIN_HZ, "fmax": F0_MAX_HZ, "sr": rate, "frame_length": pitch_frame, "hop_length": hop}
    sizes = {"n_fft": n_fft, "win_length": frame, "hop_length": hop, "center": False}

    def work() -> Rows:
        emphasised = np.abs(librosa.stft(librosa.effects.preemphasis(centred, coef=PREEMPHASIS), **sizes))
        bands = librosa.feature.melspectrogram(S=emphasised**2, sr=rate, htk=True, norm=None, **mel)
        columns = [
            librosa.feature.mfcc(S=np.log(np.maximum(bands, 1e-10)), n_mfcc=19)[1:].T,
            librosa_from_spectrum(np.abs(librosa.stft(centred, **sizes)), rate),
            librosa.feature.rms(y=signal, **frames).T ** 2,
            librosa.yin(signal, center=False, **pitch)[:, None],
            librosa.feature.zero_crossing_rate(signal, **frames).T,
        ]
        return np.hstack([column[: min(map(len, columns))] for column in columns])

    return work
