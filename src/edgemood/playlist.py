"""Playlists as extended M3U8, which every player reads, and XSPF. Pure: gives the bytes of the file.

In M3U8 a path is written as the bytes it has on disk, also where they are not UTF-8: an entry that plays is worth more
than a file that is UTF-8 throughout. A path that the format cannot hold becomes a ``file:`` URI, as all are in XSPF.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from urllib.parse import quote_from_bytes

from edgemood.domain import FilePath, Track

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def m3u8(tracks: Iterable[Track], relative_to: FilePath | None = None) -> bytes:
    """Return the playlist of `tracks` in their order.

    Parameters
    ----------
    tracks
        The songs.
    relative_to
        A folder: paths of songs that lie in it are written relative to it, the others absolute.

    """
    bases = _bases(relative_to)
    lines = [b"#EXTM3U"]
    for track in tracks:
        # -1 is the format's word for an unknown length.
        lines.append(f"#EXTINF:{round(track.duration_s) or -1},{_caption(track)}".encode("utf-8", "replace"))
        lines.append(_location(track.path, _relative(track.path, bases)))
    return b"\n".join(lines) + b"\n"


def xspf(tracks: Iterable[Track], relative_to: FilePath | None = None) -> bytes:
    """Return the playlist of `tracks` as XSPF, version 1; parameters as for `m3u8`."""
    bases = _bases(relative_to)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<playlist version="1" xmlns="http://xspf.org/ns/0/">']
    lines.append("  <trackList>")
    for track in tracks:
        path = _relative(track.path, bases)
        location = _uri(os.fsencode(track.path)) if path is None else _quoted(path)
        parts = [("location", location), ("title", track.tags.title or PurePath(track.path).stem)]
        parts += [("creator", track.tags.artist), ("album", track.tags.album)]
        parts += [("duration", str(round(1000 * track.duration_s) or ""))]  # milliseconds
        inside = "".join(f"<{name}>{_text(text)}</{name}>" for name, text in parts if text)
        lines.append(f"    <track>{inside}</track>")
    return "\n".join([*lines, "  </trackList>", "</playlist>", ""]).encode("utf-8")


def _caption(track: Track) -> str:
    """``Artist - Title`` on one line; the file's name where there is no title."""
    title = track.tags.title or PurePath(track.path).stem
    caption = f"{track.tags.artist} - {title}" if track.tags.artist else title
    return " ".join("".join(char if char.isprintable() else " " for char in caption).split())


def _location(path: str, relative: bytes | None) -> bytes:
    exact = os.fsencode(path)
    if b"\n" in exact or b"\r" in exact or exact != exact.rstrip():  # players strip lines
        return _uri(exact).encode("ascii")
    if relative is None:
        return exact
    return b"./" + relative if relative[:1] in (b"#", b" ", b"\t") else relative  # no comment


def _bases(folder: FilePath | None) -> tuple[str, ...]:
    """Give a folder's names: as it was given, and with its links resolved."""
    if folder is None:
        return ()
    return os.path.normpath(Path(os.fsdecode(folder)).absolute()), os.path.realpath(os.fsdecode(folder))


def _relative(path: str, bases: tuple[str, ...]) -> bytes | None:
    """Give the path from one of the folders; None where it lies in none."""
    for base in bases:
        start = base.rstrip("/") + "/"
        if path.startswith(start):
            return os.fsencode(path.removeprefix(start))
    return None


def _uri(path: bytes) -> str:
    return f"file://{_quoted(path)}"


def _quoted(path: bytes) -> str:
    return quote_from_bytes(path, safe="/")


def _text(text: str) -> str:
    from xml.sax.saxutils import escape  # it loads half of what knows the net, and few commands write XSPF

    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
