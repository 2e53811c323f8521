"""The resampler beside soxr's HQ, which it must be no worse than, and the promises it makes on its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemood import _native
from edgemood._resample import Resampler
from edgemood.errors import NotFiniteError

Samples = NDArray[np.float32]

#: Pairs of rates that the native core converts.
NATIVE = [(44_100, 22_050), (48_000, 22_050), (44_100, 16_000), (48_000, 16_000), (88_200, 22_050), (96_000, 22_050),
          (32_000, 22_050), (96_000, 16_000), (32_000, 16_000), (44_100, 8_000), (24_000, 22_050)]  # fmt: skip
OTHERS = [(8_000, 22_050), (22_050, 22_050), (23_000, 22_050), (44_101, 22_050)]


def ours(samples: Samples, rate: int, wanted: int) -> Samples:
    resampler = Resampler(rate, wanted)
    return np.concatenate([resampler.push(samples), resampler.finish()])


def hq(samples: Samples, rate: int, wanted: int) -> Samples:
    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"))


def noise(shape: int | tuple[int, ...], seed: int = 1) -> Samples:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def db(amplitude: float) -> float:
    return float(20 * np.log10(max(amplitude, 1e-12)))


# -- beside soxr HQ -----------------------------------------------------------------------------------------


def response(
    convert: Callable[[Samples, int, int], Samples], rate: int, wanted: int, share: float
) -> tuple[float, float, float, float]:
    """What becomes of a full-scale tone at a share of the wanted Nyquist frequency, away from its ends.

    Gives its gain, its phase in radians, the amplitude of all that is not the tone, and that of all there is.
    """
    hz = share * wanted / 2
    made = convert(np.cos(2 * np.pi * hz * np.arange(rate) / rate + 0.3).astype(np.float32), rate, wanted)
    middle = slice(len(made) // 4, 3 * len(made) // 4)
    angle = 2 * np.pi * hz * np.arange(len(made))[middle] / wanted + 0.3
    tones = np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    (re, im), *_ = np.linalg.lstsq(tones, made[middle].astype(float), rcond=None)
    rest = made[middle] - tones @ (re, im)
    remains, everything = (float(np.sqrt(2 * np.mean(each**2.0))) for each in (rest, made[middle]))
    return np.hypot(re, im), np.arctan2(im, re), remains, everything


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_it_passes_what_soxr_hq_passes(rate: int, wanted: int) -> None:
    shares = (0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.87, 0.9, 0.905, 0.91, 0.913)
    own = np.array([response(ours, rate, wanted, share) for share in shares])
    peer = np.array([response(hq, rate, wanted, share) for share in shares])
    ripple_db, peers_db = (np.abs(20 * np.log10(each[:, 0])).max() for each in (own, peer))
    assert ripple_db < 1e-5
    assert ripple_db <= peers_db
    assert np.abs(own[:, 1]).max() < 1e-6
    assert db(own[:, 2].max()) < -130
    assert db(own[:, 2].max()) <= db(peer[:, 2].max()) + 1  # what is not the tone: rounding


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_it_stops_what_soxr_hq_stops(rate: int, wanted: int) -> None:
    nyquist = rate / wanted
    shares = [1.0005, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, *np.linspace(1.6, 0.999 * nyquist, 6)]
    shares = [share for share in shares if share < nyquist]
    own, peer = (max(response(convert, rate, wanted, share)[3] for share in shares) for convert in (ours, hq))
    assert db(own) < -130
    assert own <= peer


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_between_pass_and_stop_band_it_falls_no_later_than_soxr_hq(rate: int, wanted: int) -> None:
    for share in (0.95, 0.96, 0.97, 0.98, 0.99):
        assert response(ours, rate, wanted, share)[0] < response(hq, rate, wanted, share)[0] * 1.5


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_an_impulse_spreads_alike_to_both_sides_and_not_far(rate: int, wanted: int) -> None:
    unit = np.gcd(rate, wanted)
    times = 1 + 1000 * unit // wanted
    at, there = times * rate // unit, times * wanted // unit  # the same time at both rates
    impulse = np.zeros(2 * at + 1, np.float32)
    impulse[at] = 1
    made = ours(impulse, rate, wanted)
    reach = 120  # samples that a windowed sinc with so narrow a transition band has to either side, about
    side = made[there : there + reach]
    np.testing.assert_allclose(made[there - reach + 1 : there + 1][::-1], side, atol=1e-7)
    assert np.argmax(made) == there
    assert np.abs(made[: there - reach]).max() < 2e-7
    assert np.abs(made[there + reach :]).max() < 2e-7
    np.testing.assert_allclose(made.sum(), wanted / rate, rtol=1e-5)


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_it_agrees_with_soxr_hq_on_noise(rate: int, wanted: int) -> None:
    spectrum = np.fft.rfft(noise(rate * 2))
    spectrum[np.fft.rfftfreq(rate * 2, 1 / rate) > 0.9 * wanted / 2] = 0
    samples = (np.fft.irfft(spectrum)).astype(np.float32)
    own, peer = ours(samples, rate, wanted), hq(samples, rate, wanted)
    middle = slice(wanted // 10, -wanted // 10)
    apart = np.std(own[middle] - peer[middle]) / np.std(peer[middle])
    droop = 1 - response(hq, rate, wanted, 0.9)[0]  # soxr's, where it interpolates
    assert apart < 3e-6 + droop


@pytest.mark.parametrize(("rate", "wanted"), NATIVE + OTHERS)
def test_lengths_are_soxrs(rate: int, wanted: int) -> None:
    for count in (0, 1, 2, 3, 4, 5, 99, 100, 101, 1000, 1001, 44_101):
        samples = noise(count)
        assert len(ours(samples, rate, wanted)) == len(hq(samples, rate, wanted)), count


@pytest.mark.parametrize(("rate", "wanted"), OTHERS)
def test_rates_that_do_not_suit_are_soxrs(rate: int, wanted: int) -> None:
    frames = noise((50_001, 2))
    resampler = Resampler(rate, wanted, 2)
    made = np.concatenate([resampler.push(frames[:777]), resampler.push(frames[777:]), resampler.finish()])
    np.testing.assert_array_equal(made, hq((frames[:, 0] + frames[:, 1]) / 2, rate, wanted))


# -- its own promises ---------------------------------------------------------------------------------------


def cut(frames: Samples, lengths: list[int]) -> Iterator[Samples]:
    start = 0
    for length in itertools.cycle(lengths):
        if start >= len(frames):
            return
        yield frames[start : start + length]
        start += length


@given(
    pair=st.sampled_from(NATIVE + OTHERS),
    channels=st.integers(1, 8),
    count=st.sampled_from([0, 1, 2, 99, 100, 101, 1_623, 1_624, 1_625, 30_000, 70_001]),
    lengths=st.lists(st.sampled_from([1, 7, 16, 441, 1_624, 4_096, 65_536]), min_size=1, max_size=4),
    low_latency=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_cut_changes_a_bit(
    pair: tuple[int, int], channels: int, count: int, lengths: list[int], low_latency: bool
) -> None:
    count = min(count, 2_000 * min(lengths))
    frames = noise((count, channels), seed=count)
    whole = Resampler(*pair, channels)
    expected = np.concatenate([whole.push(frames), whole.finish()])
    resampler = Resampler(*pair, channels, low_latency=low_latency)
    made = [resampler.push(piece) for piece in cut(frames, lengths)]
    np.testing.assert_array_equal(np.concatenate([*made, resampler.finish()]), expected)
    assert resampler.peak == whole.peak
    assert resampler.pushed_s == count / pair[0]


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("wanted", [44_100, 22_050])
def test_channels_are_averaged(channels: int, wanted: int) -> None:
    frames = noise((5_003, channels))
    mono = frames[:, 0].copy()
    for channel in range(1, channels):
        mono += frames[:, channel]
    mono *= np.float32(1 / channels)
    resampler = Resampler(44_100, wanted, channels)
    made = np.concatenate([resampler.push(frames), resampler.finish()])
    np.testing.assert_array_equal(made, ours(mono, 44_100, wanted))
    assert resampler.peak == np.abs(mono).max()


@pytest.mark.parametrize(("rate", "wanted"), NATIVE)
def test_live_samples_come_within_the_latency(rate: int, wanted: int) -> None:
    files, live = _native.Resampler(rate, wanted, 1), _native.Resampler(rate, wanted, 1, True)
    assert live.latency / rate < 0.1
    assert files.latency >= live.latency
    piece = np.zeros(rate // 100, np.float32)
    given_s = 0.0
    for pushed in range(1, 200):
        given_s += len(live.push(piece)) / wanted
        assert 0 <= pushed * len(piece) / rate - given_s <= live.latency / rate + 1e-9


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (-3e12, r"-1\.5e\+12")])
@pytest.mark.parametrize(("rate", "wanted"), [(44_100, 22_050), (8_000, 22_050)])
def test_what_is_no_sample_is_refused_and_told_where(bad: float, word: str, rate: int, wanted: int) -> None:
    frames = noise((90_000, 2))
    resampler = Resampler(rate, wanted, 2)
    made = [resampler.push(frames[:20_000])]
    broken = frames[20_000:].copy()
    broken[50_017, 1] = bad
    broken[50_017, 0] = 0
    broken[60_000, 0] = np.nan
    peak = resampler.peak
    with pytest.raises(NotFiniteError, match=rf"^the sample at {70_017 / rate:.3f} s is {word}$"):
        resampler.push(broken)
    assert resampler.peak == peak
    made += [resampler.push(frames[20_000:]), resampler.finish()]
    again = Resampler(rate, wanted, 2)
    np.testing.assert_array_equal(np.concatenate(made), np.concatenate([again.push(frames), again.finish()]))


def test_channels_must_fit() -> None:
    resampler = _native.Resampler(44_100, 22_050, 2)
    for shape in [(10,), (10, 3), (10, 2, 1)]:
        with pytest.raises(ValueError, match=r"frames must be \[n, 2\]"):
            resampler.push(np.zeros(shape, np.float32))


@pytest.mark.parametrize(("rate", "wanted", "channels", "what"), [
    (44_100, 22_050, 0, "channels = 0"),
    (44_100, 22_050, 1_025, "channels = 1025"),
    (999, 500, 1, "rate_in = 999"),
    (44_100, 1_000_001, 1, "rate_out = 1000001"),
    (22_050, 44_100, 1, "from 22050 to 44100 Hz"),
])  # fmt: skip
def test_unfit_settings_are_named(rate: int, wanted: int, channels: int, what: str) -> None:
    with pytest.raises(_native.NativeError, match=what):
        _native.Resampler(rate, wanted, channels)
