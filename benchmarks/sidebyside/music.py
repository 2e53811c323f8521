"""Real music for every peer, and a sung tone of known pitch to see that peers compute what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from .settings import Audio

_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"}
_EXCERPT_S = 30  # of each file of a big folder
VOICE_S = 6.0


def load(folder: Path, sample_rate: int, seconds: float) -> Audio:
    """Mono music at a sample rate: the beginnings of the folder's files, in order of name, again and again.

    Raises
    ------
    SystemExit
        The folder holds nothing that libsndfile can decode.
    """
    wanted = round(seconds * sample_rate)
    parts: list[Audio] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES):
        if sum(map(len, parts)) >= wanted:
            break
        try:
            with soundfile.SoundFile(path) as file:
                stereo = file.read(_EXCERPT_S * file.samplerate, dtype="float32", always_2d=True)
                rate = file.samplerate
        except soundfile.LibsndfileError:
            continue
        if len(stereo):
            parts.append(soxr.resample(stereo.mean(axis=1), rate, sample_rate, quality="HQ").astype(np.float32))
    if not parts:
        raise SystemExit(f"no music that libsndfile can decode in {folder}")
    music = np.concatenate(parts)
    return np.ascontiguousarray(np.resize(music, wanted))


def voice(sample_rate: int, seconds: float = VOICE_S) -> Audio:
    """Sing one gliding vowel: F0 90 to 200 Hz, two formants that move, two that do not, breath that comes and goes.

    Harmonics up to 7 kHz that fall with frequency, each weighted by four resonances in cascade.
    """
    rng = np.random.default_rng(7)
    n = round(seconds * sample_rate)
    t = np.arange(n) / sample_rate
    f0 = 90 * 2 ** (1.15 * (0.5 - 0.5 * np.cos(2 * np.pi * t / 3)))
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    centres = (550 + 250 * np.sin(2 * np.pi * t / 2.1), 1500 + 450 * np.sin(2 * np.pi * t / 1.7), 2600, 3500)
    tone = np.zeros(n)
    for harmonic in range(1, int(7000 / f0.min()) + 1):
        frequency = harmonic * f0
        weight = np.where(frequency < 7000, 1 / harmonic, 0)
        for centre, width in zip(centres, (70, 90, 120, 160), strict=True):
            share = frequency / centre
            weight = weight / np.hypot(1 - share**2, share * width / centre)
        tone += weight * np.sin(harmonic * phase)
    tone *= 0.2 / tone.std()
    breath = 10 ** (-2.2 + 0.7 * np.sin(2 * np.pi * t / 1.3))
    return np.asarray(tone + rng.normal(0, 0.2, n) * breath, np.float32)


def check_signal(music: Audio, sample_rate: int) -> tuple[Audio, NDArray[np.bool_]]:
    """Six seconds of the music, then the voice; the second array says which samples are the voice's."""
    sung = voice(sample_rate)
    start = len(music) // 3
    signal = np.concatenate([music[start : start + 6 * sample_rate], sung])
    return signal, np.arange(len(signal)) >= len(signal) - len(sung)
