"""The trunk: targets, training windows, distilling, export and the rows that carry its embedding."""

import contextlib
import io
import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")

from converters import columns, corpus, datasets, distil, evaluate, patch_export, protocol, synth, train  # noqa: E402
from converters.cache import FeatureCache  # noqa: E402
from converters.material import Material  # noqa: E402
from converters.targets import PLAIN, REDUCED, Reduction, Targets  # noqa: E402
from converters.trunk import TrunkConfig, build  # noqa: E402
from converters.windows import Mixed, Windows, cut, disturbed  # noqa: E402
from edgemood import audio, features, mood  # noqa: E402
from edgemood.describe import Describer  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras saving, with NumPy 2
SIZES = {"msd_pen": 6, "mtt_pen": 5, "msd_tag": 3, "mtt_tag": 3, "msd_max": 9, "mtt_max": 8, "vib": 4}


def toy_teacher(audio):
    """Outputs that follow the level of each second, as an audible teacher's would follow what it hears."""
    seconds = audio[: len(audio) // 16000 * 16000].reshape(-1, 16000)
    level = np.log(np.sqrt((seconds**2).mean(1)) + 1e-4)
    rng = np.random.default_rng(3)
    said = {key: level[:, None] * rng.normal(size=size) for key, size in SIZES.items() if key != "vib"}
    return said | {"vib": level.mean() * rng.normal(size=SIZES["vib"])}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    shelf = corpus.Corpus(folder / "shards")
    for name in ("data", "other"):
        synth.write(folder / name, tuple(synth.KINDS)[:2], 3, seconds=9.0)
        shelf.add_clips(datasets.load(folder / name)[0], toy_teacher, 0)
    return shelf


@pytest.fixture(scope="module")
def shards(shelf):
    return [corpus.load(path) for path in shelf.shards(["data"])]


@pytest.fixture(scope="module")
def trunk(tmp_path_factory, shelf):
    """A trunk trained for a moment by the command, and its folder."""
    out = tmp_path_factory.mktemp("trunk")
    places = ["--cache", str(shelf.folder), "--out", str(out)]
    distil.main([*places, "--sets", "other", "--judge", "data", "--steps", "3"])
    return out


@pytest.fixture(scope="module")
def at_home(shelf, trunk):
    """A trunk that went on from the other with the set that judges, and those that left out a fold of it each."""
    out = trunk.with_name(trunk.name + "-home")
    places = ["--cache", str(shelf.folder), "--data", str(shelf.folder.parent / "data"), "--out", str(out)]
    for without in ([], ["--without", "0"], ["--without", "1"]):
        distil.main([*places, "--sets", "other", "--start", str(trunk), "--home", "data", "--steps", "2", *without])
    return out


def test_targets_are_even(shards):
    targets = Targets.learn(shards)
    said = np.concatenate([targets(shard) for shard in shards])
    plain = sum(SIZES[key] for key in PLAIN)
    assert said.shape[1] == len(targets.weights) == plain + sum(SIZES[key] for key in REDUCED)
    assert np.abs(said).max() <= 4
    assert np.abs(said[:, :plain].mean(0)).max() < 0.5
    assert said[:, :plain].std(0) == pytest.approx(1, abs=0.4)


def test_a_reduction_keeps_what_varies():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(500, 2)) * [5, 1]
    values = (hidden @ rng.normal(size=(2, 20)) + 0.01 * rng.normal(size=(500, 20))).astype(np.float32)
    spread = Reduction.learn(values)(values).std(0)
    assert spread[:2].min() > 5 * spread[2:].max()


