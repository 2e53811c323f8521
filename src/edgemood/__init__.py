"""edgemood: knows the mood of every song, reads the listener's from the last ten played, and says what to play next.

::

    import edgemood

    with edgemood.open() as engine:
        engine.scan("Music")
        engine.played("Music/song.flac")
        print(engine.now().reason)
        for pick in engine.next(10):
            print(pick.track.path, pick.reason)

Everything raised on purpose is an `EdgemoodError`; `edgemood.errors` has the tree.
"""

from edgemood.domain import (
    Failure,
    FeatureSequence,
    ListenerMood,
    Mood,
    MoodSpan,
    Pick,
    Play,
    SongAnalysis,
    Tags,
    Track,
)
from edgemood.engine import Engine, open
from edgemood.errors import EdgemoodError

__all__ = [
    "EdgemoodError",
    "Engine",
    "Failure",
    "FeatureSequence",
    "ListenerMood",
    "Mood",
    "MoodSpan",
    "Pick",
    "Play",
    "SongAnalysis",
    "Tags",
    "Track",
    "__version__",
    "open",
]


def __getattr__(name: str) -> str:
    if name == "__version__":  # reading the package's metadata takes longer than all else here: on demand
        from importlib.metadata import version

        return version("edgemood")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
