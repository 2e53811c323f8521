"""Commands around listening: played, now, next."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from edgemood import playlist
from edgemood.cli import shapes, text
from edgemood.cli.group import engine, example, json_option, library_option
from edgemood.domain import Pick


@click.command(epilog=example("edgemood played ~/Music/song.flac", "edgemood played 17"))
@library_option
@json_option
@click.argument("songs", metavar="FILE|ID...", nargs=-1, required=True)
def played(songs: tuple[str, ...], as_json: bool) -> None:
    """Note that songs were just played, in this order.

    A number that is not the name of a file in the library is an id, as `edgemood library` shows it. What was played is
    on the disk when the command returns. Either all songs are noted or, where one is not in the library, none.
    """
    with engine() as mood:
        known = [mood.track(song) for song in songs]
        for track in known:
            play = mood.played(track.id)
            click.echo(shapes.line(shapes.played(play, track)) if as_json else f"played: {text.name(track)}")


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
        click.echo(line)


@click.command("next", epilog=example("edgemood next -n 5", "edgemood next --m3u next.m3u8", "edgemood next --json"))
@library_option
@json_option
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True, help="How many songs.")
@click.option("--m3u", type=click.Path(dir_okay=False, allow_dash=True), help="Write a playlist (M3U8); - for stdout.")
def next_songs(count: int, m3u: str | None, as_json: bool) -> None:
    """Recommend what to play next.

    The songs nearest to the listener's mood come first. Songs just played are left out, and no artist comes twice in a
    row.
    """
    with engine() as mood:
        picks = mood.next(count)
    if m3u:
        _write_playlist(m3u, picks)
    if m3u == "-":
        return
    for pick in picks:
        click.echo(shapes.line(shapes.pick(pick)) if as_json else _described(pick))


def _described(pick: Pick) -> str:
    return f"{pick.track.id:>6}  {text.clock(pick.track.duration_s):>7}  {text.name(pick.track)}: {pick.reason}"


def _write_playlist(out: str, picks: list[Pick]) -> None:
    """Write all of it or nothing: a player may be reading the one that is there."""
    content = playlist.m3u8(pick.track for pick in picks)
    if out == "-":
        sys.stdout.buffer.write(content)
        return
    target = Path(out).resolve()
    if target.exists() and not target.is_file():  # a pipe or device
        target.write_bytes(content)
        return
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
