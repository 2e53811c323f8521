"""Mood while it plays: what a score covers, that it is batch's word, silence, damage, promptness, memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import audio_files
import numpy as np
import pytest
import scan_toys
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemood import audio, features, live, mood, pipeline
from edgemood._pack import rounded
from edgemood._resample import Resampler
from edgemood.domain import FeatureSequence
from edgemood.errors import BundleError, ConfigError, NotFiniteError
from edgemood.live import LiveMood, LiveScore

RATE = 16_000
DEFAULT = features.Extractor()
ROW_S, HOP_S = DEFAULT.row_length / 22_050, DEFAULT.row_hop / 22_050  # of a segment


class Toy(scan_toys.ToyModel):
    """Another bit in the descriptors is another mood."""

    manifest = SimpleNamespace(window_segments=4)


@pytest.fixture
def toy() -> Toy:
    return Toy("toy-1")


def music(seconds: float, rate: int = RATE) -> np.ndarray:
    """Half a second of each chord, which dies away, over a little noise: float32 ``[n]``."""
    rng = np.random.default_rng(3)
    count, time_s = rate // 2, np.arange(rate // 2) / rate
    chords = []
    for _ in range(math.ceil(2 * seconds)):
        notes = 110.0 * 2 ** (rng.integers(0, 24, (3, 1)) / 12)
        tones = np.sign(np.sin(2 * np.pi * notes * time_s)).mean(axis=0)
        chords.append(rng.uniform(0.05, 0.8) * np.exp(-3 * time_s) * tones + 0.01 * rng.standard_normal(count))
    return np.concatenate(chords)[: round(seconds * rate)].astype(np.float32)


def scored(listener: LiveMood, samples: np.ndarray, sizes: Iterator[int]) -> list[LiveScore]:
    """Push in pieces of these sizes, then finish."""
    scores, at = [], 0
    while at < len(samples):
        size = next(sizes)
        scores += listener.push(samples[at : at + size])
        at += size
    return scores + listener.finish()


def pieces(size: int) -> Iterator[int]:
    while True:
        yield size


def told(scores: list[LiveScore]) -> list[tuple[object, ...]]:
    """Return all but the latencies, which no run has twice."""
    return [(s.time_s, s.context_s, s.mood and s.mood.scores, s.mood and s.mood.vector.tobytes()) for s in scores]


def rows(samples: np.ndarray) -> np.ndarray:
    """Compute the segments of a mono signal at `RATE` as batch would."""
    resampler = Resampler(RATE, 22_050, low_latency=True)
    return features.extract([resampler.push(samples), resampler.finish()]).values


def sequence(values: np.ndarray) -> FeatureSequence:
    start = np.arange(len(values)) * HOP_S
    return rounded(FeatureSequence(values, start, start + ROW_S, Toy.names, features.VERSION))


# ------------------------------------------------------------------------------------------------ what a score covers


def test_a_score_a_second_whose_context_grows_to_the_window(toy: Toy) -> None:
    listener = LiveMood(toy, RATE)
    scores = scored(listener, music(10.0), pieces(160))
    assert [s.time_s for s in scores] == pytest.approx([ROW_S + k * HOP_S for k in range(7)])
    assert [s.context_s for s in scores] == pytest.approx([ROW_S + min(k, 3) * HOP_S for k in range(7)], abs=2e-6)
    assert (listener.first_s, listener.window_s) == pytest.approx((ROW_S, ROW_S + 3 * HOP_S))
    assert listener.heard_s == 10.0
    assert all(s.mood and s.mood.model == "toy-1" for s in scores)


def test_a_score_is_what_the_model_says_of_those_segments_of_the_whole_recording(toy: Toy) -> None:
    samples = music(12.0)
    values = rows(samples)
    scores = scored(LiveMood(toy, RATE), samples, pieces(777))
    assert len(scores) == len(values) == 9
    for last, score in enumerate(scores):
        assert score.mood
        assert score.mood.scores == toy.judge(sequence(values[max(0, last - 3) : last + 1])).scores


@pytest.fixture(scope="module")
def shipped() -> mood.MoodModel:
    return mood.load()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s in stereo at 44.1 kHz."""
    left = music(40.0, 44_100)
    stereo = np.stack([left, 0.5 * left[::-1]], axis=1)
    return audio_files.write(tmp_path_factory.mktemp("live") / "song.wav", stereo, 44_100)


def listened(path: Path, model: mood.MoodModel) -> list[LiveScore]:
    with path.open("rb") as stream:
        return list(live.listen(stream, model))


