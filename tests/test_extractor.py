"""Properties of the extractor: chunking, lengths, kinds of input, faults, state, threads, configuration errors."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from time import perf_counter

import numpy as np
import pytest
import signals
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemood import features
from edgemood.errors import ConfigError, NotFiniteError

FRAMES = features.FeatureConfig(
    output="frames",
    sample_rate=8000,
    frame_length=64,
    hop_length=40,
    n_fft=64,
    n_mels=10,
    mel_fmax_hz=4000.0,
    f0_min_hz=200.0,
    f0_max_hz=1000.0,
    lpc_order=6,
    lpc_fmax_hz=4000.0,
    segment_frames=5,
    segment_hop=3,
)
SEGMENTS = replace(FRAMES, output="segments")
SPAN, HOP = 120, 40  # three periods of 200 Hz at 8 kHz
TONAL_SPAN = 1024  # the power of two nearest to 0.14 s
TONAL_NAMES = tuple(
    info.name for info in features.descriptors() if features.Extractor(FRAMES, [info.name]).row_length == TONAL_SPAN
)
FRAME_NAMES = (*(i.name for i in features.descriptors() if i.name not in TONAL_NAMES), "mfcc_1", "mfcc_9")
SEGMENT_NAMES = (
    *("mfcc_1_mean", "f0_median", "hnr_sd", "spectral_flux_mean", "energy_slope", "zcr_kurtosis"),
    *("mfcc_1_delta_sd", "f0_delta_sd", "modulation_1_4"),
)
TONAL_FRAMES = replace(FRAMES, hop_length=160)
HARMONY = replace(SEGMENTS, hop_length=160)
HARMONY_NAMES = ("relative_chroma_0", "relative_chroma_7", "chroma_interval_5", "chroma_change_mean", "f0_mean")
KINDS = [(FRAMES, FRAME_NAMES), (SEGMENTS, SEGMENT_NAMES), (TONAL_FRAMES, TONAL_NAMES), (HARMONY, HARMONY_NAMES)]
KIND_IDS = ["frames", "segments", "tonal", "harmony"]

seeded = settings(derandomize=True, deadline=None, database=None, max_examples=50)


def run(extractor, *pushes):
    return np.concatenate([extractor.push(x) for x in pushes] + [extractor.finish()])


def whole(x, config=FRAMES, names=FRAME_NAMES):
    return run(features.Extractor(config, names), x)


def assert_same_bits(a, b):
    assert a.dtype == b.dtype == np.float32
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def expected_rows(n, config):
    span = SPAN if config.hop_length == HOP else TONAL_SPAN
    frames = max(0, (n - span) // config.hop_length + 1)
    if config.output == "frames":
        return frames
    return max(0, (frames - config.segment_frames) // config.segment_hop + 1)


# --- Chunking ----------------------------------------------------------------------------------------------------


@seeded
@given(cuts=st.lists(st.integers(0, 4000), max_size=12), kind=st.sampled_from(KINDS))
def test_rows_do_not_depend_on_how_the_samples_were_cut(cuts, kind):
    x = signals.music(8000, 0.5)
    pieces = np.split(x, np.sort(cuts))  # equal cuts give empty pushes
    assert_same_bits(run(features.Extractor(*kind), *pieces), whole(x, *kind))


@pytest.mark.parametrize("size", [1, 2, 39, 40, 41, 119, 120, 121, 1000])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_pushes_of_one_size(kind, size):
    x = signals.plucks(8000, 0.3)
    pieces = [x[i : i + size] for i in range(0, len(x), size)]
    assert_same_bits(run(features.Extractor(*kind), *pieces), whole(x, *kind))


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_drained_rows_are_the_same_and_wait_for_nothing(kind):
    x = signals.plucks(8000, 0.3)
    extractor, rows = features.Extractor(*kind), []
    for start in range(0, len(x), 130):
        rows += [extractor.push(x[start : start + 130]), extractor.drain()]
        heard = min(len(x), start + 130)
        there = max(0, (heard - extractor.row_length) // extractor.row_hop + 1)
        assert sum(map(len, rows)) == there
    assert len(extractor.finish()) == 0
    assert_same_bits(np.concatenate(rows), whole(x, *kind))
    with pytest.raises(ConfigError, match="finished"):
        extractor.drain()


def test_hop_longer_than_the_frame_and_single_samples():
    config = replace(FRAMES, hop_length=333)
    x = signals.noise(8000, 0.3)
    assert_same_bits(run(features.Extractor(config, FRAME_NAMES), *x[:, None]), whole(x, config))


@pytest.mark.parametrize(
    ("names", "config"),
    [
        ("lld50", features.FeatureConfig()),
        ("lld84", features.FeatureConfig()),
        ("harmony", features.FeatureConfig(hop_length=2204, segment_frames=30, segment_hop=10)),
    ],
)
def test_sets_in_blocks_of_the_decoder(names, config):
    x = signals.music(22050, 7.0)
    expected = whole(x, config, names)
    assert len(expected) == 4
    for size in (551, 4096, 50000):
        pieces = [x[i : i + size] for i in range(0, len(x), size)]
        assert_same_bits(run(features.Extractor(config, names), *pieces), expected)


# --- Lengths and places ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
@pytest.mark.parametrize("n", [0, 1, 63, 64, SPAN - 1, SPAN, SPAN + HOP - 1, SPAN + HOP, SPAN + 4 * HOP, 1999, 2000])
def test_only_whole_rows_come_out(kind, n):
    assert whole(signals.noise(8000)[:n], *kind).shape == (expected_rows(n, kind[0]), len(kind[1]))


@seeded
@given(n=st.integers(0, 3000), hop=st.integers(1, 200), frames=st.integers(1, 9), segment_hop=st.integers(1, 9))
def test_the_number_of_rows_follows_the_formula(n, hop, frames, segment_hop):
    config = replace(SEGMENTS, hop_length=hop, segment_frames=frames, segment_hop=segment_hop)
    extractor = features.Extractor(config, ["zcr_mean", "mfcc_1_mean"])
    assert extractor.row_length == (frames - 1) * hop + 64
    assert extractor.row_hop == segment_hop * hop
    count = max(0, (n - 64) // hop + 1)
    count = max(0, (count - frames) // segment_hop + 1)
    assert run(extractor, signals.noise(8000)[:n]).shape == (count, 2)


def test_a_segment_comes_with_its_last_sample():
    x = signals.music(22050, 8.0)
    extractor = features.Extractor()
    ends = [extractor.row_length + i * extractor.row_hop for i in range(5)]
    for start, end in zip([0, *ends], ends, strict=False):
        assert len(extractor.push(x[start : end - 1])) == 0
        assert len(extractor.push(x[end - 1 : end])) == 1


def test_row_length_and_hop_of_frames():
    extractor = features.Extractor(FRAMES, FRAME_NAMES)
    assert (extractor.row_length, extractor.row_hop) == (SPAN, HOP)
    assert tuple(extractor.names) == FRAME_NAMES
    assert features.Extractor(FRAMES, ["zcr"]).row_length == 64


@pytest.mark.parametrize("shift", [1, 3, 8, 17])
def test_a_frame_does_not_depend_on_where_it_lies(shift):
    """Frames are computed in blocks: the same samples give the same bits in every place of a block."""
    x = signals.music(8000, 0.5)
    later = whole(np.concatenate([np.zeros(shift * HOP, np.float32), x]))
    flux = FRAME_NAMES.index("spectral_flux")  # looks at the frame before, which only the later run has
    here, there = whole(x), later[shift:]
    here[0, flux] = there[0, flux]
    assert_same_bits(here, np.ascontiguousarray(there))


# --- Columns -----------------------------------------------------------------------------------------------------


@seeded
@given(names=st.lists(st.sampled_from([n for n in FRAME_NAMES if n not in ("f0", "hnr")]), min_size=1, unique=True))
def test_columns_do_not_influence_each_other(names):
    """Without F0 and HNR the span is that of the short frame, so the rows are the same ones."""
    every = [name for name in FRAME_NAMES if name not in ("f0", "hnr")]
    x = signals.music(8000, 0.3)
    full = whole(x, FRAMES, every)
    assert_same_bits(whole(x, FRAMES, names), np.ascontiguousarray(full[:, [every.index(name) for name in names]]))


@seeded
@given(names=st.permutations(FRAME_NAMES).map(lambda names: names[: len(names) // 2]))
def test_columns_beside_pitch_do_not_influence_each_other(names):
    names = ["f0", *(name for name in names if name != "f0")]
    x = signals.music(8000, 0.3)
    full = whole(x)
    assert_same_bits(
        whole(x, FRAMES, names), np.ascontiguousarray(full[:, [FRAME_NAMES.index(name) for name in names]])
    )


@settings(seeded, max_examples=12)
@given(names=st.lists(st.sampled_from(features.set_names("lld50")), min_size=1, max_size=10))
def test_columns_of_segments_in_any_order_and_repeated(names):
    every = features.set_names("lld50")
    names = ["f0_mean", *names]
    x = signals.music(22050, 3.5)
    full = whole(x, features.FeatureConfig(), "lld50")
    part = whole(x, features.FeatureConfig(), names)
    assert_same_bits(part, np.ascontiguousarray(full[:, [every.index(name) for name in names]]))


# --- Kinds of input ----------------------------------------------------------------------------------------------


def test_strided_and_reversed_views_give_the_values_of_their_samples():
    stereo = np.stack([signals.music(8000, 0.3), signals.noise(8000, 0.3)], axis=1)
    assert_same_bits(whole(stereo[:, 0]), whole(stereo[:, 0].copy()))
    assert_same_bits(whole(stereo[::-1, 1]), whole(stereo[::-1, 1].copy()))


def test_read_only_and_byte_swapped_samples():
    x = signals.music(8000, 0.3)
    frozen = x.copy()
    frozen.flags.writeable = False
    assert_same_bits(whole(frozen), whole(x))
    assert_same_bits(whole(x.astype(">f4")), whole(x))


def test_the_input_is_not_kept():
    x = signals.music(8000, 0.3)
    expected = whole(x)
    extractor = features.Extractor(FRAMES, FRAME_NAMES)
    buffer, rows = np.empty(100, np.float32), []
    for i in range(0, len(x), 100):
        buffer[: len(x[i : i + 100])] = x[i : i + 100]
        rows.append(extractor.push(buffer[: len(x[i : i + 100])]))
        buffer[:] = 9
    assert_same_bits(np.concatenate([*rows, extractor.finish()]), expected)


# --- Faults ------------------------------------------------------------------------------------------------------


@seeded
@given(at=st.integers(0, 999), bad=st.sampled_from([np.nan, np.inf, -np.inf]), kind=st.sampled_from(KINDS))
def test_nan_and_infinity_are_refused_and_change_nothing(at, bad, kind):
    x = signals.music(8000, 0.5)
    poisoned = x[1000:2000].copy()
    poisoned[at] = bad
    extractor = features.Extractor(*kind)
    first = extractor.push(x[:1000])
    with pytest.raises(NotFiniteError, match=f"sample {1000 + at} "):
        extractor.push(poisoned)
    assert_same_bits(np.concatenate([first, run(extractor, x[1000:])]), whole(x, *kind))


@pytest.mark.parametrize("at", [0, 20_000, 39_999])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_a_late_nan_takes_back_what_a_long_push_had_begun(kind, at):
    x = signals.music(8000, 6.0)
    poisoned = x[5000:45000].copy()
    poisoned[at] = np.nan
    extractor = features.Extractor(*kind)
    first = extractor.push(x[:5000])
    with pytest.raises(NotFiniteError, match=f"sample {5000 + at} "):
        extractor.push(poisoned)
    assert_same_bits(np.concatenate([first, run(extractor, x[5000:])]), whole(x, *kind))


def test_two_threads_at_once_are_refused():
    """The interpreter's lock is released while the core works: a second caller must not get in."""
    extractor, refused = features.Extractor(), []
    x = signals.music(22050, 60.0)

    def push():
        for _ in range(20):
            try:
                extractor.push(x)
            except ConfigError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    assert all("another thread" in message for message in refused)


