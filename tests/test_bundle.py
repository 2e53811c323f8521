"""Manifest, integrity and normalisation of model bundles, on a bundle trained on synthetic sounds."""

import copy
import hashlib
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemood import mood
from edgemood.bundle import Manifest, Normalisation, read_manifest, read_model, version_key
from edgemood.errors import BundleError

SIX_MOODS = Path(__file__).parent / "data" / "six-moods"
VALUES = json.loads((SIX_MOODS / "manifest.json").read_text(encoding="utf-8"))


def changed(field, value):
    values = copy.deepcopy(VALUES)
    *parts, last = field.split(".")
    place = values
    for part in parts:
        place = place[part]
    place[last] = value
    return values


def without(field):
    values = copy.deepcopy(VALUES)
    *parts, last = field.split(".")
    place = values
    for part in parts:
        place = place[part]
    del place[last]
    return values


REQUIRED = [
    "schema",
    "name",
    "version",
    "rank",
    "labels",
    "features.version",
    "features.config",
    "features.names",
    "normalisation.transforms",
    "normalisation.floors",
    "normalisation.minimum",
    "normalisation.maximum",
    "normalisation.span",
    "normalisation.limit",
    "window.segments",
    "window.hop",
    "window.step_s",
    "tensors.inputs.x",
    "tensors.inputs.mask",
    "tensors.outputs.probs",
    "tensors.outputs.vector",
    "tensors.outputs.attention",
    "tensors.outputs.salience",
    "vector_size",
    "quantisation",
    "runtimes",
    "model.file",
    "model.size",
    "model.sha256",
    "training",
    "accuracy",
]
NAMES = VALUES["features"]["names"]
WRONG = [
    ("schema", 2),
    ("name", ""),
    ("version", 1),
    ("rank", -1),
    ("labels", ["happy"]),
    ("labels", ["sad", "sad"]),
    ("features.config", []),
    ("features.names", [*NAMES[:-1], NAMES[0]]),
    ("features.names", [*NAMES[:-1], "zcr_\ud800"]),
    ("name", "paper\ud800"),
    ("labels", ["calm", "\udcff"]),
    ("normalisation.transforms", ["linear"]),
    ("normalisation.transforms", ["square"] + ["linear"] * (len(NAMES) - 1)),
    ("normalisation.floors", [0.0] * len(NAMES)),
    ("normalisation.minimum", [float("nan")] * len(NAMES)),
    ("normalisation.maximum", [-1e9] * len(NAMES)),
    ("normalisation.span", 0),
    ("normalisation.limit", "wide"),
    ("window.segments", 0),
    ("window.hop", VALUES["window"]["segments"] + 1),
    ("window.step_s", True),
    ("tensors.inputs.x", 3),
    ("vector_size", 1.5),
    ("runtimes", {}),
    ("runtimes", {"ai-edge-litert": "new"}),
    ("model.file", "../model.tflite"),
    ("model.size", 0),
    ("model.sha256", "0" * 63),
    ("model.sha256", "G" * 64),
]


def with_patches(size=3):
    """The manifest of a bundle whose rows are of two extractors and a patch network."""
    values = copy.deepcopy(VALUES)
    reads = values["features"]
    config, names = reads.pop("config"), reads.pop("names")
    slow = {**config, "hop_length": 2204, "segment_frames": 30, "segment_hop": 10}
    reads["parts"] = [
        {"config": config, "names": names[: -size - 2]},
        {"config": slow, "names": ["slow_1", "slow_2"]},
    ]
    values["patches"] = {
        "config": {**config, "output": "frames"},
        "names": ["log_mel_0", "log_mel_1"],
        "length": 120,
        "rows": 3,
        "size": size,
        "model": {"file": "patch.tflite", "size": 10, "sha256": "1" * 64},
        "tensors": {"inputs": {"x": "in:0"}, "outputs": {"embedding": "out:0"}},
    }
    return values


def test_parts_and_patches_are_taken_over():
    values = with_patches()
    manifest = Manifest.parse(values, "here")
    assert [part.names for part in manifest.parts] == [tuple(p["names"]) for p in values["features"]["parts"]]
    assert manifest.feature_names == (*NAMES[:-5], "slow_1", "slow_2", "patch_0", "patch_1", "patch_2")
    assert manifest.feature_version == VALUES["features"]["version"] + "+" + "1" * 12
    assert manifest.size == manifest.file.size + 10
    assert manifest.patches.frames.names == ("log_mel_0", "log_mel_1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features.parts", []),
        ("features.parts.1.names", [NAMES[0]]),
        ("features.parts.0.config", 3),
        ("patches.length", 0),
        ("patches.rows", 1.5),
        ("patches.size", 4),
        ("patches.names", []),
        ("patches.model.sha256", "x"),
        ("patches.tensors.inputs", {}),
        ("patches.tensors.outputs.embedding", ""),
    ],
)
def test_a_wrong_part_is_refused_by_name(field, value):
    values = with_patches()
    *parts, last = field.split(".")
    place = values
    for part in parts:
        place = place[int(part) if part.isdecimal() else part]
    place[last] = value
    named = {"patches.size": r"normalisation\.", "patches.tensors.inputs": r"patches\.tensors\.inputs\.x"}
    with pytest.raises(BundleError, match=named.get(field, re.escape(field))):
        Manifest.parse(values, "here")


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(SIX_MOODS, tmp_path / "bundle"))


