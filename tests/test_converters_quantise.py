"""Quantisation: every kind of export made or refused with a reason, what it costs, and the report."""

import argparse
import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")

import keras  # noqa: E402

from converters import (  # noqa: E402
    columns,
    datasets,
    export,
    fit,
    judging,
    network,
    patch_export,
    protocol,
    quantise,
    quantise_report,
    recipes,
    report,
    synth,
    trunk,
)
from converters.cache import FeatureCache  # noqa: E402
from converters.material import Material  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras saving, with NumPy 2
MOODS = ("happy", "angry", "sad", "calm")
SMALL = network.NetworkConfig(units=8, layers=1, attention_units=4, dropout=0)
RECIPE = fit.Recipe(SMALL, epochs=40, batch_size=4, learning_rate=0.02, mixup=0, variants=0, ema=0)
RIGGED = "rigged"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Synthetic clips of the four quadrants by two artists, one to a fold; and a trunk that was never trained."""
    made = tmp_path_factory.mktemp("quantise")
    synth.write(made / "data", MOODS, 2, seconds=6.0)
    keras.utils.set_random_seed(1)
    config = trunk.TrunkConfig(size=8)
    built = trunk.build(config, 3)
    patch_export.write(made / "trunk", patch_export.convert(built, config), config, {})
    built.save(made / "trunk" / "trunk.keras")
    return made


def rolled(model, kind, temperature=1.0, windows=None):
    """The true export of every kind but `RIGGED`, which gives each mood the probability of the one before it."""
    if kind != RIGGED:
        return true_convert(model, kind, temperature, windows)
    heads = [member.get_layer("mood") for member in model.members]
    kept = [head.get_weights() for head in heads]
    for head, own in zip(heads, kept, strict=True):
        head.set_weights([np.roll(values, 1, axis=-1) for values in own])
    try:
        return true_convert(model, "float32")
    finally:
        for head, own in zip(heads, kept, strict=True):
            head.set_weights(own)


def another(built, config, kind="int8", patches=()):
    """The true export of every kind but `RIGGED`, which is of a trunk with other weights."""
    if kind != RIGGED:
        return true_patch_convert(built, config, kind, patches)
    keras.utils.set_random_seed(2)
    return true_patch_convert(trunk.build(config, 3), config, "float32")


true_convert, true_patch_convert = export.convert, patch_export.convert


@pytest.fixture(scope="module")
def tried(folder):
    """A tiny model with a trunk in every kind, and in one that gives other answers."""
    cache = FeatureCache(folder / "cache", columns.with_trunk(columns.LLD50, folder / "trunk"))
    material = Material(datasets.load(folder / "data"), cache, 0)
    trial = quantise.Trial(RECIPE, kinds=(*export.EVERY_KIND, RIGGED), rounds=5)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(export, "convert", rolled)
        patched.setattr(patch_export, "convert", another)
        record = quantise.run(material, cache, trial, list(protocol.folds(material.clips))[:1])
    return material, record


@pytest.mark.parametrize("part", ["mood", "trunk"])
def test_every_kind_is_there_or_refused_with_a_reason(tried, part):
    _, record = tried
    kinds = record[part]["kinds"]
    assert list(kinds) == [*export.EVERY_KIND, RIGGED]
    refused = {kind: row["refused"] for kind, row in kinds.items() if "refused" in row}
    assert list(refused) == ["int16x8"]
    assert "int16x8: the converter refuses it" in refused["int16x8"]
    made = [kind for kind in kinds if kind not in refused]
    assert list(record[part]["latency"]) == made
    assert record[part]["latency"]["float32"]["ratio"] == 1
    assert all(times["ms"] > 0 and times["ratio"] > 0 for times in record[part]["latency"].values())
    assert kinds["float32"]["weights"].get("float32", 0) > 0.8
    assert kinds["float16"]["weights"]["float16"] > 0.8
    assert kinds["full-int8"]["weights"]["int8"] > 0.6
    assert kinds["float32"]["bytes"] > kinds["float16"]["bytes"] > kinds["int8"]["bytes"] - 2_000
    assert all(kinds[kind]["clips"] == 4 for kind in made)


def test_float32_says_what_keras_says(tried, folder):
    material, record = tried
    plain = record["mood"]["kinds"]["float32"]
    assert plain["agreement"] == 1
    assert plain["probability_change_max"] < 1e-5
    assert plain["macro_f1"] == record["mood"]["reference"]["macro_f1"]
    judged = judging.judge(material, RECIPE, 0, list(protocol.folds(material.clips))[:1])["model"]
    assert record["mood"]["reference"]["confusion"] == judged["confusion"]
    built = keras.models.load_model(folder / "trunk" / "trunk.keras")
    config = trunk.TrunkConfig(size=8)
    content = patch_export.convert(built, config, "float32")
    patch = np.random.default_rng(0).normal(-8, 3, (120, 64)).astype(np.float32)
    layout = material.columns.patches.layout
    got = quantise._trunk(content, layout, ()).patches(patch)
    assert got == pytest.approx(np.asarray(built(patch[None], training=False)["embedding"])[0], abs=1e-4)


def test_the_trunk_is_compared_with_its_float32_file(tried):
    _, record = tried
    part = record["trunk"]
    assert part["kinds"]["float32"]["probability_change_max"] == 0
    assert part["kinds"]["float32"]["macro_f1"] == part["reference"]["macro_f1"]
    assert 0 < part["kinds"]["float16"]["probability_change_max"] < 0.05
    assert part["kinds"]["int8"]["probability_change_max"] > 0
    assert part["calls_a_song"] == 80


def test_other_answers_show_a_loss(tried):
    _, record = tried
    mood, other = record["mood"]["kinds"][RIGGED], record["trunk"]["kinds"][RIGGED]
    assert record["mood"]["reference"]["macro_f1"] > 0.6
    assert mood["agreement"] == 0
    assert mood["macro_f1"] < record["mood"]["reference"]["macro_f1"] - 0.3
    assert mood["macro_f1_change_95"][0] < -0.5
    assert mood["macro_f1_change_95"][1] <= 0
    assert mood["probability_change"] > 0.1
    assert other["probability_change"] > 10 * record["trunk"]["kinds"]["float16"]["probability_change"]


def test_int8_is_int8_only_where_there_is_something_to_gain():
    keras.utils.set_random_seed(0)
    config = network.NetworkConfig(window=6, descriptors=40, units=32, layers=1, attention_units=4)
    model = fit.Trained((network.build(config),), config, None)
    rng = np.random.default_rng(0)
    windows = rng.normal(0, 0.3, (20, 6, 40)).astype(np.float32), np.ones((20, 6), np.float32)
    made = {kind: export.convert(model, kind, windows=windows) for kind in ("float32", "int8", "full-int8")}
    assert export.weights(made["int8"])["int8"] > 0.8
    assert "int8" not in export.weights(made["float32"])
    for kind, content in made.items():
        export.check_types(content, kind)
        for other in {"float16", *made} - {kind, "float16" if kind == "float32" else ""}:
            with pytest.raises(ValueError, match=f"{other}: an LSTM has activations and weights in"):
                export.check_types(content, other)


def test_what_the_converter_cannot_make_is_refused():
    config = network.NetworkConfig(window=6, descriptors=5, units=4, layers=1, attention_units=4)
    model = fit.Trained((network.build(config),), config, None)
    with pytest.raises(ValueError, match="full-int8: nothing to take the ranges of activations from"):
        export.convert(model, "full-int8")
    windows = np.zeros((2, 6, 5), np.float32), np.ones((2, 6), np.float32)
    with pytest.raises(ValueError, match=r"int16x8: the converter refuses it .*UNIDIRECTIONAL_SEQUENCE_LSTM"):
        export.convert(model, "int16x8", windows=windows)


def test_latency_is_measured_in_turns():
    order = []

    def work(name, size):
        order.append(name)
        return sum(range(size))

    calls = {"float32": lambda: work("float32", 20_000), "other": lambda: work("other", 200_000)}
    found = quantise.timed(calls, 9)
    assert order == ["float32", "other"] * (quantise.WARM_UP + 9)
    assert found["float32"]["ratio"] == 1
    assert found["other"]["ratio"] > 4
    assert found["other"]["ms"] > 4 * found["float32"]["ms"]


def test_the_report_holds_models_side_by_side(tried, tmp_path):
    material, record = tried
    head, path = report.header(material, quantise.TITLE), tmp_path / quantise.FILE
    alone = {key: value for key, value in record.items() if key != "trunk"}
    for name, found in (("method", record), ("other", alone)):
        report.add(path, head, name, found, (quantise_report.markdown, quantise_report.draw))
    contents = json.loads(path.read_text())
    assert contents["models"] == {"method": json.loads(json.dumps(record)), "other": json.loads(json.dumps(alone))}
    text = path.with_suffix(".md").read_text()
    assert text.count("### Mood network") == 2
    assert text.count("### Trunk") == 1
    assert text.count("| int16x8 | none: see below |") == text.count("- **int16x8**: the converter refuses it") == 3
    heads = next(line for line in text.splitlines() if line.startswith("| kind |"))
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {heads.count("|")}
    row = next(line for line in text.splitlines() if line.startswith("| float32 |"))
    assert f"| {record['mood']['kinds']['float32']['bytes']:,} | float32" in row
    assert "| +0.000 (+0.000 to +0.000) | 1.000 | 0.0000 | 0.0000 |" in row
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_command_adds_a_model_and_refuses_a_report_of_other_clips(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "SHIPPED", fit.replace(RECIPE, members=2))
    parser = argparse.ArgumentParser()
    quantise.add_options(parser)
    options = parser.parse_args(["--epochs", "1", "--members", "1", "--rounds", "2"])
    vars(options).update(data=folder / "data", reports=tmp_path, columns="lld50", seed=0, jobs=1)
    quantise.command(options, FeatureCache(folder / "cache"))
    stored = json.loads((tmp_path / "quantise.json").read_text())
    found = stored["models"]["lld50"]
    assert found["settings"]["recipe"]["members"] == found["settings"]["recipe"]["epochs"] == 1
    assert found["settings"]["rounds"] == 2
    assert found["mood"]["kinds"]["float32"]["clips"] == 8
    assert found["mood"]["kinds"]["float32"]["agreement"] == 1
    assert "trunk" not in found
    assert set(found["mood"]["kinds"]) == set(export.EVERY_KIND)
    synth.write(tmp_path / "more", MOODS, 3, seconds=4.0)
    options.rounds = 0
    with pytest.raises(datasets.DataError, match="--rounds: 0 are too few"):
        quantise.command(options, FeatureCache(folder / "cache"))
    options.rounds = 2
    options.data = tmp_path / "more"
    with pytest.raises(datasets.DataError, match="other clips or conditions"):
        quantise.command(options, FeatureCache(folder / "cache"))


def test_without_float32_there_is_nothing_to_compare_with():
    with pytest.raises(datasets.DataError, match="nothing to compare with: no room"):
        quantise._plain({"float32": quantise.Attempt(refused="no room")})