@pytest.mark.parametrize("level", [1e30, 3.4e38, -3.4e38])
def test_absurdly_large_samples_harm_no_other_frame(level):
    x = signals.noise(8000, 0.5)
    spiked = x.copy()
    spiked[2000] = level
    clean, dirty = whole(x), whole(spiked)
    starts = np.arange(len(clean)) * HOP
    before, after = starts + SPAN <= 2000, starts > 2000 + HOP  # the flux of the frame after looks at the frame before
    assert_same_bits(clean[before], dirty[before])
    alone = [i for i, name in enumerate(FRAME_NAMES) if name not in {"f0", "hnr"}]
    assert_same_bits(clean[after][:, alone], dirty[after][:, alone])
    same = (clean == dirty).all(1)  # the path through the pitch candidates starts anew and joins the other one
    assert same[np.flatnonzero(after)[20:]].all()


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_absurdly_large_signals_do_not_crash(kind):
    x = np.full(2000, 1e30, np.float32)
    x[::2] *= -1
    assert whole(x, *kind).shape == (expected_rows(2000, kind[0]), len(kind[1]))


def test_samples_far_out_of_range_still_give_finite_values():
    assert np.isfinite(whole(np.float32(1e15) * signals.noise(8000, 0.5))).all()
    for kind in KINDS[1:]:
        assert np.isfinite(whole(np.float32(1e15) * signals.noise(8000, 0.5), *kind)).all()


