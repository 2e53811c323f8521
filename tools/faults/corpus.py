"""Small real music files in every format that the decoders know, cut out of the songs in examples/music."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

MUSIC = Path(__file__).parents[2] / "examples" / "music"
RATE = 44_100


class Format(NamedTuple):
    """How a file is made. container: of FFmpeg; codec: FFmpeg's name, empty for what libsndfile makes."""

    suffix: str
    container: str
    codec: str
    rate: int = RATE


FORMATS = (
    Format(".wav", "wav", "pcm_s16le"),
    Format(".float.wav", "wav", "pcm_f32le"),
    Format(".adpcm.wav", "wav", "adpcm_ms"),
    Format(".w64", "w64", "pcm_s24le"),
    Format(".aiff", "aiff", "pcm_s16be"),
    Format(".au", "au", "pcm_s16be"),
    Format(".caf", "caf", "pcm_s16be"),
    Format(".flac", "flac", "flac"),
    Format(".ogg", "OGG", ""),
    Format(".oga", "ogg", "flac"),
    Format(".opus", "ogg", "libopus", 48_000),
    Format(".mp3", "mp3", "libmp3lame"),
    Format(".mp2", "mp2", "mp2"),
    Format(".m4a", "ipod", "aac"),
    Format(".alac.m4a", "ipod", "alac"),
    Format(".aac", "adts", "aac"),
    Format(".wma", "asf", "wmav2"),
    Format(".wv", "wv", "wavpack"),
    Format(".tta", "tta", "tta"),
    Format(".ac3", "ac3", "ac3"),
    Format(".mka", "matroska", "flac"),
    Format(".weba", "webm", "libopus", 48_000),
)


def excerpt(number: int, seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    """Cut `seconds` out of one song after the other, at a place that goes on with `number`: mono, ``[samples]``."""
    songs = sorted(MUSIC.glob("*.ogg"))
    with soundfile.SoundFile(songs[number % len(songs)]) as song:
        song.seek(min(number // len(songs) * int(0.7 * song.samplerate), song.frames // 2))
        samples = song.read(round(seconds * song.samplerate), dtype="float32", always_2d=True).mean(axis=1)
    places = np.linspace(0, len(samples) - 1, round(seconds * rate))  # no art of resampling is needed here
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)


def write(folder: Path, form: Format, number: int, seconds: float = 5.0) -> Path:
    """Write an excerpt with tags, and give where it lies."""
    path = folder / f"song {number}{form.suffix}"
    samples = excerpt(number, seconds, form.rate)
    if not form.codec:
        soundfile.write(path, samples, form.rate, format=form.container, subtype="VORBIS")
    else:
        _encode(path, form, samples)
    return path


def _encode(path: Path, form: Format, samples: NDArray[np.float32]) -> None:
    import av

    tags = {"title": f"Song {path.stem}", "artist": "Somebody", "album": "Faults", "genre": "Noise"}
    with av.open(str(path), "w", format=form.container) as out:
        out.metadata.update(tags)
        stream = out.add_stream(form.codec, rate=form.rate, layout="mono")
        stream.bit_rate = 96_000
        convert = av.AudioResampler(format=stream.format.name, layout="mono", rate=form.rate)
        for start in range(0, len(samples), 4096):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 4096], format="fltp", layout="mono")
            frame.rate, frame.pts = form.rate, start
            for converted in convert.resample(frame):
                out.mux(stream.encode(converted))
        for converted in convert.resample(None):
            out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
