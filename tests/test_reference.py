"""The float64 reference itself: against analytic signals, textbook routines of SciPy and NumPy, and two peers.

What the native core is measured against has to be trusted first. Nothing here imports edgemood.
"""

from dataclasses import replace
from math import ceil

import librosa
import numpy as np
import pytest
import python_speech_features as psf
import scipy.fft
import scipy.linalg
import scipy.signal
import scipy.stats
import signals
from reference import LLD50, Config, Frames, descriptor, frame_rows, functional, segment_rows
from reference import formants as formants_module
from reference import mfcc as mfcc_module
from reference import pitch as pitch_module
from reference.framing import preemphasise
from reference.spectrum import power_spectrum, window

SR = 22050
DEFAULT = Config()
SPEECH = Config(
    sample_rate=16000,
    frame_length=400,
    hop_length=160,
    n_fft=512,
    n_mels=26,
    mel_fmin_hz=0.0,
    mel_fmax_hz=8000.0,
)
EULER_GAMMA = 0.5772156649015329


def values(x, name, config=DEFAULT):
    return frame_rows(x, config, [name])[:, 0]


# --- Framing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hann", "hamming", "rectangular"])
def test_windows_are_periodic(kind):
    expected = scipy.signal.get_window({"rectangular": "boxcar"}.get(kind, kind), 661, fftbins=True)
    np.testing.assert_allclose(window(kind, 661), expected, atol=1e-15)


def test_both_kinds_of_frame_share_a_centre():
    config = Config()
    x = np.arange(5000.0)
    frames = Frames(x, config, pitch=True)
    assert config.low_rate.decimation == 3
    assert frames.span == (ceil(3 * SR / 3 / 55) - 1) * 3 + 24 + 2
    assert frames.count == (5000 - frames.span) // 551 + 1
    assert abs(frames.short[2].mean() - frames.pitch[2].mean()) <= 2
    assert Frames(x, config, pitch=False).short[2][0] == 2 * 551


def test_preemphasis_is_the_first_order_filter():
    x = signals.noise(SR, 0.1).astype(float)
    np.testing.assert_allclose(preemphasise(x, 0.97), scipy.signal.lfilter([1, -0.97], [1], x), atol=1e-15)


def test_power_spectrum_is_the_dft_by_its_definition():
    x = signals.noise(SR, 0.1)[:50].astype(float)
    k, m = np.arange(33), np.arange(50)
    expected = np.abs(np.exp(-2j * np.pi * np.outer(k, m) / 64) @ x) ** 2 / 64
    np.testing.assert_allclose(power_spectrum(x[None], 64)[0], expected, atol=1e-12)


# --- MFCC --------------------------------------------------------------------------------------------------------


def test_mel_scale_is_htk():
    f = np.array([0.0, 100.0, 1000.0, 9999.0])
    np.testing.assert_allclose(mfcc_module.mel(f), librosa.hz_to_mel(f, htk=True), rtol=1e-12)
    np.testing.assert_allclose(mfcc_module.mel_to_hz(mfcc_module.mel(f)), f, atol=1e-9)
    assert mfcc_module.mel(1000.0) == pytest.approx(1000, abs=0.1)


@pytest.mark.parametrize("config", [Config(), SPEECH, Config(n_mels=64, mel_fmin_hz=300, mel_fmax_hz=11025)])
def test_exact_filters_are_those_of_librosa(config):
    expected = librosa.filters.mel(
        sr=config.sample_rate,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.mel_fmin_hz,
        fmax=config.mel_fmax_hz,
        htk=True,
        norm=None,
        dtype=np.float64,
    )
    np.testing.assert_allclose(mfcc_module.filters(config), expected, atol=1e-10)


