"""Songs for simulated sessions: clips as models judge them that never heard them, neither in training nor in tuning.

Of the five folds one is for testing and another for what a listener model learns from; the mood model is trained on the
other three. So the judgements that a listener model learns from are as uncertain as those it is tested on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters import judging, protocol
from converters.fit import Recipe, Trained, padded
from converters.material import Material

#: Segments at the beginning and the end of a clip that tell the mood of its edges.
EDGE_SEGMENTS = 12

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Songs:
    """Judged clips; row i of each field belongs together.

    truth: the quadrant ``[n]``; artists: numbers ``[n]``; scores: calibrated probabilities ``[n, labels]``; head, tail:
    the same of the first and the last `EDGE_SEGMENTS`; vectors: mood vectors ``[n, dims]``, comparable only within one
    mood model; timbre: mean MFCC of the clip ``[n, coefficients]``; paths: the clips' files.
    """

    truth: NDArray[np.int64]
    artists: NDArray[np.int64]
    scores: Array
    head: Array
    tail: Array
    vectors: Array
    timbre: Array
    paths: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def labels(self) -> int:
        """How many moods there are."""
        return int(self.scores.shape[1])


@dataclass(frozen=True)
class Pair:
    """A test fold's songs, and those of another fold that a listener model may learn from, by one mood model."""

    test_fold: int
    learn_fold: int
    learn: Songs
    test: Songs


def pairs(material: Material, recipe: Recipe, seed: int, kept: Path, jobs: int = 1) -> Iterator[Pair]:
    """Every test fold with the fold after it to learn from; what the mood models say is kept in the folder `kept`."""
    splits = list(_splits(material.fold))
    for split, judged in zip(
        splits, judging.each(partial(_kept, material, recipe, seed, kept), splits, jobs), strict=True
    ):
        learn_fold = next(k for k in np.unique(material.fold) if k not in {split.left_out, *material.fold[split.train]})
        yield _pair(material, split.left_out or 0, int(learn_fold), judged)


def _splits(fold: NDArray[np.int64]) -> Iterator[protocol.Split]:
    """For each test fold: train on all but it and the one after it; judge both."""
    numbers = np.unique(fold)
    for k, other in zip(numbers, np.roll(numbers, -1), strict=True):
        out = np.isin(fold, (k, other))
        yield protocol.Split(f"test {k}, listener {other}", np.flatnonzero(~out), np.flatnonzero(out), int(k))


def _kept(
    material: Material, recipe: Recipe, seed: int, folder: Path, split: protocol.Split
) -> dict[str, NDArray[np.float64]]:
    """What the split's mood model says of the clips that it did not learn from; kept in `folder`."""
    columns = material.columns.without(material.sets[0], split.left_out)
    clips = [(clip.key, clip.target, clip.fold) for clip in material.clips]
    settings = material.settings(recipe, seed) | {"columns": columns.digest}
    made_by = json.dumps([settings, clips, split.name, EDGE_SEGMENTS])
    path = folder / f"{hashlib.sha256(made_by.encode()).hexdigest()[:16]}.npz"
    if not path.is_file():
        own = material.of(split)
        found = _judge(own.fit(split.train, recipe, seed), own.own(own.judged(split)))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial_file = path.with_suffix(".part.npz")
        np.savez(partial_file, **found)  # type: ignore[arg-type]  # NumPy's stub mistakes names for its own options
        partial_file.replace(path)
    with np.load(path) as file:
        print(f"{split.name}: {len(file['scores'])} clips judged", flush=True)
        return dict(file)


def _judge(trained: Trained, sequences: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    x, mask = padded([trained.normalisation(s) for s in sequences], trained.config.window)
    vectors = trained.vector([member([x, mask], training=False)["vector"] for member in trained.members])
    return {
        "scores": trained.predict(sequences),
        "head": trained.predict([s[:EDGE_SEGMENTS] for s in sequences]),
        "tail": trained.predict([s[-EDGE_SEGMENTS:] for s in sequences]),
        "vectors": np.asarray(vectors, np.float64),
    }


def _pair(material: Material, test_fold: int, learn_fold: int, judged: dict[str, NDArray[np.float64]]) -> Pair:
    """Put the judgements, calibrated by the fold that may be learned from, beside what is known of the clips."""
    clips = np.flatnonzero(material.first & np.isin(material.fold, (test_fold, learn_fold)))
    fold, truth = material.fold[clips], material.truth[clips]
    learn = fold == learn_fold
    temperature = protocol.fit_temperature(truth[learn], judged["scores"][learn])
    calibrated = {
        key: protocol.tempered(np.log(np.maximum(judged[key], 1e-9)), temperature) for key in ("scores", "head", "tail")
    }
    _, artists = np.unique([material.clips[i].group for i in clips], return_inverse=True)
    mfcc = [k for k, name in enumerate(material.names) if name.startswith("mfcc_")]
    songs = Songs(
        truth,
        np.asarray(artists, np.int64),
        vectors=judged["vectors"],
        timbre=np.stack([sequence[:, mfcc].mean(axis=0) for sequence in material.own(clips)]).astype(np.float64),
        paths=tuple(material.clips[i].path for i in clips),
        **calibrated,
    )
    return Pair(test_fold, learn_fold, of(songs, learn), of(songs, ~learn))


def of(songs: Songs, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Songs:
    """The songs of some rows."""
    chosen = np.arange(len(songs))[rows]
    arrays = ("truth", "artists", "scores", "head", "tail", "vectors", "timbre")
    paths = tuple(songs.paths[i] for i in chosen) if songs.paths else ()
    return replace(songs, paths=paths, **{name: getattr(songs, name)[chosen] for name in arrays})


def joined(parts: Sequence[Songs]) -> Songs:
    """Songs of several parts, which share no artist. Vectors are of no use any more: mood models differ."""
    arrays = ("truth", "scores", "head", "tail", "vectors", "timbre")
    numbers, offset = [], 0
    for part in parts:
        numbers.append(part.artists + offset)
        offset += int(part.artists.max()) + 1
    together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return Songs(artists=np.concatenate(numbers), paths=tuple(p for part in parts for p in part.paths), **together)
