"""Load on a server: clients that ask without pause, and what it costs in time and memory.

``python -m tools.load LIBRARY --seconds 600`` starts `edgemood serve` on a library, has clients ask for all that a page
asks for, and prints how long answers took and how much memory the server had, as JSON. ``--scan DIR`` has a folder
scanned meanwhile, ``--only next`` asks for nothing but the next songs, ``--pause`` has each client think for so long.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PATIENCE_S = 60.0
_JSON = {"content-type": "application/json"}
_MOODS = ("happy", "angry", "sad", "calm")


@dataclass(frozen=True)
class Server:
    """A server that runs, and where."""

    process: subprocess.Popen[str]
    host: str
    port: int

    @property
    def rss_mb(self) -> float:
        """Memory it has at present, without its scan."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        """CPU time it has spent so far, without its scan."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Ask once."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)
        try:
            return ask(connection, method, path, body)
        finally:
            connection.close()


@dataclass
class Found:
    """What clients saw: seconds of answers by route, and how many of each status."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)

    def quantile(self, route: str, share: float) -> float:
        """Within how many seconds this share of answers came."""
        times = sorted(self.seconds[route])
        return times[min(len(times) - 1, int(share * len(times)))]


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """Run `edgemood serve` with options, and end it."""
    command = [sys.executable, "-m", "edgemood.cli", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://(.+):(\d+)/", said)
        if found is None:
            raise SystemExit(f"the server did not start: {said!r}")
        yield Server(process, found[1], int(found[2]))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """Ask on a connection that stays open."""
    content = None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, _JSON if content else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def requests(rng: random.Random, songs: Sequence[int], only: str | None) -> Iterator[tuple[str, str, str, Any]]:
    """Yield what a client asks: a name for it, method, path and body."""
    while True:
        song, mood = rng.choice(songs), rng.choice(_MOODS)
        of_all = [
            ("next", "GET", f"/api/next?n={rng.randint(5, 15)}&exclude={song}", None),
            ("next", "GET", f"/api/next?n=10&toward={mood}", None),
            ("listener", "GET", "/api/listener", None),
            ("history", "GET", "/api/listener/history?hours=6", None),
            ("library", "GET", f"/api/library?search={song % 1000}&mood={mood}&sort=title&limit=50", None),
            ("song", "GET", f"/api/songs/{song}", None),
            ("map", "GET", "/api/map", None),
            ("filter", "GET", f"/api/map/filter?mood={mood}", None),
            ("play", "POST", "/api/plays", {"id": song}),
            ("event", "POST", "/api/events", {"id": song, "event": "skip", "heard": round(rng.random(), 2)}),
            ("nothing", "GET", f"/api/songs/{song}?no={mood}", None),
        ]
        yield rng.choice([one for one in of_all if only in {None, one[0]}])


def some_songs(server: Server) -> list[int]:
    """Give ids of songs to ask about."""
    _, body = server.ask("GET", "/api/library?limit=200")
    return [song["id"] for song in json.loads(body)["songs"]]


def load(  # noqa: PLR0913, PLR0917
    server: Server, songs: Sequence[int], clients: int, seconds: float, only: str | None = None, pause_s: float = 0.0
) -> Found:
    """Have clients ask for so long."""
    found, lock, end = Found(), threading.Lock(), time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=_PATIENCE_S)
        for name, method, path, content in requests(random.Random(number), songs, only):
            if time.monotonic() >= end:
                break
            begin = time.perf_counter()
            status, _ = ask(connection, method, path, content)
            with lock:
                found.seconds.setdefault(name, []).append(time.perf_counter() - begin)
                found.statuses[status] += 1
            time.sleep(pause_s)
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def report(found: Found) -> dict[str, Any]:
    """Give quantiles of each route, in ms, and the statuses."""
    routes = {
        name: {"count": len(times), **{f"p{round(100 * q)}_ms": round(1e3 * found.quantile(name, q), 1) for q in QS}}
        for name, times in sorted(found.seconds.items())
    }
    return {"routes": routes, "statuses": {str(status): count for status, count in sorted(found.statuses.items())}}


QS = (0.5, 0.95, 0.99, 1.0)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that a client thinks between two requests")
    parser.add_argument("--only", choices=("next", "listener", "library", "map", "play", "song"))
    parser.add_argument("--scan", metavar="DIR")
    asked = parser.parse_args()
    options = ["--library", asked.library, *(["--folder", asked.scan] if asked.scan else [])]
    with serving(*options) as server:
        songs = some_songs(server)
        load(server, songs, asked.clients, min(10.0, asked.seconds), asked.only, asked.pause)  # all is warm
        memory = [server.rss_mb]
        if asked.scan:
            status, said = server.ask("POST", "/api/scan", {"folders": [str(Path(asked.scan).resolve())]})
            assert status == 202, said
        parts = 6
        for _ in range(parts):
            found = load(server, songs, asked.clients, asked.seconds / parts, asked.only, asked.pause)
            memory.append(server.rss_mb)
            scan = json.loads(server.ask("GET", "/api/scan")[1])
            print(json.dumps({**report(found), "rss_mb": round(memory[-1], 1), "scan": scan["state"]}), flush=True)
    print(json.dumps({"rss_mb": [round(one, 1) for one in memory]}))


if __name__ == "__main__":
    main()
