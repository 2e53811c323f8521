"""A music folder, and what edgemood makes of it: `python demo.py FOLDER`, or `make demo`.

Its library is kept in ./demo, so that your own is left alone and a second run has nothing to analyse.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from zlib import crc32

import edgemood

LISTEN = 10  # songs played at most
LEAVE = 5  # songs left to recommend at least


def main(music: Path) -> int:
    """Show the whole line on the songs in `music`."""
    folder = music.expanduser().resolve()
    if not folder.is_dir():
        return give_up(f"{music} is not a folder: make demo MUSIC=~/Music")
    Path("demo").mkdir(exist_ok=True)
    library = Path("demo") / f"{folder.name}-{crc32(os.fsencode(folder)):08x}.db"
    with edgemood.open(library) as engine:
        heading(f"Scanning {folder}")
        report = engine.scan(folder)
        known = f", {report.unchanged} known from before" if report.unchanged else ""
        print(f"  {report.analysed} songs analysed in {report.wall_s:.0f} s{known}")
        for failure in report.failures:
            print(f"  {failure.path} failed: {failure.error}")
        songs = [track for track in engine.library() if track.mood and not track.missing]
        if len(songs) <= LEAVE:
            return give_up(f"{len(songs)} songs with a mood in {music}: the demo needs at least {LEAVE + 1}")

        heading("The mood of each song")
        for track in songs:
            likeliest = sorted(track.mood.scores.items(), key=lambda score: score[1], reverse=True)
            closest = ", ".join(f"{label} {share:.2f}" for label, share in likeliest[:2])
            note = f"  (unsure: {closest})" if track.mood.unsure else ""
            print(f"  {track.mood.label:8} {likeliest[0][1]:4.0%}  {name(track)}{note}")

        mood, count = Counter(track.mood.label for track in songs).most_common(1)[0]
        # Where it can be, some songs of that mood are left, so that there is something good to recommend.
        number = min(LISTEN, len(songs) - LEAVE, max(count - LEAVE, (count + 1) // 2))
        queue = [track for track in songs if track.mood.label == mood][:number]
        heading(f"Playing {len(queue)} of the {count} {mood} songs")
        for track in queue:
            engine.played(track.id)
            print(f"  {name(track)}")

        now = engine.now()
        heading(f"The listener's mood: {now.label}")
        print(f"  because {now.reason}")

        heading("What to play next")
        for pick in engine.next(LEAVE, wish=edgemood.Wish(include=("short", "long"))):  # whatever the folder holds
            print(f"  {name(pick.track)}: {pick.reason}")
    command = os.path.relpath(Path(sys.executable).parent / "edgemood")
    print(f"\nGo on with: {command} --library {library} library, or {command} --help")
    return 0


def name(track: edgemood.Track) -> str:
    """``Artist - Title``, or the file's name."""
    title = track.tags.title or Path(track.path).stem
    full = f"{track.tags.artist} - {title}" if track.tags.artist else title
    return full.encode("utf-8", "backslashreplace").decode("utf-8")


def heading(text: str) -> None:
    """Print a line with another below it."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def give_up(message: str) -> int:
    """Say why on stderr, and give the exit code."""
    print(f"demo: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "examples/music")))
    except edgemood.EdgemoodError as error:
        sys.exit(give_up(str(error)))
