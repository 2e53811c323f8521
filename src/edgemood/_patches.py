"""The network of a bundle that gives patches of frames an embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemood._runtime import Network, Runtime, Signature
from edgemood.bundle import Patches, read_model


class PatchNetwork:
    """A bundle's patch network, loaded; `layout` says what it reads. Not for use by several threads at once.

    Raises
    ------
    BundleError
        Its file is damaged, or not what the manifest describes.
    """

    def __init__(self, folder: Path, layout: Patches, runtime: Runtime) -> None:
        self.layout = layout
        inputs = {"x": (layout.inputs["x"], [1, layout.length, len(layout.frames.names)])}
        outputs = {"embedding": (layout.outputs["embedding"], [1, layout.size])}
        content = read_model(folder, layout.file, "patches.model")
        signature = Signature("patches.tensors", inputs, outputs)
        self._network = Network(runtime, content, signature, str(folder), delegates=True)

    def __call__(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """The embedding, float32 ``[size]``, of the frames ``[length, columns]`` of one patch."""
        return np.asarray(self._network(x=frames[np.newaxis])["embedding"][0])
