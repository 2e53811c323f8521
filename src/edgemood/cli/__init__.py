"""The command ``edgemood``. Thin: it asks the engine and prints, for a person or (``--json``) for a program.

Exit codes: 0 all went well; 1 a file could not be read, or there is nothing to tell (nothing played, no such song,
no usable library or model); 2 the command was not used as its help says; 130 interrupted; 141 the reader of the output
went away.
"""

from __future__ import annotations

import click

from edgemood.cli.collection import library, prune, scan
from edgemood.cli.group import EXIT_USAGE, Group, example, library_option
from edgemood.cli.inspect import features, models, mood
from edgemood.cli.listen import next_songs, now, played


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExit codes: 0 fine, 1 a file failed or nothing to tell, 2 wrong usage, 130 interrupted.\n\n"
    + example("edgemood scan ~/Music", "edgemood played ~/Music/song.flac", "edgemood next -n 5"),
)
@library_option
@click.version_option(package_name="edgemood", message="edgemood %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Know the mood of every song, read the listener's, and say what to play next."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(EXIT_USAGE)


for command in (scan, library, prune, mood, features, models, played, now, next_songs):
    main.add_command(command)
