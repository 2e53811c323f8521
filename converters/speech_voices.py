"""Speech to learn from: sentences read by the speech synthesisers of Linux distributions, joined with pauses.

A voice that is not installed here is passed over. Debian has them as ``espeak-ng``, ``flite``, ``festival`` with
``festvox-*`` and, for Czech, ``festival-czech``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from converters.datasets import DataError
from converters.speech_texts import SENTENCES
from edgemood import audio

Samples = NDArray[np.float32]

RATE_HZ = 22_050
#: Speaking rates of a voice, as a share of its own.
RATES = (0.9, 1.15)
_SHORTEST_S = 0.8  # of a sentence: shorter ones are single words
_PAUSE_S = (0.1, 1.2)


@dataclass(frozen=True)
class Voice:
    """A synthesiser's voice: `engine` is the program, `name` what it calls the voice, `family` how it makes sound.

    A family shares its sound: a model is judged on families that it never heard.
    """

    engine: str
    name: str
    language: str
    family: str
    encoding: str = "utf-8"

    @property
    def key(self) -> str:
        """What the voice is called in caches and reports."""
        return f"{self.engine}-{self.name.replace('+', '-')}"


def _espeak(*names: str) -> list[Voice]:
    return [Voice("espeak-ng", name, name[:2], "formants") for name in names]


VOICES = (
    *_espeak("en-us", "en-gb+f3", "de", "fr-fr+f2", "es+m3", "it+f4", "cs", "fi", "ru+f1", "hi", "en-gb-scotland+m7"),
    *(Voice("flite", name, "en", "diphones") for name in ("kal", "kal16")),
    *(Voice("flite", name, "en", "statistical, flite") for name in ("awb", "rms", "slt")),
    *(Voice("festival", name, "en", "diphones") for name in ("kal_diphone", "ked_diphone")),
    *(Voice("festival", name, "it", "diphones, Italian", "latin-1") for name in ("pc_diphone", "lp_diphone")),
    *(
        Voice("festival", f"czech_{name}", "cs", "diphones, Czech", "iso-8859-2")
        for name in ("dita", "krb", "machac", "ph")
    ),
    *(
        Voice("festival", name, "fi", "diphones, Finnish", "latin-1")
        for name in ("suo_fi_lj_diphone", "hy_fi_mv_diphone")
    ),
    Voice("festival", "cmu_us_slt_arctic_hts", "en", "statistical, festival"),
    Voice("festival", "upc_ca_ona_hts", "ca", "statistical, festival", "latin-1"),
    Voice("festival", "msu_ru_nsh_clunits", "ru", "units, Russian"),
    Voice("festival", "hindi_NSK_diphone", "hi", "diphones, Hindi"),
)


def sentences(voice: Voice, folder: Path) -> list[Path]:
    """Every sentence of the voice's language at each of `RATES`, read into files of `folder`; none if not installed.

    Files that are there already are kept. Some engines stumble over some sentences: what is shorter than a word is
    left out.
    """
    if shutil.which(voice.engine) is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    texts = SENTENCES[voice.language]
    wanted = [(folder / f"{i:02d}-{rate}.wav", text, rate) for rate in RATES for i, text in enumerate(texts)]
    missing = [job for job in wanted if not job[0].exists()]
    if missing:
        _ENGINES[voice.engine](voice, missing)
    return [path for path, _, _ in wanted if path.exists() and soundfile.info(path).duration >= _SHORTEST_S]


Job = tuple[Path, str, float]


def _run(command: Sequence[str], text: str | bytes = "") -> None:
    data = text if isinstance(text, bytes) else text.encode()
    subprocess.run(command, input=data, check=False, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _read_by_espeak(voice: Voice, jobs: Sequence[Job]) -> None:
    for path, text, rate in jobs:
        pitch = 35 + zlib.crc32(f"{voice.key}{text}".encode()) % 30
        _run(["espeak-ng", "-v", voice.name, "-s", str(round(165 * rate)), "-p", str(pitch), "-w", str(path)], text)


def _read_by_flite(voice: Voice, jobs: Sequence[Job]) -> None:
    for path, text, rate in jobs:
        stretch = f"duration_stretch={1 / rate:.2f}"
        _run(["flite", "-voice", voice.name, "--setf", stretch, "-t", text, "-o", str(path)])


def _read_by_festival(voice: Voice, jobs: Sequence[Job]) -> None:
    """One process reads all, since it takes long to start."""
    lines = [f"(voice_{voice.name})"]
    for path, text, rate in jobs:
        quoted = text.replace('"', "")
        lines.append(f"(Parameter.set 'Duration_Stretch {1 / rate:.2f})")
        lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{quoted}")) "{path}" \'riff)')
    _run(["festival", "--pipe"], "\n".join(lines).encode(voice.encoding, "replace"))


_ENGINES = {"espeak-ng": _read_by_espeak, "flite": _read_by_flite, "festival": _read_by_festival}


def recorded(folder: Path) -> dict[str, list[Path]]:
    """Recordings of people: of each folder in `folder`, one for a speaker, its WAV files.

    The prompts of telephone systems do (Debian's ``asterisk-core-sounds-*-g722``, decoded).

    Raises
    ------
    DataError
        There are none.
    """
    speakers = {
        entry.name: [p for p in sorted(entry.rglob("*.wav")) if soundfile.info(p).duration >= _SHORTEST_S]
        for entry in sorted(folder.iterdir())
        if entry.is_dir()
    }
    speakers = {name: files for name, files in speakers.items() if files}
    if not speakers:
        raise DataError(f"{folder}: a folder of WAV files for each speaker was expected")
    return speakers


def talks(files: Sequence[Path], count: int, length_s: float, seed: int) -> Iterator[Samples]:
    """`count` stretches of talk: sentences drawn from `files`, joined with pauses of 0.1 to 1.2 s, each `length_s`."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        pieces: list[Samples] = []
        missing = round(length_s * RATE_HZ)
        while missing > 0:
            sound = audio.load(os.fspath(files[rng.integers(len(files))]), RATE_HZ)
            pause = np.zeros(round(rng.uniform(*_PAUSE_S) * RATE_HZ), np.float32)
            pieces += [sound, pause]
            missing -= len(sound) + len(pause)
        talk = np.concatenate(pieces)[: round(length_s * RATE_HZ)]
        level = 10 ** rng.uniform(-1.2, -0.1) / max(float(np.abs(talk).max()), 1e-6)
        yield np.asarray(talk * np.float32(level))
