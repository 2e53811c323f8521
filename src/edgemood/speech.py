"""Whether a recording is speech rather than music, told from the descriptors that are stored of it anyway.

Speech pauses, comes in some four syllables a second, and glides in pitch. A weighted sum of descriptors that show
this, over the whole recording, is as much as it takes; `converters/speech.py` learns the weights. None of them sees
how loud a recording is, and rooms, codecs and telephone lines, for speech and music alike, were among what they are
learned from.

Speech over music, singing without instruments and rap lie between the two. The constants are such that a probability
above one half is rare among music (`converters/reports/speech.md` has the rates, also of rap and vocals): a talk in the
list annoys, a song that never comes is not even missed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import FeatureSequence
from edgemood.errors import BundleError

#: Weights as ``python -m converters.speech`` learned them.
WEIGHTS = Path(__file__).parent / "speech.json"

_LOUDNESS = "energy_max"
_SILENT = 2.5e-6  # the energy of a frame with a peak of about -80 dBFS: such rows tell nothing
_FLOOR = 1e-9  # added before a logarithm

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """One summand: a statistic over the rows of a column, or of the log of one column's ratio to another.

    name: the column, or two of them joined by a slash; statistic: ``mean`` or ``sd``; low, high: where its value is
    cut off; weight: what it is multiplied by.
    """

    name: str
    statistic: str
    low: float = -math.inf
    high: float = math.inf
    weight: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return tuple(self.name.split("/"))


@dataclass(frozen=True)
class Weights:
    """A sum of terms and a constant: the log-odds of speech."""

    terms: tuple[Term, ...]
    constant: float

    @property
    def columns(self) -> frozenset[str]:
        """All columns that it is made of."""
        return frozenset(column for term in self.terms for column in term.columns)


def likeness(sequence: FeatureSequence) -> float | None:
    """Probability that a recording is speech rather than music.

    Parameters
    ----------
    sequence
        Its descriptors, as a scan stores them.

    Returns
    -------
    float or None
        In [0, 1]; from one half on it is to be taken for speech. None where the descriptors that tell are not among
        the columns, or all of it is silent.

    """
    names = frozenset(sequence.names)
    weights = next((kind for kind in _shipped() if kind.columns <= names), None)
    if weights is None:
        return None
    values = summary(sequence, weights.terms)
    if values is None:
        return None
    cut = np.clip(values, [term.low for term in weights.terms], [term.high for term in weights.terms])
    odds = weights.constant + float(cut @ [term.weight for term in weights.terms])
    return 1 / (1 + math.exp(-min(max(odds, -50.0), 50.0)))


def summary(sequence: FeatureSequence, terms: Sequence[Term]) -> Values | None:
    """Compute each term's statistic, not yet cut off or weighted: float64 ``[terms]``; None where nothing sounds.

    Raises
    ------
    ValueError
        A term's column, or ``energy_max``, is not among the sequence's.

    """
    at = {name: i for i, name in enumerate(sequence.names)}
    if missing := {_LOUDNESS, *(column for term in terms for column in term.columns)} - at.keys():
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    heard = (sequence.values[:, at[_LOUDNESS]] > _SILENT) & np.isfinite(sequence.values).all(axis=1)
    if not heard.any():
        return None
    rows = sequence.values[heard].astype(np.float64)
    values = np.empty(len(terms))
    for i, term in enumerate(terms):
        columns = [rows[:, at[column]] for column in term.columns]
        if len(columns) == 2:
            above, below = (np.maximum(column, 0) + _FLOOR for column in columns)
            columns = [np.log(above / below)]
        values[i] = columns[0].mean() if term.statistic == "mean" else columns[0].std()
    return values


def read_weights(path: Path) -> tuple[Weights, ...]:
    """Read weights from a JSON file: a list, the best first.

    Raises
    ------
    BundleError
        The file is not there or damaged; the message names the place.

    """
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))["weights"]
        return tuple(
            Weights(tuple(Term(**term) for term in table["terms"]), float(table["constant"])) for table in tables
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: {error!r}") from error


@lru_cache(1)
def _shipped() -> tuple[Weights, ...]:
    return read_weights(WEIGHTS)
