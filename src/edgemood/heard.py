"""From what a player does to what was heard: plays and skips. Pure: no I/O, no clock.

A song was played when it came to its end, or when at least half of it or four minutes of it were heard, whichever is
less. That is the rule of Last.fm ("Scrobbling 2.0", when is a scrobble a scrobble) and of ListenBrainz, and players
and their statistics have agreed on it since Audioscrobbler. (Theirs leaves out songs below 30 s; ours does not.) A
play is known at the moment when enough was heard, not only at the song's end: nothing is lost by what comes after.

A song was skipped when another one took its place before that. What was heard is counted by time, not by the place in
the song: what a listener jumps over he has not heard, and a pause is no listening. Stopping the player is no skip.
Nothing is claimed that was not seen and does not follow: see `Listening.lost`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from edgemood.errors import ConfigError
from edgemood.player import PAUSED, PLAYING, STOPPED, Queued, State

#: So much of a song has to be heard, of one whose length is not known always the latter.
SHARE, LONG_ENOUGH_S = 0.5, 240.0

_END_S = 15.0  # as early as this before its length a song may end: crossfading, tags that are wrong
_BACK_S = 3.0  # places of a player that differ by less than this are the same
_START_S = 5.0  # so near to its start a song begins
_FLICKED_S = 1.0  # heard for less than this: passed over, or it could not be played
_FIT_S = 3.0  # so well the time that has passed has to fit the songs that are said to have been played in it
_KEPT = 3  # songs to come that are remembered across a restart
_VERSION = 1


@dataclass(frozen=True)
class Heard:
    """A song that was played or skipped.

    kind: "play" or "skip"; share: of a skip, how much of it was heard, in [0, 1]; at: when that was clear, in seconds
    of the clock of `State.at`; offered: edgemood had queued it (who keeps the queue says so).
    """

    song: Queued
    kind: str
    at: float
    share: float | None = None
    offered: bool = False


class Listening:
    """Follows a player from state to state."""

    def __init__(self) -> None:
        self._song: Queued | None = None
        self._status = STOPPED
        self._place_s = 0.0  # in the song, when last looked
        self._at: float | None = None  # when that was; None: not known
        self._coming: Sequence[Queued] = ()
        self._heard_s = 0.0
        self._counted = False
        self._blind = True

    @property
    def song(self) -> Queued | None:
        """The song that is being heard, or was when the player was stopped in its middle."""
        return self._song

    @property
    def due_s(self) -> float | None:
        """After how many seconds of the last state the song counts as played; None where it does not come to that."""
        if self._song is None or self._counted or self._status != PLAYING:
            return None
        return max(0.0, _enough_s(self._song) - self._heard_s)

    def look(self, state: State) -> list[Heard]:
        """Tell what was played and skipped up to this state of the player, in order.

        A state is to be looked at whenever the player does something else, or after `due_s`.
        """
        events: list[Heard] = []
        if self._song is not None and self._goes_on(state):
            self._heard_s += self._listened(state)
            self._song = state.song  # its entry may have a new name
        elif self._song is not None:
            events = self._ended(state)
        if state.song is not None and self._song is None:
            self._song, self._counted = state.song, False
            # Where nobody saw it begin, the place in it is all that is known.
            seen = not self._blind and self._status != STOPPED
            self._heard_s = min(state.elapsed_s, self._passed(state)) if seen else state.elapsed_s
        self._remember(state)
        if self._song is not None and not self._counted and self._heard_s >= _enough_s(self._song):
            self._counted = True
            events.append(Heard(self._song, "play", state.at))
        return events

    def lost(self) -> None:
        """Let it know that the player could not be watched until the next state.

        Of songs that were played meanwhile only those are told that were to come, and whose lengths fill the time to
        within seconds; a song that was then cut short was not skipped for all we know.
        """
        self._blind = True

    def counted(self) -> None:
        """Let it know that the present song has been told already."""
        self._counted = True

    def taken_back(self, entries: Collection[str]) -> None:
        """Let it know which entries were taken out of the queue since the last state."""
        self._coming = [song for song in self._coming if song.entry not in entries]

    def dump(self, boot: str) -> str:
        """Give all that is known as text, to be loaded by a program that goes on; `boot`: see `load`."""
        known = {
            "version": _VERSION,
            "boot": boot,
            "song": asdict(self._song) if self._song else None,
            "coming": [asdict(song) for song in self._coming[:_KEPT]],
            "status": self._status,
            "place_s": round(self._place_s, 3),
            "at": self._at if self._at is None else round(self._at, 3),
            "heard_s": round(self._heard_s, 3),
            "counted": self._counted,
        }
        return json.dumps(known)

    @classmethod
    def load(cls, text: str, boot: str) -> Listening:
        """Make it again from what `dump` gave; the time since then was not watched.

        Parameters
        ----------
        text
            What `dump` gave.
        boot
            What names the run of the clock of `State.at`: if it is not the one of `dump`, that clock began anew. Empty
            where nobody can tell.

        Raises
        ------
        ConfigError
            The text is not from here.

        """
        made = cls()
        try:
            known = json.loads(text)
            if known["version"] != _VERSION:
                raise ValueError(f"version {known['version']}")
            made._song = Queued(**known["song"]) if known["song"] else None
            made._coming = [Queued(**song) for song in known["coming"]]
            made._status = {PLAYING: PLAYING, PAUSED: PAUSED}.get(known["status"], STOPPED)
            made._place_s, made._heard_s = float(known["place_s"]), float(known["heard_s"])
            made._at = float(known["at"]) if known["boot"] == boot != "" and known["at"] is not None else None
            made._counted = bool(known["counted"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"what was noted of the player cannot be read: {error}") from error
        return made

    # ---------------------------------------------------------------------------------------------------------------

    def _remember(self, state: State) -> None:
        if state.song is not None:
            self._place_s = state.elapsed_s
        self._status, self._at, self._blind = state.status, state.at, False
        self._coming = () if state.shuffled else state.coming

    def _passed(self, state: State) -> float:
        """Seconds since the last state; 0 where nobody knows."""
        return 0.0 if self._at is None else max(0.0, state.at - self._at)

    def _listened(self, state: State) -> float:
        """For how long the song that goes on was heard since the last state."""
        if self._status != PLAYING:
            return 0.0
        passed = self._passed(state)
        return min(passed, max(0.0, state.elapsed_s - self._place_s)) if self._blind else passed

    def _goes_on(self, state: State) -> bool:
        """Whether the state is of the same hearing of the same song."""
        song, known = state.song, self._song
        if song is None or known is None or song.uri != known.uri:
            return False
        if self._status == STOPPED:  # a player that was started again goes on where it was, one that was stopped anew
            return state.elapsed_s >= max(self._place_s - _BACK_S, _START_S)
        if self._blind:  # entries may have got new names; a player that died goes on where it last noted its place
            return state.elapsed_s >= min(self._place_s - _BACK_S, _START_S)
        return song.entry == known.entry and not self._began_again(state, known)

    def _began_again(self, state: State, song: Queued) -> bool:
        """Whether a song that is still on is being heard anew."""
        should_be = self._place_s + (self._passed(state) if self._status == PLAYING else 0.0)
        if state.elapsed_s >= should_be - _BACK_S:
            return False
        if self._status == PLAYING and should_be - state.elapsed_s >= _length_s(song) - _grace_s(song):
            return True  # it came to its end and repeats
        return self._counted and state.elapsed_s <= _START_S  # somebody went back to hear it once more

    def _ended(self, state: State) -> list[Heard]:
        """Tell how the song ended that is not being heard any more."""
        song, left_s = self._song, max(0.0, _length_s(self._song) - self._place_s)
        assert song is not None
        new_s = state.elapsed_s if state.song else 0.0
        ran_s = self._passed(state) if self._status == PLAYING else 0.0
        if new_s <= ran_s:
            ran_s -= new_s
        between = self._between(state, ran_s, left_s)
        watched = not self._blind and self._status == PLAYING
        to_its_end = between is not None or (watched and ran_s >= left_s - _grace_s(song))
        if watched:
            self._heard_s += min(ran_s, left_s)
        ended_at = state.at if self._at is None else min(self._at + min(ran_s, left_s), state.at)
        events = self._verdict(state, ended_at, to_its_end)
        for other in between or ():
            ended_at += _length_s(other)
            events.append(Heard(other, "play", min(ended_at, state.at)))
        if state.song is not None or to_its_end:
            self._song = None
        else:
            self._place_s += min(ran_s, left_s)  # stopped: it may go on
        return events

    def _verdict(self, state: State, at: float, to_its_end: bool) -> list[Heard]:
        song = self._song
        if song is None or self._counted:
            return []
        if to_its_end or self._heard_s >= _enough_s(song):
            return [Heard(song, "play", at)]
        length_s, cut = _length_s(song), state.song is not None and self._status != STOPPED and not self._blind
        if cut and self._heard_s >= _FLICKED_S and math.isfinite(length_s):
            return [Heard(song, "skip", at, min(1.0, self._heard_s / length_s))]
        return []

    def _between(self, state: State, ran_s: float, left_s: float) -> Sequence[Queued] | None:
        """Songs that must have been played to their ends between the known song and the state's, both not counted.

        None where the time does not fit; an empty one where the known song ended and the state's is the next.
        """
        now, shortest_s = state.song, _length_s(self._song)
        if now is None or self._status != PLAYING:
            return None
        for number, song in enumerate(self._coming):
            misfit = abs(ran_s - left_s)
            if song.uri == now.uri and (self._blind or song.entry == now.entry):
                fits = misfit <= min(_FIT_S * (number + 1), shortest_s / 2)
                return self._coming[:number] if fits else None
            left_s += _length_s(song)
            shortest_s = min(shortest_s, _length_s(song))
        return None


def _length_s(song: Queued | None) -> float:
    """How long it is; infinite where nobody knows."""
    return song.duration_s if song and song.duration_s and song.duration_s > 0 else math.inf


def _grace_s(song: Queued) -> float:
    """How much earlier than its length it may end."""
    return min(_END_S, _length_s(song) / 4)


def _enough_s(song: Queued) -> float:
    """So long it has to be heard to count as played."""
    return min(SHARE * _length_s(song), LONG_ENOUGH_S)