@pytest.mark.parametrize("n_mels", [10, 26, 80])
def test_bin_filters_are_those_of_python_speech_features(n_mels):
    """With 80 filters in 512 points several filters have sides of no width."""
    config = replace(SPEECH, mel_edges="bins", n_mels=n_mels)
    expected = psf.get_filterbanks(nfilt=n_mels, nfft=512, samplerate=16000, lowfreq=0, highfreq=8000)
    np.testing.assert_allclose(mfcc_module.filters(config), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["noise", "clipped", "vowel", "music"])
def test_mfcc_of_python_speech_features(name):
    config = replace(SPEECH, mel_edges="bins")
    x = signals.SIGNALS[name](16000)
    expected = psf.mfcc(
        x.astype(float),
        16000,
        winlen=0.025,
        winstep=0.01,
        numcep=13,
        nfilt=26,
        nfft=512,
        lowfreq=0,
        highfreq=8000,
        preemph=config.preemphasis,
        ceplifter=0,
        appendEnergy=False,
        winfunc=lambda n: scipy.signal.get_window("hann", n, fftbins=True),
    )
    ours = frame_rows(x, config, [f"mfcc_{i}" for i in range(13)])
    energies = mfcc_module.filterbank(Frames(x, config, pitch=False).emphasised_power, config)
    loud = energies.min(1) > 1e-10  # the peer's floor under the log is a lower one
    assert np.count_nonzero(loud) > 20
    np.testing.assert_allclose(ours[loud], expected[: len(ours)][loud], atol=1e-6)


@pytest.mark.parametrize("config", [Config(), SPEECH])
def test_mfcc_of_librosa(config):
    x = signals.music(config.sample_rate, 3.0)
    y = preemphasise(x.astype(float), config.preemphasis)
    mel = librosa.feature.melspectrogram(
        y=padded(y, config),
        **librosa_frames(config),
        sr=config.sample_rate,
        power=2,
        n_mels=config.n_mels,
        fmin=config.mel_fmin_hz,
        fmax=config.mel_fmax_hz,
        htk=True,
        norm=None,
    )
    log_mel = np.log(np.maximum(mel / config.n_fft, 1e-10))
    expected = librosa.feature.mfcc(S=log_mel, n_mfcc=20, dct_type=2, norm="ortho").T
    ours = frame_rows(x, config, [f"mfcc_{i}" for i in range(20)])
    np.testing.assert_allclose(ours, expected[: len(ours)], atol=1e-4)


def padded(x, config):
    """librosa centres the window in n_fft samples: the padding lets its frame t use the samples of ours."""
    side = (config.n_fft - config.frame_length) // 2
    return np.pad(x, (side, config.n_fft))


def librosa_frames(config):
    return {
        "n_fft": config.n_fft,
        "hop_length": config.hop_length,
        "win_length": config.frame_length,
        "window": "hann",
        "center": False,
    }


def test_dct_is_scipys_orthonormal_one():
    power = power_spectrum(signals.noise(SR, 0.2).astype(float)[: 4 * 662].reshape(4, 662), 1024)
    log_energy = mfcc_module.log_mel(power, Config())
    expected = scipy.fft.dct(log_energy, norm="ortho", axis=1)
    for i in (0, 1, 7, 39):
        np.testing.assert_allclose(mfcc_module.mfcc(log_energy, i), expected[:, i], atol=1e-10)


def test_gain_moves_only_the_zeroth_coefficient():
    x = signals.noise(SR)
    names = [f"mfcc_{i}" for i in range(40)]
    quiet, loud = frame_rows(x, Config(), names), frame_rows(4 * x, Config(), names)
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-9)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], np.sqrt(40) * np.log(16), atol=1e-9)


# --- Waveform and spectral shape ---------------------------------------------------------------------------------


def test_zero_crossing_rate_of_a_sine_is_twice_its_frequency():
    assert values(signals.sine(SR, 2.0, 997.0), "zcr").mean() == pytest.approx(2 * 997 / SR, rel=0.01)


def test_energy_of_a_constant_is_that_of_the_window():
    np.testing.assert_allclose(values(signals.dc(SR, level=0.5), "energy"), 0.25 * np.sum(window("hann", 662) ** 2))


