"""The work of a scan and of listening, stage by stage, each between two marks for ``count_instructions.c``.

``python workload.py FOLDER`` wants ``song.mp3`` and ``song.wav`` of the same 30 s there, and prints a line of JSON with
the stages in the order of their marks, each with the seconds of music it was done on. Needs only edgemood and NumPy.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from edgemood import audio, features, identity, mood
from edgemood.describe import Describer
from edgemood.domain import FeatureSequence
from edgemood.live import LiveMood

MARK = 0x454D0000
_RATE = 22050
_LISTENED_S = 10


def main(folder: Path) -> None:
    """Do every stage twice, the second time between marks: the first fills caches and tables."""
    mp3, wav = folder / "song.mp3", folder / "song.wav"
    rate = 44100
    samples = audio.load(wav, _RATE)
    model = mood.load()
    describer = Describer(model)
    song = _repeated(describer.describe([samples]), 8)
    live = LiveMood(model, _RATE)
    for _ in range(60):  # its window is full
        live.push(samples[:_RATE])
    seconds = len(samples) / _RATE

    def listen() -> None:
        for second in np.split(samples[: _LISTENED_S * _RATE], _LISTENED_S):
            live.push(second)

    stages: list[tuple[str, float, Callable[[], object]]] = [
        ("read WAV", seconds, lambda: audio.load(wav, rate)),
        ("decode MP3", seconds, lambda: audio.load(mp3, rate)),
        ("decode MP3 to 22,050 Hz", seconds, lambda: audio.load(mp3, _RATE)),
        ("LLD-50", seconds, lambda: features.extract([samples])),
        ("rows", seconds, lambda: describer.describe([samples])),
        ("model", float(song.end_s[-1]), lambda: model.judge(song)),
        ("identify", seconds, lambda: (identity.content_hash(mp3), identity.read_tags(mp3))),
        ("listen", _LISTENED_S, listen),
    ]
    for number, (_, _, work) in enumerate(stages):
        work()
        _mark(2 * number)
        work()
        _mark(2 * number + 1)
    told = {"stages": [stage[:2] for stage in stages], "model": model.id, "version": features.VERSION}
    print(json.dumps(told))


def _repeated(one: FeatureSequence, times: int) -> FeatureSequence:
    """The descriptors of a song of several minutes."""
    hop_s = float(one.start_s[1] - one.start_s[0])
    start_s = np.arange(len(one.values) * times, dtype=np.float64) * hop_s
    end_s = start_s + (one.end_s[0] - one.start_s[0])
    return FeatureSequence(np.tile(one.values, (times, 1)), start_s, end_s, one.names, one.version)


def _mark(number: int) -> None:
    with suppress(OSError):
        os.close(MARK + number)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
