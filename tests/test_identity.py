"""The content hash survives retagging and nothing else; tags are read whatever state they are in."""

from __future__ import annotations

import os
import shutil
import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
from audio_files import AV_FORMATS, FORMATS, NOT_UTF8, cut, deadline, id3v2, mutated, overwrite, write_tone
from mutagen import apev2, asf, flac, id3, mp4

from edgemood.domain import Tags
from edgemood.errors import UnreadableError
from edgemood.identity import _field, content_hash, read_tags

PICTURE = np.random.default_rng(0).bytes(300_000)


def tag_id3(path: Path) -> None:
    frames = [id3.TIT2(3, ["a title"]), id3.TPE1(3, ["one", "two"]), id3.TALB(3, ["an album"])]
    tags = id3.ID3()
    for frame in [*frames, id3.APIC(3, "image/jpeg", 3, "cover", PICTURE)]:
        tags.add(frame)
    media = mutagen.File(path)
    if media is not None and path.suffix in (".wav", ".aiff"):
        media.add_tags()
        media.tags.update(tags)
        media.save()
    else:
        tags.save(path, v1=2)


def tag_vorbis(path: Path) -> None:
    media = mutagen.File(path)
    media["title"], media["artist"], media["album"] = ["a title"], ["one", "two"], ["an album"]
    picture = flac.Picture()
    picture.data = PICTURE
    if isinstance(media, flac.FLAC):
        media.add_picture(picture)
    else:
        media["metadata_block_picture"] = [b64encode(picture.write()).decode()]
    media.save()


def tag_mp4(path: Path) -> None:
    media = mp4.MP4(path)
    media["\xa9nam"], media["\xa9ART"], media["\xa9alb"] = ["a title"], ["one", "two"], ["an album"]
    media["covr"] = [mp4.MP4Cover(PICTURE)]
    media.save()


def tag_asf(path: Path) -> None:
    media = asf.ASF(path)
    media["Title"], media["Author"], media["WM/AlbumTitle"] = ["a title"], ["one", "two"], ["an album"]
    media["WM/Picture"] = [asf.ASFByteArrayAttribute(PICTURE)]
    media.save()


def tag_ape(path: Path) -> None:
    tags = apev2.APEv2()
    tags["Title"], tags["ARTIST"], tags["Album"] = "a title", ["one", "two"], "an album"
    tags["Cover Art (Front)"] = apev2.APEValue(PICTURE, apev2.BINARY)
    tags.save(path)


TAGGERS: dict[str, Callable[[Path], None]] = {
    ".mp3": tag_id3,
    ".wav": tag_id3,
    ".aiff": tag_id3,
    ".flac": tag_vorbis,
    ".ogg": tag_vorbis,
    ".opus": tag_vorbis,
    ".m4a": tag_mp4,
    ".alac.m4a": tag_mp4,
    ".wma": tag_asf,
    ".aac": tag_id3,
    ".wv": tag_ape,
}


def made(path: Path, seed: int = 0) -> Path:
    """A tone of three seconds; skips where it takes PyAV to write it."""
    if any(path.name.endswith(suffix) for suffix in AV_FORMATS):
        pytest.importorskip("av")
        return write_tone(path, 3.0, sample_rate=44_100, seed=seed)
    return write_tone(path, 3.0, seed=seed)


# -- the hash -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", TAGGERS)
def test_retagging_does_not_change_the_hash(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"x{suffix}")
    plain, size = content_hash(path), path.stat().st_size
    assert len(plain) == 16
    TAGGERS[suffix](path)
    assert path.stat().st_size > size + len(PICTURE)
    assert content_hash(path) == plain
    assert read_tags(path) == Tags("a title", "one; two", "an album")
    if suffix == ".aac":
        id3.delete(path)
    else:
        mutagen.File(path).delete()
    assert path.stat().st_size < size + len(PICTURE)
    assert content_hash(path) == plain
    assert read_tags(path) == Tags()