def test_windows_lie_where_the_teachers_listened(shards):
    config = TrunkConfig()
    windows = Windows(shards, Targets.learn(shards), config)
    assert len(windows.places) == sum((len(s.frames) - 120) // 40 + 1 for s in shards)
    x, y = windows.batch(5, np.random.default_rng(0))
    assert x.shape == (5, 120, 64)
    assert y.shape == (5, sum(SIZES.values()))
    assert cut(shards[0].frames, config).shape == (2, 120, 64)


def test_disturbed_patches_stay_near_and_finite():
    x = np.random.default_rng(1).normal(-8, 3, (64, 120, 64)).astype(np.float32)
    got = disturbed(x, np.random.default_rng(2))
    again = disturbed(x, np.random.default_rng(2))
    assert np.array_equal(got, again)
    assert np.isfinite(got).all()
    assert 0.2 < np.abs(got - x).mean() < 3


def test_training_learns(shards):
    targets, config = Targets.learn(shards), TrunkConfig(size=8)
    windows = Windows(shards, targets, config)
    schedule = distil.Schedule(steps=30, batch_size=8, learning_rate=5e-3, warmup_steps=3)
    network = distil.train(windows, targets, config, schedule)
    x, y = windows.batch(40, np.random.default_rng(9))
    untrained = build(config, len(targets.weights))
    error, before = (np.mean((np.asarray(n(x)["targets"]) - y) ** 2) for n in (network, untrained))
    assert error < 0.9 * before


def test_the_file_says_what_the_network_says(trunk):
    import keras

    network = keras.models.load_model(trunk / "trunk.keras")
    read = columns.with_trunk(columns.LLD50, trunk)
    rng = np.random.default_rng(4)
    patches = rng.normal(-8, 3, (6, 120, 64)).astype(np.float32)
    expected = np.asarray(network(patches, training=False)["embedding"])
    got = np.stack([read.patches(patch) for patch in patches])
    assert np.corrcoef(expected.ravel(), got.ravel())[0, 1] > 0.99


def test_level_does_not_count(trunk):
    embed = columns.with_trunk(columns.LLD50, trunk).patches
    patch = np.random.default_rng(5).normal(-8, 3, (120, 64)).astype(np.float32)
    loud, soft, other = embed(patch), embed(patch - 4.6), embed(patch[:, ::-1].copy())
    assert np.abs(loud - soft).max() < 0.01 * np.ptp(loud)  # int8 rounds
    assert np.abs(loud - other).max() > 0.05 * np.ptp(loud)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8", "full-int8"])
def test_every_kind_of_export_runs(trunk, kind, tmp_path):
    import keras

    network, config = keras.models.load_model(trunk / "trunk.keras"), TrunkConfig()
    patches = np.random.default_rng(4).normal(-8, 3, (4, 120, 64)).astype(np.float32)
    patch_export.write(tmp_path, patch_export.convert(network, config, kind, patches), config, {})
    got = columns.with_trunk(columns.LLD50, tmp_path).patches(patches[0])
    expected = np.asarray(network(patches[:1], training=False)["embedding"])[0]
    assert np.corrcoef(expected, got)[0, 1] > 0.9


def test_a_kind_the_converter_cannot_make_is_refused(trunk):
    import keras

    network = keras.models.load_model(trunk / "trunk.keras")
    patches = np.random.default_rng(4).normal(-8, 3, (4, 120, 64)).astype(np.float32)
    with pytest.raises(ValueError, match="int16x8: the converter refuses"):
        patch_export.convert(network, TrunkConfig(), "int16x8", patches)


def test_a_batch_is_half_from_home(shards):
    targets, config = Targets.learn(shards), TrunkConfig()
    one, other = (Windows(some, targets, config) for some in (shards[:3], shards[3:]))
    x, y = Mixed(one, other).batch(6, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    parts = one.batch(3, rng), other.batch(3, rng)
    assert np.array_equal(x, np.concatenate([part[0] for part in parts]))
    assert np.array_equal(y, np.concatenate([part[1] for part in parts]))


def test_a_trunk_says_what_it_heard(at_home):
    said = {name: columns.read_trunk(at_home.with_name(name))["patches"]["training"] for name in names_of(at_home)}
    assert {name: values["excerpts"] for name, values in said.items()} == {
        at_home.name: {"other": 6, "data": 6},
        f"{at_home.name}-f16": {"other": 6, "data": 6},
        f"{at_home.name}-fold0": {"other": 6, "data": 4},
        f"{at_home.name}-fold1": {"other": 6, "data": 4},
    }
    assert said[at_home.name]["start"]["excerpts"] == {"other": 6}
    assert list(said[f"{at_home.name}-fold1"]["correlation"]) == ["data, fold 1"]
    assert "correlation" not in said[at_home.name]


def names_of(at_home):
    return sorted(path.name for path in at_home.parent.glob(f"{at_home.name}*"))


def test_each_fold_is_judged_through_the_trunk_that_left_it_out(shelf, at_home, tmp_path):
    sets = datasets.load(shelf.folder.parent / "data")
    material = Material(sets, FeatureCache(tmp_path, columns.get("default", at_home)), 0)
    first, second, third = protocol.folds(material.clips)
    through = material.of(first)
    assert through.columns.trunk.name == f"{at_home.name}-fold0"
    assert np.array_equal(through.own([0])[0][:, :-96], material.own([0])[0][:, :-96])
    assert not np.array_equal(through.own([0])[0], material.own([0])[0])
    assert material.of(second).columns.trunk.name == f"{at_home.name}-fold1"
    with pytest.raises(datasets.DataError, match=r"has heard data, and there is none that left out fold 2"):
        material.of(third)
    with pytest.raises(datasets.DataError, match="none that left out all clips to be judged"):
        material.of(next(protocol.stratified(material.clips, 0, 2)))


def test_a_trunk_that_heard_nothing_of_the_set_serves_every_fold(shelf, trunk, tmp_path):
    sets = datasets.load(shelf.folder.parent / "data")
    material = Material(sets, FeatureCache(tmp_path, columns.get("default", trunk)), 0)
    assert all(material.of(split) is material for split in protocol.folds(material.clips))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--home", "data"], "--start, --home and --data go together"),
        (["--without", "1"], "--without needs --home"),
        (["--sets", "4qaed"], "cannot judge what learned from it"),
        (["--sets", "nothing"], "has no shards of nothing"),
        (["--start", "T", "--home", "else", "--data", "D"], "has no shards of else"),
        (["--start", "T", "--home", "data", "--data", "D", "--without", "7"], "no fold 7 of it"),
    ],
)
def test_what_cannot_be_distilled_is_refused(at_home, shelf, capsys, options, message):
    trunk, out = at_home.with_name(at_home.name.removesuffix("-home")), shelf.folder.parent / "out"
    places = {"T": str(trunk), "D": str(shelf.folder.parent / "data")}
    given = ["--sets", "other", *(places.get(option, option) for option in options)]
    with pytest.raises(SystemExit):
        distil.main(["--cache", str(shelf.folder), "--out", str(out), *given])
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_rows_carry_the_embedding(shelf, trunk, tmp_path):
    (own,) = datasets.load(shelf.folder.parent / "data")
    read = columns.get("default", trunk)
    (rows,), *_ = FeatureCache(tmp_path, read).sequences(own.clips[:1])
    assert rows.shape[1] == len(read.names) == 84 + 29 + 96
    assert read.names[-1] == "patch_95"
    assert read.feature_version.startswith(features.VERSION + "+")
    assert np.array_equal(rows[0, -96:], rows[2, -96:])
    assert not np.array_equal(rows[2, -96:], rows[3, -96:])
    samples = audio.load(str(own.clips[0].path), 22050)
    assert np.array_equal(rows, Describer(read).describe([samples]).values)


