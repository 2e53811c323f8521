"""Labelled clips on disk: the research sets the shipped model is trained on, or a folder of one's own.

A folder of one's own holds either one folder per mood with audio files in it, or a ``clips.csv`` with the columns
``file`` and ``label`` and, where known, ``artist`` (songs of one artist never lie on both sides of a split).
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
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
#: The parts of an official split.
SPLITS = ("train", "val", "test")
#: What the unlabelled music is called that trunks learn from (see `converters.corpus`).
MUSIC = "music"


class DataError(ValueError):
    """Clips that cannot be trained on or judged, and why."""


@dataclass(frozen=True)
class Clip:
    """One labelled clip. target: probability of each label; group: whose songs must stay together; fold: 0 to 4.

    split is ``train``, ``val`` or ``test`` in a set that has an official split, else empty. name tells the clip from
    the others of its set: its path below the folder of a set of one's own; empty: the file's name without suffix.
    """

    dataset: str
    path: Path
    target: tuple[float, ...]
    group: str
    fold: int
    split: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """What the clip is called in lists; its changed versions are drawn by it."""
        return f"{self.dataset}/{self.name or self.path.stem}"

    def seed(self, variant: str) -> int:
        """By which a changed version of the clip is drawn."""
        return zlib.crc32(f"{self.key}/{variant}".encode(errors="surrogateescape"))

    @property
    def label(self) -> int:
        """Index of the most probable label."""
        return int(np.argmax(self.target))


@dataclass(frozen=True)
class Dataset:
    """Clips and the labels their targets speak of.

    own: a set of one's own, no research set; artists: whose songs are kept together is known of every clip.
    """

    name: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    own: bool = False
    artists: bool = True


def load(folder: Path) -> list[Dataset]:
    """Every set below `folder` (``4qaed``, ``emotify``, ``emopia``), or `folder` itself as a set of one's own.

    Raises
    ------
    DataError
        There is nothing to train on in `folder`, or what is there is incomplete.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is {'a file, not' if folder.exists() else 'not there, or not'} a folder of clips")
    found = [READERS[name](folder / name) for name, table in TABLES.items() if (folder / name / table).exists()]
    if found:
        return found
    if (folder / "clips.csv").is_file():
        return [_listed(folder)]
    return [_sorted_by_folder(folder)]


def load_4qaed(folder: Path) -> Dataset:
    """4QAED: four quadrants, five folds that share no artist."""
    clips = []
    for row in _rows(folder / "clips.csv", ("file", "quadrant", "fold", "artist")):
        target = _one_hot(int(row["quadrant"][1:]) - 1, len(QUADRANT_LABELS))
        path = folder / "audio" / row["file"]
        clips.append(Clip("4qaed", path, target, row["artist"].strip().lower(), int(row["fold"])))
    return Dataset("4qaed", QUADRANT_LABELS, tuple(clips))


def load_emotify(folder: Path) -> Dataset:
    """Emotify: the share of listeners' votes that falls on each quadrant. Artists are not known; folds are its own."""
    return _emotify(folder, "emotify", _votes)


def load_emotify_strongest(folder: Path) -> Dataset:
    """Emotify, each clip of the quadrant of the one emotion that most votes fall on: less lopsided than their sums."""
    return _emotify(folder, "emotify, strongest emotion", _strongest)


def _emotify(folder: Path, name: str, target_of: Callable[[Sequence[tuple[str, float]]], tuple[float, ...]]) -> Dataset:
    clips = []
    for row in _rows(folder / "clips.csv", ("file", "fold", *(f"share_{emotion}" for emotion in GEMS))):
        target = target_of([(label, float(row[f"share_{emotion}"])) for emotion, label in GEMS.items()])
        path = folder / "audio" / row["file"]
        clips.append(Clip("emotify", path, target, path.stem, int(row["fold"])))
    return Dataset(name, QUADRANT_LABELS, tuple(clips))


def _votes(shares: Sequence[tuple[str, float]]) -> tuple[float, ...]:
    """The share of each quadrant, from quadrant and share of each emotion."""
    sums = dict.fromkeys(QUADRANT_LABELS, 0.0)
    for label, share in shares:
        sums[label] += share
    total = sum(sums.values()) or 1.0
    return tuple(sums[label] / total for label in QUADRANT_LABELS)


def _strongest(shares: Sequence[tuple[str, float]]) -> tuple[float, ...]:
    label, _ = max(shares, key=lambda share: share[1])
    return _one_hot(QUADRANT_LABELS.index(label), len(QUADRANT_LABELS))


@dataclass(frozen=True)
class Piece:
    """A clip of EMOPIA as its tables name it: ``Q1_0vLPYiPN7qY_2`` is the third clip of the song 0vLPYiPN7qY."""

    name: str
    quadrant: int
    song: str
    split: str


def emopia_pieces(folder: Path) -> list[Piece]:
    """The clips in EMOPIA's official split, from ``train.csv``, ``val.csv`` and ``test.csv`` (27 clips are in none).

    Raises
    ------
    DataError
        A table is missing, names a clip twice, or contradicts a clip's name.
    """
    pieces: dict[str, Piece] = {}
    for split in SPLITS:
        table = folder / f"{split}.csv"
        if not table.is_file():
            raise DataError(f"{table} is missing: EMOPIA's official split is {', '.join(f'{s}.csv' for s in SPLITS)}")
        for row in _rows(table):
            name, label = row.get("fname") or "", row.get("label") or ""
            match = re.fullmatch(r"(Q[1-4])_(.+)_(\d+)", name)
            if not match or match[1] != label:
                raise DataError(f"{table}: {name!r} with the label {label!r}, expected Q<1-4>_<song>_<number>, Q<1-4>")
            if name in pieces:
                raise DataError(f"{table}: {name} is in {pieces[name].split}.csv, too")
            pieces[name] = Piece(name, int(label[1]), match[2], split)
    return list(pieces.values())


