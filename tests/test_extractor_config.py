"""Configuration of the extractor: what is refused is named, and whatever is accepted works."""

from dataclasses import replace

import numpy as np
import pytest
import signals
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemood import features
from edgemood.errors import ConfigError

SEGMENTS = features.FeatureConfig()
FRAMES = features.FeatureConfig(output="frames")

BAD_VALUES = [
    ("output", "rows"),
    ("sample_rate", 3999),
    ("sample_rate", 192001),
    ("sample_rate", -1),
    ("sample_rate", 2**40),
    ("sample_rate", 22050.5),
    ("sample_rate", "fast"),
    ("sample_rate", None),
    ("frame_length", 15),
    ("frame_length", 1025),
    ("hop_length", 0),
    ("hop_length", 65537),
    ("n_fft", 1000),
    ("n_fft", 16),
    ("n_fft", 32768),
    ("window", "kaiser"),
    ("preemphasis", -0.1),
    ("preemphasis", 1.1),
    ("preemphasis", float("nan")),
    ("n_mels", 0),
    ("n_mels", 257),
    ("mel_fmin_hz", -1.0),
    ("mel_fmin_hz", 10000.0),
    ("mel_fmax_hz", 11026.0),
    ("mel_fmax_hz", float("inf")),
    ("mel_edges", "round"),
    ("f0_min_hz", 0.0),
    ("f0_min_hz", 1000.0),
    ("f0_min_hz", 1e-30),
    ("f0_min_hz", 19.9),
    ("f0_max_hz", 5513.0),
    ("voicing_threshold", -0.1),
    ("voicing_threshold", 1.1),
    ("lpc_order", 3),
    ("lpc_order", 33),
    ("lpc_fmax_hz", 0.0),
    ("lpc_fmax_hz", float("nan")),
    ("segment_frames", 0),
    ("segment_hop", 0),
]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ConfigError, match=field):
        features.Extractor(features.FeatureConfig(**{field: value}), "lld50")


def test_lpc_fmax_above_half_the_sample_rate_counts_as_that():
    config = replace(FRAMES, sample_rate=8000, mel_fmax_hz=4000.0)
    x = signals.noise(8000, 1.0)
    rows = [features.Extractor(replace(config, lpc_fmax_hz=hz), ["formant_1"]).push(x) for hz in (4000.0, 5500.0, 9e9)]
    np.testing.assert_array_equal(rows[1], rows[0])
    np.testing.assert_array_equal(rows[2], rows[0])


@pytest.mark.parametrize(
    ("config", "names", "message"),
    [
        (SEGMENTS, "lld51", "lld51"),
        (SEGMENTS, ["mfcc_1_mode"], "mfcc_1_mode"),
        (SEGMENTS, ["loudness_mean"], "loudness_mean"),
        (SEGMENTS, ["zcr"], "zcr"),
        (SEGMENTS, ["zcr_mean", "mfcc_40_mean"], "mfcc_40"),
        (SEGMENTS, ["mfcc_01_mean"], "mfcc_01"),
        (SEGMENTS, ["mfcc__mean"], "mfcc_"),
        (SEGMENTS, ["mfcc_99999999999999999999_mean"], "mfcc_9999"),
        (SEGMENTS, ["relative_chroma_12"], "relative_chroma_12"),
        (SEGMENTS, ["modulation_6_1"], "modulation_6_1"),
        (SEGMENTS, ["modulation_1_1_mean"], "modulation_1_1_mean"),
        (SEGMENTS, ["band_level_0_mean"], "band_level_0"),
        (replace(SEGMENTS, segment_frames=2001), ["modulation_1_1"], "segment_frames = 2001"),
        (FRAMES, ["relative_chroma_0"], "relative_chroma_0"),
        (FRAMES, ["chroma_12"], "chroma_12"),
        (FRAMES, ["zcr_mean"], "zcr_mean"),
        (FRAMES, ["mfcc_40"], "mfcc_40"),
        (FRAMES, [""], "''"),
        (FRAMES, [], "no column"),
        (FRAMES, ["zcr\0energy"], "zcr"),
        (FRAMES, ["zcr", "zcr\ud800"], r"'zcr\\ud800'"),
        (SEGMENTS, "lld50\udcff", r"'lld50\\udcff'"),
    ],
)
def test_a_bad_name_is_refused_by_name(config, names, message):
    with pytest.raises(ConfigError, match=message):
        features.Extractor(config, names)


@pytest.mark.parametrize(
    ("name", "message"), [("no_such_set", "no_such_set"), ("lld50\0x", r"lld50\\x00x"), ("lld50\ud800", r"\\ud800")]
)
def test_unknown_set(name, message):
    with pytest.raises(ConfigError, match=message):
        features.set_names(name)
    with pytest.raises(ConfigError, match=message):
        features.set_config(name)


def test_config_round_trip():
    config = replace(FRAMES, window="hamming", mel_edges="bins")
    assert features.FeatureConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigError, match="hop_size"):
        features.FeatureConfig.from_dict({**config.to_dict(), "hop_size": 3})
    with pytest.raises(ConfigError, match="lpc_order"):
        features.FeatureConfig.from_dict({k: v for k, v in config.to_dict().items() if k != "lpc_order"})


@settings(derandomize=True, deadline=None, database=None, max_examples=30)
@given(st.data())
def test_any_configuration_in_range_works(data):
    """Whatever is accepted gives the promised rows, all finite."""
    draw = data.draw
    sample_rate = draw(st.integers(4000, 48000))
    n_fft = 2 ** draw(st.integers(5, 11))
    config = features.FeatureConfig(
        output=draw(st.sampled_from(["frames", "segments"])),
        sample_rate=sample_rate,
        frame_length=draw(st.integers(16, n_fft)),
        hop_length=draw(st.integers(50, 2000)),
        n_fft=n_fft,
        window=draw(st.sampled_from(["hann", "hamming", "rectangular"])),
        preemphasis=draw(st.floats(0, 1)),
        n_mels=draw(st.integers(2, 64)),
        mel_fmin_hz=draw(st.floats(0, 500)),
        mel_fmax_hz=draw(st.floats(600, sample_rate / 2)),
        mel_edges=draw(st.sampled_from(["exact", "bins"])),
        f0_min_hz=draw(st.floats(50, 200)),
        f0_max_hz=draw(st.floats(300, sample_rate / 4)),
        voicing_threshold=draw(st.floats(0, 1)),
        lpc_order=draw(st.integers(4, min(32, n_fft // 4))),  # the band must hold two bins for each pole
        lpc_fmax_hz=sample_rate / 2,
        segment_frames=draw(st.integers(1, 9)),
        segment_hop=draw(st.integers(1, 9)),
    )
    names = [info.name for info in features.descriptors()]
    if config.output == "segments":
        names = [f"{name}_{functional}" for name in names for functional in features.functionals()]
        names += [info.name for info in features.segment_descriptors()]
    extractor = features.Extractor(config, names)
    x = signals.noise(sample_rate, 0.3)
    rows = np.concatenate([extractor.push(x), extractor.finish()])
    assert rows.shape == (max(0, (len(x) - extractor.row_length) // extractor.row_hop + 1), len(names))
    assert np.isfinite(rows).all()
