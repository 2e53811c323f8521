"""The command `edgemood mpd` as a process, for tests, with a library of made-up songs that a real MPD plays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import audio_files
import shelf
from mpd_server import PATIENCE_S, MpdServer, until

from edgemood.domain import Event
from edgemood.library import FileStamp, Library

#: The command, but it waits a second, not ten, for further changes of MPD's songs before it scans.
IMPATIENT = (
    "from edgemood.autodj._scans import Scans; Scans.want.__defaults__ = (1.0,); from edgemood.cli import main; main()"
)


class Daemon:
    """`edgemood mpd` for a library, its log in a file."""

    def __init__(self, library: Path, *arguments: str, **environment: str) -> None:
        self._library, self._arguments = library, arguments
        self._environment = {**os.environ, "EDGEMOOD_LIBRARY": str(library), **environment}
        self._log = library.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; it adds to its log."""
        command = [sys.executable, "-c", IMPATIENT, "mpd", *self._arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self._environment)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal and wait for its end; gives its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        self._process = None
        return code

    def log(self) -> str:
        """All it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said so."""

        def said() -> bool:
            assert self._process is None or self._process.poll() is None, self.log()
            return self.log().count(words) >= times

        until(said, f"the daemon says {words!r} {times} times: {self._log}")


class House:
    """A real MPD and a library that knows its songs, half of them calm and half angry by turns."""

    def __init__(self, base: Path, seconds: Sequence[float], names: Sequence[str] | None = None) -> None:
        self.server = MpdServer(base)
        self.library = base / "library.db"
        self.names = list(names or [f"{number:02}.wav" for number in range(len(seconds))])
        for number, (name, length) in enumerate(zip(self.names, seconds, strict=True)):
            file = self.server.music / name
            file.parent.mkdir(parents=True, exist_ok=True)
            audio_files.write_tone(file, length, sample_rate=8_000, seed=number)
        with Library.open(self.library) as library:
            for number, name in enumerate(self.names):
                path, mood = str(self.server.music / name), ("calm", "angry")[number % 2]
                song = shelf.analysis(path, mood, f"Artist {number}", f"Song {number:02}", number)
                library.store(path, FileStamp.of(Path(path).stat()), song, shelf.RECIPE)

    def __enter__(self) -> House:
        self.server.start()
        self.server.update()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.stop()

    def daemon(self, *arguments: str, host: str | None = None, **environment: str) -> Daemon:
        """An `edgemood mpd` that scans nothing."""
        return Daemon(self.library, "--host", host or self.server.socket, "--no-scan", *arguments, **environment)

    def events(self, *kinds: str) -> list[Event]:
        """What the library knows that was heard, the oldest first."""
        with Library.open(self.library, create=False) as library:
            return library.events(kinds=kinds or ("play", "skip"))[::-1]

    def heard(self, *kinds: str) -> list[str]:
        """The names of the songs that were."""
        with Library.open(self.library, create=False) as library:
            return [Path(library.track(event.track_id).path).name for event in self.events(*kinds)]

    def present(self) -> str | None:
        """The song that MPD is at."""
        lines = [line for line in self.server.ask("currentsong") if line.startswith("file: ")]
        return lines[0].removeprefix("file: ") if lines else None
