"""Large libraries: made up in a minute, then opened and asked as a device does it.

``python benchmarks/bench_scale.py DIR [SONGS]`` makes a library of so many songs (default: a million) in DIR, unless it
is there, and a small one, and prints what they cost. The benchmarks here do the same with fewer songs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemood._pack import pack_timeline
from edgemood._shelf import Shelves
from edgemood.domain import QUADRANTS, MoodSpan, plane_position
from edgemood.library import Library
from edgemood.shelf import Shelf

MODEL, DIMS, LABELS = "scale-1", 32, tuple(QUADRANTS)
GENRES = ("Rock", "Pop", "Jazz; Soul", "Classical", "Electronic; House", "Folk", "Hip-Hop", "Christmas", "Podcast", "")
SMALL = 100
_PIECE = 10_000


def make(path: Path, songs: int, seed: int = 5, root: Path = Path("/music")) -> None:
    """Write a library of made-up songs: ten to an album, ten albums to an artist; packed, as a scan leaves it."""
    with Library.open(path) as library:
        database = library._database
        database.query("PRAGMA synchronous = OFF")
        rng = np.random.default_rng(seed)
        with database.writing():
            database.run("INSERT INTO models VALUES (1, ?)", (MODEL,))
            database.run("INSERT INTO feature_sets VALUES (1, '{}')")
            for start in range(0, songs, _PIECE):
                _insert(library, np.arange(start, min(start + _PIECE, songs)) + 1, rng, bytes(root))
        Shelves(database).pack(MODEL)
        database.query("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(library: Library, ids: Any, rng: np.random.Generator, root: bytes) -> None:
    def rows(sql: str, values: Iterator[tuple[Any, ...]]) -> None:
        library._database._connection.executemany(sql, values)

    moods = rng.dirichlet(np.full(4, 0.6), len(ids)).round(4)
    vectors = (moods @ rng.normal(size=(4, DIMS)) + rng.normal(0, 0.5, (len(ids), DIMS))).astype("<f4")
    edges = np.rint(255 * moods[:, None]).astype(np.uint8).repeat(2, axis=1)
    number = [int(i) for i in ids]
    paths = [root + b"/artist %d/album %d/%d.ogg" % (i // 100, i // 10, i) for i in number]
    seconds = rng.normal(230, 60, len(ids)).clip(10, 4000).round(1).tolist()
    genres = [GENRES[i % 97 % len(GENRES)] for i in number]
    rows(
        "INSERT INTO tracks (id, content, last_path, title, artist, album, duration_s, genre)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (i, i.to_bytes(16, "little"), path, f"Song {i}", f"Artist {i // 100}", f"Album {i // 10}", s, genre)
            for i, path, s, genre in zip(number, paths, seconds, genres, strict=True)
        ),
    )
    rows("INSERT INTO files VALUES (?, ?, 5000000, 1, 0)", zip(paths, number, strict=True))
    texts = (json.dumps(dict(zip(LABELS, row, strict=True))) for row in moods.tolist())
    rows(
        "INSERT INTO moods (id, track_id, model_id, set_id, scores, vector, head, tail)"
        " VALUES (?, ?, 1, 1, ?, ?, ?, ?)",
        (
            (i, i, text, vector.tobytes(), head.tobytes(), tail.tobytes())
            for i, text, vector, (head, tail) in zip(number, texts, vectors, edges, strict=True)
        ),
    )
    scores = dict.fromkeys(LABELS, 0.25)
    span = MoodSpan(0.0, 200.0, scores, *plane_position(scores), 1.0)
    rows("INSERT INTO timelines VALUES (?, ?)", zip(number, repeat(pack_timeline([span], LABELS)), strict=False))


# --------------------------------------------------------------------------------------------------------- measurements

#: What a command does that asks once: time from the interpreter's start (by the caller), memory at the end.
ASK = f"""
import resource, sys, time
from edgemood.library import Library
begin = time.perf_counter()
with Library.open(sys.argv[1], create=False) as library:
    shelf = library.shelf("{MODEL}")
    loaded = time.perf_counter() - begin
    if sys.argv[2] == "rank":
        from edgemood import targets
        from edgemood.recommend import Request, rank
        begin = time.perf_counter()
        target = targets.of_mood("calm", shelf)
        rank(Request([target], 10), shelf)
        ranked = time.perf_counter() - begin
        times = []
        for _ in range(9):
            begin = time.perf_counter()
            rank(Request([target], 10), library.shelf("{MODEL}"))
            times.append(time.perf_counter() - begin)
    else:
        ranked, times = 0.0, [0.0]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
