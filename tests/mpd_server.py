"""A real MPD for tests: in a temporary folder, on a Unix socket and a port of the loopback, playing to nowhere."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import needs

#: How long anything may take that MPD is asked for.
PATIENCE_S = 30.0


def free_port() -> int:
    """A port of the loopback that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def until(happened: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so, and fail where it never is."""
    end = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < end, f"not within {patience_s:g} s: {what}"
        time.sleep(0.02)


class MpdServer:
    """An MPD with a folder for its music, `music`; started with `start`, and to be stopped."""

    def __init__(self, base: Path, **settings: str) -> None:
        self.program = needs.program("mpd")
        self.base, self.music, self.socket, self.port = base, base / "music", str(base / "socket"), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for folder in (self.music, base / "playlists"):
            folder.mkdir(parents=True, exist_ok=True)
        defaults = {
            "music_directory": str(self.music),
            "playlist_directory": str(base / "playlists"),
            "db_file": str(base / "database"),
            "state_file": str(base / "state"),
            "sticker_file": str(base / "sticker.sql"),
            "port": str(self.port),
            "zeroconf_enabled": "no",
            "max_playlist_length": "50000",
            "restore_paused": "no",
        }
        lines = [f'{name} "{value}"' for name, value in {**defaults, **settings}.items() if value]
        lines += ['bind_to_address "127.0.0.1"', f'bind_to_address "{self.socket}"']
        lines += ['audio_output {\n type "null"\n name "nowhere"\n sync "yes"\n}']
        (base / "mpd.conf").write_text("\n".join(lines) + "\n")

    def __enter__(self) -> MpdServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.base / "mpd.log").open("ab") as log:
            command = [self.program, "--no-daemon", "--stderr", str(self.base / "mpd.conf")]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, f"MPD answers; its log: {self.base / 'mpd.log'}")

    def stop(self) -> None:
        """End it as its users do; its state is kept."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes an MPD that hangs."""
        assert self._process is not None
        self._process.send_signal(number)

    def ask(self, *commands: str) -> list[str]:
        """Run commands as any other client would; give the lines of the answers, and fail where one is refused."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(self.socket)
            lines = connection.makefile("rb")
            lines.readline()
            answers = []
            for command in commands:
                connection.sendall(os.fsencode(command) + b"\n")
                while (line := os.fsdecode(lines.readline()).rstrip("\n")) != "OK":
                    assert line and not line.startswith("ACK"), f"{command}: {line or 'MPD is gone'}"
                    answers.append(line)
            lines.close()
            return answers

    def status(self) -> dict[str, str]:
        """What MPD says of itself."""
        return dict(line.split(": ", 1) for line in self.ask("status"))

    def update(self) -> None:
        """Have it look at its folder, and wait until it has."""
        self.ask("update")
        until(lambda: "updating_db" not in self.status(), "MPD has read its folder")

    def stickers(self, uri: str) -> dict[str, str]:
        """The stickers of a song."""
        quoted = uri.replace("\\", "\\\\").replace('"', '\\"')
        lines = self.ask(f'sticker list song "{quoted}"')
        return dict(line.removeprefix("sticker: ").split("=", 1) for line in lines)

    def uris(self) -> list[str]:
        """The songs of its queue."""
        return [line.removeprefix("file: ") for line in self.ask("playlistinfo") if line.startswith("file: ")]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.base / "mpd.log").read_text(errors="replace")
        with suppress(OSError):
            self.ask("ping")
            return True
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(PATIENCE_S)
            self._process = None


class Wire:
    """A network between us and a server: it counts what goes to the server, and can be cut or go dead."""

    def __init__(self, port: int) -> None:
        self._to, self._pairs, self._lock = port, list[tuple[socket.socket, socket.socket]](), threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.sent = bytearray()  # to the server
        self.received = 0  # bytes from it
        self.dead = False
        self._up, self._open = True, True
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exception: object) -> None:
        self._open = False
        self._thread.join()
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """End all connections; new ones end at once, until `mend`."""
        with self._lock:
            self._up = False
            for pair in self._pairs:
                for end in pair:
                    end.close()
            self._pairs.clear()

    def mend(self) -> None:
        """Let new connections through again."""
        self._up = True

    def _carry(self) -> None:
        while self._open:
            with self._lock:
                other = {a: b for pair in self._pairs for a, b in (pair, pair[::-1])}
                clients = {pair[0] for pair in self._pairs}
                ready, _, _ = select.select([self._server, *([] if self.dead else other)], [], [], 0.01)
                for end in ready:
                    if end is self._server:
                        self._accept()
                    else:
                        self._pass_on(end, other[end], end in clients)
            time.sleep(0.001)  # lets others have the lock

    def _accept(self) -> None:
        client, _ = self._server.accept()
        if self._up:
            self._pairs.append((client, socket.create_connection(("127.0.0.1", self._to))))
        else:
            client.close()

    def _pass_on(self, here: socket.socket, there: socket.socket, to_server: bool) -> None:
        with suppress(OSError):
            if data := here.recv(1 << 16):
                there.sendall(data)
                if to_server:
                    self.sent += data
                else:
                    self.received += len(data)
                return
        self._pairs = [pair for pair in self._pairs if here not in pair]
        here.close()
        there.close()
