"""Moods in the files' own tags: the audio, all other tags and the file's times stay, whatever happens meanwhile."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import shelf
from audio_files import NOT_UTF8, deadline, mutated, write_tone
from click.testing import CliRunner, Result
from mutagen import apev2, flac, id3, mp4
from numpy.typing import NDArray

from edgemood import _ape, _id3, _mp4
from edgemood._replacing import Replacement, clear_left
from edgemood.cli.commands import edgemood as main
from edgemood.domain import Tags
from edgemood.errors import ConfigError, TagError, UnknownTrackError
from edgemood.identity import content_hash, read_tags
from edgemood.library import FileStamp, Library, State
from edgemood.tagging import How, Tagger, Tagging

FORMATS = (".wav", ".aiff", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".alac.m4a", ".wma", ".aac", ".wv")
#: Where each format keeps a mood, as mutagen, which writes none of the first three here, finds it.
PLACES = {
    ".wav": "TMOO",
    ".aiff": "TMOO",
    ".mp3": "TMOO",
    ".wv": "Mood",
    ".flac": "MOOD",
    ".ogg": "MOOD",
    ".opus": "MOOD",
    ".m4a": "----:com.apple.iTunes:MOOD",
    ".alac.m4a": "----:com.apple.iTunes:MOOD",
    ".wma": "WM/Mood",
}
LONG_AGO_NS = 1_234_567_890_123_456_789


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library" / "library.db") as opened:
        yield opened


def add(library: Library, path: Path, label: str = "happy", share: float = 0.7) -> int:
    """Store a file that is there as a song of a mood, as a scan would."""
    analysis = replace(
        shelf.analysis(str(path), label), content=content_hash(path), mood=shelf.mood(label, share), tags=Tags("T", "A")
    )
    return library.store(str(path), FileStamp.of(path.stat()), analysis, shelf.RECIPE)


def song(library: Library, folder: Path, name: str = "song.flac", label: str = "happy", **given: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = write_tone(folder / name, 0.5, sample_rate=48_000 if name.endswith(".opus") else 24_000, **given)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    add(library, path, label)
    return path


def outcomes(results: Iterator[Tagging]) -> dict[str, str]:
    return {Path(one.path).name: one.what for one in results}


def tag(library: Library, *songs: Any, **how: Any) -> dict[str, str]:
    return outcomes(Tagger(library, How(**how)).tag(songs))


def restore(library: Library, *songs: Any, **how: Any) -> dict[str, str]:
    return outcomes(Tagger(library, How(**how)).restore(songs))


def decoded(path: Path) -> NDArray[np.float32]:
    """Decode a file by FFmpeg: a judge that knows nothing of our hash."""
    import av

    with av.open(str(path)) as media:
        frames = [frame.to_ndarray().reshape(-1) for frame in media.decode(audio=0)]
    return np.concatenate(frames).astype(np.float32)


def mood_in(path: Path) -> list[str]:
    """Read the mood as mutagen does."""
    suffix = next(end for end in sorted(PLACES, key=len, reverse=True) if path.name.endswith(end))
    tags = mutagen.File(path).tags
    found = (tags or {}).get(PLACES[suffix], [])
    return [value.decode() if isinstance(value, bytes) else str(value) for value in found]


# ------------------------------------------------------------------------------------------------------ every format


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_mood_is_written_and_taken_back_and_nothing_else_changes(
    library: Library, tmp_path: Path, suffix: str
) -> None:
    path = song(library, tmp_path / "music", "song" + suffix)
    path.chmod(0o640)
    before, samples = path.read_bytes(), decoded(path)
    assert tag(library) == {path.name: "written"}
    status = path.stat()
    assert (status.st_mtime_ns, status.st_mode & 0o7777) == (LONG_AGO_NS, 0o640)
    assert path.read_bytes() != before
    np.testing.assert_array_equal(decoded(path), samples)
    if suffix in PLACES:
        assert mood_in(path) == ["happy"]
    assert library.state(str(path), FileStamp.of(status), shelf.RECIPE, "1") is State.DONE  # no scan will open it
    assert tag(library) == {path.name: "unchanged"}
    assert restore(library) == {path.name: "restored"}
    np.testing.assert_array_equal(decoded(path), samples)
    if suffix in PLACES:
        assert mood_in(path) == []
    if suffix in (".wav", ".aiff", ".mp3", ".aac"):  # there was no tag, and there is none
        assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == LONG_AGO_NS
    assert library.state(str(path), FileStamp.of(path.stat()), shelf.RECIPE, "1") is State.DONE
    assert library.written() == []
    assert [child.name for child in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".m4a", ".wma", ".mp3", ".wav", ".aiff", ".wv"])
def test_other_tags_stay(library: Library, tmp_path: Path, suffix: str) -> None:
    path = song(library, tmp_path / "music", "song" + suffix)
    media = mutagen.File(path, easy=suffix in (".mp3", ".m4a"))
    if media.tags is None:
        media.add_tags()
    for name, value in (("title", "Ärger 🎵"), ("artist", "Über")):
        if suffix in (".wav", ".aiff"):
            frame = {"title": id3.TIT2, "artist": id3.TPE1}[name]
            media.tags.add(frame(encoding=3, text=[value]))
        else:
            media[{"title": "Title", "artist": "Author"}[name] if suffix == ".wma" else name] = value
    media.save()
    add(library, path)
    before = mutagen.File(path).tags.pprint() if suffix not in (".wma",) else str(mutagen.File(path).tags.as_dict())
    tags = read_tags(path)
    assert (tags.title, tags.artist) == ("Ärger 🎵", "Über")
    assert tag(library) == {path.name: "written"}
    assert read_tags(path) == tags
    assert restore(library) == {path.name: "restored"}
    after = mutagen.File(path).tags.pprint() if suffix not in (".wma",) else str(mutagen.File(path).tags.as_dict())
    assert after == before


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".m4a", ".wma", ".mp3", ".wav", ".wv"])
def test_moods_of_others_are_kept_unless_asked_and_come_back(library: Library, tmp_path: Path, suffix: str) -> None:
    path = song(library, tmp_path / "music", "song" + suffix)
    media = mutagen.File(path)
    if media.tags is None:
        media.add_tags()
    theirs = ["wistful", "Größe 🎵"]
    if suffix == ".m4a":
        media["----:com.apple.iTunes:mood"] = [mp4.MP4FreeForm(value.encode()) for value in theirs]
    elif suffix in (".mp3", ".wav"):
        media.tags.add(id3.TMOO(encoding=1, text=theirs))
    else:
        media[{".wma": "WM/Mood", ".wv": "mood"}.get(suffix, "mood")] = theirs
    media.save()
    assert tag(library) == {path.name: "kept"}
    assert tag(library, overwrite=True, dry_run=True) == {path.name: "written"}
    assert tag(library) == {path.name: "kept"}
    assert tag(library, overwrite=True) == {path.name: "written"}
    assert mood_in(path) == ["happy"]
    assert restore(library) == {path.name: "restored"}
    (one,) = Tagger(library, How(dry_run=True)).tag([path])
    assert (one.what, sorted(one.moods)) == ("kept", sorted(theirs))


def test_formats_without_a_place_for_a_mood_are_no_failures(library: Library, tmp_path: Path) -> None:
    for name in ("a.au", "b.caf", "c.mka"):
        song(library, tmp_path / "music", name, seed=ord(name[0]))
    assert set(tag(library).values()) == {"unsupported"}


# --------------------------------------------------------------------------------------------------- ID3 by the frame


def id3_tag(version: int, frames: bytes, flags: int = 0, padding: int = 0) -> bytes:
    length = len(frames) + padding
    size = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes((version, 0, flags)) + size + frames + bytes(padding)


def frame(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    if len(name) == 3:
        return name + len(body).to_bytes(3, "big") + body
    return name + len(body).to_bytes(4, "big") + flags + body


@pytest.mark.parametrize(("version", "key"), [(2, "TXX:MOOD"), (3, "TXXX:MOOD"), (4, "TMOO")])
@pytest.mark.parametrize("padding", [0, 3, 500])
def test_an_older_tag_keeps_its_version_and_its_frames_bit_for_bit(
    library: Library, tmp_path: Path, version: int, key: str, padding: int
) -> None:
    path = song(library, tmp_path / "music", "song.mp3")
    title = frame(b"TT2" if version == 2 else b"TIT2", b"\1\xff\xfeT\0")
    unknown = frame(b"XYZ" if version == 2 else b"XYZW", bytes(range(100)))
    path.write_bytes(id3_tag(version, title + unknown, padding=padding) + path.read_bytes())
    add(library, path)
    before = path.read_bytes()
    assert tag(library) == {path.name: "written"}
    written = path.read_bytes()
    assert written[3] == version
    assert title + unknown in written
    assert library.written()[0].after == ((key, ("happy",)),)
    tags = mutagen.File(path).tags
    assert [*tags.getall("TMOO"), *tags.getall("TXXX")][0].text[-1:] == ["happy"]
    if padding == 500:
        assert len(written) == len(before)
    restore(library)
    assert title + unknown in path.read_bytes()
    assert b"happy" not in path.read_bytes()
    if padding == 500:
        assert path.read_bytes() == before


def test_id3v1_stays_and_alone_is_refused(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music", "song.mp3")
    old = (b"TAG" + b"An old title".ljust(125, b"\0"))[:128]
    plain = path.read_bytes()
    path.write_bytes(plain + old)
    (failed,) = Tagger(library).tag([])
    assert (failed.what, "ID3v1" in failed.why) == ("failed", True)
    assert path.read_bytes() == plain + old
    path.write_bytes(id3_tag(4, frame(b"TIT2", b"\3New")) + plain + old)
    assert tag(library) == {path.name: "written"}
    assert path.read_bytes().endswith(old)


def test_an_mp3_with_an_ape_tag_gets_it_there(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music", "song.mp3")
    tags = apev2.APEv2()
    tags["Title"], tags["Cover"] = "Tee", apev2.APEValue(bytes(range(256)), apev2.BINARY)
    tags.save(path)
    old = b"TAG" + bytes(125)
    path.write_bytes(path.read_bytes() + old)
    before = path.read_bytes()
    assert tag(library) == {path.name: "written"}
    assert path.read_bytes().endswith(old)
    assert dict(apev2.APEv2(path)) == {**dict(tags), "Mood": apev2.APETextValue("happy", 0)}
    restore(library)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("version", "flags", "body"),
    [
        (3, 0x80, frame(b"TXXX", b"\1\xff\xfeM\0O\0O\0D\0\0\0\xff\xfeo\0k\0").replace(b"\xff", b"\xff\0")),
        (4, 0, frame(b"TMOO", b"\0ok\0")),
        (4, 0x40, b"\0\0\0\x06\1\0" + frame(b"TMOO", b"\3ok")),
        (3, 0x40, b"\0\0\0\x06\0\0\0\0\0\0" + frame(b"TXXX", b"\0mood\0ok")),
        (3, 0x40, frame(b"TXXX", b"\0Mood\0ok")),  # announces an extended header that is not there
        (4, 0, frame(b"TMOO", b"\0\0\0\3\2\0o\0k"[4:], b"\0\0")),
        (4, 0, frame(b"TMOO", b"\x07\3ok", b"\0\x40")),  # of a group
        (4, 0, frame(b"TMOO", b"\0\0\0\3\3ok", b"\0\1")),  # says its length
        (4, 0, frame(b"APIC", bytes(200)) + frame(b"TMOO", b"\3ok")),  # sizes as an old iTunes wrote them
        (2, 0, frame(b"TXX", b"\0MOOD\0ok")),
    ],
)
def test_moods_are_read_however_a_tag_is_written(version: int, flags: int, body: bytes) -> None:
    tag = _id3.Tag.parse(id3_tag(version, body, flags, padding=7))
    assert [values for _, values in tag.moods] == [("ok",)]
    again = _id3.Tag.parse(tag.with_moods((("TMOO", ("a", "b")),) if version == 4 else tag.moods).pack())
    assert [values for _, values in again.moods] == [("a", "b") if version == 4 else ("ok",)]
    assert again.with_moods(()).frames == tag.with_moods(()).frames


def test_a_tag_that_is_all_escapes_survives() -> None:
    frames = frame(b"PRIV", b"x\0" + b"\xff\xfe\xff\0\xff\xff" * 5), frame(b"TIT2", b"\0\xff")
    tag = _id3.Tag(3, frames, 0x80)
    packed = tag.pack()
    assert b"\xff\xfe" not in packed[10:]
    assert _id3.Tag.parse(packed) == tag
    assert _id3.Tag.parse(tag.with_moods((("TXXX:MOOD", ("Größe 🎵",)),)).pack(2000)).moods == (
        ("TXXX:MOOD", ("Größe 🎵",)),
    )


@pytest.mark.parametrize(
    "damage",
    [
        id3_tag(3, frame(b"TIT2", b"\0x")[:-1]),
        id3_tag(3, b"T!T2" + bytes(20)),
        id3_tag(4, frame(b"TIT2", b"\0x") + b"\0junk"),
        id3_tag(5, b""),
        id3_tag(4, frame(b"TMOO", b"\3secret", b"\0\x0c")),
        id3_tag(4, frame(b"TMOO", b"\7no encoding")),
        id3_tag(4, frame(b"TMOO", b"\3no UTF-8 \xe9")),
    ],
)
def test_a_damaged_id3_tag_is_refused(library: Library, tmp_path: Path, damage: bytes) -> None:
    path = song(library, tmp_path / "music", "song.mp3")
    if damage[3] != 5:
        path.write_bytes(damage + path.read_bytes())
        before = path.read_bytes()
        assert tag(library) == {path.name: "failed"}
        assert path.read_bytes() == before
    else:
        with pytest.raises(TagError):
            _id3.Tag.parse(damage)


def test_damaged_ape_tags_are_refused_and_never_break_the_parser() -> None:
    tag = _ape.Tag((struct.pack("<II", 2, 0) + b"Title\0Te", struct.pack("<II", 5, 0) + b"Mood\0happy"))
    data, rng, refused = tag.pack(), np.random.default_rng(3), 0
    assert _ape.Tag.parse(data) == tag
    assert tag.moods == (("Mood", ("happy",)),)
    for _ in range(500):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            _ape.Tag.parse(bytes(damaged))
        except TagError:
            refused += 1
    assert refused > 100


def test_comments_that_are_no_text_are_not_lost(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    media = flac.FLAC(path)
    media["title"] = ["Caf\N{LATIN SMALL LETTER E WITH ACUTE}"]
    media.save()
    path.write_bytes(path.read_bytes().replace("Caf\u00e9".encode(), b"Caf\xe9!"))
    before = path.read_bytes()
    (failed,) = Tagger(library).tag([])
    assert (failed.what, "not UTF-8" in failed.why) == ("failed", True)
    assert path.read_bytes() == before


def test_an_mp4_whose_boxes_do_not_fit_is_left_alone(library: Library, tmp_path: Path) -> None:
    """Programs that follow other boxes would look for the audio where it was before the tag."""
    path = song(library, tmp_path / "music", "song.m4a")
    content = path.read_bytes()
    at = content.index(b"dinf") - 4
    path.write_bytes(content[:at] + (40_000).to_bytes(4, "big") + content[at + 4 :])
    before = path.read_bytes()
    assert tag(library) == {path.name: "failed"}
    assert path.read_bytes() == before


def test_pointers_into_the_audio_are_held_against_it(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music", "song.m4a")
    plain = mp4_layout(path)
    tag(library, template="x" * 100)
    assert mp4_layout(path) == plain
    content = bytearray(path.read_bytes())
    content[content.index(b"stco") + 15] ^= 1  # the first pointer's last byte
    path.write_bytes(content)
    assert mp4_layout(path) != plain


def mp4_layout(path: Path) -> list[tuple[object, ...]]:
    with path.open("rb") as file:
        return _mp4.layout(file.fileno())


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_files_are_written_without_harm_or_left_alone(library: Library, tmp_path: Path, suffix: str) -> None:
    path = song(library, tmp_path / "music", "song" + suffix)
    tag(library)
    whole, rng, done = path.read_bytes(), np.random.default_rng(7), set()
    for _ in range(30):
        content = bytearray(whole)
        for place in rng.integers(min(len(whole), 1500), size=rng.integers(1, 5)):
            content[place] = rng.integers(256)
        path.write_bytes(mutated(bytes(content), rng) if rng.random() < 0.2 else content)
        track_id, damaged, audio = add(library, path), path.read_bytes(), content_hash(path)
        with deadline(10):
            (one,) = Tagger(library, How(overwrite=True, template="other")).tag([track_id])
        done.add(one.what)
        assert content_hash(path) == audio
        if one.what == "written":
            assert set(restore(library, path).values()) == {"restored"}
            assert content_hash(path) == audio
        else:
            assert path.read_bytes() == damaged
    assert "written" in done


def test_a_wav_with_chunks_behind_its_tag_keeps_them(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music", "song.wav")
    wave, note = path.read_bytes(), b"note\5\0\0\0hello\0"
    tagged = id3_tag(3, frame(b"TIT2", b"\0Tee"))
    chunk = b"ID3 " + len(tagged).to_bytes(4, "little") + tagged + bytes(len(tagged) % 2)
    path.write_bytes(b"RIFF" + (len(wave) - 8 + len(chunk + note)).to_bytes(4, "little") + wave[8:] + chunk + note)
    assert tag(library) == {path.name: "written"}
    content = path.read_bytes()
    assert content.endswith(note)
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert mutagen.File(path).tags["TIT2"].text == ["Tee"]


# --------------------------------------------------------------------------------------------- what is (not) written


def test_unsure_and_unjudged_songs_are_not_written_unless_asked(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    add(library, path, "calm", share=0.4)
    assert tag(library) == {path.name: "unsure"}
    assert tag(library, unsure=True) == {path.name: "written"}
    library.set_label(1, "angry")  # what a person says is sure
    assert tag(library) == {path.name: "written"}
    assert mood_in(path) == ["angry"]


def test_our_own_mood_follows_the_model_and_undo_goes_back_to_the_beginning(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    media = flac.FLAC(path)
    media["mood"] = ["theirs"]
    media.save()
    for label in ("happy", "calm", "sad"):
        library.set_label(1, label)
        assert tag(library, overwrite=label == "happy") == {path.name: "written"}
        assert flac.FLAC(path)["mood"] == [label]
    assert restore(library) == {path.name: "restored"}
    assert flac.FLAC(path)["mood"] == ["theirs"]


def test_what_others_changed_since_is_not_taken_back(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    tag(library)
    media = flac.FLAC(path)
    media["mood"] = ["edited by hand"]
    media.save()
    assert outcomes(Tagger(library).status([])) == {path.name: "changed"}
    assert restore(library) == {path.name: "changed"}
    assert flac.FLAC(path)["mood"] == ["edited by hand"]
    assert tag(library) == {path.name: "kept"}


def test_a_file_that_was_moved_is_still_known(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    tag(library)
    moved = path.rename(path.with_name("moved.flac"))
    library.place(str(moved), FileStamp.of(moved.stat()), content_hash(moved), Tags())
    library.mark_missing([str(path.parent)])
    library.set_label(1, "sad")
    assert tag(library) == {moved.name: "written"}
    again = moved.rename(moved.with_name("again.flac"))
    library.place(str(again), FileStamp.of(again.stat()), content_hash(again), Tags())
    assert restore(library) == {again.name: "restored"}
    assert mood_in(again) == []
    assert library.written() == []


@pytest.mark.parametrize(
    ("template", "text"),
    [("{Mood}", "Happy"), ("{mood} {probability}", "happy 0.70"), ("v{valence} a{arousal}", "v+0.60 a+0.60")],
)
def test_the_value_is_what_the_format_says(library: Library, tmp_path: Path, template: str, text: str) -> None:
    path = song(library, tmp_path / "music")
    tag(library, template=template)
    assert mood_in(path) == [text]


@pytest.mark.parametrize("template", ["", "  ", "a\nb", "{nothing}", "x" * 101])
def test_formats_that_say_nothing_are_refused(template: str) -> None:
    with pytest.raises(ConfigError):
        How(template)


def test_songs_are_named_by_id_file_and_folder(library: Library, tmp_path: Path) -> None:
    first = song(library, tmp_path / "music", "1.flac", seed=1)
    second = song(library, tmp_path / "music", "2.flac", seed=2)
    third = song(library, tmp_path / "other", NOT_UTF8 + ".ogg", seed=3)
    assert tag(library, library.find(str(second)), dry_run=True) == {second.name: "written"}
    assert tag(library, str(first), first, dry_run=True) == {first.name: "written"}
    assert tag(library, tmp_path / "music", dry_run=True) == {first.name: "written", second.name: "written"}
    assert tag(library, third.parent) == {third.name: "written"}
    assert restore(library, first.parent) == {}
    assert restore(library, third) == {third.name: "restored"}
    for nowhere in (tmp_path / "nowhere.flac", tmp_path / "library", 99):
        with pytest.raises(UnknownTrackError):
            tag(library, nowhere)


def test_all_copies_of_a_song_are_written(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    copy = path.with_name("copy.flac")
    copy.write_bytes(path.read_bytes())
    add(library, copy)
    assert tag(library, 1) == {path.name: "written", copy.name: "written"}
    assert restore(library, 1) == {path.name: "restored", copy.name: "restored"}


def test_a_note_whose_writing_never_came_does_not_make_our_mood_that_of_others(
    library: Library, tmp_path: Path
) -> None:
    path = song(library, tmp_path / "music")
    tag(library)
    (note,) = library.written()
    stamp = FileStamp.of(path.stat())
    library.note_written(replace(note, after=(("MOOD", ("calm",)),), earlier=note.after), stamp, stamp)  # then: killed
    library.set_label(1, "sad")
    assert tag(library) == {path.name: "written"}
    assert mood_in(path) == ["sad"]
    assert restore(library) == {path.name: "restored"}
    assert mood_in(path) == []


def test_a_rehearsal_changes_nothing(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    before, folder = path.stat(), path.parent.stat()
    assert tag(library, dry_run=True) == {path.name: "written"}
    assert (path.stat(), path.parent.stat().st_mtime_ns) == (before, folder.st_mtime_ns)
    assert library.written() == []
    tag(library)
    before = path.stat()
    assert restore(library, dry_run=True) == {path.name: "restored"}
    assert path.stat() == before


def test_touch_lets_the_time_be_now(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    tag(library, touch=True)
    assert abs(path.stat().st_mtime - time.time()) < 60
    assert library.state(str(path), FileStamp.of(path.stat()), shelf.RECIPE, "1") is State.DONE


# ------------------------------------------------------------------------------------------------------------ hazards


def test_links_are_followed_and_hard_links_refused(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    link = path.with_name("link.flac")
    link.symlink_to(path)
    add(library, link)
    assert tag(library, link) == {link.name: "written"}
    assert link.is_symlink()
    assert mood_in(path) == ["happy"]
    for name in (path, link):
        assert library.state(str(name), FileStamp.of(name.stat()), shelf.RECIPE, "1") is State.DONE
    restore(library)
    path.with_name("other.bin").hardlink_to(path)
    (failed,) = Tagger(library).tag([path])
    assert (failed.what, "hard links" in failed.why) == ("failed", True)
    assert mood_in(path) == []


def test_files_that_must_not_be_written_are_failures_and_the_others_go_on(library: Library, tmp_path: Path) -> None:
    locked = song(library, tmp_path / "music", "1.flac", seed=1)
    gone = song(library, tmp_path / "music", "2.flac", seed=2)
    other = song(library, tmp_path / "music", "3.flac", seed=3)
    good = song(library, tmp_path / "music", "4.flac", seed=4)
    locked.chmod(0o444)
    gone.unlink()
    write_tone(other, 0.7, seed=9)  # another song lies there now
    results = {Path(one.path).name: one for one in Tagger(library).tag([])}
    assert {name: one.what for name, one in results.items()} == {
        "1.flac": "failed",
        "2.flac": "failed",
        "3.flac": "failed",
        "4.flac": "written",
    }
    assert results["1.flac"].why == "it may not be written"
    assert "scan it first" in results["3.flac"].why
    assert mood_in(good) == ["happy"]
    assert len(library.written()) == 1


def test_extended_attributes_stay(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    try:
        os.setxattr(path, "user.comment", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    tag(library)
    assert os.getxattr(path, "user.comment") == b"mine"


def test_a_full_disk_is_a_failure_that_leaves_nothing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = song(library, tmp_path / "music")
    before = path.read_bytes()

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    for name in ("copy_file_range", "fsync", "rename"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, full)
            (failed,) = Tagger(library).tag([])
        assert (failed.what, failed.why) == ("failed", "No space left on device"), name
        assert path.read_bytes() == before
        assert library.written() == []
        assert [child.name for child in path.parent.iterdir()] == [path.name]
        assert library.state(str(path), FileStamp.of(path.stat()), shelf.RECIPE, "1") is State.DONE
    assert tag(library) == {path.name: "written"}


def test_where_the_kernel_cannot_copy_we_do(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = song(library, tmp_path / "music")

    def cannot(*_: Any) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", cannot)
    assert tag(library) == {path.name: "written"}


def test_a_file_that_changes_meanwhile_is_left_alone(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = song(library, tmp_path / "music")
    settle = Replacement.settle

    def interfering(copy: Replacement, touch: bool = False) -> FileStamp:
        path.write_bytes(path.read_bytes() + b"more")
        return settle(copy, touch)

    monkeypatch.setattr(Replacement, "settle", interfering)
    (failed,) = Tagger(library).tag([])
    assert (failed.what, failed.why) == ("failed", "somebody else has changed it just now")
    assert path.read_bytes().endswith(b"more")
    assert library.written() == []


def test_a_writer_that_would_change_the_audio_is_found_out(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = song(library, tmp_path / "music")
    before = path.read_bytes()
    save = flac.FLAC.save

    def clumsy(media: flac.FLAC, file: Any) -> None:
        save(media, file)
        file.seek(-9, 2)
        file.write(b"!")

    monkeypatch.setattr(flac.FLAC, "save", clumsy)
    (failed,) = Tagger(library).tag([])
    assert (failed.what, failed.why) == ("failed", "its audio would not stay the same")
    monkeypatch.setattr(flac.FLAC, "save", lambda media, file: (media.tags.clear(), save(media, file)))
    (failed,) = Tagger(library).tag([])
    assert (failed.what, failed.why) == ("failed", "its other tags would not survive")
    assert path.read_bytes() == before


def test_copies_that_somebody_works_on_are_not_removed(library: Library, tmp_path: Path) -> None:
    path = song(library, tmp_path / "music")
    left = path.with_name(".edgemood-0123abcd.part")
    left.touch()
    path.with_name(".edgemood-0123abcd.party").touch()
    with Replacement(str(path)) as copy:
        assert clear_left(str(path.parent)) == 1
        assert not left.exists()
        assert Path(copy.path).exists()
    assert sorted(child.name for child in path.parent.iterdir()) == [".edgemood-0123abcd.party", path.name]


def test_a_copy_taken_for_one_that_was_left_is_made_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = song(library, tmp_path / "music")
    lock = fcntl.flock
    taken: list[int] = []

    def late(fd: int, how: int) -> None:
        if not taken:  # another run looks through the folder before the new copy is locked
            taken.append(fd)
            assert clear_left(str(path.parent)) == 1
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Replacement(str(path)) as copy:
        assert Path(copy.path).samefile(f"/proc/self/fd/{copy.fd}")
        assert Path(copy.path).read_bytes() == path.read_bytes()


TWICE = """
import sys
from edgemood.library import Library
from edgemood.tagging import How, Tagger

