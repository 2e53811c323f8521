"""From a trained Keras model to TFLite: fused LSTMs, builtin operators only, in several precisions."""

from __future__ import annotations

import struct
import tempfile
import uuid
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from converters.fit import Trained
from converters.network import NetworkConfig, build

#: Kinds of export that bundles have: ``int8`` has int8 weights and float32 activations (dynamic range), ``float16`` has
#: float16 weights.
KINDS = ("int8", "float16")
#: All kinds there are: ``full-int8`` has int8 activations, too, ``int16x8`` int16 activations and int8 weights; their
#: ranges are taken from windows.
EVERY_KIND = ("float32", "float16", "int8", "full-int8", "int16x8")
_OPERATORS, _TYPES = (
    {value: key for key, value in vars(names).items() if not key.startswith("_")}
    for names in (schema.BuiltinOperator, schema.TensorType)
)
_SMALL = 1024  # weights of fewer elements stay as they are, says the converter
_CELL_CLIP = 6  # vtable slot of cell_clip in UnidirectionalSequenceLSTMOptions: 4 + 2 * field number 1

#: Normalised windows and their masks.
Windows = tuple[NDArray[np.float32], NDArray[np.float32]]


class FusedLSTM(keras.layers.LSTM):
    """An LSTM whose call the converter recognises and turns into one operator.

    The converter replaces a function that says it implements an LSTM, trusting the order of its arguments and results,
    and keeps only the sequence among the results. The weights are those of ``keras.layers.LSTM``.
    """

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """The output sequence ``[batch, steps, units]``; starts from zeros, masks nothing."""
        batch, steps, units = sequences.shape[0], sequences.shape[1], self.units

        @tf.function(
            autograph=False,
            experimental_attributes={
                "api_implements": f"lstm_{uuid.uuid4()}",
                "time_major": False,
                "go_backwards": False,
            },
        )
        def fusible(inputs: Any, h0: Any, c0: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:  # noqa: PLR0913, PLR0917
            def step(state: Any, x: Any) -> Any:
                gates = tf.matmul(x, kernel) + tf.matmul(state[0], recurrent) + bias
                take, keep, new, give = tf.split(gates, 4, axis=1)
                cell = tf.sigmoid(keep) * state[1] + tf.sigmoid(take) * tf.tanh(new)
                return tf.sigmoid(give) * tf.tanh(cell), cell

            hidden, cells = tf.scan(step, tf.transpose(inputs, [1, 0, 2]), (h0, c0))
            sequence = tf.ensure_shape(tf.transpose(hidden, [1, 0, 2]), (batch, steps, units))
            return hidden[-1], sequence, hidden[-1], cells[-1], tf.constant(0.0)

        zeros = tf.zeros((batch, units))
        weights = (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        return fusible(sequences, zeros, zeros, *map(tf.convert_to_tensor, weights))[1]


def convert(trained: Trained, kind: str, temperature: float = 1.0, windows: Windows | None = None) -> bytes:
    """The TFLite file of a trained model, for one window a call.

    Parameters
    ----------
    trained
        The file gives the softmax of its logits, its mood vector, and its members' mean attention and salience.
    kind
        One of `EVERY_KIND`.
    temperature
        The logits are divided by it before the softmax that gives the exported ``probs``.
    windows
        Normalised windows ``[windows, window, descriptors]`` and their masks ``[windows, window]`` that activations are
        like; only for the last two kinds.

    Raises
    ------
    ValueError
        The converter cannot make it, or the converted file has operators that a plain TFLite runtime lacks, unfused
        LSTMs, or LSTMs of another kind.
    """
    module, concrete = _graph(trained, temperature)
    ranges = [{"x": x[None], "mask": mask[None]} for x, mask in zip(*windows, strict=True)] if windows else []
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": concrete})
        content = _unclip(made(tf.lite.TFLiteConverter.from_saved_model(folder), kind, ranges))
    check_operators(content, trained.config.layers * len(trained.members))
    check_types(content, kind)
    return content


def made(converter: Any, kind: str, inputs: Sequence[Any]) -> bytes:
    """What a TFLite converter makes of a network.

    Parameters
    ----------
    converter
        Of the network.
    kind
        One of `EVERY_KIND`.
    inputs
        The network's, that activations are like; only for the last two kinds.

    Raises
    ------
    ValueError
        It makes nothing; the message says why.
    """
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]  # without representative data: dynamic range
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in EVERY_KIND[3:]:
        if not inputs:
            raise ValueError(f"{kind}: nothing to take the ranges of activations from")
        converter.representative_dataset = lambda: inputs
        ops = tf.lite.OpsSet
        wide = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide if kind == "int16x8" else ops.TFLITE_BUILTINS_INT8]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning)  # its own
            return bytes(converter.convert())
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{kind}: the converter refuses it ({str(error).splitlines()[0]})") from None


def _fusible(member: keras.Model, config: NetworkConfig) -> keras.Model:
    """The same network with LSTMs that the converter fuses, for batches of one."""
    network = build(config, FusedLSTM, batch=1)
    trained = {layer.name: layer.get_weights() for layer in member.layers}
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(trained[layer.name])
    return network


