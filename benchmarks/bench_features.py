"""MFCC beside its peers, LLD-50 beside librosa, and each descriptor alone."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
from peers import FRAME, HOP, MFCC_PEERS, NumpyMfcc, edgemood_mfcc, plain_fft, speech_features_mfcc

from edgemood.features import FeatureConfig, descriptors, extract


@pytest.mark.benchmark(group="MFCC, 60 s, 25/10 ms, 512 FFT, 26 mel, 13 coefficients")
@pytest.mark.parametrize("peer", list(MFCC_PEERS))
def bench_mfcc(benchmark: Any, minute_16k: Any, peer: str) -> None:
    """The same numbers by every library."""
    rows = benchmark(MFCC_PEERS[peer], minute_16k)
    assert abs(len(rows) - (1 + (len(minute_16k) - FRAME) // HOP)) <= 1


@pytest.mark.benchmark(group="MFCC, 60 s, 25/10 ms, 512 FFT, 26 mel, 13 coefficients")
def bench_plain_fft(benchmark: Any, minute_16k: Any) -> None:
    """What the FFTs alone cost SciPy."""
    benchmark(plain_fft, minute_16k)


def bench_mfcc_peers_agree(minute_16k: Any) -> None:
    """Speed is compared on the same work: the numbers are the same."""
    ours, theirs = edgemood_mfcc(minute_16k), NumpyMfcc()(minute_16k)
    np.testing.assert_allclose(ours, theirs, atol=2e-2)
    np.testing.assert_allclose(ours, speech_features_mfcc(minute_16k)[: len(ours)], atol=2e-2)


def librosa_descriptors(x: Any) -> Any:
    """The frame-level part of LLD-50 as far as librosa has it (no HNR, no formants), F0 by yin."""
    sizes = {"n_fft": 1024, "hop_length": 551}
    spectrum = np.abs(librosa.stft(x, win_length=662, center=False, **sizes))
    mel = librosa.feature.melspectrogram(S=spectrum**2, sr=22050, n_mels=40, htk=True, norm=None)
    return (
        librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=19),
        librosa.feature.spectral_centroid(S=spectrum, sr=22050),
        librosa.feature.spectral_rolloff(S=spectrum, sr=22050),
        librosa.feature.spectral_flatness(S=spectrum),
        librosa.onset.onset_strength(S=spectrum, sr=22050),
        librosa.feature.rms(y=x, frame_length=662, hop_length=551),
        librosa.feature.zero_crossing_rate(x, frame_length=662, hop_length=551),
        librosa.yin(x, fmin=55, fmax=1000, sr=22050, frame_length=2048, hop_length=551),
    )


@pytest.mark.benchmark(group="LLD-50, a song of 240 s")
def bench_lld50_edgemood(benchmark: Any, song: Any) -> None:
    """Whole: frames and functionals."""
    assert benchmark(lambda: extract([song])).values.shape[1] == 50


@pytest.mark.benchmark(group="LLD-50, a song of 240 s")
def bench_lld50_librosa(benchmark: Any, song: Any) -> None:
    """Frames only, without HNR, formants and functionals."""
    assert len(benchmark(librosa_descriptors, song)) == 8


@pytest.mark.benchmark(group="each descriptor alone, a song of 240 s")
@pytest.mark.parametrize("name", [d.name for d in descriptors()])
def bench_descriptor(benchmark: Any, song: Any, name: str) -> None:
    """One column, with the stages it needs."""
    config = FeatureConfig(output="frames")
    assert len(benchmark(lambda: extract([song], config, [name])).values)
