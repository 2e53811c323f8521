"""Commands around the collection: scan, library, prune."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from edgemood import shapes
from edgemood._governor import Governor
from edgemood.budget import IO_CLASSES, Budget, read_cpu, read_size
from edgemood.cli import text
from edgemood.cli.bar import ScanBar, ScanLines
from edgemood.cli.files import Given
from edgemood.cli.group import (
    EXIT_FAILED,
    engine,
    example,
    json_option,
    library_option,
    model_option,
    printable,
    say,
)
from edgemood.cli.start import overdraft_s
from edgemood.errors import ConfigError, LibraryError


def _amount(read: Callable[[str], float]) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Have an option's text, an amount with its unit, read by `read`."""

    def convert(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
        try:
            return None if text is None else read(text)
        except ConfigError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return convert


@contextmanager
def _governed(budget: Budget, nice: int) -> Iterator[Budget | Governor]:
    """Keep this process to a budget, too, while most of the program is still to be imported; as nice as its workers.

    Who watches over it is not as nice: a thread of its own.
    """
    started_s = time.process_time()
    with ExitStack() as stack:
        governor = stack.enter_context(Governor(budget)) if budget.governs else None
        if budget.limits:
            _be_nice(nice)
        if governor:
            stack.enter_context(governor.pacing_imports())
        yield governor or budget
        if governor and budget.cpu:  # the end, which nobody watches, takes about as long as this did
            governor.save(started_s / 2, patience_s=started_s / budget.cpu)


def _be_nice(nice: int) -> None:
    """Be nice, to other sessions as well if this one is ours alone, as that of a service is.

    Kernels with CONFIG_SCHED_AUTOGROUP divide the cores among sessions first, by a niceness that these have of their
    own (see sched(7)).
    """
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # there is none
            Path("/proc/self/autogroup").write_text(str(nice))


@click.command(
    epilog=example(
        "edgemood scan ~/Music",
        "edgemood scan --jobs 1 --json /media/usb",
        "edgemood scan --cpu 25% --memory 200M --pause-while-playing --ionice idle ~/Music",
    )
)
@library_option
@model_option
@json_option
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes [default: cores less one, at least one].")
@click.option("--retry-failed", is_flag=True, help="Try files again that failed before and have not changed.")
@click.option(
    "--cpu", metavar="PERCENT", callback=_amount(read_cpu), help="At most so much of one core in any second, as in 25%."
)
@click.option("--memory", metavar="SIZE", callback=_amount(read_size), help="At most so much memory, as in 200M.")
@click.option("--pause-while-playing", is_flag=True, help="Do nothing while a sound card (ALSA) plays.")
@click.option("--pause-file", type=Given(dir_okay=False), help="Do nothing while there is a file of this name.")
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    help="Niceness of the workers; with a limit of all of the scan [default: 10, with a limit 19].",
)
@click.option("--ionice", type=click.Choice(IO_CLASSES), help="Class of the scan's disk access.")
@click.option(
    "--progress",
    type=click.Choice(["bar", "json"]),
    default="bar",
    show_default=True,
    help="How to tell on stderr how far it is: a bar on a terminal, or JSON, one object a line.",
)
@click.argument("folders", metavar="DIR...", type=Given(), nargs=-1, required=True)
@click.pass_context
def scan(  # noqa: PLR0913 - a parameter for every option
    ctx: click.Context,
    /,
    *,
    folders: tuple[str, ...],
    as_json: bool,
    jobs: int | None,
    retry_failed: bool,
    nice: int | None,
    progress: str,
    **limits: Any,
) -> None:
    """Analyse the music in folders and keep the results.

    Files that have not changed are not opened again, and an interrupted scan goes on where it was. A file that fails
    is listed (edgemood library --failed) and the others go on; the exit code is 1 only if no file could be analysed.

    Limits hold for all processes of the scan together.
    """
    budget = Budget(**limits, spent_s=overdraft_s(limits["cpu"] or 1.0))
    told = ScanLines() if progress == "json" else ScanBar()
    with _governed(budget, 19 if nice is None else nice) as held, engine() as mood, told as bar:
        report = mood.scan(
            *folders,
            jobs=jobs,
            retry_failed=retry_failed,
            on_progress=bar.show,
            nice=0 if budget.limits else 10 if nice is None else nice,  # it is inherited
            budget=held,
        )
    say(shapes.line(shapes.scan(report)) if as_json else "\n".join(text.scan(report)))
    good = report.analysed + report.moved + report.rejudged + report.unchanged
    if not good and report.failed + report.failed_before:
        ctx.exit(EXIT_FAILED)


@click.command(epilog=example("edgemood library", "edgemood library --failed", "edgemood library --json | jq .mood"))
@library_option
@json_option
@click.option("--failed", is_flag=True, help="Only the files that could not be analysed, and why.")
def library(as_json: bool, failed: bool) -> None:
    """Show the songs, their moods, and what failed and why.

    Where the library is empty there is nothing to tell: the exit code is 1.
    """
    with engine() as mood:
        tracks = [] if failed else mood.library()
        failures = mood.failures()
    if not (tracks or failures or failed):
        raise LibraryError("the library is empty: edgemood scan FOLDER")
    if as_json:
        for track in tracks:
            say(shapes.line(shapes.track(track)))
        for failure in failures:
            say(shapes.line(shapes.failure(failure)))
        return
    if tracks:
        say(text.TRACK_HEADING)
    for track in tracks:
        say(text.track(track))
    if failures:
        say(f"{text.number(len(failures), 'file')} that could not be analysed:")
    for failure in failures:
        say(f"  {printable(failure.path)}: {printable(failure.error)}")
    if failed and not failures:
        say("no file has failed")


@click.command(epilog=example("edgemood prune"))
@library_option
@json_option
def prune(as_json: bool) -> None:
    """Remove songs whose files are gone.

    Until then they are kept as missing and never recommended: the drive may just be unplugged. What was played stays
    in the history.
    """
    with engine() as mood:
        removed = mood.prune()
    say(shapes.line({"removed": removed}) if as_json else f"removed {text.number(removed, 'song')}")
