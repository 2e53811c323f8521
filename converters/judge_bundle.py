"""A bundle as it ships, judged on clips that it never learned from, by the code that the product runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from converters import protocol, report
from converters.cache import load
from converters.datasets import Clip, DataError, Dataset, some
from edgemood import mood
from edgemood.describe import Describer
from edgemood.errors import BundleError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate bundle`` that other evaluations do not have."""
    parser.add_argument("--bundle", default="default", help="a shipped bundle's name, or a folder")


def judge(bundle: str, sets: Sequence[Dataset]) -> dict[str, Any]:
    """A report: the bundle's figures on each set it can be judged on; why not on others is said on stderr.

    Raises
    ------
    DataError
        There is no such bundle, no set of its moods that it did not learn from, or a clip that cannot be read.
    """
    try:
        model = mood.load(bundle)
    except BundleError as error:
        raise DataError(str(error)) from None
    judged, refused = {}, []
    for data in sets:
        if why := _why_not(model, data):
            refused.append(f"{data.name} {why}")
            print(refused[-1], file=sys.stderr)
        else:
            judged[data.name] = _figures(model, data)
    if not judged:
        raise DataError(f"no clips to judge {model.id} on: {'; '.join(refused)}")
    return {"title": f"{model.id} on clips it never learned from", "labels": list(model.labels), "sets": judged}


def _why_not(model: mood.MoodModel, data: Dataset) -> str:
    """Why the model cannot be judged on a set; empty where it can."""
    if not set(data.labels) <= set(model.labels):
        return f"has the moods {', '.join(data.labels)}, {model.id} knows {', '.join(model.labels)}"
    if unheard(data, model.manifest.training):
        return ""
    renamed = " (sets are told by their folders' names: rename it if it holds other clips)" if data.own else ""
    return f"is what {model.id} learned from, and has no test clips{renamed}"


def unheard(data: Dataset, training: Any) -> list[Clip]:
    """The clips of a set that a bundle with this `training` table did not learn from: its test clips, or all."""
    if data.name in training.get("clips", {}):
        return [clip for clip in data.clips if clip.split == "test"]
    return [clip for clip in data.clips if clip.split in ("", "test")]


def _figures(model: mood.MoodModel, data: Dataset) -> dict[str, Any]:
    describer = Describer(model)
    probs, truth, short = [], [], []
    for clip in tqdm(unheard(data, model.manifest.training), desc=data.name, disable=None):
        sequence = describer.describe([load(clip, describer.sample_rate)])
        if not len(sequence.values):
            short.append(clip)
            continue
        scores = model.judge(sequence).scores
        probs.append([scores[label] for label in model.labels])
        truth.append(model.labels.index(data.labels[clip.label]))
    if short:
        print(f"left out, for being shorter than one segment (3 s): {some(short)}", file=sys.stderr)
    if not probs:
        raise DataError(f"{data.name}: every clip is shorter than one segment (3 s)")
    found, right = np.array(probs), np.array(truth)
    return protocol.figures(right, found, model.labels) | protocol.sureness(right, found)


def place(bundle: str, sets: Sequence[Dataset], asked: Path | None, reports: Path) -> Path | None:
    """The folder a report goes into: that `asked` for, else beside a bundle of one's own; None for nowhere.

    `reports`, where the project keeps its own, is for bundles that ship, on research sets.
    """
    if asked:
        return asked
    of_its_name = Path(bundle).name == bundle and (mood.MODELS / bundle).is_dir()  # as `mood.load` reads it
    folder = Path(bundle).resolve()
    if not of_its_name and folder.parent != mood.MODELS.resolve():
        return folder.parent
    return None if any(data.own for data in sets) else reports


def write(folder: Path, name: str, contents: dict[str, Any]) -> None:
    """Write ``name.json`` and ``name.md``."""
    report.put(folder / f"{name}.json", contents, page(contents))


def page(contents: dict[str, Any]) -> str:
    """A report as Markdown."""
    heads = ["set", "clips", "accuracy", "macro F1 (95 %)", "arousal / valence", "ECE", "sure"]
    rows = []
    for key, got in contents["sets"].items():
        plane = f"{got['arousal_accuracy']:.3f} / {got['valence_accuracy']:.3f}" if "arousal_accuracy" in got else ""
        sure = f"{got['sure']['share']:.0%} of clips"
        sure += f", right on {got['sure']['accuracy']:.0%}" if got["sure"]["accuracy"] is not None else ""
        figures = [f"{got['accuracy']:.3f}", report.f1(got), plane, f"{got['calibration_error']:.3f}"]
        rows.append([key, got["clips"], *figures, sure])
    return "\n".join([f"# {contents['title']}", "", *report.table(heads, rows)]) + "\n"
