"""MFCC written by hand for array libraries, as fast as we can: blocks that fit the cache, results in place, float32.

These set the bar: what a programmer gets who knows the library well and writes no compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..settings import FRAME, HOP, N_FFT, N_MELS, N_MFCC, PREEMPHASIS, RATE, Audio, Rows, frame_count, hann
from ..timing import Work

_FLOOR = 1e-10


def mel_bank() -> Rows:
    """Triangles over FFT bins as python_speech_features has them, ``[n_fft / 2 + 1, n_mels]``, float64."""
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), N_MELS + 2)
    corner = np.floor((N_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / RATE)
    k = np.arange(N_FFT // 2 + 1)[:, None]
    low, mid, high = corner[:-2], corner[1:-1], corner[2:]
    rising, falling = (k - low) / (mid - low), (high - k) / (high - mid)
    return np.where((k >= low) & (k < mid), rising, np.where((k >= mid) & (k < high), falling, 0.0))


def dct_matrix() -> Rows:
    """Orthonormal DCT-II, ``[n_mels, n_mfcc]``, float64."""
    i, j = np.arange(N_MFCC), np.arange(N_MELS)[:, None]
    matrix = np.cos(np.pi * i * (j + 0.5) / N_MELS) * np.sqrt(2 / N_MELS)
    matrix[:, 0] = np.sqrt(1 / N_MELS)
    return matrix


def _tables(groups: int) -> tuple[Rows, list[tuple[slice, slice, Rows]], Rows]:
    """Window, mel bank, DCT.

    The bank is for squared parts as they lie in memory (real, imaginary, real ...), and comes in groups of neighbouring
    bands, each with the columns it takes from and the bands it gives: most of the whole matrix is zeros.
    """
    bank = np.repeat(mel_bank() / N_FFT, 2, axis=0).astype(np.float32)
    parts = []
    for bands in np.array_split(np.arange(N_MELS), groups):
        own = slice(int(bands[0]), int(bands[-1]) + 1)
        used = np.flatnonzero(bank[:, own].any(axis=1))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        parts.append((columns, own, np.ascontiguousarray(bank[columns, own])))
    return hann(FRAME).astype(np.float32), parts, dct_matrix().astype(np.float32)


def _mfcc(signal: Audio, rfft: Callable[[Rows, Rows], Rows], block: int = 128, groups: int = 2) -> Work:
    window, bank, dct = _tables(groups)
    inputs = np.zeros((block, N_FFT), np.float32)
    spectrum = np.empty((block, N_FFT // 2 + 1), np.complex64)
    mel = np.empty((block, N_MELS), np.float32)
    span = (block - 1) * HOP + FRAME
    emphasised = np.empty(span, np.float32)
    padded = np.concatenate([np.zeros(1, np.float32), signal])  # the sample before each
    frames = frame_count(len(signal))

    def work() -> Rows:
        out = np.empty((frames, N_MFCC), np.float32)
        for start in range(0, frames, block):
            n = min(block, frames - start)
            taken = padded[start * HOP :][: (n - 1) * HOP + FRAME + 1]
            now = emphasised[: len(taken) - 1]
            np.multiply(taken[:-1], np.float32(-PREEMPHASIS), out=now)
            now += taken[1:]
            np.multiply(sliding_window_view(now, FRAME)[::HOP], window, out=inputs[:n, :FRAME])
            parts = rfft(inputs[:n], spectrum[:n]).view(np.float32)
            np.square(parts, out=parts)
            for columns, bands, weights in bank:
                mel[:n, bands] = parts[:, columns] @ weights
            np.maximum(mel[:n], np.float32(_FLOOR), out=mel[:n])
            np.log(mel[:n], out=mel[:n])
            np.matmul(mel[:n], dct, out=out[start : start + n])
        return out

    return work


def numpy_mfcc(signal: Audio) -> Work:
    """NumPy alone; in larger blocks its temporaries would be mapped anew by the system each time."""
    return _mfcc(signal, lambda frames, out: np.fft.rfft(frames, out=out), block=64)


def scipy_mfcc(signal: Audio) -> Work:
    """SciPy's FFT, which does several at a time in SIMD lanes."""
    import scipy.fft

    return _mfcc(signal, lambda frames, _: scipy.fft.rfft(frames))


def mkl_mfcc(signal: Audio) -> Work:
    """Intel's FFT behind NumPy's interface."""
    import mkl_fft

    return _mfcc(signal, lambda frames, out: mkl_fft.rfft(frames, out=out))


def torch_mfcc(signal: Audio, block: int = 512, groups: int = 2) -> Work:
    """PyTorch without gradients; its FFT and matrix products are MKL's."""
    import torch

    torch.set_num_threads(1)
    tables = _tables(groups)
    window, dct = torch.from_numpy(tables[0]), torch.from_numpy(tables[2])
    bank = [(columns, bands, torch.from_numpy(weights)) for columns, bands, weights in tables[1]]
    padded = torch.nn.functional.pad(torch.from_numpy(signal), (1, 0))
    inputs = torch.zeros(block, N_FFT)
    spectrum = torch.empty(block, N_FFT // 2 + 1, dtype=torch.complex64)
    mel = torch.empty(block, N_MELS)
    emphasised = torch.empty((block - 1) * HOP + FRAME)
    frames = frame_count(len(signal))

    @torch.inference_mode()
    def work() -> Any:
        out = torch.empty(frames, N_MFCC)
        for start in range(0, frames, block):
            n = min(block, frames - start)
            taken = padded[start * HOP :][: (n - 1) * HOP + FRAME + 1]
            now = emphasised[: len(taken) - 1]
            torch.add(taken[1:], taken[:-1], alpha=-PREEMPHASIS, out=now)
            torch.mul(now.unfold(0, FRAME, HOP), window, out=inputs[:n, :FRAME])
            parts = torch.view_as_real(torch.fft.rfft(inputs[:n], out=spectrum[:n])).flatten(1).square_()
            for columns, bands, weights in bank:
                torch.mm(parts[:, columns], weights, out=mel[:n, bands])
            torch.mm(mel[:n].clamp_(min=_FLOOR).log_(), dct, out=out[start : start + n])
        return out.numpy()

    return work
