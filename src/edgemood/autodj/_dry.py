"""A player to whom nothing is done: for ``--dry-run``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from edgemood.player import Annotation, Player, Queued, State


class DryPlayer:
    """Tells what another player does, with the songs in its queue that would have been queued."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._queued: list[Queued] = []
        self._taken: set[str] = set()
        self._count = 0
        self.name = player.name

    def connect(self) -> None:
        """Reach the player."""
        self._player.connect()

    def close(self) -> None:
        """Let go of the player."""
        self._player.close()

    def state(self) -> State:
        """Tell what it does, as if songs had been queued."""
        state = self._player.state()
        coming = [song for song in state.coming if song.entry not in self._taken]
        left = state.left - (len(state.coming) - len(coming)) + len(self._queued)
        return replace(state, coming=(*coming, *self._queued), left=left)

    def follow(self, timeout_s: float) -> frozenset[str]:
        """Wait until something happens."""
        return self._player.follow(timeout_s)

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        """Queue songs in thought."""
        songs = [Queued(f"dry-run {self._count + number}", path, path) for number, path in enumerate(paths)]
        self._count += len(songs)
        self._queued += songs
        return list(songs)

    def unqueue(self, entries: Sequence[str]) -> None:
        """Take songs back in thought."""
        self._queued = [song for song in self._queued if song.entry not in entries]
        self._taken |= set(entries)

    def annotate(self, songs: Iterable[Annotation]) -> int:
        """Count songs that there are notes about."""
        return sum(1 for _ in songs)

    def folders(self) -> list[str]:
        """List the folders where its songs lie."""
        return self._player.folders()
