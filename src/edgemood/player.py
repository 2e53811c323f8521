"""What edgemood asks of a music player: to be followed, queued to and annotated.

A player that edgemood can work with is one file of `edgemood.players` with one class that has these methods; nothing
else of edgemood knows what player it is. A player calls a song by its *URI* and a place of its queue by an *entry*;
edgemood knows songs by their paths. The class translates between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

PLAYING, PAUSED, STOPPED = "playing", "paused", "stopped"


@dataclass(frozen=True)
class Queued:
    """A place of the player's queue and the song there.

    entry: the player's name of the place, never used twice while the player runs; uri: what the player calls the song;
    path: where it lies on this machine, None for what is no file here (a radio station); duration_s: None where the
    player does not know.
    """

    entry: str
    uri: str
    path: str | None
    duration_s: float | None = None


@dataclass(frozen=True)
class State:
    """What a player does at one moment.

    Attributes
    ----------
    status : str
        PLAYING, PAUSED or STOPPED.
    song : Queued or None
        What is played or paused; of a player that was stopped, None.
    elapsed_s : float
        The place in the song, in seconds from its start.
    at : float
        When this was so, in seconds of `time.monotonic`.
    coming : sequence of Queued
        What is played next, in the order of the queue: the first of them at most (some tens).
    left : int
        How many songs are still to be played after the present one.
    shuffled : bool
        Whether the player picks from its queue by chance: the order of `coming` then says nothing.
    repeats : bool
        Whether the player begins its queue again at its end.

    """

    status: str
    song: Queued | None = None
    elapsed_s: float = 0.0
    at: float = 0.0
    coming: Sequence[Queued] = ()
    left: int = 0
    shuffled: bool = False
    repeats: bool = False


@dataclass(frozen=True)
class Annotation:
    """What edgemood tells a player about a song: notes by name, as the player's users search them."""

    path: str
    notes: Mapping[str, str] = field(default_factory=dict)


class Player(Protocol):
    """A music player. Every method may raise PlayerError where it cannot be reached; `connect` then begins anew."""

    #: For people: ``MPD at 127.0.0.1:6600``.
    name: str

    def connect(self) -> None:
        """Reach the player, again if need be."""

    def close(self) -> None:
        """Let go of the player; nothing happens where it was not reached."""

    def state(self) -> State:
        """Tell what it does now."""

    def follow(self, timeout_s: float) -> frozenset[str]:
        """Wait until something happens, for so long at most.

        Returns
        -------
        frozenset of str
            ``"state"``: it plays another song, another part of it or not at all, or its queue has changed; ``"songs"``:
            the songs that it knows have changed. Empty where nothing happened. What edgemood itself did may be in it.

        """

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        """Append songs to the queue; None for a song that the player does not know."""

    def unqueue(self, entries: Sequence[str]) -> None:
        """Take entries out of the queue; those that are not there any more, or are played now, are passed over."""

    def annotate(self, songs: Iterable[Annotation]) -> int:
        """Write notes about songs, only where they differ from what is there; give how many songs were written.

        Songs that the player does not know are passed over. Takes the songs a few at a time.
        """

    def folders(self) -> list[str]:
        """List the folders on this machine where its songs lie; empty where the player does not tell."""
