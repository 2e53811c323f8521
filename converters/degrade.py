"""What players, codecs and rooms do to a clip: the conditions under which its mood should stay what it was.

Each condition takes mono float32 samples, their rate in Hz and a seed, and gives mono float32 samples at that rate;
equal arguments give equal samples. All but `ten_seconds` keep the length, and none moves the music in time.

What a clip has lost above half the rate stays lost: codecs have less to spend their bits on than they have with
the full band of a record, so their conditions are a little kinder than life.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from converters.cache import Change
from converters.datasets import DataError

Samples = NDArray[np.float32]

#: Changes when a condition does, so that cached features of what it was before are not used.
VERSION = 1

#: Of `room`: the time in which reverberation falls by 60 dB.
RT60_S = 0.4
_FIRST_REFLECTION_S = 0.003
_ALL_PASS_GAIN = 0.6


class _Codec(NamedTuple):
    """FFmpeg's names of an encoder and a container; the bit rate is that of both channels together."""

    encoder: str
    container: str
    rate_hz: int
    bit_rate: int


def mp3_128(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """MP3 at 128 kbit/s: LAME, constant rate, 44.1 kHz, joint stereo of two equal channels, as mono music is sold."""
    return _coded(samples, sample_rate, _Codec("libmp3lame", "mp3", 44_100, 128_000))


def mp3_64(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """MP3 at 64 kbit/s: LAME, constant rate, 44.1 kHz, joint stereo of two equal channels."""
    return _coded(samples, sample_rate, _Codec("libmp3lame", "mp3", 44_100, 64_000))


def opus_48(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Opus at 48 kbit/s: libopus for music, variable rate (about 48), 48 kHz, stereo of two equal channels."""
    return _coded(samples, sample_rate, _Codec("libopus", "ogg", 48_000, 48_000))


def quiet(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """20 dB quieter."""
    return np.asarray(samples * np.float32(0.1))


def clipped(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Driven 12 dB beyond full scale (the clip's peak brought to full scale, then 12 dB more) and cut off there."""
    peak = np.abs(samples).max(initial=0.0)
    driven = samples * np.float32(10 ** (12 / 20) / peak) if peak else samples
    return np.asarray(np.clip(driven, -1, 1))


def wide_stereo(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Wide stereo mixed down as every file is (see `sides`): the down-mix has the dips of a comb filter."""
    return np.asarray(sides(samples, sample_rate, seed).mean(axis=1, dtype=np.float32))


def sides(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Pseudo-stereo ``[n, 2]``: the clip left; right, through three all-passes of gain 0.6 with delays of 1-5 ms.

    Both sides have the same spectrum; their correlation is about 0.2, and few recordings are so wide.
    """
    delays_s = np.random.default_rng(seed).uniform(0.001, 0.005, 3)

    def response(freq_hz: NDArray[np.float64]) -> NDArray[np.complex128]:
        turns = np.exp(-2j * np.pi * np.outer(delays_s, freq_hz))
        return np.asarray(np.prod((turns + _ALL_PASS_GAIN) / (1 + _ALL_PASS_GAIN * turns), axis=0))

    return np.stack([samples, _filtered(samples, sample_rate, response)], axis=1)


def low_passed(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """Nothing above 8 kHz: linear phase, flat to 7.75 kHz, -6 dB at 8 kHz, gone at 8.25 kHz."""

    def response(freq_hz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip((freq_hz - 7750) / 500, 0, 1)))

    return _filtered(samples, sample_rate, response)


def ten_seconds(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """The middle ten seconds alone; what is shorter stays whole."""
    spare = max(0, len(samples) - 10 * sample_rate)
    return samples[spare // 2 : len(samples) - (spare - spare // 2)]


def room(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """A small speaker in a room: 150 Hz high-pass, reverberation of 0.4 s, pink noise 20 dB below the music.

    The speaker is a closed box (12 dB an octave); the microphone stands where direct sound and reverberation are
    equally strong. The music's level stays what it was. See `heard` for the music without the noise.
    """
    music = heard(samples, sample_rate, seed)
    noise = pink_noise(len(samples), sample_rate, seed)
    return np.asarray(music + noise * np.float32(0.1 * _rms(music)))


def heard(samples: Samples, sample_rate: int, seed: int) -> Samples:
    """The music of `room` as the speaker and the room make it, at the level it had."""
    spoken = _filtered(samples, sample_rate, lambda freq_hz: 1 / np.sqrt(1 + (150 / np.maximum(freq_hz, 1)) ** 4))
    echo = impulse_response(sample_rate, seed)
    size = _size(len(samples) + len(echo))
    wet = np.fft.irfft(np.fft.rfft(spoken, size) * np.fft.rfft(echo, size), size)[: len(samples)]
    level = _rms(wet)
    return np.asarray(wet * (_rms(samples) / level if level else 1.0), dtype=np.float32)


def impulse_response(sample_rate: int, seed: int) -> NDArray[np.float64]:
    """A room: the direct sound, and from 3 ms on noise that decays by 60 dB in `RT60_S`, of the same energy."""
    time_s = np.arange(round(1.2 * RT60_S * sample_rate)) / sample_rate
    tail = np.random.default_rng(seed).standard_normal(len(time_s)) * 10 ** (-3 * time_s / RT60_S)
    tail[time_s < _FIRST_REFLECTION_S] = 0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1
    return np.asarray(tail)


def pink_noise(length: int, sample_rate: int, seed: int) -> Samples:
    """Gaussian noise of equal power in every octave above 20 Hz, RMS 1."""
    size = _size(length)
    freq_hz = np.fft.rfftfreq(size, 1 / sample_rate)
    white = np.random.default_rng([seed, 1]).standard_normal((2, len(freq_hz)))  # not the room's own numbers
    noise = np.fft.irfft((white[0] + 1j * white[1]) * (freq_hz >= 20) / np.sqrt(np.maximum(freq_hz, 20)), size)[:length]
    return np.asarray(noise / (_rms(noise) or 1.0), dtype=np.float32)


#: Every condition by its name, in the order of reports.
CONDITIONS: Mapping[str, Change] = {
    "mp3-128": mp3_128,
    "mp3-64": mp3_64,
    "opus-48": opus_48,
    "gain-20dB": quiet,
    "clipping": clipped,
    "stereo": wide_stereo,
    "lowpass-8k": low_passed,
    "10s": ten_seconds,
    "room": room,
}


def _rms(samples: NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _size(length: int) -> int:
    """The power of two to transform `length` samples with; other lengths can be very slow."""
    return 1 << max(0, length - 1).bit_length()


def _filtered(samples: Samples, sample_rate: int, response: Any) -> Samples:
    """Samples by a filter whose `response` is a function of the frequency in Hz; half a second of silence behind."""
    size = _size(len(samples) + sample_rate // 2)
    spectrum = np.fft.rfft(samples, size) * response(np.fft.rfftfreq(size, 1 / sample_rate))
    return np.asarray(np.fft.irfft(spectrum, size)[: len(samples)], dtype=np.float32)


def _coded(samples: Samples, sample_rate: int, codec: _Codec) -> Samples:
    """Samples after encoding and decoding, in memory; what delay the codec adds, the container lets FFmpeg remove."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise DataError("the conditions of codecs need PyAV: pip install 'edgemood[av]'") from None
    original = soxr.resample(samples, sample_rate, codec.rate_hz, quality="VHQ")
    decoded = _decode(_encode(original, codec), codec.container)
    back = soxr.resample(decoded, codec.rate_hz, sample_rate, quality="VHQ")[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def _encode(samples: Samples, codec: _Codec) -> io.BytesIO:
    import av

    media, rate_hz = io.BytesIO(), codec.rate_hz
    with av.open(media, "w", format=codec.container) as out:
        stream = out.add_stream(codec.encoder, rate=rate_hz, layout="stereo")
        stream.bit_rate = codec.bit_rate
        convert = av.AudioResampler(format=stream.format.name, layout="stereo", rate=rate_hz)
        for start in range(0, len(samples), rate_hz):
            piece = np.tile(samples[start : start + rate_hz], (2, 1))
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.rate, frame.pts = rate_hz, start
            for converted in convert.resample(frame):
                out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
    media.seek(0)
    return media


def _decode(media: io.BytesIO, container: str) -> Samples:
    """Every decoded sample, the two channels averaged."""
    import av

    with av.open(media, "r", format=container) as source:
        convert = av.AudioResampler(format="fltp", layout="stereo")
        pieces = [c.to_ndarray() for frame in source.decode(audio=0) for c in convert.resample(frame)]
    return np.asarray(np.concatenate(pieces, axis=1).mean(axis=0), dtype=np.float32)
