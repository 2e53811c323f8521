"""The part of the library that takes in what a listener heard elsewhere, long ago and out of order."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edgemood._history import History
from edgemood._likings import DEFAULT_LISTENER

_AT_A_TIME = 500  # rows in one transaction: others wait meanwhile
_SLACK_S = 60.0  # by which a song's end may come later than its length: pauses


class Heard(NamedTuple):
    """A listening: when it began (seconds since the epoch), the song, and whether it was skipped."""

    at: float
    track_id: int
    skipped: bool = False


class Imported(History):
    """What `library.Library` offers to an import."""

    def songs_to_match(self) -> Iterator[tuple[int, str, str, str, float]]:
        """Yield id, artist, title, album and duration (s) of all songs that have a title, one by one."""
        yield from self._database.each(
            "SELECT id, artist, title, album, duration_s FROM tracks WHERE title != '' ORDER BY id"
        )

    def add_heard(self, heard: Sequence[Heard], listener: str = DEFAULT_LISTENER) -> Counter[str]:
        """Note the listenings that are not known yet, the oldest first, some hundreds in a transaction.

        What was imported before is known by its time; what edgemood noted itself, when the song ended, by lying within
        the song's length of its begin; what two programs tell of one listening, by lying close together. Where a
        history is full, what lies before the oldest that is kept one by one is passed over: it may have been counted.
        So the same again adds nothing, also where an import was killed.

        Returns
        -------
        Counter
            How many were ``plays`` and ``skips`` that are now noted, ``known`` or ``old`` (passed over).

        """
        count: Counter[str] = Counter()
        with self._noting(0.0, listener) as (by, _):
            known = {False: self._times(by, "plays", "1"), True: self._times(by, "events", "kind = 'skip'")}
            oldest = {False: self._oldest(by, "plays", known[False]), True: self._oldest(by, "skips", known[True])}
        wanted = {one.track_id for one in heard}
        rows = self._database.each("SELECT id, content, duration_s FROM tracks")
        songs = {row[0]: row[1:] for row in rows if row[0] in wanted}
        begins: dict[tuple[int, bool], list[float]] = {}
        for one in sorted(heard):
            begins.setdefault((one.track_id, one.skipped), []).append(one.at)
        new: list[tuple[float, bytes, bool]] = []
        for (track_id, skipped), told in begins.items():
            content, duration_s = songs.get(track_id, (None, 0.0))
            unknown = _unknown(told, known[skipped].get(content, ()), duration_s) if content is not None else []
            kept = [at for at in unknown if at >= oldest[skipped]]
            count["known"] += len(told) - len(unknown)
            count["old"] += len(unknown) - len(kept)
            count["skips" if skipped else "plays"] += len(kept)
            new += [(at, content, skipped) for at in kept]
        new.sort()
        for start in range(0, len(new), _AT_A_TIME):
            with self._database.writing():
                for row in new[start : start + _AT_A_TIME]:
                    self._add(by, *row)
        return count

    def _add(self, by: int, at: float, content: bytes, skipped: bool) -> None:
        table, kind = ("events", ", 'skip'") if skipped else ("plays", "")
        columns = "listener_id, content, at" + (", kind" if skipped else "")
        sql = f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?{kind})"
        self._bound(self._database.run(sql, (by, content, at)).lastrowid or 0)

    def _times(self, by: int, table: str, which: str) -> dict[bytes, list[float]]:
        """Give the times, ascending, of each content's rows."""
        times: dict[bytes, list[float]] = {}
        for content, at in self._database.query(
            f"SELECT content, at FROM {table} WHERE listener_id = ? AND {which} ORDER BY at", (by,)
        ):
            times.setdefault(content, []).append(at)
        return times

    def _oldest(self, by: int, column: str, times: dict[bytes, list[float]]) -> float:
        """Since when everything is kept one by one; for ever where nothing was folded into sums."""
        ((folded,),) = self._database.query(f"SELECT coalesce(sum({column}), 0) FROM sums WHERE listener_id = ?", (by,))
        return min((of_song[0] for of_song in times.values()), default=math.inf) if folded else -math.inf


def _unknown(begins: Sequence[float], times: Sequence[float], duration_s: float) -> list[float]:
    """Give the listenings to one song that are not noted yet, by when they began; all times ascend.

    Nobody plays a song twice within half its length, so what begins closer together is one listening, told by two
    programs. It is noted where one of `times` is its begin, or else lies near it or near its end. There every one of
    `times` stands for one listening only: a song played again as soon as it has ended begins where the first one ends.
    """
    apart_s = max(duration_s / 2 - 1e-3, 0.0)
    listenings: list[list[float]] = []
    for began in begins:
        if listenings and began - listenings[-1][0] <= apart_s:
            listenings[-1].append(began)
        else:
            listenings.append([began])
    exact = set(times).intersection(begins)
    left = deque(at for at in times if at not in exact)
    unknown = []
    for told in listenings:
        if not exact.isdisjoint(told):
            continue
        while left and left[0] < told[0] - apart_s:
            left.popleft()
        if left and left[0] <= told[0] + duration_s + _SLACK_S:
            left.popleft()
        else:
            unknown.append(told[0])
    return unknown
