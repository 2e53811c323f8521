"""Every descriptor of the native table against the float64 reference, against analytic signals and against peers.

The tests iterate the native table: a descriptor that is added there without a reference or a tolerance fails here.
"""

from dataclasses import asdict, dataclass, replace
from functools import cache

import librosa
import numpy as np
import pytest
import python_speech_features as psf
import reference
import scipy.signal
import signals

from edgemood import features

CONFIGS = {
    "default": reference.Config(),
    "speech": reference.Config(
        sample_rate=16000,
        frame_length=400,
        hop_length=160,
        n_fft=512,
        n_mels=26,
        mel_fmin_hz=0.0,
        mel_fmax_hz=8000.0,
        mel_edges="bins",
    ),
    "cd": reference.Config(
        sample_rate=44100,
        frame_length=1323,
        hop_length=1102,
        n_fft=2048,
        n_mels=64,
        mel_fmax_hz=16000.0,
        f0_min_hz=61.7,
        f0_max_hz=1500.0,
        lpc_order=16,
    ),
    "gaps": reference.Config(  # hop > frame, odd lengths, Hamming
        sample_rate=11025,
        frame_length=333,
        hop_length=1001,
        n_fft=512,
        window="hamming",
        n_mels=23,
        mel_fmax_hz=5000.0,
        lpc_fmax_hz=5000.0,
    ),
    "unpadded": reference.Config(  # n_fft = frame, frame longer than the pitch frame, rectangular, no pre-emphasis
        sample_rate=8000,
        frame_length=512,
        hop_length=300,
        n_fft=512,
        window="rectangular",
        preemphasis=0.0,
        n_mels=20,
        mel_fmax_hz=4000.0,
        f0_min_hz=80.0,
        f0_max_hz=500.0,
        lpc_order=8,
        lpc_fmax_hz=4000.0,
    ),
}


@dataclass(frozen=True)
class Tolerance:
    """|native - reference| <= atol + rtol |reference|, in at least `share` of a signal's frames."""

    rtol: float = 0.0
    atol: float = 0.0
    share: float = 1.0


TOLERANCES = {
    "mfcc": Tolerance(atol=1e-3),
    # A filter without signal holds the rounding of the others, 100 dB below them.
    "log_mel": Tolerance(atol=1e-2),
    "zcr": Tolerance(rtol=1e-6),
    "energy": Tolerance(rtol=1e-5, atol=1e-12),
    "spectral_centroid": Tolerance(rtol=1e-3),
    # A bin whose sum lies at the 85 % can fall on either side.
    "spectral_rolloff": Tolerance(rtol=1e-6, share=0.98),
    "spectral_flatness": Tolerance(rtol=1e-3),
    "spectral_flux": Tolerance(rtol=1e-4, atol=1e-6),
    # Two peaks of nearly one height, or one at the threshold, can be decided either way.
    "f0": Tolerance(rtol=1e-4, share=0.99),
    "hnr": Tolerance(atol=0.02, share=0.99),
    # A shallow peak of the envelope can vanish, and the next one takes its number.
    "formant": Tolerance(rtol=2e-3, share=0.98),
    # As log_mel.
    "band_level": Tolerance(atol=1e-2),
    "mel_envelope": Tolerance(atol=1e-3),
    # A peak as low as rounding can be missed or seen; it weighs as little as it is high.
    "chroma": Tolerance(atol=1e-4, share=0.99),
    "chroma_change": Tolerance(atol=1e-4, share=0.99),
    "tonal_centroid_change": Tolerance(atol=1e-4, share=0.99),
    "tonal_prominence": Tolerance(atol=1e-3),
    "tonal_peak_share": Tolerance(atol=1e-4, share=0.99),
    "tonal_tuning": Tolerance(atol=1e-3, share=0.99),
    # Two peaks of nearly one height can change places; one can be about as high as the limit.
    "roughness": Tolerance(atol=1e-4, share=0.98),
    "roughness_product": Tolerance(atol=1e-4, share=0.98),
    "roughness_vassilakis": Tolerance(atol=1e-3, share=0.98),
    "inharmonicity": Tolerance(atol=1e-3, share=0.98),
    "strongest_peak_share": Tolerance(atol=1e-4, share=0.98),
    "peak_centroid": Tolerance(rtol=1e-3, share=0.98),
}
FROM_PEAKS = {name.removesuffix("_0") for name in reference.NEEDS_TONAL_FRAME} - {"tonal_prominence"}
# Where a signal leaves a descriptor nothing but float32's rounding to go by. None: any value in range will do.
ILL_POSED = {
    # Most filters hold only the window's leakage, 100 dB below the sine.
    ("mfcc", "chirp"): Tolerance(atol=5e-3),
    ("mel_envelope", "chirp"): Tolerance(atol=5e-3),
    # Where peaks of noise are of one height, so are paths through them.
    ("hnr", "noise"): Tolerance(atol=0.01, share=0.9),
    ("hnr", "tiny"): Tolerance(atol=0.01, share=0.9),
    # An impulse where the window is all but 0 leaves a constant, whose r is 1 at every lag.
    ("f0", "impulses"): Tolerance(rtol=1e-4, share=0.95),
    ("hnr", "impulses"): Tolerance(atol=0.01, share=0.95),
    # Above the tonal band: what leaks into it lies 100 dB below.
    ("chroma", "chirp"): Tolerance(atol=1e-2),
    ("chroma_change", "chirp"): Tolerance(atol=1e-2),
    ("tonal_centroid_change", "chirp"): Tolerance(atol=2e-2),
    ("tonal_tuning", "chirp"): Tolerance(atol=1e-2),
    # The spectrum of one impulse is flat: rounding decides which of its bins are peaks.
    **dict.fromkeys(((family, "impulses") for family in TOLERANCES if family in FROM_PEAKS), None),
    # A sine beyond the band, a flat spectrum: no resonance in it.
    ("formant", "chirp"): None,
    ("formant", "impulses"): None,
}


