"""What to play next: songs near to what is looked for, in an order that makes a good list.

Nearness is the mean of two measures, each in [-1, 1]. The cosine of mood vectors sees shades that four moods cannot
tell; it is taken from the middle of the shelf, since the vectors of one network share a large common part, which
would make every pair look alike. The overlap of mood scores, ``2 * sum(min(p, q)) - 1``, keeps to the moods that people
are shown. A song whose mood was set by hand counts as if its vector lay where its mood's songs do.

The list is made greedily from a pool of the nearest songs (maximal marginal relevance; Carbonell and Goldstein 1998):
each pick weighs nearness against likeness to what is picked already (`variety`) and against the step from the end of
the song before to its beginning (`smoothness`). Rules on artists and albums come before all of that, and are looked
ahead for: a pick breaks one only where no order of the songs that are left keeps it, and says so.

Pure: no I/O, no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from edgemood import _greedy
from edgemood._nearness import check_target, scorer
from edgemood.domain import Track
from edgemood.errors import ConfigError
from edgemood.shelf import CHRISTMAS, LONG, SHORT, SPEECH, Shelf, artist_hash
from edgemood.targets import Target

#: Flags of songs that are not offered unless asked for: see `shelf`.
LEFT_OUT = SPEECH | SHORT | LONG | CHRISTMAS
#: How many other songs lie between two by one artist, and between two of one album.
ARTIST_GAP, ALBUM_GAP = 3, 2
#: Defaults of the weights of `Request`.
VARIETY, SMOOTHNESS = 0.2, 0.1

_POOL = 256  # songs looked at for each target: at least so many, and so many times more than are wanted
_POOL_EACH = 8
_WAYPOINTS = 4  # of the many targets of a way, the songs near so many of them are looked at
_ROUNDS = 8  # the pool is widened for the rules' sake: so many times at most
_LONG_AGO = -(1 << 40)
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for.

    Attributes
    ----------
    targets : sequence of Target
        One for all songs, or at least `n`, one for each.
    n : int
        How many songs, at least 1.
    recent : sequence of Track
        The songs just played, newest first; the rules know them, the first pick follows the newest, and that one is
        left out.
    exclude : iterable of int, or int64 array
        Ids of more songs not to offer.
    leave_out : int
        Songs with any of these flags of the shelf are not offered; default `LEFT_OUT`.
    variety : float
        In [0, 1]; 0: nearness only, 1: only what is unlike the songs picked before.
    smoothness : float
        In [0, 1]; 0: whatever the song before, 1: only the smoothest way on among the songs of the pool.
    artist_gap, album_gap : int
        How many songs have to lie between two by one artist, or of one album; 0: any may follow.
    offsets : float32 ``[n songs]``, or None
        Added to the nearness of each song of the shelf; one that is not finite is not offered.

    """

    targets: Sequence[Target]
    n: int = 10
    recent: Sequence[Track] = ()
    exclude: Iterable[int] | NDArray[np.int64] = ()
    leave_out: int = LEFT_OUT
    variety: float = VARIETY
    smoothness: float = SMOOTHNESS
    artist_gap: int = ARTIST_GAP
    album_gap: int = ALBUM_GAP
    offsets: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Choice:
    """A song chosen.

    Attributes
    ----------
    row, id : int
        Where it is on the shelf, and its track.
    similarity : float
        Its nearness to `target`, in [-1, 1].
    target : Target
        What was looked for.
    offset : float
        What was added to the nearness.
    flow : float or None
        How much the moods of its beginning and of the end of the song before have in common, in [-1, 1]; None where
        there is none before.
    broken : tuple of str
        The rules that could not be kept, in words.

    """

    row: int
    id: int
    similarity: float
    target: Target
    offset: float = 0.0
    flow: float | None = None
    broken: tuple[str, ...] = ()


