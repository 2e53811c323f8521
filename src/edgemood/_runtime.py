"""The interpreters that run TFLite files, whichever is installed."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemood.bundle import Manifest, version_key
from edgemood.errors import BundleError

#: Known runtimes, the preferred one first: distribution and the module of its interpreter.
RUNTIMES: Mapping[str, str] = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
#: Tensors by the manifest's key: the name in the file and the shape it must have.
Tensors = Mapping[str, tuple[str, list[int]]]


@dataclass(frozen=True)
class Signature:
    """What a file takes and gives; field: where the manifest says so."""

    field: str
    inputs: Tensors
    outputs: Tensors


@dataclass(frozen=True)
class Runtime:
    """An installed runtime: its distribution, version and the module of its interpreter."""

    name: str
    version: str
    module: Any

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_runtime(manifest: Manifest) -> Runtime:
    """The first installed runtime that can run the bundle.

    Raises
    ------
    BundleError
        There is none; the message says what the bundle needs and what there is.
    """
    found = []
    for name, module_name in RUNTIMES.items():
        try:
            runtime = Runtime(name, importlib.metadata.version(name), importlib.import_module(module_name))
        except (ImportError, AttributeError):  # not installed, or built for another NumPy
            continue
        minimum = manifest.runtimes.get(name)
        if minimum is not None and version_key(runtime.version) >= version_key(minimum):
            return runtime
        found.append(str(runtime))
    needs = " or ".join(f"{name} >= {minimum}" for name, minimum in manifest.runtimes.items())
    has = ", ".join(found) or "no runtime that can be imported"
    raise BundleError(f"model bundle {manifest.name!r} needs {needs}; installed: {has}")


class Network:
    """A TFLite file with its tensors by the manifest's keys, all float32.

    Parameters
    ----------
    runtime, content
        What runs it, and the file's bytes, which were proved to be the manifest's.
    signature
        Its tensors.
    where
        What error messages begin with: the bundle.
    delegates
        Whether the runtime may hand the graph to its delegates (XNNPACK: four times the speed for convolutions,
        nothing for small recurrent networks).

    Raises
    ------
    BundleError
        The runtime refuses the file, or it lacks a tensor or has it in another shape.
    """

    def __init__(
        self, runtime: Runtime, content: bytes, signature: Signature, where: str, *, delegates: bool = False
    ) -> None:
        kinds = runtime.module.OpResolverType
        kind = kinds.BUILTIN if delegates else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            with _silence() if delegates else contextlib.nullcontext():
                self._interpreter = runtime.module.Interpreter(
                    model_content=content, num_threads=1, experimental_op_resolver_type=kind
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{where}: the runtime refuses the model ({error})") from None
        field = f"{where}: manifest field '{signature.field}"
        self._inputs = _indices(self._interpreter.get_input_details(), signature.inputs, f"{field}.inputs")
        self._outputs = _indices(self._interpreter.get_output_details(), signature.outputs, f"{field}.outputs")

    def __call__(self, **arrays: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run once, from a fresh state: a fused LSTM would keep its own from one call to the next."""
        self._interpreter.reset_all_variables()
        for key, index in self._inputs.items():
            self._interpreter.set_tensor(index, arrays[key])
        self._interpreter.invoke()
        return {key: self._interpreter.get_tensor(index) for key, index in self._outputs.items()}


def _indices(details: list[dict[str, Any]], tensors: Tensors, field: str) -> dict[str, int]:
    """The interpreter's index of each tensor, whose presence and shape are checked."""
    known = {detail["name"]: detail for detail in details}
    for key, (name, shape) in tensors.items():
        if name not in known:
            raise BundleError(f"{field}.{key}' is {name!r}, which the model does not have")
        found = known[name]
        found_shape = [int(size) for size in found["shape"]]
        if found_shape != shape or found["dtype"] != np.float32:
            raise BundleError(f"{field}.{key}': the tensor is {found['dtype'].__name__} {found_shape}, not {shape}")
    return {key: int(known[name]["index"]) for key, (name, _) in tensors.items()}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the process's stderr shut for a moment: a delegate announces itself there, and takes no setting."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