def family(name):
    """'mfcc' of 'mfcc_7': the table lists a family by its first member."""
    stem, _, number = name.rpartition("_")
    return stem if number.isdigit() else name


def table_names(config):
    """Every frame-level column there can be, families in full."""
    sizes = {
        "mfcc": range(config.n_mels),
        "log_mel": range(config.n_mels),
        "formant": (1, 2),
        "band_level": range(1, 8),
        "mel_envelope": range(1, 6),
        "chroma": range(12),
    }
    families = [family(info.name) for info in features.descriptors()]
    return [
        column for name in families for column in ([f"{name}_{i}" for i in sizes[name]] if name in sizes else [name])
    ]


def native_rows(x, config, names):
    extractor = features.Extractor(features.FeatureConfig(output="frames", **asdict(config)), names)
    return np.concatenate([extractor.push(x), extractor.finish()])


@cache
def both(config_name, signal_name):
    """(native, reference) values of every column, as {name: [frames]}."""
    config = CONFIGS[config_name]
    names = table_names(config)
    x = signals.SIGNALS[signal_name](config.sample_rate)
    native, expected = native_rows(x, config, names), reference.frame_rows(x, config, names)
    assert native.dtype == np.float32
    assert native.shape == expected.shape
    return dict(zip(names, native.T, strict=True)), dict(zip(names, expected.T, strict=True))


def mismatches(native, expected, tolerance):
    """Indices of the frames out of tolerance, empty if few enough."""
    bad = np.flatnonzero(~(np.abs(native - expected) <= tolerance.atol + tolerance.rtol * np.abs(expected)))
    return bad if len(bad) > (1 - tolerance.share) * len(expected) else bad[:0]


@pytest.mark.parametrize("config_name", CONFIGS)
@pytest.mark.parametrize("info", features.descriptors(), ids=lambda info: info.name)
def test_native_is_the_reference(info, config_name):
    wrong = []
    for signal_name in signals.SIGNALS:
        tolerance = ILL_POSED.get((family(info.name), signal_name), TOLERANCES[family(info.name)])
        native, expected = both(config_name, signal_name)
        for name in native if tolerance else ():
            if family(name) != family(info.name):
                continue
            bad = mismatches(native[name], expected[name], tolerance)
            if len(bad):
                t = bad[np.argmax(np.abs(native[name] - expected[name])[bad])]
                wrong.append(
                    f"{signal_name} {name}: {len(bad)} of {len(native[name])} frames, worst {t}: "
                    f"{native[name][t]:.7g}, reference {expected[name][t]:.7g}"
                )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("info", features.descriptors(), ids=lambda info: info.name)
