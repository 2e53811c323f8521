"""The command ``edgemood mpd``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgemood.cli.dj import dj_options, serve, settings
from edgemood.cli.files import Given
from edgemood.cli.group import example
from edgemood.errors import ConfigError, LibraryError

if TYPE_CHECKING:
    from edgemood.autodj import Settings
    from edgemood.engine import Engine
    from edgemood.player import Player

_PORT = 6600
_FILES = {"config": "edgemood-mpd.toml", "service": "edgemood-mpd.service"}
_KNOWN = 20  # songs of the library that MPD may be asked for


def _print_file(ctx: click.Context, option: click.Parameter, which: str | None) -> None:
    if which is not None:
        contrib = Path(__file__).parents[1] / "contrib"
        click.echo((contrib / _FILES[which]).read_text("utf-8"), nl=False)
        ctx.exit()


@click.command(
    epilog=example(
        "edgemood mpd",
        "edgemood mpd --dry-run --verbose",
        "edgemood mpd --host /run/mpd/socket --ahead 5 --toward calm --over 20",
        "edgemood mpd --print config > mpd.toml; edgemood mpd --config mpd.toml",
    )
)
@click.option("--host", metavar="HOST|SOCKET", help="Where MPD is [default: MPD_HOST, its usual socket, localhost].")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port [default: MPD_PORT, or 6600].")
@click.option("--password-file", metavar="FILE", type=Given(dir_okay=False), help="The password is its first line.")
@click.option(
    "--print",
    type=click.Choice(list(_FILES)),
    is_eager=True,
    expose_value=False,
    callback=_print_file,
    help="Print an example of a configuration, or of a systemd service, and end.",
)
@dj_options
def mpd(  # noqa: PLR0913 - options, all by name
    *,
    config: str | None,
    password_file: str | None,
    dry_run: bool,
    once: bool,
    verbose: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Be the DJ of an MPD (Music Player Daemon): follow it, and keep its queue filled.

    Plays and skips are noted, songs that suit the listener's mood are queued behind those that people queue, moods are
    written to MPD's stickers, and music that is new is scanned. It waits for an MPD that is not there, and ends at
    SIGTERM or Ctrl-C. docs/mpd.md tells all of it.
    """
    from edgemood.autodj.settings import secret

    password = None if password_file is None else secret(password_file)
    chosen = settings(config, password=password, **given)
    serve(_player, chosen, dry_run=dry_run, once=once, verbose=verbose, quiet=quiet)


def _player(chosen: Settings, mood: Engine) -> Player:
    from edgemood.players.mpd import Mpd

    host, port, password = address(chosen)
    return Mpd(host, port, password=password, folder=chosen.music, known=lambda: _some_paths(mood))


def address(chosen: Settings) -> tuple[str, int, str | None]:
    """Tell where MPD is and its password: as the settings say, else as ``mpc`` finds it.

    That is MPD_HOST, ``[password@]host`` or a socket's path, and MPD_PORT; then the sockets where MPD usually listens,
    and ``localhost``.
    """
    port = chosen.port or _environment_port()
    if chosen.host is not None:
        host = chosen.host
        return os.path.expanduser(host) if host.startswith("~") else host, port, chosen.password  # noqa: PTH111
    named = os.environ.get("MPD_HOST", "")
    password, at, host = named.partition("@")  # the first one: a host may be an abstract socket, "@name"
    if not (at and password):
        password, host = "", named
    if host:
        return host, port, chosen.password or password or None
    if chosen.port is None and "MPD_PORT" not in os.environ:
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        for socket in (*([f"{runtime}/mpd/socket"] if runtime else []), "/run/mpd/socket"):
            with suppress(OSError):
                if Path(socket).is_socket():
                    return socket, port, chosen.password
    return "localhost", port, chosen.password


def _environment_port() -> int:
    text = os.environ.get("MPD_PORT") or str(_PORT)
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 1 << 16):
        raise ConfigError(f"MPD_PORT is {text!r}, no port: 1 to 65535")
    return int(text)


def _some_paths(mood: Engine) -> Iterator[str]:
    """Paths of songs in the library; none where there is none yet."""
    with suppress(LibraryError):
        yield from (track.path for track in mood.library(limit=_KNOWN))
