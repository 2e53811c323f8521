"""What `edgemood._greedy` does, in plain Python and NumPy: slow, short, and the same to the bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F4 = np.float32
ONE = F4(1)


def dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> np.float32:
    """Eight partial sums, then added by halves; all in float32."""
    lanes = np.zeros(8, F4)
    for x, y in zip(a.reshape(-1, 8), b.reshape(-1, 8), strict=True):
        lanes = lanes + x * y
    four = lanes[:4] + lanes[4:]
    return F4((four[0] + four[2]) + (four[1] + four[3]))


def filled(values: NDArray[Any], multiple: int) -> NDArray[np.float32]:
    width = -(-len(values) // multiple) * multiple
    return np.concatenate([values.astype(F4), np.zeros(width - len(values), F4)])


def inverse(row: int, vectors: NDArray[np.int8], scale: NDArray[np.float32], middle: NDArray[np.float32]) -> np.float32:
    """One through the distance of a vector from the middle."""
    seen = filled(vectors[row].astype(F4) * scale - middle, 8)
    length = np.sqrt(dot(seen, seen))
    return ONE / length if length > F4(1e-12) else F4(0)


def near(row: int, arrays: dict[str, Any]) -> list[np.float32]:
    """How near one song is to each target; `arrays` as `Scorer` takes them."""
    own, vector = arrays["scores"][row].tolist(), arrays["vectors"][row].tolist()
    label = own.index(max(own))
    found = []
    for direction, (weight, unit, taken_off), shares, of_labels in zip(
        arrays["directions"], arrays["terms"], arrays["shares"], arrays["of_labels"], strict=True
    ):
        if arrays["labelled"][row] and of_labels[label] <= 1:
            cosine = of_labels[label]
        else:
            product = sum(a * b for a, b in zip(vector, direction.tolist(), strict=True))
            cosine = (F4(product) * unit - taken_off) * arrays["inverse"][row]
        common = sum(min(share * 128, other) for share, other in zip(own, shares.tolist(), strict=True))
        shared = min(F4(common) * F4(2 / (255 * 128)) - ONE, ONE)
        total = weight * np.clip(cosine, -ONE, ONE) + (ONE - weight) * shared
        found.append(F4(np.clip(total, -ONE, ONE)))
    return found


def best(
    arrays: dict[str, Any], skip: NDArray[np.uint8], offsets: NDArray[np.float32] | None, size: int
) -> NDArray[np.int64]:
    rows = [row for row in range(len(skip)) if not skip[row]]
    kept: set[int] = set()
    scored = {row: near(row, arrays) for row in rows}
    for target in range(len(arrays["terms"])):
        value = {row: scored[row][target] + (F4(0) if offsets is None else offsets[row]) for row in rows}
        kept.update(sorted(rows, key=lambda row: (-value[row], row))[:size])
    return np.array(sorted(kept), np.int64)


def overlap(p: NDArray[np.uint8], q: NDArray[np.uint8]) -> float:
    return int(np.minimum(p, q).sum(dtype=int)) * 2 / 255.0 - 1


class Rule:
    """Between two songs of one key lie at least `gap` others."""

    def __init__(self, keys: NDArray[np.int32], last: NDArray[np.int64], gap: int) -> None:
        self.keys, self.last, self.gap = keys.tolist(), dict(enumerate(last.tolist())), gap
        self.left = Counter(self.keys)

    def short(self, song: int, now: int) -> int:
        key = self.keys[song]
        return 0 if key < 0 else max(0, self.gap - (now - self.last[key] - 1))

    def take(self, song: int, now: int) -> None:
        key = self.keys[song]
        self.left[key] -= 1
        if key >= 0:
            self.last[key] = now

    def run(self, now: int, limit: int, first: int | None = None) -> int:
        """How many songs can follow, the first of them of the key `first`, before the rule breaks."""
        if not self.gap:
            return limit
        left, last = Counter(self.left), dict(self.last)
        for time in range(now, now + limit):
            ready = [key for key, count in left.items() if key >= 0 and count > 0 and time - last[key] > self.gap]
            if time == now and first is not None:
                key = first
            elif ready:
                key = max(ready, key=lambda one: (left[one], -one))
            elif left[-1] > 0:
                key = -1
            else:
                return time - now
            left[key] -= 1
            last[key] = time
        return limit


def pick(  # noqa: PLR0917
    near: NDArray[np.float32],
    steps: NDArray[np.int32],
    units: NDArray[np.float32],
    scores: NDArray[np.uint8],
    head: NDArray[np.uint8],
    tail: NDArray[np.uint8],
    before: NDArray[np.uint8] | None,
    artists: tuple[NDArray[np.int32], NDArray[np.int64], int],
    albums: tuple[NDArray[np.int32], NDArray[np.int64], int],
    variety: float,
    smoothness: float,
) -> tuple[list[int], list[list[int]]]:
    by_artist, by_album = Rule(*artists), Rule(*albums)
    count = min(len(steps), len(units))
    order: list[int] = []
    missing = []
    for now in range(count):
        worth = {}
        for song in range(len(units)):
            if song in order:
                continue
            value = (1 - variety) * float(near[steps[now], song])
            if order and variety > 0:
                value -= variety * max(like(units, scores, song, other) for other in order)
            if before is not None and smoothness > 0:
                value = (1 - smoothness) * value + smoothness * overlap(before, head[song])
            worth[song] = value
        song = choose(worth, by_artist, by_album, now, count - now)
        missing.append([by_artist.short(song, now), by_album.short(song, now)])
        by_artist.take(song, now)
        by_album.take(song, now)
        order.append(song)
        before = tail[song]
    return order, missing


def like(units: NDArray[np.float32], scores: NDArray[np.uint8], song: int, other: int) -> float:
    return (float(dot(units[song], units[other])) + overlap(scores[song], scores[other])) / 2


def choose(worth: dict[int, float], by_artist: Rule, by_album: Rule, now: int, left: int) -> int:
    order = sorted(worth, key=lambda song: (by_artist.short(song, now), by_album.short(song, now), -worth[song], song))
    artists, albums = by_artist.run(now, left), by_album.run(now, left)

    def lasts(rule: Rule, song: int, run: int) -> bool:
        return rule.run(now, left, rule.keys[song]) >= run

    whole = [song for song in order if not by_artist.short(song, now) and lasts(by_artist, song, artists)]
    sound = [song for song in whole if not by_album.short(song, now)]
    for choices in ([song for song in sound if lasts(by_album, song, albums)], sound, whole, order):
        if choices:
            return choices[0]
    raise AssertionError("no songs")


def padded(rows: Sequence[NDArray[Any]], multiple: int) -> NDArray[np.float32]:
    return np.stack([filled(np.asarray(row), multiple) for row in rows])
