"""Descriptors of the waveform itself. Frames are [frames, samples]."""

import numpy as np


def energy(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    return np.sum((frames * window) ** 2, axis=1)


def zero_crossing_rate(frames: np.ndarray) -> np.ndarray:
    positive = frames >= 0
    return np.mean(positive[:, 1:] != positive[:, :-1], axis=1)
