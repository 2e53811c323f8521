"""What the commands that follow a player share: their options, their log, and how they end."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgemood.cli.files import Given
from edgemood.cli.group import EXIT_INTERRUPTED, engine, library_option, listener_option, model_option, printable
from edgemood.cli.listen import wish_options
from edgemood.errors import ConfigError, LibraryError, UnknownTrackError

if TYPE_CHECKING:
    from edgemood.autodj import Settings
    from edgemood.engine import Engine
    from edgemood.player import Player

F = TypeVar("F", bound=Callable[..., Any])

_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}  # of syslog(3)


def dj_options(command: F) -> F:
    """Add the options of a daemon that follows a player; `settings` makes its settings of them."""
    for option in reversed(
        (
            library_option,
            model_option,
            listener_option,
            click.option(
                "--config", metavar="FILE", type=Given(dir_okay=False), help="Settings; options go before it."
            ),
            click.option("--music", metavar="DIR", type=Given(), help="Where the player's music lies on this machine."),
            click.option("--ahead", type=click.IntRange(1, 30), help="Songs kept in the queue ahead [default: 3]."),
            click.option(
                "--when",
                type=click.Choice(["always", "end"]),
                help="Queue songs always, or only when the queue would run out [default: always].",
            ),
            click.option(
                "--refresh/--no-refresh", default=None, help="Choose anew after a skip or like [default: yes]."
            ),
            click.option("--start", metavar="MOOD", help="Begin with this mood while nothing has been heard."),
            click.option("--over", type=click.IntRange(1, 1000), help="Songs that --toward takes [default: 10]."),
            wish_options,
            click.option("--moods/--no-moods", default=None, help="Write moods to the player's songs [default: yes]."),
            click.option(
                "--statistics/--no-statistics", default=None, help="Write how often songs were played and skipped."
            ),
            click.option("--scan/--no-scan", default=None, help="Scan what is new [default: yes]."),
            click.option("--cpu", metavar="PERCENT", help='What a scan may take of one core; "" any [default: 25%].'),
            click.option("--memory", metavar="SIZE", help='What memory a scan may take; "" any [default: 200M].'),
            click.option(
                "--pause-while-playing/--no-pause-while-playing", default=None, help="Do not scan while music plays."
            ),
            click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing."),
            click.option("--once", is_flag=True, help="One round, without a scan; then end."),
            click.option("-v", "--verbose", is_flag=True, help="Say more."),
            click.option("-q", "--quiet", is_flag=True, help="Say only what goes wrong."),
        )
    ):
        command = option(command)
    return command


def settings(config: str | None, **given: Any) -> Settings:
    """Make settings of a file and, before it, of options that were given.

    Raises
    ------
    ConfigError
        There is no such file, or a value that cannot be used.

    """
    from edgemood.autodj.settings import Settings, check_amounts, read

    if given.get("repeat_after_h") is not None:
        given["repeat_after_s"] = given["repeat_after_h"] * 3600
    given.pop("repeat_after_h", None)
    check_amounts(given.get("cpu"), given.get("memory"))
    return (read(config) if config is not None else Settings()).having(**given)


def serve(  # noqa: PLR0913 - options, all by name
    player: Callable[[Settings, Engine], Player],
    chosen: Settings,
    *,
    dry_run: bool,
    once: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Follow a player until SIGTERM or SIGINT, or for one round."""
    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet: give one of them")
    from edgemood.autodj import AutoDJ, Scan, options
    from edgemood.autodj._alone import alone
    from edgemood.library import default_path

    ctx = click.get_current_context()
    ctx.obj = {**({"listener": chosen.listener} if chosen.listener else {}), **(ctx.obj or {})}
    scan_options = options(chosen, ctx.obj.get("library"), ctx.obj.get("model"))
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    with _logging_to_stderr(level), engine() as mood:
        if dry_run:
            with suppress(LibraryError):
                mood.store.freeze()
        _require_known(mood, chosen)
        followed = player(chosen, mood)
        dj = AutoDJ(
            mood,
            followed,
            chosen,
            start_scan=lambda folders: Scan([*scan_options, "--", *folders]),
            dry=dry_run,
        )
        library = os.path.abspath(ctx.obj.get("library") or default_path())  # noqa: PTH100
        lock = nullcontext() if dry_run else alone(followed.name, library, ctx.command_path)
        with lock, _ended_by_signals(dj.stop) as signals:
            if once:
                dj.once()
            else:
                dj.run()
    if signal.SIGINT in signals:
        ctx.exit(EXIT_INTERRUPTED)


def _require_known(mood: Engine, chosen: Settings) -> None:
    """Raise ConfigError where the library says that something asked for does not exist.

    A library that cannot be read yet, or a song that is not scanned yet, is for the daemon to wait for.
    """
    for seed in chosen.wish.seeds:
        try:
            mood.track(seed)
        except UnknownTrackError as error:
            if isinstance(seed, int) or not os.path.exists(seed):  # noqa: PTH110
                raise ConfigError(str(error)) from error
        except LibraryError:
            return
    for label in {chosen.wish.mood, chosen.wish.toward, chosen.start, None}:
        with suppress(LibraryError):
            mood.next(1, (), replace(chosen.wish, mood=label, toward=None, seeds=()) if label else chosen.wish)


@contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Have SIGTERM and SIGINT call `stop`; gives those that came."""
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Lines(logging.Formatter):
    """One line for each message, safe on a terminal; for the journal with its priority, else with the time."""

    def __init__(self, journal: bool) -> None:
        super().__init__("%(message)s" if journal else "%(asctime)s %(message)s", "%H:%M:%S")
        self._journal = journal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line."""
        record.message = printable(record.message)
        line = super().formatMessage(record)
        if self._journal:
            return f"<{_PRIORITIES.get(record.levelname, 6)}>{line}"
        return line if record.levelno < logging.WARNING else line.replace(" ", f" {record.levelname.lower()}: ", 1)


@contextmanager
def _logging_to_stderr(level: int) -> Iterator[None]:
    logger, before = logging.getLogger("edgemood"), logging.raiseExceptions
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("JOURNAL_STREAM" in os.environ))
    logging.raiseExceptions = False  # where nobody can read the log, music plays on
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate, logging.raiseExceptions = True, before
