"""Other versions of a clip that keep its mood: what a different pressing, player or tempo would have made of it."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

#: Changes when `variant` does, so that cached features of older variants are not used.
VERSION = 2


def variant(audio: NDArray[np.float32], sample_rate: int, seed: int) -> NDArray[np.float32]:
    """One random version of mono `audio`: start, speed, equalisation, bandwidth, room, noise and level changed.

    Speed (and pitch with it) by up to 8 %, equalisation by a smooth curve of 3 dB standard deviation, level by -24 to
    6 dB; in some versions the band above 7-11 kHz is missing, or a small speaker plays in a room, or there is noise
    35-55 dB below the signal.
    """
    rng = np.random.default_rng(seed)
    start = int(rng.uniform(0, 1.0) * sample_rate)
    changed = audio[start:] if len(audio) > 8 * sample_rate else audio
    speed = float(np.exp(rng.uniform(-0.08, 0.08)))
    changed = soxr.resample(changed.astype(np.float32), sample_rate * speed, sample_rate, quality="HQ")
    changed = _equalise(changed, sample_rate, rng)
    if rng.random() < 0.25:
        changed = _in_room(changed, sample_rate, rng)
    if rng.random() < 0.4:
        level = np.sqrt(np.mean(changed**2)) * 10 ** (-rng.uniform(35, 55) / 20)
        changed = changed + level * rng.standard_normal(len(changed)).astype(np.float32)
    gain = 10 ** (rng.uniform(-24, 6) / 20)
    return np.asarray(np.clip(changed * gain, -1, 1), dtype=np.float32)


def _in_room(audio: NDArray[np.float32], sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Played by a small speaker (nothing below 80-250 Hz, at 12 dB an octave) into a room (T60 0.15-0.6 s)."""
    t = np.arange(int(0.6 * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / rng.uniform(0.15, 0.6))
    response = tail / np.sqrt(np.sum(tail**2)) * 10 ** (-rng.uniform(0, 12) / 20)
    response[0] += 1
    size = 1 << (len(audio) + len(t) - 1).bit_length()
    freq_hz = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1)
    speaker_db = -12 * np.maximum(0, np.log2(rng.uniform(80, 250) / freq_hz))
    spectrum = np.fft.rfft(audio, size) * np.fft.rfft(response, size) * 10 ** (speaker_db / 20)
    heard = np.fft.irfft(spectrum, size)[: len(audio)]
    return np.asarray(heard * np.sqrt(np.mean(audio**2) / (np.mean(heard**2) + 1e-12)), dtype=np.float32)


def _equalise(audio: NDArray[np.float32], sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random gain over log frequency, and sometimes a low-pass as lossy codecs have one."""
    size = 1 << (len(audio) - 1).bit_length()  # other lengths can be very slow
    spectrum = np.fft.rfft(audio, size)
    freq_hz = np.fft.rfftfreq(size, 1 / sample_rate)
    knots_hz = np.geomspace(50, sample_rate / 2, 7)
    gain_db = np.interp(np.log(np.maximum(freq_hz, 20)), np.log(knots_hz), rng.normal(0, 3, len(knots_hz)))
    if rng.random() < 0.3:
        gain_db -= 12 * np.maximum(0, np.log2(np.maximum(freq_hz, 1) / rng.uniform(7000, 11000))) * 8
    return np.asarray(np.fft.irfft(spectrum * 10 ** (gain_db / 20), size)[: len(audio)], dtype=np.float32)