def test_of_a_file_every_score_is_batchs_to_the_bit(song: Path, shipped: mood.MoodModel) -> None:
    whole = pipeline.analyse(song, shipped).features
    window = shipped.manifest.window_segments
    scores = listened(song, shipped)
    assert len(scores) == len(whole.values) > window + 5
    for last, score in enumerate(scores):
        first = max(0, last + 1 - window)
        count = last + 1 - first
        part = FeatureSequence(
            whole.values[first : last + 1], whole.start_s[:count], whole.end_s[:count], whole.names, whole.version
        )
        judged = shipped.judge(part)
        assert score.mood
        assert (score.mood.scores, score.mood.vector.tolist()) == (judged.scores, judged.vector.tolist())


def test_the_mood_of_a_file_as_long_as_the_window_is_the_last_score(
    song: Path, tmp_path: Path, shipped: mood.MoodModel
) -> None:
    samples = audio.load(song, 44_100)
    seconds = LiveMood(shipped, 44_100).window_s
    start = audio_files.write(tmp_path / "start.wav", samples[: math.ceil(seconds * 44_100)], 44_100)
    last = listened(start, shipped)[-1]
    assert last.mood
    assert last.mood.scores == pipeline.analyse(start, shipped).mood.scores
    assert last.context_s == pytest.approx(seconds, abs=2e-6)


def test_a_window_in_the_middle_is_nearly_what_batch_says_of_a_file_with_that_alone(
    song: Path, tmp_path: Path, shipped: mood.MoodModel
) -> None:
    """Not to the bit: at a file's start the filters of resampling and pre-emphasis, and the flux, know no past."""
    score = listened(song, shipped)[-1]
    samples = audio.load(song, 44_100)
    first, end = (round((score.time_s - back) * 44_100) for back in (score.context_s, 0.0))
    middle = audio_files.write(tmp_path / "middle.wav", samples[first:end], 44_100, subtype="FLOAT")
    judged = pipeline.analyse(middle, shipped).mood
    assert score.mood
    for label, share in judged.scores.items():
        assert score.mood.scores[label] == pytest.approx(share, abs=0.01)


# ------------------------------------------------------------------------------------------------------------- chunks

SAMPLES = music(8.0)


def at_once(samples: np.ndarray) -> list[tuple[object, ...]]:
    return told(scored(LiveMood(Toy("toy-1"), RATE), samples, pieces(len(samples))))


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 3 * RATE), min_size=1, max_size=40), channels=st.sampled_from([0, 1, 2]))
def test_no_score_depends_on_how_the_samples_were_cut(sizes: list[int], channels: int) -> None:
    samples = SAMPLES if channels == 0 else np.repeat(SAMPLES[:, np.newaxis], channels, axis=1)
    listener = LiveMood(Toy("toy-1"), RATE)
    cut = scored(listener, samples, iter([*sizes, len(samples)]))
    assert told(cut) == at_once(SAMPLES)
    listener.reset()
    assert told(scored(listener, SAMPLES, pieces(1000))) == told(cut)


