"""How a song's descriptors and timeline become few bytes, and back.

Descriptors are kept with 12 bits behind the leading one of the mantissa, a relative error of at most 2**-13, and the
full range of float32: about as small as float16 after compression (25 kB for four minutes of 50 descriptors, once a
second), four times as fine, and nothing overflows. Times are kept in whole microseconds. `rounded` is the one place
where precision is given up: what it returns is stored without loss, so a mood read from a file and one read from the
library agree to the bit.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import FeatureSequence, MoodSpan

_DROPPED_BITS = 11  # of the 23 in a float32's mantissa
_HEADER = struct.Struct("<BII")  # format, rows, columns
_FORMAT = 1
_US_PER_S = 1_000_000
_SPAN_COLUMNS = 5  # start, end, valence, arousal, attention; the scores follow


def rounded(features: FeatureSequence) -> FeatureSequence:
    """Return the sequence in the precision that the library keeps. Doing it twice changes nothing."""
    return FeatureSequence(
        values=_round_mantissa(features.values),
        start_s=_microseconds(features.start_s) / _US_PER_S,
        end_s=_microseconds(features.end_s) / _US_PER_S,
        names=features.names,
        version=features.version,
    )


def pack_features(features: FeatureSequence) -> bytes:
    """Compress the values and times of `rounded(features)`; names and version are kept elsewhere."""
    values = _round_mantissa(features.values)
    rows, columns = values.shape
    times = np.stack([_microseconds(features.start_s), _microseconds(features.end_s)])
    steps = np.diff(times, axis=1, prepend=0).astype("<i8")  # mostly one number again and again
    by_column = np.ascontiguousarray(values.T).astype("<f4", copy=False)
    return _HEADER.pack(_FORMAT, rows, columns) + zlib.compress(_planes(steps) + _planes(by_column))


def unpack_features(data: bytes, names: tuple[str, ...], version: str) -> FeatureSequence:
    """Undo `pack_features`; ValueError where the bytes are not what it made."""
    rows, columns, raw = _open(data)
    if columns != len(names):
        raise ValueError(f"{columns} columns but {len(names)} names")
    split = 2 * rows * 8
    steps = _from_planes(raw[:split], "<i8").reshape(2, rows)
    values = _from_planes(raw[split:], "<f4").reshape(columns, rows)
    start_s, end_s = np.cumsum(steps, axis=1, dtype=np.int64) / _US_PER_S
    return FeatureSequence(np.ascontiguousarray(values.T, dtype=np.float32), start_s, end_s, names, version)


def pack_timeline(timeline: Sequence[MoodSpan], labels: Sequence[str]) -> bytes:
    """Compress a timeline without loss; every span has to score exactly `labels`."""
    table = np.full((len(timeline), _SPAN_COLUMNS + len(labels)), np.nan)
    for row, span in zip(table, timeline, strict=True):
        if set(span.scores) != set(labels):
            raise ValueError(f"a span scores {sorted(span.scores)}, the song {sorted(labels)}")
        row[:2] = span.start_s, span.end_s
        if span.valence is not None and span.arousal is not None:
            row[2:4] = span.valence, span.arousal
        row[4] = span.attention
        row[5:] = [span.scores[label] for label in labels]
    by_column = np.ascontiguousarray(table.T).astype("<f8", copy=False)
    return _HEADER.pack(_FORMAT, *table.shape) + zlib.compress(_planes(by_column))


def unpack_timeline(data: bytes, labels: Sequence[str]) -> tuple[MoodSpan, ...]:
    """Undo `pack_timeline`; ValueError where the bytes are not what it made."""
    rows, columns, raw = _open(data)
    if columns != _SPAN_COLUMNS + len(labels):
        raise ValueError(f"{columns} columns do not fit {len(labels)} labels")
    table = _from_planes(raw, "<f8").reshape(columns, rows).T
    spans = []
    for start, end, valence, arousal, attention, *scores in table.tolist():
        on_plane = not math.isnan(valence)  # some labels have no place there
        spans.append(
            MoodSpan(
                start,
                end,
                dict(zip(labels, scores, strict=True)),
                valence if on_plane else None,
                arousal if on_plane else None,
                attention,
            )
        )
    return tuple(spans)


def _round_mantissa(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to nearest, ties to even, by adding half of the dropped bits; NaN and infinity stay what they are."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32((1 << (_DROPPED_BITS - 1)) - 1)
    odd = (bits >> np.uint32(_DROPPED_BITS)) & np.uint32(1)
    nearest = (bits + half + odd) & np.uint32(~((1 << _DROPPED_BITS) - 1) & 0xFFFFFFFF)
    result: NDArray[np.float32] = np.where(np.isfinite(values), nearest, bits).astype(np.uint32).view(np.float32)
    return result


def _microseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(np.asarray(seconds, np.float64) * _US_PER_S).astype(np.int64)


def _planes(numbers: NDArray[np.generic]) -> bytes:
    """Put the numbers' first bytes together, then their second ones: like stands by like, which compresses."""
    by_byte: NDArray[np.uint8] = numbers.reshape(-1, 1).view(np.uint8).T
    return by_byte.tobytes()


def _from_planes(raw: bytes, dtype: str) -> NDArray[np.generic]:
    width = np.dtype(dtype).itemsize
    return np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(width, -1).T).view(dtype).reshape(-1)


def _open(data: bytes) -> tuple[int, int, bytes]:
    """Rows, columns and the decompressed rest."""
    try:
        kind, rows, columns = _HEADER.unpack_from(data)
        raw = zlib.decompress(data[_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"stored numbers are damaged: {error}") from error
    if kind != _FORMAT:
        raise ValueError(f"stored numbers of unknown format {kind}")
    return rows, columns, raw
