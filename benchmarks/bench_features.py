"""MFCC beside its peers, LLD-50 beside librosa, sets beside one another, and each descriptor alone."""

from __future__ import annotations

from typing import Any

import pytest
from sidebyside import ours, yardstick
from sidebyside.settings import HOP, N_FFT, frame_count
from sidebyside.works import arrays, mfcc, whole

from edgemood.features import FeatureConfig, descriptors, extract, segment_descriptors

_MFCC = "MFCC, 60 s, 25/10 ms, 512 FFT, 26 mel, 13 coefficients"
_PEERS = {
    "edgemood": lambda signal: ours.work_of("mfcc", signal),
    "numpy": arrays.numpy_mfcc,
    "scipy": arrays.scipy_mfcc,
    "librosa": mfcc.librosa,
    "python_speech_features": mfcc.python_speech_features,
}


@pytest.mark.benchmark(group=_MFCC)
@pytest.mark.parametrize("peer", list(_PEERS))
def bench_mfcc(benchmark: Any, minute_16k: Any, peer: str) -> None:
    """The same numbers by every library."""
    rows = benchmark(_PEERS[peer](minute_16k))
    assert abs(len(rows) - frame_count(len(minute_16k))) <= 1


@pytest.mark.benchmark(group=_MFCC)
def bench_plain_fft(benchmark: Any, minute_16k: Any) -> None:
    """What the FFTs alone cost FFTW, or SciPy where there is no FFTW."""
    benchmark(yardstick.make(minute_16k, N_FFT, HOP).work)


@pytest.mark.benchmark(group="LLD-50, a song of 240 s")
def bench_lld50_edgemood(benchmark: Any, song: Any) -> None:
    """Whole: frames and functionals."""
    assert benchmark(lambda: extract([song])).values.shape[1] == 50


@pytest.mark.benchmark(group="LLD-50, a song of 240 s")
def bench_lld50_librosa(benchmark: Any, song: Any) -> None:
    """Frames only, without HNR, formants and functionals."""
    assert len(benchmark(whole.librosa_shipped(song)))


@pytest.mark.benchmark(group="sets, a song of 240 s")
@pytest.mark.parametrize("name", ["lld50", "lld84", "harmony"])
def bench_set(benchmark: Any, song: Any, name: str) -> None:
    """Each in the settings that it is made for; `bench_gates` holds their ratios."""
    assert len(benchmark(lambda: extract([song], names=name)).values)


@pytest.mark.benchmark(group="each descriptor alone, a song of 240 s")
@pytest.mark.parametrize("name", [d.name for d in descriptors()])
def bench_descriptor(benchmark: Any, song: Any, name: str) -> None:
    """One column, with the stages it needs."""
    config = FeatureConfig(output="frames")
    assert len(benchmark(lambda: extract([song], config, [name])).values)


@pytest.mark.benchmark(group="each descriptor of a segment alone, a song of 240 s")
@pytest.mark.parametrize("name", [d.name for d in segment_descriptors()])
def bench_segment_descriptor(benchmark: Any, song: Any, name: str) -> None:
    """One column of a segment, with the frames it is made of, 25 ms apart."""
    assert len(benchmark(lambda: extract([song], names=[name])).values)
