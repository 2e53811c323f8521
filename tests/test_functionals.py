"""Every functional of the native table: over the native frames' own values, and end to end on ``lld50``."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import reference
import signals
from reference import segments
from reference.sets import functional_rows

from edgemood import features

SMALL = reference.Config(segment_frames=20, segment_hop=7)
# One descriptor that is smooth, one that is discrete, one with a wide range, and all that can be absent.
BASES = ("energy", "zcr", "spectral_rolloff", "mfcc_1", "f0", "formant_2")


def rows(x, config, names, output):
    extractor = features.Extractor(features.FeatureConfig(output=output, **asdict(config)), names)
    return np.concatenate([extractor.push(x), extractor.finish()])


def mismatches(x, config, bases, functionals):
    """(column, segment, native, expected) where native is not the functional of the native frames' own values."""
    bases_of_columns = [base for base in bases for _ in functionals]
    columns = [f"{base}_{functional}" for base in bases for functional in functionals]
    frames = rows(x, config, bases_of_columns, "frames").astype(np.float64)
    native, expected = rows(x, config, columns, "segments"), functional_rows(frames, columns, config)
    assert native.shape == expected.shape and len(native) > 0
    scale = np.array([scale_of(column, values) for column, values in zip(columns, frames.T, strict=True)])
    wrong = np.argwhere(~(np.abs(native - expected) <= 1e-5 * scale + 1e-4 * np.abs(expected)))
    return [(columns[c], s, native[s, c], expected[s, c]) for s, c in wrong]


def scale_of(column, values):
    """What an error is measured against: the size of the values that went in, or 1 where the result has no unit."""
    if column.endswith(("skewness", "kurtosis", "share")):
        return 1.0
    return np.abs(values).max() * (1 / 0.025 if column.endswith("slope") else 1)


def test_the_table_is_that_of_the_reference():
    assert set(features.functionals()) == set(reference.FUNCTIONALS)


@pytest.mark.parametrize("signal_name", signals.SIGNALS)
def test_functionals_of_the_frames(signal_name):
    """Given the same float32 frames only the functional's own rounding is left."""
    assert mismatches(signals.SIGNALS[signal_name](22050), SMALL, BASES, features.functionals()) == []


@pytest.mark.parametrize(("segment_frames", "segment_hop"), [(1, 1), (2, 1), (5, 5), (3, 11), (33, 4), (1, 8)])
def test_segments_of_any_shape(segment_frames, segment_hop):
    config = replace(SMALL, segment_frames=segment_frames, segment_hop=segment_hop)
    assert mismatches(signals.plucks(22050, 1.2), config, ("energy", "f0"), features.functionals()) == []


def test_a_constant_has_no_shape():
    columns = [f"energy_{name}" for name in ("sd", "range", "skewness", "kurtosis", "slope", "low_share")]
    native = rows(signals.dc(22050, level=0.3), SMALL, columns, "segments")
    np.testing.assert_allclose(native, 0, atol=1e-3)
    assert not native[:, 2:4].any()


def test_delta_sd_takes_neighbours_that_both_count():
    config = replace(SMALL, segment_frames=40, segment_hop=1)
    x = signals.vowel(22050, 2.0) * np.repeat([1.0, 0.0, 1.0], 14700).astype(np.float32)
    f0, expected = rows(x, config, ["f0"], "frames")[:, 0], rows(x, config, ["f0_delta_sd"], "segments")[:, 0]
    assert 0 < np.mean(f0 > 0) < 1
    for s, value in enumerate(expected):
        segment = f0[s : s + 40].astype(float)
        steps = np.diff(segment)[(segment[1:] > 0) & (segment[:-1] > 0)]
        assert value == pytest.approx(steps.std() if len(steps) else 0.0, rel=1e-4, abs=1e-4)


def test_lld50_is_that_of_the_method():
    assert tuple(features.set_names("lld50")) == reference.LLD50


def test_lld50_end_to_end():
    """The means forgive the odd frame whose discrete choice flips; extremes of F0 do not, hence 98 % there."""
    config = reference.Config()
    x = signals.music(22050)
    native = rows(x, config, "lld50", "segments")
    expected = reference.segment_rows(x, config, reference.LLD50)
    assert native.shape == expected.shape == (7, 50)
    spread = np.maximum(np.abs(expected).max(0), 1e-3)
    close = np.abs(native - expected) <= 1e-3 * spread
    assert close.mean() >= 0.98, [(reference.LLD50[c], s, native[s, c], expected[s, c]) for s, c in np.argwhere(~close)]


def harmony_config():
    """Frames every 100 ms, as a model takes the tonal columns."""
    return reference.Config(hop_length=2204, segment_frames=30, segment_hop=10)


def rotated_alike(native, x, config):
    """Rows of relative chroma that begin at a tonic which fits as well as the best: an argmax has no tolerance."""
    frames = reference.frame_rows(x, config, [f"chroma_{i}" for i in range(12)])
    for s, row in enumerate(native):
        chromas = frames[s * config.segment_hop :][: config.segment_frames]
        scores = segments.tonic_scores(segments.mean_chroma(chromas))
        tonics = np.flatnonzero(scores >= scores.max() - 1e-4)
        yield any(np.allclose(row, segments.relative_chroma(chromas, k), atol=1e-4) for k in tonics)


