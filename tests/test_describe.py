"""Rows of several extractors and of a patch network, joined."""

from dataclasses import dataclass

import numpy as np
import pytest
import signals

from edgemood import features
from edgemood.bundle import ModelFile, Part, Patches
from edgemood.describe import Describer
from edgemood.errors import ConfigError, NotFiniteError

FAST = features.FeatureConfig()
SLOW = features.FeatureConfig(hop_length=2204, segment_frames=30, segment_hop=10)
FRAMES = features.FeatureConfig(output="frames", n_mels=8)
MEL = tuple(f"log_mel_{i}" for i in range(8))
LAYOUT = Patches(Part(FRAMES.to_dict(), MEL), 120, 3, 2, ModelFile("patch.tflite", 1, "0" * 64), {}, {})


class Patch:
    """The mean of the first and the last value of a patch's first column, and how many patches there were."""

    layout = LAYOUT

    def __init__(self):
        self.count = 0

    def __call__(self, frames):
        assert frames.shape == (120, 8)
        self.count += 1
        return np.array([frames[0, 0] + frames[-1, 0], self.count], np.float32)


@dataclass
class Model:
    parts: tuple
    patches: Patch | None = None
    feature_version: str = features.VERSION + "+toy"

    @property
    def names(self):
        own = tuple(name for part in self.parts for name in part.names)
        return own + (self.patches.layout.names if self.patches else ())

    def require(self, version):
        assert version == features.VERSION


def part(config, *names):
    return Part(config.to_dict(), names)


ONE = (part(FAST, "mfcc_1_mean", "f0_mean"),)
TWO = (*ONE, part(SLOW, "zcr_mean", "energy_max"))


def test_one_part_is_its_extractor():
    x = signals.music(22050, 6.3)
    expected = features.extract([x], FAST, ONE[0].names)
    described = Describer(Model(ONE)).describe([x[:70000], x[70000:]])
    assert np.array_equal(described.values, expected.values)
    assert np.array_equal(described.start_s, expected.start_s)
    assert np.array_equal(described.end_s, expected.end_s)
    assert described.version == features.VERSION + "+toy"


@pytest.mark.parametrize("size", [551, 5000, 44100, 1_000_000])
def test_rows_do_not_depend_on_how_the_samples_were_cut(size):
    x = signals.music(22050, 9.4)
    parts = [features.extract([x], config, p.names).values for config, p in zip((FAST, SLOW), TWO, strict=True)]
    rows = min(map(len, parts))
    mel = features.extract([x], FRAMES, MEL).values[:, 0]
    patch = np.arange(rows) // 3
    embedding = np.stack([mel[patch * 120] + mel[patch * 120 + 119], patch + 1.0], axis=1)
    expected = np.concatenate([parts[0][:rows], parts[1][:rows], embedding], axis=1).astype(np.float32)
    got = Describer(Model(TWO, Patch())).describe(x[i : i + size] for i in range(0, len(x), size))
    assert got.names == ("mfcc_1_mean", "f0_mean", "zcr_mean", "energy_max", "patch_0", "patch_1")
    assert rows == 7
    assert np.array_equal(got.values, expected)


def test_a_row_waits_for_nothing_but_its_samples():
    x = signals.music(22050, 8.0)
    describer = Describer(Model(TWO, Patch()))
    given = 0
    for end in range(300, len(x), 300):
        given += len(describer.push(x[end - 300 : end]))
        assert given == max(0, (end - describer.row_length) // describer.row_hop + 1)


def test_it_can_begin_anew():
    x = signals.music(22050, 5.0)
    describer = Describer(Model(TWO, Patch()))
    first = describer.describe([x]).values
    describer.reset()
    describer.push(x[:30000])
    again = describer.describe([x]).values
    assert np.array_equal(first[:, :-1], again[:, :-1])  # the toy's last column counts on


def test_a_bad_sample_is_as_if_it_had_never_been():
    x = signals.music(22050, 5.0)
    describer = Describer(Model(TWO, Patch()))
    rows = [describer.push(x[:40000])]
    bad = x[40000:].copy()
    bad[20000] = np.nan
    with pytest.raises(NotFiniteError, match="sample 60000"):
        describer.push(bad)
    rows.append(describer.push(x[40000:]))
    assert np.array_equal(np.concatenate(rows), Describer(Model(TWO, Patch())).describe([x]).values)


def test_too_short_a_signal_has_no_rows():
    assert Describer(Model(TWO, Patch())).describe([np.zeros(60000, np.float32)]).values.shape == (0, 6)


@pytest.mark.parametrize(
    ("parts", "layout", "said"),
    [
        ((*ONE, part(features.FeatureConfig(segment_hop=20), "zcr_mean")), None, "'zcr_mean' do not come with"),
        ((part(FRAMES, "zcr"),), None, "'zcr' do not come with"),
        (ONE, Patches(LAYOUT.frames, 100, 3, 2, LAYOUT.file, {}, {}), "100 frames of 551 samples are not 3 of 22040"),
        (ONE, Patches(LAYOUT.frames, 240, 6, 2, LAYOUT.file, {}, {}), "behind the first of its rows"),
        (ONE, Patches(part(FAST, "zcr_mean"), 3, 3, 2, LAYOUT.file, {}, {}), "need frames"),
    ],
)
def test_parts_that_do_not_fit_together(parts, layout, said):
    patch = None
    if layout:
        patch = Patch()
        patch.layout = layout
    with pytest.raises(ConfigError, match=said):
        Describer(Model(parts, patch))
