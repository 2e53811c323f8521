"""Datasets, protocol, normalisation, augmentation and, where TensorFlow is installed, a tiny training to a bundle."""

import csv
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from converters import augment, datasets, normalise, protocol, synth
from converters.datasets import Clip
from edgemood import features, mood

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
HAS_SKLEARN = importlib.util.find_spec("sklearn") is not None
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow (extra: train) is not installed")


def clips(count=60, labels=4):
    rng = np.random.default_rng(0)
    folds = datasets.deal(f"artist {i}" for i in range(20))
    chosen = [(f"artist {rng.integers(20)}", int(rng.integers(labels))) for _ in range(count)]
    return [
        Clip("made", Path(f"{i}.wav"), tuple(np.eye(labels)[label]), artist, folds[artist])
        for i, (artist, label) in enumerate(chosen)
    ]


def test_no_artist_lies_on_both_sides_of_a_fold():
    made = clips()
    for split in protocol.folds(made):
        assert set(split.train) | set(split.test) == set(range(len(made)))
        assert not {made[i].group for i in split.train} & {made[i].group for i in split.test}


def test_tuning_never_sees_the_test_fold():
    made = clips()
    for split, inner in zip(protocol.folds(made), protocol.inner(made), strict=True):
        assert not (set(inner.train) | set(inner.test)) & set(split.test)
        assert not {made[i].group for i in inner.train} & {made[i].group for i in inner.test}
        assert len(inner.train)
        assert len(inner.test)


def test_an_artist_in_two_folds_is_refused():
    made = clips()
    moved = made[0]
    made.append(Clip(moved.dataset, moved.path, moved.target, moved.group, (moved.fold + 1) % 5))
    with pytest.raises(ValueError, match="lies in the folds"):
        list(protocol.folds(made))


def test_stratified_parts_have_every_clip_once_and_every_label_alike():
    made = clips(200)
    parts = list(protocol.stratified(made, seed=1))
    assert sorted(i for part in parts for i in part.test) == list(range(200))
    for label in range(4):
        sizes = [sum(made[i].label == label for i in part.test) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_macro_f1_by_hand():
    truth, chosen = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
    counts = protocol.confusion(truth, chosen, 3)
    assert counts.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert protocol.macro_f1(counts) == pytest.approx((0.5 + 0.8 + 2 / 3) / 3)
    assert protocol.macro_f1(np.zeros((3, 3), dtype=np.int64)) == 0


def test_moods_that_neither_occur_nor_are_chosen_do_not_count():
    perfect = protocol.figures(np.array([0, 0, 2, 2]), np.eye(4)[[0, 0, 2, 2]], "abcd")
    assert (perfect["macro_f1"], perfect["accuracy"]) == (1, 1)
    chosen_once = protocol.confusion(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2]), 4)
    assert protocol.macro_f1(chosen_once) == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_the_temperature_undoes_a_known_one():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(4), 20_000)
    truth = (probs.cumsum(1) < rng.random((20_000, 1))).sum(1)
    too_sure = protocol.tempered(np.log(probs), 0.5)
    assert protocol.fit_temperature(truth, too_sure) == pytest.approx(2.0, rel=0.05)
    assert protocol.calibration_error(truth, too_sure) > 5 * protocol.calibration_error(truth, probs)


def test_calibration_learns_each_part_s_temperature_from_the_others():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(4), 20_000)
    truth = (probs.cumsum(1) < rng.random((20_000, 1))).sum(1)
    part = np.arange(20_000) % 2
    sharpness = np.where(part == 0, 0.5, 0.8)[:, None]
    distorted = protocol.tempered(np.log(probs), sharpness)  # undone by 2 in part 0 and by 1.25 in part 1
    first = protocol.calibration(truth, distorted, part, judged=[0])
    assert first["temperature"] == pytest.approx([1.25, 1.25], rel=0.05)
    assert first["calibration_error"] > 0.02  # its own temperature would have been right
    alike = protocol.calibration(truth, protocol.tempered(np.log(probs), 0.5), part)
    assert alike["temperature"] == pytest.approx([2, 2], rel=0.05)
    assert alike["calibration_error"] < 0.02
    assert alike["log_loss"] == pytest.approx(protocol.log_loss(truth, probs), abs=0.002)


