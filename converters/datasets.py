"""Labelled clips on disk: the research sets the shipped model is trained on, or a folder of one's own.

A folder of one's own holds either one folder per mood with audio files in it, or a ``clips.csv`` with the columns
``file`` and ``label`` and, where known, ``artist`` (songs of one artist never lie on both sides of a split).
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: Labels of the four quadrants of Russell's plane, as 4QAED and EMOPIA number them.
QUADRANT_LABELS = ("happy", "angry", "sad", "calm")
#: The emotions whose shares of votes Emotify gives, and the quadrant each is counted for.
GEMS = {
    "amazement": "happy",
    "solemnity": "calm",
    "tenderness": "calm",
    "nostalgia": "sad",
    "calmness": "calm",
    "power": "happy",
    "joyful_activation": "happy",
    "tension": "angry",
    "sadness": "sad",
}
AUDIO_SUFFIXES = {".opus", ".ogg", ".oga", ".flac", ".wav", ".mp3", ".aif", ".aiff", ".m4a"}
N_FOLDS = 5


@dataclass(frozen=True)
class Clip:
    """One labelled clip. target: probability of each label; group: whose songs must stay together; fold: 0 to 4."""

    dataset: str
    path: Path
    target: tuple[float, ...]
    group: str
    fold: int

    @property
    def key(self) -> str:
        """What the clip is called in caches and lists."""
        return f"{self.dataset}/{self.path.stem}"

    @property
    def label(self) -> int:
        """Index of the most probable label."""
        return int(np.argmax(self.target))


@dataclass(frozen=True)
class Dataset:
    """Clips and the labels their targets speak of."""

    name: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]


def load(folder: Path) -> list[Dataset]:
    """Every set found in `folder`: ``4qaed`` and ``emotify`` below it, or `folder` itself as a set of one's own.

    Raises
    ------
    ValueError
        There is nothing to train on in `folder`.
    """
    found = [reader(folder / name) for name, reader in READERS.items() if (folder / name / "clips.csv").is_file()]
    if found:
        return found
    if (folder / "clips.csv").is_file():
        return [_listed(folder)]
    return [_sorted_by_folder(folder)]


def load_4qaed(folder: Path) -> Dataset:
    """4QAED: four quadrants, five folds that share no artist."""
    clips = []
    for row in _rows(folder / "clips.csv"):
        target = _one_hot(int(row["quadrant"][1:]) - 1, len(QUADRANT_LABELS))
        path = folder / "audio" / row["file"]
        clips.append(Clip("4qaed", path, target, row["artist"].strip().lower(), int(row["fold"])))
    return Dataset("4qaed", QUADRANT_LABELS, tuple(clips))


def load_emotify(folder: Path) -> Dataset:
    """Emotify: the share of listeners' votes that falls on each quadrant. Artists are not known; folds are its own."""
    clips = []
    for row in _rows(folder / "clips.csv"):
        shares = dict.fromkeys(QUADRANT_LABELS, 0.0)
        for emotion, label in GEMS.items():
            shares[label] += float(row[f"share_{emotion}"])
        total = sum(shares.values()) or 1.0
        target = tuple(shares[label] / total for label in QUADRANT_LABELS)
        path = folder / "audio" / row["file"]
        clips.append(Clip("emotify", path, target, path.stem, int(row["fold"])))
    return Dataset("emotify", QUADRANT_LABELS, tuple(clips))


def deal(groups: Iterable[str]) -> dict[str, int]:
    """A fold for each group, for sets that bring none: dealt out in an order that depends on their names alone."""
    order = sorted(set(groups), key=lambda group: (zlib.crc32(group.encode()), group))
    return {group: i % N_FOLDS for i, group in enumerate(order)}


def _listed(folder: Path) -> Dataset:
    rows = _rows(folder / "clips.csv")
    if not rows or not {"file", "label"} <= set(rows[0]):
        raise ValueError(f"{folder / 'clips.csv'} needs rows with the columns file and label")
    return _own(folder, [(folder / r["file"], r["label"], r.get("artist") or r["file"]) for r in rows])


def _sorted_by_folder(folder: Path) -> Dataset:
    files = [
        (path, label.name, str(path.relative_to(folder)))
        for label in sorted(f for f in folder.iterdir() if f.is_dir())
        for path in sorted(label.rglob("*"))
        if path.suffix.lower() in AUDIO_SUFFIXES
    ]
    return _own(folder, files)


def _own(folder: Path, files: Sequence[tuple[Path, str, str]]) -> Dataset:
    labels = _label_order({label for _, label, _ in files})
    if len(labels) < 2:
        raise ValueError(f"{folder}: training needs clips of at least two moods, found {len(labels)}")
    fold_of = deal(group.strip().lower() for _, _, group in files)
    if len(fold_of) < 2:
        raise ValueError(f"{folder}: all clips are of one artist; nothing would be left to judge the model on")
    clips = []
    for path, label, artist in files:
        group = artist.strip().lower()
        clips.append(Clip(folder.name, path, _one_hot(labels.index(label), len(labels)), group, fold_of[group]))
    return Dataset(folder.name, labels, tuple(clips))


def _label_order(labels: set[str]) -> tuple[str, ...]:
    return QUADRANT_LABELS if labels == set(QUADRANT_LABELS) else tuple(sorted(labels))


def _one_hot(index: int, count: int) -> tuple[float, ...]:
    return tuple(1.0 if i == index else 0.0 for i in range(count))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


READERS = {"4qaed": load_4qaed, "emotify": load_emotify}
