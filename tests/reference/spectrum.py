"""Windows, power spectrum, and the descriptors read from its shape. P is [frames, bins]."""

import itertools

import numpy as np

FLOOR = 1e-10
ROLLOFF_SHARE = 0.85
BAND_EDGES_HZ = (0, 200, 400, 800, 1600, 3200, 6400, np.inf)


def window(kind: str, length: int) -> np.ndarray:
    """Periodic window."""
    phase = 2 * np.pi * np.arange(length) / length
    if kind == "hann":
        return 0.5 - 0.5 * np.cos(phase)
    if kind == "hamming":
        return 0.54 - 0.46 * np.cos(phase)
    assert kind == "rectangular"
    return np.ones(length)


def power_spectrum(frames: np.ndarray, n_fft: int) -> np.ndarray:
    """|X|^2 / n_fft of windowed frames, zero-padded at their end, for bins 0 .. n_fft/2."""
    return np.abs(np.fft.rfft(frames, n_fft, axis=1)) ** 2 / n_fft


def centroid(power: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    magnitude = np.sqrt(power)
    total = magnitude.sum(1)
    return np.where(total > 0, magnitude @ frequencies_hz / np.where(total > 0, total, 1), 0)


def rolloff(power: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    cumulated = np.cumsum(np.sqrt(power), axis=1)
    # argmax of a boolean row is its first True; on silence 0 >= 0 holds at bin 0, which is 0 Hz.
    reached = cumulated >= ROLLOFF_SHARE * cumulated[:, -1:]
    return frequencies_hz[np.argmax(reached, axis=1)]


def flatness(power: np.ndarray) -> np.ndarray:
    floored = np.maximum(power, FLOOR)
    return np.exp(np.mean(np.log(floored), axis=1)) / np.mean(floored, axis=1)


def band_levels(power: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """[frames, 7] natural logs of the shares of seven octave bands."""
    edges = itertools.pairwise(BAND_EDGES_HZ)
    bands = [power[:, (frequencies_hz >= low) & (frequencies_hz < high)].sum(1) for low, high in edges]
    floored = np.maximum(np.stack(bands, axis=1), FLOOR)
    return np.log(floored / floored.sum(1, keepdims=True))


def flux(power: np.ndarray) -> np.ndarray:
    magnitude = np.sqrt(power)
    total = magnitude.sum(1, keepdims=True)
    share = np.where(total > 0, magnitude / np.where(total > 0, total, 1), 0)
    result = np.zeros(len(power))
    result[1:] = np.sqrt(np.sum(np.diff(share, axis=0) ** 2, axis=1))
    return result
