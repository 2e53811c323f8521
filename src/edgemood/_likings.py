"""The part of the library that knows what listeners like, and what they never want to hear again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgemood._database import Tables

#: Who listens unless told otherwise.
DEFAULT_LISTENER = "default"
#: Finds a listener by name, in SQL.
BY = "(SELECT id FROM listeners WHERE name = :listener)"


class Likings(Tables):
    """What `library.Library` tells of likes and bans. Of those of a song the last one holds."""

    def banned(self, listener: str = DEFAULT_LISTENER) -> NDArray[np.int64]:
        """Give the ids, ascending, of the songs that a listener banned, however long ago, and has not liked since."""
        return np.array(sorted(track_id for track_id, _ in self._hold("ban", listener)), np.int64)

    def liked(self, listener: str = DEFAULT_LISTENER) -> dict[int, float]:
        """Give the songs that a listener likes, and has not banned since, with when he said so last; newest first."""
        with self._making_sense():
            return {track_id: float(at) for track_id, at in self._hold("like", listener)}

    def take_back_likes(self, track_ids: Sequence[int], listener: str = DEFAULT_LISTENER) -> int:
        """Forget that a listener likes songs, and what he said of them before; give of how many. Bans hold.

        All of them or, where one does not exist, none (UnknownTrackError). It is on the disk when this returns.
        """
        with self._database.writing():
            contents = [self._require(track_id) for track_id in track_ids]
            liked = self.liked(listener)
            for track_id, content in zip(track_ids, contents, strict=True):
                if track_id in liked:
                    self._database.run(
                        f"""DELETE FROM events
                            WHERE listener_id = {BY} AND content = :content AND kind IN ('like', 'ban')""",
                        {"content": content, "listener": listener},
                    )
        return len(set(liked) & set(track_ids))

    def liking(self, track_id: int, listener: str = DEFAULT_LISTENER) -> str | None:
        """Tell what a listener said last of a song: ``"like"``, ``"ban"``, or None if neither."""
        rows = self._database.query(
            f"""SELECT kind FROM events WHERE listener_id = {BY} AND content = :content AND kind IN ('like', 'ban')
                ORDER BY at DESC, id DESC LIMIT 1""",
            {"content": self._require(track_id), "listener": listener},
        )
        return rows[0][0] if rows else None

    def _hold(self, kind: str, listener: str) -> list[tuple[int, float]]:
        """Give the songs of which a listener said this last, of likes and bans, with when; newest first."""
        return self._database.query(
            f"""SELECT t.id, e.at FROM (
                    SELECT content, kind, at,
                           row_number() OVER (PARTITION BY content ORDER BY at DESC, id DESC) AS place
                    FROM events WHERE listener_id = {BY} AND kind IN ('like', 'ban')) e
                JOIN tracks t ON t.content = e.content WHERE e.place = 1 AND e.kind = :kind
                ORDER BY e.at DESC, t.id""",
            {"listener": listener, "kind": kind},
        )
