"""What a device does all day: decode, judge, scan. For ranking see bench_rank.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from edgemood import audio, mood
from edgemood.describe import Describer
from edgemood.features import extract
from edgemood.library import Library
from edgemood.pipeline import scan

FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


@pytest.mark.benchmark(group="a song of 240 s, stage by stage")
@pytest.mark.parametrize("extension", list(FORMATS))
def bench_decode(benchmark: Any, song: Any, tmp_path: Path, extension: str) -> None:
    """Decoding 44.1 kHz stereo, mixing and resampling to the model's rate."""
    path = tmp_path / f"song.{extension}"
    container, subtype = FORMATS[extension]
    stereo = np.repeat(np.repeat(song, 2)[:, None], 2, axis=1)
    with soundfile.SoundFile(path, "w", 44100, 2, format=container, subtype=subtype) as file:
        for start in range(0, len(stereo), 44100):
            file.write(stereo[start : start + 44100])
    assert benchmark(lambda: sum(map(len, audio.blocks(str(path), 22050)))) > 0


@pytest.mark.benchmark(group="a song of 240 s, stage by stage")
def bench_lld50(benchmark: Any, song: Any) -> None:
    """The descriptors of the published method, which the bundle `paper` reads."""
    assert len(benchmark(lambda: extract([song])).values)


@pytest.mark.benchmark(group="a song of 240 s, stage by stage")
@pytest.mark.parametrize("bundle", [info.name for info in mood.available() if info.problem is None])
def bench_judge(benchmark: Any, song: Any, bundle: str) -> None:
    """The model over all windows of the song."""
    model = mood.load(bundle)
    sequence = Describer(model).describe([song])
    assert benchmark(lambda: model.judge(sequence)).timeline


@pytest.mark.benchmark(group="scan of 12 songs of 30 s, FLAC")
def bench_scan(benchmark: Any, song: Any, tmp_path: Path) -> None:
    """All of it: worker processes, decoding, descriptors, model, database; a fresh library each round."""
    folder = tmp_path / "music"
    folder.mkdir()
    for i in range(12):
        soundfile.write(folder / f"{i}.flac", song[i * 22050 * 20 :][: 22050 * 30], 22050)
    rounds = iter(range(1000))

    def work() -> int:
        with Library.open(tmp_path / f"{next(rounds)}.db") as library:
            return scan(library, folder, jobs=1).analysed

    assert benchmark.pedantic(work, rounds=3, warmup_rounds=1) == 12
