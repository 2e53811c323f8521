"""The command ``edgemood mpris``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from edgemood.cli.dj import dj_options, serve, settings
from edgemood.cli.group import example

if TYPE_CHECKING:
    from edgemood.autodj import Settings
    from edgemood.engine import Engine
    from edgemood.player import Player


@click.command(
    epilog=example(
        "edgemood mpris --no-scan",
        "edgemood mpris --player vlc --music ~/Music --ahead 5",
        "edgemood mpris --player mpv --toward calm --over 20 --no-scan",
    )
)
@click.option(
    "--player", "host", metavar="NAME", help="Its name on the bus, such as vlc [default: the one that plays]."
)
@dj_options
def mpris(*, config: str | None, dry_run: bool, once: bool, verbose: bool, quiet: bool, **given: Any) -> None:
    """Be the DJ of a player on your desktop: any that speaks MPRIS over D-Bus, such as VLC, mpv or Strawberry.

    As `edgemood mpd`, but such players keep no moods and do not say where music lies: --music says what to scan. Where
    a player lets nobody edit its list of songs, it is given one song after the other when it comes to its end.
    """
    chosen = replace(settings(config, **given), moods=False, statistics=False)
    serve(_player, chosen, dry_run=dry_run, once=once, verbose=verbose, quiet=quiet)


def _player(chosen: Settings, _: Engine) -> Player:
    from edgemood.players.mpris import Mpris

    return Mpris(chosen.host or "")
