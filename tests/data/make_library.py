"""Makes a library of the present schema, to be kept as a test for as long as edgemood can read it.

Run it once, when a schema is about to be released, as ``python tests/data/make_library.py`` and commit the file it
writes. Never make a file anew whose schema has been released: it stands for what users have on their disks.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from made_up import RECIPE, analysis  # noqa: E402

from edgemood import _database  # noqa: E402
from edgemood.domain import Failure  # noqa: E402
from edgemood.library import FileStamp, Library  # noqa: E402


def make(path: Path) -> None:
    """Three songs, one of them twice and one missing; a file that failed; two plays."""
    with Library.open(path) as library:
        for number in (1, 2, 3):
            library.store(f"/music/{number}.ogg", FileStamp(1000 + number, 5, 6), analysis(number), RECIPE)
        library.place("/music/copy of 1.ogg", FileStamp(1001, 7, 8), analysis(1).content, analysis(1).tags)
        library.fail(Failure("/music/b\udce4d.mp3", "CorruptAudioError", "it is cut off"), FileStamp(9, 9, 9), "v1")
        library.fail(Failure("/music/3.ogg", "UnsupportedFormatError", "it is text"), FileStamp(7, 7, 7), "v1")
        library.add_play(2, at=1_700_000_000.5)
        library.add_play(1, at=1_700_000_300.0)


if __name__ == "__main__":
    target = HERE / f"library_v{len(_database.MIGRATIONS)}.db"
    if target.exists():
        sys.exit(f"{target} is there already; see the text at the top")
    make(target)
    print(target)
