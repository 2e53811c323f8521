"""Signals whose pitch is known at every sample: sung, spoken, played, accompanied, and not pitched at all. Seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

Floats = NDArray[np.float64]

#: Formants in Hz of a, e, i, o, u and schwa, and their bandwidths.
VOWELS = (
    (730, 1090, 2440, 3400),
    (530, 1840, 2480, 3500),
    (290, 2250, 3000, 3600),
    (570, 840, 2410, 3300),
    (310, 870, 2240, 3250),
    (500, 1500, 2500, 3500),
)
BANDWIDTHS_HZ = (80, 100, 140, 200)
OVERSAMPLING = 4  # of the glottal pulses, whose corners would alias


@dataclass(frozen=True)
class Signal:
    """Mono samples in [-1, 1] and the true pitch in Hz at each of them (0 where there is none)."""

    kind: str  # a row of the short table
    name: str  # a row of the long one
    rate: int
    samples: NDArray[np.float32]
    f0_hz: Floats


@dataclass(frozen=True)
class Tone:
    """How strong the k-th partial is, how much partials are stretched (B), how fast the first decays."""

    amplitude: Callable[[float], float]
    inharmonicity: float = 0.0
    decay_per_s: float = 0.0


TONES = {
    "rich": Tone(lambda k: 1 / k),
    "fundamental at -20 dB": Tone(lambda k: k**-0.5 if k > 1 else 0.1),
    "fundamental missing": Tone(lambda k: k**-0.5 if k > 1 else 0.0),
    "odd partials only": Tone(lambda k: k % 2 / k),
    "odd partials at -20 dB": Tone(lambda k: (0.1 if k % 2 else 1.0) / k),
    "piano-like": Tone(lambda k: 1 / k, 4e-4, 3.0),
    "plucked": Tone(lambda k: k**-0.7, 5e-5, 6.0),
    "sine": Tone(lambda k: float(k == 1)),
}


def sung(rate: int) -> list[Signal]:
    """Vowels with vibrato, jitter and glides between 70 and 900 Hz, with breath at 40, 20, 10 and 5 dB below."""
    singers = ((70, 140), (98, 98), (110, 220), (147, 147), (196, 294), (262, 262), (330, 587), (440, 440), (523, 900))
    signals = []
    for n, (start, end) in enumerate(singers):
        f0 = _glide(start, end, 2.5, rate)
        clean = _voice(f0, VOWELS[n % len(VOWELS)], rate, n)
        breath = _formants(_noise(len(f0), 100 + n), VOWELS[n % len(VOWELS)], rate)
        for kind, snr in (("sung", 40), ("sung", 20), ("sung, breathy", 10), ("sung, breathy", 5)):
            signals.append(_signal(kind, f"sung, breath {snr} dB below", rate, _mix(clean, breath, snr), f0))
    return signals


def spoken(rate: int) -> list[Signal]:
    """Speech-like contours: syllables, fricatives and pauses of 60 to 250 ms in turn, clean and in pink noise."""
    signals = []
    for n, mean in enumerate((95.0, 125.0, 190.0, 240.0)):
        x, f0 = _utterance(mean, 6.0, rate, n)
        room = _pink(len(x), 200 + n)
        for kind, snr in (("spoken", 40), ("spoken in noise", 15), ("spoken in noise", 5)):
            signals.append(_signal(kind, f"spoken, noise {snr} dB below", rate, _mix(x, room, snr), f0))
    return signals


def played(rate: int) -> list[Signal]:
    """Instrument-like tones of 0.6 s by their partials, in faint noise."""
    notes = 55.0 * 2 ** (np.arange(1, 50, 4) / 12)
    signals = []
    for name, tone in TONES.items():
        kind = "played, weak fundamental" if name.startswith("fundamental") else "played"
        for f in notes:
            signals.append(_tone(kind, f"played, {name}", rate, float(f), tone))
    bass = Tone(lambda k: k**-1.5, 0.0, 1.5)
    for f in 56.0 * 2 ** (np.arange(12) / 12):
        signals.append(_tone("played, bass", "played, bass", rate, float(f), bass))
    for f in 500.0 * 2 ** (np.arange(24) / 24):  # every quarter-tone: a peak of the autocorrelation may fall anywhere
        signals.append(_tone("played, high", "played, high", rate, float(f), TONES["fundamental at -20 dB"]))
        signals.append(_tone("played, high", "played, high", rate, float(f), Tone(lambda k: k**-0.3)))
    return signals


def accompanied(rate: int) -> list[Signal]:
    """The sung vowels above chords and drums that are 20, 10 and 5 dB weaker."""
    signals = []
    for n, (start, end) in enumerate(((110, 110), (147, 220), (196, 196), (262, 392), (440, 330), (587, 587))):
        f0 = _glide(start, end, 2.5, rate)
        voice = _voice(f0, VOWELS[n % len(VOWELS)], rate, 40 + n)
        band = _band(len(f0), rate, 400 + n)
        for kind, snr in (("accompanied", 20), ("accompanied loudly", 10), ("accompanied loudly", 5)):
            signals.append(_signal(kind, f"accompanied {snr} dB below", rate, _mix(voice, band, snr), f0))
    return signals


def unpitched(rate: int) -> list[Signal]:
    """White and pink noise, fricatives, drum hits."""
    n = 3 * rate
    t = np.arange(n) / rate
    hits = _noise(n, 3) * np.exp(-30 * (t % 0.25))
    hiss = sosfilt(butter(4, 2500, "high", fs=rate, output="sos"), _noise(n, 4))
    sounds = {"white noise": _noise(n, 1), "pink noise": _pink(n, 2), "drum hits": hits, "hiss": hiss}
    return [_signal("no pitch", name, rate, 0.1 * x / np.std(x), np.zeros(n)) for name, x in sounds.items()]


def noisy_tones(rate: int, band_hz: float | None = None) -> list[tuple[float, Signal]]:
    """Steady rich tones in white noise, each with its signal-to-noise ratio in dB: what HNR should say.

    With `band_hz` tone and noise are low-passed there before they are mixed.
    """
    low = butter(8, band_hz, fs=rate, output="sos") if band_hz else None
    tones = []
    for n, f in enumerate((98.0, 147.0, 220.0, 330.0, 523.0)):
        f0 = np.full(2 * rate, f)
        clean, noise = _additive(f0, TONES["rich"], rate), _noise(len(f0), 500 + n)
        if low is not None:
            clean, noise = sosfilt(low, clean), sosfilt(low, noise)
        for snr in (0, 5, 10, 15, 20, 25, 30, 35):
            tones.append((float(snr), _signal("tone", "tone", rate, _mix(clean, noise, snr), f0)))
    return tones


SUITES = (sung, spoken, played, accompanied, unpitched)


def known_pitch(rate: int) -> list[Signal]:
    """All signals of this module whose pitch is known."""
    return [signal for suite in SUITES for signal in suite(rate)]


def _signal(kind: str, name: str, rate: int, x: Floats, f0: Floats) -> Signal:
    return Signal(kind, name, rate, (0.5 * x / max(0.5, float(np.max(np.abs(x))))).astype(np.float32), f0)


def _mix(x: Floats, noise: Floats, snr_db: float) -> Floats:
    active = x[np.abs(x) > 1e-4 * np.max(np.abs(x))]
    noise = noise * (np.sqrt(np.mean(active**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20))
    both = x + noise
    return np.asarray(0.4 * both / np.max(np.abs(both)))


def _noise(n: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(n)


def _pink(n: int, seed: int) -> Floats:
    spectrum = np.fft.rfft(_noise(n, seed))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, n)


def _glide(start: float, end: float, seconds: float, rate: int) -> Floats:
    """From `start` to `end` Hz, evenly in cents, with a vibrato of 5.5 Hz and 60 cents either way."""
    t = np.arange(int(seconds * rate)) / rate
    where = np.clip((t / seconds - 0.2) / 0.6, 0, 1)
    vibrato = 60 * np.sin(2 * np.pi * 5.5 * t) * np.clip(t / 0.5, 0, 1)
    return np.asarray(start * (end / start) ** where * 2 ** (vibrato / 1200))


def _voice(f0: Floats, formants: tuple[int, ...], rate: int, seed: int, jitter: float = 0.005) -> Floats:
    """Source and filter: Rosenberg's glottal pulses, each period and height a little off, through the formants."""
    rng = np.random.default_rng(seed)
    fast = rate * OVERSAMPLING
    instant = np.interp(np.arange(len(f0) * OVERSAMPLING) / OVERSAMPLING, np.arange(len(f0)), f0)
    cycle = (np.cumsum(instant) / fast).astype(int)
    phase = np.cumsum(instant * (1 + jitter * rng.standard_normal(cycle[-1] + 1)[cycle])) / fast
    at = phase % 1
    flow = np.where(at < 0.4, 3 * (at / 0.4) ** 2 - 2 * (at / 0.4) ** 3, 0.0)
    flow = np.where((at >= 0.4) & (at < 0.56), 1 - ((at - 0.4) / 0.16) ** 2, flow)
    heights = 1 + 0.03 * rng.standard_normal(int(phase[-1]) + 1)
    source = np.diff(flow * heights[phase.astype(int)], prepend=0.0)
    return _formants(np.asarray(soxr.resample(source, fast, rate, "VHQ"))[: len(f0)], formants, rate)


