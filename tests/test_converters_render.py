"""EMOPIA's tables, MIDI with another instrument, the command that renders; a real rendering where it can be made."""

import contextlib
import csv
import json
import shutil
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from converters import datasets, protocol, render
from converters.datasets import DataError
from converters.midi import MidiError, with_program

SPLIT = {"train": ["Q1_abcdefghijk_0", "Q3_a_c-efghijk_12"], "val": ["Q2_bbbbbbbbbbb_1"], "test": ["Q4_ccccccccccc_2"]}
NAMES = [name for names in SPLIT.values() for name in names]
SETTINGS = render.Settings("made.sf2", None, 0.6, 22_050)


def chunk(kind, body):
    return kind + struct.pack(">I", len(body)) + body


def score(*tracks):
    return chunk(b"MThd", struct.pack(">HHH", 1, len(tracks), 96)) + b"".join(chunk(b"MTrk", t) for t in tracks)


#: Tempo, text of 130 bytes (a length of two bytes), a program change, notes in running status, system exclusive, end.
TEMPO = b"\x00\xff\x51\x03\x07\xa1\x20"
TEXT = b"\x00\xff\x01\x81\x02" + b"\xc0" * 130
NOTES = b"\x00\xc0\x05\x00\x90\x3c\x40\x81\x40\x3c\x00\x00\xb0\x40\x7f\x00\xf0\x02\xc1\xf7\x00\xc9\x08\x00\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"


def test_every_channel_but_the_drums_gets_the_program():
    changed = with_program(score(TEMPO + END, TEXT + NOTES + END), 48)
    head = b"".join(bytes((0, 0xC0 | channel, 48)) for channel in range(16) if channel != 9)
    kept = NOTES.replace(b"\xc0\x05", b"\xc0\x30")
    assert changed == score(head + TEMPO + END, TEXT + kept + END)
    assert with_program(score(NOTES + END), 5) == score(head.replace(b"\x30", b"\x05") + NOTES + END)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "begin with MThd"),
        (b"RIFF" + bytes(40), "begin with MThd"),
        (score(), "no track"),
        (score(NOTES + END)[:-3], "cut off"),
        (score(NOTES + b"\x00\x90\x3c"), "ends inside an event"),
        (score(NOTES + b"\x00"), "ends inside an event"),
        (score(b"\x00\xff\x01\x7f"), "ends inside an event"),
        (score(b"\x00\x3c\x40"), "no event"),
        (score(b"\x00\xf4"), "no event"),
        (score(b"\xff\xff\xff\xff\x00"), "more than four bytes"),
    ],
)
def test_what_is_no_midi_file_is_refused(content, error):
    with pytest.raises(MidiError, match=error):
        with_program(content, 0)


def test_broken_midi_never_raises_anything_else():
    rng = np.random.default_rng(0)
    whole = score(TEMPO + END, TEXT + NOTES + END)
    for _ in range(500):
        broken = bytearray(whole[: rng.integers(14, len(whole) + 1)])
        broken[rng.integers(8, len(broken))] = rng.integers(256)
        with contextlib.suppress(MidiError):
            assert len(with_program(bytes(broken), 1)) >= len(broken)


@pytest.mark.parametrize("program", [-1, 128])
def test_programs_that_do_not_exist_are_refused(program):
    with pytest.raises(ValueError, match="0 to 127"):
        with_program(score(END), program)


def write_tables(folder, split=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, clips in (split or SPLIT).items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("fname", "label"), *((clip, clip[:2]) for clip in clips)])


def write_emopia(folder):
    """EMOPIA as it comes, in small: its tables, and a zip that holds a clip more than they name."""
    write_tables(folder)
    with zipfile.ZipFile(folder / "midis.zip", "w") as archive:
        for name in [*NAMES, "Q1_ddddddddddd_0"]:
            notes = b"".join(bytes((0, 0x90, key, 100, 96, 0x80, key, 0)) for key in (60, 64, 67))
            archive.writestr(f"midis/{name}.mid", score(TEMPO + END, notes + END))


