"""The command ``edgemood serve``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from edgemood.cli.files import Given
from edgemood.cli.group import EXIT_INTERRUPTED, example, library_option, listener_option, model_option, say
from edgemood.errors import ConfigError

#: Threads of NumPy's that would only wait, busily: what is multiplied here is small. Read when it is first imported.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_HOST, _PORT = "127.0.0.1", 6680  # `server.settings`, which takes too long to import for a --help


def secret(file: str | None, what: str) -> str | None:
    """Read the first line of a file that holds something secret.

    Raises
    ------
    ConfigError
        There is no such file, or nothing in it.

    """
    if file is None:
        return None
    try:
        with Path(file).open(encoding="utf-8") as stream:
            word = stream.readline(2000).strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the {what} cannot be read from {file}: {error}") from error
    if not word:
        raise ConfigError(f"there is no {what} in {file}")
    return word


@click.command(
    epilog=example(
        "edgemood serve",
        "edgemood serve --folder ~/Music --cpu 50% --open",
        "(umask 077; head -c 24 /dev/urandom | base64 > token); edgemood serve --host 0.0.0.0 --token-file token",
    )
)
@library_option
@model_option
@listener_option
@click.option("--host", default=_HOST, show_default=True, help="The address to listen on; 0.0.0.0: all networks.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0: any that is free.")
@click.option(
    "--token-file", metavar="FILE", type=Given(dir_okay=False), help="Its first line is what clients have to know."
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name that clients call this machine by, as in car.local; addresses always do.",
)
@click.option(
    "--proxy",
    "proxies",
    metavar="ADDRESS",
    multiple=True,
    help="Where a proxy of yours asks from: it is believed for whom (X-Forwarded-For, -Proto). Also 10.0.0.0/24.",
)
@click.option("--folder", "folders", metavar="DIR", type=Given(), multiple=True, help="May be scanned by request.")
@click.option("--cpu", metavar="PERCENT", help="A scan takes at most so much of one core, as in 25%.")
@click.option("--memory", metavar="SIZE", help="A scan takes at most so much memory, as in 200M.")
@click.option("--subsonic-user", metavar="NAME", help="For OpenSubsonic clients.  [default: edgemood]")
@click.option(
    "--subsonic-password-file", metavar="FILE", type=Given(dir_okay=False), help="Their password is its first line."
)
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    *,
    token_file: str | None,
    subsonic_user: str | None,
    subsonic_password_file: str | None,
    browse: bool,
    **given: Any,
) -> None:
    """Show the library, moods and what to play next to browsers and apps, over HTTP.

    Only programs on this machine can reach it, unless --host names another address; that needs a token. It ends at
    SIGTERM or Ctrl-C, and its scan with it. docs/serve.md tells all of it.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    try:
        from edgemood.server import Settings
        from edgemood.server.run import run
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'edgemood[serve]'") from error

    if subsonic_user is not None:
        if subsonic_password_file is None:
            raise ConfigError(f"--subsonic-user {subsonic_user}: this needs --subsonic-password-file FILE")
        given["subsonic_user"] = subsonic_user
    asked = ctx.obj or {}
    settings = Settings(
        token=secret(token_file, "token"),
        subsonic_password=secret(subsonic_password_file, "password"),
        **{name: asked[name] for name in ("library", "model", "listener") if name in asked},
        **given,
    )

    def ready(address: str) -> None:
        say(f"edgemood listens at {address}")
        sys.stdout.flush()
        if browse:
            click.launch(address)

    if run(settings, ready) == signal.SIGINT:
        ctx.exit(EXIT_INTERRUPTED)
