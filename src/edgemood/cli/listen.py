"""Commands around listening: played, now, next."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from edgemood import playlist
from edgemood.cli import shapes, text
from edgemood.cli.files import STDOUT, Given, OutFile, naming, replace
from edgemood.cli.group import engine, example, json_option, library_option, say
from edgemood.domain import Pick
from edgemood.errors import LibraryError

if TYPE_CHECKING:
    from edgemood.engine import Engine


@click.command(epilog=example("edgemood played ~/Music/song.flac", "edgemood played 17"))
@library_option
@json_option
@click.argument("songs", metavar="FILE|ID...", type=Given(), nargs=-1, required=True)
def played(songs: tuple[str, ...], as_json: bool) -> None:
    """Note that songs were just played, in this order.

    A number that is not the name of a file in the library is an id, as `edgemood library` shows it. What was played is
    on the disk when the command returns. Either all songs are noted or, where one is not in the library, none.
    """
    with engine() as mood:
        known = [mood.track(song) for song in songs]
        plays = mood.played_each([track.id for track in known])
    for play, track in zip(plays, known, strict=True):
        say(shapes.line(shapes.played(play, track)) if as_json else f"played: {text.name(track)}")


@click.command(epilog=example("edgemood now", "edgemood now --json"))
@library_option
@json_option
def now(as_json: bool) -> None:
    """Tell the listener's present mood, and why.

    It is read from the last ten songs played.
    """
    with engine() as mood:
        listener = mood.now()
    for line in [shapes.line(shapes.listener(listener))] if as_json else text.listener(listener):
        say(line)


@click.command("next", epilog=example("edgemood next -n 5", "edgemood next --m3u next.m3u8", "edgemood next --json"))
@library_option
@json_option
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True, help="How many songs.")
@click.option("--m3u", type=OutFile(dash=True), help="Write a playlist (M3U8); - for stdout.")
def next_songs(count: int, m3u: str | None, as_json: bool) -> None:
    """Recommend what to play next.

    The songs nearest to the listener's mood come first. Songs just played are left out, and no artist comes twice in a
    row. Where there is nothing to offer the exit code is 1, and a playlist that is there stays as it is.
    """
    if as_json and m3u == "-":
        raise click.UsageError("--json and --m3u - both write to stdout: give one of them, or name a file")
    with engine() as mood:
        picks = mood.next(count)
        if not picks:
            raise LibraryError(f"nothing to offer: {_why_nothing(mood)}")
    content = playlist.m3u8(pick.track for pick in picks) if m3u else b""
    if m3u == "-":
        with naming(STDOUT):
            sys.stdout.buffer.write(content)
        return
    if m3u:
        replace(m3u, content)
    for pick in picks:
        say(shapes.line(shapes.pick(pick)) if as_json else _described(pick))


def _described(pick: Pick) -> str:
    return f"{pick.track.id:>6}  {text.clock(pick.track.duration_s):>7}  {text.name(pick.track)}: {pick.reason}"


def _why_nothing(mood: Engine) -> str:
    # Not Path.exists, which raises where a folder may not be entered.
    if all(os.path.exists(track.path) for track in mood.library()):  # noqa: PTH110
        return "every song was just played, or is still to be judged (edgemood scan FOLDER)"
    return "every song was just played or is not there now (is a drive unplugged?)"