@pytest.fixture(scope="module")
def bundles(shelf, trunk, tmp_path_factory):
    """Bundles of both kinds, trained for a moment by the command on the trunk's rows."""
    out = tmp_path_factory.mktemp("bundles") / "tiny"
    small = ["--members", "1", "--epochs", "2", "--variants", "0"]
    data = ["--data", str(shelf.folder.parent / "data"), "--cache", str(out.parent / "cache")]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        train.main([*data, "--trunk", str(trunk), "--out", str(out), *small])
    sizes = [sum(file.stat().st_size for file in path.glob("*.tflite")) for path in (out, out.with_name("tiny-f16"))]
    assert all(f": {size} bytes, " in said.getvalue() for size in sizes)
    return out


@pytest.mark.parametrize("suffix", ["", "-f16"])
def test_a_bundle_with_a_trunk_judges_sound(bundles, shelf, suffix):
    folder = bundles.with_name(bundles.name + suffix)
    model = mood.load(str(folder))
    assert model.manifest.rank == (1 if suffix else 0)
    (own,) = datasets.load(shelf.folder.parent / "data")
    samples = audio.load(str(own.clips[0].path), 22050)
    scores = model.judge(Describer(model).describe([samples])).scores
    assert set(scores) == set(own.labels)
    assert sum(scores.values()) == pytest.approx(1)
    card = " ".join((folder / "CARD.md").read_text().split())
    assert "embedding (96 values)" in card
    assert "6 of other" in card
    assert "The trunk itself heard no clip of the sets not named" in card


def test_a_bundle_is_judged_on_what_it_never_heard(bundles, shelf, tmp_path, capsys):
    common = ["bundle", "--bundle", str(bundles), "--reports", str(tmp_path)]
    with pytest.raises(SystemExit):
        evaluate.main([*common, "--data", str(shelf.folder.parent / "data")])
    assert "is what tiny-1 learned from, and has no test clips" in capsys.readouterr().err
    synth.write(tmp_path / "other", tuple(synth.KINDS)[:2], 2, seconds=5.0)
    evaluate.main([*common, "--data", str(tmp_path / "other")])
    (found,) = json.loads((tmp_path / "bundle-tiny.json").read_text())["sets"].values()
    assert found["clips"] == 4
    assert np.sum(found["confusion"]) == 4
    assert "| other | 4 |" in (tmp_path / "bundle-tiny.md").read_text()


def test_a_bundle_is_a_trunk_to_train_again_from(bundles, trunk):
    again = columns.get("default", bundles)
    patch = np.random.default_rng(6).normal(-8, 3, (120, 64)).astype(np.float32)
    assert np.array_equal(again.patches(patch), columns.get("default", trunk).patches(patch))
    assert columns.for_kind(again, "float16").trunk == bundles.with_name("tiny-f16")


def test_a_folder_without_a_trunk_is_refused(tmp_path, trunk):
    with pytest.raises(datasets.DataError, match="no readable manifest"):
        columns.get("default", tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(datasets.DataError, match="describes no trunk"):
        columns.get("default", tmp_path)
    values = json.loads((trunk / "manifest.json").read_text())
    values["patches"]["length"] = "long"
    (tmp_path / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(datasets.DataError, match=r"patches\.length"):
        columns.get("default", tmp_path)


def test_the_command_refuses_what_it_cannot_use(tmp_path, capsys):
    with pytest.raises(SystemExit):
        distil.main(["--cache", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "has no shards of emotify, emopia, music" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        distil.main(["--cache", str(tmp_path), "--out", str(tmp_path / "out"), "--sets", "a", "--judge", "a"])
    assert "cannot judge what learned from it" in capsys.readouterr().err
