"""A month of listening in a few minutes: the auto-DJ, a library, and a speaker that plays day and night.

``python benchmarks/bench_month.py --report docs/long-run.md`` hears 30,000 songs in the time of a simulated clock: the
auto-DJ of `edgemood mpd`, as it is, follows a speaker that plays what it queues, for a listener whose mood drifts and
who skips what does not suit it. Looked at along the way: the memory of the process, the size of the library's files,
what is written to the disk, and how long `next` takes. The benchmark here is the same with 1,000 songs.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import bench_scale
from sidebyside.timing import Spread, take_turns
from speaker import Speaker

import edgemood
from edgemood import _sums
from edgemood.autodj import AutoDJ, Settings
from edgemood.engine import Engine

SONGS, PLAYS, MONTH_S = 5_000, 30_000, 30 * 86_400.0
LOOKS = 10
START = 1_800_000_000.0  # seconds since the epoch at which the month begins
LATELY, TURNS = 1_000, 60  # what a listener without a past knows; how often one with and one without are asked
_MB = 1e6


@dataclass(frozen=True)
class Look:
    """What was seen after so many plays. Sizes in bytes, times in seconds of CPU.

    resident: memory of the process; file, log: the library and its write-ahead log; written: handed to the file system
    since the start.
    """

    plays: int
    skips: int
    resident: int
    file: int
    log: int
    written: int
    cpu_s: float


@dataclass(frozen=True)
class Month:
    """A simulated listener's time.

    suited: share of the songs that were of the mood the listener was in; past: a play and ten songs asked for after it,
    in times what they take where no more than the last thousand songs heard are known.
    """

    looks: list[Look]
    suited: float
    past: Spread

    @property
    def written_per_song(self) -> float:
        """Bytes handed to the file system for each play or skip."""
        first, last = self.looks[0], self.looks[-1]
        return (last.written - first.written) / (last.plays + last.skips - first.plays - first.skips)

    def grown(self, what: str, since: int = 1) -> float:
        """By how many bytes something has grown since a look."""
        return float(getattr(self.looks[-1], what) - getattr(self.looks[since], what))


class Home:
    """A library, a speaker and the auto-DJ between them, in a folder."""

    def __init__(self, folder: Path, songs: int, seconds: float, plays: int) -> None:
        music = folder / "music"
        self.path = folder / "library.db"
        bench_scale.make(self.path, songs, root=music)
        self.engine: Engine = edgemood.open(self.path)
        tracks = [self.engine.track(i + 1) for i in range(songs)]
        for track in tracks:
            Path(track.path).parent.mkdir(parents=True, exist_ok=True)
            Path(track.path).touch()
        self.speaker = Speaker(tracks, seconds / plays)
        self.dj = AutoDJ(
            self.engine,
            self.speaker,
            Settings(scan=False),
            start_scan=_never,
            clock=lambda: self.speaker.clock,
            wall=lambda: START + self.speaker.clock,
            wait=self.speaker.rest,
        )

    def listen(self, plays: int, looks: int) -> Month:
        """Hear so many songs to their end."""
        seen: list[Look] = []

        def happened() -> None:
            if self.speaker.ended >= len(seen) * plays / looks:
                seen.append(self._look())
            if self.speaker.ended >= plays:
                self.dj.stop()

        self.speaker.happened = happened
        with mock.patch("time.time", lambda: START + self.speaker.clock):
            self.dj.run()
            past = self._cost_of_the_past()
        heard = self.speaker.ended + self.speaker.skipped
        return Month(seen, self.speaker.of_the_mood / heard, past)

    def _cost_of_the_past(self) -> Spread:
        young = self.path.with_name("young.db")
        with closing(sqlite3.connect(self.path)) as old, closing(sqlite3.connect(young)) as new:
            old.backup(new)
            for table in ("plays", "events"):
                new.execute(
                    f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM {table} ORDER BY at DESC LIMIT {LATELY})"
                )
            new.execute("DELETE FROM sums")
            new.commit()
        with edgemood.open(young) as forgetful:
            return Spread.of(take_turns(lambda: _hear(forgetful), [lambda: _hear(self.engine)], TURNS)[0])

    def _look(self) -> Look:
        return Look(
            self.speaker.ended,
            self.speaker.skipped,
            _resident(),
            self.path.stat().st_size,
            self.path.with_name(self.path.name + "-wal").stat().st_size,
            _written(),
            time.process_time(),
        )


@contextmanager
def home(songs: int, seconds: float, plays: int) -> Iterator[Home]:
    """Make a home, and clear it away."""
    with tempfile.TemporaryDirectory(prefix="edgemood-month-") as folder:
        here = Home(Path(folder), songs, seconds, plays)
        with here.engine:
            yield here


def _hear(engine: Engine) -> None:
    engine.played(1)
    engine.next(10)


def _never(folders: Sequence[str]) -> object:
    raise AssertionError(f"nothing is to be scanned: {folders}")


def _written() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


# -------------------------------------------------------------------------------------------------------------- report


def write_report(month: Month, path: Path, songs: int, seconds: float) -> None:
    """Write the month as Markdown."""
    last, first = month.looks[-1], month.looks[1]
    rows = [
        f"| {look.plays:,} | {look.skips:,} | {look.resident / _MB:.1f} | {look.file / _MB:.2f} | {look.log / _MB:.2f}"
        f" | {look.written / _MB:.0f} |"
        for look in month.looks[1:]
    ]
    text = _REPORT.format(
        plays=last.plays,
        skips=last.skips,
        songs=songs,
        days=seconds / 86_400,
        rows="\n".join(rows),
        memory=month.grown("resident") / _MB,
        per_song=month.written_per_song / 1e3,
        per_day=month.written_per_song * (last.plays + last.skips) / (seconds / 86_400) / _MB,
        file=last.file / _MB,
        log=max(look.log for look in month.looks) / _MB,
        past=month.past,
        lately=LATELY,
        cpu=1e3 * (last.cpu_s - first.cpu_s) / (last.plays + last.skips - first.plays - first.skips),
        suited=100 * month.suited,
        a_day=(last.plays + last.skips) / (seconds / 86_400),
        kept=_sums.KEPT,
    )
    path.write_text(text)


_REPORT = """\
# A month of listening, day and night