def test_nothing_and_a_few_samples_may_be_pushed(toy: Toy) -> None:
    listener, samples = LiveMood(toy, RATE), SAMPLES[: 4 * RATE]
    assert listener.push(np.empty(0, np.float32)) == listener.push(np.empty((0, 2))) == []
    assert told(scored(listener, samples, pieces(7))) == at_once(samples)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_score_comes_as_soon_as_its_samples_are_there(rate: int, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time, on a machine that takes none to compute: what is left is what has to be waited for."""
    clock = SimpleNamespace(perf_counter=lambda: listener.heard_s)
    samples, piece, scores = music(7.0, rate), rate // 100, []
    listener = LiveMood(toy, rate)
    monkeypatch.setattr(live, "time", clock)
    for start in range(0, len(samples), piece):
        for score in listener.push(samples[start : start + piece]):
            waited_s = listener.heard_s - score.time_s
            assert 0 <= waited_s < 0.3
            assert score.latency_s == pytest.approx(waited_s, abs=0.0101)  # it arrived with a piece of 10 ms
            scores.append(score)
    assert len(scores) >= 4


# ------------------------------------------------------------------------------------------------------------ silence


def test_silence_has_no_mood_and_what_follows_starts_afresh(toy: Toy) -> None:
    """Segments that lie in the silence of 3 s to 9 s are silent; those that touch sound are not."""
    samples = music(15.0)
    samples[3 * RATE : 9 * RATE] = 0
    values = rows(samples)
    scores = scored(LiveMood(toy, RATE), samples, pieces(999))
    # the filter of the resampler rings for a moment before and after
    still = [s.time_s - ROW_S > 3.02 and s.time_s < 8.98 for s in scores]
    assert (len(scores), sum(still)) == (12, 2)
    assert [s.mood is None for s in scores] == still
    assert [s.context_s == 0 for s in scores] == still
    first = still.index(True) + sum(still)
    for last, score in enumerate(scores[first:], first):
        assert score.mood
        assert score.mood.scores == toy.judge(sequence(values[max(first, last - 3) : last + 1])).scores
    assert scores[first].context_s == pytest.approx(ROW_S, abs=2e-6)


def test_silence_is_what_the_caller_says(toy: Toy) -> None:
    hiss = np.random.default_rng(1).uniform(-1, 1, 4 * RATE) * 10 ** (-70 / 20)
    quiet: dict[float, bool] = {}
    for limit in (-math.inf, -80.0, -60.0, 0.0):
        scores = scored(LiveMood(toy, RATE, silence_dbfs=limit), hiss, pieces(100))
        assert len(scores) == 1
        quiet[limit] = scores[0].mood is None
    assert quiet == {-math.inf: False, -80.0: False, -60.0: True, 0.0: True}


# ------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("bad", "shown"), [(math.nan, "nan"), (-math.inf, "-inf"), (1e13, "1e\\+13"), (1e300, "inf")])
def test_a_sample_that_is_no_sound_is_an_error_that_says_when_and_takes_nothing(
    bad: float, shown: str, toy: Toy
) -> None:
    listener = LiveMood(toy, RATE)
    samples = SAMPLES.astype(np.float64)
    scores = listener.push(samples[: 4 * RATE])
    for late_s in (0, 2):
        broken = samples[4 * RATE : 7 * RATE].copy()
        broken[late_s * RATE + 1600 :: 99] = bad
        for block in (broken, np.stack([broken, broken], axis=1)):
            with pytest.raises(NotFiniteError, match=rf"the sample at {4 + late_s}\.100 s is {shown}$"):
                listener.push(block)
    assert listener.heard_s == 4.0
    scores += listener.push(samples[4 * RATE :])
    assert told(scores + listener.finish()) == at_once(SAMPLES)


def test_after_the_end_only_reset_helps(toy: Toy) -> None:
    listener = LiveMood(toy, RATE)
    before = told(scored(listener, SAMPLES, pieces(5000)))
    for call in (lambda: listener.push(SAMPLES), listener.finish):
        with pytest.raises(ConfigError, match=r"finished; reset\(\)"):
            call()
    listener.reset()
    assert listener.heard_s == 0
    assert told(scored(listener, SAMPLES, pieces(5000))) == before


def test_a_reset_forgets_sound_and_silence(toy: Toy) -> None:
    listener = LiveMood(toy, RATE)
    listener.push(np.ones(6 * RATE - 1, np.float32))
    listener.reset()
    assert told(scored(listener, SAMPLES, pieces(5000))) == at_once(SAMPLES)
    listener.reset()
    assert [s.mood for s in scored(listener, np.zeros(5 * RATE), pieces(5000))] == [None] * 2


@pytest.mark.parametrize(
    "samples", [np.zeros(9, np.int16), np.zeros((3, 2, 2)), np.zeros((4, 0)), np.float32(1), np.array(["a"])]
)
def test_what_is_no_sound_is_refused(samples: np.ndarray, toy: Toy) -> None:
    with pytest.raises(ConfigError, match="samples must be floats"):
        LiveMood(toy, RATE).push(samples)


@pytest.mark.parametrize("rate", [0, 2_000_000, math.nan, 16_000.0, 22_050.5, "16000", None])
def test_a_rate_that_is_none_is_refused(rate: Any, toy: Toy) -> None:
    with pytest.raises(ConfigError, match=f"sample_rate must be a whole number of Hz, 1000 to 1000000, not {rate!r}"):
        LiveMood(toy, rate)


def test_a_rate_may_be_any_whole_number(toy: Toy) -> None:
    assert told(scored(LiveMood(toy, np.int32(RATE)), SAMPLES, pieces(5000))) == at_once(SAMPLES)


@pytest.mark.parametrize("limit", [1.0, math.nan])
def test_a_silence_that_is_none_is_refused(limit: float, toy: Toy) -> None:
    with pytest.raises(ConfigError, match="silence_dbfs"):
        LiveMood(toy, RATE, limit)


def test_a_model_of_other_descriptors_is_refused(shipped: mood.MoodModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "VERSION", "other")
    with pytest.raises(BundleError, match=r"features\.version"):
        LiveMood(shipped, RATE)


# ------------------------------------------------------------------------------------------------------------- memory


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_memory_does_not_grow_with_time(toy: Toy) -> None:
    """A quarter of an hour of sound, silence and faults, in pieces of 50 ms, after three minutes of it."""
    listener = LiveMood(toy, RATE)
    minute = music(60.0)
    minute[30 * RATE : 40 * RATE] = 0

    def listen(minutes: int) -> int:
        count = 0
        for _ in range(minutes):
            for start in range(0, len(minute), 800):
                count += len(listener.push(minute[start : start + 800]))
            with pytest.raises(NotFiniteError):
                listener.push(np.full(800, np.nan))
        return count

    listen(3)
    before = resident_bytes()
    assert listen(15) == pytest.approx(15 * 60 / HOP_S, abs=2)
    assert resident_bytes() - before < 2_000_000
    assert len(listener._rows) <= 4
    assert max(len(listener._pending), len(listener._arrivals)) <= 1
