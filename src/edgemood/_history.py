"""The part of the library that listeners write: what they played, skipped, liked and banned, and moods set by hand."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from edgemood._likings import BY, DEFAULT_LISTENER, Likings
from edgemood._sums import Sums
from edgemood.domain import EVENTS, Event, Play
from edgemood.errors import ConfigError, LibraryError

_AHEAD_S = 86_400.0  # by how much a time may lie ahead of the clock
_PLAUSIBLE = 1_750_000_000.0  # seconds since the epoch: a clock before that was never set
_LONGEST_NAME = 100  # characters of a listener or label
_NEAR_S = 0.001  # times are told to the millisecond


class History(Sums, Likings):
    """What `library.Library` offers to listeners. All of it is on the disk when a method returns."""

    def add_play(
        self, track_id: int, at: float | None = None, listener: str = DEFAULT_LISTENER, offered: bool = False
    ) -> Play:
        """Note that a song was played; see `add_plays`."""
        (play,) = self.add_plays([track_id], at, listener, offered)
        return play

    def add_plays(
        self,
        track_ids: Sequence[int],
        at: float | None = None,
        listener: str = DEFAULT_LISTENER,
        offered: bool = False,
    ) -> list[Play]:
        """Note that songs were played, in this order: all of them or, where one cannot be noted, none.

        Parameters
        ----------
        track_ids
            The songs.
        at
            When, in seconds since the epoch, not more than a day ahead of the clock; now if None, and then never before
            anything that this listener did earlier, whatever a clock without a battery says.
        listener
            Who played them; a new name is a new listener.
        offered
            Whether edgemood had chosen them, and nobody picked them: they say less of the mood then.

        Raises
        ------
        UnknownTrackError
            There is no such song.
        ConfigError
            `listener` is no name.
        LibraryError
            `at` is not a finite number, or the plays could not be written.

        """
        with self._noting(at, listener) as (by, when):
            for content in [self._require(track_id) for track_id in track_ids]:
                sql = "INSERT INTO plays (content, at, listener_id, offered) VALUES (?, ?, ?, ?)"
                self._bound(self._database.run(sql, (content, when, by, bool(offered))).lastrowid or 0)
        return [Play(track_id, when, bool(offered)) for track_id in track_ids]

    def add_event(  # noqa: PLR0913, PLR0917
        self,
        track_id: int,
        kind: str,
        at: float | None = None,
        heard: float | None = None,
        listener: str = DEFAULT_LISTENER,
        offered: bool = False,
    ) -> Event:
        """Note what a listener did about a song.

        Parameters
        ----------
        track_id
            The song.
        kind
            One of `domain.EVENTS`; ``"play"`` is what `add_play` notes.
        at, listener, offered
            As for `add_plays`.
        heard
            The share of the song that was heard before a skip, in [0, 1]; None: not known. Of plays it is not kept.

        Raises
        ------
        ConfigError
            There is no such kind, or no such share.
        UnknownTrackError, LibraryError
            As for `add_plays`.

        """
        try:
            Event(track_id, kind, 0.0, heard)
        except (TypeError, ValueError) as error:
            raise ConfigError(str(error)) from error
        if kind == EVENTS[0]:
            return Event(track_id, kind, self.add_play(track_id, at, listener, offered).at, offered=bool(offered))
        with self._noting(at, listener) as (by, when):
            row = self._database.run(
                "INSERT INTO events (listener_id, content, kind, at, heard, offered) VALUES (?, ?, ?, ?, ?, ?)",
                (by, self._require(track_id), kind, when, heard, bool(offered)),
            ).lastrowid
            self._bound(row or 0)
        return Event(track_id, kind, when, heard, bool(offered))

    def events(self, listener: str = DEFAULT_LISTENER, limit: int = 500, kinds: Sequence[str] = EVENTS) -> list[Event]:
        """Give the last things of these kinds that a listener did, newest first; none of an unknown listener.

        Of one moment, what was done about songs counts as later than plays.
        """
        if limit < 1:
            raise LibraryError(f"the number of events has to be at least 1, not {limit}")
        rows = self._database.query(
            f"""SELECT track_id, kind, at, heard, offered FROM (
                    SELECT * FROM (
                        SELECT t.id AS track_id, 'play' AS kind, p.at AS at, NULL AS heard, 0 AS rank, p.id AS id,
                               p.offered
                        FROM plays p CROSS JOIN tracks t ON t.content = p.content
                        WHERE p.listener_id = {BY} AND :plays ORDER BY p.at DESC, p.id DESC LIMIT :limit)
                    UNION ALL SELECT * FROM (
                        SELECT t.id, e.kind, e.at, e.heard, 1, e.id, e.offered
                        FROM events e CROSS JOIN tracks t ON t.content = e.content
                        WHERE e.listener_id = {BY} AND instr(:kinds, e.kind)
                        ORDER BY e.at DESC, e.id DESC LIMIT :limit))
                ORDER BY at DESC, rank DESC, id DESC LIMIT :limit""",
            {"listener": listener, "limit": limit, "plays": EVENTS[0] in kinds, "kinds": " ".join(kinds)},
        )
        with self._making_sense():
            return [Event(song, kind, float(at), heard, bool(offered)) for song, kind, at, heard, offered in rows]

    def heard_since(self, at: float, listener: str = DEFAULT_LISTENER) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs that a listener played or skipped at `at` or later."""
        rows = self._database.query(
            f"""SELECT t.id FROM (
                    SELECT content FROM plays WHERE listener_id = {BY} AND at >= :at UNION
                    SELECT content FROM events WHERE listener_id = {BY} AND at >= :at AND kind = 'skip') h
                CROSS JOIN tracks t ON t.content = h.content ORDER BY t.id""",
            {"listener": listener, "at": at},
        )
        return np.array([row[0] for row in rows], np.int64)

    def take_back(self, track_id: int, kind: str, at: float, listener: str = DEFAULT_LISTENER) -> bool:
        """Forget one thing that a listener did about a song, as if he had not; False where he did no such thing.

        Parameters
        ----------
        track_id, kind
            The song, and one of `domain.EVENTS`.
        at
            When, in seconds since the epoch, to the millisecond.
        listener
            Who did it.

        Raises
        ------
        UnknownTrackError
            There is no such song.
        ConfigError
            There is no such kind.
        LibraryError
            It could not be written.

        """
        if kind not in EVENTS:
            raise ConfigError(f"{kind!r} is nothing that can be done about a song: {', '.join(EVENTS)}")
        table = "plays" if kind == EVENTS[0] else "events"
        kinds = "" if kind == EVENTS[0] else "AND kind = :kind"
        with self._database.writing():
            values = {"content": self._require(track_id), "kind": kind, "at": at, "listener": listener, "near": _NEAR_S}
            return bool(
                self._database.run(
                    f"""DELETE FROM {table} WHERE id = (
                            SELECT id FROM {table} WHERE listener_id = {BY} AND content = :content {kinds}
                                AND at BETWEEN :at - :near AND :at + :near ORDER BY abs(at - :at), id DESC LIMIT 1)""",
                    values,
                ).rowcount
            )

    def listeners(self) -> list[str]:
        """List the names of all listeners, in the order in which they came."""
        return [name for (name,) in self._database.query("SELECT name FROM listeners ORDER BY id")]

    def forget(self, listener: str = DEFAULT_LISTENER) -> int:
        """Remove all that a listener did, and give how many plays and events that were; 0 of an unknown listener.

        Those of which only the sums were kept are counted.

        Moods set by hand stay: they are about songs. What is removed is overwritten in the file.
        """
        self._database.require_writable()
        self._database.query("PRAGMA secure_delete = ON")
        with self._database.writing():
            values = {"listener": listener}
            ((removed,),) = self._database.query(
                f"SELECT coalesce(sum(plays + skips), 0) FROM sums WHERE listener_id = {BY}", values
            )
            self._database.run(f"DELETE FROM sums WHERE listener_id = {BY}", values)
            removed += sum(
                self._database.run(f"DELETE FROM {table} WHERE listener_id = {BY}", values).rowcount
                for table in ("plays", "events")
            )
            self._database.run("DELETE FROM listeners WHERE name = :listener AND id != 1", values)
        self._database.query("PRAGMA wal_checkpoint(TRUNCATE)")  # where nobody reads it; else it is overwritten later
        return int(removed)

    # ------------------------------------------------------------------------------------------------- moods by hand

    def set_label(self, track_id: int, label: str | None) -> None:
        """Set the mood of a song by hand, or, with None, leave it to the models again.

        It holds whatever models say of the song later, and comes back with a song that was away.

        Raises
        ------
        UnknownTrackError
            There is no such song.
        ConfigError
            `label` is no name.

        """
        if label is not None:
            require_name(label, "a mood")
        with self._changing_songs():
            content = self._require(track_id)
            if label is None:
                self._database.run("DELETE FROM labels WHERE content = ?", (content,))
            else:
                self._database.run("INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", (content, label, time.time()))

    # ---------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _noting(self, at: float | None, listener: str) -> Iterator[tuple[int, float]]:
        """Make a transaction and give who acts in it, and when."""
        require_name(listener, "a listener")
        if at is not None and not (isinstance(at, Real) and math.isfinite(at)):
            raise LibraryError(f"{at} is no time at which a song can be played")
        if at is not None and at > max(time.time(), _PLAUSIBLE) + _AHEAD_S:
            raise LibraryError(f"{at} s after the epoch lies ahead of the clock: a song cannot have been played then")
        with self._database.writing():
            by = self._listener_id(listener)
            yield by, float(self._now(by) if at is None else at)

    def _listener_id(self, name: str) -> int:
        find = "SELECT id FROM listeners WHERE name = ?"
        rows = self._database.query(find, (name,))
        if not rows:
            self._database.run("INSERT INTO listeners (name) VALUES (?)", (name,))
            rows = self._database.query(find, (name,))
        return int(rows[0][0])

    def _now(self, by: int) -> float:
        """Tell the time, but always later than what a listener did last: a clock may be set back, or not be set."""
        now = time.time()
        last = self._last(by)
        if now > _PLAUSIBLE and last > now + _AHEAD_S:
            self._date_back(by, now, last)
            last = self._last(by)
        return max(now, math.nextafter(last, math.inf))

    def _last(self, by: int, until: float = math.inf) -> float:
        """Tell when a listener did something last, up to some moment; long ago where he did nothing."""
        ((last,),) = self._database.query(
            """SELECT max(coalesce((SELECT max(at) FROM plays WHERE listener_id = :by AND at <= :until), 0),
                          coalesce((SELECT max(at) FROM events WHERE listener_id = :by AND at <= :until), 0))""",
            {"by": by, "until": until},
        )
        return float(last)

    def _date_back(self, by: int, now: float, last: float) -> None:
        """Bring back to `now` what lies far ahead of the clock: it was noted while that was wrong.

        Left there, it would be what the listener did last for years. Order and distances are kept.
        """
        values = {"by": by, "ahead": now + _AHEAD_S}
        rows = self._database.query(
            """SELECT 'plays', id, at, 0 AS rank FROM plays WHERE listener_id = :by AND at > :ahead UNION ALL
               SELECT 'events', id, at, 1 FROM events WHERE listener_id = :by AND at > :ahead ORDER BY at, rank, id""",
            values,
        )
        before = self._last(by, values["ahead"])
        for table, key, at, _ in rows:
            before = max(at - (last - now), math.nextafter(before, math.inf))
            self._database.run(f"UPDATE {table} SET at = ? WHERE id = ?", (before, key))


def require_name(name: str, what: str) -> None:
    """Raise ConfigError unless `name` can be one."""
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"{name!r} is no name of {what}: 1 to {_LONGEST_NAME} printable characters, please")
