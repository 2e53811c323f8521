"""What must hold on any machine: ratios between runs that alternate in this process, and instruction counts.

Instructions are counted on x86-64 with valgrind; they are the same on every machine with the same compiler.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sidebyside import instructions, ours, yardstick
from sidebyside.music import load
from sidebyside.settings import BENCHES, HOP, MUSIC, N_FFT, RATE, Audio
from sidebyside.timing import Spread, Work, take_turns
from sidebyside.works import arrays, mfcc, whole

from edgemood.features import set_config

#: At most so many bare FFTs a frame (Y, see sidebyside/yardstick.py). What was measured and half as much again.
MOST_Y = {"mfcc": 1.3, "lld": 6.5, "shipped": 4.2}
#: A set in its own settings costs at most so many times lld50; medians of 1.05-1.12 and 0.35-0.38 were measured.
MOST_TIMES_LLD50 = {"lld84": 1.25, "harmony": 0.5}
#: At least so many times longer; about half of what was measured.
LEAST_TIMES: dict[str, tuple[str, Callable[[Audio], Work], float]] = {
    "NumPy by hand": ("mfcc", arrays.numpy_mfcc, 4.0),
    "SciPy by hand": ("mfcc", arrays.scipy_mfcc, 1.6),  # 2.2 to 14 on one machine: by how it gets its memory
    "librosa": ("mfcc", mfcc.librosa, 4.5),
    "python_speech_features": ("mfcc", mfcc.python_speech_features, 8.0),
    "librosa, the whole set": ("lld", whole.librosa_lld, 12.0),
}
#: Instructions a frame, at most: x86-64-v3 kernels by GCC 12, and a tenth for other compilers.
MOST_INSTRUCTIONS = {"mfcc": 4_000, "lld": 21_500, "zcr": 1_600, "energy": 3_700, "spectral": 5_100, "formants": 7_300}


@pytest.fixture(scope="session")
def minute() -> Audio:
    """A minute of real music at 16 kHz."""
    return load(MUSIC, RATE, 60)


@pytest.fixture(scope="session")
def shipped_minute() -> Audio:
    """The same at 22,050 Hz."""
    return load(MUSIC, 22050, 60)


@pytest.mark.parametrize("key", list(MOST_Y))
def bench_near_the_bare_ffts(key: str, minute: Any, shipped_minute: Any) -> None:
    """Each set against the FFTs of its frames."""
    bench = BENCHES[key]
    signal = shipped_minute if bench.shipped else minute
    stick = yardstick.make(signal, *((1024, 551) if bench.shipped else (N_FFT, HOP)))
    spread = Spread.of(stick.turns([ours.work_of(key, signal)], 9)[0])
    print(f"\n{key}: {spread.median:.2f} Y by {stick.name} (gate {MOST_Y[key]})")
    assert spread.median <= MOST_Y[key]


@pytest.mark.parametrize("name", list(MOST_TIMES_LLD50))
def bench_sets_beside_lld50(name: str, shipped_minute: Any) -> None:
    """What columns of segments, octave bands and tonal frames cost."""

    def work_of(columns: str) -> Work:
        return lambda: ours.rows(shipped_minute, columns, set_config(columns))

    spread = Spread.of(take_turns(work_of("lld50"), [work_of(name)], 9)[0])
    print(f"\n{name}: {spread.median:.2f} times lld50 (gate {MOST_TIMES_LLD50[name]})")
    assert spread.median <= MOST_TIMES_LLD50[name]


@pytest.mark.parametrize("peer", list(LEAST_TIMES))
def bench_faster_than(peer: str, minute: Any) -> None:
    """Each peer against the same work of ours."""
    key, prepare, least = LEAST_TIMES[peer]
    work = prepare(minute)
    work()
    spread = Spread.of(take_turns(ours.work_of(key, minute), [work], 5)[0])
    print(f"\n{key}: {peer} takes {spread.median:.1f} times as long as edgemood (gate {least})")
    assert spread.median >= least


@pytest.fixture(scope="session")
def counting() -> Path:
    """The C library in a program for callgrind."""
    if platform.machine() != "x86_64":
        pytest.skip("the limits are those of x86-64")
    if problem := instructions.available():
        pytest.skip(problem)
    return ours.build()[1]


@pytest.mark.parametrize("key", list(MOST_INSTRUCTIONS))
def bench_instructions(key: str, counting: Path, minute: Any) -> None:
    """A regression shows here however noisy the machine is."""
    counted, instruction_set = instructions.per_frame(counting, np.roll(minute, -20 * RATE), BENCHES[key].columns)
    print(f"\n{key}: {counted:,.0f} instructions a frame, {instruction_set} (gate {MOST_INSTRUCTIONS[key]:,})")
    assert instruction_set == "x86-64-v3"
    assert counted <= MOST_INSTRUCTIONS[key]