@pytest.mark.parametrize("suffix", TAGGERS)
def test_other_audio_has_another_hash(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"x{suffix}")
    plain = content_hash(path)
    assert content_hash(made(tmp_path / f"again{suffix}")) == plain or suffix in (".ogg", ".opus", ".m4a", ".wma")
    assert content_hash(made(tmp_path / f"other{suffix}", seed=1)) != plain
    for share in (0.5, 0.75, 0.9):
        content = path.read_bytes()
        at = int(len(content) * share)
        if suffix in (".ogg", ".opus"):
            at = content.rfind(b"OggS", 0, at) - 10  # the last bytes of a page, never its header
        before = content[at]
        overwrite(path, at, bytes([before ^ 1]))
        assert content_hash(path) != plain
        overwrite(path, at, bytes([before]))
    assert content_hash(path) == plain
    assert content_hash(cut(path, 0.9)) != plain


def test_names_and_places_do_not_matter(tmp_path: Path) -> None:
    path = made(tmp_path / "x.ogg")
    plain = content_hash(path)
    for name in ("x.mp3", "x", NOT_UTF8):
        assert content_hash(shutil.copy(path, tmp_path / name)) == plain


def test_every_kind_of_tag_around_mp3(tmp_path: Path) -> None:
    path = made(tmp_path / "x.mp3")
    music, plain = path.read_bytes(), content_hash(path)
    ape = tmp_path / "tag"
    ape.touch()
    tag_ape(ape)
    words = b"LYRICSBEGIN" + b"LYR00012some lyrics.IND0000200"
    lyrics2 = words + b"%06d" % len(words) + b"LYRICS200"
    lyrics1 = b"LYRICSBEGIN" + b"some lyrics" * 30 + b"LYRICSEND"
    id3v1 = (b"TAG" + b"a title").ljust(128, b"\0")
    for before in (b"", id3v2(10), id3v2(40_000), id3v2(500, footer=True), id3v2(20) + id3v2(30)):
        for after in (b"", id3v1, ape.read_bytes(), ape.read_bytes() + id3v1, lyrics2 + id3v1, lyrics1 + id3v1):
            path.write_bytes(before + music + after)
            assert content_hash(path) == plain


def test_id3_versions_and_unsynchronisation(tmp_path: Path) -> None:
    path = made(tmp_path / "x.mp3")
    plain = content_hash(path)
    tags = id3.ID3()
    tags.add(id3.APIC(3, "image/jpeg", 3, "cover", b"\xff\xfb\x90\x00" * 5000))  # looks like frame headers
    for version in (3, 4):
        for padding in (0, 1, 5000):
            tags.save(path, v2_version=version, padding=lambda info, padding=padding: padding)
            assert content_hash(path) == plain
    content = path.read_bytes()
    path.write_bytes(content[:5] + b"\x80" + content[6:])  # the flag alone: sizes count the bytes as they are
    assert content_hash(path) == plain


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".wv"])
def test_id3_around_other_formats(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"x{suffix}")
    plain, music = content_hash(path), path.read_bytes()
    path.write_bytes(id3v2(1000) + music + b"TAG".ljust(128, b"\0"))
    assert content_hash(path) == plain


def test_chained_ogg(tmp_path: Path) -> None:
    one, two = made(tmp_path / "1.ogg"), made(tmp_path / "2.ogg", seed=1)
    chain = tmp_path / "x.ogg"
    chain.write_bytes(one.read_bytes() + two.read_bytes())
    plain = content_hash(chain)
    tag_vorbis(one)
    chain.write_bytes(one.read_bytes() + two.read_bytes())
    assert content_hash(chain) == plain
    assert plain not in (content_hash(one), content_hash(two))


def test_mp4_boxes_in_any_order_and_size(tmp_path: Path) -> None:
    def box(name: bytes, payload: bytes, wide: bool = False) -> bytes:
        if wide:
            return struct.pack(">I4sQ", 1, name, 16 + len(payload)) + payload
        return struct.pack(">I4s", 8 + len(payload), name) + payload

    music = np.random.default_rng(1).bytes(3_000_000)
    head = box(b"ftyp", b"M4A \0\0\0\0")
    path = tmp_path / "x.m4a"
    layouts = [
        head + box(b"moov", b"x" * 100) + box(b"mdat", music),
        head + box(b"mdat", music) + box(b"moov", b"y" * 5000),
        head + box(b"free", b"") + box(b"mdat", music, wide=True) + box(b"moov", b""),
        head + struct.pack(">I4s", 0, b"mdat") + music,
        head + box(b"mdat", music[:1000]) + box(b"moof", b"z") + box(b"mdat", music[1000:]),
    ]
    hashes = set()
    for layout in layouts:
        path.write_bytes(layout)
        hashes.add(content_hash(path))
    assert len(hashes) == 1


