"""How long processes wait for each other: a scan, a player and somebody who asks, on one library.

``python benchmarks/contention.py DIR [SECONDS]`` makes a library of 10,000 songs in DIR and prints how long each kind
of call took, alone and together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CALLS = ("store", "play", "plays", "shelf")


def worker(kind: str, path: str, seconds: float) -> list[float]:
    """Call one thing again and again; seconds that each call took."""
    sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
    import bench_scale
    from made_up import RECIPE, analysis

    from edgemood.library import FileStamp, Library

    rng = np.random.default_rng(1)
    made = [analysis(n, rows=240) for n in range(20_000, 20_020)]
    took = []
    with Library.open(path) as library:
        number = 0

        def store() -> None:
            library.store(f"/nowhere/{number}.ogg", FileStamp(number, number), made[number % len(made)], RECIPE)

        call = {
            "store": store,
            "play": lambda: library.add_play(1 + number % 1000),
            "plays": lambda: library.plays(10),
            "shelf": lambda: library.shelf(bench_scale.MODEL),
        }[kind]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            number += 1
            begin = time.perf_counter()
            call()
            took.append(time.perf_counter() - begin)
            time.sleep(float(rng.uniform(0, 0.02 if kind != "store" else 0.1)))
    return took


def together(kinds: tuple[str, ...], path: Path, seconds: float) -> None:
    """Run workers at the same moment and print what their calls took."""
    command = [sys.executable, __file__, "--worker"]
    running = {
        kind: subprocess.Popen([*command, kind, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)
        for kind in kinds
    }
    for kind, process in running.items():
        took = 1e3 * np.array(json.loads(process.communicate()[0]))
        middle, most = np.percentile(took, [50, 99])
        print(f"  {kind:6} {len(took):5} calls: median {middle:.2f}, 99 of 100 {most:.2f}, all {took.max():.2f} ms")


def main(folder: Path, seconds: float) -> None:
    """Measure."""
    sys.path[:0] = [str(HERE)]
    import bench_scale

    path = folder / "contention.db"
    if not path.exists():
        bench_scale.make(path, 10_000)
    for kinds in (*((kind,) for kind in CALLS), CALLS):
        print(" + ".join(kinds))
        together(kinds, path, seconds)


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        print(json.dumps(worker(sys.argv[2], sys.argv[3], float(sys.argv[4]))))
    else:
        main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
