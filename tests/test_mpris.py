"""`edgemood.players.mpris` against a made-up player on a real D-Bus."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import audio_files
import pytest
import shelf
from mpd_server import until

from edgemood.errors import ConfigError, PlayerError
from edgemood.library import FileStamp, Library
from edgemood.player import PLAYING, STOPPED

pytest.importorskip("jeepney", reason="needs jeepney: pip install 'edgemood[mpris]'")

from mpris_player import FakePlayer, bus

from edgemood.players.mpris import Mpris

pytestmark = pytest.mark.real_time

SONGS = ("/music/a.flac", "/music/Ünïcode & more/100% #1?.ogg", f"/music/{audio_files.NOT_UTF8}.mp3")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with bus() as address:
        yield address


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)


@pytest.fixture
def fake(address: str) -> Iterator[FakePlayer]:
    with closing(FakePlayer(address)) as fake:
        yield fake


@pytest.fixture
def player(fake: FakePlayer) -> Iterator[Mpris]:
    with closing(Mpris()) as player:
        player.connect()
        yield player


def quiet(player: Mpris) -> None:
    while player.follow(0.1):
        pass


def test_it_is_followed(fake: FakePlayer, player: Mpris) -> None:
    state = player.state()
    assert (state.status, state.song, state.left) == (STOPPED, None, 0)
    fake.add("file:///music/caf%E9%20x.mp3")
    fake.add("https://radio.invalid/live")
    fake.play(0, 4.0)
    assert player.follow(5.0) == {"state"}
    state = player.state()
    assert state.song is not None
    assert (state.status, state.song.path) == (PLAYING, os.fsdecode(b"/music/caf\xe9 x.mp3"))
    assert state.elapsed_s == pytest.approx(4.0, abs=0.5)
    assert state.song.duration_s == 10.0
    assert [song.path for song in state.coming] == [None]
    assert state.left == 1


def test_only_what_matters_wakes(fake: FakePlayer, player: Mpris) -> None:
    quiet(player)
    threading.Timer(0.1, fake.tell, ["Volume"]).start()
    assert player.follow(0.4) == frozenset()
    threading.Timer(0.1, fake.seeked).start()
    assert player.follow(5.0) == {"state"}


def test_songs_are_queued_and_taken_out(fake: FakePlayer, player: Mpris) -> None:
    fake.add("file:///music/first.flac")
    fake.play(0)
    queued = player.queue([*SONGS, "/music/not.txt"])
    assert [song and song.path for song in queued] == [*SONGS, None]
    state = player.state()
    assert [song.path for song in state.coming] == list(SONGS)
    assert [song.entry for song in state.coming] == [song.entry for song in queued if song]
    assert state.song is not None
    player.unqueue([state.song.entry, state.coming[1].entry, "/gone file:///gone"])
    assert [song.path for song in player.state().coming] == [SONGS[0], SONGS[2]]
    assert player.state().song == state.song


@pytest.mark.parametrize("forgets", [False, True])
def test_a_player_without_a_list_is_handed_song_after_song(address: str, forgets: bool) -> None:
    with closing(FakePlayer(address, edits=False)) as fake, closing(Mpris("fake")) as player:
        fake.forgets = forgets
        fake.add("file:///music/first.flac")
        fake.play(0)
        player.connect()
        queued = player.queue(SONGS)
        assert [song.path for song in player.state().coming] == list(SONGS)
        assert queued[2] is not None
        player.unqueue([queued[2].entry])
        assert player.state().left == 2
        fake.play(0, 3.0)
        quiet(player)
        player.state()
        fake.stop()  # by hand
        assert player.follow(5.0) == {"state"}
        assert fake.opened == []
        for song in queued[:2]:
            assert song is not None
            fake.play(0, 9.5)
            quiet(player)
            player.state()
            fake.stop()
            assert player.follow(5.0) == {"state"}
            playing = player.state().song
            assert playing is not None
            assert (playing.path, playing.entry) == (song.path, song.entry)
        assert fake.opened == [song.uri for song in queued[:2] if song]
        assert player.state().left == 0


def test_a_player_that_ran_out_is_handed_what_is_queued_later(address: str) -> None:
    with closing(FakePlayer(address, edits=False)) as fake, closing(Mpris("fake")) as player:
        fake.add("file:///music/first.flac")
        fake.play(0, 1.0)
        player.connect()
        player.state()
        fake.stop()  # by hand
        quiet(player)
        time.sleep(0.2)
        player.queue(SONGS[:1])
        assert fake.opened == []
        player.unqueue([song.entry for song in player.state().coming])
        fake.play(0, 9.9)
        quiet(player)
        fake.stop()
        quiet(player)
        player.queue(SONGS[:1])
        assert len(fake.opened) == 1


def test_what_cannot_be_done_is_left(player: Mpris) -> None:
    assert player.folders() == []
    assert player.annotate([]) == 0


def test_the_one_that_plays_is_taken(address: str) -> None:
    with closing(FakePlayer(address, "aaa")), closing(FakePlayer(address, "bbb.instance7")) as other:
        with closing(Mpris()) as player:
            player.connect()
            assert player.name == "MPRIS player aaa"
            other.add("file:///music/a.flac")
            other.play(0)
            player.connect()
            assert player.name == "MPRIS player bbb.instance7"
        with closing(Mpris("bbb")) as named:
            named.connect()
            assert named.state().status == PLAYING
        with closing(Mpris("bb")) as wrong, pytest.raises(PlayerError, match=r"^MPRIS player bb: not found$"):
            wrong.connect()


def test_a_player_that_ends_is_noticed_and_found_again(address: str) -> None:
    with closing(Mpris("fake")) as player:
        with closing(FakePlayer(address)) as fake:
            player.connect()
            threading.Timer(0.2, fake.close).start()
            with pytest.raises(PlayerError, match="MPRIS player fake: has gone"):
                player.follow(5.0)
            with pytest.raises(PlayerError, match="not connected"):
                player.state()
        with pytest.raises(PlayerError, match="not found"):
            player.connect()
        with closing(FakePlayer(address)):
            player.connect()
            assert player.state().status == STOPPED


def test_a_player_that_hangs_is_noticed(fake: FakePlayer) -> None:
    with closing(Mpris("fake", timeout_s=0.3)) as player:
        player.connect()
        fake.hangs = True
        began = time.monotonic()
        with pytest.raises(PlayerError, match=r"does not answer within 0\.3 s"):
            player.state()
        assert time.monotonic() - began < 2.0


def test_there_is_no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    for nowhere in ("unix:path=/nowhere/bus", "nonsense"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", nowhere)
        with pytest.raises(PlayerError, match="the session's D-Bus cannot be reached"):
            Mpris().connect()
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    with pytest.raises(PlayerError, match="the session's D-Bus cannot be reached"):
        Mpris().connect()


def test_jeepney_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jeepney", None)
    monkeypatch.delitem(sys.modules, "edgemood.players._session", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'edgemood\[mpris\]'"):
        Mpris()


def test_the_command_is_the_dj_of_a_player(address: str, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library.db") as library:
        for number, mood in enumerate(("calm", "angry") * 6):
            song = shelf.analysis(f"{number}", mood, f"Artist {number}", f"Song {number:02}", number)
            file = tmp_path / f"{number}.ogg"
            file.touch()
            library.store(str(file), FileStamp(1, 1), song, shelf.RECIPE)
    with closing(FakePlayer(address)) as fake:
        fake.add((tmp_path / "0.ogg").as_uri())
        fake.play(0, 2.0)
        command = [sys.executable, "-m", "edgemood.cli", "mpris", "--player", "fake", "--no-scan", "--ahead", "2"]
        environment = {**os.environ, "EDGEMOOD_LIBRARY": str(tmp_path / "library.db")}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as daemon:
            try:
                until(lambda: len(fake.tracks) == 3, "two songs are queued")
                fake.play(1)
                until(lambda: len(fake.tracks) == 4, "one more is queued")
            finally:
                daemon.terminate()
                said = daemon.communicate(timeout=30)[1]
        assert daemon.returncode == 0, said
        assert "skipped: Artist 0 - Song 00, after " in said
    with Library.open(tmp_path / "library.db") as library:
        assert [event.kind for event in library.events()] == ["skip"]
