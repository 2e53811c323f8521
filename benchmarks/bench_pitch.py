"""Whether F0 and HNR can be trusted, on signals whose pitch is known: needs no peer and always runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pitch.agreement import SETTINGS, against_truth, hnr_errors
from pitch.metrics import Agreement
from pitch.signals import Signal, known_pitch
from pitch.trackers import Track, edgemood

#: About 1.3 times what Boersma's method gives when done well here (Praat itself does no better on loud accompaniment).
#: In %: the most gross errors, the least voicing recall, the most false alarms (None: no such frames).
BOUNDS: dict[str, tuple[float | None, float | None, float | None]] = {
    "sung": (1.0, 99.5, None),
    "sung, breathy": (32.0, 97.0, None),
    "spoken": (1.0, 97.5, 14.0),
    "spoken in noise": (2.5, 94.5, 21.0),
    "played": (0.5, 99.5, None),
    "played, weak fundamental": (2.0, 99.5, None),
    "played, bass": (0.5, 99.5, None),
    "played, high": (1.0, 99.5, None),
    "accompanied": (1.0, 99.5, None),
    "accompanied loudly": (52.0, 98.0, None),
    "no pitch": (None, None, 8.0),
    "all": (12.0, 98.5, 15.0),
}
#: Most that the median HNR of steady tones may be off, dB, by the true ratio in dB.
HNR_BOUNDS = {0.0: 1.0, 5.0: 0.6, 10.0: 0.4, 15.0: 0.4, 20.0: 0.4, 25.0: 0.7, 30.0: 1.5, 35.0: 3.5}

both_settings = pytest.mark.parametrize(("rate", "hop"), SETTINGS)


@cache
def signals(rate: int) -> list[Signal]:
    return known_pitch(rate)


@cache
def table(rate: int, hop: int) -> dict[str, Agreement]:
    found = against_truth(signals(rate), edgemood, hop)
    print(f"\nF0 against known pitch, {rate} Hz, hop {hop}\n{'':26}{Agreement.HEADER}")
    for kind, row in found.items():
        print(f"{kind:26}{row}")
    return found


@both_settings
def bench_every_kind_of_signal_is_gated(rate: int, hop: int) -> None:
    """So that a new kind cannot go unjudged."""
    assert table(rate, hop).keys() == BOUNDS.keys()


@both_settings
@pytest.mark.parametrize("kind", BOUNDS)
def bench_f0_is_right(rate: int, hop: int, kind: str) -> None:
    """Gross errors, voicing recall and false alarms by kind of signal."""
    found, (gross, recall, alarm) = table(rate, hop)[kind], BOUNDS[kind]
    assert gross is None or 100 * found.gross <= gross
    assert recall is None or 100 * found.voicing_recall >= recall
    assert alarm is None or 100 * found.voicing_false_alarm <= alarm


@both_settings
def bench_f0_is_fine(rate: int, hop: int) -> None:
    """What is not grossly wrong is right to a few cents, jitter of the voices and stretched partials included."""
    found = table(rate, hop)
    assert abs(found["all"].fine_mean_cents) <= 2
    assert found["all"].fine_sd_cents <= 11
    assert found["played, bass"].fine_sd_cents <= 2
    assert found["played, weak fundamental"].fine_sd_cents <= 4


@both_settings
def bench_hnr_is_the_ratio(rate: int, hop: int) -> None:
    """HNR against the true ratio of tone to noise, both below 2 kHz."""
    errors = hnr_errors(edgemood, rate, hop)
    print(f"\nHNR less the true ratio, dB, {rate} Hz: " + ", ".join(f"{r:.0f}: {e:+.1f}" for r, e in errors.items()))
    assert errors.keys() == HNR_BOUNDS.keys()
    assert {ratio: error for ratio, error in errors.items() if abs(error) > HNR_BOUNDS[ratio]} == {}


@pytest.mark.parametrize("fault", [0.5, 2.0, 1.05])
def bench_a_faulty_tracker_fails(fault: float) -> None:
    """The gate's own control: F0 an octave or a semitone off must not pass."""
    rate, hop = SETTINGS[0]

    def off(x: np.ndarray, rate: int, hop: int, f0_min: float, f0_max: float) -> Track:
        times, f0, hnr = edgemood(x, rate, hop, f0_min, f0_max)
        return times, f0 * fault, hnr

    found = against_truth([s for s in signals(rate) if s.kind == "sung"], off, hop)["sung"]
    assert found.raw_pitch < 0.1
    assert found.gross > 0.9 or abs(found.fine_mean_cents) > 50