@pytest.mark.parametrize("f_hz", [300.0, 2000.0, 7000.0])
def test_centroid_and_rolloff_of_a_sine_are_at_it(f_hz):
    x = signals.sine(SR, f_hz=f_hz)
    assert values(x, "spectral_centroid").mean() == pytest.approx(f_hz, abs=30)
    assert values(x, "spectral_rolloff").mean() == pytest.approx(f_hz, abs=2.5 * SR / 1024)


def test_noise_is_as_flat_as_one_periodogram_can_be():
    """E ln of an exponential variable is -gamma below the ln of its mean; no window, no padding, no floor."""
    config = Config(frame_length=1024, hop_length=1024, window="rectangular")
    flatness = values(signals.noise(SR, 20.0), "spectral_flatness", config)
    assert flatness.mean() == pytest.approx(np.exp(-EULER_GAMMA), abs=0.01)


def test_a_sine_is_not_flat_and_does_not_change():
    assert values(signals.sine(SR), "spectral_flatness").max() < 1e-4
    flux = values(signals.sine(SR, f_hz=551 / 25), "spectral_flux")
    assert flux[0] == 0
    steady = signals.sine(SR, f_hz=40 * SR / 551)  # a whole number of periods a hop
    assert values(steady, "spectral_flux").max() < 1e-6


def test_spectral_shape_of_librosa():
    config = Config()
    x = signals.music(SR, 3.0)
    stft = librosa.stft(padded(x.astype(float), config), **librosa_frames(config))
    magnitude = np.abs(stft)
    count = Frames(x, config, pitch=False).count
    peers = {
        "spectral_centroid": librosa.feature.spectral_centroid(S=magnitude, sr=SR, n_fft=1024),
        "spectral_rolloff": librosa.feature.spectral_rolloff(S=magnitude, sr=SR, n_fft=1024, roll_percent=0.85),
        "spectral_flatness": librosa.feature.spectral_flatness(S=magnitude / np.sqrt(1024), amin=1e-10, power=2),
    }
    loud = magnitude.max(0)[:count] > 1e-3
    for name, peer in peers.items():
        np.testing.assert_allclose(values(x, name)[loud], peer[0, :count][loud], rtol=1e-6, err_msg=name)


def test_zero_crossings_of_librosa():
    config = Config()
    x = signals.noise(SR)
    frames = Frames(x, config, pitch=False).short
    peer = librosa.zero_crossings(frames, pad=False, zero_pos=True, axis=1).sum(1) / (config.frame_length - 1)
    np.testing.assert_allclose(values(x, "zcr"), peer)


# --- F0 and HNR --------------------------------------------------------------------------------------------------


