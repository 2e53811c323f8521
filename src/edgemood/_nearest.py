"""The ranking that the engine used before shelves: `recommend` takes its place. Pure: no I/O, no clock, no chance.

Nearness is the mean of two measures, each in [-1, 1]. The cosine of mood vectors sees shades that four moods cannot
tell; it is taken from the middle of the library, since the vectors of one network share a large common part, which
would make every pair look alike. The overlap of mood scores, ``2 * sum(min(p, q)) - 1``, keeps to the moods that people
are shown: where a library holds few songs, the cosine alone puts some of another mood before some of the listener's.

The middle is the mean of the candidates' vectors, drawn towards zero as if `PRIOR_SONGS` more songs lay there, so that
it stays sensible in a library of a few songs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from edgemood.domain import ListenerMood, Pick, Track
from edgemood.errors import ConfigError

#: How many songs at zero the middle of the library is drawn by.
PRIOR_SONGS = 10
#: Artists of this name are nobody in particular: two songs by them are not by the same artist.
ANONYMOUS = frozenset({"", "unknown", "unknown artist", "various", "various artists", "<unknown>", "[unknown]"})

_BLOCK_ROWS = 32_768  # rows centred at a time: bounds the memory that a library of a million songs takes
_DECIMALS = 6  # similarities that differ by less are float noise: such songs are ordered by id


@dataclass(frozen=True)
class Candidates:
    """The songs that can be offered: those that are there and that the listener's model has judged.

    ids: int64 ``[n]``; vectors: mood vectors, float32 ``[n, dims]``; scores: probabilities, float32 ``[n, labels]``, in
    the order of the listener's scores; artists: `n` names, empty where unknown; track: gives the track of an id, asked
    only for the songs picked.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    scores: NDArray[np.float32]
    artists: Sequence[str]
    track: Callable[[int], Track]

    def __post_init__(self) -> None:
        count = len(self.ids)
        lengths = {len(self.vectors), len(self.scores), len(self.artists)}
        if lengths != {count} or self.vectors.ndim != 2 or self.scores.ndim != 2:
            raise ValueError(
                f"{count} ids, vectors {self.vectors.shape}, scores {self.scores.shape}, {len(self.artists)} artists: "
                "they do not match"
            )


@dataclass(frozen=True)
class Request:
    """What is asked for: `n` songs for the `listener`.

    recent: the songs just played, newest first; they are left out, and the first pick is not by the artist of the
    newest. exclude: ids of more songs not to offer.
    """

    listener: ListenerMood
    n: int = 10
    recent: Sequence[Track] = ()
    exclude: Set[int] = field(default_factory=frozenset)


def rank(request: Request, candidates: Candidates) -> list[Pick]:
    """Rank the candidates by nearness to the listener and take the best.

    The same artist never comes twice in a row as long as enough songs by others are left; where they are not, the
    rest is filled up all the same and the pick's reason says so. Equally near songs come in the order of their ids.

    Returns
    -------
    list of Pick
        `n` picks, best first, or as many as there are. Songs moved to keep artists apart come later than their
        similarity says.

    Raises
    ------
    ConfigError
        `n` is not a whole number of at least 1, or the candidates' vectors or scores are not of the listener's model.

    """
    listener, ids = request.listener, candidates.ids
    if not isinstance(request.n, Integral) or request.n < 1:
        raise ConfigError(f"the number of songs has to be a whole number of at least 1, not {request.n}")
    if not len(ids):
        return []
    if listener.vector.shape != candidates.vectors.shape[1:]:
        raise ConfigError(
            f"the listener's mood vector has {listener.vector.size} dimensions, the songs' have "
            f"{candidates.vectors.shape[1]}: they come from different models"
        )
    if len(listener.scores) != candidates.scores.shape[1]:
        raise ConfigError(
            f"the listener's mood has {len(listener.scores)} labels, the songs' have {candidates.scores.shape[1]}: "
            "they come from different models"
        )
    similarity = similarities(listener, candidates)
    left_out = [*request.exclude, *(track.id for track in request.recent)]
    free = np.flatnonzero(~np.isin(ids, left_out) & np.isfinite(similarity))
    order = _best_first(similarity[free], ids[free], request.n)
    last = request.recent[0].tags.artist if request.recent else ""
    line, forced = _keep_artists_apart((free[i] for i in order), candidates.artists, last, request.n)
    picks = []
    for place, row in enumerate(line):
        track, near = candidates.track(int(ids[row])), float(similarity[row])
        picks.append(Pick(track, near, _reason(track, near, listener, place >= len(line) - forced)))
    return picks


