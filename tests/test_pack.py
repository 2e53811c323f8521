"""Descriptors and timelines in few bytes: what is lost, and that it is lost once only."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up import LABELS, NAMES, features, mood

from edgemood._pack import pack_features, pack_timeline, rounded, unpack_features, unpack_timeline
from edgemood.domain import FeatureSequence, MoodSpan


def sequence(values: np.ndarray) -> FeatureSequence:
    rows = len(values)
    start_s = np.arange(rows) * 0.9995
    return FeatureSequence(values, start_s, start_s + 3, tuple(map(str, range(values.shape[1]))), "1")


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 9), st.integers(1, 5)), elements=st.floats(width=32)))
def test_what_was_rounded_comes_back_to_the_bit(values: np.ndarray) -> None:
    kept = rounded(sequence(values))
    back = unpack_features(pack_features(kept), kept.names, kept.version)
    assert back.values.dtype == np.float32
    assert back.values.tobytes() == kept.values.tobytes()
    assert back.start_s.tobytes() == kept.start_s.tobytes()
    assert back.end_s.tobytes() == kept.end_s.tobytes()
    again = rounded(back)
    assert again.values.tobytes() == kept.values.tobytes()
    assert again.start_s.tobytes() == kept.start_s.tobytes()


@given(hnp.arrays(np.float32, (1, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)))
def test_rounding_is_to_the_nearest_of_13_bits(values: np.ndarray) -> None:
    kept = rounded(sequence(values)).values.astype(np.float64)
    exact = values.astype(np.float64)
    assert np.all(np.abs(kept - exact) <= np.abs(exact) * 2.0**-13)
    mantissas, _ = np.frexp(kept)
    assert np.all(mantissas * 2**13 == np.rint(mantissas * 2**13))


def test_packing_an_unrounded_sequence_rounds_it() -> None:
    raw = features(3)
    back = unpack_features(pack_features(raw), NAMES, "9")
    np.testing.assert_array_equal(back.values, rounded(raw).values)
    assert not np.array_equal(back.values, raw.values)
    np.testing.assert_allclose(back.start_s, raw.start_s, atol=5.1e-7)


def test_four_minutes_are_small() -> None:
    rng = np.random.default_rng(0)
    assert len(pack_features(sequence(rng.normal(size=(240, 50)).astype(np.float32)))) < 28_000


@pytest.mark.parametrize("damage", [b"", b"\x01\x02", b"\x02" + bytes(20), "cut", "columns"])
def test_damage_is_told(damage: bytes | str) -> None:
    good = pack_features(features(1))
    if damage == "columns":
        with pytest.raises(ValueError, match="4 columns but 3 names"):
            unpack_features(good, NAMES[:3], "9")
        return
    data = good[:-9] if isinstance(damage, str) else damage
    with pytest.raises(ValueError, match=r"damaged|format"):
        unpack_features(data, NAMES, "9")


def test_timeline_comes_back_exactly() -> None:
    timeline = mood(5, spans=40).timeline
    assert unpack_timeline(pack_timeline(timeline, LABELS), LABELS) == tuple(timeline)
    assert unpack_timeline(pack_timeline((), LABELS), LABELS) == ()


def test_timeline_of_labels_without_a_plane_has_no_position() -> None:
    span = MoodSpan(0, 3, {"party": 0.25, "focus": 0.75}, None, None, 1.0)
    assert unpack_timeline(pack_timeline((span,), ("party", "focus")), ("party", "focus")) == (span,)


def test_timeline_of_other_labels_is_refused() -> None:
    span = MoodSpan(0, 3, {"party": 1.0}, None, None, math.pi / 4)
    with pytest.raises(ValueError, match="party"):
        pack_timeline((span,), ("focus",))