def test_stratified_parts_are_never_empty():
    parts = list(protocol.stratified(clips(14), seed=0))
    assert 1 < len(parts) < 10
    assert all(len(part.test) and len(part.train) for part in parts)
    assert sorted(i for part in parts for i in part.test) == list(range(14))


def test_figures_know_the_quadrants():
    truth = np.array([0, 1, 2, 3])
    probs = np.eye(4)[[3, 1, 3, 3]]
    figures = protocol.figures(truth, probs, datasets.QUADRANT_LABELS)
    assert figures["accuracy"] == 0.5
    assert figures["valence_accuracy"] == 0.75
    assert figures["arousal_accuracy"] == 0.75
    assert "valence_accuracy" not in protocol.figures(truth, probs, ("a", "b", "c", "d"))


def test_the_learned_normalisation_fills_the_range():
    rng = np.random.default_rng(0)
    names = features.set_names("lld50")
    sequences = [np.exp(rng.normal(0, 2, (30, len(names)))).astype(np.float32) for _ in range(20)]
    scaling = normalise.learn(sequences, names)
    values = np.concatenate([scaling(s) for s in sequences])
    assert np.abs(values).max() <= normalise.LIMIT
    assert (np.abs(values) <= normalise.SPAN).mean() > 0.98
    assert dict(zip(names, scaling.transforms, strict=True))["energy_mean"] == "log"
    assert np.isfinite(normalise.learn([np.zeros((3, len(names)), np.float32)], names)(sequences[0])).all()


def test_every_named_transform_is_of_a_descriptor_that_exists():
    names = features.set_names("lld50")
    for known in [*normalise.LOG_FLOORS, *normalise.SIGNED_LOG]:
        assert any(name.startswith(known) for name in names), known


