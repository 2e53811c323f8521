"""What kind of recording a song is, by its length, its sound and its tags: the flags of `shelf.Shelf`."""

from __future__ import annotations

import re

from edgemood.domain import Tags
from edgemood.shelf import CHRISTMAS, LONG, SHORT, SPEECH

#: Shorter than this is a jingle, longer than that an audiobook or a mix; seconds.
JINGLE_S, MIX_S = 20.0, 1800.0
#: The probability of speech from which on a recording counts as speech.
SPEECH_FROM = 0.5

_SPOKEN = re.compile(
    r"\b(speech|spoken|audio ?(book|drama|theatre|livre|libro)s?|podcasts?|h(ö|oe)r(buch|b(ü|ue)cher|spiele?)"
    r"|radio (play|drama)s?|livre lu|sprechtheater|fairy ?tales?|m(ä|ae)rchen)\b"
)
_CHRISTMAS = re.compile(
    r"\b(christmas|x-?mas|weihnacht\w*|navidad\w*|natale|natal|noël|kerst\w*|julmusik|julsång\w*)\b"
)


def flags_of(duration_s: float, tags: Tags, speech: float | None) -> int:
    """Tell what kind of recording it is: bits of `SPEECH`, `SHORT`, `LONG` and `CHRISTMAS`.

    Parameters
    ----------
    duration_s
        How long it is.
    tags
        The genre tells of speech; genre, title and album tell of Christmas.
    speech
        The probability that it is speech, by its sound; None: not known.

    """
    flags = SHORT if duration_s < JINGLE_S else LONG if duration_s > MIX_S else 0
    genre = tags.genre.casefold()
    if (speech is not None and speech >= SPEECH_FROM) or (genre and _SPOKEN.search(genre)):
        flags |= SPEECH
    if _CHRISTMAS.search(f"{genre}\n{tags.title}\n{tags.album}".casefold()):
        flags |= CHRISTMAS
    return flags


def first_genre(genre: str) -> str:
    """Give the first of the genres that a file names."""
    return genre.split(";", 1)[0].strip()
