"""Playlists: every track can be found again, whatever its name."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

import pytest

from edgemood.domain import Tags, Track
from edgemood.playlist import m3u8


def lines(track: Track) -> list[bytes]:
    content = m3u8([track])
    assert content.startswith(b"#EXTM3U\n")
    assert content.endswith(b"\n")
    return content.splitlines()[1:]


def test_caption_and_path() -> None:
    track = Track(1, "/music/Ärger.ogg", Tags("Ärger", "Über"), 123.6, None)
    assert lines(track) == ["#EXTINF:124,Über - Ärger".encode(), "/music/Ärger.ogg".encode()]


@pytest.mark.parametrize(
    ("tags", "duration_s", "caption"),
    [
        (Tags(), 10.0, b"#EXTINF:10,song"),
        (Tags("T"), 0.2, b"#EXTINF:-1,T"),
        (Tags("two\nlines\x1b[0m", "A"), 10.0, b"#EXTINF:10,A - two lines [0m"),
    ],
)
def test_caption_is_one_clean_line(tags: Tags, duration_s: float, caption: bytes) -> None:
    assert lines(Track(1, "/m/song.ogg", tags, duration_s, None))[0] == caption


def test_a_path_that_is_not_utf8_keeps_its_bytes() -> None:
    path = os.fsdecode(b"/m/\xe9t\xe9.ogg")
    assert lines(Track(1, path, Tags("x"), 1.0, None))[1] == b"/m/\xe9t\xe9.ogg"


def test_a_path_with_a_line_break_becomes_a_uri() -> None:
    raw = b"/m/a\nb \xff.ogg"
    entry = lines(Track(1, os.fsdecode(raw), Tags("x"), 1.0, None))[1]
    assert unquote_to_bytes(entry.removeprefix(b"file://")) == raw


def test_an_empty_playlist_is_a_playlist() -> None:
    assert m3u8([]) == b"#EXTM3U\n"