@pytest.mark.parametrize("level", [1e-38, 1e-42, 1e-45])
def test_denormals_are_silence(level):
    x = (np.sign(signals.noise(8000)) * np.float32(level)).astype(np.float32)
    rows = dict(zip(FRAME_NAMES, whole(x).T, strict=True))
    assert all(np.isfinite(values).all() for values in rows.values())
    assert not rows["f0"].any() and not rows["formant_1"].any()
    np.testing.assert_allclose(rows["hnr"], -40)
    np.testing.assert_allclose(rows["spectral_flatness"], 1, rtol=1e-4)
    np.testing.assert_allclose(whole(x, TONAL_FRAMES, TONAL_NAMES), 0, atol=1e-4)


@seeded
@given(values=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=300), length=st.integers(TONAL_SPAN, 1700))
def test_any_signal_gives_finite_tonal_values_in_range(values, length):
    infos = {info.name: info for info in features.descriptors()}
    x = np.resize(np.array(values, np.float32), length)
    for name, column in zip(TONAL_NAMES, whole(x, TONAL_FRAMES, TONAL_NAMES).T, strict=True):
        assert np.isfinite(column).all(), name
        assert (column >= infos[name].minimum).all() and (column <= infos[name].maximum).all(), name


@seeded
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=SPAN, max_size=600).map(lambda values: np.array(values, np.float32))
)
def test_any_signal_gives_finite_values_in_range(x):
    infos = {info.name: info for info in features.descriptors()}
    for name, values in zip(FRAME_NAMES, whole(x).T, strict=True):
        assert np.isfinite(values).all(), name
        if name not in ("mfcc_0", "mfcc_1", "mfcc_9"):
            assert (values >= infos[name].minimum).all() and (values <= infos[name].maximum).all(), name


