"""A scan with nothing replaced: the shipped model in real workers."""

from __future__ import annotations

from pathlib import Path

import audio_files

from edgemood import mood
from edgemood.library import Library
from edgemood.pipeline import analyse, scan


def test_file_and_library_give_the_same_mood_to_the_bit(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for n, suffix in enumerate((".ogg", ".flac", ".mp3")):
        audio_files.write_tone(music / f"{n}{suffix}", 20.0 + n, frequency_hz=220.0 * (n + 1), seed=n)
    model = mood.load("default")
    with Library.open(tmp_path / "library.db") as library:
        report = scan(library, music, jobs=2)
        assert (report.analysed, report.failures) == (3, ())
        for track in library.tracks():
            alone, stored = analyse(track.path, model).mood, library.track(track.id).mood
            assert stored is not None
            assert dict(stored.scores) == dict(alone.scores)
            assert tuple(stored.timeline) == tuple(alone.timeline)
            assert stored.vector.tobytes() == alone.vector.tobytes()
            again = model.judge(library.features(track.id), track.duration_s)
            assert dict(again.scores) == dict(alone.scores)
        assert len(library.shelf(model.id)) == 3


def test_judging_again_fills_in_what_older_scans_did_not_know(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    audio_files.write_tone(music / "tone.flac", 21.0, frequency_hz=220.0)
    with Library.open(tmp_path / "library.db") as library:
        scan(library, music, jobs=1)
        ((known,),) = library._database.query("SELECT speech FROM tracks")
        assert 0 <= known <= 1
        with library._database.writing():
            library._database.run("UPDATE tracks SET speech = NULL")
            library._database.run("DELETE FROM moods")
        report = scan(library, music, jobs=1)
        assert (report.analysed, report.rejudged) == (0, 1)
        assert library._database.query("SELECT speech FROM tracks") == [(known,)]
