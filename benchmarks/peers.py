"""The same MFCC work (16 kHz, 25 ms / 10 ms, 512-point FFT, 26 mel filters, 13 coefficients) by several libraries."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import python_speech_features
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edgemood.features import Extractor, FeatureConfig

Audio = NDArray[np.float32]
RATE, FRAME, HOP, N_FFT, N_MELS, N_MFCC = 16000, 400, 160, 512, 26, 13

MFCC_CONFIG = FeatureConfig(
    output="frames",
    sample_rate=RATE,
    frame_length=FRAME,
    hop_length=HOP,
    n_fft=N_FFT,
    n_mels=N_MELS,
    mel_fmin_hz=0.0,
    mel_fmax_hz=RATE / 2,
    mel_edges="bins",
)


def edgemood_mfcc(x: Audio) -> NDArray[np.float32]:
    """Ours, through the Python binding."""
    extractor = Extractor(MFCC_CONFIG, [f"mfcc_{i}" for i in range(N_MFCC)])
    return np.concatenate([extractor.push(x), extractor.finish()])


def speech_features_mfcc(x: Audio) -> NDArray[np.float64]:
    """python_speech_features, which the configuration copies (Hann window, no lifter, no energy term)."""
    mfcc: NDArray[np.float64] = python_speech_features.mfcc(
        x, RATE, nfft=N_FFT, winfunc=_hann, ceplifter=0, appendEnergy=False
    )
    return mfcc


def librosa_mfcc(x: Audio) -> NDArray[np.float32]:
    """librosa, framed without padding."""
    mel = librosa.feature.melspectrogram(
        y=x, sr=RATE, n_fft=N_FFT, win_length=FRAME, hop_length=HOP, center=False, n_mels=N_MELS, htk=True, norm=None
    )
    mfcc: NDArray[np.float32] = librosa.feature.mfcc(S=np.log(np.maximum(mel, 1e-10)), n_mfcc=N_MFCC)
    return mfcc.T


class NumpyMfcc:
    """The best we can write in NumPy and SciPy: float32, one batched FFT a block that fits the cache, two matmuls."""

    def __init__(self) -> None:
        self.window = _hann(FRAME).astype(np.float32)
        self.bank = python_speech_features.get_filterbanks(N_MELS, N_FFT, RATE).T.astype(np.float32)
        self.dct = scipy.fft.dct(np.eye(N_MELS), axis=1, norm="ortho")[:, :N_MFCC].astype(np.float32)

    def __call__(self, x: Audio, block: int = 64) -> NDArray[np.float32]:
        emphasised = np.empty_like(x)
        emphasised[0] = x[0]
        np.subtract(x[1:], np.float32(0.97) * x[:-1], out=emphasised[1:])
        frames = sliding_window_view(emphasised, FRAME)[::HOP]
        out = np.empty((len(frames), N_MFCC), np.float32)
        for start in range(0, len(frames), block):
            spectrum = scipy.fft.rfft(frames[start : start + block] * self.window, N_FFT)
            power = (spectrum.real**2 + spectrum.imag**2) / np.float32(N_FFT)
            out[start : start + block] = np.log(np.maximum(power @ self.bank, np.float32(1e-10))) @ self.dct
        return out


def plain_fft(x: Audio) -> NDArray[np.complex64]:
    """The yardstick: one 512-point real FFT a frame and nothing else."""
    frames = np.zeros((1 + (len(x) - FRAME) // HOP, N_FFT), np.float32)
    frames[:, :FRAME] = sliding_window_view(x, FRAME)[::HOP]
    spectrum: NDArray[np.complex64] = scipy.fft.rfft(frames)
    return spectrum


def _hann(length: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


MFCC_PEERS: dict[str, Callable[[Audio], NDArray[np.generic]]] = {
    "edgemood": edgemood_mfcc,
    "numpy": NumpyMfcc(),
    "librosa": librosa_mfcc,
    "python_speech_features": speech_features_mfcc,
}