@pytest.mark.parametrize("signal_name", ["music", "chord", "noise", "plucks", "silence", "tiny", "clipped"])
def test_harmony_end_to_end(signal_name):
    config, x = harmony_config(), np.tile(signals.SIGNALS[signal_name](22050), 4)
    native, expected = rows(x, config, "harmony", "segments"), reference.segment_rows(x, config, reference.HARMONY)
    assert native.shape == expected.shape
    assert len(native) >= 1
    relative = [c for c, name in enumerate(reference.HARMONY) if name.startswith("relative")]
    others = [c for c in range(len(reference.HARMONY)) if c not in relative]
    np.testing.assert_allclose(native[:, others], expected[:, others], rtol=1e-3, atol=1e-3)
    assert all(rotated_alike(native[:, relative], x, config))


@pytest.mark.parametrize("signal_name", ["music", "noise", "vowel", "silence", "fade"])
def test_modulation_of_the_reference(signal_name):
    config, x = reference.Config(), np.tile(signals.SIGNALS[signal_name](22050), 4)
    names = [name for name in reference.LLD84 if name.startswith("modulation")]
    native, expected = rows(x, config, names, "segments"), reference.segment_rows(x, config, names)
    assert len(native) >= 1
    np.testing.assert_allclose(native, expected, atol=2e-3)


@pytest.mark.parametrize(("segment_frames", "segment_hop"), [(1, 1), (2, 5), (33, 4), (40, 7), (47, 50)])
def test_descriptors_of_segments_of_any_shape(segment_frames, segment_hop):
    config = replace(SMALL, n_mels=23, hop_length=441, segment_frames=segment_frames, segment_hop=segment_hop)
    names = ["modulation_1_1", "modulation_2_2", "modulation_5_4", "chroma_interval_5", "mfcc_2_delta_sd"]
    x = signals.music(22050, 2.0)
    expected = reference.segment_rows(x, config, names)
    np.testing.assert_allclose(rows(x, config, names, "segments"), expected, atol=2e-3)


def test_modulation_is_where_the_beat_is():
    """A tone that swells four times a second: its power is in the band from 3.5 to 7.8 Hz."""
    t = np.arange(4 * 22050) / 22050
    x = (signals.noise(22050, 4.0) * (1 + 0.8 * np.sin(2 * np.pi * 5 * t))).astype(np.float32)
    values = rows(x, reference.Config(), [f"modulation_3_{b}" for b in range(1, 5)], "segments")
    assert (values.argmax(1) == 2).all()


@pytest.mark.parametrize(("third", "present", "absent"), [(4, 4, 3), (3, 3, 4)])
@pytest.mark.parametrize("tonic", [0, 5, 8])
def test_relative_chroma_knows_major_from_minor_in_every_key(tonic, third, present, absent):
    note = lambda s: signals.sine(22050, 4.0, 220.0 * 2 ** ((tonic + s) / 12), 0.2)  # noqa: E731
    chroma = rows(
        note(0) + note(third) + note(7), harmony_config(), [f"relative_chroma_{i}" for i in range(12)], "segments"
    )
    np.testing.assert_allclose(chroma[:, [0, present, 7]], 1 / 3, atol=0.05)
    assert chroma[:, absent].max() < 0.02


def test_descriptors_of_segments_lie_in_their_ranges():
    infos = {segments.stem(info.name): info for info in features.segment_descriptors()}
    assert set(infos) == set(segments.NEEDS)
    columns = list(segments.COLUMNS)
    for signal_name in signals.SIGNALS:
        x = np.tile(signals.SIGNALS[signal_name](22050), 4)
        for name, values in zip(columns, rows(x, reference.Config(), columns, "segments").T, strict=True):
            info = infos[segments.stem(name)]
            assert np.isfinite(values).all() and len(values), (signal_name, name)
            assert (values >= info.minimum).all() and (values <= info.maximum).all(), (signal_name, name)


def test_the_sets_are_those_of_the_reference():
    assert features.set_names("lld84") == reference.LLD84
    assert features.set_names("harmony") == reference.HARMONY
    assert (len(reference.LLD84), len(reference.HARMONY)) == (84, 29)


def test_lld50_has_the_same_bits_within_lld84():
    x = signals.music(22050, 5.0)
    part = rows(x, reference.Config(), "lld84", "segments")[:, :50]
    np.testing.assert_array_equal(part, rows(x, reference.Config(), "lld50", "segments"))


def test_extract_gives_the_rows_with_their_times():
    x = signals.music(22050, 5.0)
    config = features.FeatureConfig()
    sequence = features.extract([x[:30000], x[30000:]], config, "lld50")
    np.testing.assert_array_equal(sequence.values, rows(x, reference.Config(), "lld50", "segments"))
    assert sequence.names == reference.LLD50
    assert sequence.version == features.VERSION
    np.testing.assert_allclose(sequence.start_s, np.arange(len(sequence.values)) * 40 * 551 / 22050)
    np.testing.assert_allclose(
        sequence.end_s - sequence.start_s, (119 * 551 + reference.Config().span(pitch=True)) / 22050
    )
    assert sequence.end_s[-1] <= 5.0


def test_extract_of_frames():
    config = features.FeatureConfig(output="frames")
    sequence = features.extract(iter([signals.noise(22050, 0.5)]), config, ["zcr", "energy"])
    assert sequence.names == ("zcr", "energy")
    np.testing.assert_allclose(np.diff(sequence.start_s), 551 / 22050)
    np.testing.assert_allclose(sequence.end_s - sequence.start_s, 662 / 22050)


def test_extract_of_nothing_is_empty():
    sequence = features.extract([], features.FeatureConfig(), "lld50")
    assert sequence.values.shape == (0, 50)