with Library.open(sys.argv[1]) as library:
    print(flush=True)
    sys.stdin.readline()
    print({one.what for one in Tagger(library, How(overwrite=True)).tag([])} - {"written", "unchanged"})
"""


def test_two_runs_at_once_keep_what_was_there_before(library: Library, tmp_path: Path) -> None:
    paths = [song(library, tmp_path / "music", f"{number}.flac") for number in range(12)]
    for path in paths:
        media = flac.FLAC(path)
        media["MOOD"] = f"mine of {path.stem}"
        media.save()
        add(library, path)
    arguments = [sys.executable, "-c", TWICE, str(tmp_path / "library" / "library.db")]
    runs = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        assert run.stdout is not None
        run.stdout.readline()
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    assert [run.communicate(timeout=60)[0].strip() for run in runs] == ["set()", "set()"]
    assert len(library.written()) == 12
    assert set(restore(library).values()) == {"restored"}
    assert [mood_in(path) for path in paths] == [[f"mine of {path.stem}"] for path in paths]


def test_a_note_of_who_wrote_the_same_where_there_are_no_locks_stays(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = song(library, tmp_path / "music")
    put = Replacement.put
    others: list[dict[str, str] | None] = []

    def late(copy: Replacement) -> None:
        if not others:
            others.append(None)
            others.append(tag(library))
        put(copy)

    monkeypatch.setattr(Replacement, "put", late)
    monkeypatch.setattr("edgemood.tagging.alone_with", lambda _: nullcontext())
    (failed,) = Tagger(library).tag([])
    assert (failed.what, others[1]) == ("failed", {path.name: "written"})
    assert restore(library) == {path.name: "restored"}
    assert mood_in(path) == []


KILLED = """
import os, signal, sys
from edgemood.library import Library
from edgemood.tagging import Tagger

