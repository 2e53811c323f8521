"""Pictures: ``edgemood plot song``, ``edgemood plot library``, ``edgemood plot listener``."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from edgemood import shapes
from edgemood.cli.files import Given, OutFile, replace
from edgemood.cli.group import (
    EXIT_USAGE,
    engine,
    example,
    json_option,
    library_option,
    listener_option,
    model_option,
    printable,
    say,
)
from edgemood.domain import SongAnalysis, Track
from edgemood.errors import LibraryError, NotYetError
from edgemood.plot import SUFFIXES, Picture

if TYPE_CHECKING:
    from edgemood.engine import Engine

_NAMED = 40  # songs up to which a library's picture names each
_POINTS = 5000  # moods of a listener that are drawn
_LONGEST = 60  # characters of a file's name in the name of its picture

out_option = click.option(
    "-o", "--out", type=OutFile(suffixes=SUFFIXES), metavar="FILE", help="Where to: .png, .svg or .pdf."
)


@click.group("plot", invoke_without_command=True, epilog=example("edgemood plot library", "edgemood plot song 17"))
@click.pass_context
def plot(ctx: click.Context) -> None:
    """Draw songs, the library or the listener.

    The file is named, and what is to be seen on it is said in a sentence, which is in the file, too. Pictures need
    matplotlib: pip install 'edgemood[plot]'.
    """
    if ctx.invoked_subcommand is None:
        say(ctx.get_help())
        ctx.exit(EXIT_USAGE)


@plot.command(epilog=example("edgemood plot song song.flac", "edgemood plot song 17 -o mood.svg"))
@library_option
@model_option
@json_option
@out_option
@click.argument("song", metavar="FILE|ID", type=Given())
@click.pass_context
def song(ctx: click.Context, song: str, out: str | None, as_json: bool) -> None:
    """Draw how the mood of a song moves, and which part of it decided.

    A song of the library is drawn as it was judged; any other file, and with --model any, is judged now, without
    keeping it. [default name: edgemood-SONG.png]
    """
    from edgemood import plot as pictures

    with engine() as mood:
        track = _known(mood, song)
        path = track.path if track else song
        if track and track.mood and "model" not in (ctx.obj or {}):
            judged, tags = track.mood, track.tags
            note = "the mood was set by hand, the curves are the model's" if track.labelled else ""
        else:
            analysis = _judged(mood, path)
            judged, tags, note = analysis.mood, analysis.tags, ""
    title = tags.title or shapes.shown(PurePath(path).name)
    out = out or f"edgemood-{printable(PurePath(path).stem)[:_LONGEST].replace('/', ' ')}.png"
    name = f"{title} ({tags.artist})" if tags.artist else title
    _write(out, pictures.song(judged, name, PurePath(out).suffix, note), as_json)


@plot.command(epilog=example("edgemood plot library", "edgemood plot library -o map.pdf"))
@library_option
@json_option
@out_option
def library(out: str | None, as_json: bool) -> None:
    """Draw where the songs lie on the plane of valence and arousal.

    A few are drawn with their names, some thousands each for itself, more as a density. Songs that are missing or not
    judged yet are counted only. [default name: edgemood-library.png]
    """
    from edgemood import plot as pictures

    out = out or "edgemood-library.png"
    with engine() as mood:
        model = mood.store.latest_model()
        if model is None or not len(shelf := mood.store.shelf(model)):
            raise NotYetError("no song of the library that is there has a mood yet: edgemood scan FOLDER")
        names = {}
        if len(shelf) <= _NAMED:
            names = {track.id: _name(track) for track in map(mood.track, shelf.ids.tolist())}
        stats = mood.store.stats()
    left_out = {"missing": stats.missing, "not judged by it": stats.songs - stats.missing - len(shelf)}
    parts = [f"{count:,} {what}" for what, count in left_out.items() if count > 0]
    note = f"not shown: {', '.join(parts)}" if parts else ""
    _write(out, pictures.library(shelf, PurePath(out).suffix, names, note), as_json)


@plot.command(epilog=example("edgemood plot listener", "edgemood plot listener --days 30 -o november.svg"))
@library_option
@listener_option
@json_option
@out_option
@click.option("--hours", type=click.FloatRange(0.1, 24 * 366), help="How far to look back. [default: 6]")
@click.option("--days", type=click.FloatRange(0.1, 366), help="The same in days; more than one has a row for each day.")
def listener(hours: float | None, days: float | None, out: str | None, as_json: bool) -> None:
    """Draw the listener's mood over what was played and skipped.

    It is the mood that was read after each song then. [default name: edgemood-listener.png]
    """
    from edgemood import plot as pictures

    if hours is not None and days is not None:
        raise click.UsageError("give --hours or --days, not both")
    back = hours or 24 * (days or 0.25)
    out = out or "edgemood-listener.png"
    with engine() as mood:
        history = mood.history(back, _POINTS)
        who = mood.listener
    if not history.events:
        raise NotYetError(f"{printable(who)} heard nothing in the last {back:g} h: --days looks back further")
    _write(out, pictures.listener(history, who, PurePath(out).suffix), as_json)


def _known(mood: Engine, song: str) -> Track | None:
    """Return the song of the library; None where it is a file that the library does not know."""
    try:
        return mood.track(song)
    except LibraryError:  # of which UnknownTrackError is one: a file can be drawn without any library
        if Path(song).exists() or not song.isdecimal():
            return None
        raise


def _judged(mood: Engine, path: str) -> SongAnalysis:
    """Judge a file in a process of its own, which may crash on it."""
    ((_, found),) = mood.analyse_each([path])
    if not isinstance(found, SongAnalysis):
        raise click.ClickException(f"{path}: {found.error}")
    return found


def _name(track: Track) -> str:
    return track.tags.title or shapes.shown(PurePath(track.path).stem)


def _write(out: str, picture: Picture, as_json: bool) -> None:
    replace(out, picture.content)
    if as_json:
        say(shapes.line({**shapes.path(str(Path(out).absolute())), "alt": picture.alt}))
    else:
        say(f"{printable(out)}: {printable(picture.alt)}")
