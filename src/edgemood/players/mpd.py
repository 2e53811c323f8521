"""MPD, the Music Player Daemon (0.21 and later), over TCP or its Unix socket."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from edgemood.errors import ConfigError, PlayerError
from edgemood.player import PAUSED, PLAYING, STOPPED, Annotation, Queued, State
from edgemood.players._mpd_songs import Songs

if TYPE_CHECKING:
    from edgemood.players._mpd_connection import Connection

#: How many songs after the present one a state tells of, and how many are annotated in one go.
WINDOW, SLICE = 50, 50
#: What is heard of MPD, and what it means. Not of its stickers: those are ours, and would wake us.
NEWS = {"player": "state", "playlist": "state", "options": "state", "database": "songs"}
STATUS = {"play": PLAYING, "pause": PAUSED, "stop": STOPPED}

_log = logging.getLogger(__name__)


class Mpd:
    """A `edgemood.player.Player` that is an MPD.

    Parameters
    ----------
    host : str
        Its host name or address, or the path of its socket; ``@name`` is an abstract socket.
    port : int
        Its TCP port.
    password : str, optional
        What MPD's ``password`` asks for.
    folder : str, optional
        Where MPD's music lies on this machine, if it cannot tell.
    known : callable, optional
        Gives paths of songs in the library, to learn the folder from: some twenty are looked at.
    timeout_s : float
        How long an answer may take.

    Raises
    ------
    ConfigError
        python-mpd2 is not installed.

    """

    def __init__(  # noqa: PLR0913 - settings, all by name
        self,
        host: str = "localhost",
        port: int = 6600,
        *,
        password: str | None = None,
        folder: str | None = None,
        known: Callable[[], Iterable[str]] = tuple,
        timeout_s: float = 10.0,
    ) -> None:
        try:
            import edgemood.players._mpd_connection  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError("following MPD needs python-mpd2: pip install 'edgemood[mpd]'") from error
        local = host.startswith(("/", "@"))
        self.name = f"MPD at {host}" if local else f"MPD at {host}:{port}"
        self._address = host, None if local else port
        self._password, self._timeout_s = password, timeout_s
        self._songs = Songs(folder, known, local)
        self._connection: Connection | None = None
        self._updated: str | None = None
        self._missed: frozenset[str] = frozenset()
        self._stickers = self._stickers_before = True

    def connect(self) -> None:
        """Connect anew. What happened meanwhile is told by the next `follow`."""
        from edgemood.players._mpd_connection import Connection

        self.close()
        self._connection = Connection()
        self._connection.timeout = self._timeout_s
        try:
            with self._asking() as connection:
                connection.connect(*self._address)
                if self._password is not None:
                    connection.password(self._password)
                updated, before = connection.stats().get("db_update"), self._updated
                self._songs.locate(connection)
        except PlayerError:
            self.close()
            raise
        self._missed = frozenset({"state"} if before in (None, updated) else {"state", "songs"})
        self._updated, self._stickers = updated, True

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.disconnect()

    def state(self) -> State:
        """Tell what MPD does now."""
        with self._asking() as connection:
            status, songs = self._window(connection)
            now = time.monotonic()
            kind, at = STATUS[status["state"]], int(status.get("song", -1))
            stopped, length = kind == STOPPED, int(status["playlistlength"])
            here = [self._queued(song) for song in songs if int(song["pos"]) == at]
            coming = [self._queued(song) for song in songs if int(song["pos"]) > at]
            shuffled = status.get("random") == "1"
            return State(
                status=kind,
                song=None if stopped or not here else here[0],
                elapsed_s=0.0 if stopped else float(status.get("elapsed", 0.0)),
                at=now,
                coming=(here if stopped else []) + coming,
                left=length - (not stopped) if shuffled else length - max(at, 0) - (not stopped),
                shuffled=shuffled,
                repeats=status.get("repeat") == "1",
            )

    def follow(self, timeout_s: float) -> frozenset[str]:
        """Wait for news; what was missed while there was no connection comes at once."""
        missed, self._missed = self._missed, frozenset()
        with self._asking() as connection:
            changed = connection.wait(tuple(NEWS), 0.0 if missed else timeout_s)
            if "database" in changed:
                self._updated = connection.stats().get("db_update")
        return missed | {NEWS[part] for part in changed if part in NEWS}

    def queue(self, paths: Sequence[str]) -> list[Queued | None]:
        """Append songs to MPD's queue; None for those not in its database."""
        with self._asking() as connection:
            uris = [self._songs.uri(path) for path in paths]
            entries = iter(connection.each("addid", [(uri,) for uri in uris if uri is not None]))
            added = [None if uri is None else next(entries) for uri in uris]
        return [
            None if entry is None or uri is None else Queued(str(entry), uri, path)
            for path, uri, entry in zip(paths, uris, added, strict=True)
        ]

    def unqueue(self, entries: Sequence[str]) -> None:
        """Take entries out of MPD's queue."""
        with self._asking() as connection:
            status = connection.status()
            kept = status.get("songid") if STATUS[status["state"]] != STOPPED else None
            connection.each("deleteid", [(entry,) for entry in entries if entry != kept])

    def annotate(self, songs: Iterable[Annotation]) -> int:
        """Write notes as stickers, where MPD has others; a few songs at a time, so that it plays on undisturbed.

        Where MPD keeps no stickers (no ``sticker_file``), or cannot write them, that is logged once.
        """
        from edgemood.players._mpd_connection import CommandError

        written, songs = 0, iter(songs)
        while self._stickers and (few := list(islice(songs, SLICE))):
            with self._asking() as connection:
                try:
                    for uri, notes in self._differing(connection, few):
                        written += self._write(connection, uri, notes)
                except CommandError as error:
                    self._give_up_stickers(str(error.msg or error))
        if self._stickers:
            self._stickers_before = True
        return written

    def folders(self) -> list[str]:
        """Give the folder where MPD's music lies on this machine; asks MPD where it is not known yet."""
        if self._songs.folder is None:
            with self._asking() as connection:
                self._songs.learn(connection)
        return [] if self._songs.folder is None else [self._songs.folder]

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """Hand out the connection. What goes wrong is a PlayerError; the connection survives a refusal only."""
        from edgemood.players._mpd_connection import CommandError, MPDError

        if self._connection is None:
            raise PlayerError(f"{self.name}: not connected")
        try:
            yield self._connection
        except CommandError as error:
            raise PlayerError(f"{self.name} refuses {error.command or 'this'}: {error.msg or error}") from error
        except TimeoutError as error:
            self.close()
            raise PlayerError(f"{self.name} does not answer within {self._timeout_s:g} s") from error
        except (OSError, MPDError) as error:
            self.close()
            raise PlayerError(f"{self.name} cannot be reached: {getattr(error, 'strerror', '') or error}") from error
        except (ValueError, KeyError, IndexError) as error:
            self.close()
            raise PlayerError(f"{self.name} answers what is not MPD's protocol: {error!r}") from error
        except BaseException:  # interrupted: the rest of an answer would be taken for the next one's
            self.close()
            raise

    def _window(self, connection: Connection) -> tuple[Mapping[str, str], Sequence[Mapping[str, Any]]]:
        """Read MPD's status and the queue from the present song on: of one moment, so again if it moved meanwhile."""
        from edgemood.players._mpd_connection import CommandError

        at = int(connection.status().get("song", 0))
        for _ in range(5):
            connection.command_list_ok_begin()
            connection.status()
            connection.playlistinfo((at, at + 1 + WINDOW))
            try:
                status, songs = connection.command_list_end()
            except CommandError:  # the queue ends before that place now
                status, songs = connection.status(), []
            now = int(status.get("song", 0))
            if now == at and (songs or status["playlistlength"] == "0"):
                break
            at = now
        return status, songs

    def _queued(self, song: Mapping[str, Any]) -> Queued:
        duration = song.get("duration")
        return Queued(song["id"], song["file"], self._songs.path(song["file"]), float(duration) if duration else None)

    def _differing(self, connection: Connection, songs: Iterable[Annotation]) -> Iterator[tuple[str, dict[str, str]]]:
        """Give the URI and the notes to write of each song that MPD knows and has other notes of."""
        wanted = {uri: song.notes for song in songs if (uri := self._songs.uri(song.path)) is not None}
        stickers = connection.each("sticker_list", [("song", uri) for uri in wanted])
        for (uri, notes), have in zip(wanted.items(), stickers, strict=True):
            differ = {} if have is None else {name: note for name, note in notes.items() if have.get(name) != note}
            if differ:
                yield uri, differ

    def _write(self, connection: Connection, uri: str, notes: Mapping[str, str]) -> bool:
        """Write a song's notes; False where it has just left MPD's database."""
        return any(connection.each("sticker_set", [("song", uri, name, note) for name, note in notes.items()]))

    def _give_up_stickers(self, reason: str) -> None:
        self._stickers = False
        if self._stickers_before:
            _log.warning("%s keeps no notes about songs: %s", self.name, reason)
        self._stickers_before = False
