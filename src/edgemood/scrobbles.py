"""What other programs noted of what was heard: their files, line by line. `_matching` finds the songs they mean.

Read are logs of portable players (``.scrobbler.log``, Audioscrobbler 1.0 and 1.1) and ListenBrainz: the zip file of its
export, the ``.jsonl`` files in there, and listens as its API gives them (JSON).
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import IO, Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from edgemood.errors import ConfigError, EdgemoodError, UnreadableError

_LARGEST_JSON = 256 << 20  # bytes: what has no lines is read as a whole
_LONGEST_LINE = 1 << 20
_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()  # before it, a player's clock was not set


class Listen(NamedTuple):
    """One song heard, as another program noted it; what it does not say is empty, or None.

    at: when it began, seconds since the epoch; path: where the file lay; mbid: MusicBrainz' id of the recording.
    """

    at: float
    artist: str
    title: str
    album: str = ""
    duration_s: float | None = None
    skipped: bool = False
    mbid: str = ""
    path: str = ""


_Found = tuple[str, Listen | str]  # where, and what is there or why it cannot be read


@dataclass(frozen=True)
class Malformed:
    """What cannot be read: where (file and line), and why."""

    where: str
    why: str


def read(
    path: str | os.PathLike[str], zone: tzinfo | None = None, latest: float = math.inf
) -> Iterator[Listen | Malformed]:
    """Read a file of listens, whichever kind it is; a line that cannot be read does not stop the others.

    Parameters
    ----------
    path
        The file.
    zone
        Where the clock of a portable player stood that did not know its time zone; here if None.
    latest
        Seconds since the epoch: nothing can have been heard later.

    Raises
    ------
    UnreadableError
        The file cannot be read.
    ConfigError
        It holds no listens of a known kind.

    """
    name = os.path.basename(os.fsdecode(path))  # noqa: PTH119
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            if zipfile.is_zipfile(file):
                found = _zip(file, name)
            else:
                file.seek(0)
                found = _plain(file, name, zone)
            for where, one in found:
                if isinstance(one, Listen) and not one.at <= latest:
                    yield Malformed(where, "its time lies ahead of the clock")
                else:
                    yield one if isinstance(one, Listen) else Malformed(where, one)
    except EdgemoodError:
        raise
    except Exception as error:  # there is no telling what unpacking a damaged zip file raises
        why = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{os.fsdecode(path)} cannot be read: {why}") from error


def _plain(file: IO[bytes], name: str, zone: tzinfo | None) -> Iterator[_Found]:
    head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    file.seek(0)
    if head.startswith(b"#AUDIOSCROBBLER/"):
        yield from _log(file, name, zone)
    elif head.startswith(b"{") and not re.match(rb'\{\s*"(payload|listens)"', head):
        yield from _jsonl(file, name)
    elif head.startswith((b"[", b"{")):
        yield from _json(file, name)
    elif head:
        raise ConfigError(f"{name} holds no listens: neither a .scrobbler.log nor ListenBrainz' JSON or zip")


def _lines(file: IO[bytes], name: str) -> Iterator[tuple[str, str | None]]:
    """Yield each line with the place where it is; None for one that is far too long."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        whole = len(line) < _LONGEST_LINE or line.endswith(b"\n")
        while not whole and (rest := file.readline(_LONGEST_LINE)):
            whole = rest.endswith(b"\n")
            line = b""
        yield f"{name}, line {number}", line.decode("utf-8", "replace").strip("\r\n\ufeff") if line else None


# ---------------------------------------------------------------------------------------------------- .scrobbler.log


def _log(file: IO[bytes], name: str, zone: tzinfo | None) -> Iterator[_Found]:
    clock: tzinfo | None = zone
    for where, line in _lines(file, name):
        if line is None:
            yield where, "it is far too long"
        elif line.startswith("#"):
            if line.upper().startswith("#TZ/"):
                clock = timezone.utc if line[4:].strip().upper() == "UTC" else zone
        elif line.strip():
            try:
                yield where, _log_line(line, clock)
            except ValueError as error:
                yield where, str(error)


