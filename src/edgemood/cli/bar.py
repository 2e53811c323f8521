"""The progress of a scan, on stderr: a bar where that is a terminal, or lines of JSON for another program."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from edgemood import shapes
from edgemood.cli.text import clock

if TYPE_CHECKING:
    from edgemood.pipeline import Progress

_LINE_S = 0.2  # between two lines


class ScanBar:
    """A bar with songs per minute and the time left. Use it as a context manager."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            disable=not sys.stderr.isatty(),
            bar_format="{desc}{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}{postfix}",
            dynamic_ncols=True,
            leave=False,
        )

    def __enter__(self) -> ScanBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def show(self, progress: Progress) -> None:
        """Show how far the scan is."""
        if self._bar.disable:
            return
        if progress.total is None:
            self._bar.set_description_str(f"looking at files: {progress.skipped:,} unchanged ")
            return
        left = "" if progress.eta_s is None else f", {clock(progress.eta_s)} left"
        failed = f", {progress.failed} failed" if progress.failed else ""
        self._bar.total, self._bar.n = progress.total, progress.done
        self._bar.set_description_str("", refresh=False)
        self._bar.set_postfix_str(f"{progress.songs_per_min:.0f} songs/min{left}{failed}")


class ScanLines:
    """A line of JSON a few times a second. Use it as a context manager."""

    def __init__(self) -> None:
        self._next = 0.0
        self._unsaid: Progress | None = None

    def __enter__(self) -> ScanLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unsaid is not None:
            self._say(self._unsaid)

    def show(self, progress: Progress) -> None:
        """Tell how far the scan is, unless that was told a moment ago."""
        self._unsaid = progress
        if time.monotonic() >= self._next:
            self._say(progress)

    def _say(self, progress: Progress) -> None:
        self._unsaid, self._next = None, time.monotonic() + _LINE_S
        with suppress(OSError):  # who does not want to know any more does not end the scan
            print(shapes.line(shapes.progress(progress)), file=sys.stderr, flush=True)
