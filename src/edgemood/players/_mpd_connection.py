"""A connection to MPD as `edgemood.players.mpd` needs it: python-mpd2's, with bytes kept and waits that end."""

from __future__ import annotations

import math
import select
import socket
from collections.abc import Sequence
from typing import Any

from mpd import CommandError, FailureResponseCode, MPDClient, MPDError

__all__ = ["CommandError", "Connection", "FailureResponseCode", "MPDError"]


class Connection(MPDClient):  # type: ignore[misc]  # python-mpd2 has no types
    """python-mpd2's client, with three changes.

    Names of files pass as they are: MPD sends the bytes of the file system, which need not be UTF-8 (a `str` holds them
    as `os.fsdecode` does). `wait` ends after a time. `each` does not lose the answers before and after a refused one.
    """

    def _connect_unix(self, path: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(path)
        except BaseException:
            sock.close()
            raise
        return sock

    def _write_line(self, line: str) -> None:
        self._sock.sendall(line.encode("utf-8", "surrogateescape") + b"\n")

    def _read_line(self) -> str | None:
        line = self._rbfile.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("it closed the connection")
        text: str = line[:-1].decode("utf-8", "surrogateescape")
        if text.startswith("ACK "):
            raise CommandError(text[4:])
        return None if text == ("OK" if self._command_list is None else "list_OK") else text

    def wait(self, subsystems: Sequence[str], timeout_s: float) -> list[str]:
        """Wait for a change of these parts of MPD, and give the parts that changed."""
        self._write_command("idle", subsystems)
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(math.ceil(1000 * timeout_s)):
            self._write_command("noidle")
        return list(self._parse_list(self._read_lines()))

    def first(self, command: str, *arguments: object) -> dict[str, Any]:
        """Run a command that answers with one group of pairs, whatever python-mpd2 makes of it."""
        self._write_command(command, arguments)
        return dict(self._parse_pairs(self._read_lines()))

    def each(self, command: str, arguments: Sequence[tuple[str, ...]]) -> list[Any]:
        """Run a command with each of these arguments, in one go; None where MPD says that there is no such song."""
        answers: list[Any] = []
        while len(answers) < len(arguments):
            self.command_list_ok_begin()
            for these in arguments[len(answers) :]:
                getattr(self, command)(*these)
            self._write_command("command_list_end")
            try:
                for answer in self._read_command_list():
                    answers.append(True if answer is None else answer)
            except CommandError as error:
                if error.errno != FailureResponseCode.NO_EXIST:
                    raise
                answers.append(None)
        return answers
