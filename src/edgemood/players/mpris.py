"""Any player that speaks MPRIS 2 over the session's D-Bus: VLC, mpv, Strawberry, Rhythmbox and many more.

A player that lets its list of tracks be edited (the optional interface TrackList) is queued to. To any other the songs
are handed one by one, whenever it comes to the end of what it plays; a player that was stopped by hand stays so.
MPRIS knows no notes about songs, and does not tell where songs lie.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from edgemood.errors import ConfigError, PlayerError
from edgemood.player import PAUSED, PLAYING, STOPPED, Annotation, Queued, State

if TYPE_CHECKING:
    from edgemood.players._session import Session

PLAYER, TRACKS = "org.mpris.MediaPlayer2.Player", "org.mpris.MediaPlayer2.TrackList"
NO_TRACK = "/org/mpris/MediaPlayer2/TrackList/NoTrack"
STATUS = {"Playing": PLAYING, "Paused": PAUSED, "Stopped": STOPPED}
#: Of the properties whose changes players tell of, those that matter here.
TOLD = frozenset({"PlaybackStatus", "Metadata", "Shuffle", "LoopStatus", "Tracks"})
#: How many songs after the present one a state tells of.
WINDOW = 50
#: A song that stops so near to its end has ended; so long a player may take to show a song that was queued.
END_S, PATIENCE_S = 3.0, 2.0


class Mpris:
    """A `edgemood.player.Player` that is any program with MPRIS.

    Parameters
    ----------
    player : str
        Its name on the bus: ``vlc`` of ``org.mpris.MediaPlayer2.vlc``. Empty: the one that plays, else the first.
    timeout_s : float
        How long an answer may take.

    Raises
    ------
    ConfigError
        jeepney is not installed.

    """

    def __init__(self, player: str = "", *, timeout_s: float = 5.0) -> None:
        try:
            import edgemood.players._session  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError("following MPRIS players needs jeepney: pip install 'edgemood[mpris]'") from error
        self._wanted, self._timeout_s = player, timeout_s
        self.name = f"MPRIS player {player}".rstrip()
        self._session: Session | None = None
        self._editable = False
        self._waiting: deque[Queued] = deque()
        self._handed: Queued | None = None
        self._numbers = count(1)
        self._playing: State | None = None  # as it was seen last
        self._ran_out = False

    def connect(self) -> None:
        """Find the player on the session's bus."""
        from edgemood.players._session import Session

        self.close()
        try:
            self._session = Session.open(self._timeout_s)
            with self._asking() as session:
                self.name = f"MPRIS player {session.choose(self._wanted)}"
                root = session.properties("org.mpris.MediaPlayer2")
                self._editable = bool(root.get("HasTrackList")) and bool(
                    session.properties(TRACKS).get("CanEditTracks")
                )
        except (OSError, KeyError, ValueError) as error:  # no bus, or no address of one
            raise PlayerError(f"{self.name}: the session's D-Bus cannot be reached: {error}") from error
        except PlayerError:
            self.close()
            raise

    def close(self) -> None:
        """Leave the bus."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def state(self) -> State:
        """Tell what the player does now."""
        with self._asking() as session:
            properties = session.properties(PLAYER)
            now = time.monotonic()
            song = self._queued(dict(properties.get("Metadata") or {}))
            coming, left = self._coming(session, song)
        status, position = STATUS[properties["PlaybackStatus"]], properties.get("Position") or 0
        if status == STOPPED and song is not None and position > 0:  # mpv says so of what it was given after its end
            status = PLAYING
        state = State(
            status=status,
            song=None if status == STOPPED else song,
            elapsed_s=0.0 if status == STOPPED else max(position, 0) / 1e6,
            at=now,
            coming=coming,
            left=left,
            shuffled=self._editable and bool(properties.get("Shuffle")),
            repeats=properties.get("LoopStatus") == "Playlist",
        )
        self._notice_end(state)
        return state

    def follow(self, timeout_s: float) -> frozenset[str]:
        """Wait for news; where the player came to the end of all it had, hand it the next song."""
        with self._asking() as session:
            if not session.wait(timeout_s, TOLD):
                return frozenset()
        self.state()
        with self._asking() as session:
            self._hand_over(session)
        return frozenset({"state"})

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        """Append songs to the player's tracks, or keep them until it wants one; None for what it does not take."""
        uris = ["file://" + quote(os.fsencode(path)) for path in paths]
        with self._asking() as session:
            if self._editable:
                return [self._add(session, uri) for uri in uris]
            songs = [
                Queued(f"edgemood {next(self._numbers)}", uri, path) for uri, path in zip(uris, paths, strict=True)
            ]
            self._waiting.extend(songs)
            self._hand_over(session)
            return list(songs)

    def unqueue(self, entries: Sequence[str]) -> None:
        """Take tracks out again."""
        self._waiting = deque(song for song in self._waiting if song.entry not in entries)
        if not self._editable:
            return
        with self._asking() as session:
            properties = session.properties(PLAYER)
            song = self._queued(dict(properties.get("Metadata") or {}))
            tracks = set(session.properties(TRACKS)["Tracks"])
            for entry in entries:
                track = entry.split(" ")[0]
                if track in tracks and (
                    song is None or entry != song.entry or properties["PlaybackStatus"] == "Stopped"
                ):
                    session.call(TRACKS, "RemoveTrack", "o", track)

    def annotate(self, songs: Iterable[Annotation]) -> int:
        """Do nothing: MPRIS has no place for notes."""
        return 0

    def folders(self) -> list[str]:
        """Give none: MPRIS does not tell where songs lie."""
        return []

    @contextmanager
    def _asking(self) -> Iterator[Session]:
        from edgemood.players._session import Refused

        if self._session is None:
            raise PlayerError(f"{self.name}: not connected")
        try:
            yield self._session
        except Refused as error:
            if error.gone:
                self.close()
            raise PlayerError(f"{self.name}: {error}") from error
        except TimeoutError as error:
            self.close()
            raise PlayerError(f"{self.name} does not answer within {self._timeout_s:g} s") from error
        except OSError as error:
            self.close()
            raise PlayerError(f"{self.name}: the session's D-Bus cannot be reached: {error}") from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self.close()
            raise PlayerError(f"{self.name} answers what is not MPRIS: {error!r}") from error

    def _notice_end(self, state: State) -> None:
        """Tell a song that came to its end, with nothing after it, from one that was stopped by hand."""
        before, self._playing = self._playing, state if state.status == PLAYING else None
        if state.status != STOPPED:
            self._ran_out = False
        elif before is not None and before.song is not None and before.song.duration_s is not None:
            self._ran_out = before.elapsed_s + state.at - before.at >= before.song.duration_s - END_S

    def _hand_over(self, session: Session) -> None:
        """Have a player that came to the end of all it had play the next song."""
        if self._waiting and self._ran_out:
            self._handed, self._ran_out = self._waiting.popleft(), False
            session.call(PLAYER, "OpenUri", "s", self._handed.uri)

    def _coming(self, session: Session, song: Queued | None) -> tuple[list[Queued], int]:
        """List what comes after the present song, and count it."""
        if not self._editable:
            return list(self._waiting)[:WINDOW], len(self._waiting)
        tracks = session.properties(TRACKS)["Tracks"]
        here = song.entry.split(" ")[0] if song else NO_TRACK
        after = tracks[tracks.index(here) + 1 :] if here in tracks else tracks
        queued = [self._queued(metadata) for metadata in session.metadata(after[:WINDOW])]
        return [song for song in queued if song is not None], len(after)

    def _queued(self, metadata: Mapping[str, Any]) -> Queued | None:
        """Read a track. Some players give all of them one name, so the song's goes with it."""
        uri, track = metadata.get("xesam:url") or "", metadata.get("mpris:trackid") or ""
        if not (uri or track) or track == NO_TRACK:
            return None
        if self._handed is not None and uri == self._handed.uri:
            entry = self._handed.entry
        else:
            entry = f"{track or NO_TRACK} {uri}"
        length = metadata.get("mpris:length") or 0
        return Queued(entry, uri, _path(uri), length / 1e6 if length > 0 else None)

    def _add(self, session: Session, uri: str) -> Queued | None:
        """Append a song and wait until it is there: MPRIS answers with nothing."""
        before = session.properties(TRACKS)["Tracks"]
        session.call(TRACKS, "AddTrack", "sob", uri, before[-1] if before else NO_TRACK, False)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            new = [track for track in session.properties(TRACKS)["Tracks"] if track not in before]
            songs = [song for data in session.metadata(new) if (song := self._queued(data)) and _same(song.uri, uri)]
            if songs:
                return songs[-1]
            time.sleep(0.05)
        return None


def _path(uri: str) -> str | None:
    if uri.startswith("/"):
        return uri
    with suppress(ValueError):
        return os.fsdecode(unquote_to_bytes(uri[len("file://") :])) if uri.startswith("file:///") else None
    return None


def _same(one: str, other: str) -> bool:
    """Whether two URIs are of one song, whichever of their characters are escaped."""
    return unquote_to_bytes(one) == unquote_to_bytes(other)
