"""`edgemood serve` as a process: how it starts and ends, scans and tells news."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import shelf
from serving import PATIENCE_S, Server, asking, serving, songs
from shelf import MUSIC

from edgemood._schema import APPLICATION_ID
from edgemood.library import Library
from edgemood.mood import MODELS
from edgemood.server.scan import Scanner


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    songs(folder / "good", 6)
    (folder / "good" / "broken.mp3").write_bytes(b"no music at all" * 100)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, [(f"{MUSIC}/{number}.ogg", "calm", "Ann") for number in range(6)])
    return path


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "edgemood.cli", "serve", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


class Events:
    """Reads a stream of events as it comes."""

    def __init__(self, server: Server, path: str) -> None:
        self.link = server.connect()
        self.link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self._file = self.link.makefile("rb")

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.link.close()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        kind = ""
        for line in self._file:
            if line.startswith(b"event: "):
                kind = line[7:].decode().strip()
            elif line.startswith(b"data: "):
                yield kind, json.loads(line[6:])

    def until(self, wanted: Callable[[str, Any], bool]) -> list[tuple[str, Any]]:
        """Read up to the first event of a sort, and give all until then."""
        seen = []
        for kind, news in self:
            seen.append((kind, news))
            if wanted(kind, news):
                return seen
        raise AssertionError(f"the stream ended: {seen}")


def within(seconds: float, question: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.05)
    return False


# ------------------------------------------------------------------------------------------------------ start and end


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "token"),
        (["--host", "::"], "token"),
        (["--host", "192.168.0.1"], "token"),
        (["--token-file", "/nowhere/token"], "cannot be read"),
        (["--token-file", "{short}"], "16 characters"),
        (["--token-file", "{empty}"], "no token"),
        (["--host", "256.1.1.1", "--token-file", "{good}"], "no address"),
        (["--host", "198.51.100.7", "--token-file", "{good}"], "cannot be listened on"),
        (["--port", "65536"], "65536"),
        (["--allow-host", "a b"], "no name of a host"),
        (["--cpu", "lots"], "lots"),
        (["--listener", "\n"], "listener"),
        (["--port", "{port}"], "cannot be listened on"),
        (["--model", "nope"], "--model nope: no model bundle 'nope'"),
        (["--model", "{folder}"], "--model {folder}: {folder}: no readable manifest.json"),
        (["--folder", "/nowhere/music"], "--folder /nowhere/music: there is no such folder"),
        (["--folder", "{good}"], "--folder {good}: this is no folder"),
        (["--folder", "{folder}", "--folder", "{folder}/none"], "--folder {folder}/none"),
        (["--library", "{good}"], "--library: {good} is not an edgemood library"),
        (["--library", "{other}"], "--library: {other} is a database of another program"),
        (["--library", "{newer}"], "--library: {newer} was written by a newer edgemood"),
        (["--library", "{good}/l.db"], "--library {good}/l.db: Not a directory"),
        (["--memory", "1"], "--memory 1: no scan does with less than 64M"),
        (["--proxy", "everywhere"], "--proxy everywhere: this is no address"),
        (["--subsonic-user", "me"], "--subsonic-user me: this needs --subsonic-password-file"),
        (["--subsonic-user", "", "--subsonic-password-file", "{short}"], "--subsonic-user: the name is empty"),
        (["--proxy", "10.0.0.1", "--subsonic-password-file", "{short}"], "at least 8 characters, not 4"),
        (
            ["--host", "0.0.0.0", "--token-file", "{good}", "--subsonic-password-file", "{short}"],
            "--subsonic-password-file has to have at least 8 characters, not 4",
        ),
    ],
)
def test_what_it_cannot_be_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "short").write_text("tiny\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "good").write_text("good-enough-a-token\n")
    (tmp_path / "folder").mkdir()
    for name, pragma in (("other", "user_version = 1"), ("newer", f"application_id = {APPLICATION_ID}")):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute(f"PRAGMA {pragma}")
            database.execute("PRAGMA user_version = 99")
            database.execute("CREATE TABLE songs (id)")
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {name: str(tmp_path / name) for name in ("short", "empty", "good", "folder", "other", "newer")}
        given = [word.format(port=taken.getsockname()[1], **names) for word in arguments]
        ended = command("--library", str(tmp_path / "l.db"), *given)
    assert ended.returncode == 2 and said.format(**names) in ended.stderr, ended.stderr
    assert ended.stderr.count("\n") == 1 and ended.stdout == ""  # nothing was promised
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before


def test_what_may_become_right_does_not_keep_it_from_starting(library: Path, tmp_path: Path) -> None:
    with library.open("r+b") as file:  # as a card that fails leaves it
        file.seek(4096)
        file.write(b"\xaa" * 8192)
    for where in (tmp_path / "none yet" / "library.db", library):
        with serving(where) as server:
            assert server.json("GET", "/api/health")["status"] == "degraded"
    (tmp_path / "empty.db").touch()
    with serving(tmp_path / "empty.db") as server:
        assert "edgemood scan" in server.json("GET", "/api/health")["problem"]


def test_where_it_is_started_says_what_is_meant(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(MODELS / "paper", tmp_path / "bundle")
    with serving("library.db", "--folder", os.path.relpath(music), "--model", "bundle") as server:
        with Events(server, "/api/scan/events") as events:
            assert server.json("POST", "/api/scan", {})["state"] == "running"
            assert events.until(lambda kind, _: kind == "ended")[-1][1]["state"] == "ended"
        assert server.json("GET", "/api/library")["total"] == 6
    assert (tmp_path / "library.db").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_at_once(library: Path, number: signal.Signals, code: int) -> None:
    with serving(library) as server, Events(server, "/api/events") as events, server.connect():
        events.until(lambda kind, _: kind == "progress")
        begin = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_S) == code
        assert time.monotonic() - begin < 5
        assert server.process.stderr is not None and server.process.stderr.read() == ""


def test_it_listens_where_it_says(library: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-that-is-long\n")
    with serving(library, "--host", "0.0.0.0", "--token-file", str(token)) as server:
        assert server.ask("GET", "/api/health", "Authorization: Bearer a-token-that-is-long")[0] == 200
    with serving(library, "--host", "localhost") as server:
        connections = psutil.Process(server.process.pid).net_connections()
        assert {one.laddr.ip for one in connections if one.status == "LISTEN"} <= {"127.0.0.1", "::1"}


# --------------------------------------------------------------------------------------------------------------- news


def test_plays_by_others_are_told(library: Path) -> None:
    with serving(library) as server, Events(server, "/api/events") as events:
        events.until(lambda kind, _: kind == "progress")
        time.sleep(1.2)  # by then it has looked
        with Library.open(library) as other:
            other.add_play(2)
        events.until(lambda kind, _: kind == "listener")
        with Library.open(library) as other:
            other.set_label(2, "sad")
        seen = events.until(lambda kind, _: kind == "library")
        assert seen[-1][1]["revision"] > 0


def test_a_library_that_goes_and_comes_back_is_told(library: Path) -> None:
    with serving(library) as server, Events(server, "/api/events") as events:
        events.until(lambda kind, _: kind == "progress")
        time.sleep(1.2)  # by then it has looked
        library.rename(library.with_name("elsewhere"))
        gone = events.until(lambda kind, _: kind == "library")[-1][1]
        assert gone["revision"] is None and "there is no library" in gone["problem"]
        library.with_name("elsewhere").rename(library)
        seen = events.until(lambda kind, _: kind == "library")
        assert seen[-1][1]["revision"] > 0 and seen[-1][1]["problem"] is None
        assert "listener" in [kind for kind, _ in seen]


def test_a_stream_without_news_says_that_it_is_there(library: Path) -> None:
    quick = "import edgemood.server.streams as streams; streams._HEARTBEAT_S = 0.2"
    with serving(library, first=quick) as server, Events(server, "/api/scan/events") as events:
        assert events.until(lambda kind, _: kind == "here")[-1][1] == {}


def test_streams_are_few_and_end_with_their_readers(library: Path) -> None:
    with serving(library) as server:
        streams = [Events(server, "/api/scan/events") for _ in range(64)]
        for stream in streams:
            stream.until(lambda kind, _: kind == "progress")
        assert server.ask("GET", "/api/scan/events")[0] == 503
        for stream in streams:
            stream.__exit__()
        assert within(PATIENCE_S, lambda: b"edgemood_event_streams 0" in server.ask("GET", "/api/metrics")[1])


# -------------------------------------------------------------------------------------------------------------- scans


def test_a_scan_from_nothing_to_songs(tmp_path: Path, music: Path) -> None:
    library = tmp_path / "new" / "library.db"
    with serving(library, "--folder", str(music)) as server, Events(server, "/api/scan/events") as events:
        assert server.ask("GET", "/api/library")[0] == 503
        assert server.json("POST", "/api/scan", {})["state"] == "running"
        said = server.json("POST", "/api/scan", {})
        assert said["error"]["type"] == "ScanError"
        seen = events.until(lambda kind, _: kind == "ended")
        progress = [news for kind, news in seen if kind == "progress" and news["total"] is not None]
        assert progress[-1]["done"] == progress[-1]["total"] == 7 and progress[-1]["failed"] == 1
        assert [news["done"] for news in progress] == sorted(news["done"] for news in progress)
        end = seen[-1][1]
        assert end["state"] == "ended" and end["report"]["analysed"] == 6 and end["report"]["failed"] == 1
        assert server.json("GET", "/api/scan") == end
        assert server.json("GET", "/api/library")["total"] == 6
        (failed,) = server.json("GET", "/api/failures")["failures"]
        assert failed["path"].endswith("broken.mp3") and failed["kind"] == "UnsupportedFormatError"
        song = server.json("GET", f"/api/songs/{server.json('GET', '/api/library')['songs'][0]['id']}")
        assert sum(part["attention"] for part in song["timeline"]) == pytest.approx(1, abs=1e-3)
        again = server.json("POST", "/api/scan", {"folders": [str(music / "good")]})
        assert again["state"] == "running"
        end = events.until(lambda kind, _: kind == "ended")[-1][1]
        assert end["report"]["unchanged"] == 6
        refused = server.json("POST", "/api/scan", {"folders": ["/etc"]})
        assert "may not" in refused["error"]["message"] and server.json("GET", "/api/scan") == end  # as it was


def test_what_may_be_scanned(library: Path, music: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with serving(library, "--folder", str(tmp_path)) as server:

        def refused(folder: str) -> str:
            return str(server.json("POST", "/api/scan", {"folders": [folder]})["error"]["message"])

        for folder in (
            str(music),
            "/",
            str(tmp_path.parent),
            f"{tmp_path}/../..",
            str(tmp_path / "link"),
            f"{tmp_path}x",
        ):
            assert "may not be scanned" in refused(folder), folder
        assert "no absolute path" in refused("music") and "no folder" in refused(str(tmp_path / "none"))
        assert server.json("POST", "/api/scan", {"folders": [MUSIC]})["state"] == "running"  # songs lie there
        assert within(PATIENCE_S, lambda: server.json("GET", "/api/scan")["state"] == "ended")


def scans_of(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


@pytest.fixture
def long_scan(tmp_path: Path) -> Iterator[Server]:
    """A server with a scan that takes long enough to be watched."""
    songs(tmp_path / "music", 3, seconds=4)
    for number in range(300):
        shutil.copy(tmp_path / "music" / "0.wav", tmp_path / "music" / f"copy {number}.wav")
        with (tmp_path / "music" / f"copy {number}.wav").open("r+b") as file:
            file.seek(1000 + number)
            file.write(b"\x12\x34")
    with serving(tmp_path / "library.db", "--folder", str(tmp_path / "music"), "--cpu", "20%") as server:
        assert server.json("POST", "/api/scan", {})["state"] == "running"
        assert within(PATIENCE_S, lambda: scans_of(server))
        yield server


def test_a_scan_can_be_ended(long_scan: Server) -> None:
    assert long_scan.json("DELETE", "/api/scan")["state"] == "stopped"
    assert within(PATIENCE_S, lambda: not scans_of(long_scan))
    assert long_scan.json("DELETE", "/api/scan")["state"] == "stopped"  # and again does no harm
    assert long_scan.json("POST", "/api/scan", {})["state"] == "running"


def test_a_scan_that_is_ended_while_it_begins_ends(
    tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, processes = Scanner._begin, []

    async def slowly(scanner: Scanner, folders: Sequence[str]) -> Process:
        process = await begin(scanner, folders)
        await asyncio.sleep(0.3)
        processes.append(process)
        return process

    monkeypatch.setattr(Scanner, "_begin", slowly)
    with asking(tmp_path / "library.db", folders=[str(music)]) as api, ThreadPoolExecutor() as pool:
        asked = pool.submit(api.post, "/api/scan", json={})
        assert within(PATIENCE_S, lambda: api.get("/api/health").json()["scanning"])
        assert api.post("/api/scan", json={}).json()["error"]["type"] == "ScanError"
        assert api.delete("/api/scan").json()["state"] == "stopped"
        assert asked.result().json()["state"] == "stopped"
        assert [process.returncode is not None for process in processes] == [True]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_scan_ends_with_the_server(long_scan: Server, number: signal.Signals) -> None:
    scanning = scans_of(long_scan)
    time.sleep(0.5)  # it asks the kernel for that itself, first of all
    os.kill(long_scan.process.pid, number)
    long_scan.process.wait(PATIENCE_S)
    gone, alive = psutil.wait_procs(scanning, PATIENCE_S)
    assert gone and not alive


def test_a_scan_that_is_killed_is_told(long_scan: Server) -> None:
    with Events(long_scan, "/api/scan/events") as events:
        scans_of(long_scan)[0].kill()
        end = events.until(lambda kind, _: kind == "ended")[-1][1]
    assert end["state"] == "failed" and "-9" in end["problem"]
    assert long_scan.ask("GET", "/api/health")[0] == 200


def test_a_scan_that_cannot_be_done_says_why(tmp_path: Path, music: Path) -> None:
    library = tmp_path / "library.db"
    with serving(library, "--folder", str(music)) as server, Events(server, "/api/scan/events") as events:
        library.write_bytes(b"something else" * 1000)
        assert server.json("POST", "/api/scan", {})["state"] == "running"
        end = events.until(lambda kind, _: kind == "ended")[-1][1]
        assert end["state"] == "failed" and "not an edgemood library" in end["problem"]
    assert library.read_bytes() == b"something else" * 1000


def test_progress_is_for_programs(tmp_path: Path, music: Path) -> None:
    line = [sys.executable, "-m", "edgemood.cli", "scan", "--library", str(tmp_path / "l.db"), "--progress", "json"]
    ended = subprocess.run([*line, str(music)], capture_output=True, text=True, timeout=120, check=True)
    told = [json.loads(one) for one in ended.stderr.splitlines()]
    assert told[-1]["done"] == told[-1]["total"] == 7 and told[-1]["current"]
    assert all(one["done"] <= 7 for one in told)