`python benchmarks/bench_month.py --report docs/long-run.md` writes this page: the auto-DJ of `edgemood mpd`, as it is,
follows a simulated speaker through {days:.0f} days of a simulated clock. The speaker plays what is queued from
{songs:,} songs. The listener's mood drifts (one of four, drawn anew every hour and a half on average); a song of it is
skipped in one case of ten, another in one of two, and now and then the listener picks one. Each of {plays:,} songs was
heard to its end and {skips:,} were skipped.

| plays | skips | memory, MB | library, MB | its log, MB | written since the start, MB |
|---|---|---|---|---|---|
{rows}

- **Memory** grew by {memory:+.1f} MB from the first row to the last.
- **The library** is {file:.2f} MB large, its write-ahead log at most {log:.1f} MB. Of each listener the last {kept:,}
  plays and as many skips are kept one by one; what is older is folded into counts, one row for each song, so that the
  file stops growing once these are full.
- **Writes**: {per_song:.1f} kB for each song heard or skipped, in two transactions (the play, and the note of where the
  player is) and their share of checkpoints; {per_day:.1f} MB a day of {a_day:,.0f} songs. Counted is what the process
  hands to the file system.
- **`next`**, and the play before it, take {past.median:.2f} times ({past.lower:.2f} to {past.upper:.2f}, quartiles of
  {past.rounds} turns) what they take of the same library without any history but the last {lately:,} plays.
- The daemon took {cpu:.0f} ms of CPU for each song, its queue, its log and its notes included.
- {suited:.0f} % of the songs that played were of the mood that the listener was in (by chance 25 %); the others say
  that the mood has moved.
"""


# ---------------------------------------------------------------------------------------------------------- benchmark


def bench_a_day_leaves_no_trace() -> None:
    """Memory flat, the file bounded, writes few, `next` as quick as it was; with histories that are soon full."""
    with mock.patch.object(_sums, "KEPT", 250), home(SONGS, 86_400.0, 1_000) as here:
        month = here.listen(1_000, 5)
        kept = len(here.engine.store.plays(limit=10_000))
    print(f"\n{month.looks}")
    assert kept < 250 + _sums._EVERY
    assert month.grown("resident", 2) < 3 * _MB
    assert month.grown("file", 3) < 0.2 * _MB
    assert month.looks[-1].log < 5 * _MB
    assert 1e3 < month.written_per_song < 40e3
    assert month.past.median < 1.3
    assert month.suited > 0.4


def main() -> int:
    """See the text at the top."""
    parser = argparse.ArgumentParser(description="A month of listening in a few minutes.")
    parser.add_argument("--plays", type=int, default=PLAYS)
    parser.add_argument("--songs", type=int, default=SONGS)
    parser.add_argument("--report", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    logging.getLogger("edgemood").setLevel(logging.WARNING)
    seconds = MONTH_S * options.plays / PLAYS
    with home(options.songs, seconds, options.plays) as here:
        month = here.listen(options.plays, LOOKS)
    for look in month.looks:
        print(json.dumps(asdict(look)))
    if options.report:
        write_report(month, options.report, options.songs, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
