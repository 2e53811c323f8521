"""What keeps a history bounded: of what lies far back, only how often each song was played and skipped is kept.

The mood is read from the last ten songs, the taste learned from the last five hundred events, and songs are told apart
that were heard in the last hours or longest ago: none of that needs single plays of years ago. A speaker that plays all
day long adds 100,000 of them in a year.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemood._database import Tables

#: How many plays of a listener are kept one by one, and how many skips; older ones are counted.
KEPT = 20_000

_EVERY = 512  # rows written between two looks at how many there are


@dataclass(frozen=True)
class Counts:
    """How often a listener played and skipped a song, and when it was played last (seconds since the epoch)."""

    plays: int
    skips: int
    last_play: float | None


class Sums(Tables):
    """The part of the library that counts."""

    def counts(self, listener: str) -> dict[int, Counts]:
        """Give what a listener did with each song of the library that was ever played or skipped, by its id."""
        rows = self._database.query(
            """WITH who AS (SELECT id FROM listeners WHERE name = ?),
               heard AS (SELECT content, 1 AS plays, 0 AS skips, at FROM plays WHERE listener_id = (SELECT id FROM who)
                   UNION ALL
                   SELECT content, 0, 1, NULL FROM events WHERE listener_id = (SELECT id FROM who) AND kind = 'skip'
                   UNION ALL
                   SELECT content, plays, skips, last_play FROM sums WHERE listener_id = (SELECT id FROM who))
               SELECT t.id, sum(plays), sum(skips), max(at) FROM heard JOIN tracks t USING (content) GROUP BY t.id""",
            (listener,),
        )
        return {track_id: Counts(*row) for track_id, *row in rows}

    def _bound(self, row: int) -> None:
        """Fold what is old, now and then: `row` is the id of the row written last. Only inside of a transaction."""
        if row % _EVERY:
            return
        for (listener,) in self._database.query("SELECT id FROM listeners"):
            self._fold(listener, "plays", "plays", "count(*), 0, max(at)", "1")
            self._fold(listener, "events", "skips", "0, count(*), NULL", "kind = 'skip'")
            self._drop_what_was_taken_back(listener)

    def _fold(self, listener: int, table: str, column: str, values: str, which: str) -> None:
        """Turn the oldest rows of a table into counts."""
        oldest = f"""SELECT id FROM {table} WHERE listener_id = :listener AND {which}
                     ORDER BY at DESC, id DESC LIMIT -1 OFFSET :kept"""
        bounds = {"listener": listener, "kept": KEPT}
        self._database.run(
            f"""INSERT INTO sums (listener_id, content, plays, skips, last_play)
                SELECT :listener, content, {values} FROM {table} WHERE id IN ({oldest}) GROUP BY content
                ON CONFLICT DO UPDATE SET {column} = {column} + excluded.{column},
                    last_play = coalesce(max(last_play, excluded.last_play), last_play, excluded.last_play)""",
            bounds,
        )
        self._database.run(f"DELETE FROM {table} WHERE id IN ({oldest})", bounds)

    def _drop_what_was_taken_back(self, listener: int) -> None:
        """Of likings and bans of a song that lie far back, keep the latest: it is the one that holds."""
        self._database.run(
            """DELETE FROM events WHERE id IN (
                   SELECT id FROM (
                       SELECT id, row_number() OVER (ORDER BY at DESC, id DESC) AS place,
                              row_number() OVER (PARTITION BY content ORDER BY at DESC, id DESC) AS of_song
                       FROM events WHERE listener_id = :listener AND kind IN ('like', 'ban'))
                   WHERE place > :kept AND of_song > 1)""",
            {"listener": listener, "kept": KEPT},
        )
