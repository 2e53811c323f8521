"""Essentia: networks of its streaming scheduler, which is its fast way, and MFCC by its frame-by-frame way too.

Samples come from a WAV file, for its VectorInput hands them on one by one and would cost ten times all the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..settings import (
    F0_MAX_HZ,
    F0_MIN_HZ,
    FRAME,
    HOP,
    N_FFT,
    N_MELS,
    N_MFCC,
    PITCH_FRAME,
    PREEMPHASIS,
    RATE,
    Audio,
    Rows,
)
from ..timing import Work

_FRAMES = {"hopSize": HOP, "startFromZero": True, "silentFrames": "keep", "validFrameThresholdRatio": 1}
_WINDOW = {"type": "hann", "zeroPhase": False, "normalized": False}
_BANDS = {"numberBands": N_MELS, "lowFrequencyBound": 0, "highFrequencyBound": RATE / 2, "inputSize": N_FFT // 2 + 1}
_SHAPE = {"warpingFormula": "htkMel", "weighting": "linear", "normalize": "unit_max", "type": "power"}
_ROLLOFF = {"cutoff": 0.85, "sampleRate": RATE}


def _mfcc(count: int) -> dict[str, Any]:
    return {"sampleRate": RATE, "numberCoefficients": count, "logType": "log", "dctType": 2, **_BANDS, **_SHAPE}


def _emphasised(signal: Audio) -> Audio:
    return np.append(signal[:1], signal[1:] - np.float32(PREEMPHASIS) * signal[:-1])


def _quiet() -> None:
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False


def mfcc_standard(signal: Audio) -> Work:
    """Essentia's algorithms called frame by frame from Python."""
    _quiet()
    import essentia.standard as es

    window = es.Windowing(size=FRAME, zeroPadding=N_FFT - FRAME, **_WINDOW)
    spectrum, mfcc = es.Spectrum(size=N_FFT), es.MFCC(**_mfcc(N_MFCC))
    signal = _emphasised(signal)

    def work() -> Rows:
        frames = es.FrameGenerator(signal, FRAME, HOP, startFromZero=True, validFrameThresholdRatio=1)
        return np.array([mfcc(spectrum(window(frame)))[1] for frame in frames])

    return work


def _network(signal: Audio, connect: Callable[[Any, Any], None], names: tuple[str, ...]) -> Work:
    """Run `connect(audio, pool)` over the signal; the named series of the pool are the columns."""
    _quiet()
    import essentia
    import essentia.streaming as ess

    folder = tempfile.TemporaryDirectory()  # kept until the work is
    path = str(Path(folder.name) / "signal.wav")
    soundfile.write(path, signal, RATE, subtype="FLOAT")

    def work() -> Rows:
        loader, pool = ess.MonoLoader(filename=path, sampleRate=RATE), essentia.Pool()
        connect(loader.audio, pool)
        essentia.run(loader)
        columns = [pool[name] for name in names]
        return np.column_stack([column[: min(map(len, columns))] for column in columns])

    work.folder = folder  # type: ignore[attr-defined]
    return work


def _spectrum(audio: Any, frame: int = FRAME, n_fft: int = N_FFT) -> Any:
    import essentia.streaming as ess

    cutter = ess.FrameCutter(frameSize=frame, **_FRAMES)
    window = ess.Windowing(size=frame, zeroPadding=n_fft - frame, **_WINDOW)
    spectrum = ess.Spectrum(size=n_fft)
    audio >> cutter.signal
    cutter.frame >> window.frame >> spectrum.frame
    return spectrum.spectrum, cutter.frame


def _add_mfcc(spectrum: Any, pool: Any, count: int) -> None:
    import essentia.streaming as ess

    mfcc = ess.MFCC(**_mfcc(count))
    spectrum >> mfcc.spectrum
    mfcc.mfcc >> (pool, "mfcc")
    mfcc.bands >> None


def _add_spectral(spectrum: Any, pool: Any) -> None:
    import essentia.streaming as ess

    centroid, rolloff = ess.Centroid(range=RATE / 2), ess.RollOff(**_ROLLOFF)
    flatness, flux = ess.Flatness(), ess.Flux(norm="L2")
    spectrum >> centroid.array
    spectrum >> rolloff.spectrum
    spectrum >> flatness.array
    spectrum >> flux.spectrum
    centroid.centroid >> (pool, "centroid")
    rolloff.rollOff >> (pool, "rolloff")
    flatness.flatness >> (pool, "flatness")
    flux.flux >> (pool, "flux")


def _add_pitch(audio: Any, pool: Any) -> None:
    import essentia.streaming as ess

    spectrum, _ = _spectrum(audio, PITCH_FRAME, PITCH_FRAME)
    sizes = {"frameSize": PITCH_FRAME, "sampleRate": RATE, "minFrequency": F0_MIN_HZ, "maxFrequency": F0_MAX_HZ}
    pitch = ess.PitchYinFFT(**sizes)
    spectrum >> pitch.spectrum
    pitch.pitch >> (pool, "f0")
    pitch.pitchConfidence >> None


def mfcc_streaming(signal: Audio) -> Work:
    """MFCC as a network."""
    return _network(_emphasised(signal), lambda audio, pool: _add_mfcc(_spectrum(audio)[0], pool, N_MFCC), ("mfcc",))


def spectral(signal: Audio) -> Work:
    """Centroid, roll-off, flatness and flux (of the power spectrum's flatness it takes that of the magnitudes)."""
    names = ("centroid", "rolloff", "flatness", "flux")
    return _network(signal, lambda audio, pool: _add_spectral(_spectrum(audio)[0], pool), names)


def f0(signal: Audio) -> Work:
    """PitchYinFFT on frames of 64 ms."""
    return _network(signal, _add_pitch, ("f0",))


def _frame_values(signal: Audio, algorithm: str, output: str) -> Work:
    import essentia.streaming as ess

    def connect(audio: Any, pool: Any) -> None:
        cutter, value = ess.FrameCutter(frameSize=FRAME, **_FRAMES), getattr(ess, algorithm)()
        audio >> cutter.signal
        cutter.frame >> getattr(value, "signal" if algorithm == "ZeroCrossingRate" else "array")
        getattr(value, output) >> (pool, output)

    return _network(signal, connect, (output,))


def zcr(signal: Audio) -> Work:
    """ZeroCrossingRate."""
    return _frame_values(signal, "ZeroCrossingRate", "zeroCrossingRate")


def energy(signal: Audio) -> Work:
    """Energy of the frames, without a window."""
    return _frame_values(signal, "Energy", "energy")


def lld(signal: Audio) -> Work:
    """What Essentia has of LLD-50's descriptors: no HNR, no formants."""
    import essentia.streaming as ess

    def connect(audio: Any, pool: Any) -> None:
        _add_pitch(audio, pool)  # first: with the longer frames second it crashes
        spectrum, frames = _spectrum(audio)
        _add_mfcc(spectrum, pool, 19)
        _add_spectral(spectrum, pool)
        energy_, zcr_ = ess.Energy(), ess.ZeroCrossingRate()
        frames >> energy_.array
        frames >> zcr_.signal
        energy_.energy >> (pool, "energy")
        zcr_.zeroCrossingRate >> (pool, "zcr")

    def work() -> Rows:
        return run()[:, 1:]  # without the zeroth coefficient

    run = _network(signal, connect, ("mfcc", "centroid", "rolloff", "flatness", "flux", "energy", "f0", "zcr"))
    return work