def test_values_lie_in_the_range_that_the_table_gives(info):
    for signal_name in signals.SIGNALS:
        values = both("default", signal_name)[0][info.name]
        assert np.isfinite(values).all()
        assert (values >= info.minimum).all() and (values <= info.maximum).all(), signal_name


def test_the_table_is_complete_and_documented():
    infos = features.descriptors()
    assert {family(info.name) for info in infos} == set(TOLERANCES)
    assert all(info.unit and info.summary and info.source for info in infos)
    absent = {family(info.name) for info in infos if info.absent_is_zero}
    assert absent == {family(name) for name in reference.ABSENT_IS_ZERO}


@pytest.mark.parametrize("config_name", CONFIGS)
def test_without_pitch_the_span_is_the_short_frame(config_name):
    config = CONFIGS[config_name]
    names = [name for name in table_names(config) if name not in {"f0", "hnr"} | reference.NEEDS_TONAL_FRAME]
    x = signals.noise(config.sample_rate, 0.5)
    native, expected = native_rows(x, config, names), reference.frame_rows(x, config, names)
    assert native.shape == expected.shape
    for name, column, wanted in zip(names, native.T, expected.T, strict=True):
        assert not len(mismatches(column, wanted, TOLERANCES[family(name)])), name


@pytest.mark.parametrize("config_name", CONFIGS)
def test_tonal_columns_beside_no_others(config_name):
    """Every 100 ms, as a model takes them, with a span of their own."""
    config = replace(CONFIGS[config_name], hop_length=CONFIGS[config_name].sample_rate // 10)
    names = [name for name in table_names(config) if name in reference.NEEDS_TONAL_FRAME]
    x = signals.music(config.sample_rate, 3.0)
    native, expected = native_rows(x, config, names), reference.frame_rows(x, config, names)
    assert native.shape == expected.shape
    for name, column, wanted in zip(names, native.T, expected.T, strict=True):
        assert not len(mismatches(column, wanted, replace(TOLERANCES[family(name)], share=0.96))), name


# --- Analytic signals, straight on the native core ---------------------------------------------------------------


@pytest.mark.parametrize("f_hz", [60.0, 110.0, 440.0, 905.0])
def test_a_sine(f_hz):
    config = CONFIGS["default"]
    names = ["f0", "zcr", "spectral_centroid", "spectral_rolloff", "hnr", "spectral_flatness"]
    f0, zcr, centroid, rolloff, hnr, flatness = native_rows(signals.sine(22050, f_hz=f_hz), config, names).T
    np.testing.assert_allclose(f0, f_hz, rtol=2e-3)
    assert zcr.mean() == pytest.approx(2 * f_hz / 22050, rel=0.03, abs=1e-3)
    assert centroid.mean() == pytest.approx(f_hz, abs=30)
    assert np.abs(rolloff - f_hz).max() < 3 * 22050 / 1024
    assert hnr.min() > 30
    assert flatness.max() < 1e-4


def test_silence():
    names = table_names(CONFIGS["default"])
    rows = native_rows(signals.silence(22050), CONFIGS["default"], names)
    rows = dict(zip(names, rows.T, strict=True))
    expected = {"spectral_flatness": 1.0, "hnr": -40.0, "mfcc_0": np.sqrt(40) * np.log(1e-10)}
    expected |= dict.fromkeys((n for n in names if n.startswith(("log_mel", "mel_envelope"))), np.log(1e-10))
    expected |= dict.fromkeys((name for name in names if name.startswith("band_level")), -np.log(7))
    for name, values in rows.items():
        rounded = name.startswith(("mfcc", "tonal_prominence"))
        np.testing.assert_allclose(values, expected.get(name, 0.0), rtol=1e-6, atol=1e-3 * rounded)


def test_white_noise_is_flat_and_noisy():
    config = replace(CONFIGS["default"], frame_length=1024, hop_length=1024, window="rectangular")
    flatness, hnr, f0 = native_rows(signals.noise(22050, 20.0), config, ["spectral_flatness", "hnr", "f0"]).T
    assert flatness.mean() == pytest.approx(np.exp(-0.5772), abs=0.01)
    assert hnr.mean() < 0
    assert np.mean(f0 > 0) < 0.1


def test_energy_of_a_constant_is_that_of_the_window():
    energy = native_rows(signals.dc(22050, level=0.5), CONFIGS["default"], ["energy"])
    np.testing.assert_allclose(energy, 0.25 * np.sum(scipy.signal.get_window("hann", 662) ** 2), rtol=1e-6)


@pytest.mark.parametrize(("first", "second"), [(700.0, 1200.0), (300.0, 2300.0), (450.0, 850.0)])
def test_formants_of_a_vowel(first, second):
    x = signals.vowel(22050, f0_hz=100.0, formants_hz=(first, second))
    formants = native_rows(x, CONFIGS["default"], ["formant_1", "formant_2"])
    np.testing.assert_allclose(np.median(formants, axis=0), [first, second], rtol=0.08)


def test_gain_moves_only_the_zeroth_coefficient():
    x = signals.noise(22050)
    names = [f"mfcc_{i}" for i in range(40)]
    quiet, loud = (native_rows(gain * x, CONFIGS["default"], names) for gain in (np.float32(1), np.float32(4)))
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-4)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], np.sqrt(40) * np.log(16), atol=1e-4)


