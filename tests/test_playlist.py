"""Playlists: every track can be found again, whatever its name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import click
import pytest

from edgemood.cli.playlists import require_one_stdout
from edgemood.domain import Tags, Track
from edgemood.playlist import m3u8, xspf


def lines(track: Track) -> list[bytes]:
    content = m3u8([track])
    assert content.startswith(b"#EXTM3U\n")
    assert content.endswith(b"\n")
    return content.splitlines()[1:]


def test_what_reads_the_net_is_not_loaded_before_an_xspf_is_written() -> None:
    code = "import sys, edgemood.playlist; sys.exit('urllib.request' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(("asked", "word"), [((True, "-", None), "both"), ((True, "-", "-"), "all")])
def test_only_one_thing_goes_to_stdout(asked: tuple[bool, str | None, str | None], word: str) -> None:
    with pytest.raises(click.UsageError, match=f" {word} write to stdout"):
        require_one_stdout(*asked)


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


# ---------------------------------------------------------------------------------------------------- relative paths


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/m/a/b.ogg", b"a/b.ogg"),
        ("/m/#1 hit.ogg", b"./#1 hit.ogg"),  # else a comment
        ("/m/ b.ogg", b"./ b.ogg"),
        ("/music/b.ogg", b"/music/b.ogg"),  # not below /m
        ("/m/b.ogg ", b"file:///m/b.ogg%20"),  # players strip lines
        (os.fsdecode(b"/m/\xe9.ogg"), b"\xe9.ogg"),
    ],
)
@pytest.mark.parametrize("folder", ["/m", "/m/", "/x/../m"])
def test_paths_below_a_folder_can_be_relative_to_it(path: str, entry: bytes, folder: str) -> None:
    assert m3u8([Track(1, path, Tags("x"), 1.0, None)], folder).splitlines()[2] == entry


def test_a_folder_may_be_named_through_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    track = Track(1, str(real / "b.ogg"), Tags("x"), 1.0, None)
    assert m3u8([track], link).splitlines()[2] == b"b.ogg"
    assert locations(xspf([track], link)) == ["b.ogg"]


# --------------------------------------------------------------------------------------------------------------- XSPF

NAMESPACE = "{http://xspf.org/ns/0/}"
#: The elements of a track in XSPF 1 that we write; the order is free there, and all but location come once at most.
KNOWN = {"location", "title", "creator", "album", "duration"}


def parsed(content: bytes) -> list[dict[str, str]]:
    """Read a playlist as a player does, and hold it against the specification."""
    root = ElementTree.fromstring(content)
    assert (root.tag, root.attrib) == (f"{NAMESPACE}playlist", {"version": "1"})
    (songs,) = root
    assert songs.tag == f"{NAMESPACE}trackList"
    tracks = []
    for song in songs:
        assert song.tag == f"{NAMESPACE}track"
        names = [child.tag.removeprefix(NAMESPACE) for child in song]
        assert len(names) == len(set(names))
        assert set(names) <= KNOWN
        tracks.append({name: child.text or "" for name, child in zip(names, song, strict=True)})
        assert tracks[-1].get("duration", "0").isdecimal()
        assert re.fullmatch(r"(file://)?[A-Za-z0-9._~/%-]+", tracks[-1]["location"])
    return tracks


def locations(content: bytes) -> list[str]:
    return [track["location"] for track in parsed(content)]


def test_xspf_says_what_is_known() -> None:
    track = Track(1, "/m/Ä & b.ogg", Tags("Tee <3", "Über", "A & B"), 61.2345, None)
    assert parsed(xspf([track, Track(2, "/m/x.ogg", Tags(), 0.0, None)])) == [
        {
            "location": "file:///m/%C3%84%20%26%20b.ogg",
            "title": "Tee <3",
            "creator": "Über",
            "album": "A & B",
            "duration": "61234",
        },
        {"location": "file:///m/x.ogg", "title": "x"},
    ]
    assert parsed(xspf([])) == []


@pytest.mark.parametrize("raw", [b"/m/\xe9\n\xff ?#%.ogg", b"/m/\x01:a;b=c+d.ogg", "/m/🎵'\".ogg".encode()])
def test_xspf_holds_any_name_exactly(raw: bytes) -> None:
    track = Track(1, os.fsdecode(raw), Tags("two\x00\x1b lines\udce9 \ufffe 🎵"), 1.0, None)
    (location,) = locations(xspf([track]))
    assert unquote_to_bytes(location.removeprefix("file://")) == raw
    (location,) = locations(xspf([track], "/m"))
    assert unquote_to_bytes(location) == raw.removeprefix(b"/m/")
    assert ":" not in location  # else a scheme
