"""Every functional of the native table: over the native frames' own values, and end to end on ``lld50``."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import reference
import signals
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
