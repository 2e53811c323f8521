"""The command that saves what can be read of a damaged library."""

from __future__ import annotations

from pathlib import PurePath

import click

from edgemood import shapes
from edgemood.cli.group import example, json_option, library_option, printable, say

#: Tables, and what people call what is in them.
_NOUNS = {
    "plays": "plays",
    "events": "skips, likes and bans",
    "sums": "songs whose old plays are counted",
    "labels": "moods set by hand",
    "listeners": "listeners",
    "tracks": "songs",
    "files": "places of songs",
    "moods": "moods of songs",
}


@click.command(epilog=example("edgemood repair", "edgemood repair --library /media/usb/library.db"))
@library_option
@json_option
def repair(as_json: bool) -> None:
    """Save what can be read of a damaged library.

    What listeners did comes first, then the songs; the next scan brings back what is missing of those. The damaged file
    is kept beside the new one. Where nothing is damaged, nothing is done. End other programs that use the library
    first.
    """
    from edgemood._repair import repair as save
    from edgemood.library import default_path

    settings = click.get_current_context().obj or {}
    done = save(settings.get("library") or default_path())
    if as_json:
        names = {"path": shapes.shown(done.path), "kept_as": done.kept_as and shapes.shown(done.kept_as)}
        say(shapes.line({**vars(done), **names, "saved": dict(done.saved), "lost": dict(done.lost)}))
        return
    if not done.damaged:
        say(f"{printable(done.path)} is not damaged")
        return
    say(f"{printable(done.path)} was damaged. Saved:")
    for table, noun in _NOUNS.items():
        lost = f" ({done.lost[table]:,} lost)" if table in done.lost else ""
        say(f"  {noun}: {done.saved.get(table, 0):,}{lost}")
    say(f"The damaged file is kept as {printable(PurePath(done.kept_as or '').name)}.")
    say("Scan your music again to fill in what is missing: edgemood scan FOLDER")