def load_emopia(folder: Path, program: int | None = None) -> Dataset:
    """EMOPIA as `converters.render` rendered it: four quadrants, its official split, and folds that share no song.

    Parameters
    ----------
    folder
        Holds the three tables and the rendered audio.
    program
        The General MIDI program (0 to 127) of a re-orchestration; None for the piano that the files ask for.

    Raises
    ------
    DataError
        The tables are unusable, or clips are not rendered.
    """
    pieces = emopia_pieces(folder)
    name, audio = emopia_names(program)
    fold_of = deal(piece.song for piece in pieces)
    clips = [
        Clip(
            name,
            folder / audio / f"{piece.name}.flac",
            _one_hot(piece.quadrant - 1, len(QUADRANT_LABELS)),
            piece.song,
            fold_of[piece.song],
            piece.split,
        )
        for piece in pieces
    ]
    if missing := [clip for clip in clips if not clip.path.is_file()]:
        raise DataError(f"{len(missing)} of {len(clips)} clips are not rendered, the first {missing[0].path}")
    return Dataset(name, QUADRANT_LABELS, tuple(clips))


def emopia_names(program: int | None) -> tuple[str, str]:
    """What the set rendered with `program` is called, and the folder of its audio."""
    return ("emopia", "audio") if program is None else (f"emopia-{program:03d}", f"program-{program:03d}")


def deal(groups: Iterable[str]) -> dict[str, int]:
    """A fold for each group, for sets that bring none: dealt out in an order that depends on their names alone."""
    order = sorted(set(groups), key=lambda group: (zlib.crc32(group.encode(errors="surrogateescape")), group))
    return {group: i % N_FOLDS for i, group in enumerate(order)}


def _listed(folder: Path) -> Dataset:
    table = folder / "clips.csv"
    files, seen, known = [], set(), True
    for number, row in enumerate(_rows(table, ("file", "label")), 1):
        name, label, artist = ((row.get(key) or "").strip() for key in ("file", "label", "artist"))
        where = f"{table}: row {number}"
        if not name or not label:
            raise DataError(f"{where} ({name or label or 'empty'}) has no {'label' if name else 'file'}")
        if not (folder / name).is_file():
            raise DataError(f"{where}: there is no file {folder / name}")
        if name in seen:
            raise DataError(f"{where}: {name} is in an earlier row, too")
        seen.add(name)
        known = known and bool(artist)
        files.append((name, label, artist or name))
    if not files:
        raise DataError(f"{table} has no rows")
    return _own(folder, files, known)


def _sorted_by_folder(folder: Path) -> Dataset:
    files = [
        (path.relative_to(folder).as_posix(), label.name)
        for label in sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
        for path in sorted(label.rglob("*"))
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    return _own(folder, [(name, label, name) for name, label in files], False)


def _own(folder: Path, files: Sequence[tuple[str, str, str]], artists: bool) -> Dataset:
    """A set of one's own of files (paths below `folder`), their labels and artists."""
    labels = _label_order({label for _, label, _ in files})
    if len(labels) < 2:
        found = f" ({labels[0]})" if labels else ""
        raise DataError(
            f"{folder}: training needs clips of at least two moods, found {len(labels)}{found}; a folder of one's own "
            "has one folder of audio per mood, or a clips.csv"
        )
    fold_of = deal(group.strip().lower() for _, _, group in files)
    if len(fold_of) < 2:
        raise DataError(f"{folder}: all clips are of one artist; nothing would be left to judge the model on")
    called = _own_name(folder)
    clips = []
    for name, label, artist in files:
        group = artist.strip().lower()
        target = _one_hot(labels.index(label), len(labels))
        clips.append(Clip(called, folder / name, target, group, fold_of[group], name=name))
    return Dataset(called, labels, tuple(clips), own=True, artists=artists)


def _own_name(folder: Path) -> str:
    """The folder's; what a bundle or a trunk says of a research set shall not be taken for one's own of that name."""
    name = folder.resolve().name.encode(errors="replace").decode() or "clips"
    return f"{name} (own)" if name in (*READERS, MUSIC) else name


def _label_order(labels: set[str]) -> tuple[str, ...]:
    return QUADRANT_LABELS if labels == set(QUADRANT_LABELS) else tuple(sorted(labels))


def _one_hot(index: int, count: int) -> tuple[float, ...]:
    return tuple(1.0 if i == index else 0.0 for i in range(count))


def _rows(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """The rows of a table that has these columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets write a byte order mark
            table = csv.DictReader(file)
            rows, found = list(table), table.fieldnames or []
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{path} is not UTF-8 (it has the byte 0x{byte:02x}): save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from None
    if missing := [name for name in columns if name not in found]:
        raise DataError(f"{path} needs the columns {', '.join(columns)}; it has no {', '.join(missing)}")
    return rows


def some(clips: Sequence[Clip]) -> str:
    """How many clips, and the first of them, for a message."""
    first = ", ".join(str(clip.path) for clip in clips[:3])
    return f"{len(clips)} clip{'s' * (len(clips) != 1)} ({first}{', ...' if len(clips) > 3 else ''})"


READERS = {"4qaed": load_4qaed, "emotify": load_emotify, "emopia": load_emopia}
#: What must be there for a set to be read; of EMOPIA, which comes as MIDI, the rendered audio.
TABLES = {"4qaed": "clips.csv", "emotify": "clips.csv", "emopia": "audio"}
