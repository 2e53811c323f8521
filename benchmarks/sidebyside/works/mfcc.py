"""MFCC as packages have it, set as near to ours as each can be: 25/10 ms, 512 points, 26 mel, 13 coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..settings import FRAME, HOP, N_FFT, N_MELS, N_MFCC, PREEMPHASIS, RATE, Audio, Rows, frame_count, hann
from ..timing import Work


def _emphasised(signal: Audio) -> Audio:
    return np.append(signal[:1], signal[1:] - np.float32(PREEMPHASIS) * signal[:-1])


def _centred(signal: Audio) -> Audio:
    """Shift a signal for libraries that put the window in the middle of the FFT, so that frames meet ours."""
    return np.pad(signal, (N_FFT - FRAME) // 2)


def python_speech_features(signal: Audio) -> Work:
    """Whose numbers ours are to be: Hann window, no lifter, no energy term."""
    from python_speech_features import mfcc

    return lambda: mfcc(signal, RATE, nfft=N_FFT, winfunc=hann, ceplifter=0, appendEnergy=False)


def librosa(signal: Audio) -> Work:
    """Framed without padding."""
    import librosa

    signal = _centred(signal)
    sizes = {"sr": RATE, "n_fft": N_FFT, "win_length": FRAME, "hop_length": HOP, "n_mels": N_MELS}

    def work() -> Rows:
        emphasised = librosa.effects.preemphasis(signal, coef=PREEMPHASIS)
        mel = librosa.feature.melspectrogram(y=emphasised, center=False, htk=True, norm=None, **sizes)
        return librosa.feature.mfcc(S=np.log(np.maximum(mel, 1e-10)), n_mfcc=N_MFCC).T

    return work


def tensorflow(signal: Audio) -> Work:
    """tf.signal, compiled by tf.function."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    bank = tf.signal.linear_to_mel_weight_matrix(N_MELS, N_FFT // 2 + 1, RATE, 0.0, RATE / 2)
    x = tf.constant(signal)

    @tf.function
    def mfcc(samples: Any) -> Any:
        emphasised = tf.concat([samples[:1], samples[1:] - PREEMPHASIS * samples[:-1]], 0)
        spectrum = tf.signal.stft(emphasised, FRAME, HOP, N_FFT)
        mel = tf.matmul(tf.square(tf.abs(spectrum)), bank) / N_FFT
        return tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(tf.maximum(mel, 1e-10)))[:, :N_MFCC]

    return lambda: mfcc(x).numpy()


def torchaudio(signal: Audio) -> Work:
    """torchaudio.transforms.MFCC."""
    import torch
    import torchaudio

    torch.set_num_threads(1)
    sizes = {"n_fft": N_FFT, "win_length": FRAME, "hop_length": HOP, "n_mels": N_MELS, "center": False}
    transform = torchaudio.transforms.MFCC(RATE, N_MFCC, log_mels=True, melkwargs=sizes)
    x = torch.from_numpy(_centred(signal))

    @torch.inference_mode()
    def work() -> Rows:
        return transform(torchaudio.functional.preemphasis(x, PREEMPHASIS)).T.numpy()

    return work


def torchaudio_kaldi(signal: Audio) -> Work:
    """torchaudio.compliance.kaldi.mfcc."""
    import torch
    import torchaudio

    torch.set_num_threads(1)
    x = torch.from_numpy(signal)[None]
    options = {"num_mel_bins": N_MELS, "num_ceps": N_MFCC, "window_type": "hanning", "cepstral_lifter": 0.0}

    @torch.inference_mode()
    def work() -> Rows:
        mfcc = torchaudio.compliance.kaldi.mfcc
        return mfcc(x, sample_frequency=RATE, dither=0.0, remove_dc_offset=False, low_freq=0.0, **options).numpy()

    return work


