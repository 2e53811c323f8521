"""Listening while it plays: what a second costs, how long a score takes, and whether memory stays flat over a day.

``python benchmarks/bench_live.py 24`` listens to a simulated day (about 6 minutes of one core) and prints, hour by
hour, the resident memory and the latencies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import music
from numpy.typing import NDArray

from edgemood import mood
from edgemood._pack import rounded
from edgemood._resample import Resampler
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence
from edgemood.live import LiveMood, _mono

RATES = (22_050, 44_100, 48_000)
PIECES_HZ = 100  # pieces of 10 ms, as a sound card gives them


def stereo(seconds: float, rate: int) -> NDArray[np.float32]:
    left = music(seconds, rate)
    return np.stack([left, left[::-1]], axis=1)


def pieces(sound: NDArray[np.float32], rate: int) -> Iterator[NDArray[np.float32]]:
    size = rate // PIECES_HZ
    for start in range(0, len(sound) - size + 1, size):
        yield sound[start : start + size]


@dataclass
class Latencies:
    """Of a stream in real time, in ms: waiting for the piece that completes a score, and computing it then.

    Waiting is counted in the time of the stream, from the arrival of the last sample that a score covers.
    """

    waiting: list[float] = field(default_factory=list)
    computing: list[float] = field(default_factory=list)

    def listen(self, listener: LiveMood, sound: NDArray[np.float32], rate: int) -> int:
        """Give how many scores there were."""
        count = 0
        for piece in pieces(sound, rate):
            begin = time.perf_counter()
            scores = listener.push(piece)
            spent_s = time.perf_counter() - begin
            count += len(scores)
            for score in scores:
                arrived = np.ceil(score.time_s * rate / len(piece) - 1e-6)  # in this piece, counted from 1
                self.waiting.append(1000 * (listener.heard_s - arrived * len(piece) / rate))
                self.computing.append(1000 * spent_s)
        return count

    def __str__(self) -> str:
        total = np.add(self.waiting, self.computing)
        parts = {"waiting for samples": self.waiting, "computing": self.computing, "in all": total}
        shown = [f"{name} p50 {p50:.1f} p99 {p99:.1f}" for name, p50, p99 in _percentiles(parts)]
        return f"latency in ms: {', '.join(shown)} ({len(total)} scores)"


def _percentiles(parts: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    for name, values in parts.items():
        yield name, *np.percentile(values, [50, 99]).tolist()


def filled(listener: LiveMood, sound: NDArray[np.float32]) -> LiveMood:
    """Have it listen until its window is full."""
    while listener.heard_s < listener.window_s:
        listener.push(sound)
    return listener


@pytest.mark.benchmark(group="live: a second of stereo in pieces of 10 ms, descriptors and mood")
@pytest.mark.parametrize("rate", RATES)
def bench_live_second(benchmark: Any, rate: int) -> None:
    """Its inverse is how many times faster than real time."""
    sound = stereo(1.0, rate)
    listener = filled(LiveMood(mood.load(), rate), sound)
    benchmark(lambda: [listener.push(piece) for piece in pieces(sound, rate)])


@pytest.mark.parametrize("rate", RATES)
def bench_live_latency(rate: int) -> None:
    """A score is out long before the next is due, whatever the machine: waiting is counted in samples."""
    listener, latencies = LiveMood(mood.load(), rate), Latencies()
    latencies.listen(listener, stereo(120.0, rate), rate)
    print(f"\nlive at {rate} Hz: {latencies}")
    assert max(latencies.waiting) < 300


def bench_live_costs_little_more_than_its_parts() -> None:
    """Pieces of 10 ms beside mixing, resampling and describing all at once and judging each full window."""
    rate, model = 48_000, mood.load()
    sound = stereo(30.0, rate)
    describer = Describer(model)
    window = np.zeros((model.manifest.window_segments, len(model.names)), np.float32)
    times = np.arange(len(window)) * 1.0
    sequence = FeatureSequence(window, times, times + 3.0, model.names, model.feature_version)
    listener = filled(LiveMood(model, rate), sound)

    def live() -> int:
        return sum(len(listener.push(piece)) for piece in pieces(sound, rate))

    def parts() -> None:
        resampler = Resampler(rate, describer.sample_rate, low_latency=True)
        describer.describe([resampler.push(_mono(sound)), resampler.finish()])
        for _ in range(30):
            model.judge(rounded(sequence))

    assert live() == pytest.approx(30, abs=1)
    measured = _ratio(live, parts, rounds=7)
    print(f"\nlive: {measured:.2f} times the time of its parts all at once (gate 6)")
    assert measured <= 6.0  # 3,000 pushes of 10 ms; judging costs next to nothing, so that the pieces show


def _ratio(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> float:
    """How many times longer `one` takes than `other`: CPU time, best of rounds that alternate."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for side, work in enumerate((one, other)):
            start = time.thread_time()
            work()
            best[side] = min(best[side], time.thread_time() - start)
    return best[0] / best[1]


def resident_kb() -> int:
    return 4 * int(Path("/proc/self/statm").read_text().split()[1])


def day(hours: float, rate: int = 48_000) -> None:
    """Print the memory after each hour of a stream: two minutes of music with ten seconds of silence, again and again.

    Growth counts from the sixth minute.
    """
    sound = stereo(120.0, rate)
    sound[60 * rate : 70 * rate] = 0
    listener, begin = LiveMood(mood.load(), rate), time.process_time()
    latencies, count, first_kb = Latencies(), 0, 0
    rounds = max(3, round(30 * hours))
    for done in range(1, rounds + 1):
        count += latencies.listen(listener, sound, rate)
        first_kb = resident_kb() if done <= 3 else first_kb
        if done % 30 == 0 or done == rounds:
            grown = resident_kb() - first_kb
            print(f"{listener.heard_s / 3600:5.1f} h  {first_kb + grown} kB ({grown:+} kB)  {latencies}", flush=True)
            latencies = Latencies()
    spent_s = time.process_time() - begin
    print(f"{count} scores, {spent_s:.0f} s of CPU time: {listener.heard_s / spent_s:.0f} times faster than real time")


if __name__ == "__main__":
    day(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0)
