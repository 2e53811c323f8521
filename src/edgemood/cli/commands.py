"""All commands under one name."""

from __future__ import annotations

import click

from edgemood.cli.collection import library, prune, scan
from edgemood.cli.feedback import ban, forget, label, like, listeners, skipped
from edgemood.cli.group import EXIT_USAGE, Group, example, library_option, say
from edgemood.cli.inspect import features, models, mood
from edgemood.cli.listen import next_songs, now, played
from edgemood.cli.live import live
from edgemood.cli.mpd import mpd
from edgemood.cli.mpris import mpris
from edgemood.cli.playlists import import_history
from edgemood.cli.plot import plot
from edgemood.cli.repair import repair
from edgemood.cli.serve import serve
from edgemood.cli.tag import tag

EXIT_CODES = """\b
Exit codes: 0 fine, 1 a file failed (scan: every file) or nothing to tell, 2 wrong usage,
130 interrupted.

"""


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES + example("edgemood scan ~/Music", "edgemood played ~/Music/song.flac", "edgemood next -n 5"),
)
@library_option
@click.version_option(package_name="edgemood", message="edgemood %(version)s")
@click.pass_context
def edgemood(ctx: click.Context) -> None:
    """Know the mood of every song, read the listener's, and say what to play next."""
    if ctx.invoked_subcommand is None:
        say(ctx.get_help())
        ctx.exit(EXIT_USAGE)


_COLLECTION = (scan, library, prune, repair, label, tag)
_SOUND = (mood, live, features, models, plot)
_LISTENING = (played, skipped, like, ban, now, next_songs, listeners, forget, import_history)
_PLAYERS = (mpd, mpris, serve)
for command in (*_COLLECTION, *_SOUND, *_LISTENING, *_PLAYERS):
    edgemood.add_command(command)