def rank(request: Request, shelf: Shelf) -> list[Choice]:
    """Choose songs, in the order to play them.

    Returns
    -------
    list of Choice
        `n`, or as many as may be offered. With no variety, no smoothness and no gaps they come by falling nearness
        plus offset; equal ones always by id.

    Raises
    ------
    ConfigError
        A value of the request is out of range, or a target is not of the shelf's model.

    """
    _check(request)
    if not len(shelf):
        return []
    for target in request.targets:
        check_target(target, shelf)
    skip = _skipped(request, shelf)
    offsets = None if request.offsets is None else np.where(skip, 0, request.offsets).astype(np.float32)
    targets = list(request.targets[: request.n])
    spread = np.unique(np.linspace(0, len(targets) - 1, min(_WAYPOINTS, len(targets))).round().astype(int))
    scan, own = scorer([targets[i] for i in spread], shelf), scorer(targets, shelf)
    size = max(_POOL, _POOL_EACH * request.n)
    rows = scan.best(skip, offsets, size)
    for _ in range(_ROUNDS):
        line, missing = _picked(request, shelf, rows, own, offsets)
        widened = _widened(request, shelf, rows, missing, skip)
        more = scan.best(widened, offsets, size) if widened is not None else rows[:0]
        if not len(more):
            break
        rows = np.union1d(rows, more)
    return _choices(request, shelf, line, missing, own, offsets)


def reason(choice: Choice, track: Track, request: Request) -> str:
    """Say in one sentence why a song was chosen."""
    target, label = choice.target, track.mood.label if track.mood else None
    far, seeds = choice.similarity <= 0, target.seeds
    if target.kind == "path" and target.step:
        aim = f"step {target.step[0]} of {target.step[1]} on the way to {target.label}"
        said = f"{label}, {aim}" if label else aim
    elif label is None:
        said = {"listener": "near your mood", "seeds": f"near {seeds}"}.get(target.kind, f"near {target.label}")
    elif label == target.label:
        same = {"listener": "as you are now", "seeds": f"like {seeds}"}
        said = f"{label}, {same.get(target.kind, 'as asked for')}"
    elif far:
        far_from = {"listener": f"your {target.label}", "seeds": seeds}
        said = f"{label}, though not near {far_from.get(target.kind, target.label)}"
    else:
        near = {"listener": f"near your {target.label}", "seeds": f"near {seeds}"}
        said = f"{label}, yet {near.get(target.kind, f'near {target.label}')}"
    return f"{said} (similarity {choice.similarity:.2f})" + "".join(f"; {rule}" for rule in choice.broken)


