"""A bundle as it ships, judged on clips that it never learned from, by the code that the product runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from converters import protocol, report
from converters.datasets import Clip, DataError, Dataset
from edgemood import audio, mood
from edgemood.describe import Describer
from edgemood.errors import BundleError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate bundle`` that other evaluations do not have."""
    parser.add_argument("--bundle", default="default", help="a shipped bundle's name, or a folder")


def judge(bundle: str, sets: Sequence[Dataset]) -> dict[str, Any]:
    """A report: the bundle's figures on each set it can be judged on.

    Raises
    ------
    DataError
        There is no such bundle, or no set of its labels that it did not learn from.
    """
    try:
        model = mood.load(bundle)
    except BundleError as error:
        raise DataError(str(error)) from None
    judged = {}
    for data in sets:
        if data.labels == model.labels and (clips := unheard(data, model.manifest.training)):
            judged[data.name] = _figures(model, clips)
    if not judged:
        raise DataError(
            f"no set with the labels {', '.join(model.labels)} has clips that {model.id} did not learn from"
        )
    return {"title": f"{model.id} on clips it never learned from", "labels": list(model.labels), "sets": judged}


def unheard(data: Dataset, training: Any) -> list[Clip]:
    """The clips of a set that a bundle with this `training` table did not learn from: its test clips, or all."""
    if data.name in training.get("clips", {}):
        return [clip for clip in data.clips if clip.split == "test"]
    return [clip for clip in data.clips if clip.split in ("", "test")]


def _figures(model: mood.MoodModel, clips: Sequence[Clip]) -> dict[str, Any]:
    describer = Describer(model)
    probs, truth = [], []
    for clip in tqdm(clips, desc=clips[0].dataset, disable=None):
        samples = audio.load(str(clip.path), describer.sample_rate)
        scores = model.judge(describer.describe([samples])).scores
        probs.append([scores[label] for label in model.labels])
        truth.append(clip.label)
    found, right = np.array(probs), np.array(truth)
    return protocol.figures(right, found, model.labels) | protocol.sureness(right, found)


def write(folder: Path, name: str, contents: dict[str, Any]) -> None:
    """Write ``name.json`` and ``name.md``."""
    heads = ["set", "clips", "accuracy", "macro F1 (95 %)", "arousal / valence", "ECE", "sure"]
    rows = []
    for key, got in contents["sets"].items():
        plane = f"{got['arousal_accuracy']:.3f} / {got['valence_accuracy']:.3f}" if "arousal_accuracy" in got else ""
        sure = f"{got['sure']['share']:.0%} of clips"
        sure += f", right on {got['sure']['accuracy']:.0%}" if got["sure"]["accuracy"] is not None else ""
        figures = [f"{got['accuracy']:.3f}", report.f1(got), plane, f"{got['calibration_error']:.3f}"]
        rows.append([key, got["clips"], *figures, sure])
    lines = [f"# {contents['title']}", "", *report.table(heads, rows)]
    report.put(folder / f"{name}.json", contents, "\n".join(lines) + "\n")
