"""Does the converted model say what the trained one says? The gate that an export has to pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from converters.export import tensor_names
from converters.fit import Trained, padded
from converters.protocol import tempered

#: The largest difference of a probability that an export may show, by kind.
MAX_DIFFERENCE = {"int8": 0.03, "float16": 0.002}
#: The share of clips on which both must choose the same mood.
MIN_AGREEMENT = {"int8": 0.98, "float16": 0.998}
#: The least mean cosine of their mood vectors.
MIN_VECTOR_COSINE = {"int8": 0.995, "float16": 0.9995}


class ParityError(Exception):
    """The converted model does not say what the trained one says; it must not ship."""


@dataclass(frozen=True)
class Parity:
    """Trained and converted model on the same clips: largest difference of a probability, share of equal choices.

    trunk_agreement: share of equal choices of the trained model with the bundle's trunk and with the one it was trained
    with, 1 where they are the same. vector_cosine: mean cosine of their mood vectors.
    """

    kind: str
    clips: int
    max_difference: float
    mean_difference: float
    agreement: float
    trunk_agreement: float = 1.0
    vector_cosine: float = 1.0

    def to_dict(self) -> dict[str, float | int | str]:
        """All fields by name, ready for JSON."""
        return asdict(self)


def run(
    content: bytes, x: NDArray[np.float32], mask: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The converted model's probabilities and mood vectors of normalised windows, each from a fresh state."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    inputs, outputs = tensor_names(content)
    places = {d["name"]: d["index"] for d in [*interpreter.get_input_details(), *interpreter.get_output_details()]}
    probs, vectors = [], []
    for one, its_mask in zip(x, mask, strict=True):
        interpreter.reset_all_variables()
        interpreter.set_tensor(places[inputs["x"]], one[None])
        interpreter.set_tensor(places[inputs["mask"]], its_mask[None])
        interpreter.invoke()
        probs.append(interpreter.get_tensor(places[outputs["probs"]])[0])
        vectors.append(interpreter.get_tensor(places[outputs["vector"]])[0])
    return np.asarray(probs, dtype=np.float64), np.asarray(vectors, dtype=np.float64)


def compare(  # noqa: PLR0913, PLR0917
    trained: Trained,
    content: bytes,
    kind: str,
    temperature: float,
    sequences: Sequence[NDArray[np.float32]],
    shown: Sequence[NDArray[np.float32]] | None = None,
) -> Parity:
    """Compare on sequences of raw descriptors.

    Parameters
    ----------
    trained, content, kind, temperature
        The trained model, what was made of it, and how.
    sequences
        Of the descriptors the model was trained on.
    shown
        The same clips' sequences by the bundle's own trunk, where that is another than the one trained with.

    Raises
    ------
    ParityError
        They differ by more than `MAX_DIFFERENCE`, agree on fewer clips than `MIN_AGREEMENT`, or their mood vectors are
        less alike than `MIN_VECTOR_COSINE`.
    """
    rows = shown or sequences
    expected = tempered(np.log(trained.predict(rows)), temperature)
    got, vectors = run(content, *padded([trained.normalisation(s) for s in rows], trained.config.window))
    difference = np.abs(expected - got)
    agreement = float(np.mean(expected.argmax(1) == got.argmax(1)))
    worst, mean = float(difference.max()), float(difference.mean())
    same_trunk = float(np.mean(expected.argmax(1) == trained.predict(sequences).argmax(1))) if shown else 1.0
    alike = _mean_cosine(trained.vectors(rows), vectors)
    counts = kind, len(rows), round(worst, 6), round(mean, 6)
    parity = Parity(*counts, round(agreement, 4), round(same_trunk, 4), round(alike, 6))
    if worst > MAX_DIFFERENCE[kind] or agreement < MIN_AGREEMENT[kind]:
        raise ParityError(f"{kind}: probabilities differ by up to {worst:.4f}, choices agree on {agreement:.4f}")
    if alike < MIN_VECTOR_COSINE[kind]:
        raise ParityError(f"{kind}: mood vectors have a mean cosine of {alike:.4f} with those of the trained model")
    return parity


def _mean_cosine(vectors: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Of pairs of rows; zeros are like nothing."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    return float(np.mean(np.sum(vectors * others, axis=1) / np.maximum(lengths, 1e-12)))