def _log_line(line: str, clock: tzinfo | None) -> Listen:
    fields = line.split("\t")
    if len(fields) not in (7, 8):  # version 1.0 has no id of MusicBrainz
        raise ValueError(f"it has {len(fields)} fields, not 8")
    artist, album, title, _, length, rating, at = (field.strip() for field in fields[:7])
    if rating not in ("L", "S"):
        raise ValueError(f"its rating is {rating!r}, neither L (listened) nor S (skipped)")
    began = float(_integer(at, "time"))
    if clock is not timezone.utc:  # the player's wall clock, written as if it stood in Greenwich
        began = datetime.fromtimestamp(began, timezone.utc).replace(tzinfo=None).replace(tzinfo=clock).timestamp()
    duration_s = float(_integer(length, "length")) if length else None
    return _checked(Listen(began, artist, title, album, duration_s or None, rating == "S", "".join(fields[7:]).strip()))


def _integer(text: str, what: str) -> int:
    if not re.fullmatch(r"\d{1,11}", text, re.ASCII):
        raise ValueError(f"its {what} is {text!r}, not a number of seconds")
    return int(text)


def _checked(listen: Listen) -> Listen:
    if not listen.artist or not listen.title:
        raise ValueError("it names no artist or no title")
    if not math.isfinite(listen.at):
        raise ValueError("its time is no time: not a number of seconds since 1970")
    if listen.at < _EARLIEST:
        raise ValueError("its time lies before the year 2000: the player's clock was not set")
    return listen


# -------------------------------------------------------------------------------------------------------- ListenBrainz


def _zip(file: IO[bytes], name: str) -> Iterator[_Found]:
    with zipfile.ZipFile(file) as archive:
        inside = [entry for entry in archive.namelist() if re.search(r"(^|/)listens/.*\.jsonl?$", entry)]
        if not inside:
            raise ConfigError(f"{name} holds no listens: it is no export of ListenBrainz")
        for entry in sorted(inside):
            with archive.open(entry) as part:
                yield from _jsonl(part, f"{name}, {entry}")


def _jsonl(file: IO[bytes], name: str) -> Iterator[_Found]:
    for where, line in _lines(file, name):
        if line is None:
            yield where, "it is far too long"
        elif line.strip():
            try:
                yield where, _listen(json.loads(line))
            except (ValueError, RecursionError) as error:
                yield where, _why(error)


def _json(file: IO[bytes], name: str) -> Iterator[_Found]:
    data = file.read(_LARGEST_JSON + 1)
    if len(data) > _LARGEST_JSON:
        raise ConfigError(f"{name} is too large to be read at once: take the zip file of the export")
    try:
        listens = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name} is no JSON: {_why(error)}") from error
    for key in ("payload", "listens"):
        listens = listens.get(key, listens) if isinstance(listens, dict) else listens
    if not isinstance(listens, list):
        raise ConfigError(f"{name} holds no listens of ListenBrainz")
    for number, one in enumerate(listens, 1):
        try:
            yield f"{name}, listen {number}", _listen(one)
        except ValueError as error:
            yield f"{name}, listen {number}", _why(error)


def _why(error: Exception) -> str:
    return f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def _listen(given: Any) -> Listen:
    about = _mapping(_mapping(given).get("track_metadata"))
    more, mapped = _mapping(about.get("additional_info")), _mapping(about.get("mbid_mapping"))
    at = given.get("listened_at") if isinstance(given, dict) else None
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ValueError("it does not say when (listened_at)")
    milliseconds, seconds = _number(more.get("duration_ms")), _number(more.get("duration"))
    return _checked(
        Listen(
            float(at) if abs(at) < 1e12 else math.inf,
            _string(about.get("artist_name")),
            _string(about.get("track_name")),
            _string(about.get("release_name")),
            milliseconds / 1000 if milliseconds else seconds or None,
            False,
            _string(more.get("recording_mbid")) or _string(mapped.get("recording_mbid")),
            _path(_string(more.get("origin_url"))),
        )
    )


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _string(given: Any) -> str:
    return given.strip() if isinstance(given, str) else ""


def _number(given: Any) -> float:
    with_digits = isinstance(given, str) and re.fullmatch(r"\d{1,9}", given, re.ASCII)
    if with_digits or (isinstance(given, int | float) and not isinstance(given, bool)):
        return max(0.0, min(float(given), 1e9))
    return 0.0


def _path(url: str) -> str:
    if not url.startswith("file:"):
        return ""
    return os.fsdecode(unquote_to_bytes(urlsplit(url).path)).replace("\0", "")