def test_band_levels_of_a_sine_and_a_sum():
    """A sine lies in its octave; shares add up to 1."""
    names = [f"band_level_{i}" for i in range(1, 8)]
    levels = native_rows(signals.sine(22050, f_hz=1000.0), CONFIGS["default"], names)
    assert (levels.argmax(1) == 3).all()  # 800 to 1600 Hz
    assert levels[:, 3].min() > -1e-4
    shares = np.exp(native_rows(signals.music(22050, 3.0), CONFIGS["default"], names).astype(float))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)


def test_chroma_of_a_sine_and_of_one_out_of_tune():
    names = [f"chroma_{i}" for i in range(12)]
    config = CONFIGS["default"]
    e = native_rows(signals.sine(22050, f_hz=440.0 * 2 ** (7 / 12)), config, names)
    np.testing.assert_allclose(e, np.broadcast_to(np.eye(12)[7], e.shape), atol=0.02)
    between = native_rows(signals.sine(22050, f_hz=440.0 * 2 ** (7.5 / 12)), config, names)
    np.testing.assert_allclose(between[:, [7, 8]], 0.5, atol=0.03)


def test_tuning_is_1_on_one_grid_whichever_and_0_between_two():
    config = CONFIGS["default"]
    notes = lambda *semitones: sum(  # noqa: E731
        signals.sine(22050, f_hz=440.0 * 2 ** (s / 12), amplitude=0.2) for s in semitones
    )
    assert native_rows(notes(0, 4, 7), config, ["tonal_tuning"]).min() > 0.98
    assert native_rows(notes(0.4, 4.4, 7.4), config, ["tonal_tuning"]).min() > 0.98
    assert native_rows(notes(0, 6.5), config, ["tonal_tuning"]).max() < 0.1


def test_what_beats_is_rough_and_what_is_harmonic_is_not_inharmonic():
    config = CONFIGS["default"]
    names = ["roughness", "roughness_product", "roughness_vassilakis"]
    two = lambda ratio: signals.sine(22050, amplitude=0.3) + signals.sine(22050, f_hz=440 * ratio, amplitude=0.3)  # noqa: E731
    rough, smooth = (native_rows(two(ratio), config, names).mean(0) for ratio in (16 / 15, 2.0))
    assert (rough > 5 * smooth).all()
    tone, bell = signals.harmonic(22050), signals.sine(22050, f_hz=300.0) + signals.sine(22050, f_hz=435.0)
    assert native_rows(tone, config, ["inharmonicity"]).max() < 0.05
    assert native_rows(bell, config, ["inharmonicity"]).min() > 0.3


def test_harmony_changes_where_the_chord_does():
    config = replace(CONFIGS["default"], hop_length=2204)
    x = np.concatenate([signals.harmonic(22050, 1.0, 220.0, 4), signals.harmonic(22050, 1.0, 311.1, 4)])
    for name in ("chroma_change", "tonal_centroid_change"):
        change = native_rows(x, config, [name])[:, 0]
        assert 7 <= np.argmax(change) <= 10
        assert change[:6].max() < 0.02
        assert change.max() > 0.2


