"""Scans what the player's songs have changed to, in a process of its own that dies with the daemon."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from edgemood._child import scan_command
from edgemood.autodj._say import Say, log
from edgemood.autodj.settings import Settings
from edgemood.engine import Engine
from edgemood.errors import LibraryError

SETTLE_S = 10.0  # after a change of the player's songs: others mostly follow
AWAY_S = 60.0  # until it is looked again for a folder that is not there
AGAIN_S = 3600.0  # after a scan that failed
LOOK_S = 5.0  # how often it is looked whether a scan is over
_FAREWELL_S = 2.0


class Process(Protocol):
    """A scan that runs."""

    def result(self) -> tuple[int, str] | None:
        """Give how it ended, its exit code and its last words; None while it runs."""

    def end(self) -> None:
        """End it."""


class Scans:
    """Decides when to scan what."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        engine: Engine,
        settings: Settings,
        say: Say,
        clock: Callable[[], float],
        start: Callable[[Sequence[str]], Process],
        dry: bool,
    ) -> None:
        self._engine, self._settings, self._say, self._clock, self._dry = engine, settings, say, clock, dry
        self._start = start
        self._process: Process | None = None
        self._due: float | None = None

    def want(self, after_s: float = SETTLE_S) -> None:
        """Have a scan made after so long; asked again before that, it waits anew."""
        if self._settings.scan:
            self._due = self._clock() + after_s

    @property
    def running(self) -> bool:
        """Whether a scan is being made."""
        return self._process is not None

    @property
    def expected(self) -> bool:
        """Whether one is being made, or will be soon."""
        return self._process is not None or self.next_s <= SETTLE_S

    @property
    def next_s(self) -> float:
        """After how many seconds to `tick` again."""
        if self._process is not None:
            return LOOK_S
        return float("inf") if self._due is None else max(0.0, self._due - self._clock())

    def tick(self, folders: Callable[[], Sequence[str]]) -> bool:
        """Do what is due; `folders` tells where the player's songs lie. Give whether a scan has just ended."""
        if self._process is not None:
            ended = self._process.result()
            if ended is None:
                return False
            self._process = None
            self._report(*ended)
            return True
        if self._due is not None and self._clock() >= self._due:
            where = [self._settings.music] if self._settings.music else folders()
            self._due = None
            self._begin(where)
        return False

    def end(self) -> None:
        """End a scan that runs: what it has done is in the library."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _begin(self, folders: Sequence[str]) -> None:
        if not folders:
            self._say.once("scan", "nothing is scanned: the player does not tell where its music lies; set music")
            self.want(AWAY_S)
            return
        there = [folder for folder in folders if self._is_there(folder)]
        if away := [folder for folder in folders if folder not in there]:
            self._say.once("scan", f"{', '.join(away)} is not there or empty (not mounted?): not scanned until it is")
            self.want(AWAY_S)
        else:
            self._say.over("scan", f"{', '.join(folders)} can be scanned")
        if not there:
            return
        log.info("%s %s", "would scan" if self._dry else "scanning", ", ".join(there))
        if not self._dry:
            try:
                self._process = self._start(there)
            except OSError as error:
                log.warning("a scan cannot be started: %s", error)
                self.want(AGAIN_S)

    def _is_there(self, folder: str) -> bool:
        """Whether a folder is there; where the library knows songs below it, not a mount point without its drive."""
        try:
            with os.scandir(folder) as entries:
                if any(entries):
                    return True
        except OSError:
            return False
        with suppress(LibraryError):
            return not len(self._engine.store.ids_under(folder))
        return True  # there is no library yet

    def _report(self, code: int, words: str) -> None:
        with suppress(ValueError, TypeError, KeyError):
            report = json.loads(words)
            counts = {what: int(report[what]) for what in ("analysed", "rejudged", "moved", "failed", "missing")}
            said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
            log.info("scanned: %s", said or "nothing new")
            return
        log.log(
            logging.WARNING if code else logging.INFO,
            "the scan ended with code %d: %s",
            code,
            words or "no reason given",
        )
        if code:
            self.want(AGAIN_S)


class Scan:
    """A scan in a process of its own.

    Parameters
    ----------
    options
        What the command `edgemood scan` is to be given, folders included.

    Raises
    ------
    OSError
        The process cannot be started.

    """

    def __init__(self, options: Sequence[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            scan_command(*options),
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
        )

    def result(self) -> tuple[int, str] | None:
        """Give its exit code and what it said last; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - 10_000))
        lines = self._words.read().decode("utf-8", "replace").split("\n")
        self._words.close()
        said = [line.strip() for line in lines if line.strip()]
        return code, said[-1] if said else ""

    def end(self) -> None:
        """End it: asked to at first."""
        self._process.terminate()
        try:
            self._process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._words.close()


def options(settings: Settings, library: str | None, model: str | None) -> list[str]:
    """Give the options of `edgemood scan` that these settings mean."""
    given = [("--library", library), ("--model", model), ("--cpu", settings.cpu), ("--memory", settings.memory)]
    words = [word for option, value in given if value for word in (option, value)]
    return [*words, *(["--pause-while-playing"] if settings.pause_while_playing else [])]
