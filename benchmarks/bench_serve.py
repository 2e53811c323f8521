"""The server beside a scan: how long the next songs take for several clients at once.

The gate is on CPU time, which other programs do not change: what an answer costs the server, with HTTP, JSON and what
the scan makes it read anew, beside what the question costs an engine. How long clients wait is printed: eight that
never pause wait for each other.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import bench_scale
import pytest
import soundfile

from edgemood.engine import Engine
from edgemood.library import Library
from tools.load import load, serving, some_songs

SONGS, CLIENTS, SECONDS = 100_000, 8, 12.0
_QUESTIONS = 60


@pytest.fixture(scope="module")
def many_songs(tmp_path_factory: Any) -> Path:
    """A library of songs that are there, ten of which were just played."""
    folder: Path = tmp_path_factory.mktemp("many")
    path, root = folder / "library.db", folder / "music"
    bench_scale.make(path, SONGS, root=root)
    with Library.open(path) as library:
        for track in library.tracks():
            file = Path(track.path)
            if not file.parent.exists():
                file.parent.mkdir(parents=True)
            file.touch()
        for number in range(1, SONGS, SONGS // 10):
            library.add_play(number)
    return path


@pytest.fixture(scope="module")
def new_songs(tmp_path_factory: Any) -> Path:
    """Music enough to be scanned all the time."""
    from conftest import music

    folder: Path = tmp_path_factory.mktemp("new")
    samples = music(60, 22050)
    for number in range(700):
        soundfile.write(folder / f"{number}.flac", samples[number:], 22050, "PCM_S8")
    return folder


def engine_cpu_s(path: Path) -> float:
    """CPU seconds that a question costs an engine that does nothing else."""
    with Engine(path) as engine:
        engine.next(10)
        begin = time.process_time()
        for _ in range(_QUESTIONS):
            engine.next(10)
        return (time.process_time() - begin) / _QUESTIONS


def bench_next_beside_a_scan(many_songs: Path, new_songs: Path) -> None:
    """Eight clients without pause, 100,000 songs, a scan: about twice the CPU time of the bare question."""
    alone_s = engine_cpu_s(many_songs)
    with serving("--library", str(many_songs), "--folder", str(new_songs)) as server:
        songs = some_songs(server)
        load(server, songs, CLIENTS, 3, "next")
        status, said = server.ask("POST", "/api/scan", {"folders": [str(new_songs)]})
        assert status == 202, said
        before_s = server.cpu_s
        found = load(server, songs, CLIENTS, SECONDS, "next")
        spent_s = server.cpu_s - before_s
        assert json.loads(server.ask("GET", "/api/scan")[1])["state"] == "running"
        memory = server.rss_mb
    answers = len(found.seconds["next"])
    assert set(found.statuses) == {200}
    print(
        f"\n{CLIENTS} clients, {SONGS:,} songs, a scan: next takes {1e3 * found.quantile('next', 0.5):.0f} ms, "
        f"p99 {1e3 * found.quantile('next', 0.99):.0f} ms, {answers / SECONDS:.0f} answers a second, {memory:.0f} MB; "
        f"CPU {1e3 * spent_s / answers:.1f} ms an answer, {spent_s / answers / alone_s:.2f} times an engine's"
    )
    assert spent_s / answers < 4 * alone_s
