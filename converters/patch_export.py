"""From a trained trunk to TFLite, and its folder: ``patch.tflite`` and the table of a manifest that describes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converters import export
from converters.columns import PATCHES
from converters.trunk import TrunkConfig, embedding_of

FILE = "patch.tflite"
#: The trained network that a trunk's folder has beside it; bundles do without.
NETWORK = "trunk.keras"


def convert(
    network: keras.Model, config: TrunkConfig, kind: str = "int8", patches: Sequence[NDArray[np.float32]] = ()
) -> bytes:
    """The TFLite file that gives one patch, ``[1, length, bands]``, its embedding ``[1, size]``, both float32.

    Parameters
    ----------
    network
        Made by `trunk.build` with `config`.
    kind
        One of `export.EVERY_KIND`.
    patches
        Frames ``[length, bands]`` that activations are like; only for the last two kinds.

    Raises
    ------
    ValueError
        The converter cannot make it, or the file has operators that a plain TFLite runtime lacks.
    """
    embedding = embedding_of(network)

    def serve(x: Any) -> dict[str, Any]:
        return {"embedding": embedding(x, training=False)}

    module = tf.Module()
    module.kept = [weight.value for weight in embedding.weights]
    shape = tf.TensorSpec((1, config.length, config.bands), tf.float32, name="x")
    module.serve = tf.function(serve, autograph=False, input_signature=[shape])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve.get_concrete_function()], module)
    content = export.made(converter, kind, [[patch[None]] for patch in patches])
    export.check_operators(content, 0)
    return content


def write(folder: Path, content: bytes, config: TrunkConfig, training: Mapping[str, Any]) -> None:
    """Write a trunk's folder: the file, and a manifest with the table that bundles take over."""
    inputs, outputs = export.tensor_names(content)
    table = {
        **vars(config.frames),
        "length": config.length,
        "rows": config.rows,
        "size": config.size,
        "model": {"file": FILE, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        "tensors": {"inputs": inputs, "outputs": outputs},
        "training": dict(training),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps({PATCHES: table}, indent=1) + "\n", encoding="utf-8")
