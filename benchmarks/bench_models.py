"""What judging costs a song, as a share of what decoding it costs. Gates on ratios taken in one run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sidebyside.timing import Spread, take_turns

from edgemood import audio, mood
from edgemood.describe import Describer

#: The networks of a bundle (trunk and mood) cost at most so much of decoding, mixing and resampling a four-minute MP3.
#: Float16 weights are computed with in float32: those bundles are for runtimes that cannot do better.
MOST_OF_DECODING = {"dynamic-range int8": 0.25, "float16 weights": 0.75}
#: Decoding, descriptors and networks together cost at most so many times decoding: what 150 songs a minute need of a
#: core that decodes 315.
MOST_IN_ALL = {"dynamic-range int8": 2.1, "float16 weights": 2.6}
BUNDLES = [info.name for info in mood.available() if info.problem is None]


@pytest.fixture(scope="module")
def mp3(song: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The song as a 44.1 kHz stereo MP3 (constant bit rate, 128 kbit/s or near)."""
    path = tmp_path_factory.mktemp("models") / "song.mp3"
    stereo = np.repeat(np.repeat(song, 2)[:, None], 2, axis=1)
    with soundfile.SoundFile(path, "w", 44100, 2, format="MP3", subtype="MPEG_LAYER_III") as file:
        for start in range(0, len(stereo), 44100):
            file.write(stereo[start : start + 44100])
    return path


@pytest.mark.parametrize("bundle", BUNDLES)
def bench_beside_decoding(mp3: Path, bundle: str) -> None:
    """Trunk and mood network, and the whole way from file to mood."""
    model = mood.load(bundle)
    describer = Describer(model)
    rows = describer.describe(audio.blocks(str(mp3), describer.sample_rate))

    def decode() -> int:
        return sum(map(len, audio.blocks(str(mp3), describer.sample_rate)))

    def networks() -> None:
        if model.patches:
            layout = model.patches.layout
            patch = np.zeros((layout.length, len(layout.frames.names)), np.float32)
            for _ in range(len(rows.values) // layout.rows):
                model.patches(patch)
        model.judge(rows)

    def whole() -> None:
        model.judge(describer.describe(audio.blocks(str(mp3), describer.sample_rate)))

    judging, everything = (Spread.of(ratios) for ratios in take_turns(decode, [networks, whole], 5))
    most, in_all = (table[model.manifest.quantisation] for table in (MOST_OF_DECODING, MOST_IN_ALL))
    start = time.process_time()
    whole()
    a_minute = 60 / (time.process_time() - start)
    print(
        f"\n{bundle}: networks {judging.median:.1%} of decoding (gate {most:.0%}), all "
        f"{everything.median:.2f} times decoding (gate {in_all}), {a_minute:.0f} songs a minute and core here"
    )
    assert judging.median <= most
    assert everything.median <= in_all
