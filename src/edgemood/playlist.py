"""Playlists as extended M3U8, which every player reads. Pure: gives the bytes of the file.

A path is written as the bytes it has on disk, also where they are not UTF-8: an entry that plays is worth more than
a file that is UTF-8 throughout. A path with a line break, which the format cannot hold, becomes a ``file:`` URI.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath
from urllib.parse import quote_from_bytes

from edgemood.domain import Track


def m3u8(tracks: Iterable[Track]) -> bytes:
    """Return the playlist of `tracks` in their order, paths as the library has them (absolute)."""
    lines = [b"#EXTM3U"]
    for track in tracks:
        # -1 is the format's word for an unknown length.
        lines.append(f"#EXTINF:{round(track.duration_s) or -1},{_caption(track)}".encode("utf-8", "replace"))
        lines.append(_location(track.path))
    return b"\n".join(lines) + b"\n"


def _caption(track: Track) -> str:
    """``Artist - Title`` on one line; the file's name where there is no title."""
    title = track.tags.title or PurePath(track.path).stem
    caption = f"{track.tags.artist} - {title}" if track.tags.artist else title
    return " ".join("".join(char if char.isprintable() else " " for char in caption).split())


def _location(path: str) -> bytes:
    exact = os.fsencode(path)
    if b"\n" in exact or b"\r" in exact:
        return b"file://" + quote_from_bytes(exact).encode("ascii")
    return exact
