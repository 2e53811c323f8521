"""Formants by linear prediction of the lower band of the spectrum (selective linear prediction)."""

from math import floor

import numpy as np

LOWEST_HZ = 90.0
SILENT = 1e-9
WHITENING = 1e-4


def band(config) -> int:
    """K: the even bin nearest to the band's upper edge."""
    return min(config.n_fft // 2, 2 * floor(config.lpc_fmax_hz * config.n_fft / config.sample_rate / 2 + 0.5))


def autocorrelation(emphasised_power: np.ndarray, config) -> np.ndarray:
    """R: [frames, order + 1] from the band's bins 0 .. K, both ends counted once and the rest twice."""
    k = np.arange(band(config) + 1)
    weight = np.full(len(k), 2.0)
    weight[[0, -1]] = 1
    m = np.arange(config.lpc_order + 1)
    return (emphasised_power[:, k] * weight) @ np.cos(np.pi * np.outer(k, m) / k[-1])


def predictor(r: np.ndarray) -> np.ndarray:
    """A = 1, a_1 .. a_p of one frame, by solving the normal equations as they stand."""
    r = r.copy()
    r[0] *= 1 + WHITENING
    order = np.arange(len(r) - 1)
    toeplitz = r[np.abs(order[:, None] - order)]
    return np.concatenate(([1.0], np.linalg.solve(toeplitz, -r[1:])))


def inverse_spectrum(a: np.ndarray, k_max: int) -> np.ndarray:
    """D: |A|^2 at k_max + 1 points from 0 to half the band's own sample rate."""
    return np.abs(np.exp(-1j * np.pi * np.outer(np.arange(k_max + 1), np.arange(len(a))) / k_max) @ a) ** 2


def peaks_hz(d: np.ndarray, bin_hz: float) -> list[float]:
    """Frequencies of the envelope's peaks from LOWEST_HZ up, in order."""
    found = []
    for k in range(1, len(d) - 1):
        if d[k] < d[k - 1] and d[k] <= d[k + 1] and k * bin_hz >= LOWEST_HZ:
            left, peak, right = -np.log(d[k - 1 : k + 2])
            found.append((k + 0.5 * (left - right) / (left - 2 * peak + right)) * bin_hz)
    return found


def formants(emphasised_power: np.ndarray, config) -> np.ndarray:
    """[frames, 2] in Hz; 0 where missing."""
    result = np.zeros((len(emphasised_power), 2))
    for t, r in enumerate(autocorrelation(emphasised_power, config)):
        if r[0] >= SILENT:
            d = inverse_spectrum(predictor(r), band(config))
            found = peaks_hz(d, config.sample_rate / config.n_fft)[:2]
            result[t, : len(found)] = found
    return result
