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

from edgemood.errors import EdgemoodError

TYPE_CHECKING = False  # as type checkers know it; `typing` takes as long to load as all of Python

if TYPE_CHECKING:
    from edgemood.domain import (
        Event,
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
    from edgemood.wish import Wish

    __version__: str

__all__ = [
    "EdgemoodError",
    "Engine",
    "Event",
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
    "Wish",
    "__version__",
    "open",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what is asked for only now: the command can then catch Ctrl-C before anything large is loaded."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name == "__version__":
            from importlib.metadata import version

            return version("edgemood")
        from importlib import import_module

        elsewhere = {"Engine": "edgemood.engine", "open": "edgemood.engine", "Wish": "edgemood.wish"}
        return getattr(import_module(elsewhere.get(name, "edgemood.domain")), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
