"""How models are judged: folds that share no artist, and figures that say how sure they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.datasets import SPLITS, Clip, DataError
from edgemood.domain import UNSURE_BELOW


@dataclass(frozen=True)
class Split:
    """Indices of the clips to train on and of those to judge; `name` says which split it is.

    left_out is the fold that nothing a model is made of may have heard; None where folds do not count.
    """

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    left_out: int | None = None


def folds(clips: Sequence[Clip]) -> Iterator[Split]:
    """Protocol A: each of the five folds once as the test set, the other four to train on.

    Raises
    ------
    DataError
        A group (an artist) lies in two folds.
    """
    fold = np.array([clip.fold for clip in clips])
    places: dict[str, int] = {}
    for clip in clips:
        if places.setdefault(clip.group, clip.fold) != clip.fold:
            raise DataError(f"{clip.group!r} lies in the folds {places[clip.group]} and {clip.fold}")
    for k in np.unique(fold):
        yield Split(f"fold {k}", np.flatnonzero(fold != k), np.flatnonzero(fold == k), int(k))


def inner(clips: Sequence[Clip]) -> Iterator[Split]:
    """For tuning, on behalf of each test fold: the next fold to judge, the other three to train on.

    Neither part holds a clip of the test fold the split is named after.
    """
    fold = np.array([clip.fold for clip in clips])
    numbers = np.unique(fold)
    for k, after in zip(numbers, np.roll(numbers, -1), strict=True):
        train = np.flatnonzero(~np.isin(fold, (k, after)))
        yield Split(f"for test fold {k}", train, np.flatnonzero(fold == after), int(k))


def stratified(clips: Sequence[Clip], seed: int, parts: int = 10) -> Iterator[Split]:
    """Protocol B: k-fold, stratified by set and label, that ignores artists; to stand beside published figures only."""
    rng = np.random.default_rng(seed)
    kinds = np.array([f"{clip.dataset} {clip.label}" for clip in clips])
    part = np.empty(len(clips), dtype=np.int64)
    for kind in np.unique(kinds):
        members = rng.permutation(np.flatnonzero(kinds == kind))
        part[members] = np.arange(len(members)) % parts
    for k in np.unique(part):  # fewer than `parts` where no kind has as many clips
        yield Split(f"part {k}", np.flatnonzero(part != k), np.flatnonzero(part == k))


def official(clips: Sequence[Clip]) -> Split:
    """A set's own split: its training clips to train on, validation and test clips to judge (see `Clip.split`).

    Raises
    ------
    DataError
        A part is empty, or a group (a song) lies in two of them.
    """
    split = np.array([clip.split for clip in clips])
    if missing := set(SPLITS) - set(split.tolist()):
        raise DataError(f"the set has no clips marked {', '.join(sorted(missing))}")
    places: dict[str, str] = {}
    for clip in clips:
        if clip.split and places.setdefault(clip.group, clip.split) != clip.split:
            raise DataError(f"{clip.group!r} lies in {places[clip.group]} and {clip.split}")
    return Split("official", np.flatnonzero(split == "train"), np.flatnonzero(np.isin(split, ("val", "test"))))


def confusion(truth: NDArray[np.int64], chosen: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Counts: rows are what clips are, columns what they were taken for."""
    counts = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(counts, (truth, chosen), 1)
    return counts


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Mean of 2 TP / (2 TP + FP + FN) over the labels that occur or are chosen; 0 where there are none."""
    total = counts.sum(0) + counts.sum(1)
    there = total > 0
    return float(np.mean(2 * np.diag(counts)[there] / total[there])) if there.any() else 0.0


def difference_95(
    truth: NDArray[np.int64], chosen: NDArray[np.int64], reference: NDArray[np.int64], labels: int
) -> list[float]:
    """95 % interval of the macro F1 of `chosen` less that of `reference`, for the same clips (paired bootstrap)."""
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(truth), len(truth)) for _ in range(1000)]
    change = [
        macro_f1(confusion(truth[d], chosen[d], labels)) - macro_f1(confusion(truth[d], reference[d], labels))
        for d in draws
    ]
    return [round(float(q), 4) for q in np.percentile(change, [2.5, 97.5])]


def figures(truth: NDArray[np.int64], probs: NDArray[np.floating[Any]], labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro F1 with its 95 % interval (bootstrap over clips), log loss, calibration error and confusion.

    For the four quadrants also how often valence and arousal, taken from the same probabilities, have the right sign.
    """
    chosen = probs.argmax(1)
    counts = confusion(truth, chosen, len(labels))
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(truth), len(truth)) for _ in range(1000)]
    spread = [macro_f1(confusion(truth[d], chosen[d], len(labels))) for d in draws]
    result = {
        "clips": len(truth),
        "macro_f1": round(macro_f1(counts), 4),
        "macro_f1_95": [round(float(q), 4) for q in np.percentile(spread, [2.5, 97.5])],
        "accuracy": round(float(np.mean(chosen == truth)), 4),
        "log_loss": round(log_loss(truth, probs), 4),
        "calibration_error": round(calibration_error(truth, probs), 4),
        "confusion": counts.tolist(),
    }
    if tuple(labels) == ("happy", "angry", "sad", "calm"):
        result["arousal_accuracy"] = round(float(np.mean((probs[:, :2].sum(1) > 0.5) == (truth < 2))), 4)
        result["valence_accuracy"] = round(float(np.mean((probs[:, [0, 3]].sum(1) > 0.5) == np.isin(truth, [0, 3]))), 4)
    return result