def test_autocorrelation_is_the_sum_of_products_over_that_of_the_window():
    low = Config().low_rate
    hann = window("hann", low.length)
    x = signals.noise(SR, 0.1)[None, : low.length].astype(float)
    length = 2 * low.n_fft  # the sums of products, which do not wrap around, folded as a transform of n_fft folds them
    products = np.fft.irfft(np.abs(np.fft.rfft([x[0] * hann, hann], length)) ** 2, length)
    folded = products[:, : low.n_fft // 2] + products[:, low.n_fft : low.n_fft // 2 : -1]
    expected = (folded[0] / folded[0, 0]) / (folded[1] / folded[1, 0])
    whole = slice(1 if low.lags[0] % 2 else 0, None, 2)  # without the lags between two samples
    np.testing.assert_allclose(pitch_module.normalised(x, low)[0, whole], expected[low.lags[whole] // 2], atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_decimation_keeps_what_it_should(rate):
    """From 0.2 of the low rate down nothing is lost, and hardly anything folds back."""
    low = Config(sample_rate=rate).low_rate
    f = np.linspace(0, 0.5, 2001) * rate
    response = np.abs(np.exp(-2j * np.pi * np.outer(f / rate, np.arange(len(low.taps)))) @ low.taps)
    if low.decimation > 1:
        assert response[f <= 0.2 * low.rate_hz].min() > 0.95
        assert response[f >= 0.5 * low.rate_hz].max() < 0.013
    assert response[0] == pytest.approx(1.0)


@pytest.mark.parametrize("f_hz", [60.0, 82.4, 110.0, 261.6, 440.0, 905.0])
@pytest.mark.parametrize("partials", [1, 3, 8])
def test_f0_of_a_tone(f_hz, partials):
    x = signals.harmonic(SR, f_hz=f_hz, partials=partials)
    np.testing.assert_allclose(values(x, "f0"), f_hz, rtol=2e-3)


def test_f0_of_librosa_yin():
    for f_hz in (82.4, 146.8, 330.0):
        x = signals.harmonic(SR, f_hz=f_hz).astype(float)
        peer = librosa.yin(x, fmin=55, fmax=1000, sr=SR, frame_length=2048, center=False)
        assert np.median(values(x, "f0")) == pytest.approx(np.median(peer), rel=3e-3)


def test_f0_of_a_vowel_is_its_pulse_rate():
    assert np.median(values(signals.vowel(SR, f0_hz=123.0), "f0")) == pytest.approx(123.0, rel=5e-3)


def test_hnr_is_high_for_a_tone_low_for_noise_and_known_for_a_mix():
    assert values(signals.harmonic(SR), "hnr").min() > 25
    assert values(signals.noise(SR), "hnr").mean() < 0
    ratio_db = 10.0
    tone, hiss = signals.sine(SR, 4.0, 220.0, 0.5), signals.noise(SR, 4.0, 1.0)
    spectrum = np.fft.rfft(hiss)
    spectrum[len(spectrum) * 2000 // 11025 :] = 0  # within the band that the decimation keeps
    hiss = np.fft.irfft(spectrum)
    mix = tone + hiss * np.sqrt(0.125 / 10 ** (ratio_db / 10) / np.mean(hiss**2))
    assert values(mix, "hnr").mean() == pytest.approx(ratio_db, abs=1.0)


def test_nothing_is_voiced_in_noise_silence_or_below_60_db():
    assert np.mean(values(signals.noise(SR, 4.0), "f0") > 0) < 0.1
    assert not values(signals.sine(SR, amplitude=1e-3), "f0").any()
    assert values(signals.sine(SR, amplitude=2e-3), "f0").all()


# --- Formants ----------------------------------------------------------------------------------------------------


def test_predictor_is_that_of_levinson():
    power = power_spectrum(signals.noise(SR, 0.1).astype(float)[None, :662], 1024)
    r = formants_module.autocorrelation(power, Config())[0]
    raised = r * np.r_[1 + 1e-4, np.ones(12)]
    expected = scipy.linalg.solve_toeplitz(raised[:-1], -raised[1:])
    np.testing.assert_allclose(formants_module.predictor(r)[1:], expected, rtol=1e-9)


def test_peaks_of_the_envelope_are_near_the_roots():
    """Roots close to the unit circle and apart from each other: the peak lies at the root's angle."""
    wanted_hz, band_hz, k_max = [500.0, 1500.0, 2600.0], 5500.0, 1024
    roots = 0.99 * np.exp(1j * np.pi * np.array(wanted_hz) / band_hz)
    a = np.poly(np.concatenate((roots, roots.conj()))).real
    d = formants_module.inverse_spectrum(a, k_max)
    found_hz = formants_module.peaks_hz(d, band_hz / k_max)
    angles_hz = np.sort([np.angle(z) * band_hz / np.pi for z in np.roots(a) if z.imag > 0])
    np.testing.assert_allclose(found_hz, angles_hz, atol=3.0)


@pytest.mark.parametrize(("first", "second"), [(700.0, 1200.0), (300.0, 2300.0), (450.0, 850.0)])
def test_formants_of_a_vowel_are_its_resonances(first, second):
    x = signals.vowel(SR, f0_hz=100.0, formants_hz=(first, second))
    # 12 poles also spend some on single harmonics, hence medians and 8 %.
    assert np.median(values(x, "formant_1")) == pytest.approx(first, rel=0.08)
    assert np.median(values(x, "formant_2")) == pytest.approx(second, rel=0.08)


# --- Silence, functionals, sets ----------------------------------------------------------------------------------


def test_silence_is_silence():
    x = signals.silence(SR)
    for name in ("energy", "zcr", "spectral_centroid", "spectral_rolloff", "spectral_flux", "f0"):
        assert not values(x, name).any(), name
    assert not values(x, "formant_1").any() and not values(x, "formant_2").any()
    np.testing.assert_allclose(values(x, "spectral_flatness"), 1, rtol=1e-12)
    assert (values(x, "hnr") == -40).all()
    np.testing.assert_allclose(values(x, "mfcc_0"), np.sqrt(40) * np.log(1e-10))
    np.testing.assert_allclose(values(x, "mfcc_1"), 0, atol=1e-10)


def test_functionals_of_scipy_and_numpy():
    x, t = signals.noise(SR, 0.1)[:120].astype(float) + 1, np.arange(120) * 0.025
    expected = {
        "mean": x.mean(),
        "min": x.min(),
        "max": x.max(),
        "median": np.sort(x)[59:61].mean(),
        "sd": np.std(x),
        "range": np.ptp(x),
        "skewness": scipy.stats.skew(x),
        "kurtosis": scipy.stats.kurtosis(x),
        "slope": scipy.stats.linregress(t, x).slope,
        "low_share": np.count_nonzero(x < x.mean() / 2) / 120,
        "voiced_share": np.count_nonzero(x > 0) / 120,
        "delta_sd": np.sqrt(np.var(x[1:] - x[:-1])),
    }
    for name, value in expected.items():
        assert functional(name, x, t, False) == pytest.approx(value, rel=1e-9), name


def test_absent_frames_are_left_out():
    x, t = np.array([0.0, 100.0, 0.0, 300.0]), np.arange(4.0)
    assert functional("mean", x, t, True) == 200
    assert functional("min", x, t, True) == 100
    assert functional("slope", x, t, True) == 100
    assert functional("voiced_share", x, t, True) == 0.5
    assert functional("delta_sd", x, t, True) == 0  # no two neighbours
    assert functional("delta_sd", np.array([0.0, 1.0, 3.0, 0.0, 5.0, 9.0]), t, True) == 1  # steps of 2 and 4
    assert functional("mean", 0 * x, t, True) == 0
    assert functional("slope", np.array([0.0, 5.0]), t[:2], True) == 0


def test_lld50_has_fifty_columns_of_the_groups_of_the_method():
    groups = {"mfcc": 18, "spectral": 5, "hnr": 1, "formant": 2, "energy": 10, "f0": 6, "zcr": 8}
    assert len(LLD50) == len(set(LLD50)) == 50
    assert {g: sum(name.startswith(g) for name in LLD50) for g in groups} == groups


def test_a_segment_is_the_functionals_of_its_frames():
    config = Config(segment_frames=20, segment_hop=7)
    x = signals.music(SR, 2.0)
    rows = segment_rows(x, config, ["energy_mean", "energy_max", "f0_voiced_share", "zcr_median"])
    frames = frame_rows(x, config, ["energy", "f0", "zcr"])
    assert len(rows) == (len(frames) - 20) // 7 + 1
    np.testing.assert_allclose(rows[2, 0], frames[14:34, 0].mean())
    np.testing.assert_allclose(rows[2, 1], frames[14:34, 0].max())
    assert rows[2, 2] == np.mean(frames[14:34, 1] > 0)
    assert rows[2, 3] == np.median(frames[14:34, 2])


def test_a_descriptor_without_reference_is_an_error():
    with pytest.raises(KeyError):
        descriptor("spectral_unheard_of", Frames(signals.noise(SR), Config(), pitch=False))
