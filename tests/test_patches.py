"""A bundle with a patch network, from sound to mood."""

import copy
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import signals

from edgemood import features, mood
from edgemood._pack import rounded
from edgemood.describe import Describer
from edgemood.errors import BundleError
from edgemood.live import LiveMood

tf = pytest.importorskip("tensorflow")

SIX_MOODS = Path(__file__).parent / "data" / "six-moods"
MEL = [f"log_mel_{i}" for i in range(40)]
SIZE = 3


def patch_file():
    """A convolution over time and the mean of what it gives, as TFLite, and the names of its tensors."""
    from converters.export import tensor_names

    kernel = tf.constant(np.random.default_rng(5).normal(0, 0.02, (5, len(MEL), SIZE)), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, 120, len(MEL)], tf.float32, name="x")])
    def serve(x):
        return {"embedding": tf.reduce_mean(tf.nn.relu(tf.nn.conv1d(x, kernel, 2, "SAME")), axis=1)}

    module = tf.Module()
    module.serve = serve
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)
    content = converter.convert()
    return content, tensor_names(content)


@pytest.fixture(scope="module")
def made():
    return patch_file()


@pytest.fixture
def bundle(tmp_path, made):
    content, (inputs, outputs) = made
    folder = Path(shutil.copytree(SIX_MOODS, tmp_path / "bundle"))
    values = json.loads((folder / "manifest.json").read_text())
    values["features"]["names"] = values["features"]["names"][:-SIZE]
    values["patches"] = {
        "config": features.FeatureConfig(output="frames").to_dict(),
        "names": MEL,
        "length": 120,
        "rows": 3,
        "size": SIZE,
        "model": {"file": "patch.tflite", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        "tensors": {"inputs": inputs, "outputs": outputs},
    }
    (folder / "patch.tflite").write_bytes(content)
    write(folder, values)
    return folder


def write(folder, values):
    (folder / "manifest.json").write_text(json.dumps(values))


def changed(folder, **patches):
    values = copy.deepcopy(json.loads((folder / "manifest.json").read_text()))
    values["patches"].update(patches)
    write(folder, values)


def test_rows_carry_the_embedding_and_are_judged(bundle):
    model = mood.load(str(bundle))
    x = signals.music(22050, 8.5)
    sequence = Describer(model).describe([x])
    frames = features.extract([x], features.FeatureConfig(output="frames"), MEL).values
    assert sequence.names == (*model.manifest.parts[0].names, "patch_0", "patch_1", "patch_2")
    assert np.array_equal(sequence.values[0, -SIZE:], model.patches(frames[:120]))
    assert np.array_equal(sequence.values[5, -SIZE:], model.patches(frames[120:240]))
    assert not np.array_equal(sequence.values[2, -SIZE:], sequence.values[3, -SIZE:])
    assert sum(model.judge(sequence).scores.values()) == pytest.approx(1)


def test_live_is_the_whole_recording_judged(bundle):
    model = mood.load(str(bundle))
    x = signals.music(22050, 7.3)
    live = LiveMood(model, 22050)
    scores = [score for start in range(0, len(x), 3000) for score in live.push(x[start : start + 3000])]
    scores += live.finish()
    whole = rounded(Describer(model).describe([x]))
    assert len(scores) == len(whole.values)
    assert scores[-1].mood.scores == model.judge(whole).scores


def test_values_of_another_patch_network_are_refused(bundle):
    model = mood.load(str(bundle))
    sequence = Describer(model).describe([signals.music(22050, 4.0)])
    assert sequence.version.startswith(features.VERSION + "+")
    with pytest.raises(BundleError, match="reads descriptors of version"):
        mood.load(str(SIX_MOODS)).judge(sequence)


def test_a_damaged_or_foreign_file_is_refused(bundle):
    path = bundle / "patch.tflite"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x01")
    with pytest.raises(BundleError, match=r"patches\.model\.sha256.*patch\.tflite"):
        mood.load(str(bundle))
    path.unlink()
    with pytest.raises(BundleError, match=r"patch\.tflite cannot be read"):
        mood.load(str(bundle))
    path.write_bytes(content)
    changed(bundle, length=60)
    with pytest.raises(BundleError, match=r"patches\.tensors\.inputs\.x'.*\[1, 120, 40\], not \[1, 60, 40\]"):
        mood.load(str(bundle))


def test_loading_is_silent(bundle, capfd):
    mood.load(str(bundle))
    assert capfd.readouterr().err == ""