now = int(open("/proc/self/statm").read().split()[1]) * 4 / 1024
print(len(shelf), loaded, ranked, sorted(times)[len(times) // 2], peak, now)
"""


def ask(path: Path, what: str = "rank") -> dict[str, float]:
    """Start a process that loads the shelf and ranks; seconds and MB."""
    begin = time.perf_counter()
    out = subprocess.run(
        [sys.executable, "-c", ASK, str(path), what], capture_output=True, text=True, check=True
    ).stdout.split()
    names = ("songs", "load_s", "first_rank_s", "next_s", "peak_mb", "rss_mb")
    return {**dict(zip(names, map(float, out), strict=True)), "command_s": time.perf_counter() - begin}


def timed(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the middle one of some rounds."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def report(folder: Path, songs: int) -> None:
    """Print what a library costs beside a small one."""
    paths = {count: folder / f"songs-{count}.db" for count in (SMALL, songs)}
    for count, path in paths.items():
        if not path.exists():
            begin = time.perf_counter()
            make(path, count)
            print(f"{count:,} songs made in {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
    for count, path in paths.items():
        runs = [ask(path) for _ in range(5)]
        middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"{count:,} songs: " + ", ".join(f"{name} {value:.4g}" for name, value in middle.items()))
        with Library.open(path) as library:
            _report_calls(library, count // 2)


def _report_calls(library: Library, track_id: int) -> None:
    library.add_play(track_id)
    library.shelf(MODEL)
    for name, work in {
        "played": lambda: library.add_play(track_id),
        "plays": lambda: library.plays(10),
        "events": lambda: library.events(limit=500),
        "heard since": lambda: library.heard_since(time.time() - 3600),
        "track": lambda: library.track(track_id),
        "songs of a genre": lambda: library.ids_of_genre("soul"),
        "songs in a folder": lambda: library.ids_under("/music/artist 7"),
        "songs in a folder that holds all": lambda: library.ids_under("/music"),
        "shelf": lambda: library.shelf(MODEL),
        "label": lambda: library.set_label(track_id, "calm"),
        "label and shelf": lambda: (library.set_label(track_id, "calm"), library.shelf(MODEL)),
    }.items():
        print(f"  {name}: {1e3 * timed(work):.2f} ms")


# ----------------------------------------------------------------------------------------------------------- benchmarks


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("scale") / "library.db"
    make(path, 10_000)
    return path


def _load(path: Path) -> Shelf:
    with Library.open(path, create=False) as library:
        return library.shelf(MODEL)


@pytest.mark.benchmark(group="a library of 10,000 songs")
def bench_shelf(benchmark: Any, ten_thousand: Path) -> None:
    """Open it and load the shelf."""
    assert len(benchmark(lambda: _load(ten_thousand))) == 10_000


def bench_packed_is_worth_it(ten_thousand: Path) -> None:
    """A packed shelf against the same songs read one by one; some 60 times quicker was measured."""
    packed = timed(lambda: _load(ten_thousand))
    with Library.open(ten_thousand) as library:
        shelves = Shelves(library._database)
        layout = shelves._packed(MODEL)
        assert layout is not None
        single = timed(lambda: [shelves._fresh(layout.layout, block) for block in range(shelves._blocks())], 3)
    print(f"\nread one by one {single / packed:.0f} times as long")
    assert single > 8 * packed


if __name__ == "__main__":
    report(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