def test_the_manifest_is_taken_over_as_it_is():
    manifest = read_manifest(SIX_MOODS)
    assert manifest.labels == tuple(VALUES["labels"])
    assert manifest.feature_names == tuple(NAMES)
    assert manifest.normalisation.to_dict() == VALUES["normalisation"]
    assert manifest.file.size == (SIX_MOODS / "model.tflite").stat().st_size


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named(field):
    with pytest.raises(BundleError, match=f"here: manifest field '{field}' is missing"):
        Manifest.parse(without(field), "here")


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(BundleError, match=f"here: manifest field '{field}"):
        Manifest.parse(changed(field, value), "here")


@pytest.mark.parametrize("values", [None, [], 3, "manifest", {}])
def test_what_is_no_manifest_is_refused(values):
    with pytest.raises(BundleError, match="manifest field"):
        Manifest.parse(values, "here")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nonsense", "\x00"])
def test_what_is_not_json_is_refused(bundle, text):
    (bundle / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json is not JSON"):
        mood.load(str(bundle))


ODD = [None, True, -1, 0, 10**400, 1e308, math.nan, -math.inf, "", "\0", "x" * 10_000, [], [[]], [None], {}, {"": {}}]


@given(st.sampled_from(REQUIRED), st.sampled_from(ODD))
def test_odd_values_are_taken_or_refused_by_name_and_nothing_else(field, value):
    try:
        Manifest.parse(changed(field, value), "here")
    except BundleError as error:
        assert "manifest field" in str(error)


def test_a_folder_without_manifest_or_model_is_refused(bundle):
    (bundle / "model.tflite").unlink()
    with pytest.raises(BundleError, match=r"model\.tflite cannot be read"):
        mood.load(str(bundle))
    (bundle / "manifest.json").unlink()
    with pytest.raises(BundleError, match=r"no readable manifest\.json"):
        mood.load(str(bundle))


def test_any_changed_byte_is_noticed(bundle):
    path = bundle / "model.tflite"
    content = bytearray(path.read_bytes())
    manifest = read_manifest(bundle)
    for place in [*range(0, len(content), 997), len(content) - 1]:
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(BundleError, match=r"model\.sha256"):
            read_model(bundle, manifest.file)
        content[place] ^= 1
    path.write_bytes(content)
    assert read_model(bundle, manifest.file) == bytes(content)


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b""])
def test_another_size_is_noticed(bundle, change):
    path = bundle / "model.tflite"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BundleError, match=r"model\.size"):
        mood.load(str(bundle))


def test_the_interpreter_never_sees_a_damaged_file(bundle, monkeypatch):
    path = bundle / "model.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    monkeypatch.setattr(mood, "Network", lambda *_: pytest.fail("the interpreter was handed a damaged model"))
    with pytest.raises(BundleError, match="damaged"):
        mood.load(str(bundle))


def test_a_file_that_is_no_model_is_refused_even_with_the_right_hash(bundle):
    content = b"not a flatbuffer" * 100
    (bundle / "model.tflite").write_bytes(content)
    values = copy.deepcopy(VALUES)
    values["model"] |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (bundle / "manifest.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(BundleError, match="runtime refuses the model"):
        mood.load(str(bundle))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("tensors.inputs.x", "nowhere", "tensors.inputs.x"),
        ("tensors.outputs.salience", "nowhere", "tensors.outputs.salience"),
        ("labels", ["one", "two"], "tensors.outputs.probs"),
        ("vector_size", 3, "tensors.outputs.vector"),
        ("window.segments", 400, "tensors.inputs.x"),
    ],
)
def test_a_manifest_that_does_not_fit_its_model_is_refused(bundle, field, value, named):
    (bundle / "manifest.json").write_text(json.dumps(changed(field, value)), encoding="utf-8")
    with pytest.raises(BundleError, match=named):
        mood.load(str(bundle))


def test_normalisation_maps_the_learned_range_and_cuts_beyond_it():
    normalisation = Normalisation(
        ("linear", "log", "signed_log"),
        (0.0, 0.01, 0.0),
        (0.0, np.log(0.01), -np.log(10)),
        (10.0, 0.0, np.log(10)),
        2,
        3,
    )
    values = np.array([[0, 0, -9], [10, 1, 9], [5, 0.1, 0], [1e9, -5, -1e9]], dtype=np.float32)
    expected = [[-2, -2, -2], [2, 2, 2], [0, 0, 0], [3, -2, -3]]
    assert normalisation(values) == pytest.approx(np.array(expected), abs=1e-6)
    assert normalisation(values).dtype == np.float32


@pytest.mark.parametrize(
    ("text", "key"), [("2.14.0", (2, 14, 0)), ("2.14.0rc1", (2, 14, 0)), ("3", (3,)), ("v1", ()), ("", ())]
)
def test_versions_compare_by_their_numbers(text, key):
    assert version_key(text) == key
