"""Makes a library of the present schema, to be kept as a test for as long as edgemood can read it.

Run it once, when a schema is about to be released, as ``python tests/data/make_library.py`` and commit the file it
writes. Never make a file anew whose schema has been released: it stands for what users have on their disks.
"""

import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from made_up import RECIPE, analysis  # noqa: E402

from edgemood import _format  # noqa: E402
from edgemood._shelf import Shelves  # noqa: E402
from edgemood.domain import Failure  # noqa: E402
from edgemood.library import FileStamp, Library  # noqa: E402


def make(path: Path) -> None:
    """Three songs, one of them known at two places and one missing; files that failed; what two listeners did."""
    with Library.open(path) as library:
        for number, genre in ((1, ""), (2, "Rock; Pop"), (3, "")):
            made = analysis(number)
            made = replace(made, tags=replace(made.tags, genre=genre), speech=0.25 if number == 2 else None)
            library.store(f"/music/{number}.ogg", FileStamp(1000 + number, 5, 6), made, RECIPE)
        for name, stamp in (("copy of 1", FileStamp(1001, 7, 8)), ("1", FileStamp(1001, 5, 6))):
            library.place(f"/music/{name}.ogg", stamp, analysis(1).content, analysis(1).tags)
        library.fail(Failure("/music/b\udce4d.mp3", "CorruptAudioError", "it is cut off"), FileStamp(9, 9, 9), "v1")
        library.fail(Failure("/music/3.ogg", "UnsupportedFormatError", "it is text"), FileStamp(7, 7, 7), "v1")
        library.add_play(2, at=1_700_000_000.5)
        library.add_play(1, at=1_700_000_300.0)
        library.add_event(2, "skip", at=1_700_000_100.0, heard=0.25)
        library.add_event(1, "like", at=1_700_000_400.0, listener="anna")
        library.set_label(2, "calm")
        library.set_note("player:kitchen", "{}")
        Shelves(library._database).pack("test-1")


if __name__ == "__main__":
    target = HERE / f"library_v{len(_format.MIGRATIONS)}.db"
    if target.exists():
        sys.exit(f"{target} is there already; see the text at the top")
    make(target)
    print(target)
