"""The command `edgemood mpd` with a real MPD, from the song that plays to the library's history and back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import audio_files
import needs
import pytest
import shelf
from mpd_daemon import Daemon, House
from mpd_server import MpdServer, Wire, until

from edgemood.library import FileStamp, Library

pytestmark = pytest.mark.real_time

pytest.importorskip("mpd", reason="needs python-mpd2: pip install 'edgemood[mpd]'")

LONG = 60.0  # seconds: no test waits for its end


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, [LONG] * 12) as house:
        yield house


def songs_ahead(house: House) -> int:
    status = house.server.status()
    return int(status["playlistlength"]) - int(status.get("song", 0)) - 1


def topped_up(house: House, ahead: int = 3) -> None:
    until(lambda: songs_ahead(house) == ahead, f"{ahead} songs ahead")


# --- what is heard


def test_music_goes_on_for_ever_and_every_play_is_noted(tmp_path: Path) -> None:
    with House(tmp_path, [5.0, *[1.2] * 11]) as house, house.daemon() as daemon:
        daemon.says("MPD at")
        house.server.ask("add 00.wav", "play")
        until(lambda: len(house.events("play")) >= 4, "four songs are played")
        topped_up(house)
        assert daemon.end() == 0
        assert house.heard() == house.server.uris()[: len(house.heard())]
        assert house.events("skip") == []
        assert len(set(house.server.uris())) == len(house.server.uris())
        assert daemon.log().count("played: Artist 0 - Song 00") == 1


def test_calm_music_is_followed_by_calm_music(house: House) -> None:
    with house.daemon("--ahead", "5"):
        house.server.ask("add 00.wav", "play")
        topped_up(house, 5)
        assert {int(Path(uri).stem) % 2 for uri in house.server.uris()} == {0}


def test_a_skip_is_not_a_play(house: House) -> None:
    with house.daemon() as daemon:
        daemon.says("MPD at")
        house.server.ask("add 00.wav", "play")
        topped_up(house)
        time.sleep(1.0)
        house.server.ask("next")
        daemon.says("skipped: Artist 0 - Song 00")
        (event,) = house.events()
        assert event.kind == "skip"
        assert event.heard is not None
        assert 0.005 < event.heard < 0.2
        topped_up(house)


def test_what_is_passed_over_by_seeking_or_paused_is_not_heard(house: House) -> None:
    with house.daemon() as daemon:
        daemon.says("MPD at")
        house.server.ask("add 00.wav", "add 01.wav", "play")
        topped_up(house)
        time.sleep(0.5)
        house.server.ask("seekcur 40")
        time.sleep(0.8)
        house.server.ask("pause 1")
        time.sleep(2.0)
        house.server.ask("pause 0")
        time.sleep(0.3)
        house.server.ask("next")
        daemon.says("skipped")
        assert house.events("play") == []
        assert house.events()[0].heard == pytest.approx(1.6 / LONG, abs=1.0 / LONG)
        house.server.ask("stop")
        time.sleep(0.5)
        assert daemon.end() == 0
        assert len(house.events()) == 1  # stopping is no skip


# --- the queue


def test_songs_that_people_queue_come_first(house: House) -> None:
    with house.daemon() as daemon:
        house.server.ask("add 00.wav", "play")
        topped_up(house)
        house.server.ask("add 01.wav")
        daemon.says("took back 3")
        topped_up(house)
        assert house.server.uris()[:2] == ["00.wav", "01.wav"]


def test_the_rest_is_chosen_anew_after_a_skip(house: House) -> None:
    with house.daemon() as daemon:
        house.server.ask("add 00.wav", "add 01.wav", "play")
        topped_up(house)
        before = house.server.uris()
        time.sleep(1.2)
        house.server.ask("next")
        daemon.says("took back")
        topped_up(house)
        after = house.server.uris()
        assert after[:2] == before[:2]
        assert "00.wav" not in after[1:]


def test_a_dry_run_changes_nothing(house: House) -> None:
    before = house.library.read_bytes()
    with house.daemon("--dry-run", "--statistics") as daemon:
        house.server.ask("add 00.wav", "play")
        daemon.says("would queue", 3)
        daemon.says("notes to compare: 12 songs")
        time.sleep(1.2)
        house.server.ask("add 02.wav", "next")
        daemon.says("would note skipped: Artist 0 - Song 00")
        assert daemon.end() == 0
    assert house.server.uris() == ["00.wav", "02.wav"]
    assert house.server.stickers("00.wav") == {}
    assert house.library.read_bytes() == before
    assert not [path.name for path in house.library.parent.glob("library.db*-wal") if path.stat().st_size]


def test_one_round(house: House) -> None:
    house.server.ask("add 00.wav", "play")
    daemon = house.daemon("--once")
    daemon.start()
    assert daemon.end(signal.SIGCONT) == 0
    assert songs_ahead(house) == 3
    assert house.server.stickers("00.wav")["mood"] == "calm"


def test_a_library_without_songs_is_said(tmp_path: Path) -> None:
    with House(tmp_path, []) as house, house.daemon() as daemon:
        daemon.says("MPD at")
        time.sleep(0.5)
        assert house.server.uris() == []
        assert daemon.end() == 0
    assert "Traceback" not in daemon.log()


# --- notes


def test_moods_are_written_where_mpc_finds_them(tmp_path: Path) -> None:
    names = ["a.wav", "Ünïcode/ザ・曲.wav", f"{audio_files.NOT_UTF8}.wav", 'It\'s "1".wav']
    with House(tmp_path, [1.0] * 4, names) as house, house.daemon("--statistics") as daemon:
        daemon.says("wrote notes: 4 songs")
        for number, name in enumerate(names):
            stickers = house.server.stickers(name)
            assert stickers["mood"] == ("calm", "angry")[number % 2]
            assert len(stickers["valence"]) == len(stickers["arousal"]) == 3
        found = subprocess.run(
            [needs.program("mpc"), "--host", house.server.socket, "sticker", "", "find", "mood"],
            capture_output=True,
            check=True,
        )
        assert {os.fsdecode(line.split(b": mood=")[0]) for line in found.stdout.splitlines()} == set(names)
        house.server.ask("add a.wav", "play")
        daemon.says("played: Artist 0 - Song 00")
        until(lambda: house.server.stickers("a.wav").get("play_count") == "1", "the play is counted")


def test_when_nothing_happens_nothing_is_asked_nor_written(house: House) -> None:
    with (
        Wire(house.server.port) as wire,
        house.daemon("--port", str(wire.port), "--music", str(house.server.music), host="127.0.0.1") as daemon,
    ):
        house.server.ask("add 00.wav", "play")
        daemon.says("wrote notes: 12 songs")
        topped_up(house)
        time.sleep(1.0)
        asked, written = len(wire.sent), house.library.stat().st_mtime_ns
        times = _cpu_s(daemon.pid)
        time.sleep(2.5)
        assert bytes(wire.sent[asked:]) == b""
        assert house.library.stat().st_mtime_ns == written
        assert _cpu_s(daemon.pid) - times < 0.1


# --- what goes wrong


def test_mpd_is_away_at_first_and_dies_later(tmp_path: Path) -> None:
    house = House(tmp_path, [LONG] * 8)
    with house.daemon() as daemon:
        daemon.says("cannot be reached")
        with house:
            house.server.ask("add 00.wav", "play")
            topped_up(house)
            queue = house.server.uris()
            house.server.kill()
            daemon.says("is waited for", 2)
            house.server.start()
            daemon.says("reached MPD", 2)
            house.server.ask("clear", "add 02.wav", "play")
            topped_up(house)
            assert house.events() == []
            assert len(queue) == 4
            assert daemon.end() == 0
    assert daemon.log().count("is waited for") <= 3


def test_mpd_restarts_and_its_queue_stays(house: House) -> None:
    with house.daemon() as daemon:
        house.server.ask("add 00.wav", "play")
        topped_up(house)
        queue = house.server.uris()
        time.sleep(1.2)
        house.server.stop()
        house.server.start()
        daemon.says("reached MPD")
        until(lambda: house.server.status()["state"] == "play", "MPD plays on")
        time.sleep(0.5)
        assert house.server.uris() == queue
        house.server.ask("next")  # its own songs are still its own
        daemon.says("took back")


def test_the_network_drops(house: House) -> None:
    with (
        Wire(house.server.port) as wire,
        house.daemon("--port", str(wire.port), host="127.0.0.1") as daemon,
    ):
        house.server.ask("add 00.wav", "play")
        topped_up(house)
        wire.cut()
        daemon.says("is waited for")
        house.server.ask("next")
        wire.mend()
        daemon.says("reached MPD")
        topped_up(house)
        assert house.events("play") == []


def test_killed_in_the_middle_of_a_song_it_notes_it_once(tmp_path: Path) -> None:
    with House(tmp_path, [8.0] * 8) as house, house.daemon() as daemon:
        daemon.says("MPD at")
        house.server.ask("add 00.wav", "play")
        topped_up(house)
        time.sleep(0.5)
        daemon.end(signal.SIGKILL)
        daemon.start()
        until(lambda: house.heard("play") == ["00.wav"], "the song is noted")
        daemon.end(signal.SIGKILL)
        daemon.start()
        until(lambda: house.present() != "00.wav", "the next song plays")
        house.server.ask("pause 1")
        time.sleep(1.5)
        assert daemon.end() == 0
        assert house.heard().count("00.wav") == 1
        assert house.events("skip") == []
        assert songs_ahead(house) == 3
    assert "Traceback" not in daemon.log()


def test_killed_again_and_again_it_loses_nothing_and_queues_nothing_twice(tmp_path: Path) -> None:
    with House(tmp_path, [5.0, *[1.5] * 29]) as house, house.daemon() as daemon:
        house.server.ask("add 00.wav", "play")
        for round_ in range(5):
            time.sleep(0.5 + 0.23 * round_)
            daemon.end(signal.SIGKILL)
            daemon.start()
        daemon.says("MPD at", daemon.log().count("MPD at") + 1)
        topped_up(house)
        assert daemon.end() == 0
        uris = house.server.uris()
        assert len(set(uris)) == len(uris)
        heard = house.heard()
        assert len(set(heard)) == len(heard)
        assert house.events("skip") == []
        with closing(sqlite3.connect(house.library)) as library:
            assert library.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_it_ends_at_once(house: House) -> None:
    for times, (number, code) in enumerate([(signal.SIGTERM, 0), (signal.SIGINT, 130)], start=1):
        with house.daemon() as daemon:
            daemon.says("MPD at", times)
            began = time.monotonic()
            assert daemon.end(number) == code
            assert time.monotonic() - began < 2.0
            assert daemon.log().count("ending") == times
            assert "Traceback" not in daemon.log()


def test_a_password_of_the_environment(tmp_path: Path) -> None:
    base = tmp_path / "secret"
    with MpdServer(base, password="word@read,add,control,admin", default_permissions="") as server:
        library = base / "library.db"
        Library.open(library).close()
        with Daemon(library, "--port", str(server.port), "--no-scan", MPD_HOST="word@127.0.0.1") as daemon:
            daemon.says(f"MPD at 127.0.0.1:{server.port}: stopped")
            daemon.end()
        with Daemon(library, "--port", str(server.port), "--no-scan", MPD_HOST="guess@127.0.0.1") as daemon:
            daemon.says("refuses password: incorrect password")
        assert "word@" not in daemon.log()


# --- scans


def test_new_music_is_scanned_noted_and_offered(tmp_path: Path) -> None:
    with MpdServer(tmp_path / "mpd") as server:
        audio_files.write_tone(server.music / "one.wav", 6.0, frequency_hz=300.0)
        audio_files.write_tone(server.music / f"{audio_files.NOT_UTF8}.wav", 6.0, frequency_hz=500.0, seed=1)
        server.update()
        library = tmp_path / "library.db"
        with Daemon(library, "--host", server.socket, "--cpu", "", "--memory", "") as daemon:
            daemon.says("2 analysed")
            daemon.says("wrote notes: 2 songs")
            assert "mood" in server.stickers("one.wav")
            shutil.move(server.music, tmp_path / "away")
            server.music.mkdir()  # a mount point without its drive
            server.update()
            daemon.says("not there or empty")
            shutil.rmtree(server.music)
            shutil.move(tmp_path / "away", server.music)
            audio_files.write_tone(server.music / "new.wav", 6.0, frequency_hz=700.0, seed=2)
            server.update()
            daemon.says("1 analysed")
            until(lambda: "mood" in server.stickers("new.wav"), "the new song has its notes")
            until(lambda: "mood" in server.stickers("one.wav"), "songs that came back have theirs")
            assert daemon.end() == 0
        with Library.open(library, create=False) as known:
            assert len(known.tracks()) == 3


# --- twenty thousand songs


def test_with_twenty_thousand_songs_it_listens_while_it_writes(tmp_path: Path) -> None:
    one = audio_files.write_tone(tmp_path / "one.flac", 120.0, sample_rate=8_000)  # nobody hears half of it
    house = House(tmp_path, [])
    with Library.open(house.library) as library:
        library._database.run("PRAGMA synchronous=OFF")
        for number in range(20_000):
            file = house.server.music / f"{number // 100:03}" / f"{number % 100:02}.flac"
            file.parent.mkdir(exist_ok=True)
            os.link(one, file)
            song = shelf.analysis(str(file), ("calm", "angry")[number % 2], f"Artist {number % 900}", seed=number)
            library.store(str(file), FileStamp(1, 1), song, shelf.RECIPE)
        library.pack_shelf("shelf-1")
    with house, house.daemon() as daemon:
        daemon.says("MPD at")
        house.server.ask("add 000/00.flac", "play")
        topped_up(house)
        until(lambda: "mood" in house.server.stickers("000/99.flac"), "notes are being written")
        slowest = 0.0
        for number in range(1, 4):
            time.sleep(1.1)
            began = time.monotonic()
            house.server.ask("next")
            until(lambda number=number: len(house.events("skip")) == number, "the skip is noted")
            topped_up(house)
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 20.0  # mostly a tenth of a second; all notes take two minutes
        assert _peak_mb(daemon.pid) < 100
        assert "wrote notes" not in daemon.log()  # it was at it all the time
        assert daemon.end() == 0


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
