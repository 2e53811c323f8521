"""Programs that work on a library until they are ended: ``python -m tools.faults.actors KIND LIBRARY FIRST [...]``.

Each prints a line for whatever it was promised to be kept, as soon as it was: ``play 17``, ``song 4``. Numbers go up
from FIRST. `kept` tells what of it is in a library.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

from edgemood.errors import EdgemoodError
from edgemood.library import Library
from tools.faults import made_up

LISTENERS = ("default", "anna", "böse")


def plays(library: Library, first: int) -> Iterator[str]:
    """Note plays and, each fourth time, a skip, for three listeners in turn. The number is the time."""
    for number in count(first):
        who = LISTENERS[number % 3]
        if number % 4:
            library.add_play(1 + number % 5, at=number, listener=who)
        else:
            library.add_event(1 + number % 5, "skip", at=number, heard=0.5, listener=who)
        yield f"play {number}"


def songs(library: Library, first: int) -> Iterator[str]:
    """Store what scans find, and pack the shelf now and then."""
    for number in count(first):
        made_up.store(library, number)
        yield f"song {number}"
        if number % 20 == 0:
            library.pack_shelf(made_up.MODEL)


def mixed(library: Library, first: int) -> Iterator[str]:
    """Do both in turns."""
    for play, song in zip(plays(library, first), songs(library, first), strict=True):
        yield play
        yield song


#: A flush that is under way at the instant when the kernel locks a disk may be acknowledged by it and not be done (seen
#: with strace on Linux 6.18, ext4: fdatasync gives 0). No program can know. Counted apart; only the last thing before
#: the first refusal can be such a one.
NOT_FLUSHED = "flushes that the kernel acknowledged and did not do"

ACTORS: dict[str, Callable[[Library, int], Iterator[str]]] = {"plays": plays, "songs": songs, "mixed": mixed}


def kept(library: Library) -> set[str]:
    """List what there is in a library, as the lines above name it."""
    events = (event for who in library.listeners() for event in library.events(who, 1 << 40))
    titles = (track.tags.title for track in library.tracks())
    return {f"play {int(event.at)}" for event in events} | {title.replace("Song", "song") for title in titles}


def whole_file(library: Library) -> list[str]:
    """Say what SQLite finds wrong with a library."""
    wrong = [str(row) for row in library._database.query("PRAGMA integrity_check") if row != ("ok",)]
    return wrong + [str(row) for row in library._database.query("PRAGMA foreign_key_check")]


def whole(library: Library) -> list[str]:
    """Say what is wrong with a library of made-up songs, what does not unpack, too."""
    wrong = whole_file(library)
    for track in library.tracks():
        library.track(track.id)
        library.features(track.id)
    if library.shelf(made_up.MODEL).ids.tolist() != [track.id for track in library.tracks() if not track.missing]:
        wrong.append("the shelf has other songs than the library")
    return wrong


def main(kind: str, path: str, first: str, *options: str) -> None:
    """Work until ended, or until nothing more can be kept for three times; `options`: see below."""
    library = Library.open(path)
    if "careless" in options:  # the control: what others acknowledge
        library._database.query("PRAGMA synchronous = OFF")
    refused = 0
    steps = ACTORS[kind](library, int(first))
    while refused < (1000 if "patient" in options else 3):
        try:
            print(next(steps), flush=True)
        except EdgemoodError as error:
            refused += 1
            print(f"refused {error}", flush=True)
            steps = ACTORS[kind](library, int(first) + 100_000 * refused)
            time.sleep(0.02)
    os._exit(0)  # without the checkpoint of a good close


if __name__ == "__main__":
    main(*sys.argv[1:])
