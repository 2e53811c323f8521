"""Do two machines hear the same, and pick the same? What one computed, kept to be compared with another's.

``python tools/arm/golden.py`` compares what this machine computes with ``tests/data/arm-golden.npz``; ``--make`` writes
that file anew, which is due whenever descriptors or the shipped models change. Needs only edgemood and NumPy, so that
it runs on the smallest target.

Two sounds are described: one of integer arithmetic alone, so that it is the same to the bit everywhere, and a song of
the examples, which decoding and resampling have gone over first. Picked are songs made of numbers.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood import audio, features, mood, pipeline, recommend, targets
from edgemood.errors import EdgemoodError
from edgemood.shelf import Shelf

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/data/arm-golden.npz"
SONG = ROOT / "examples/music/crystan_intro-sad.ogg"
REMAKE = "if that is meant: python tools/arm/golden.py --make"

#: Largest difference of a descriptor, as a share of the largest magnitude its column has in the golden file. All of
#: what was tried agrees to about 1e-5; a last bit may yet make one frame choose another pitch candidate or roll-off
#: bin, which shows in a maximum, minimum or median.
TOLERANCE = 1e-3
#: Largest difference that all but 1 % of the descriptors have.
USUAL_TOLERANCE = 1e-5
#: Largest difference of a mood's probability.
SCORE_TOLERANCE = 1e-3

_SAMPLE_RATE = 22050


@dataclass(frozen=True)
class Heard:
    """What a machine computed: rows of descriptors by sound, scores by mood and bundle, ids of the songs picked."""

    version: str
    names: tuple[str, ...]
    rows: dict[str, NDArray[np.float32]]
    moods: dict[str, dict[str, Any]]
    picks: tuple[int, ...]

    def save(self, path: Path) -> None:
        """Write it as a small file that holds no executable content."""
        meta = json.dumps({"version": self.version, "names": self.names, "moods": self.moods, "picks": self.picks})
        arrays: dict[str, Any] = {"meta": np.array(meta), **self.rows}
        np.savez_compressed(path, **arrays)

    @classmethod
    def read(cls, path: Path) -> Heard:
        """The inverse of `save`."""
        with np.load(path, allow_pickle=False) as stored:
            meta = json.loads(str(stored["meta"]))
            rows = {key: stored[key] for key in stored.files if key != "meta"}
        return cls(meta["version"], tuple(meta["names"]), rows, meta["moods"], tuple(meta.get("picks", ())))


def sound(seconds: int) -> NDArray[np.float32]:
    """Three gliding sawtooth voices that come and go, over noise; integers until the last, exact, division."""
    i = np.arange(seconds * _SAMPLE_RATE, dtype=np.int64)
    total = np.zeros(len(i), dtype=np.int64)
    for voice, step in enumerate((26_843_546, 33_820_000, 53_687_091)):  # 138, 174 and 276 Hz: 32-bit phase a sample
        glide = np.cumsum((i >> (9 + voice)) % 4001) * (40 + 24 * voice)
        saw = ((step * i + glide) % 2**32 - 2**31) >> 19
        loud = np.abs((i // (37 + 6 * voice)) % 2048 - 1024)
        total += saw * loud >> 10
    state = np.arange(len(i), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state ^= state >> np.uint64(29)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    total += (state >> np.uint64(53)).astype(np.int64) - 1024
    return (total / 32768).astype(np.float32)


def picked() -> tuple[int, ...]:
    """Ids of songs on a way from one mood to another, out of 5,000 whose vectors and moods are mixed numbers."""
    count, dims = 5000, 32
    mixed = np.arange(count * (dims + 12) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(31)
    parts = ((mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(56)).astype(np.int64)[1:].reshape(count, -1)
    shares = [parts[:, dims + 4 * i : dims + 4 * i + 4] / 255 for i in range(3)]
    shelf = Shelf.of(
        np.arange(count),
        parts[:, :dims] - 128,
        shares[0],
        ("happy", "angry", "sad", "calm"),
        "made-up-1",
        head=shares[1],
        tail=shares[2],
        artists=[str(number) for number in parts[:, 0] % 20],
    )
    way = targets.path(targets.of_mood("sad", shelf), "happy", 60, shelf)
    return tuple(choice.id for choice in recommend.rank(recommend.Request(way, 60), shelf))


def listen() -> Heard:
    """Describe both sounds on this machine, judge the song with every bundle that runs here, and pick songs.

    Raises
    ------
    EdgemoodError
        No shipped bundle runs here, or one was trained on other descriptors than this build computes.
    """
    made = features.extract([sound(40)])
    song = features.extract(audio.blocks(SONG, _SAMPLE_RATE))
    rows, moods = {"sound": made.values, "song": song.values}, {}
    for bundle in mood.available():
        if bundle.problem is None:
            model = mood.load(bundle.name)
            analysis = pipeline.analyse(SONG, model)
            moods[bundle.name] = {"model": model.manifest.file.sha256, "scores": dict(analysis.mood.scores)}
    if not moods:
        raise EdgemoodError("; ".join(f"{bundle.name}: {bundle.problem}" for bundle in mood.available()))
    return Heard(features.VERSION, made.names, rows, moods, picked())


def compare(golden: Heard, here: Heard) -> tuple[list[str], list[str]]:
    """Give what was found, in sentences, and of these what is wrong."""
    if golden.version != here.version:
        versions = f"descriptors of version {golden.version}, this build computes {here.version}"
        return [], [f"{GOLDEN.name} has {versions}; {REMAKE}"]
    if golden.names != here.names:
        return [], [f"{GOLDEN.name} has other descriptors than this build; {REMAKE}"]
    found: list[str] = []
    wrong: list[str] = []
    for key, rows in golden.rows.items():
        said, bad = _compare_rows(key, rows, here.rows[key], golden.names)
        found.append(said)
        wrong += bad
    for name, judged in here.moods.items():
        said, bad = _compare_moods(name, golden.moods.get(name, {}), judged)
        found.append(said)
        wrong += bad
    apart = sum(one != other for one, other in zip(golden.picks, here.picks, strict=False))
    apart += abs(len(golden.picks) - len(here.picks))
    found.append(f"picks: {len(here.picks)} songs, {len(here.picks) - apart} of them the same")
    if apart or not here.picks:
        wrong.append(f"picks: {apart} songs are not those in {GOLDEN.name}; {REMAKE}")
    return found, wrong


def _compare_rows(
    key: str, golden: NDArray[np.float32], here: NDArray[np.float32], names: tuple[str, ...]
) -> tuple[str, list[str]]:
    if golden.shape != here.shape:
        return f"{key}: {here.shape}", [f"{key}: {here.shape} rows and columns, not {golden.shape}"]
    apart = np.abs(golden.astype(np.float64) - here) / np.abs(golden).max(axis=0).clip(1e-6)
    row, column = np.unravel_index(np.argmax(apart), apart.shape)
    usual = float(np.quantile(apart, 0.99))
    where = f"{names[column]} of segment {row}"
    said = f"{key}: {apart.size} descriptors, 99 % within {usual:.1e}, all within {apart.max():.1e} ({where})"
    wrong = []
    if not apart.max() <= TOLERANCE:
        values = f"{here[row, column]:.6g} here, {golden[row, column]:.6g} in {GOLDEN.name}"
        wrong.append(f"{key}: {where} is {values}; {REMAKE}")
    if not usual <= USUAL_TOLERANCE:
        wrong.append(f"{key}: more than 1 % of the descriptors are further than {USUAL_TOLERANCE:g} apart; {REMAKE}")
    return said, wrong


def _compare_moods(name: str, golden: dict[str, Any], here: dict[str, Any]) -> tuple[str, list[str]]:
    if golden.get("model") != here["model"]:
        return f"{name}: not compared", [f"{name}: {GOLDEN.name} was made with another model file; {REMAKE}"]
    scores: dict[str, float] = here["scores"]
    apart = max(abs(scores[label] - p) for label, p in golden["scores"].items())
    label, expected = max(scores, key=scores.__getitem__), max(golden["scores"], key=golden["scores"].__getitem__)
    said = f"{name}: {label} {scores[label]:.4f}, all scores within {apart:.1e}"
    wrong = []
    if label != expected:
        wrong.append(f"{name}: the song is {label} here, {expected} in {GOLDEN.name}")
    if not apart <= SCORE_TOLERANCE:
        wrong.append(f"{name}: scores differ by {apart:.3f}, more than {SCORE_TOLERANCE:g}; {REMAKE}")
    return said, wrong


def main() -> int:
    """See the text at the top."""
    parser = argparse.ArgumentParser(description="Compare this machine's descriptors and moods with the stored ones.")
    parser.add_argument("--make", action="store_true", help="store what this machine computes instead")
    arguments = parser.parse_args()
    try:
        here = listen()
    except EdgemoodError as error:
        print(f"golden: {error}", file=sys.stderr)
        return 1
    if arguments.make:
        here.save(GOLDEN)
        print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes, descriptors of version {here.version}")
        return 0
    found, wrong = compare(Heard.read(GOLDEN), here)
    print(f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    print("\n".join(found))
    for line in wrong:
        print(f"golden: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
