"""The command that writes moods into the files' own tags, and takes them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from edgemood import shapes
from edgemood.cli import text
from edgemood.cli.files import Given
from edgemood.cli.group import EXIT_FAILED, complain, engine, example, json_option, library_option, printable, say, warn

if TYPE_CHECKING:
    from edgemood.tagging import Tagging

_SUMS = {
    "written": "{} written",
    "restored": "{} as before again",
    "unchanged": "{} unchanged",
    "kept": "{} with a mood of others, which was kept (--overwrite)",
    "unsure": "{} of unsure mood, not written (--unsure)",
    "unjudged": "{} not judged yet: edgemood scan FOLDER",
    "changed": "{} changed by others since, left alone",
    "missing": "{} not there now",
    "unsupported": "{} in a format without a known place for a mood",
    "failed": "{} failed",
}

_NAMED = 20  # files of each of the kinds that are left alone


@click.command(
    epilog=example(
        "edgemood tag --all --dry-run",
        "edgemood tag ~/Music/Album 17",
        'edgemood tag --all --format "{Mood}"',
        "edgemood tag --undo",
    )
)
@library_option
@json_option
@click.option("--all", "everything", is_flag=True, help="All songs of the library.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--undo", is_flag=True, help="Take back what was written, where nobody changed it since [default: all].")
@click.option("--status", is_flag=True, help="Tell what was written, and whether it is still there [default: all].")
@click.option("--overwrite", is_flag=True, help="Replace moods that others wrote, too.")
@click.option("--unsure", is_flag=True, help="Write moods that the model is not sure of, too.")
@click.option("--touch", is_flag=True, help="Let the files' times be now; else they stay as they are.")
@click.option(
    "--format",
    "template",
    metavar="TEXT",
    default="{mood}",
    show_default=True,
    help="What to write; {mood} {Mood} {probability} {valence} {arousal} {model} stand for the song's.",
)
@click.argument("songs", metavar="[FILE|DIR|ID]...", type=Given(), nargs=-1)
def tag(songs: tuple[str, ...], everything: bool, undo: bool, status: bool, as_json: bool, **how: Any) -> None:
    """Write moods into the tags of music files, where other players find them.

    The field is the standard one of each format (TMOO, MOOD, Mood, WM/Mood); all other tags and the audio stay as they
    are, and so do the files' times. A power cut leaves each file as it was or as it will be. Files that name a mood of
    somebody else already, and songs of unsure mood, are left alone. The exit code is 1 if a file failed.
    """
    from edgemood.tagging import How

    if undo and status:
        raise click.UsageError("--undo and --status are two questions: give one of them")
    if (songs and everything) or not (songs or everything or undo or status):
        raise click.UsageError("name songs or folders, or give --all")
    count: Counter[str] = Counter()
    with engine() as mood:
        done = mood.tagged(*songs) if status else (mood.untag if undo else mood.tag)(*songs, how=How(**how))
        for one in done:
            count[one.what] += 1
            _tell(one, as_json, status)
            if not as_json and one.what in ("kept", "unsupported") and count[one.what] <= _NAMED:
                warn(f"{one.path}: {one.why or 'kept, as it names ' + ', '.join(one.moods)}")
    if not as_json:
        nothing = "nothing was written into any file" if undo or status else "no song of the library is there now"
        for line in _sums(count, how["dry_run"]) if count else [nothing]:
            say(line)
    if count["failed"]:
        click.get_current_context().exit(EXIT_FAILED)


def _sums(count: Counter[str], dry_run: bool) -> Iterator[str]:
    for what, words in _SUMS.items():
        if count[what]:
            would = " (a rehearsal)" if dry_run and what in ("written", "restored") else ""
            yield words.format(text.number(count[what], "file")) + would


def _tell(one: Tagging, as_json: bool, status: bool) -> None:
    if as_json:
        say(shapes.line(shapes.tagging(one)))
    elif one.what == "failed":
        complain(f"{one.path}: {one.why}")
    elif one.what in ("written", "restored", "changed", "missing") or status:
        moods = printable(", ".join(one.moods)) or "no mood"
        before = f" (was {printable(', '.join(one.before))})" if one.before and one.before != one.moods else ""
        say(f"{one.what}: {printable(one.path)}: {moods}{before}")