@pytest.mark.parametrize("samples", [np.zeros((10, 2), np.float32), "music", None, [[1.0], [2.0]]])
def test_what_is_not_one_row_of_samples_is_refused(samples):
    extractor = features.Extractor(FRAMES, FRAME_NAMES)
    with pytest.raises((TypeError, ValueError)):
        extractor.push(samples)


@pytest.mark.parametrize("kind", [np.int16, np.uint8, bool, complex, object, str])
def test_samples_that_are_not_floats_are_refused(kind):
    """Integer PCM is not in [-1, 1]: taken as it is, it would give values that only look right."""
    with pytest.raises(ConfigError, match=np.dtype(kind).name):
        features.Extractor(FRAMES, FRAME_NAMES).push(np.zeros(10, kind))


def test_double_and_half_precision_are_rounded():
    x = signals.music(8000, 0.3)
    assert_same_bits(whole(x.astype(np.float64)), whole(x))
    assert_same_bits(whole(x.astype(np.float16)), whole(x.astype(np.float16).astype(np.float32)))
    with pytest.raises(NotFiniteError, match="sample 1 "):
        features.Extractor(FRAMES, FRAME_NAMES).push(np.array([0.0, 1e300]))


# --- State -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_reset_is_a_fresh_start(kind):
    extractor = features.Extractor(*kind)
    x, other = signals.music(8000, 0.4), signals.noise(8000, 0.21)
    expected = whole(x, *kind)
    for leave in (lambda: extractor.push(other), lambda: run(extractor, other), extractor.reset):
        extractor.reset()
        leave()
        extractor.reset()
        assert_same_bits(run(extractor, x), expected)