def _formants(x: Floats, formants: tuple[int, ...], rate: int) -> Floats:
    for f, bandwidth in zip(formants, BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * bandwidth / rate)
        pole = 2 * radius * np.cos(2 * np.pi * f / rate)
        x = lfilter([1 - pole + radius**2], [1, -pole, radius**2], x)
    return np.asarray(x / np.std(x))


def _utterance(mean_hz: float, seconds: float, rate: int, seed: int) -> tuple[Floats, Floats]:
    """Syllables, fricatives and pauses in turn, and the pitch of it all."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    t = np.arange(n) / rate
    drift = sum(rng.uniform(0.5, 2.5) * np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in (0.31, 0.83, 1.7, 2.9))
    contour: Floats = mean_hz * 2 ** (np.asarray(drift) / 12)
    x, f0, start = np.zeros(n), np.zeros(n), int(0.1 * rate)
    while start < n - rate // 3:
        length = int(rng.uniform(0.12, 0.3) * rate)
        part = slice(start, start + length)
        ramp = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.01 * rate))
        x[part] = rng.uniform(0.5, 1) * ramp * _voice(contour[part], VOWELS[rng.integers(6)], rate, seed, 0.01)
        f0[part] = contour[part]
        start += length
        hiss = int(rng.uniform(0.05, 0.12) * rate)
        if rng.random() < 0.6 and start + hiss < n:
            noise = sosfilt(butter(2, [2500, 0.45 * rate], "band", fs=rate, output="sos"), rng.standard_normal(hiss))
            x[start : start + hiss] = 0.3 * noise / np.std(noise)
            start += hiss
        start += int(rng.choice([0.0, 0.0, 0.06, 0.25]) * rate) + int(0.01 * rate)
    return x, f0


def _additive(f0: Floats, tone: Tone, rate: int) -> Floats:
    """Partials at k f sqrt(1 + B k^2), the k-th decaying with `decay` sqrt(k), phases as by Schroeder."""
    phase = 2 * np.pi * np.cumsum(f0) / rate
    t = np.arange(len(f0)) / rate
    count = min(40, int(0.45 * rate / np.max(f0)))
    x = np.zeros(len(f0))
    for k in range(1, count + 1):
        stretch = np.sqrt((1 + tone.inharmonicity * k**2) / (1 + tone.inharmonicity))
        amplitude = tone.amplitude(float(k))
        if amplitude and k * stretch * np.max(f0) < 0.47 * rate:
            envelope = np.exp(-tone.decay_per_s * np.sqrt(k) * t)
            x += amplitude * np.sin(k * stretch * phase - np.pi * k * k / count) * envelope
    return x


def _tone(kind: str, name: str, rate: int, f: float, tone: Tone) -> Signal:
    f0 = np.full(int(0.6 * rate), f)
    return _signal(kind, name, rate, _mix(_additive(f0, tone, rate), _noise(len(f0), round(f)), 40), f0)


def _band(n: int, rate: int, seed: int) -> Floats:
    """A chord of three a half second, and a drum."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n)
    chord = Tone(lambda k: k**-1.2 if k < 9 else 0.0, 0.0, 1.5)
    for start in range(0, n, rate // 2):
        length = min(rate // 2, n - start)
        part = slice(start, start + length)
        for f in 110 * 2 ** (rng.integers(0, 30, size=3) / 12):
            x[part] += _additive(np.full(length, f), chord, rate)
        x[part] += rng.standard_normal(length) * np.exp(-40 * np.arange(length) / rate)
    return x