def test_the_official_split_is_read(tmp_path):
    write_tables(tmp_path)
    pieces = {piece.name: piece for piece in datasets.emopia_pieces(tmp_path)}
    assert len(pieces) == 4
    assert pieces["Q3_a_c-efghijk_12"] == datasets.Piece("Q3_a_c-efghijk_12", 3, "a_c-efghijk", "train")


@pytest.mark.parametrize(
    ("split", "error"),
    [
        ({"val": ["Q1_abcdefghijk_0"]}, "is in train.csv, too"),
        ({"val": ["Q5_abcdefghijk_1"]}, "expected Q<1-4>_"),
        ({"val": ["abcdefghijk"]}, "expected Q<1-4>_"),
    ],
)
def test_tables_that_contradict_are_refused(tmp_path, split, error):
    write_tables(tmp_path, SPLIT | split)
    with pytest.raises(DataError, match=error):
        datasets.emopia_pieces(tmp_path)


def test_a_missing_table_is_named(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "val.csv").unlink()
    with pytest.raises(DataError, match=r"val\.csv is missing"):
        datasets.emopia_pieces(tmp_path)


def test_rendered_clips_are_a_set_with_an_official_split(tmp_path):
    write_tables(tmp_path / "emopia")
    for folder in ("audio", "program-048"):
        (tmp_path / "emopia" / folder).mkdir()
        for name in NAMES:
            (tmp_path / "emopia" / folder / f"{name}.flac").touch()
    (emopia,) = datasets.load(tmp_path)
    assert emopia.name == "emopia"
    assert [clip.label for clip in emopia.clips] == [0, 2, 1, 3]
    split = protocol.official(emopia.clips)
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [2, 3])
    strings = datasets.load_emopia(tmp_path / "emopia", 48)
    assert strings.name == "emopia-048"
    assert strings.clips[0].path.parent.name == "program-048"
    emopia.clips[3].path.unlink()
    with pytest.raises(DataError, match="1 of 4 clips are not rendered"):
        datasets.load(tmp_path)


def test_the_command_names_everything_that_decides_the_audio():
    told = render.command("fluidsynth", Path("a b.sf2"), SETTINGS, Path("in.mid"), Path("out.wav"))
    assert told == ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", "22050", "-F", "out.wav", "a b.sf2", "in.mid"]


def fake(tmp_path, body):
    """A stand-in for fluidsynth: gets its arguments, does what `body` says."""
    script = tmp_path / "fluidsynth"
    lines = ["import sys, numpy, soundfile", "wav, source = sys.argv[sys.argv.index('-F') + 1], sys.argv[-1]", body]
    script.write_text(f"#!{sys.executable}\n" + "\n".join(lines) + "\n")
    script.chmod(0o755)
    return str(script), tmp_path / "made.sf2"


TONE = "soundfile.write(wav, numpy.sin(numpy.arange(4410) / 9).reshape(-1, 1) * [0.5, 0.1], 22050)"


def test_clips_are_rendered_once_and_only_those_of_the_split(tmp_path):
    write_emopia(tmp_path / "in")
    tools, out = fake(tmp_path, TONE), tmp_path / "out"
    assert render.render_all(tmp_path / "in", out, SETTINGS, tools) == 4
    samples, sample_rate = soundfile.read(out / "audio" / "Q1_abcdefghijk_0.flac")
    assert (samples.shape, sample_rate) == ((4410,), 22_050)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.01)  # the mean of left and right
    assert len(datasets.load_emopia(out).clips) == 4
    (out / "audio" / "Q2_bbbbbbbbbbb_1.flac").unlink()
    assert render.render_all(tmp_path / "in", out, SETTINGS, tools) == 1
    assert render.render_all(tmp_path / "in", out, SETTINGS, tools) == 0
    louder = render.Settings("made.sf2", None, 0.9, 22_050)
    with pytest.raises(render.RenderError, match="other settings"):
        render.render_all(tmp_path / "in", out, louder, tools)


