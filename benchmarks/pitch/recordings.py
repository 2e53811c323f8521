"""Sound whose pitch no one has written down: speech, recorded notes and music. Trackers are judged against each other.

Speech is made by espeak-ng at run time; recordings are those of Debian packages, where installed. What is not there is
named in `missing`, and is no pass.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

MUSIC = Path(__file__).parents[2] / "examples" / "music"
MUSIC_S = 8.0

#: espeak-ng's voices and what they say (from the Universal Declaration of Human Rights, article 1).
SPEAKERS = (
    ("en-us+m3", "All human beings are born free and equal in dignity and rights."),
    ("en-gb+f2", "They are endowed with reason and conscience."),
    ("de+f4", "Alle Menschen sind frei und gleich an Würde und Rechten geboren."),
    ("fr+m1", "Tous les êtres humains naissent libres et égaux en dignité et en droits."),
    ("es+f1", "Todos los seres humanos nacen libres e iguales en dignidad y derechos."),
    ("it+m7", "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti."),
    ("pl+f3", "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności."),
    ("cmn+f2", "人人生而自由，在尊严和权利上一律平等。"),
)

#: Recorded speech in Debian packages: of each a pattern below the root, and how many of its files.
SPEECH_FILES = (
    ("alsa-utils", "usr/share/sounds/alsa/[FRS]*.wav", 8),
    ("codec2-examples", "usr/share/codec2/raw/[cfhkmv]*.raw", 12),
    ("asterisk-core-sounds-en-wav", "usr/share/asterisk/sounds/en_US_f_Allison/demo-*.wav", 6),
)
SOUND_FONT = "usr/share/sounds/sf2/TimGM6mb.sf2"  # timgm6mb-soundfont


@dataclass(frozen=True)
class Recording:
    """Mono samples at `rate`, and what they are."""

    kind: str
    name: str
    rate: int
    samples: NDArray[np.float32]


def synthetic_speech(rate: int) -> list[Recording]:
    """A sentence by each of espeak-ng's speakers; nothing where espeak-ng is not installed."""
    if shutil.which("espeak-ng") is None:
        return []
    recordings = []
    for voice, text in SPEAKERS:
        wav = subprocess.run(
            ["espeak-ng", "-v", voice, "-s", "140", "--stdout", "--", text], check=True, capture_output=True
        ).stdout
        samples, own = sf.read(io.BytesIO(_with_length(wav)), dtype="float32")
        recordings.append(_recording("espeak-ng speech", voice, samples, own, rate))
    return recordings


def recorded_speech(rate: int, root: Path = Path("/")) -> list[Recording]:
    """People speaking, from the Debian packages of `SPEECH_FILES` that are unpacked below `root`."""
    recordings = []
    for _, pattern, count in SPEECH_FILES:
        for path in sorted(root.glob(pattern))[:count]:
            if path.suffix == ".raw":
                samples, own = np.fromfile(path, "<i2").astype(np.float32) / 32768, 8000
            else:
                samples, own = sf.read(path, dtype="float32")
            recordings.append(_recording("recorded speech", path.name, samples[: 10 * own], own, rate))
    return recordings


def recorded_notes(rate: int, root: Path = Path("/")) -> list[Recording]:
    """Single notes of instruments and choirs: the samples of a sound font that last, their loops repeated to 1 s."""
    path = root / SOUND_FONT
    if not path.exists():
        return []
    return [
        _recording("recorded notes", name, samples, own, rate)
        for name, samples, own in _sound_font(path.read_bytes())
        if not any(word in name for word in ("Ocean", "Bird", "Crash", "Cymbal", "Rain", "Syn"))
    ]


def music(rate: int, seconds: float = MUSIC_S) -> list[Recording]:
    """From the middle of each of the songs in `examples/music`."""
    recordings = []
    for path in sorted(MUSIC.glob("*.ogg")):
        samples, own = sf.read(path, dtype="float32")
        start = int((len(samples) - seconds * own) / 2)
        recordings.append(_recording("music", path.stem, samples[start : start + int(seconds * own)], own, rate))
    return recordings


def missing(root: Path = Path("/")) -> list[str]:
    """Debian packages whose sound would be judged, were they installed."""
    absent = [] if shutil.which("espeak-ng") else ["espeak-ng"]
    absent += [package for package, pattern, _ in SPEECH_FILES if not any(root.glob(pattern))]
    return absent + ([] if (root / SOUND_FONT).exists() else ["timgm6mb-soundfont"])


def _recording(kind: str, name: str, samples: NDArray[np.floating], own: int, rate: int) -> Recording:
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    return Recording(kind, name, rate, np.asarray(soxr.resample(mono, own, rate, "VHQ"), np.float32))


def _with_length(wav: bytes) -> bytes:
    """A WAV that was written to a pipe does not know its length."""
    data = wav.index(b"data")
    return wav[: data + 4] + struct.pack("<I", len(wav) - data - 8) + wav[data + 8 :]


def _sound_font(file: bytes) -> Iterator[tuple[str, NDArray[np.floating], int]]:
    """Name, samples and rate of a SoundFont 2 file's mono or left samples that last 0.6 s or can be made to."""
    chunks = {name: (start, size) for name, start, size in _riff(file)}
    start, size = chunks[b"smpl"]
    pool = np.frombuffer(file, "<i2", size // 2, start)
    start, size = chunks[b"shdr"]
    for at in range(start, start + size - 46, 46):  # the last says "end"
        name = file[at : at + 20].split(b"\0")[0].decode("latin-1")
        first, last, loop, loop_end, rate = struct.unpack_from("<5I", file, at + 20)
        if last - first < 0.6 * rate or name.endswith(" R"):
            continue
        sound = pool[first:loop_end]
        if 0.05 * rate < loop_end - loop < 0.6 * rate:
            sound = np.concatenate([sound, *[pool[loop:loop_end]] * int(np.ceil(rate / (loop_end - loop)))])
        yield name, sound[:rate].astype(np.float32) / 32768, rate


def _riff(file: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and size of each chunk, those in lists included."""
    at = 12
    while at + 8 <= len(file):
        name, size = file[at : at + 4], struct.unpack_from("<I", file, at + 4)[0]
        yield name, at + 8, size
        at += 12 if name == b"LIST" else 8 + size + (size & 1)
