"""F0 and harmonics-to-noise ratio by window-corrected autocorrelation."""

from math import ceil, floor

import numpy as np

from reference.spectrum import window

OCTAVE_COST = 0.03
QUIET = 1e-6  # mean square below which nothing is voiced
SILENT = 1e-12  # mean square below which there is no autocorrelation to speak of
SILENT_HNR_DB = -40.0


def autocorrelation(frames: np.ndarray, lags: int) -> np.ndarray:
    """Of each row at lags 0 .. lags - 1, not normalised, by a transform long enough not to wrap around."""
    length = 1 << (frames.shape[1] + lags - 1).bit_length()
    return np.fft.irfft(np.abs(np.fft.rfft(frames, length, axis=1)) ** 2, length, axis=1)[:, :lags]


def normalised(frames: np.ndarray, lags: int) -> np.ndarray:
    """r: autocorrelation of the windowed frames over that of the window, both 1 at lag 0."""
    hann = window("hann", frames.shape[1])
    r_a = autocorrelation(frames * hann, lags)
    r_w = autocorrelation(hann[None], lags)
    return (r_a / r_a[:, :1]) / (r_w / r_w[:, :1])


def best_candidate(r: np.ndarray, config) -> tuple[float, float] | None:
    """(lag in samples, height) of the best peak of one frame's r, refined by a parabola; None without a peak."""
    lag_min = floor(config.sample_rate / config.f0_max_hz)
    lag_max = ceil(config.sample_rate / config.f0_min_hz)
    best, best_strength = None, -np.inf
    for lag in range(lag_min, lag_max + 1):
        left, peak, right = r[lag - 1 : lag + 2]
        if peak > left and peak >= right:
            shift = 0.5 * (left - right) / (left - 2 * peak + right)
            height = peak - 0.25 * (left - right) * shift
            strength = height - OCTAVE_COST * np.log2(config.f0_min_hz * lag / config.sample_rate)
            if strength > best_strength:
                best, best_strength = (lag + shift, height), strength
    return best


def f0_and_hnr(frames: np.ndarray, config) -> tuple[np.ndarray, np.ndarray]:
    """F0 in Hz (0 where unvoiced) and HNR in dB of the pitch frames."""
    f0, hnr = np.zeros(len(frames)), np.full(len(frames), SILENT_HNR_DB)
    frames = frames - frames.mean(1, keepdims=True)
    mean_square = np.mean(frames**2, axis=1)
    sounding = np.flatnonzero(mean_square >= SILENT)
    if not len(sounding):
        return f0, hnr
    r = normalised(frames[sounding], ceil(config.sample_rate / config.f0_min_hz) + 2)
    for row, t in zip(r, sounding, strict=True):
        candidate = best_candidate(row, config)
        if candidate is None:
            continue
        lag, height = candidate
        height = np.clip(height, 1e-4, 1 - 1e-4)
        hnr[t] = 10 * np.log10(height / (1 - height))
        if height >= config.voicing_threshold and mean_square[t] >= QUIET:
            f0[t] = np.clip(config.sample_rate / lag, config.f0_min_hz, config.f0_max_hz)
    return f0, hnr
