"""Library files damaged in every way: used all the same, or refused with what to do, and then repaired."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import edgemood
from edgemood._repair import repair
from edgemood.errors import LibraryError, UnknownTrackError
from edgemood.library import Library
from tools.faults import actors, made_up
from tools.faults.report import Tally

_PAGE = 4096
_SONGS, _ACTS = 80, 400


def main(rounds: int, seed: int) -> list[Tally]:
    """Damage a library so many times."""
    rng = random.Random(seed)
    used, repaired = Tally("damaged libraries used"), Tally("damaged libraries repaired")
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        model, path = Path(work) / "model", Path(work) / "use" / "library.db"
        model.mkdir()
        _make(model / path.name)
        with Library.open(_copied(model, path)) as library:
            acts = len([line for line in actors.kept(library) if line.startswith("play")])
        sound = {name: _told(ask, _copied(model, path)) for name, ask in ASKED.items()}
        for number in range(rounds):
            way = list(WAYS)[number % len(WAYS)]
            _copied(model, path)
            WAYS[way](path, rng)
            used.lost += [f"round {number} ({way}): {line}" for line in _use(path, sound, used)]
            used.rounds += 1
            repaired.lost += [f"round {number} ({way}): {line}" for line in _repair(path, acts, repaired)]
            repaired.rounds += 1
    return [used, repaired]


def _make(path: Path) -> None:
    """Make a library whose last acts are only in the log, as after a power cut."""
    music = path.parent / "music"
    music.mkdir()
    made_up.fill(path, _SONGS, music)
    live = path.with_name("live.db")
    shutil.copyfile(path, live)
    with Library.open(live) as library:
        for _, line in zip(range(_ACTS), actors.plays(library, 1000), strict=False):
            if line.endswith("300"):
                library._database.query("PRAGMA wal_checkpoint(TRUNCATE)")
        for end in ("", "-wal"):
            shutil.copyfile(f"{live}{end}", f"{path}{end}")
    for file in path.parent.glob("live.db*"):
        file.unlink()


def _copied(model: Path, path: Path) -> Path:
    shutil.rmtree(path.parent, ignore_errors=True)
    shutil.copytree(model, path.parent)
    return path


# ----------------------------------------------------------------------------------------------------------- damages


def _change(path: Path, change: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def _noise(path: Path, rng: random.Random) -> None:
    """Noise over a stretch, anywhere."""

    def change(data: bytearray) -> None:
        at, length = rng.randrange(len(data)), rng.choice((1, 8, 64, 512))
        data[at : at + length] = rng.randbytes(len(data[at : at + length]))

    _change(path, change)


def _pages(path: Path, rng: random.Random) -> None:
    """Whole pages of zeros, ones or noise: blocks that flash has lost."""

    def change(data: bytearray) -> None:
        for _ in range(rng.choice((1, 1, 3))):
            at = rng.randrange(len(data) // _PAGE) * _PAGE
            data[at : at + _PAGE] = rng.choice((bytes(_PAGE), b"\xff" * _PAGE, rng.randbytes(_PAGE)))

    _change(path, change)


def _exchanged(path: Path, rng: random.Random) -> None:
    """Two pages in each other's place."""

    def change(data: bytearray) -> None:
        a, b = (rng.randrange(len(data) // _PAGE) * _PAGE for _ in range(2))
        data[a : a + _PAGE], data[b : b + _PAGE] = data[b : b + _PAGE], data[a : a + _PAGE]

    _change(path, change)


def _truncated(path: Path, rng: random.Random) -> None:
    """Cut off, at a page's end or within."""
    size = path.stat().st_size
    at = rng.choice((rng.randrange(size), rng.randrange(size // _PAGE) * _PAGE, rng.randrange(4096)))
    with path.open("r+b") as file:
        file.truncate(at)


def _header(path: Path, rng: random.Random) -> None:
    """Noise in the first hundred bytes."""

    def change(data: bytearray) -> None:
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(100)] = rng.randrange(256)

    _change(path, change)


def _schema(path: Path, rng: random.Random) -> None:
    """Noise where the tables are described."""

    def change(data: bytearray) -> None:
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(100, _PAGE)] = rng.randrange(256)

    _change(path, change)


def _log(path: Path, rng: random.Random) -> None:
    """The write-ahead log damaged, cut off, of zeros, or gone."""
    log = Path(f"{path}-wal")
    rng.choice((_noise, _truncated, _pages, lambda log, rng: log.unlink(), lambda log, rng: log.write_bytes(b"")))(
        log, rng
    )


def _rows(path: Path, rng: random.Random) -> None:
    """Values that no program would write, in a file whose trees are whole."""
    table, column = rng.choice((
        ("tracks", "title"), ("tracks", "duration_s"), ("tracks", "last_path"), ("moods", "scores"),
        ("moods", "vector"), ("moods", "head"), ("timelines", "data"), ("features", "data"), ("files", "path"),
        ("plays", "at"), ("events", "kind"), ("feature_sets", "identity"), ("revision", "songs"), ("listeners", "name"),
    ))  # fmt: skip
    values: tuple[Any, ...] = (b"", b"\xff\xfe", "", "{", -1, 1e308, rng.randbytes(30), None)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {column} NOTNULL", (rng.choice(values[:-1]),))
    raw.close()


#: What can happen to a library, by name.
WAYS: dict[str, Callable[[Path, random.Random], None]] = {
    "noise": _noise,
    "pages": _pages,
    "pages exchanged": _exchanged,
    "truncated": _truncated,
    "header": _header,
    "schema": _schema,
    "log": _log,
    "rows": _rows,
}


# -------------------------------------------------------------------------------------------------------------- uses


def _next(path: Path) -> object:
    with edgemood.open(path) as engine:
        return [pick.track.id for pick in engine.next(10)]


def _now(path: Path) -> object:
    with edgemood.open(path) as engine:
        return [round(score, 6) for score in engine.now().scores.values()]


def _songs(path: Path) -> object:
    with Library.open(path, create=False) as library:
        tracks = [library.track(track.id) for track in library.tracks()]
        return [(t.id, t.path, t.tags, t.mood and list(t.mood.scores.values())) for t in tracks]


def _history(path: Path) -> object:
    with Library.open(path, create=False) as library:
        return sorted(line for line in actors.kept(library) if line.startswith("play"))


def _note(path: Path) -> object:
    with edgemood.open(path) as engine:
        engine.played(1)
        return engine.skipped(2).kind


def _scan(path: Path) -> object:
    with edgemood.open(path) as engine:
        return engine.scan(path.parent / "music").failed  # of empty files, and none of those is new


#: What people do with a library.
ASKED: dict[str, Callable[[Path], object]] = {
    "next": _next, "now": _now, "songs": _songs, "history": _history, "note": _note, "scan": _scan,
}  # fmt: skip


def _told(ask: Callable[[Path], object], path: Path) -> str:
    return json.dumps(ask(path), default=str)


def _use(path: Path, sound: dict[str, str], tally: Tally) -> list[str]:
    """Do what people do with a library that is damaged; give what went wrong."""
    wrong: list[str] = []
    refused: list[str] = []
    odd: list[str] = []
    for name, ask in ASKED.items():
        try:
            if _told(ask, path) != sound[name]:
                odd.append(name)
        except LibraryError as error:
            known = any(word in str(error) for word in ("edgemood repair", "update edgemood", "name another file"))
            (refused if known else odd).append(name)
            if not (known or isinstance(error, UnknownTrackError) or "has been played" in str(error)):
                wrong.append(f"{name}: {error}")
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    if odd and not refused and not _is_whole(path):
        wrong.append(f"{', '.join(odd)}: wrong answers, though SQLite finds the file damaged")
    found = "refused" if refused else "other answers, in a file that is whole" if odd else "as if nothing were"
    tally.outcomes["refused by the next scan only" if refused == ["scan"] and odd else found] += 1
    return wrong


def _is_whole(path: Path) -> bool:
    raw = sqlite3.connect(path)
    try:
        return raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.Error:
        return False
    finally:
        raw.close()


def _repair(path: Path, acts: int, tally: Tally) -> list[str]:
    """Repair a library, and give what is wrong with it then."""
    size = path.stat().st_size
    try:
        done = repair(str(path))
        wrong, kept = _looked_at(path)
    except LibraryError as error:
        tally.outcomes["refused: nothing left to save"] += 1
        known = path.stat().st_size < 2 * _PAGE or "newer edgemood" in str(error)
        return [] if known and path.stat().st_size == size else [str(error)]
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    tally.outcomes[f"saved {'all' if kept >= acts else 'over half' if 2 * kept > acts else 'less'} of the acts"] += 1
    if kept < acts and not done.damaged:
        tally.outcomes["of them with the log gone, which nothing tells"] += 1
    return wrong


def _looked_at(path: Path) -> tuple[list[str], int]:
    """Say what is wrong with a library that was repaired, and how many plays and skips there are."""
    with Library.open(path, create=False) as library:
        wrong = [str(row) for row in library._database.query("PRAGMA integrity_check") if row != ("ok",)]
        judged = {track.id for track in library.tracks() if library.track(track.id).mood}
        for track_id in judged:
            with suppress(UnknownTrackError):  # lost: the next scan finds out
                library.features(track_id)
        if not set(library.shelf(made_up.MODEL).ids.tolist()) <= judged:
            wrong.append("the shelf has songs that were lost")
        ((acts,),) = library._database.query("SELECT (SELECT count(*) FROM plays) + (SELECT count(*) FROM events)")
        library.set_note("after", "repaired")
    return wrong, acts
