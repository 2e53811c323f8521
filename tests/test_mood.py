"""Judging sequences: on a bundle trained on synthetic sounds of six moods, and on those that ship."""

import importlib
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from converters import synth
from edgemood import _runtime, bundle, features, mood
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence
from edgemood.errors import BundleError, NotFiniteError, TooShortError

SIX_MOODS = Path(__file__).parent / "data" / "six-moods"
SAMPLE_RATE = 22_050


def sounding(seconds, loud, seed=0):
    """Fast distorted noise bursts, or a slow soft tune."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beats_hz, lowest_hz = (4.0, 82.0) if loud else (1.0, 220.0)
    beat = (time_s * beats_hz).astype(int)
    notes_hz = lowest_hz * 2 ** (rng.choice([0, 3, 5, 7, 10], beat.max() + 1) / 12)
    phase = 2 * np.pi * np.cumsum(notes_hz[beat]) / SAMPLE_RATE
    envelope = np.exp(-2 * ((time_s * beats_hz) % 1))
    if loud:
        sound = np.tanh(6 * np.sin(phase)) * 0.5 + 0.4 * rng.standard_normal(len(time_s))
        return np.clip(envelope * sound, -1, 1).astype(np.float32)
    return (0.1 * envelope * (np.sin(phase) + 0.3 * np.sin(2 * phase))).astype(np.float32)


def sequence_of(audio, model):
    return Describer(model).describe([audio])


def random_sequence(model, rows, seed=0):
    """Values spread over the model's learned range."""
    rng = np.random.default_rng(seed)
    scaling = model.manifest.normalisation
    low, high = np.array(scaling.minimum), np.array(scaling.maximum)
    values = rng.uniform(low, high, (rows, len(model.names)))
    logs = [i for i, kind in enumerate(scaling.transforms) if kind == "log"]
    signed = [i for i, kind in enumerate(scaling.transforms) if kind == "signed_log"]
    values[:, logs] = np.exp(values[:, logs])
    values[:, signed] = np.sign(values[:, signed]) * np.expm1(np.abs(values[:, signed]))
    return timed(values.astype(np.float32), model)


def timed(values, model):
    start = np.arange(len(values), dtype=np.float64)
    return FeatureSequence(values, start, start + 3.0, model.names, model.feature_version)


@pytest.fixture(scope="module")
def six():
    return mood.load(str(SIX_MOODS))


@pytest.fixture(scope="module", params=[info.name for info in mood.available()] or ["none"])
def shipped(request):
    return mood.load(request.param)


def same(one, other):
    return one.scores == other.scores and np.array_equal(one.vector, other.vector) and one.timeline == other.timeline


def test_labels_come_from_the_bundle(six):
    judged = six.judge(random_sequence(six, 40))
    assert tuple(judged.scores) == six.labels == ("angry", "calm", "happy", "nervous", "sad", "solemn")
    assert judged.valence is None
    assert judged.arousal is None
    assert all(span.valence is None and tuple(span.scores) == six.labels for span in judged.timeline)
    assert judged.model == six.id == "six-moods-1"


def test_it_knows_the_sounds_it_was_trained_on(six):
    """New clips of the six kinds, by another seed: what is tested here is a network that was really trained."""
    for kind in synth.KINDS:
        judged = six.judge(sequence_of(synth.clip(kind, 12, seed=77), six))
        assert judged.label == kind


@pytest.mark.parametrize("rows", [1, 5, 27, 28, 29, 38, 39, 100])
def test_scores_attention_and_timeline_add_up(six, rows):
    sequence = random_sequence(six, rows)
    judged = six.judge(sequence)
    assert sum(judged.scores.values()) == pytest.approx(1)
    assert judged.vector.shape == (six.manifest.vector_size,)
    assert judged.vector.dtype == np.float32
    spans = judged.timeline
    assert spans[0].start_s == 0
    assert spans[-1].end_s == sequence.end_s[-1]
    assert [s.end_s for s in spans[:-1]] == [s.start_s for s in spans[1:]]
    assert sum(s.attention for s in spans) == pytest.approx(1, abs=1e-9)
    assert all(sum(s.scores.values()) == pytest.approx(1) for s in spans)
    assert all(5 <= s.end_s - s.start_s <= 15 for s in spans) or len(spans) == 1