def test_variants_are_repeatable_and_differ():
    audio = synth.clip("happy", 10, seed=0)
    one, again, other = (augment.variant(audio, synth.SAMPLE_RATE, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert np.abs(one).max() <= 1
    assert len(one) != len(other) or not np.array_equal(one, other)
    assert 0.8 * len(audio) < len(one) < 1.1 * len(audio)


def write_rows(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def test_research_sets_are_read_by_their_tables(tmp_path):
    (tmp_path / "4qaed").mkdir()
    rows = [{"file": f"{i}.opus", "quadrant": f"Q{i % 4 + 1}", "fold": i % 5, "artist": f"A{i}"} for i in range(8)]
    write_rows(tmp_path / "4qaed" / "clips.csv", rows)
    (tmp_path / "emotify").mkdir()
    shares = {f"share_{emotion}": 0.0 for emotion in datasets.GEMS} | {"share_tension": 0.3, "share_sadness": 0.1}
    write_rows(tmp_path / "emotify" / "clips.csv", [{"file": "a.opus", "fold": 2, **shares}])
    first, second = datasets.load(tmp_path)
    assert [c.label for c in first.clips] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert first.clips[6].group == "a6"
    assert second.clips[0].target == pytest.approx((0, 0.75, 0.25, 0))


def test_a_folder_of_ones_own(tmp_path):
    for label in ("wild", "mild"):
        (tmp_path / label).mkdir()
        for i in range(3):
            (tmp_path / label / f"{i}.ogg").touch()
        (tmp_path / label / "notes.txt").touch()
    (own,) = datasets.load(tmp_path)
    assert own.labels == ("mild", "wild")
    assert len(own.clips) == 6
    assert len({c.fold for c in own.clips}) == 5


def test_a_set_that_cannot_be_trained_on_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least two moods"):
        datasets.load(tmp_path)
    write_rows(tmp_path / "clips.csv", [{"file": "a.wav", "mood": "happy"}])
    with pytest.raises(ValueError, match="it has no label"):
        datasets.load(tmp_path)
    for m in "ab":
        (tmp_path / f"{m}.wav").touch()
    write_rows(tmp_path / "clips.csv", [{"file": f"{m}.wav", "label": m, "artist": "One"} for m in "ab"])
    with pytest.raises(ValueError, match="one artist"):
        datasets.load(tmp_path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of six moods trained for a moment on synthetic clips, with its sequences."""
    pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
    from converters import cache, fit, network
    from converters.material import Material

    folder = tmp_path_factory.mktemp("tiny")
    synth.write(folder / "data", tuple(synth.KINDS), 2, seconds=6.0)
    material = Material(datasets.load(folder / "data"), cache.FeatureCache(folder / "cache"), 1)
    recipe = fit.Recipe(network=network.NetworkConfig(units=8, attention_units=4), epochs=4, batch_size=6, variants=1)
    trained = material.fit(np.arange(len(material.clips)), recipe, seed=0)
    return material, recipe, trained, folder


@needs_tensorflow
def test_training_is_repeatable(tiny):
    material, recipe, trained, _ = tiny
    again = material.fit(np.arange(len(material.clips)), recipe, seed=0)
    everything = material.own(range(len(material.clips)))
    assert np.array_equal(trained.predict(everything), again.predict(everything))


@needs_tensorflow
def test_a_report_of_before_an_option_existed_still_names_its_recipe(tiny):
    from converters import report

    _, recipe, _, _ = tiny
    stored = json.loads(json.dumps(report.plain(recipe)))
    del stored["network"]["pooling"]
    assert report.recipe_of(stored) == recipe
    stored["network"]["units"] += 1
    assert report.recipe_of(stored) != recipe


@needs_tensorflow
def test_poolings_weigh_segments_as_they_say():
    from converters import network

    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 5)).astype(np.float32)
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], np.float32)
    expected = {
        "last": [[0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]],
        "mean": [[1 / 6] * 6, [1 / 3] * 3 + [0] * 3],
    }
    for pooling in network.POOLINGS:
        config = network.NetworkConfig(window=6, descriptors=5, units=4, layers=1, pooling=pooling)
        out = {key: np.asarray(value) for key, value in network.build(config)([x, mask], training=False).items()}
        assert out["attention"].sum(1) == pytest.approx(1, abs=1e-6)
        assert not out["attention"][1, 3:].any()
        assert out["logits"].shape == (2, 4)
        if pooling in expected:
            assert out["attention"] == pytest.approx(np.array(expected[pooling]), abs=1e-6)
    count = {"last": 0, "mean": np.log(6)}  # salience: what a window of so many segments weighs
    for pooling, salience in count.items():
        config = network.NetworkConfig(window=6, descriptors=5, units=4, layers=1, pooling=pooling)
        found = network.build(config)([x, mask], training=False)["salience"]
        assert float(found[0]) == pytest.approx(salience, abs=1e-6)
    with pytest.raises(ValueError, match="pooling is one of"):
        network.NetworkConfig(pooling="max")


@needs_tensorflow
@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_trained_model_becomes_a_bundle_that_judges_alike(tiny, kind):
    from converters import bundle, export, report

    material, recipe, trained, folder = tiny
    facts = bundle.Facts(
        name="tiny",
        version="3",
        labels=material.labels,
        temperature=1.5,
        evaluation={},
        training={"clips": {"data": len(material.clips)}, "recipe": report.plain(recipe), "seed": 0},
        columns=material.columns,
    )
    check = material.own(range(len(material.clips)))
    bundle.write(folder / kind, kind, trained, facts, check)
    content = (folder / kind / "model.tflite").read_bytes()
    assert export.operators(content)["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 3
    assert not any(name.startswith(("CUSTOM", "FLEX")) for name in export.operators(content))
    model = mood.load(str(folder / kind))
    assert model.id == "tiny-3"
    expected = protocol.tempered(np.log(trained.predict(check)), 1.5)
    start = np.arange(len(check[0]), dtype=np.float64)
    sequence = mood.FeatureSequence(check[0], start, start + 3, model.names, model.feature_version)
    got = [model.judge(sequence).scores[label] for label in model.labels]
    assert got == pytest.approx(expected[0], abs=0.03)
    assert json.loads((folder / kind / "manifest.json").read_text())["parity"]["agreement"] >= 0.98


@needs_tensorflow
@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_network_without_lstm_pools_the_rows_themselves(kind):
    import ai_edge_litert.interpreter as litert

    from converters import export, fit, network

    config = network.NetworkConfig(window=6, descriptors=40, layers=0, hidden=30)
    member = network.build(config)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 6, 40)).astype(np.float32)
    mask = np.array([[1, 1, 1, 1, 0, 0]], np.float32)
    out = {key: np.asarray(value) for key, value in member([x, mask], training=False).items()}
    assert out["vector"].shape == (1, 30)
    order = [2, 0, 3, 1, 4, 5]  # it hears no order
    again = {key: np.asarray(value) for key, value in member([x[:, order], mask], training=False).items()}
    assert again["logits"] == pytest.approx(out["logits"], abs=1e-5)
    assert again["attention"] == pytest.approx(out["attention"][:, order], abs=1e-6)
    content = export.convert(fit.Trained((member,), config, None), kind)
    assert export.operators(content)["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 0
    run = litert.Interpreter(model_content=content).get_signature_runner()
    got = run(x=x, mask=mask)
    logits = out["logits"] - out["logits"].max()
    assert got["probs"] == pytest.approx(np.exp(logits) / np.exp(logits).sum(), abs=0.02)
    assert got["attention"] == pytest.approx(out["attention"], abs=0.02)


@needs_tensorflow
def test_an_export_that_says_something_else_is_refused(tiny):
    from dataclasses import replace

    from converters import export, parity

    material, _, trained, _ = tiny
    content = export.convert(trained, "int8")
    everything = material.own(range(len(material.clips)))
    shifted = replace(trained.normalisation, minimum=tuple(m - 5 for m in trained.normalisation.minimum))
    other = replace(trained, normalisation=shifted)

    class Liar:
        normalisation, config, vectors = trained.normalisation, trained.config, trained.vectors
        predict = other.predict

    parity.compare(trained, content, "int8", 1.0, everything)
    with pytest.raises(parity.ParityError, match="int8"):
        parity.compare(Liar(), content, "int8", 1.0, everything)


@needs_tensorflow
def test_operators_that_devices_lack_are_refused():
    import tensorflow as tf

    from converters import export

    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
    def looping(x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 9, lambda y: y * 2, [x])[0]

    module = tf.Module()
    content = tf.lite.TFLiteConverter.from_concrete_functions([looping.get_concrete_function()], module).convert()
    with pytest.raises(ValueError, match="WHILE"):
        export.check_operators(content, 0)
    with pytest.raises(ValueError, match="WHILE"):
        export.check_operators(content, 3)


@pytest.mark.skipif(not HAS_SKLEARN, reason="scikit-learn (extra: train) is not installed")
def test_the_baseline_learns_what_is_easy():
    from converters import baseline

    rng = np.random.default_rng(0)
    names = features.set_names("lld50")
    labels, fold = np.arange(80) % 2, np.arange(80) // 2 % 5
    sequences = [rng.normal(2.0 * label, 1, (10, len(names))).astype(np.float32) for label in labels]
    values = baseline.statistics(sequences, names, transformed=True)
    assert values.shape == (80, 2 * len(names))
    model = baseline.fit(values[fold > 0], labels[fold > 0], fold[fold > 0])
    assert (model.predict(values[fold == 0]) == labels[fold == 0]).mean() > 0.9


@pytest.mark.skipif(not HAS_SKLEARN, reason="scikit-learn (extra: train) is not installed")
def test_descriptors_and_embedding_count_alike_for_the_baseline():
    from converters import baseline

    names = ("zcr_mean", "energy_mean", "patch_0", "patch_1", "patch_2")
    rows = np.random.default_rng(0).normal(size=(2, 9, 5)).astype(np.float32)
    values = baseline.statistics(rows, names, transformed=False)
    assert values == pytest.approx(np.hstack([rows.mean(1), rows[:, :, :2].std(1)]), abs=1e-6)
    weights = baseline.shares(names)
    assert (weights**2).tolist() == pytest.approx([7 / 8, 7 / 8, 7 / 6, 7 / 6, 7 / 6, 7 / 8, 7 / 8])
    assert baseline.shares(names[:2]).tolist() == [1] * 4
