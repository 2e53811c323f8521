"""Scans by request: `edgemood scan` in a process of its own, which dies with the server."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from edgemood._child import scan_command
from edgemood.errors import ConfigError, LibraryError
from edgemood.server.edition import Edition
from edgemood.server.errors import ForbiddenError, ScanError
from edgemood.server.kept import Kept
from edgemood.server.settings import Settings
from edgemood.server.streams import Feed
from edgemood.shapes import shown

_FAREWELL_S = 2.0
_LONGEST_LINE = 1 << 16


@dataclass(frozen=True)
class State:
    """How far a scan is; see `models.ScanState`."""

    state: str = "idle"
    done: int = 0
    total: int | None = None
    failed: int = 0
    skipped: int = 0
    songs_per_min: float = 0.0
    left_s: float | None = None
    current: str | None = None
    folders: Sequence[str] = ()
    problem: str | None = None
    report: dict[str, Any] | None = field(default=None)


class Scanner:
    """Runs one scan at a time and tells the feed how far it is."""

    def __init__(self, settings: Settings, editions: Kept[Edition], feed: Feed) -> None:
        self._settings, self._editions, self._feed = settings, editions, feed
        self._process: Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._beginning, self._stopping = asyncio.Lock(), False
        self._state = State()

    @property
    def running(self) -> bool:
        """Whether a scan is being made, or begins."""
        return self._state.state == "running" or self._beginning.locked()

    @property
    def state(self) -> dict[str, Any]:
        """How far it is."""
        return {**asdict(self._state), "folders": [shown(folder) for folder in self._state.folders]}

    async def start(self, folders: Sequence[str] | None) -> dict[str, Any]:
        """Begin a scan of these folders, or of all that may be scanned.

        Raises
        ------
        ForbiddenError
            One may not be scanned.
        ConfigError
            One is not there.
        ScanError
            A scan is being made, or there is no folder to scan.

        """
        if self.running:
            raise ScanError("a scan is running: wait for its end, or stop it")
        self._stopping = False
        async with self._beginning:
            chosen = await self._chosen(folders)
            process = None if self._stopping else await self._begin(chosen)
            self._set(State("stopped" if process is None else "running", folders=tuple(chosen)))
            if process is not None:
                self._process = process
                self._watching = asyncio.create_task(self._watch(process))
        if self._stopping:  # it was to end before it had begun
            await self._end()
        return self.state

    async def stop(self) -> dict[str, Any]:
        """End a scan that runs or begins; what it has done is in the library."""
        self._stopping = True
        async with self._beginning:
            pass
        await self._end()
        return self.state

    async def _end(self) -> None:
        if self._process is not None and self._watching is not None:
            await _end(self._process)
            await asyncio.shield(self._watching)

    async def _chosen(self, folders: Sequence[str] | None) -> list[str]:
        """Give the folders to scan, each of which may be."""
        allowed = [os.path.expanduser(folder) for folder in self._settings.folders]  # noqa: PTH111
        with suppress(LibraryError):  # there is none yet
            allowed += (await self._editions.get()).catalogue.roots
        return await asyncio.to_thread(_chosen, folders, allowed)

    async def _begin(self, folders: Sequence[str]) -> Process:
        settings = self._settings
        given = [
            ("--library", settings.library_path),
            ("--model", settings.model),
            ("--cpu", settings.cpu),
            ("--memory", settings.memory),
        ]
        options = [word for option, value in given if value for word in (option, value)]
        return await asyncio.create_subprocess_exec(
            *scan_command("--progress", "json", *options, "--", *folders),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=tempfile.gettempdir(),
            limit=_LONGEST_LINE,
        )

    async def _watch(self, process: Process) -> None:
        """Follow a scan to its end."""
        try:
            said, report = await asyncio.gather(self._follow(process), _rest(process.stdout))
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
        self._process = None
        last = replace(self._state, left_s=None, current=None)
        if self._stopping:
            self._set(replace(last, state="stopped"))
        elif (found := _object(report)) is not None:
            self._set(replace(last, state="ended", report=found))
        else:
            problem = said.removeprefix("edgemood: error: ") or f"it ended with code {code} and gave no reason"
            self._set(replace(last, state="failed", problem=problem))

    async def _follow(self, process: Process) -> str:
        """Read what a scan says of itself; give its last words that are no progress."""
        assert process.stderr is not None
        words = ""
        while line := await _line(process.stderr):
            progress = _object(line)
            if progress is not None and progress.keys() >= {"done", "total", "current"}:
                known = {name: value for name, value in progress.items() if name in State.__dataclass_fields__}
                self._set(replace(self._state, **known))
            elif text := line.decode("utf-8", "replace").strip():
                words = text[:1000]
        return words

    def _set(self, state: State) -> None:
        before, self._state = self._state.state, state
        if state.state in {"running", "idle"}:
            self._feed.send("progress", self.state)
        elif before != state.state:
            self._feed.send("ended", self.state)


def _chosen(folders: Sequence[str] | None, allowed: Sequence[str]) -> list[str]:
    """Give these folders, each of which has to be one of those allowed or below one; without any all that are there."""
    roots = list(dict.fromkeys(os.path.realpath(folder) for folder in allowed))
    if folders is not None:
        for folder in folders:
            _require_folder(folder, roots)
        return [os.path.realpath(folder) for folder in folders]
    there = [root for root in roots if os.path.isdir(root)]  # noqa: PTH112
    if not there and roots:
        raise ScanError(f"no folder that may be scanned is there now: {', '.join(map(shown, roots))}")
    if not there:
        raise ScanError("there is no folder to scan: start the server with --folder DIR")
    return there


def _require_folder(folder: str, allowed: Sequence[str]) -> None:
    """Raise unless a folder is one of these or lies below one, and is there."""
    if "\0" in folder or not os.path.isabs(folder):  # noqa: PTH117
        raise ConfigError(f"folders: {folder!r} is no absolute path")
    try:
        where = os.path.realpath(folder)
        os.fsencode(where)
    except (OSError, ValueError):
        raise ConfigError(f"folders: {folder!r} names no folder") from None
    if not any(where == root or where.startswith(root.rstrip("/") + "/") for root in allowed):
        raise ForbiddenError(f"folders: {folder} may not be scanned; start the server with --folder for it")
    if not os.path.isdir(where):  # noqa: PTH112
        raise ConfigError(f"folders: there is no folder {folder}")


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Give the next line, without what is too long of it."""
    try:
        return await stream.readline()
    except ValueError:
        return b"\n"


async def _rest(stream: asyncio.StreamReader | None) -> bytes:
    """Give the last line that a stream ends with."""
    assert stream is not None
    last = b""
    while line := await _line(stream):
        last = line
    return last


def _object(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        found = json.loads(line)
        return found if isinstance(found, dict) else None
    return None


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _FAREWELL_S)
    except asyncio.TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