def test_the_timeline_reaches_the_end_of_the_song(six):
    judged = six.judge(random_sequence(six, 30), duration_s=33.7)
    assert judged.timeline[-1].end_s == 33.7
    with_long_tail = six.judge(random_sequence(six, 3), duration_s=60.0)
    assert with_long_tail.timeline[-1].end_s == 60.0
    assert sum(s.attention for s in with_long_tail.timeline) == pytest.approx(1)


def test_judging_again_gives_the_same_bits(six, shipped):
    for model in (six, shipped):
        first, other = random_sequence(model, 60), random_sequence(model, 45, seed=1)
        before = model.judge(first)
        model.judge(other)
        assert same(model.judge(first), before)


def test_one_window_does_not_see_the_one_before(six, shipped):
    """A song of two windows is the weighted mean of its windows, each judged alone: no state is carried over."""
    for model in (six, shipped):
        window = model.manifest.window_segments
        values = random_sequence(model, window + model.manifest.window_hop).values
        whole = model.judge(timed(values, model))
        parts = [model.judge(timed(v, model)) for v in (values[:window], values[-window:])]
        low, high = (f([p.scores[model.labels[0]] for p in parts]) for f in (min, max))
        assert low - 1e-6 <= whole.scores[model.labels[0]] <= high + 1e-6
        stacked = np.stack([p.vector for p in parts])
        assert (whole.vector >= stacked.min(0) - 1e-6).all()
        assert (whole.vector <= stacked.max(0) + 1e-6).all()


def test_padding_changes_nothing(six, shipped):
    """What stands behind the mask must not matter, whatever it is."""
    for model in (six, shipped):
        network, rows = model._network, 9
        values = model.manifest.normalisation(random_sequence(model, rows).values)
        alone = network(values)
        x = np.full((1, model.manifest.window_segments, values.shape[1]), 2.5, dtype=np.float32)
        mask = np.zeros(x.shape[:2], dtype=np.float32)
        x[0, :rows], mask[0, :rows] = values, 1
        padded = network._network(x=x, mask=mask)
        assert np.array_equal(padded["probs"][0].astype(np.float64), alone.probs)
        assert not padded["attention"][0, rows:].any()
        assert alone.attention.sum() == pytest.approx(1, abs=5e-4)  # float16 weights: members average with 0.19995


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused_and_poison_nothing(six, bad):
    sequence = random_sequence(six, 30)
    before = six.judge(sequence)
    values = sequence.values.copy()
    values[7, 3] = bad
    with pytest.raises(NotFiniteError, match="mfcc_4_mean of segment 7"):
        six.judge(timed(values, six))
    assert same(six.judge(sequence), before)


@pytest.mark.parametrize("extreme", [1e30, -1e30, 3e38])
def test_extreme_values_are_cut_and_poison_nothing(six, extreme):
    sequence = random_sequence(six, 30)
    before = six.judge(sequence)
    judged = six.judge(timed(np.full_like(sequence.values, extreme), six))
    assert sum(judged.scores.values()) == pytest.approx(1)
    assert same(six.judge(sequence), before)


def test_an_empty_sequence_is_too_short(six):
    with pytest.raises(TooShortError):
        six.judge(random_sequence(six, 0))


def test_other_descriptors_are_refused_by_field(six):
    good = random_sequence(six, 10)
    other_version = FeatureSequence(good.values, good.start_s, good.end_s, good.names, "0")
    with pytest.raises(BundleError, match=r"features\.version"):
        six.judge(other_version)
    with pytest.raises(BundleError, match=r"features\.version"):
        six.require("0")
    names = (good.names[1], good.names[0], *good.names[2:])
    with pytest.raises(BundleError, match=r"features\.names.*mfcc_1_mean"):
        six.judge(FeatureSequence(good.values, good.start_s, good.end_s, names, good.version))


def test_windows_cover_everything_and_end_with_the_song():
    for rows in range(1, 120):
        starts = mood.window_starts(rows, 28, 10)
        covered = {i for s in starts for i in range(s, min(rows, s + 28))}
        assert covered == set(range(rows))
        assert starts == sorted(set(starts))
        assert starts[-1] + 28 == rows or starts == [0]


def test_unknown_bundles_are_refused():
    with pytest.raises(BundleError, match="no model bundle 'nonsense'"):
        mood.load("nonsense")
    with pytest.raises(BundleError, match=r"no model bundle '\.\./models'"):
        mood.load("../models")


class OnlyRuntimes:
    """Stands in for the installed distributions."""

    def __init__(self, **versions):
        self.versions = {name.replace("_", "-"): version for name, version in versions.items()}

    def __call__(self, name):
        if name not in self.versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return self.versions[name]