def similarities(listener: ListenerMood, candidates: Candidates) -> NDArray[np.float32]:
    """How near each candidate is to the listener, in [-1, 1]: the mean of `cosines` and `overlaps`.

    NaN for one whose vector or scores are not finite.
    """
    near = cosines(listener.vector, candidates.vectors)
    near += overlaps(np.array(list(listener.scores.values()), np.float32), candidates.scores)
    near /= 2
    return np.clip(np.round(near, _DECIMALS), -1, 1)


def overlaps(scores: NDArray[np.float32], of_songs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a distribution ``[labels]`` and each of ``[n, labels]`` have in common: 1 all, -1 nothing."""
    common = np.full(len(of_songs), -1, np.float32)
    for p, column in zip(scores, of_songs.T, strict=True):  # few labels, many songs
        common += 2 * np.minimum(column, p)
    return common


def cosines(vector: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of `vector` with each of `vectors` as seen from their middle, in [-1, 1].

    0 for a vector in the very middle, NaN for one that is not finite; such a one does not move the middle.
    """
    total = vectors.sum(axis=0, dtype=np.float64)
    if not np.isfinite(total).all():
        total = vectors[np.isfinite(vectors).all(axis=1)].sum(axis=0, dtype=np.float64)
    middle = total / (len(vectors) + PRIOR_SONGS)
    target = vector - middle
    target = (target / max(np.linalg.norm(target), 1e-12)).astype(np.float32)
    middle = middle.astype(np.float32)
    near = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS] - middle
        norms = np.sqrt(np.einsum("ij,ij->i", block, block))
        with np.errstate(invalid="ignore"):  # rows that are not finite
            near[start : start + _BLOCK_ROWS] = (block @ target) / np.maximum(norms, 1e-12)
    return np.clip(near, -1, 1)


def _best_first(similarity: NDArray[np.float32], ids: NDArray[np.int64], n: int) -> Iterator[int]:
    """Rows by falling similarity, equal ones by id; sorts no more than it is asked for, or nearly so."""
    head = min(len(ids), 4 * n + 64)
    if head < len(ids):
        threshold = -np.partition(-similarity, head - 1)[head - 1]
        parts = [np.flatnonzero(similarity >= threshold), np.flatnonzero(similarity < threshold)]
    else:
        parts = [np.arange(len(ids))]
    for rows in parts:
        yield from rows[np.lexsort((ids[rows], -similarity[rows]))].tolist()


def _keep_artists_apart(rows: Iterable[int], artists: Sequence[str], last: str, n: int) -> tuple[list[int], int]:
    """Take the first `n` of `rows` such that no artist follows himself, and how many at the end break that rule.

    A row by the artist of the one before is held back until another artist has come between; so all rows held at a
    time are by one artist. Where the rows run out, those held go between songs by others, and the rest to the end.
    """
    line: list[int] = []
    held: deque[int] = deque()
    previous = artist_key(last)
    for row in rows:
        if len(line) >= n:
            return line[:n], 0
        artist = artist_key(artists[row])
        if artist is not None and artist == previous:
            held.append(row)
            continue
        line.append(row)
        previous = artist
        if held:
            line.append(held.popleft())
            previous = artist_key(artists[line[-1]])
    missing = n - len(line)
    if missing <= 0 or not held:
        return line[:n], 0
    return _spread(line, list(held)[:missing], artists, last)


def _spread(line: list[int], held: list[int], artists: Sequence[str], last: str) -> tuple[list[int], int]:
    """Put `held`, all by one artist, where no neighbour is by him, from the end of `line`; the rest go to the end."""
    him = artist_key(artists[held[0]])

    def his(row: int) -> bool:
        return artist_key(artists[row]) == him

    in_order = [row for row in line if his(row)] + held
    left = len(held)
    for gap in range(len(line), -1, -1):
        after_him = his(line[gap - 1]) if gap else artist_key(last) == him
        before_him = gap < len(line) and his(line[gap])
        if left and not after_him and not before_him:
            line.insert(gap, held[0])
            left -= 1
    line += held[:left]
    # Which of his songs stands where is decided only now: the nearest comes first.
    places = [place for place, row in enumerate(line) if his(row)]
    for place, row in zip(places, in_order, strict=True):
        line[place] = row
    return line, left


def artist_key(name: str) -> str | None:
    """Return what makes two spellings of an artist the same; None for nobody in particular."""
    key = " ".join(name.casefold().split())
    return None if key in ANONYMOUS else key


def _reason(track: Track, similarity: float, listener: ListenerMood, forced: bool) -> str:
    """One sentence about one pick."""
    label = track.mood.label if track.mood else None
    if label is None:
        said = "near your mood"
    elif label == listener.label:
        said = f"{label}, as you are now"
    else:
        said = f"{label}, yet near your {listener.label}" if similarity > 0 else f"{label}, the nearest that is left"
    said += f" (similarity {similarity:.2f})"
    return said + (", by the same artist as the song before: no others are left" if forced else "")