def test_finish_ends_the_signal():
    extractor = features.Extractor(FRAMES, FRAME_NAMES)
    run(extractor, signals.noise(8000, 0.1))
    with pytest.raises(ConfigError, match="finish"):
        extractor.push(signals.noise(8000, 0.1))
    with pytest.raises(ConfigError, match="finish"):
        extractor.finish()
    extractor.reset()
    assert len(run(extractor, signals.noise(8000, 0.1)))


def test_extractors_are_independent():
    x, y = signals.music(8000, 0.4), signals.noise(8000, 0.4)
    one, two = features.Extractor(FRAMES, FRAME_NAMES), features.Extractor(SEGMENTS, SEGMENT_NAMES)
    rows = [(one.push(x[i : i + 100]), two.push(y[i : i + 100])) for i in range(0, len(x), 100)]
    assert_same_bits(np.concatenate([r for r, _ in rows] + [one.finish()]), whole(x))
    assert_same_bits(np.concatenate([r for _, r in rows] + [two.finish()]), whole(y, SEGMENTS, SEGMENT_NAMES))


def test_threads_give_the_same_bits():
    songs = [signals.noise(22050, 4.0) * np.float32(gain) for gain in (0.1, 0.3, 0.5, 0.7, 0.9, 1.1)]
    one_by_one = [whole(x, features.FeatureConfig(), "lld50") for x in songs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: whole(x, features.FeatureConfig(), "lld50"), songs))
    for a, b in zip(one_by_one, together, strict=True):
        assert_same_bits(a, b)


def test_the_gil_is_released():
    """While one thread pushes, this one must get on: it looks at the clock in the middle of the push."""
    extractor = features.Extractor(features.FeatureConfig(), "lld50")
    x = np.tile(signals.music(22050), 12)
    span = []

    def push():
        extractor.reset()
        span.append(perf_counter())
        extractor.push(x)
        span.append(perf_counter())

    for _ in range(5):  # a busy machine may not schedule this thread at once
        span.clear()
        thread = Thread(target=push)
        thread.start()
        looks = []
        while thread.is_alive():
            looks.append(perf_counter())
        quarter = (span[1] - span[0]) / 4
        if any(span[0] + quarter < look < span[1] - quarter for look in looks):
            return
    pytest.fail("no other thread ran during push")
