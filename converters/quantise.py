"""What does quantising cost? Every kind of export by size, latency and accuracy, on clips the model never saw.

``python -m converters.evaluate quantise --data DIR [--columns KIND] [--name NAME]``: for each fold one model is
trained, as ``evaluate folds`` does. Then its networks are exported in every kind of `export.EVERY_KIND`, and each file
judges the fold's clips as the product would run it; of a model with a trunk every kind of trunk is made, too, the
fold's clips are read through it, and the trained networks judge them. The report (``quantise.json``, ``.md``, ``.png``)
holds models side by side, by their names; a name used again replaces what it stood for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from converters import columns, datasets, export, patch_export, protocol, quantise_report, recipes, report, robustness
from converters.bundle import WINDOW_HOP
from converters.cache import FeatureCache
from converters.columns import Columns
from converters.fit import Recipe, Trained, padded
from converters.judging import Probs, judged_splits
from converters.material import Material
from converters.trunk import TrunkConfig
from edgemood import audio, features
from edgemood._runtime import Network, Signature
from edgemood.bundle import Part, Patches
from edgemood.errors import BundleError
from edgemood.features import FeatureConfig
from edgemood.mood import window_starts

FILE, TITLE = "quantise.json", "Quantisation"
#: The kind that is not quantised, which latencies are compared with.
PLAIN = "float32"
#: What the ranges of activations are taken from: at most so many windows, or patches of so many clips, to train on.
CALIBRATION_WINDOWS, CALIBRATION_CLIPS = 200, 40
#: Rounds before those that are timed.
WARM_UP = 3
#: Rows (one a second) of a song of four minutes.
SONG_ROWS = 240
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """How the models are trained, the kinds they are exported in, and how often each is run to be timed."""

    recipe: Recipe
    seed: int = 0
    kinds: Sequence[str] = export.EVERY_KIND
    rounds: int = 300


@dataclass(frozen=True)
class Attempt:
    """A fold's file of one kind, and its probabilities of the fold's clips; or why there is none."""

    content: bytes = b""
    probs: Probs = field(default_factory=lambda: np.empty((0, 0)))
    refused: str = ""


@dataclass(frozen=True)
class Fold:
    """What one fold gave: Keras's own probabilities, and those by kind of mood network and of trunk (if there is one).

    window: a normalised window and its mask; patch: frames. Both with a leading 1, to be timed on.
    """

    keras: Probs
    mood: Mapping[str, Attempt]
    trunk: Mapping[str, Attempt]
    window: export.Windows
    patch: NDArray[np.float32]


def run(
    material: Material, cache: FeatureCache, trial: Trial, splits: Sequence[protocol.Split], jobs: int = 1
) -> dict[str, Any]:
    """Train once for each split, and judge its test clips of the first set by every kind of export.

    Returns
    -------
    dict
        ``settings``; ``mood`` and, where a trunk's folder holds `patch_export.NETWORK`, ``trunk``, each with
        ``reference`` (figures of Keras; for the trunk those by its float32 file), ``kinds`` (of each figures beside the
        reference's, or ``refused``, the reason why there is no such file), ``latency`` (see `timed`) and
        ``calls_a_song``.

    Raises
    ------
    DataError
        Not even the float32 files can be made.
    """
    found, truth = judged_splits(material, partial(_judge_split, material, cache.folder, trial), splits, jobs)
    record: dict[str, Any] = {"settings": material.settings(trial.recipe, trial.seed) | {"rounds": trial.rounds}}
    judged = truth, material.labels
    reference = np.concatenate([fold.keras for fold in found])
    record["mood"] = _part(judged, reference, [fold.mood for fold in found])
    calls = len(window_starts(SONG_ROWS, found[0].window[0].shape[1], WINDOW_HOP))
    record["mood"] |= {"calls_a_song": calls, "latency": timed(_mood_calls(found[0]), trial.rounds)}
    if found[0].trunk and (patches := material.columns.patches):
        reference = np.concatenate([_plain(fold.trunk).probs for fold in found])
        record["trunk"] = _part(judged, reference, [fold.trunk for fold in found])
        calls = SONG_ROWS // patches.layout.rows
        latency = timed(_trunk_calls(found[0], patches.layout), trial.rounds)
        record["trunk"] |= {"calls_a_song": calls, "latency": latency}
    return record


def timed(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """CPU time of each of `calls` in this thread, all of them in turn, over so many rounds.

    Returns
    -------
    dict
        Of each ``ms``, the median, and ``ratio``: the median of its time in times that of `PLAIN` in the same round.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(WARM_UP + rounds):
        for name, call in calls.items():
            start = time.thread_time()
            call()
            taken[name].append(time.thread_time() - start)
    seconds = {name: np.array(each_round[WARM_UP:]) for name, each_round in taken.items()}
    return {
        name: {"ms": round(float(np.median(s)) * 1e3, 4), "ratio": round(float(np.median(s / seconds[PLAIN])), 3)}
        for name, s in seconds.items()
    }


def _mood_calls(fold: Fold) -> dict[str, Callable[[], object]]:
    x, mask = fold.window
    made = {kind: tried.content for kind, tried in fold.mood.items() if not tried.refused}
    return {
        k: partial(_network(content, fold.window, fold.keras.shape[1]), x=x, mask=mask) for k, content in made.items()
    }


def _trunk_calls(fold: Fold, layout: Patches) -> dict[str, Callable[[], object]]:
    made = {kind: tried.content for kind, tried in fold.trunk.items() if not tried.refused}
    read = {kind: _trunk(content, layout, ()).patches for kind, content in made.items()}
    return {kind: partial(network, fold.patch[0]) for kind, network in read.items() if network}


def _part(
    judged: tuple[NDArray[np.int64], Sequence[str]], reference: Probs, folds: Sequence[Mapping[str, Attempt]]
) -> dict[str, Any]:
    """Figures of the mood networks, or of the trunks."""
    _plain(folds[0])
    kinds = {kind: _row(judged, reference, [fold[kind] for fold in folds]) for kind in folds[0]}
    return {"reference": protocol.figures(judged[0], reference, judged[1]), "kinds": kinds}


def _row(
    judged: tuple[NDArray[np.int64], Sequence[str]], reference: Probs, attempts: Sequence[Attempt]
) -> dict[str, Any]:
    """Figures of one kind beside those of `reference`; or why some fold has none."""
    if refused := next((attempt.refused for attempt in attempts if attempt.refused), None):
        return {"refused": refused}
    truth, labels = judged
    probs = np.concatenate([attempt.probs for attempt in attempts])
    chosen, expected, change = probs.argmax(1), reference.argmax(1), np.abs(probs - reference)
    return {
        "bytes": max(len(attempt.content) for attempt in attempts),
        "weights": export.weights(attempts[0].content),
        **protocol.figures(truth, probs, labels),
        "macro_f1_change_95": protocol.difference_95(truth, chosen, expected, len(labels)),
        "agreement": round(float(np.mean(chosen == expected)), 4),
        "probability_change": round(float(change.mean()), 6),
        "probability_change_max": round(float(change.max()), 6),
    }


def _plain(tried: Mapping[str, Attempt]) -> Attempt:
    """What is not quantised. Raises DataError where it cannot be made."""
    attempt = tried[PLAIN]
    if attempt.refused:
        raise datasets.DataError(f"there is nothing to compare with: {attempt.refused}")
    return attempt


def _judge_split(material: Material, folder: Path, trial: Trial, split: protocol.Split) -> Fold:
    """What every kind says of the split's judged clips.

    The cache is made anew in `folder`: this may be another process, and an extractor cannot go there.
    """
    material = material.of(split)
    judged = material.judged(split)
    trained = material.fit(split.train, trial.recipe, trial.seed)
    x, mask = _windows(trained, material.own(judged))
    like = _windows(trained, material.own(_some(split.train, CALIBRATION_WINDOWS)))
    window, labels = (x[:1], mask[:1]), trained.config.labels

    def judge(network: Network) -> Probs:
        return np.stack([network(x=a[None], mask=b[None])["probs"][0] for a, b in zip(x, mask, strict=True)])

    make = partial(export.convert, trained, windows=like)
    mood = _tried(trial.kinds, make, partial(_network, window=window, labels=labels), judge)
    trunks, patch = _trunks(material, folder, trial, split, trained)
    return Fold(trained.predict(material.own(judged)), mood, trunks, window, patch)


def _trunks(
    material: Material, folder: Path, trial: Trial, split: protocol.Split, trained: Trained
) -> tuple[dict[str, Attempt], NDArray[np.float32]]:
    """Every kind of trunk, with what the trained networks say of the rows it gives; and a patch."""
    read = material.columns
    if not read.patches or not read.trunk or not (read.trunk / patch_export.NETWORK).is_file():
        return {}, np.empty(0, np.float32)
    layout, network = read.patches.layout, keras.models.load_model(read.trunk / patch_export.NETWORK)
    patches = _patches(layout, [material.clips[i] for i in _some(split.train, CALIBRATION_CLIPS)])
    clips = [material.clips[i] for i in material.judged(split)]

    def judge(through: Columns) -> Probs:
        return trained.predict([own for (own,) in FeatureCache(folder, through).sequences(clips)])

    make = partial(patch_export.convert, network, _config(layout), patches=list(patches))
    return _tried(trial.kinds, make, partial(_trunk, layout=layout, parts=read.parts), judge), patches[:1]


def _tried(
    kinds: Sequence[str], make: Callable[[str], bytes], load: Callable[[bytes], T], judge: Callable[[T], Probs]
) -> dict[str, Attempt]:
    tried = {}
    for kind in kinds:
        try:
            content = make(kind)
            loaded = load(content)
        except (ValueError, BundleError) as error:  # the converter refuses to make it, the runtime to run it
            tried[kind] = Attempt(refused=str(error))
        else:
            tried[kind] = Attempt(content, np.asarray(judge(loaded), np.float64))
    return tried


def _network(content: bytes, window: export.Windows, labels: int) -> Network:
    """A mood network as the product runs it, for windows and masks of these shapes."""
    inputs, outputs = export.tensor_names(content)
    shapes = {"x": list(window[0].shape), "mask": list(window[1].shape)}
    given = {key: (name, shapes[key]) for key, name in inputs.items()}
    signature = Signature("tensors", given, {"probs": (outputs["probs"], [1, labels])})
    return Network(columns.RUNTIME, content, signature, "mood network")


def _trunk(content: bytes, layout: Patches, parts: Sequence[Part]) -> Columns:
    """The columns of `parts` and those of a trunk, as the product runs it."""
    with tempfile.TemporaryDirectory() as folder:
        patch_export.write(Path(folder), content, _config(layout), {})
        return columns.with_trunk(Columns(tuple(parts)), Path(folder))


def _config(layout: Patches) -> TrunkConfig:
    return TrunkConfig(length=layout.length, bands=len(layout.frames.names), rows=layout.rows, size=layout.size)


def _windows(trained: Trained, sequences: Sequence[NDArray[np.float32]]) -> export.Windows:
    return padded([trained.normalisation(values) for values in sequences], trained.config.window)


def _patches(layout: Patches, clips: Sequence[datasets.Clip]) -> NDArray[np.float32]:
    """The patches of clips, one behind the other ``[patches, length, bands]``."""
    config = FeatureConfig.from_dict(layout.frames.config)
    cut = []
    for clip in clips:
        frames = features.extract([audio.load(clip.path, config.sample_rate)], config, layout.frames.names).values
        count = len(frames) // layout.length
        cut.append(frames[: count * layout.length].reshape(count, layout.length, len(layout.frames.names)))
    return np.concatenate(cut)


def _some(indices: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` of them, from all over."""
    return indices[:: -(-len(indices) // count)]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that other evaluations do not have."""
    robustness.add_options(parser)
    parser.add_argument("--rounds", type=int, default=Trial.rounds, help="how often each file is run to be timed")


def command(options: argparse.Namespace, cache: FeatureCache) -> None:
    """Judge every kind of export of a model that reads the cache's columns, and add it to the report.

    Raises
    ------
    DataError
        The data, the report on disk or an option cannot be used, or not even the float32 files can be made.
    """
    if options.rounds < 1:
        raise datasets.DataError(f"--rounds: {options.rounds} are too few to time anything")
    recipe = recipes.of(options.columns, members=options.members, epochs=options.epochs)
    trial = Trial(recipe, options.seed, rounds=options.rounds)
    material = Material(datasets.load(options.data), cache, trial.recipe.variants)
    head, path = report.header(material, TITLE), options.reports / FILE
    report.stored(path, head)  # before hours of training, not after
    record = run(material, cache, trial, list(protocol.folds(material.clips)), options.jobs)
    shown = quantise_report.markdown, quantise_report.draw
    report.add(path, head, options.name or options.columns, record, shown)
