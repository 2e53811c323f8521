"""Finds songs by the beginnings of words, whatever their order, case and accents."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_LONGEST = 24  # bytes of a word that count
_WORDS = 20  # of a search that are looked up
_LAST = b"\xff"  # after all that a word can go on with
#: Letters with a stroke or joined, which Unicode does not take apart.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
#: A sign of a script without spaces is a word; so is any run of other letters and digits. A line's end ends a song.
_WORD = re.compile("[\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\\W_\u3005-\u9fff]+|\n")

Mask = NDArray[np.bool_]


def fold(text: str) -> str:
    """Give a text without case and accents: ``"Für Elise"`` and ``"fur elise"`` are the same."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFKD", folded).translate(_marks()).translate(_PLAIN)


@lru_cache(maxsize=1)
def _marks() -> dict[int, None]:
    """Accents and the like: what combines with the letter before it."""
    return {code: None for code in range(0x300, min(0x20000, sys.maxunicode)) if unicodedata.combining(chr(code))}


class Words:
    """Which song has which words. Built once, then only asked.

    Parameters
    ----------
    words
        In their order, each once: bytes of UTF-8.
    begins
        Where the songs of each word begin in `songs`, and the end of the last ones.
    songs
        Rows of songs, word after word.
    count
        How many songs there are.

    """

    def __init__(
        self, words: NDArray[np.bytes_], begins: NDArray[np.int64], songs: NDArray[np.uint32], count: int
    ) -> None:
        self._words, self._begins, self._songs, self._count = words, begins, songs, count

    def find(self, search: str) -> Mask:
        """Tell which songs have, for each word of `search`, one that begins so."""
        found = np.ones(self._count, bool)
        for word in dict.fromkeys(_WORD.findall(fold(search).replace("\n", " "))[:_WORDS]):
            key = word.encode("utf-8", "replace")[:_LONGEST]
            first = int(np.searchsorted(self._words, np.bytes_(key)))
            last = int(np.searchsorted(self._words, np.bytes_(key + _LAST)))
            having = np.zeros(self._count, bool)
            having[self._songs[self._begins[first] : self._begins[last]]] = True
            found &= having
        return found


class Gather:
    """Gathers the words of songs, some songs at a time."""

    def __init__(self) -> None:
        self._known: defaultdict[str, int] = defaultdict()
        self._known.default_factory = self._known.__len__
        self._end = self._known["\n"]
        self._pairs: list[NDArray[np.uint64]] = []
        self._count = 0

    def add(self, texts: Sequence[str]) -> None:
        """Add songs: one text each, folded, without line ends."""
        found = _WORD.findall("\n".join([*texts, ""]))
        codes = np.fromiter(map(self._known.__getitem__, found), np.uint64, len(found))
        ends = codes == self._end
        rows = (np.cumsum(ends) - ends + self._count).astype(np.uint64)
        self._pairs.append(np.unique((codes << np.uint64(32) | rows)[~ends]))
        self._count += len(texts)

    def done(self) -> Words:
        """Give what was gathered."""
        spelled = np.array([word.encode("utf-8", "replace")[:_LONGEST] for word in self._known], f"S{_LONGEST + 1}")
        words, places = np.unique(spelled, return_inverse=True)
        pairs = np.concatenate(self._pairs) if self._pairs else np.empty(0, np.uint64)
        self._pairs.clear()
        pairs = places.astype(np.uint64)[(pairs >> np.uint64(32)).astype(np.int64)] << np.uint64(32) | (
            pairs & np.uint64(0xFFFFFFFF)
        )
        pairs.sort()
        begins = np.searchsorted(pairs, np.arange(len(words) + 1, dtype=np.uint64) << np.uint64(32))
        return Words(words, begins, (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32), self._count)
