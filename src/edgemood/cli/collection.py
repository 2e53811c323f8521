"""Commands around the collection: scan, library, prune."""

from __future__ import annotations

import click

from edgemood.cli import shapes, text
from edgemood.cli.bar import ScanBar
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
from edgemood.errors import LibraryError


@click.command(epilog=example("edgemood scan ~/Music", "edgemood scan --jobs 1 --json /media/usb"))
@library_option
@model_option
@json_option
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes [default: cores less one, at least one].")
@click.option("--retry-failed", is_flag=True, help="Try files again that failed before and have not changed.")
@click.argument("folders", metavar="DIR...", type=Given(), nargs=-1, required=True)
@click.pass_context
def scan(ctx: click.Context, folders: tuple[str, ...], as_json: bool, jobs: int | None, retry_failed: bool) -> None:
    """Analyse the music in folders and keep the results.

    Files that have not changed are not opened again, and an interrupted scan goes on where it was. A file that fails
    is listed (edgemood library --failed) and the others go on; the exit code is 1 only if no file could be analysed.
    """
    with engine() as mood, ScanBar() as bar:
        report = mood.scan(*folders, jobs=jobs, retry_failed=retry_failed, on_progress=bar.show)
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