# --- Peers -------------------------------------------------------------------------------------------------------


def librosa_magnitude(x, config, count):
    """librosa centres the window in n_fft samples: the padding lets its frame t use the samples of ours."""
    side = (config.n_fft - config.frame_length) // 2
    stft = librosa.stft(
        np.pad(x, (side, config.n_fft)),
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        win_length=config.frame_length,
        window="hann",
        center=False,
    )
    return np.abs(stft)[:, :count] / np.sqrt(config.n_fft)


@pytest.mark.parametrize("config_name", ["default", "cd"])
def test_mfcc_of_librosa(config_name):
    config = CONFIGS[config_name]
    x = signals.noise(config.sample_rate) + signals.vowel(config.sample_rate)
    native = native_rows(x, config, [f"mfcc_{i}" for i in range(20)])
    emphasised = np.append(x[:1], x[1:] - np.float32(config.preemphasis) * x[:-1])
    mel = librosa.feature.melspectrogram(
        S=librosa_magnitude(emphasised, config, len(native)) ** 2,
        sr=config.sample_rate,
        n_mels=config.n_mels,
        fmin=config.mel_fmin_hz,
        fmax=config.mel_fmax_hz,
        htk=True,
        norm=None,
    )
    peer = librosa.feature.mfcc(S=np.log(np.maximum(mel, 1e-10)), n_mfcc=20, dct_type=2, norm="ortho")
    np.testing.assert_allclose(native, peer.T, atol=2e-3)


def test_spectral_shape_of_librosa():
    config = CONFIGS["default"]
    x = signals.noise(22050) + signals.chord(22050)
    names = ["spectral_centroid", "spectral_rolloff", "spectral_flatness"]
    centroid, rolloff, flatness = native_rows(x, config, names).T
    magnitude = librosa_magnitude(x, config, len(centroid))
    peer = librosa.feature.spectral_centroid(S=magnitude, sr=22050, n_fft=1024)[0]
    np.testing.assert_allclose(centroid, peer, rtol=1e-4)
    peer = librosa.feature.spectral_rolloff(S=magnitude, sr=22050, n_fft=1024, roll_percent=0.85)[0]
    assert np.mean(rolloff == peer.astype(np.float32)) >= 0.98  # a bin whose sum is at the threshold can flip
    peer = librosa.feature.spectral_flatness(S=magnitude, amin=1e-10, power=2)[0]
    np.testing.assert_allclose(flatness, peer, rtol=1e-4)


def test_zero_crossings_of_librosa():
    config = CONFIGS["default"]
    x = signals.noise(22050)
    frames = np.lib.stride_tricks.sliding_window_view(x, 662)[::551]
    peer = librosa.zero_crossings(frames, pad=False, zero_pos=True, axis=1).sum(1) / 661
    np.testing.assert_allclose(native_rows(x, config, ["zcr"])[:, 0], peer, rtol=1e-6)


@pytest.mark.parametrize("f_hz", [82.4, 146.8, 330.0])
def test_f0_of_librosa_yin(f_hz):
    x = signals.harmonic(22050, f_hz=f_hz)
    peer = librosa.yin(x, fmin=55, fmax=1000, sr=22050, frame_length=2048, center=False)
    assert np.median(native_rows(x, CONFIGS["default"], ["f0"])) == pytest.approx(np.median(peer), rel=3e-3)


@pytest.mark.parametrize("signal_name", ["noise", "vowel"])
def test_mfcc_of_python_speech_features(signal_name):
    config = CONFIGS["speech"]
    x = signals.SIGNALS[signal_name](16000)
    native = native_rows(x, config, [f"mfcc_{i}" for i in range(13)])
    peer = psf.mfcc(
        x,
        16000,
        winlen=0.025,
        winstep=0.01,
        numcep=13,
        nfilt=26,
        nfft=512,
        lowfreq=0,
        highfreq=8000,
        preemph=0.97,
        ceplifter=0,
        appendEnergy=False,
        winfunc=lambda n: scipy.signal.get_window("hann", n),
    )
    np.testing.assert_allclose(native, peer[: len(native)], atol=2e-3)