def kaldi_native_fbank(signal: Audio) -> Work:
    """Kaldi's, in C++, pushed a second at a time."""
    import kaldi_native_fbank as knf

    options = knf.MfccOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hanning"
    options.frame_opts.preemph_coeff = PREEMPHASIS
    options.mel_opts.num_bins = N_MELS
    options.mel_opts.low_freq = 0
    options.num_ceps = N_MFCC
    options.use_energy = False
    options.cepstral_lifter = 0

    def work() -> Rows:
        extractor = knf.OnlineMfcc(options)
        out = np.empty((frame_count(len(signal)), N_MFCC), np.float32)
        done = 0
        for start in range(0, len(signal), RATE):
            extractor.accept_waveform(RATE, signal[start : start + RATE])
            ready = extractor.num_frames_ready
            for i in range(done, ready):
                out[i] = extractor.get_frame(i)
            extractor.pop(ready - done)
            done = ready
        return out[:done]

    return work


def audioflux(signal: Audio) -> Work:
    """audioFlux: a mel transform, then its cepstrum."""
    import audioflux as af

    signal = _centred(signal)
    power, window = af.type.SpectralDataType.POWER, af.type.WindowType.HANN
    bft = af.BFT(
        num=N_MELS,
        samplate=RATE,
        radix2_exp=9,
        low_fre=0,
        high_fre=RATE / 2,
        window_type=window,
        slide_length=HOP,
        scale_type=af.type.SpectralFilterBankScaleType.MEL,
        data_type=power,
    )
    cepstrum = af.XXCC(bft.num)

    def work() -> Rows:
        mel = np.abs(bft.bft(_emphasised(signal)))
        cepstrum.set_time_length(time_length=mel.shape[-1])
        return cepstrum.xxcc(mel, cc_num=N_MFCC).T

    return work


def praat(signal: Audio) -> Work:
    """Praat's MFCC, through Parselmouth: its own triangles, 100 mel apart."""
    import parselmouth

    def work() -> Rows:
        sound = parselmouth.Sound(signal.astype(np.float64), RATE)
        mfcc = sound.to_mfcc(N_MFCC, FRAME / RATE / 2, HOP / RATE, 100.0, 100.0)  # Praat doubles the window
        return mfcc.to_array().T[:, :N_MFCC]

    return work


def spafe(signal: Audio) -> Work:
    """spafe.features.mfcc."""
    from spafe.features.mfcc import mfcc
    from spafe.utils.preprocessing import SlidingWindow

    window = SlidingWindow(FRAME / RATE, HOP / RATE, "hanning")
    sizes = {"num_ceps": N_MFCC, "nfilts": N_MELS, "nfft": N_FFT, "low_freq": 0, "high_freq": RATE / 2}
    return lambda: mfcc(signal, RATE, pre_emph=True, pre_emph_coeff=PREEMPHASIS, window=window, **sizes)


def aubio(signal: Audio) -> Work:
    """aubio: a phase vocoder and an MFCC object, a hop at a time; its window is the whole FFT."""
    import aubio

    emphasis = aubio.digital_filter(3)
    emphasis.set_biquad(1, -PREEMPHASIS, 0, 0, 0)

    def work() -> Rows:
        vocoder = aubio.pvoc(N_FFT, HOP)
        mfcc = aubio.mfcc(N_FFT, N_MELS, N_MFCC, RATE)
        mfcc.set_mel_coeffs_htk(0.0, RATE / 2)
        out = np.empty((len(signal) // HOP, N_MFCC), np.float32)
        for i in range(len(out)):
            out[i] = mfcc(vocoder(emphasis(signal[i * HOP : (i + 1) * HOP])))
        return out

    return work


def surfboard(signal: Audio) -> Work:
    """Surfboard, which wraps librosa."""
    from surfboard.sound import Waveform

    def work() -> Rows:
        sound = Waveform(signal=signal, sample_rate=RATE)
        return sound.mfcc(n_mfcc=N_MFCC, n_fft_seconds=N_FFT / RATE, hop_length_seconds=HOP / RATE).T

    return work


def py_audio_analysis(signal: Audio) -> Work:
    """pyAudioAnalysis has MFCC only together with 21 other features of its own."""
    from pyAudioAnalysis.ShortTermFeatures import feature_extraction

    return lambda: feature_extraction(_emphasised(signal), RATE, FRAME, HOP, deltas=False)[0][8 : 8 + N_MFCC].T


def opensmile(signal: Audio) -> Work:
    """openSMILE with nothing but what MFCC need."""
    from .smile import MFCC, smile

    extractor = smile("mfcc", MFCC)
    return lambda: extractor.process_signal(signal, RATE).to_numpy()