def test_malformed_containers_are_hashed_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for head in (
        b"fLaC" + b"\x00\xff\xff\xff",
        b"OggS" + bytes(40),
        b"\0\0\0\x08ftyp" + b"\0\0\0\x02mdat",
        b"\0\0\0\x08ftyp" + b"\0\0\0\x01mdat" + b"\0\0\0\0\0\0\0\x03",
        b"RIFF\0\0\0\0WAVE",
        b"FORM\0\0\0\0AIFF",
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(8),
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"",
    ):
        path.write_bytes(head + b"one")
        one = content_hash(path)
        path.write_bytes(head + b"two")
        with deadline(5):
            assert content_hash(path) != one


@pytest.mark.parametrize("suffix", [*FORMATS, *AV_FORMATS])
def test_random_damage(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"x{suffix}")
    if suffix in TAGGERS:
        TAGGERS[suffix](path)
    content, rng = path.read_bytes(), np.random.default_rng(4)
    for _ in range(30):
        path.write_bytes(mutated(content, rng))
        with deadline(10):
            assert len(content_hash(path)) == 16
            assert isinstance(read_tags(path), Tags)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        with deadline(5):
            with pytest.raises(UnreadableError):
                content_hash(path)
            assert read_tags(path) == Tags()


# -- tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*FORMATS, *AV_FORMATS])
def test_no_tags(tmp_path: Path, suffix: str) -> None:
    assert read_tags(made(tmp_path / f"x{suffix}")) == Tags()


@pytest.mark.parametrize("suffix", [s for s in TAGGERS if s not in AV_FORMATS])
def test_tags_by_content_not_name(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"x{suffix}")
    TAGGERS[suffix](path)
    for name in ("x.txt", NOT_UTF8, "x.ogg", "x.mp3"):
        path = path.rename(tmp_path / name)
        assert read_tags(path) == Tags("a title", "one; two", "an album")


def test_ape_and_id3v1_on_mp3(tmp_path: Path) -> None:
    path = made(tmp_path / "ape.mp3")
    tag_ape(path)
    assert read_tags(path) == Tags("a title", "one; two", "an album")
    path = made(tmp_path / "v1.mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + b"a title".ljust(30) + b"caf\xe9".ljust(30) + bytes(65))
    assert read_tags(path) == Tags("a title", "café", "", "Blues")  # what the byte 0 stands for


def test_riff_info(tmp_path: Path) -> None:
    path = made(tmp_path / "x.wav")
    info = b"INFO" + b"INAM\x08\0\0\0a title\0" + b"IART\x05\0\0\0caf\xc3\xa9\0" + b"IPRD\x03\0\0\0\xff\xfe\0\0"
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", len(info)) + info)
    assert read_tags(path) == Tags("a title", "café", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}")


def test_odd_values(tmp_path: Path) -> None:
    path = made(tmp_path / "x.flac")
    media = flac.FLAC(path)
    media["title"] = ["  two\r\nlines\x00\x1b[31m and\ttabs  ", " ", ""]
    media["artist"] = [" one ", "\u2028", "Björk", "初音ミク"]
    media["album"] = ["x" * 100_000]
    media.save()
    tags = read_tags(path)
    assert tags.title == "two lines [31m and tabs"
    assert tags.artist == "one; Björk; 初音ミク"
    assert tags.album == "x" * 1000


def test_lone_surrogates(tmp_path: Path) -> None:
    path = made(tmp_path / "x.mp3")
    frame = b"TIT2" + b"\0\0\0\x0b" + b"\0\0" + b"\x01\xff\xfe" + b"a\0" + b"\x00\xd8" + b"b\0" + b"\0\0"
    path.write_bytes(b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame + path.read_bytes())
    assert read_tags(path) == Tags()  # mutagen drops such a frame
    assert _field([{"title": ["a\ud800b"]}], ("title",)) == "a\N{REPLACEMENT CHARACTER}b"
