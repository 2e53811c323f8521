"""Commands around listening: played, now, next."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from edgemood import shapes
from edgemood.cli import playlists, text
from edgemood.cli.files import Given
from edgemood.cli.group import engine, example, json_option, library_option, listener_option, offered_option, say
from edgemood.domain import Pick
from edgemood.errors import LibraryError

if TYPE_CHECKING:
    from edgemood.engine import Engine
    from edgemood.wish import Wish

_LOOK_AT = 1000  # songs, to say why there is nothing to offer
_KINDS = ("speech", "short", "long", "christmas")  # `wish.KINDS`, which takes too long to import for a --help


@click.command(epilog=example("edgemood played ~/Music/song.flac", "edgemood played 17"))
@library_option
@listener_option
@json_option
@offered_option
@click.argument("songs", metavar="FILE|ID...", type=Given(), nargs=-1, required=True)
def played(songs: tuple[str, ...], as_json: bool, offered: bool) -> None:
    """Note that songs were just played, in this order.

    A number that is not the name of a file in the library is an id, as `edgemood library` shows it. What was played is
    on the disk when the command returns. Either all songs are noted or, where one is not in the library, none.
    """
    with engine() as mood:
        known = [mood.track(song) for song in songs]
        plays = mood.played_each([track.id for track in known], offered=offered)
    for play, track in zip(plays, known, strict=True):
        say(shapes.line(shapes.played(play, track)) if as_json else f"played: {text.name(track)}")


@click.command(epilog=example("edgemood now", "edgemood now --json"))
@library_option
@listener_option
@json_option
def now(as_json: bool) -> None:
    """Tell the listener's present mood, and why.

    It is read from the last ten songs played.
    """
    with engine() as mood:
        listener = mood.now()
    for line in [shapes.line(shapes.listener(listener))] if as_json else text.listener(listener):
        say(line)


def wish_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what to look for, and what not."""
    share = click.FloatRange(0, 1)
    gap = click.IntRange(min=0)
    for option in reversed(
        (
            click.option("--mood", metavar="MOOD", help="Songs of this mood, whatever yours is."),
            click.option("--toward", metavar="MOOD", help="Lead there gradually from your mood, or from --like."),
            click.option(
                "--like", "seeds", metavar="FILE|ID", type=Given(), multiple=True, help="Songs like it (again: and it)."
            ),
            click.option("--variety", type=share, help="0: only the nearest, 1: as unlike each other as can be."),
            click.option(
                "--smoothness", type=share, help="How much a song's begin has to suit the end of the one before."
            ),
            click.option("--artist-gap", type=gap, help="Songs between two by one artist."),
            click.option("--album-gap", type=gap, help="Songs between two of one album."),
            click.option(
                "--without-genre", "without_genres", metavar="TEXT", multiple=True, help="Leave out such genres."
            ),
            click.option(
                "--without-tag",
                "without_tags",
                metavar="TEXT",
                multiple=True,
                help="Leave out such titles, artists ...",
            ),
            click.option(
                "--without-folder",
                "without_folders",
                metavar="DIR",
                type=Given(),
                multiple=True,
                help="Leave out a folder.",
            ),
            click.option(
                "--include", type=click.Choice(_KINDS), multiple=True, help="Offer what is left out otherwise."
            ),
            click.option(
                "--repeat-after",
                "repeat_after_h",
                metavar="HOURS",
                type=click.FloatRange(min=0),
                help="Hours until a song may come again.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command(
    "next",
    epilog=example(
        "edgemood next -n 5",
        "edgemood next --mood calm --without-genre metal",
        "edgemood next -n 20 --toward happy --m3u next.m3u8",
        "edgemood next --xspf - > next.xspf",
        "edgemood next --like 17 --like 23 --json",
    ),
)
@library_option
@listener_option
@json_option
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True, help="How many songs.")
@playlists.playlist_options
@wish_options
def next_songs(
    count: int, m3u: str | None, xspf: str | None, relative_to: str | None, as_json: bool, **asked: Any
) -> None:
    """Recommend what to play next.

    The songs nearest to the listener's mood come first, unless another mood or other songs are named. No artist and no
    album clumps, no song of the last three hours comes again, and spoken word, jingles, recordings over half an hour
    and, out of season, Christmas songs are left out; a rule that cannot be kept is said beside the song. Where there is
    nothing to offer the exit code is 1, and a playlist that is there stays as it is.
    """
    playlists.require_one_stdout(as_json, m3u, xspf)
    with engine() as mood:
        picks = mood.next(count, wish=_wish(asked))
        if not picks:
            raise LibraryError(f"nothing to offer: {_why_nothing(mood)}")
    if playlists.write([pick.track for pick in picks], m3u, xspf, relative_to):
        return
    for pick in picks:
        say(shapes.line(shapes.pick(pick)) if as_json else _described(pick))


def _wish(asked: dict[str, Any]) -> Wish:
    """Make a wish of the options that were given; the others have its defaults."""
    from edgemood.wish import Wish

    given = {name: value for name, value in asked.items() if value is not None}
    if "repeat_after_h" in given:
        given["repeat_after_s"] = given.pop("repeat_after_h") * 3600
    return Wish(**given)


def _described(pick: Pick) -> str:
    return f"{pick.track.id:>6}  {text.clock(pick.track.duration_s):>7}  {text.name(pick.track)}: {pick.reason}"


def _why_nothing(mood: Engine) -> str:
    # Not Path.exists, which raises where a folder may not be entered.
    if all(os.path.exists(track.path) for track in mood.library(_LOOK_AT)):  # noqa: PTH110
        return "every song was just played, or banned, or left out by what was asked, or is still to be judged"
    return "every song was just played, or left out, or is not there now (is a drive unplugged?)"