@pytest.mark.parametrize("installed", [{}, {"ai_edge_litert": "1.0.1"}, {"tflite_runtime": "2.14.0"}])
def test_a_bundle_the_runtime_cannot_run_is_refused_by_name(monkeypatch, installed):
    monkeypatch.setattr(_runtime, "RUNTIMES", dict.fromkeys(_runtime.RUNTIMES, "math"))
    monkeypatch.setattr(importlib.metadata, "version", OnlyRuntimes(**installed))
    with pytest.raises(BundleError, match=r"'six-moods' needs ai-edge-litert >= .*; installed: "):
        mood.load(str(SIX_MOODS))


def test_default_is_the_first_bundle_the_runtime_runs(monkeypatch):
    infos = mood.available()
    assert next(i.name for i in infos if i.problem is None) == mood.load().manifest.name
    real = importlib.import_module("ai_edge_litert.interpreter")
    monkeypatch.setattr(_runtime.importlib, "import_module", lambda _: real)
    monkeypatch.setattr(importlib.metadata, "version", OnlyRuntimes(tflite_runtime="2.14.0"))
    assert mood.load().manifest.quantisation == "float16 weights"
    assert any(i.problem and "tflite-runtime 2.14.0" in i.problem for i in mood.available())


def test_shipped_bundles_fit_this_build(shipped):
    manifest = shipped.manifest
    assert manifest.native_version == features.VERSION
    sets = ("lld84", "harmony") if shipped.patches else ("lld50",)
    assert [part.names for part in shipped.parts] == [features.set_names(name) for name in sets]
    assert [part.config for part in shipped.parts] == [features.set_config(name).to_dict() for name in sets]
    assert shipped.labels == ("happy", "angry", "sad", "calm")
    assert manifest.size <= 2_000_000
    card = (mood.MODELS / manifest.name / "CARD.md").read_text(encoding="utf-8")
    assert f"{manifest.accuracy['model']['macro_f1']:.3f}" in card
    assert "research data" in card


def test_kinds_of_a_bundle_agree(shipped):
    """A bundle and its other export, each with its own trunk where there is one, on music-like sound."""
    reference = mood.load(shipped.manifest.name.removesuffix("-f16"))
    for loud in (False, True):
        song = sounding(35, loud)
        one, other = (model.judge(sequence_of(song, model)) for model in (reference, shipped))
        assert one.scores == pytest.approx(other.scores, abs=0.05)


def test_a_song_whose_halves_differ_shows_it(shipped):
    """The shipped model on 60 s: a slow soft tune, then fast distorted noise."""
    song = np.concatenate([sounding(40, loud=False), sounding(40, loud=True)])
    judged = shipped.judge(sequence_of(song, shipped))
    first, last = judged.timeline[0], judged.timeline[-1]
    assert first.arousal < 0 < last.arousal
    assert last.arousal - first.arousal > 0.8


def test_level_alone_does_not_decide(shipped):
    """The same music 6 dB down keeps its mood."""
    song = sounding(30, loud=False, seed=3)
    one, other = (shipped.judge(sequence_of(gain * song, shipped)) for gain in (1.0, 0.5))
    assert one.label == other.label


def test_the_manifest_says_what_trained_it(shipped):
    training = shipped.manifest.training
    assert sum(training["clips"].values()) > 0
    method = shipped.id.startswith("paper")  # three LSTM layers; the default bundle's trunk has heard seconds already
    assert training["recipe"]["network"]["layers"] == (3 if method else 0)
    assert bundle.SCHEMA == 1


def test_a_long_song_takes_memory_and_time_in_proportion(six):
    """A ten-hour mix in ten times the memory of an hour, a sign of life after each window."""

    def peak(segments: int) -> int:
        values = np.random.default_rng(1).normal(size=(segments, len(six.names))).astype(np.float32)
        start_s = np.arange(segments, dtype=np.float64)
        sequence = FeatureSequence(values, start_s, start_s + 3, six.names, six.feature_version)
        beats = []
        tracemalloc.start()
        judged = six.judge(sequence, beat=lambda: beats.append(1))
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        starts = mood.window_starts(segments, six.manifest.window_segments, six.manifest.window_hop)
        assert len(beats) == len(starts)
        assert len(judged.timeline) == round((segments + 2) / six.manifest.step_s)
        return taken

    peak(360)
    assert peak(3600) < 15 * peak(360)
