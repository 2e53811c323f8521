"""Commands that tell edgemood what a listener thinks: skipped, like, ban, forget, listeners, label."""

from __future__ import annotations

import click

from edgemood import shapes
from edgemood.cli import text
from edgemood.cli.files import Given
from edgemood.cli.group import (
    engine,
    example,
    json_option,
    library_option,
    listener_option,
    offered_option,
    printable,
    say,
)


class Share(click.ParamType[float]):
    """``0.2`` or ``20%``."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Make a number in [0, 1] of it."""
        given = str(value).strip()
        try:
            share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{given!r} is no share of a song: 0 to 1, or 0% to 100%", param, ctx)
        return share


@click.command(epilog=example("edgemood skipped ~/Music/song.flac --heard 20%", "edgemood skipped 17"))
@library_option
@listener_option
@json_option
@offered_option
@click.option("--heard", type=Share(), help="How much of it was heard: 0.2 or 20%.")
@click.argument("song", metavar="FILE|ID", type=Given())
def skipped(song: str, heard: float | None, as_json: bool, offered: bool) -> None:
    """Note that a song was skipped.

    A skip is not a play. Songs like it come less readily from now on, the less so the sooner it was skipped. It is on
    the disk when the command returns.
    """
    _note("skipped", (song,), as_json, heard=heard, offered=offered)


@click.command(epilog=example("edgemood like ~/Music/song.flac", "edgemood like 17 23"))
@library_option
@listener_option
@json_option
@click.argument("songs", metavar="FILE|ID...", type=Given(), nargs=-1, required=True)
def like(songs: tuple[str, ...], as_json: bool) -> None:
    """Note that you like songs.

    They and songs like them come more readily from now on; a song that was banned may come again.
    """
    _note("liked", songs, as_json)


@click.command(epilog=example("edgemood ban ~/Music/song.flac", "edgemood ban 17"))
@library_option
@listener_option
@json_option
@click.argument("songs", metavar="FILE|ID...", type=Given(), nargs=-1, required=True)
def ban(songs: tuple[str, ...], as_json: bool) -> None:
    """Never recommend songs again.

    `edgemood like` takes it back.
    """
    _note("banned", songs, as_json)


def _note(what: str, songs: tuple[str, ...], as_json: bool, **more: float | None) -> None:
    with engine() as mood:
        known = [mood.track(song) for song in songs]
        events = [getattr(mood, what)(track.id, **more) for track in known]
    for event, track in zip(events, known, strict=True):
        say(shapes.line(shapes.event(event, track)) if as_json else f"{what}: {text.name(track)}")


@click.command(epilog=example("edgemood forget --yes", "edgemood forget --listener anna --yes"))
@library_option
@listener_option
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(yes: bool, as_json: bool) -> None:
    """Remove all that a listener played, skipped, liked and banned.

    What was learned from it goes with it. The songs, their moods and moods set by hand stay.
    """
    with engine() as mood:
        if not yes:
            click.confirm(f"Forget all that {printable(mood.listener)} played and liked?", abort=True, err=True)
        removed = mood.forget()
    say(shapes.line({"removed": removed}) if as_json else f"forgot {text.number(removed, 'play')} and likings")


@click.command(epilog=example("edgemood listeners"))
@library_option
@json_option
def listeners(as_json: bool) -> None:
    """List the listeners."""
    with engine() as mood:
        names = mood.listeners()
    for name in names:
        say(shapes.line({"listener": name}) if as_json else printable(name))


@click.command(epilog=example("edgemood label ~/Music/song.flac calm", "edgemood label 17 --clear"))
@library_option
@json_option
@click.option("--clear", is_flag=True, help="Leave the mood to the model again.")
@click.argument("song", metavar="FILE|ID", type=Given())
@click.argument("mood", metavar="[MOOD]", required=False)
def label(song: str, mood: str | None, clear: bool, as_json: bool) -> None:
    """Set the mood of a song by hand.

    It holds from now on, whatever a model says of the song later.
    """
    if (mood is None) is not clear:
        raise click.UsageError("give a mood, or --clear")
    with engine() as edgemood:
        track = edgemood.label(song, mood)
    say(shapes.line(shapes.track(track)) if as_json else text.track(track))
