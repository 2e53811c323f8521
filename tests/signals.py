"""Seeded synthetic signals, float32 mono. Each takes the sample rate and a duration."""

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

DURATION_S = 1.5


def _time(sample_rate: int, duration_s: float) -> np.ndarray:
    return np.arange(int(duration_s * sample_rate)) / sample_rate


def _rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def sine(sample_rate: int, duration_s: float = DURATION_S, f_hz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * f_hz * _time(sample_rate, duration_s))).astype(np.float32)


def harmonic(sample_rate: int, duration_s: float = DURATION_S, f_hz: float = 220.0, partials: int = 8) -> np.ndarray:
    """A steady tone whose partials fall by 6 dB an octave."""
    t = _time(sample_rate, duration_s)
    return (0.2 * sum(np.sin(2 * np.pi * f_hz * k * t) / k for k in range(1, partials + 1))).astype(np.float32)


def chord(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    return sum(harmonic(sample_rate, duration_s, f, 6) for f in (196.0, 246.94, 293.66)).astype(np.float32) * 0.7


def noise(sample_rate: int, duration_s: float = DURATION_S, sd: float = 0.2) -> np.ndarray:
    return (sd * _rng().standard_normal(int(duration_s * sample_rate))).astype(np.float32)


def chirp(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    """From 60 Hz to 0.45 of the sample rate, exponentially."""
    t = _time(sample_rate, duration_s)
    rate = np.log(0.45 * sample_rate / 60) / duration_s
    return (0.5 * np.sin(2 * np.pi * 60 * np.expm1(rate * t) / rate)).astype(np.float32)


def vowel(
    sample_rate: int,
    duration_s: float = DURATION_S,
    f0_hz: float = 110.0,
    formants_hz: tuple[float, ...] = (700.0, 1200.0, 2600.0),
    bandwidth_hz: float = 80.0,
) -> np.ndarray:
    """Glottal pulses (an impulse train, falling 6 dB an octave) through one resonance for each formant."""
    t = _time(sample_rate, duration_s)
    x = np.diff(np.floor(f0_hz * t), prepend=-1.0)
    x = lfilter([1.0], [1.0, -0.95], x)
    for f in formants_hz:
        radius = np.exp(-np.pi * bandwidth_hz / sample_rate)
        x = lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * f / sample_rate), radius**2], x)
    return (0.5 * x / np.max(np.abs(x))).astype(np.float32)


def plucks(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    """A decaying note every quarter of a second, higher partials decaying faster."""
    x = np.zeros(int(duration_s * sample_rate))
    for i, onset_s in enumerate(np.arange(0, duration_s, 0.25)):
        f = 110.0 * 2 ** ([0, 7, 12, 16, 19][i % 5] / 12)
        t = _time(sample_rate, duration_s - onset_s)[: len(x) - int(onset_s * sample_rate)]
        note = sum(np.exp(-4 * k * t) * np.sin(2 * np.pi * f * k * t) / k for k in range(1, 9))
        x[len(x) - len(t) :] += 0.25 * note
    return x.astype(np.float32)


def silence(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    return np.zeros(int(duration_s * sample_rate), dtype=np.float32)


def dc(sample_rate: int, duration_s: float = DURATION_S, level: float = 0.5) -> np.ndarray:
    return np.full(int(duration_s * sample_rate), level, dtype=np.float32)


def clipped(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    return np.clip(6 * chord(sample_rate, duration_s), -1, 1).astype(np.float32)


def tiny(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    """Noise at -100 dBFS: above digital silence, below what can be voiced."""
    return noise(sample_rate, duration_s, 1e-5)


def impulses(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    """A single full-scale sample now and then, silence between."""
    x = silence(sample_rate, duration_s)
    x[_rng(3).integers(0, len(x), 20)] = 1.0
    return x


def fade(sample_rate: int, duration_s: float = DURATION_S) -> np.ndarray:
    """Noise over a hum, fading from full scale by 100 dB: passes every silence and voicing threshold."""
    t = _time(sample_rate, duration_s)
    x = sine(sample_rate, duration_s, 120.0) + noise(sample_rate, duration_s, 0.05)
    return (x * 10 ** (-5 * t / duration_s)).astype(np.float32)


def music(sample_rate: int, duration_s: float = 10.0) -> np.ndarray:
    """Plucked notes over a chord and a sung vowel, with a noise beat, a rest in the middle and a loud end."""
    n = int(duration_s * sample_rate)
    t = _time(sample_rate, duration_s)
    beat = np.exp(-30 * (t % 0.5)) * noise(sample_rate, duration_s, 0.3)
    mix = 0.8 * plucks(sample_rate, duration_s) + 0.25 * chord(sample_rate, duration_s) + 0.3 * beat
    sung = vowel(sample_rate, duration_s, 146.8) * (np.sin(2 * np.pi * 0.2 * t) > 0)
    mix = (mix + 0.8 * sung) * np.interp(t / duration_s, [0, 0.1, 0.5, 0.7, 1], [0.1, 0.6, 0.3, 0.8, 1.2])
    mix[int(0.5 * n) : int(0.55 * n)] = 0
    return np.clip(mix, -1, 1).astype(np.float32)


SIGNALS: dict[str, Callable[[int], np.ndarray]] = {
    "sine": sine,
    "harmonic": harmonic,
    "chord": chord,
    "noise": noise,
    "chirp": chirp,
    "vowel": vowel,
    "plucks": plucks,
    "silence": silence,
    "dc": dc,
    "clipped": clipped,
    "tiny": tiny,
    "impulses": impulses,
    "fade": fade,
    "music": lambda sample_rate: music(sample_rate, 3.0),
}
