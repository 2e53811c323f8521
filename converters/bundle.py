"""Writing a model bundle: export, parity gate, manifest and card."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import card, export, parity
from converters.columns import Columns
from converters.fit import Trained
from edgemood.bundle import SCHEMA, Manifest

#: The runtimes that run each kind of export, with the oldest version known to.
RUNTIMES = {
    "int8": {"ai-edge-litert": "2.1.0"},
    "float16": {"ai-edge-litert": "2.1.0", "tflite-runtime": "2.14.0"},
}
QUANTISATION = {"int8": "dynamic-range int8", "float16": "float16 weights"}
#: Segments from one window of a song to the next, and seconds of one step of its timeline.
WINDOW_HOP, STEP_S = 14, 10.0
#: Of all model files of a bundle together.
MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Facts:
    """What a bundle says about itself besides the model.

    evaluation: a report of `evaluate` by the same recipe; training: what it was trained on.
    """

    name: str
    version: str
    labels: Sequence[str]
    temperature: float
    evaluation: Mapping[str, Any]
    training: Mapping[str, Any]
    columns: Columns


def write(  # noqa: PLR0913, PLR0917
    folder: Path,
    kind: str,
    trained: Trained,
    facts: Facts,
    check: Sequence[NDArray[np.float32]],
    shown: Sequence[NDArray[np.float32]] | None = None,
) -> Manifest:
    """Export `trained` as a bundle.

    Parameters
    ----------
    folder
        The bundle's folder; what is there is replaced only when everything has succeeded.
    kind
        One of `export.KINDS`.
    check
        Sequences on which the exported model has to agree with the trained one.
    shown
        The sequences of the same clips by this bundle's own trunk, where it is not the one that was trained with.

    Raises
    ------
    ParityError
        It does not agree.
    ValueError
        It needs operators that devices lack, or is larger than a bundle may be.
    """
    content = export.convert(trained, kind, facts.temperature)
    agreed = parity.compare(trained, content, kind, facts.temperature, check, shown)
    values = _manifest(kind, trained, facts, content) | {"parity": agreed.to_dict()}
    manifest = Manifest.parse(values, str(folder))  # what the device would refuse is not written
    if manifest.size > MAX_BYTES:
        raise ValueError(f"{kind}: {manifest.size} bytes, more than the {MAX_BYTES} a bundle may have")
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / manifest.file.name).write_bytes(content)
    if manifest.patches and facts.columns.trunk:
        name = manifest.patches.file.name
        shutil.copyfile(facts.columns.trunk / name, partial / name)
    (partial / "manifest.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    (partial / "CARD.md").write_text(card.text(values), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return manifest


def _manifest(kind: str, trained: Trained, facts: Facts, content: bytes) -> dict[str, Any]:
    inputs, outputs = export.tensor_names(content)
    return {
        "schema": SCHEMA,
        "name": facts.name,
        "version": facts.version,
        "rank": export.KINDS.index(kind) + (0 if facts.columns.patches else len(export.KINDS)),
        "labels": list(facts.labels),
        **facts.columns.manifest(),
        "normalisation": trained.normalisation.to_dict(),
        "window": {"segments": trained.config.window, "hop": WINDOW_HOP, "step_s": STEP_S},
        "tensors": {"inputs": inputs, "outputs": outputs},
        "vector_size": trained.vector_size,
        "temperature": round(facts.temperature, 4),
        "quantisation": QUANTISATION[kind],
        "runtimes": RUNTIMES[kind],
        "model": {
            "file": "model.tflite",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "training": dict(facts.training),
        "accuracy": {key: facts.evaluation[key] for key in _KEPT if key in facts.evaluation},
    }


_KEPT = (
    "title",
    "sets",
    "model",
    "single_network",
    "kernel",
    "by_fold",
    "temperature",
    "log_loss_calibrated",
    "calibrated",
    "other_sets",
    "baseline",
)