def test_the_program_reaches_the_synthesizer(tmp_path):
    write_emopia(tmp_path / "in")
    body = f"assert open(source, 'rb').read().count(bytes([0, 0xc0, 48])) == 1\n{TONE}"
    settings = render.Settings("made.sf2", 48, 0.6, 22_050)
    assert render.render_all(tmp_path / "in", tmp_path / "out", settings, fake(tmp_path, body)) == 4
    assert len(datasets.load_emopia(tmp_path / "out", 48).clips) == 4


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("sys.exit('no such soundfont')", "status 1 and said: no such soundfont"),
        ("pass", "status 0 and said: nothing"),
        ("soundfile.write(wav, numpy.zeros((4410, 2)), 22050)", "silent"),
        ("import time; time.sleep(60)", "did not end within"),
    ],
)
def test_a_failed_rendering_names_clip_and_reason(tmp_path, monkeypatch, body, error):
    monkeypatch.setattr(render, "TIMEOUT_S", 1 if "sleep" in body else 60)
    write_emopia(tmp_path / "in")
    with pytest.raises(render.RenderError, match=f"Q1_abcdefghijk_0: .*{error}"):
        render.render_all(tmp_path / "in", tmp_path / "out", SETTINGS, fake(tmp_path, body))
    assert not list((tmp_path / "out").rglob("*.flac"))
    settings = render.Settings("another.sf2", None, 0.6, 22_050)  # nothing is there to differ from
    with pytest.raises(render.RenderError, match="Q1_abcdefghijk_0"):
        render.render_all(tmp_path / "in", tmp_path / "out", settings, fake(tmp_path, body))


def test_an_archive_that_lacks_clips_is_refused(tmp_path):
    write_emopia(tmp_path)
    write_tables(tmp_path, SPLIT | {"val": ["Q2_eeeeeeeeeee_1"]})
    with pytest.raises(render.RenderError, match="lacks 1 clips of the tables, the first Q2_eeeeeeeeeee_1"):
        render.render_all(tmp_path, tmp_path / "out", SETTINGS, ("fluidsynth", Path("made.sf2")))
    (tmp_path / "midis.zip").write_bytes(b"PK")
    with pytest.raises(render.RenderError, match="no zip archive"):
        render.render_all(tmp_path, tmp_path / "out", SETTINGS, ("fluidsynth", Path("made.sf2")))


def test_missing_tools_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SystemExit):
        render.main(["--data", str(tmp_path), "--out", str(tmp_path)])
    assert "fluidsynth is not installed" in capsys.readouterr().err
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/fluidsynth")
    monkeypatch.setattr(render, "SOUNDFONTS", ())
    with pytest.raises(render.RenderError, match="no soundfont"):
        render.find_tools(None)
    with pytest.raises(render.RenderError, match=r"there is no soundfont .*none\.sf2"):
        render.find_tools(tmp_path / "none.sf2")


HAS_TOOLS = shutil.which("fluidsynth") is not None and any(path.is_file() for path in render.SOUNDFONTS)


@pytest.mark.skipif(not HAS_TOOLS, reason="fluidsynth or a soundfont is not installed")
def test_a_real_rendering_sounds_and_differs_by_program(tmp_path):
    write_emopia(tmp_path / "emopia")
    for options in ([], ["--program", "48"]):
        render.main(["--data", str(tmp_path), "--out", str(tmp_path), *options])
    piano, strings = (
        soundfile.read(clip.path)[0]
        for clip in (datasets.load_emopia(tmp_path / "emopia", program).clips[0] for program in (None, 48))
    )
    assert np.abs(piano).max() > 0.01
    assert len(piano) != len(strings) or not np.allclose(piano, strings, atol=0.01)
    assert json.loads((tmp_path / "emopia" / "audio" / "render.json").read_text())["program"] is None