def _graph(trained: Trained, temperature: float) -> tuple[tf.Module, Any]:
    config = trained.config
    networks = [_fusible(member, config) for member in trained.members]

    def serve(x: Any, mask: Any) -> dict[str, Any]:
        outs = [network([x, mask], training=False) for network in networks]
        together = {key: tf.stack([out[key] for out in outs]) for key in ("logits", "attention", "salience")}
        return {
            "probs": tf.nn.softmax(trained.logits(together["logits"], x, mask) / temperature),
            "vector": trained.vector([out["vector"] for out in outs]),
            # not a sum divided by a constant: in a float16 file that constant would be rounded
            "attention": tf.reduce_mean(together["attention"], 0),
            "salience": tf.reduce_mean(together["salience"], 0),
        }

    module = tf.Module()
    kernels = [trained.kernel] if trained.kernel else []
    module.kept = [weight.value for network in [*networks, *kernels] for weight in network.weights]
    concrete = tf.function(serve, autograph=False).get_concrete_function(
        x=tf.TensorSpec((1, config.window, config.descriptors), tf.float32, name="x"),
        mask=tf.TensorSpec((1, config.window), tf.float32, name="mask"),
    )
    return module, concrete


def operators(content: bytes) -> Counter[str]:
    """How often each operator occurs in a TFLite file; custom ones as ``CUSTOM:name``."""
    return Counter(name for name, _, _ in _named_operators(content))


def check_operators(content: bytes, lstm_layers: int) -> None:
    """Raise ValueError unless the file has the LSTMs fused and only operators that every TFLite runtime has."""
    found = operators(content)
    foreign = sorted(name for name in found if name.startswith(("CUSTOM", "FLEX")) or name in ("WHILE", "IF"))
    if foreign:
        raise ValueError(f"the converted model needs operators that devices lack: {', '.join(foreign)}")
    if found["UNIDIRECTIONAL_SEQUENCE_LSTM"] != lstm_layers:
        raise ValueError(f"{lstm_layers} LSTM layers, but {found['UNIDIRECTIONAL_SEQUENCE_LSTM']} fused operators")


def check_types(content: bytes, kind: str) -> None:
    """Raise ValueError unless the file's LSTMs compute in the types that `kind`, one of `EVERY_KIND`, stands for.

    Converters have been seen to leave them as they were, or to take another type, without a word.
    """
    types = {"full-int8": "INT8", "int16x8": "INT16"}
    activation, weight = types.get(kind, "FLOAT32"), "FLOAT32" if kind.startswith("float") else "INT8"
    for name, graph, operator in _named_operators(content):
        if name != "UNIDIRECTIONAL_SEQUENCE_LSTM":
            continue
        tensors = [graph.Tensors(operator.Inputs(i)) for i in range(9)]  # the sequence and eight matrices
        is_small = any(np.prod(tensor.ShapeAsNumpy()) < _SMALL for tensor in tensors[1:])  # one keeps all in float32
        found = {_TYPES[tensors[0].Type()]}, set() if is_small else {_TYPES[tensor.Type()] for tensor in tensors[1:]}
        if found[0] != {activation} or not found[1] <= {weight}:
            described = " and ".join(", ".join(sorted(one)) for one in found)
            raise ValueError(f"{kind}: an LSTM has activations and weights in {described}")


def weights(content: bytes) -> dict[str, float]:
    """The shares of the file's constants, counted in bytes, by their type: ``float32``, ``int8`` and so on."""
    model = schema.Model.GetRootAsModel(content, 0)
    found: Counter[str] = Counter()
    for graph in (model.Subgraphs(i) for i in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            found[_TYPES[tensor.Type()].lower()] += model.Buffers(tensor.Buffer()).DataLength()
    return {name: round(size / found.total(), 4) for name, size in found.most_common() if size}


def tensor_names(content: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """The file's own names of the signature's inputs and outputs."""
    model = schema.Model.GetRootAsModel(content, 0)
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)

    def names(count: int, at: Any) -> dict[str, str]:
        maps = [at(i) for i in range(count)]
        return {m.Name().decode(): graph.Tensors(m.TensorIndex()).Name().decode() for m in maps}

    return names(signature.InputsLength(), signature.Inputs), names(signature.OutputsLength(), signature.Outputs)


def _operators(model: Any) -> list[tuple[Any, Any]]:
    """Of each operator its graph and itself."""
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    return [(graph, graph.Operators(k)) for graph in graphs for k in range(graph.OperatorsLength())]


def _named_operators(content: bytes) -> list[tuple[str, Any, Any]]:
    """Of each operator its name, its graph and itself."""
    model = schema.Model.GetRootAsModel(content, 0)
    codes = []
    for i in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(i)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        custom = code.CustomCode()
        codes.append(_OPERATORS[number] if custom is None else f"CUSTOM:{custom.decode()}")
    return [(codes[operator.OpcodeIndex()], graph, operator) for graph, operator in _operators(model)]


def _unclip(content: bytes) -> bytes:
    """Take the clip of 10, which the converter gives every fused LSTM's cell, out again; Keras has none."""
    data = bytearray(content)
    for _, operator in _operators(schema.Model.GetRootAsModel(data, 0)):
        if operator.BuiltinOptionsType() == schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions:
            options = operator.BuiltinOptions()
            if offset := options.Offset(_CELL_CLIP):
                struct.pack_into("<f", data, options.Pos + offset, 0.0)
    return bytes(data)
