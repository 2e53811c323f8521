"""The shelf: all songs that can be offered, packed in arrays, for whoever has to look at every one of them.

Small numbers in place of exact ones: a million songs take some 70 MB. Pure: what fills it from the library is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgemood.domain import MoodSpan

#: How many songs at zero the middle of the vectors is drawn by, so that it stays sensible among a few songs.
PRIOR_SONGS = 10
#: Artists of this name are nobody in particular: two songs by them are not by the same artist.
ANONYMOUS = frozenset({"", "unknown", "unknown artist", "various", "various artists", "<unknown>", "[unknown]"})

#: How much of a song's begin and end says where it comes from and leads to.
EDGE_S = 20.0

#: Bits of `Shelf.flags`: it sounds or is tagged like speech; a jingle; an audiobook or a mix by its length; its mood
#: was set by hand; it is a Christmas song by its tags.
SPEECH, SHORT, LONG, LABELLED, CHRISTMAS = (1 << bit for bit in range(5))

_SURE = 255  # what a probability of 1 is packed as
_STEPS = 127  # and the greatest value of a dimension of the vectors
_BLOCK_ROWS = 8192  # rows unpacked at a time: they stay in the cache


@dataclass(frozen=True, eq=False)
class Shelf:
    """Songs in arrays: row `i` of each belongs together, ids ascend, each song is there once.

    Attributes
    ----------
    ids : int64 ``[n]``
        Of the tracks.
    vectors : int8 ``[n, dims]``
        Mood vectors, each dimension in steps of `scale`: a value is ``vectors * scale``.
    scale : float32 ``[dims]``
        See `vectors`; positive.
    scores : uint8 ``[n, labels]``
        Probabilities of the moods, times 255. Where the mood was set by hand (`LABELLED`) it alone has any.
    head, tail : uint8 ``[n, labels]``
        The same of the first and of the last 20 s; of the whole song where nothing is known of its course.
    artist : uint32 ``[n]``
        A hash that is equal for the songs of one artist (see `artist_key`); 0: nobody in particular.
    album : uint32 ``[n]``
        A hash that is equal for the songs of one album in one folder; 0: none.
    genre : uint32 ``[n]``
        `text_hash` of the first genre; 0: none.
    duration_s : float32 ``[n]``
        How long they are.
    flags : uint8 ``[n]``
        Any of `SPEECH`, `SHORT`, `LONG`, `LABELLED` and `CHRISTMAS`.
    labels : tuple of str
        The moods that the columns of scores are of.
    model : str
        Which bundle judged, as ``name-version``.

    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.int8]
    scale: NDArray[np.float32]
    scores: NDArray[np.uint8]
    head: NDArray[np.uint8]
    tail: NDArray[np.uint8]
    artist: NDArray[np.uint32]
    album: NDArray[np.uint32]
    genre: NDArray[np.uint32]
    duration_s: NDArray[np.float32]
    flags: NDArray[np.uint8]
    labels: tuple[str, ...]
    model: str

    def __post_init__(self) -> None:
        n, dims, moods = len(self.ids), len(self.scale), len(self.labels)
        shapes = {"ids": (n,), "vectors": (n, dims), "scale": (dims,), "scores": (n, moods)}
        shapes |= {"head": (n, moods), "tail": (n, moods), "artist": (n,), "album": (n,), "genre": (n,)}
        shapes |= {"duration_s": (n,), "flags": (n,)}
        for name, shape in shapes.items():
            array: NDArray[Any] = getattr(self, name)
            if array.shape != shape or array.dtype != _TYPES[name] or not array.flags.c_contiguous:
                raise ValueError(f"{name} of a shelf has to be {_TYPES[name]} {shape}, not {array.dtype} {array.shape}")
        if n and not (np.diff(self.ids) > 0).all():
            raise ValueError("the ids of a shelf have to ascend")

    @classmethod
    def of(  # noqa: PLR0913 - a column each, by name
        cls,
        ids: ArrayLike,
        vectors: ArrayLike,
        scores: ArrayLike,
        labels: Sequence[str],
        model: str,
        *,
        head: ArrayLike | None = None,
        tail: ArrayLike | None = None,
        artists: Iterable[str] | None = None,
        albums: Iterable[str] | None = None,
        genres: Iterable[str] | None = None,
        duration_s: ArrayLike | None = None,
        flags: ArrayLike | None = None,
        scale: NDArray[np.float32] | None = None,
    ) -> Shelf:
        """Pack plain values.

        Parameters
        ----------
        ids
            Ascending, ``[n]``.
        vectors, scores
            Finite mood vectors ``[n, dims]`` and probabilities ``[n, labels]``.
        labels, model
            As on the shelf.
        head, tail
            Probabilities ``[n, labels]``; `scores` if None.
        artists, albums, genres
            Names, `n` of each, empty where there is none; all empty if None.
        duration_s
            Default: 200 s each.
        flags
            Default: none.
        scale
            Steps of the vectors' dimensions; default: the finest that reach all (`scale_of`).

        Raises
        ------
        ValueError
            The shapes do not match, ids do not ascend, or a vector or score is not finite.

        """
        number, points = np.asarray(ids, np.int64), np.asarray(vectors, np.float32)
        n, shares = len(number), pack_scores(scores)
        step = scale_of(points) if scale is None else scale
        none = ("",) * n
        return cls(
            ids=number,
            vectors=pack_vectors(points, step),
            scale=step,
            scores=shares,
            head=shares if head is None else pack_scores(head),
            tail=shares if tail is None else pack_scores(tail),
            artist=np.array([artist_hash(name) for name in (none if artists is None else artists)], np.uint32),
            album=np.array([text_hash(name) for name in (none if albums is None else albums)], np.uint32),
            genre=np.array([text_hash(name) for name in (none if genres is None else genres)], np.uint32),
            duration_s=np.full(n, 200, np.float32) if duration_s is None else np.array(duration_s, np.float32),
            flags=np.zeros(n, np.uint8) if flags is None else np.array(flags, np.uint8),
            labels=tuple(labels),
            model=model,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def middle(self) -> NDArray[np.float32]:
        """The mean of the vectors, float32 ``[dims]``, drawn to zero as if `PRIOR_SONGS` more songs lay there."""
        total = np.zeros(len(self.scale), np.float64)
        for start in range(0, len(self), _BLOCK_ROWS):
            block = self.vectors[start : start + _BLOCK_ROWS].astype(np.float32)
            total += np.ones(len(block), np.float32) @ block  # whole numbers below 2**24: exact
        return (total * self.scale / (len(self) + PRIOR_SONGS)).astype(np.float32)

    def rows(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Give the row of each of `ids`; -1 where a song is not on the shelf."""
        wanted = np.asarray(ids, np.int64).reshape(-1)
        if not len(self):
            return np.full(len(wanted), -1, np.int64)
        found = np.minimum(np.searchsorted(self.ids, wanted), len(self) - 1)
        return np.where(self.ids[found] == wanted, found, -1).astype(np.int64)

    def vectors_of(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Unpack the mood vectors of some rows, float32 ``[rows, dims]``."""
        return np.asarray(self.vectors[np.asarray(rows, np.int64)] * self.scale, np.float32)

    def scores_of(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Unpack the probabilities of some rows, float32 ``[rows, labels]``."""
        return np.asarray(self.scores[np.asarray(rows, np.int64)] / np.float32(_SURE), np.float32)


def edges(timeline: Sequence[MoodSpan], scores: Mapping[str, float]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pack the mood of a song's first and last `EDGE_S` seconds, each uint8 ``[labels]``.

    Parameters
    ----------
    timeline
        Its spans, in order.
    scores
        Of the whole song, which stand where there is no timeline; the order of their labels counts.

    """
    whole = np.nan_to_num(np.array(list(scores.values()), np.float64))
    if not timeline:
        return pack_scores(whole), pack_scores(whole)
    begin_s, end_s = timeline[0].start_s, timeline[-1].end_s
    head = _between(timeline, tuple(scores), begin_s, begin_s + EDGE_S)
    tail = _between(timeline, tuple(scores), end_s - EDGE_S, end_s)
    return pack_scores(whole if head is None else head), pack_scores(whole if tail is None else tail)


def _between(
    timeline: Sequence[MoodSpan], labels: Sequence[str], begin_s: float, end_s: float
) -> NDArray[np.float64] | None:
    """Mean scores between two times; None where no span lies there."""
    total, seconds = np.zeros(len(labels)), 0.0
    for span in timeline:
        share = min(span.end_s, end_s) - max(span.start_s, begin_s)
        if share > 0:
            total += share * np.nan_to_num(np.array([span.scores[label] for label in labels]))
            seconds += share
    return total / seconds if seconds > 0 else None


def empty(model: str) -> Shelf:
    """Return a shelf without songs."""
    return Shelf.of([], np.empty((0, 0)), np.empty((0, 0)), (), model)


def pack_scores(scores: ArrayLike) -> NDArray[np.uint8]:
    """Pack probabilities, in 255ths."""
    return np.rint(np.clip(_finite(scores), 0, 1) * _SURE).astype(np.uint8)


def pack_vectors(vectors: ArrayLike, scale: NDArray[np.float32]) -> NDArray[np.int8]:
    """Pack vectors in steps of `scale`; what lies beyond 127 steps is drawn in to there."""
    steps: NDArray[np.float32] = np.clip(_finite(vectors) / scale, -_STEPS, _STEPS)
    return np.rint(steps).astype(np.int8)


def scale_of(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the finest steps, float32 ``[dims]``, in which `pack_vectors` reaches all of `vectors`."""
    reach = np.abs(vectors).max(axis=0, initial=0)
    return np.asarray(np.where(reach > 0, reach / _STEPS, 1), np.float32)


def artist_key(name: str) -> str | None:
    """Return what makes two spellings of an artist the same; None for nobody in particular."""
    key = " ".join(name.casefold().split())
    return None if key in ANONYMOUS else key


@lru_cache(4096)
def artist_hash(name: str) -> int:
    """Hash an artist's name as `Shelf.artist` has it."""
    return text_hash(artist_key(name) or "")


def text_hash(text: str) -> int:
    """Hash a text, whatever its case, into 32 bits; 0 for an empty one only."""
    if not text:
        return 0
    digest = blake2b(text.casefold().encode("utf-8", "surrogateescape"), digest_size=4).digest()
    return int.from_bytes(digest, "little") or 1


def _finite(values: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if not np.isfinite(array).all():
        raise ValueError("what goes on a shelf has to be finite")
    return array


_TYPES = {
    "ids": np.dtype(np.int64),
    "vectors": np.dtype(np.int8),
    "scale": np.dtype(np.float32),
    "scores": np.dtype(np.uint8),
    "head": np.dtype(np.uint8),
    "tail": np.dtype(np.uint8),
    "artist": np.dtype(np.uint32),
    "album": np.dtype(np.uint32),
    "genre": np.dtype(np.uint32),
    "duration_s": np.dtype(np.float32),
    "flags": np.dtype(np.uint8),
}
