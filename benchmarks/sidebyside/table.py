"""The peers: what they are, how they are installed, and the function that does each bench's work."""

from __future__ import annotations

from dataclasses import dataclass

from .settings import BENCHES, LLD


@dataclass(frozen=True)
class Package:
    """A library to be compared with.

    `group` names the virtual environment: packages that need other versions of what the rest uses have one of their
    own. Every group gets `BASE` too.
    """

    name: str
    licence: str
    install: tuple[str, ...]
    distribution: str = ""  # whose version is reported; the name if empty
    group: str = "common"


@dataclass(frozen=True)
class Peer:
    """One row of one bench.

    `function` is `module:name` in `works`, taking the signal and giving the work. `columns` are what it returns, in
    our names (the bench's, where empty). `least` is the least agreement with our numbers below which it is said to
    compute something else, None where the definitions differ too much to compare; `how` says how it differs.
    """

    bench: str
    package: str
    function: str
    how: str
    least: float | None = 0.95
    label: str = ""
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it is shown."""
        return self.label or self.package

    @property
    def key(self) -> str:
        """Unique in the table."""
        return f"{self.bench}/{self.function}"

    def names(self) -> tuple[str, ...]:
        """Of its columns."""
        return self.columns or BENCHES[self.bench].columns


#: In every environment: what the command itself needs.
BASE = ("numpy", "scipy", "soundfile", "soxr", "setuptools<81")

#: What Surfboard's code was written for.
_OLD = (
    "numpy<2",
    "scipy<1.13",
    "librosa==0.9.2",
    "pandas<3",
    "tqdm",
    "PyYAML",
    "peakutils",
    "pyloudnorm",
    "pysptk",
    "setuptools<81",
)

PACKAGES = {
    package.name: package
    for package in (
        Package("NumPy", "BSD-3-Clause", ("numpy",), "numpy"),
        Package("SciPy", "BSD-3-Clause", ("scipy",), "scipy"),
        Package("NumPy + mkl_fft", "BSD-3-Clause; MKL: Intel's own", ("mkl_fft",), "mkl_fft"),
        Package("PyTorch", "BSD-3-Clause", ("torch==2.13.0",), "torch"),
        Package("tf.signal", "Apache-2.0", ("tensorflow-cpu",), "tensorflow-cpu"),
        Package("librosa", "ISC", ("librosa",)),
        Package("torchaudio", "BSD-2-Clause", ("torch==2.11.0", "torchaudio==2.11.0"), group="torchaudio"),
        Package("python_speech_features", "MIT", ("python_speech_features",)),
        Package("kaldi-native-fbank", "Apache-2.0", ("kaldi-native-fbank",)),
        Package("essentia", "AGPL-3.0", ("--pre", "essentia")),
        Package("openSMILE", "audEERING's research licence", ("opensmile",), "opensmile"),
        Package("audioFlux", "MIT", ("audioflux",), "audioflux"),
        Package("Praat", "GPL-3.0", ("praat-parselmouth",), "praat-parselmouth"),
        Package("spafe", "BSD-3-Clause", ("spafe",)),
        Package("aubio", "GPL-3.0", ("aubio",)),
        Package("pyAudioAnalysis", "Apache-2.0", ("pyAudioAnalysis", "eyed3", "hmmlearn", "pydub"), "pyAudioAnalysis"),
        Package("Surfboard", "GPL-3.0", (*_OLD, "--no-deps:surfboard"), "surfboard", group="surfboard"),
        Package("pysptk", "MIT", ("pysptk",)),
        Package("WORLD", "MIT; WORLD: BSD-3-Clause", ("pyworld",), "pyworld"),
    )
}

_IS09 = ("", *(f"mfcc_{i}" for i in range(1, 13)), "zcr", "", "")
_PARTIAL = tuple(name for name in LLD if name not in ("hnr", "formant_1", "formant_2"))
_ESSENTIA = tuple("" if name == "spectral_rolloff" else name for name in _PARTIAL)  # its roll-off is that of the power
_ROLLOFF = ("spectral_centroid", "", "spectral_flatness", "spectral_flux")

#: How they differ, where several do alike or it takes long to say.
_BY_HAND = "same definition, by hand"
_IN_BLOCKS = "same definition, by hand, in blocks"
_MIDDLE = "window in the middle of the FFT"
_KALDI = "pre-emphasis by frame, triangles linear in mel"
_POWER = "power not over n_fft; pre-emphasised beforehand"
_NO_VOICE = "no HNR, no formants; F0 by yin"
_FLOOR = "pre-emphasis by frame; another floor in silence"
_SLANEY = "librosa's: 128 Slaney bands, window as long as the FFT, no pre-emphasis"
_AT_ONCE = "34 features at once, no window, 40 bands elsewhere"
_OF_IS09 = "12 MFCC, RMS, ZCR, F0 of 25 ms (not compared), its probability; smoothed; no spectral, HNR, formants"
_YINFFT = "no HNR, no formants; F0 by YinFFT; roll-off of the power spectrum"
_MAGNITUDES = "flatness of magnitudes, roll-off of power (not compared), flux not normalised"
_UNCORRECTED = "autocorrelation, not corrected for the window"

PEERS = (
    Peer("mfcc", "PyTorch", "arrays:torch_mfcc", _IN_BLOCKS, 0.999),
    Peer("mfcc", "NumPy + mkl_fft", "arrays:mkl_mfcc", _IN_BLOCKS, 0.999),
    Peer("mfcc", "SciPy", "arrays:scipy_mfcc", _IN_BLOCKS, 0.999),
    Peer("mfcc", "NumPy", "arrays:numpy_mfcc", _IN_BLOCKS, 0.999),
    Peer("mfcc", "tf.signal", "mfcc:tensorflow", "triangles linear in mel", 0.99),
    Peer("mfcc", "librosa", "mfcc:librosa", _MIDDLE, 0.99),
    Peer("mfcc", "torchaudio", "mfcc:torchaudio", _MIDDLE, 0.99),
    Peer("mfcc", "torchaudio", "mfcc:torchaudio_kaldi", _KALDI, 0.97, "torchaudio.kaldi"),
    Peer("mfcc", "python_speech_features", "mfcc:python_speech_features", "same definition, float64", 0.99),
    Peer("mfcc", "kaldi-native-fbank", "mfcc:kaldi_native_fbank", _KALDI, 0.97),
    Peer("mfcc", "essentia", "essentia_:mfcc_streaming", _POWER, 0.99, "essentia (streaming)"),
    Peer("mfcc", "essentia", "essentia_:mfcc_standard", _POWER, 0.99, "essentia (standard)"),
    Peer("mfcc", "openSMILE", "mfcc:opensmile", _FLOOR, 0.8, "openSMILE (MFCC only)"),
    Peer("mfcc", "audioFlux", "mfcc:audioflux", "window as long as the FFT, other mel edges", 0.8),
    Peer("mfcc", "Praat", "mfcc:praat", "Gaussian window, triangles 100 mel apart, no pre-emphasis", 0.7),
    Peer("mfcc", "spafe", "mfcc:spafe", "float64, symmetric window", 0.95),
    Peer("mfcc", "aubio", "mfcc:aubio", "window as long as the FFT, magnitudes", 0.85),
    Peer("mfcc", "Surfboard", "mfcc:surfboard", _SLANEY, None),
    Peer("mfcc", "pyAudioAnalysis", "mfcc:py_audio_analysis", _AT_ONCE, None),
    Peer("lld", "openSMILE", "whole:opensmile_is09", _OF_IS09, 0.7, "openSMILE IS09", _IS09),
    Peer("lld", "essentia", "essentia_:lld", _YINFFT, 0.5, "", _ESSENTIA),
    Peer("lld", "librosa", "whole:librosa_lld", _NO_VOICE, 0.5, "", _PARTIAL),
    Peer("shipped", "librosa", "whole:librosa_shipped", _NO_VOICE, 0.5, "", _PARTIAL),
    Peer("zcr", "NumPy", "spectral:numpy_zcr", _BY_HAND, 0.999),
    Peer("zcr", "librosa", "spectral:librosa_zcr", "counts a first crossing", 0.95),
    Peer("zcr", "essentia", "essentia_:zcr", "same definition"),
    Peer("zcr", "aubio", "spectral:aubio_zcr", "same definition"),
    Peer("energy", "NumPy", "spectral:numpy_energy", _BY_HAND, 0.999),
    Peer("energy", "librosa", "spectral:librosa_energy", "no window", 0.9),
    Peer("energy", "essentia", "essentia_:energy", "no window", 0.9),
    Peer("spectral", "SciPy", "spectral:numpy_spectral", "same definitions, by hand, in blocks", 0.99),
    Peer("spectral", "librosa", "spectral:librosa_spectral", "flux by NumPy", 0.9),
    Peer("spectral", "essentia", "essentia_:spectral", _MAGNITUDES, 0.7, columns=_ROLLOFF),
    Peer("spectral", "audioFlux", "spectral:audioflux_spectral", "window as long as the FFT; flux not normalised", 0.6),
    Peer("f0", "pysptk", "voice:pysptk_rapt", "RAPT", 0.8, "pysptk rapt"),
    Peer("f0", "pysptk", "voice:pysptk_swipe", "SWIPE'", 0.8, "pysptk swipe"),
    Peer("f0", "aubio", "voice:aubio_yinfft", "YinFFT, no voicing", 0.8, "aubio yinfft"),
    Peer("f0", "audioFlux", "voice:audioflux_yin", "YIN, no voicing", 0.8, "audioFlux yin"),
    Peer("f0", "essentia", "essentia_:f0", "YinFFT, no voicing", 0.8, "essentia YinFFT"),
    Peer("f0", "Praat", "voice:praat_f0", "autocorrelation, path finder", 0.8, "Praat (ac)"),
    Peer("f0", "openSMILE", "voice:opensmile_f0", "autocorrelation and cepstrum", 0.6, "openSMILE (ACF)"),
    Peer("f0", "librosa", "voice:librosa_yin", "YIN, no voicing", 0.8, "librosa yin"),
    Peer("f0", "WORLD", "voice:world_dio", "zero crossings of band-passed signals", 0.7, "WORLD dio"),
    Peer("f0", "librosa", "voice:librosa_pyin", "YIN and a hidden Markov model", 0.8, "librosa pyin"),
    Peer("hnr", "Praat", "voice:praat_hnr", "autocorrelation, windows of three periods", 0.8, "Praat (ac)"),
    Peer("hnr", "openSMILE", "voice:opensmile_hnr", _UNCORRECTED, 0.4, "openSMILE (ACF)"),
    Peer("formants", "Praat", "voice:praat_formants", "Burg, order 10 at 11 kHz", 0.5),
    Peer("formants", "librosa", "voice:librosa_formants", "Burg over the whole band, order 12, roots by NumPy", 0.5),
)