fatal, what, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
calls = 0

def counted(real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call

with Library.open(path) as library:
    for name in ("open", "copy_file_range", "pread", "pwrite", "fchmod", "utime", "fsync", "rename", "close", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    library._database.run = counted(library._database.run)
    for one in getattr(Tagger(library), what)([]):
        assert one.what in ("written", "restored", "unchanged"), one
print(calls)
"""


@pytest.mark.parametrize("what", ["tag", "restore"])
def test_killed_at_any_moment_each_file_is_the_old_one_or_the_new_one(tmp_path: Path, what: str) -> None:
    where = tmp_path / "library" / "library.db"
    with Library.open(where) as library:
        path = song(library, tmp_path / "music", "song.mp3")
        plain, samples = path.read_bytes(), decoded(path)
        tag(library)
        tagged = path.read_bytes()
        if what == "tag":
            restore(library)
    wanted = {"tag": tagged, "restore": plain}[what]
    calls = sys.maxsize
    moments = iter(range(1, 10_000, 5))
    died = 0
    while (fatal := next(moments)) <= calls:
        arguments = [sys.executable, "-c", KILLED, str(fatal), what, str(where)]
        done = subprocess.run(arguments, capture_output=True, timeout=60, check=False)
        if done.returncode == 0:
            calls = int(done.stdout)
        else:
            assert done.returncode == -signal.SIGKILL, done.stderr
            died += 1
        assert path.read_bytes() in (plain, tagged)
        with Library.open(where) as library:  # what is left does not confuse the next run
            again = outcomes(getattr(Tagger(library), what)([]))
            assert set(again.values()) <= {"written", "restored", "unchanged"}
            assert path.read_bytes() == wanted
            assert [child.name for child in path.parent.iterdir()] == [path.name]
            np.testing.assert_array_equal(decoded(path), samples)
            if what == "tag":
                assert restore(library) == {path.name: "restored"}
                assert path.read_bytes() == plain
            else:
                assert library.written() == []
                tag(library)
    assert died >= 5, calls


# -------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def command(library: Library) -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(main, ["tag", "--library", library.path, *map(str, arguments)])


def test_the_command_writes_tells_and_takes_back(
    command: Callable[..., Result], library: Library, tmp_path: Path
) -> None:
    path = song(library, tmp_path / "music")
    rehearsed = command("--all", "--dry-run")
    assert rehearsed.stdout.splitlines() == [f"written: {path}: happy", "1 file written (a rehearsal)"]
    assert mood_in(path) == []
    written = command(path, "--json")
    shape = {"path": str(path), "result": "written", "moods": ["happy"], "before": [], "error": None}
    assert json.loads(written.stdout) == shape
    assert command("--status").stdout.splitlines() == [f"written: {path}: happy", "1 file written"]
    assert json.loads(command("--undo", "--json").stdout) == {
        **shape,
        "result": "restored",
        "moods": [],
        "before": ["happy"],
    }
    assert command("--status").stdout == "nothing was written into any file\n"


def test_files_that_are_left_alone_are_named(
    command: Callable[..., Result], library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemood.cli.tag._NAMED", 2)
    for number in range(3):
        path = song(library, tmp_path / "music", f"{number}.flac")
        media = flac.FLAC(path)
        media["MOOD"] = "grim"
        media.save()
        add(library, path)
    result = command("--all")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"edgemood: warning: {path.with_name(f'{number}.flac')}: kept, as it names grim" for number in range(2)
    ]
    assert result.stdout == "3 files with a mood of others, which was kept (--overwrite)\n"
    assert command("--all", "--json").stderr == ""


def test_a_file_that_fails_makes_the_exit_code_1(
    command: Callable[..., Result], library: Library, tmp_path: Path
) -> None:
    song(library, tmp_path / "music").chmod(0o444)
    result = command("--all")
    assert result.exit_code == 1
    assert "song.flac: it may not be written" in result.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--undo", "--status"], ["--all", "1"], ["--all", "--format", "{tempo}"], [""]]
)
def test_wrong_usage(command: Callable[..., Result], arguments: list[str]) -> None:
    assert command(*arguments).exit_code == 2
