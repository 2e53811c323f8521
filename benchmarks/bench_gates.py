"""What must hold on any machine: ratios between runs that alternate in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from bench_features import librosa_descriptors
from peers import MFCC_PEERS, edgemood_mfcc, plain_fft

from edgemood.features import extract


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> float:
    """How many times longer `theirs` takes than `ours`: CPU time of this thread, best of rounds that alternate."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for side, work in enumerate((ours, theirs)):
            start = time.thread_time()
            work()
            best[side] = min(best[side], time.thread_time() - start)
    return best[1] / best[0]


# Half of what was measured or less, so that a noisy machine passes and a real regression does not.
@pytest.mark.parametrize(("peer", "least"), [("numpy", 2.4), ("librosa", 4.0), ("python_speech_features", 10.0)])
def bench_mfcc_is_faster(minute_16k: Any, peer: str, least: float, record_property: Any) -> None:
    """MFCC against each peer."""
    measured = ratio(lambda: edgemood_mfcc(minute_16k), lambda: MFCC_PEERS[peer](minute_16k), rounds=8)
    print(f"\nMFCC: {peer} takes {measured:.1f} times as long as edgemood (gate {least})")
    assert measured >= least


def bench_mfcc_near_its_ffts(minute_16k: Any) -> None:
    """The whole MFCC against SciPy's bare FFTs of the same frames."""
    measured = ratio(lambda: edgemood_mfcc(minute_16k), lambda: plain_fft(minute_16k), rounds=9)
    print(f"\nMFCC: the bare FFTs alone take SciPy {measured:.2f} times as long (gate 1.4)")
    assert measured >= 1.4


def bench_lld50_is_faster(song: Any) -> None:
    """LLD-50 against the part of it that librosa has."""
    x = song[: 22050 * 30]
    measured = ratio(lambda: extract([x]), lambda: librosa_descriptors(x), rounds=5)
    print(f"\nLLD-50: librosa takes {measured:.1f} times as long as edgemood (gate 4)")
    assert measured >= 4.0
