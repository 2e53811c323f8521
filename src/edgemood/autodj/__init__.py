"""The auto-DJ: follows a music player, notes what is heard, and keeps its queue filled with what suits the listener.

It knows no particular player (see `edgemood.player`) and no time but that of the clocks it is given. Nothing that goes
wrong ends it: a player that is gone is waited for, and what another part could not do is said once and tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from edgemood.autodj._diary import Diary
from edgemood.autodj._dry import DryPlayer
from edgemood.autodj._notes import SLICE, Notes
from edgemood.autodj._queue import Filler
from edgemood.autodj._say import Say, log
from edgemood.autodj._scans import Process, Scan, Scans, options
from edgemood.autodj.settings import Settings
from edgemood.engine import Engine
from edgemood.errors import EdgemoodError, PlayerError
from edgemood.player import Annotation, Player, State

__all__ = ["SLICE", "AutoDJ", "Scan", "Settings", "options"]

T = TypeVar("T")

LOOK_S = 60.0  # it looks at the player at least so often
DEAF_S = 0.2  # so long at most it writes notes between two looks at the player
BACKOFF_S = (1.0, 60.0)  # between attempts to reach the player, doubled from the one to the other
#: What to say where a part fails, before the reason, and when it works again.
_PARTS = {
    "heard": ("what is heard is kept in memory only", "what was heard can be noted again"),
    "length": ("songs' lengths are not known", ""),
    "resume": ("where it was last time is not known", "the library can be read now"),
    "events": ("skips and likes are not seen", "skips and likes are seen again"),
    "queue": ("nothing is queued", "songs can be queued again"),
    "note": ("where it is is not noted", "where it is is noted again"),
    "annotate": ("no notes are written", "notes are written again"),
    "scanning": ("nothing is scanned", "scanning goes on"),
}
_LATE_S = 0.05  # a song counts as played so much after it might: not a moment before


class StoppedError(BaseException):
    """Somebody wants the daemon to end. No Exception: no part of it is to catch it."""


class AutoDJ:
    """One player, one listener.

    Parameters
    ----------
    engine
        The library and who listens.
    player
        The player; it is connected to here.
    settings
        What a person set.
    start_scan
        Starts a scan of folders.
    dry
        Say what would be done, and do nothing.
    clock, wall, wait
        The monotonic clock that `player.State.at` is of; the clock on the wall; how to wait for some seconds.

    """

    def __init__(  # noqa: PLR0913
        self,
        engine: Engine,
        player: Player,
        settings: Settings,
        *,
        start_scan: Callable[[Sequence[str]], Process],
        dry: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine, self._settings, self._dry = engine, settings, dry
        self._player: Player = DryPlayer(player) if dry else player
        self._clock, self._wait = clock, wait
        self._say = Say()
        self._diary = Diary(engine, player.name, self._say, clock, wall, dry)
        self._filler = Filler(engine, self._player, settings, self._say, dry)
        self._notes = Notes(engine, settings)
        self._scans = Scans(engine, settings, self._say, clock, start_scan, dry)
        self._backoff_s = BACKOFF_S[0]
        self._reached = self._moved = False
        self._stopping = self._waiting = self._ending = False
        self._looked_at = 0.0
        self._noted, self._at_once = 0, 1

    def run(self) -> None:
        """Follow the player until `stop`."""
        self._scans.want(0.0)
        try:
            while True:
                self._persist()
        except StoppedError:
            log.info("ending")
        finally:
            self._end()

    def once(self) -> None:
        """Do one round and end: log what is known to be heard, top up the queue, write all notes. Nothing is scanned.

        Raises
        ------
        PlayerError
            The player cannot be reached.

        """
        try:
            self._reach()
            while self._notes.busy:
                self._annotate()
        except StoppedError:
            log.info("ending")
        finally:
            self._end()

    def stop(self) -> None:
        """End `run`: at once where it waits, else as soon as what it does is done. A signal's handler may call it."""
        again, self._stopping = self._stopping, True
        if (self._waiting or again) and not self._ending:
            raise StoppedError

    # ------------------------------------------------------------------------------------------------- the connection

    def _persist(self) -> None:
        """Follow the player as long as it can be reached; then wait for a while."""
        try:
            self._reach()
            while True:
                self._step()
        except PlayerError as error:
            self._say.once("player", "the player is waited for", str(error))
        except Exception:
            log.exception("%s: something unforeseen; connecting anew", self._player.name)
        self._reached = False
        self._diary.listening.lost()
        with suppress(Exception):
            self._player.close()
        self._part("scanning", self._tick_alone)
        with self._interruptibly():
            self._wait(self._backoff_s)
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_S[1])

    def _reach(self) -> None:
        with self._interruptibly():
            self._player.connect()
        self._look()
        self._backoff_s = BACKOFF_S[0]
        self._say.over("player", f"reached {self._player.name} again")

    @contextmanager
    def _interruptibly(self) -> Iterator[None]:
        """Let `stop` interrupt what is done inside."""
        self._waiting = True
        try:
            if self._stopping:  # looked at after the flag is set: no signal falls between the two
                raise StoppedError
            yield
        finally:
            self._waiting = False

    def _end(self) -> None:
        self._ending = True
        self._scans.end()
        if self._diary.waiting:
            self._part("heard", self._diary.write)  # the disk may just have come back
        self._part("note", self._diary.keep)
        if waiting := self._diary.waiting:
            log.warning("plays and skips that could not be noted: %d", waiting)
        with suppress(Exception):
            self._player.close()

    # ------------------------------------------------------------------------------------------------------- a round

    def _step(self) -> None:
        """Wait for something to happen, and do what is to be done about it."""
        if self._part("scanning", self._scans.tick, self._player.folders):
            self._songs_changed()
        busy = self._notes.busy
        if busy:
            self._annotate()
        patience = self._patience_s
        with self._interruptibly():
            news = self._player.follow(0.0 if busy else patience)
        if "songs" in news:
            log.debug("the player's songs have changed")
            self._scans.want()
            self._filler.songs_changed()
            self._notes.again()
        if "state" in news or self._patience_s <= 0 or not (busy or news):
            self._look()

    def _tick_alone(self) -> None:
        """See to a scan that runs while the player is away; none is begun then."""
        if self._scans.running and self._scans.tick(tuple):
            self._songs_changed()

    def _songs_changed(self) -> None:
        """Let all parts know that the library was scanned."""
        self._diary.songs_changed()
        self._filler.songs_changed()
        if self._reached:
            self._look()

    @property
    def _patience_s(self) -> float:
        """How long it may be waited for news of the player."""
        due = self._diary.listening.due_s
        passed = self._clock() - self._looked_at
        played = float("inf") if due is None else due + _LATE_S - passed
        return max(0.0, min(LOOK_S - passed, played, self._scans.next_s))

    def _look(self) -> None:
        """See what the player does, note what was heard, and bring its queue into order."""
        with self._interruptibly():
            state = self._player.state()
        self._looked_at = state.at
        state = self._part("length", self._with_length, state) or state
        self._part("resume", self._resume)
        turned = self._diary.look(state, self._filler.offered)
        heard = self._part("heard", self._diary.write) or []
        if not self._reached:
            log.info("%s: %s", self._player.name, _described(state))
            self._filler.recognise(state)
            self._reached = True
        self._moved = bool(self._part("events", self._diary.moved)) or self._moved
        self._part("queue", self._fill, state)
        self._diary.listening.taken_back(self._filler.taken)
        if turned or self._filler.changed:
            self._part("note", self._keep)
        for track in heard:
            self._part("annotate", lambda track=track: self._tell(self._notes.heard(track)))
        if not self._scans.expected and not self._notes.busy:
            self._part("annotate", self._notes.begin)

    def _fill(self, state: State) -> None:
        self._filler.look(state, self._moved, self._diary.unwritten(self._settings.wish.repeat_after_s))
        self._moved = False

    def _resume(self) -> None:
        """Go on where the daemon was when it ended, as soon as the library can be read."""
        if not self._diary.restored:
            if self._dry:
                self._engine.store.freeze()
            self._diary.restore()
            try:
                self._filler.load(self._diary.more)
            except (ValueError, TypeError) as error:
                log.warning("what was noted of the queue last time cannot be used: %s", error)

    def _keep(self) -> None:
        self._diary.more = self._filler.dump()
        self._diary.keep()
        self._filler.changed = False

    def _with_length(self, state: State) -> State:
        """Have the library say how long a song is where the player does not know."""
        song = state.song
        if song is None or song.duration_s or song.path is None:
            return state
        with suppress(EdgemoodError):
            return replace(state, song=replace(song, duration_s=self._engine.track(song.path).duration_s))
        return state

    def _annotate(self) -> None:
        """Write the notes of some more songs, of as many as do not keep it from listening: storage may be slow."""
        began = self._clock()
        self._noted += self._part("annotate", lambda: self._tell(self._notes.some(self._at_once))) or 0
        took_s = max(self._clock() - began, 1e-3)
        self._at_once = max(1, min(SLICE, 2 * self._at_once, int(self._at_once * DEAF_S / took_s)))
        if not self._notes.busy and self._noted:
            log.info("%s: %d songs", "notes to compare" if self._dry else "wrote notes", self._noted)
        if not self._notes.busy:
            self._noted = 0

    def _tell(self, notes: Sequence[Annotation]) -> int:
        with self._interruptibly():
            return self._player.annotate(notes) if notes else 0

    def _part(self, topic: str, work: Callable[..., T], *arguments: Any) -> T | None:
        """Do a part of a round; where it fails, the others go on. What lasts is said once."""
        try:
            result = work(*arguments)
        except PlayerError as error:
            self._require_player(error)
            self._say.once(topic, _PARTS[topic][0], str(error))
        except (EdgemoodError, OSError) as error:
            self._say.once(topic, _PARTS[topic][0], str(error), aloud=topic == "heard")
        except Exception as error:
            kind = f"{type(error).__name__}: {error}"
            self._say.once(topic, f"{_PARTS[topic][0]}, for a reason nobody foresaw", kind, logging.ERROR)
            log.debug("where it happened", exc_info=True)
        else:
            self._say.over(topic, _PARTS[topic][1])
            return result
        return None

    def _require_player(self, error: PlayerError) -> None:
        """Raise the error again unless the player can still be reached, and so has only refused something."""
        try:
            with self._interruptibly():
                self._player.state()
        except PlayerError:
            raise error from None


def _described(state: State) -> str:
    modes = [mode for mode, on in (("shuffle", state.shuffled), ("repeat", state.repeats)) if on]
    number = f"{state.left} {'song' if state.left == 1 else 'songs'} to come"
    return ", ".join([state.status, number, *modes])
