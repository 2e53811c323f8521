"""Model bundles whose files are damaged: refused, each time, before the interpreter sees a byte of them."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import edgemood
from edgemood import mood
from edgemood.errors import BundleError
from tools.faults import corpus
from tools.faults.mutate import WAYS
from tools.faults.report import Tally

_MODELS = Path(edgemood.__file__).parent / "models"
_NOT_READ = ("CARD.md",)  # for people
_COMMAND = [sys.executable, "-m", "edgemood.cli"]


def main(rounds: int, seed: int) -> list[Tally]:
    """Damage so many bundles."""
    rng = random.Random(seed)
    tally = Tally("damaged model bundles")
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        bundle, others = Path(work) / "default", [folder for folder in _MODELS.iterdir() if folder.is_dir()]
        song = corpus.write(Path(work), corpus.FORMATS[0], 0, 4.0)
        for number in range(rounds):
            shutil.rmtree(bundle, ignore_errors=True)
            shutil.copytree(_MODELS / "default", bundle)
            files = [file for file in sorted(bundle.iterdir()) if file.name not in _NOT_READ]
            file, way = files[number % len(files)], rng.choice(_ways(others))
            before = file.read_bytes()
            way(file, rng)
            what = f"round {number}, {file.name} after {getattr(way, '__name__', way)}"
            if file.exists() and file.read_bytes() == before:
                continue
            tally.lost += [f"{what}: {line}" for line in _tried(bundle)]
            if number % 20 == 0:
                tally.lost += [f"{what}: {line}" for line in _commanded(bundle, song)]
            tally.rounds += 1
    return [tally]


def _ways(others: list[Path]) -> list[Callable[[Path, random.Random], object]]:
    def damaged(file: Path, rng: random.Random) -> None:
        file.write_bytes(rng.choice(WAYS)(file.read_bytes(), rng))

    def removed(file: Path, rng: random.Random) -> None:
        file.unlink()

    def emptied(file: Path, rng: random.Random) -> None:
        file.write_bytes(b"")

    def taken_from_another(file: Path, rng: random.Random) -> None:
        theirs = rng.choice(others) / file.name
        file.write_bytes(theirs.read_bytes() if theirs.exists() else b"")

    return [damaged, damaged, damaged, removed, emptied, taken_from_another]


def _tried(bundle: Path) -> list[str]:
    try:
        mood.load(str(bundle))
    except BundleError:
        return []
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return ["taken for good"]


def _commanded(bundle: Path, song: Path) -> list[str]:
    """Have the command use a bundle; it has to be refused in one line."""
    command = [*_COMMAND, "mood", "--model", str(bundle), str(song)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = done.stderr.strip().splitlines()
    good = done.returncode == 1 and len(told) == 1 and told[0].startswith("edgemood: error:")
    return [] if good else [f"the command ended with {done.returncode}: {' / '.join(told[-3:])}"]