def similarities(targets: Sequence[Target], shelf: Shelf, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """How near songs are to each target, in [-1, 1]: float32 ``[targets, rows]``, of all songs if `rows` is None.

    Raises
    ------
    ConfigError
        A target is not of the shelf's model.

    """
    if not len(shelf):
        return np.empty((len(targets), 0), np.float32)
    for target in targets:
        check_target(target, shelf)
    return scorer(targets, shelf).at(np.arange(len(shelf)) if rows is None else rows)


def _check(request: Request) -> None:
    if not isinstance(request.n, Integral) or request.n < 1:
        raise ConfigError(f"the number of songs has to be a whole number of at least 1, not {request.n}")
    for name in ("variety", "smoothness"):
        value = getattr(request, name)
        if not isinstance(value, Real) or not 0 <= value <= 1:
            raise ConfigError(f"{name} has to lie between 0 and 1, not at {value}")
    for name in ("artist_gap", "album_gap"):
        value = getattr(request, name)
        if not isinstance(value, Integral) or not 0 <= value < 1 << 31:
            raise ConfigError(f"{name} has to be a whole number from 0 to 2,147,483,647, not {value}")
    if len(request.targets) != 1 and len(request.targets) < request.n:
        raise ConfigError(
            f"{len(request.targets)} targets for {request.n} songs: one for all or one for each is needed"
        )


def _skipped(request: Request, shelf: Shelf) -> NDArray[np.uint8]:
    """Of each song whether it may not be offered."""
    skip = (shelf.flags & request.leave_out).astype(bool)
    exclude = request.exclude
    ids = exclude if isinstance(exclude, np.ndarray) else np.fromiter(exclude, np.int64)
    for left_out in (ids, np.array([track.id for track in request.recent[:1]], np.int64)):
        rows = shelf.rows(left_out)
        skip[rows[rows >= 0]] = True
    if request.offsets is not None:
        if request.offsets.shape != (len(shelf),):
            raise ConfigError(f"{request.offsets.shape} offsets for {len(shelf)} songs")
        skip |= ~np.isfinite(request.offsets)
    return skip.view(np.uint8)


def _picked(
    request: Request,
    shelf: Shelf,
    rows: NDArray[np.int64],
    own: _greedy.Scorer,
    offsets: NDArray[np.float32] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pick rows out of those of the pool, and by how much each breaks the two rules."""
    near = own.at(rows)
    if offsets is not None:
        near += offsets[rows]
    count = min(request.n, len(rows))
    steps = np.arange(count, dtype=np.int32) if len(near) > 1 else np.zeros(count, np.int32)
    units = np.zeros((len(rows), -(-len(shelf.scale) // 8) * 8), np.float32)
    seen = shelf.vectors_of(rows) - shelf.middle
    units[:, : len(shelf.scale)] = seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), _TINY)
    played = shelf.rows([track.id for track in request.recent])
    before = shelf.tail[played[0]] if len(played) and played[0] >= 0 else None
    artists = [artist_hash(track.tags.artist) for track in request.recent]
    albums = [int(shelf.album[row]) if row >= 0 else 0 for row in played]
    order, missing = _greedy.pick(
        near,
        steps,
        units,
        shelf.scores[rows],
        shelf.head[rows],
        shelf.tail[rows],
        before,
        (*_keys(shelf.artist[rows], artists), request.artist_gap),
        (*_keys(shelf.album[rows], albums), request.album_gap),
        request.variety,
        request.smoothness,
    )
    return rows[order], missing


def _keys(hashes: NDArray[np.uint32], played: list[int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number hashes from 0, -1 for nobody in particular; and when each was played last, -1 right before now."""
    names, keys = np.unique(np.concatenate([hashes, np.array(played, np.uint32)]), return_inverse=True)
    last = np.full(len(names), _LONG_AGO, np.int64)
    for place in range(len(played) - 1, -1, -1):  # the newest has the last word
        last[keys[len(hashes) + place]] = -1 - place
    return np.where(hashes == 0, -1, keys[: len(hashes)]).astype(np.int32), last


def _widened(
    request: Request, shelf: Shelf, rows: NDArray[np.int64], missing: NDArray[np.int64], skip: NDArray[np.uint8]
) -> NDArray[np.uint8] | None:
    """What else to skip so that the next songs added to the pool help with a broken rule; None where none is broken.

    Of an artist (or album) with as many songs in the pool as the rule lets into the list no more are needed.
    """
    rules = ((shelf.artist, request.artist_gap), (shelf.album, request.album_gap))
    for (hashes, gap), short in zip(rules, missing.T, strict=True):
        if not short.any():
            continue
        names, counts = np.unique(hashes[rows], return_counts=True)
        full = names[(counts >= -(-request.n // (gap + 1))) & (names != 0)]
        wide = skip.astype(bool)
        wide[rows] = True
        if len(full):
            wide |= full[np.minimum(np.searchsorted(full, hashes), len(full) - 1)] == hashes
        if not wide.all():
            return wide.view(np.uint8)
    return None


def _choices(  # noqa: PLR0913, PLR0917
    request: Request,
    shelf: Shelf,
    line: NDArray[np.int64],
    missing: NDArray[np.int64],
    own: _greedy.Scorer,
    offsets: NDArray[np.float32] | None,
) -> list[Choice]:
    near = own.at(line)
    played = shelf.rows([track.id for track in request.recent[:1]])
    before = int(played[0]) if len(played) else -1
    choices = []
    for place, row in enumerate(line.tolist()):
        which = place if len(near) > 1 else 0
        gaps = ((request.artist_gap, "artist"), (request.album_gap, "album"))
        rules = [(name, gap - short) for (gap, name), short in zip(gaps, missing[place].tolist(), strict=True) if short]
        choices.append(
            Choice(
                row=row,
                id=int(shelf.ids[row]),
                similarity=float(near[which, place]),
                target=request.targets[which],
                offset=0.0 if offsets is None else float(offsets[row]),
                flow=None if before < 0 else _flow(shelf, before, row),
                broken=tuple(_said(name, between) for name, between in rules),
            )
        )
        before = row
    return choices


def _flow(shelf: Shelf, before: int, row: int) -> float:
    common = np.minimum(shelf.tail[before], shelf.head[row]).sum(dtype=np.int64) * 2 / 255 - 1
    return min(float(common), 1.0)


def _said(what: str, between: int) -> str:
    if not between:
        return f"by the same {what} as the song before: no others are left".replace(
            "by the same album", "of the same album"
        )
    songs = "1 song" if between == 1 else f"{between} songs"
    return f"the same {what} again after {songs}: no others are left"