def of_choices(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `figures` that mean something where a machine chooses and gives no probabilities."""
    return {key: value for key, value in figures.items() if key not in ("log_loss", "calibration_error")}


def log_loss(truth: NDArray[np.int64], probs: NDArray[np.floating[Any]]) -> float:
    """Mean of ``-ln p`` of the true label."""
    return float(-np.log(np.maximum(probs[np.arange(len(truth)), truth], 1e-9)).mean())


def calibration_error(truth: NDArray[np.int64], probs: NDArray[np.floating[Any]], bins: int = 10) -> float:
    """Expected calibration error: how far the best label's probability is from how often it is right."""
    return sum(abs(sure - right) * clips for _, clips, sure, right in _by_confidence(truth, probs, bins)) / len(truth)


def reliability(
    truth: NDArray[np.int64], probs: NDArray[np.floating[Any]], bins: int = 10
) -> list[dict[str, float | int]]:
    """How often the likeliest label is right, by its probability.

    A row for each of `bins` equal steps of that probability which has clips, ``from`` (included) ``to`` (not, but for
    1): ``clips``, the mean probability as ``confidence``, ``accuracy``.
    """
    return [
        {
            "from": round(b / bins, 4),
            "to": round((b + 1) / bins, 4),
            "clips": clips,
            "confidence": round(sure, 4),
            "accuracy": round(right, 4),
        }
        for b, clips, sure, right in _by_confidence(truth, probs, bins)
    ]


def _by_confidence(
    truth: NDArray[np.int64], probs: NDArray[np.floating[Any]], bins: int
) -> Iterator[tuple[int, int, float, float]]:
    """Of each bin that has clips: its number, clips, mean probability of the best label, how often that is right."""
    best, right = probs.max(1), probs.argmax(1) == truth
    place = np.minimum((best * bins).astype(int), bins - 1)
    for b in np.unique(place).tolist():
        own = place == b
        yield b, int(own.sum()), float(best[own].mean()), float(right[own].mean())


def sureness(truth: NDArray[np.int64], probs: NDArray[np.floating[Any]]) -> dict[str, dict[str, float | None]]:
    """Of the clips that the product would call ``sure`` and ``unsure``: their share, and how often they are right.

    `probs` are calibrated; what is unsure is `edgemood.domain.UNSURE_BELOW`. ``accuracy`` is None where the share is 0.
    """
    right, unsure = probs.argmax(1) == truth, probs.max(1) < UNSURE_BELOW
    return {
        name: {
            "share": round(float(own.mean()), 4),
            "accuracy": round(float(right[own].mean()), 4) if own.any() else None,
        }
        for name, own in (("sure", ~unsure), ("unsure", unsure))
    }


def fit_temperature(truth: NDArray[np.int64], probs: NDArray[np.floating[Any]]) -> float:
    """The temperature that, dividing the logits, gives the lowest log loss."""
    logits = np.log(np.maximum(probs, 1e-9))
    grid = np.geomspace(0.3, 3.0, 93)
    return float(min(grid, key=lambda t: log_loss(truth, tempered(logits, t))))


def tempered(logits: NDArray[np.floating[Any]], temperature: float | NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Softmax of ``logits / temperature`` along the last axis."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def calibration(
    truth: NDArray[np.int64],
    probs: NDArray[np.floating[Any]],
    part: NDArray[np.int64],
    judged: Sequence[int] | None = None,
) -> dict[str, Any]:
    """How good the probabilities are of clips whose own part had no say in the temperature, and its range.

    Parameters
    ----------
    truth
        The true label of each clip ``[clips]``.
    probs
        Held-out probabilities ``[clips, labels]``.
    part
        The part (fold) each clip belongs to ``[clips]``; at least two differ.
    judged
        The parts whose clips the figures are of; None for all.

    Returns
    -------
    dict
        ``log_loss``, ``calibration_error``, ``temperature`` (lowest and highest), ``sure`` and ``unsure`` (see
        `sureness`), ``reliability`` (see there).
    """
    parts = np.unique(part).tolist() if judged is None else judged
    temperatures = {k: fit_temperature(truth[part != k], probs[part != k]) for k in parts}
    own = np.isin(part, parts)
    each = np.array([temperatures[k] for k in part[own].tolist()])
    calibrated = tempered(np.log(np.maximum(probs[own], 1e-9)), each[:, None])
    return {
        "log_loss": round(log_loss(truth[own], calibrated), 4),
        "calibration_error": round(calibration_error(truth[own], calibrated), 4),
        "temperature": [round(min(temperatures.values()), 4), round(max(temperatures.values()), 4)],
        **sureness(truth[own], calibrated),
        "reliability": reliability(truth[own], calibrated),
    }


def part_of(splits: Sequence[Split], clips: int) -> NDArray[np.int64]:
    """The number of the split each of `clips` clips is tested in; -1 for none."""
    part = np.full(clips, -1, dtype=np.int64)
    for k, split in enumerate(splits):
        part[split.test] = k
    return part
