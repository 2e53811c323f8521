"""What is exchanged with other players: playlists written, and histories taken in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from edgemood import playlist, shapes
from edgemood.cli import text
from edgemood.cli.files import STDOUT, Given, OutFile, naming, replace
from edgemood.cli.group import engine, example, json_option, library_option, listener_option, printable, say, warn
from edgemood.domain import Track

if TYPE_CHECKING:
    from datetime import tzinfo

    from edgemood.importing import ImportReport

F = TypeVar("F", bound=Callable[..., None])

_SHOWN = 10  # lines that could not be read


def playlist_options(command: F) -> F:
    """Add the options that write playlists."""
    for option in (
        click.option(
            "--relative-to",
            metavar="DIR",
            type=Given(),
            help="Write paths below DIR relative to it: MPD's music folder, or where the playlist will lie.",
        ),
        click.option("--xspf", type=OutFile(dash=True), help="Write a playlist (XSPF); - for stdout."),
        click.option("--m3u", type=OutFile(dash=True), help="Write a playlist (M3U8); - for stdout."),
    ):
        command = option(command)
    return command


def require_one_stdout(as_json: bool, m3u: str | None, xspf: str | None) -> None:
    """Raise UsageError where several things would go to stdout."""
    asked = {"--json": as_json, "--m3u -": m3u == "-", "--xspf -": xspf == "-"}
    names = [name for name, is_so in asked.items() if is_so]
    if len(names) > 1:
        them = "both" if len(names) == 2 else "all"
        raise click.UsageError(f"{' and '.join(names)} {them} write to stdout: give one of them, or name a file")


def write(tracks: Sequence[Track], m3u: str | None, xspf: str | None, relative_to: str | None) -> bool:
    """Write the playlists that were asked for; whether one went to stdout, which is then not ours any more."""
    for file, make in ((m3u, playlist.m3u8), (xspf, playlist.xspf)):
        if file == "-":
            with naming(STDOUT):
                sys.stdout.buffer.write(make(tracks, relative_to))
        elif file:
            replace(file, make(tracks, relative_to))
    return "-" in (m3u, xspf)


class Zone(click.ParamType["tzinfo"]):
    """``UTC``, or a name as ``Europe/Berlin``."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        """Make a time zone of it."""
        from datetime import timezone
        from zoneinfo import ZoneInfo

        if str(value).upper() == "UTC":
            return timezone.utc
        try:
            return ZoneInfo(str(value))
        except (OSError, ValueError, KeyError):  # as it says that there is none
            self.fail(f"there is no time zone {value!r} here: UTC, or a name as Europe/Berlin", param, ctx)


@click.command(
    "import",
    epilog=example(
        "edgemood import /media/player/.scrobbler.log --timezone Europe/Berlin",
        "edgemood import listenbrainz_anna.zip --listener anna --unmatched",
    ),
)
@library_option
@listener_option
@json_option
@click.option("--timezone", "zone", metavar="ZONE", type=Zone(), help="Of a player's clock [default: that of here].")
@click.option("--ids", "read_ids", is_flag=True, help="Find songs by MusicBrainz' ids in their tags, too: slow.")
@click.option("--unmatched", is_flag=True, help="List what was heard that the library does not have.")
@click.argument("files", metavar="FILE...", type=Given(dir_okay=False), nargs=-1, required=True)
def import_history(files: tuple[str, ...], as_json: bool, zone: tzinfo | None, read_ids: bool, unmatched: bool) -> None:
    """Take in what was heard elsewhere.

    Files are logs of portable players (.scrobbler.log), ListenBrainz' export (its zip, or .jsonl files of it) or its
    listens as JSON. Songs are found by path, artist and title, album and length. Times are kept; the same file again
    adds nothing. A line that cannot be read is said, and the others go on.
    """
    with engine() as mood:
        report = mood.import_history(*files, zone=zone, read_ids=read_ids)
    if as_json:
        say(shapes.line(shapes.imported(report, unmatched)))
        return
    for line in _summary(report, unmatched):
        say(line)
    for song in report.songs if unmatched else ():
        say(f"  {song.times:>5}  {printable(song.artist)} - {printable(song.title)}")
    for problem in report.problems[:_SHOWN]:
        warn(f"{problem.where}: {problem.why}")
    if report.malformed > _SHOWN:
        warn(f"and {report.malformed - _SHOWN:,} more that could not be read")


def _summary(report: ImportReport, listed: bool) -> list[str]:
    hint = "" if listed else " (--unmatched lists them)"
    others = {
        "known already": report.known,
        "before the history that is kept, passed over": report.old,
        f"of songs that the library does not have{hint}": report.unmatched,
        "that could not be read": report.malformed,
    }
    noted = f"{text.number(report.plays, 'play')} and {text.number(report.skips, 'skip')} noted"
    return [noted, *(f"{count:,} {what}" for what, count in others.items() if count)]
