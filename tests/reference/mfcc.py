"""Mel filterbank and cepstral coefficients."""

import numpy as np

FLOOR = 1e-10


def mel(f_hz):
    return 2595 * np.log10(1 + np.asarray(f_hz) / 700)


def mel_to_hz(m):
    return 700 * (10 ** (np.asarray(m) / 2595) - 1)


def corners_hz(n_mels: int, fmin_hz: float, fmax_hz: float) -> np.ndarray:
    """The n_mels + 2 corner frequencies; filter j lies between the j-th and the (j+2)-th."""
    return mel_to_hz(np.linspace(mel(fmin_hz), mel(fmax_hz), n_mels + 2))


def filters(config) -> np.ndarray:
    """T: [n_mels, n_fft/2 + 1] weights."""
    corners = corners_hz(config.n_mels, config.mel_fmin_hz, config.mel_fmax_hz)
    bins = np.arange(config.n_fft // 2 + 1)
    if config.mel_edges == "bins":
        corners = np.floor((config.n_fft + 1) * corners / config.sample_rate)
        return np.array([_triangle(bins, *corners[j : j + 3]) for j in range(config.n_mels)])
    f = bins * config.sample_rate / config.n_fft
    return np.array([_triangle(f, *corners[j : j + 3]) for j in range(config.n_mels)])


def _triangle(f: np.ndarray, low: float, mid: float, high: float) -> np.ndarray:
    """Rises over [low, mid), falls over [mid, high); a side of no width has no bins."""
    weights = np.zeros(len(f))
    rising = (f >= low) & (f < mid)
    falling = (f >= mid) & (f < high)
    weights[rising] = (f[rising] - low) / (mid - low) if mid > low else 0
    weights[falling] = (high - f[falling]) / (high - mid) if high > mid else 0
    return weights


def filterbank(emphasised_power: np.ndarray, config) -> np.ndarray:
    """E: [frames, n_mels] filter energies."""
    return emphasised_power @ filters(config).T


def log_mel(emphasised_power: np.ndarray, config) -> np.ndarray:
    return np.log(np.maximum(filterbank(emphasised_power, config), FLOOR))


def mel_envelopes(log_energies: np.ndarray) -> np.ndarray:
    """[frames, 5] means of the logs of neighbouring filters; the floor's where a fifth has none."""
    n_mels = log_energies.shape[1]
    group = np.arange(n_mels) * 5 // n_mels
    means = [log_energies[:, group == g].mean(1) if (group == g).any() else None for g in range(5)]
    return np.stack([np.full(len(log_energies), np.log(FLOOR)) if m is None else m for m in means], axis=1)


def mfcc(log_energies: np.ndarray, coefficient: int) -> np.ndarray:
    """One coefficient of each frame's log filter energies [frames, n_mels]."""
    n_mels = log_energies.shape[1]
    j = np.arange(1, n_mels + 1)
    scale = np.sqrt((1 if coefficient == 0 else 2) / n_mels)
    return log_energies @ (scale * np.cos(coefficient * (j - 0.5) * np.pi / n_mels))
