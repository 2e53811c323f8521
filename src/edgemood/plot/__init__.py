"""Pictures: a song's mood over time, a library on the plane of valence and arousal, a listener's mood over plays.

They need matplotlib (the extra ``plot``). Each comes with a sentence that says what is to be seen on it, which is in
the file, too. Moods are told apart by colour (`edgemood.palette`) and by a second cue: name, marker or hatching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TYPE_CHECKING = False  # see edgemood/__init__.py
if TYPE_CHECKING:
    from edgemood.domain import Listening, Mood
    from edgemood.shelf import Shelf

#: What the name of a picture may end in.
SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Picture:
    """A picture: the content of its file, and in words what is to be seen on it."""

    content: bytes
    alt: str


def song(mood: Mood, title: str, suffix: str, note: str = "") -> Picture:
    """Draw the moods' shares over a song's time, valence and arousal, and where the attention lies.

    Parameters
    ----------
    mood
        What to draw; its timeline has at least one span.
    title
        Of the song.
    suffix
        One of `SUFFIXES`, in any case: the format.
    note
        What else is to be said of the song.

    Raises
    ------
    ConfigError
        matplotlib is not installed, or there is no such format.

    """
    from edgemood.plot import _song

    return _song.draw(mood, title, suffix, note)


def library(shelf: Shelf, suffix: str, names: Mapping[int, str] | None = None, note: str = "") -> Picture:
    """Draw where a library's songs lie on the plane of valence and arousal, and how many are of which mood.

    Parameters
    ----------
    shelf
        The songs; at least one.
    suffix
        As for `song`.
    names
        By id, of the songs that are to be named: a few.
    note
        What else is to be said, of songs that are not shown perhaps.

    Raises
    ------
    ConfigError
        As for `song`.

    """
    from edgemood.plot import _library

    return _library.draw(shelf, suffix, names or {}, note)


def listener(listening: Listening, who: str, suffix: str) -> Picture:
    """Draw a listener's mood over what was played and skipped; time without music is left blank.

    Up to two days are drawn as curves, more as a row for each day. Times of day are local.

    Parameters
    ----------
    listening
        What was done, at least one thing, and the moods read from it.
    who
        The listener's name.
    suffix
        As for `song`.

    Raises
    ------
    ConfigError
        As for `song`.

    """
    from edgemood.plot import _listener

    return _listener.draw(listening, who, suffix)
