"""`edgemood.players.mpd` against a real MPD."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import audio_files
import pytest
from mpd_server import MpdServer, Wire, until

from edgemood.errors import ConfigError, PlayerError
from edgemood.player import PAUSED, PLAYING, STOPPED, Annotation
from edgemood.players.mpd import WINDOW, Mpd

pytestmark = pytest.mark.real_time

pytest.importorskip("mpd", reason="needs python-mpd2: pip install 'edgemood[mpd]'")

NAMES = (
    "a.wav",
    "b.wav",
    "Ünïcode/ザ・曲.flac",
    f"nfc-{unicodedata.normalize('NFC', 'é')}.wav",
    f"nfd-{unicodedata.normalize('NFD', 'é')}.wav",
    f"{audio_files.NOT_UTF8}/{audio_files.NOT_UTF8}.wav",
    'It\'s "1" \\ {2} [3] #4 %20.wav',
    " spaces .wav",
)
MUSIC_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MpdServer]:
    with MpdServer(tmp_path_factory.mktemp("mpd")) as server:
        for number, name in enumerate(NAMES):
            file = server.music / name
            file.parent.mkdir(exist_ok=True)
            audio_files.write_tone(file, MUSIC_S, sample_rate=8_000, seed=number)
        audio_files.write_tone(server.music / "short.wav", 0.6, sample_rate=8_000)
        audio_files.write_tone(server.music / "side.wav", 4.0, sample_rate=8_000)
        tracks = "".join(f"  TRACK {n:02} AUDIO\n    INDEX 01 00:0{n}:00\n" for n in (1, 2))
        (server.music / "side.cue").write_text(f'FILE "side.wav" WAVE\n{tracks}')
        server.update()
        yield server


@pytest.fixture
def player(server: MpdServer) -> Iterator[Mpd]:
    server.ask("stop", "clear", "random 0", "repeat 0", "single 0", "consume 0")
    with closing(Mpd(server.socket)) as player:
        player.connect()
        yield player


def paths(server: MpdServer, *names: str) -> list[str]:
    return [str(server.music / name) for name in names]


def quiet(player: Mpd) -> None:
    """Take what is to be told already."""
    while player.follow(0.05):
        pass


# --- what it plays


def test_nothing_is_queued(player: Mpd) -> None:
    before = time.monotonic()
    state = player.state()
    assert before <= state.at <= time.monotonic()
    assert (state.status, state.song, state.coming, state.left) == (STOPPED, None, [], 0)


def test_a_song_plays_pauses_and_is_sought_in(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "a.wav", "b.wav", "short.wav"))
    server.ask("play 1")
    state = player.state()
    assert state.status == PLAYING
    assert state.song is not None
    assert (state.song.uri, state.song.path) == ("b.wav", str(server.music / "b.wav"))
    assert state.song.duration_s == pytest.approx(MUSIC_S)
    assert [queued.uri for queued in state.coming] == ["short.wav"]
    assert state.left == 1
    time.sleep(0.3)
    later = player.state()
    assert later.elapsed_s - state.elapsed_s == pytest.approx(later.at - state.at, abs=0.15)
    server.ask("pause 1", "seekcur 12.5")
    paused = player.state()
    assert (paused.status, paused.song) == (PAUSED, state.song)
    assert paused.elapsed_s == pytest.approx(12.5, abs=0.1)


def test_when_stopped_the_song_it_would_begin_with_comes_first(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "a.wav", "b.wav", "short.wav"))
    assert [queued.uri for queued in player.state().coming] == ["a.wav", "b.wav", "short.wav"]
    server.ask("play 1", "stop")
    state = player.state()
    assert (state.status, state.song, state.elapsed_s, state.left) == (STOPPED, None, 0.0, 2)
    assert [queued.uri for queued in state.coming] == ["b.wav", "short.wav"]


def test_a_song_ends_by_itself_and_the_next_begins(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "short.wav", "a.wav"))
    server.ask("play 0")
    quiet(player)
    began = time.monotonic()
    assert player.follow(10.0) == {"state"}
    assert time.monotonic() - began < 3.0
    until(lambda: (song := player.state().song) is not None and song.uri == "a.wav", "the second song plays")


def test_the_queue_runs_out(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "short.wav"))
    server.ask("play 0")
    until(lambda: player.state().status == STOPPED, "the only song ends")
    assert player.state().song is None


def test_shuffle_and_repeat_are_told(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "a.wav", "b.wav", "short.wav"))
    quiet(player)
    assert not player.state().shuffled
    assert not player.state().repeats
    server.ask("random 1", "repeat 1", "play 2")
    assert "state" in player.follow(5.0)
    state = player.state()
    assert state.shuffled
    assert state.repeats
    assert state.left == 2  # whichever it has had


def test_what_is_no_file_has_no_path(server: MpdServer, player: Mpd) -> None:
    server.ask('addid "http://radio.invalid/live.mp3"', "addid side.cue/track0002", f'addid "{server.music / "a.wav"}"')
    server.ask(f'addid "file://{server.music / "b.wav"}"')
    coming = player.state().coming
    assert [queued.path for queued in coming] == [None, None, *paths(server, "a.wav", "b.wav")]
    assert coming[0].duration_s is None
    assert coming[1].duration_s == pytest.approx(2.0)


# --- following


def test_follow_ends_after_its_time_with_nothing(player: Mpd) -> None:
    quiet(player)
    began = time.monotonic()
    assert player.follow(0.3) == frozenset()
    assert 0.3 <= time.monotonic() - began < 1.0


def test_what_happens_between_two_calls_is_told(server: MpdServer, player: Mpd) -> None:
    quiet(player)
    server.ask("add a.wav")
    time.sleep(0.1)
    assert player.follow(5.0) == {"state"}
    assert player.follow(0.1) == frozenset()


def test_songs_that_come_are_told(server: MpdServer, player: Mpd) -> None:
    quiet(player)
    new = audio_files.write_tone(server.music / "new.wav", 1.0, sample_rate=8_000)
    try:
        server.ask("update")
        assert "songs" in player.follow(10.0)
        assert player.queue([str(new)])[0] is not None
    finally:
        new.unlink()
        server.update()


def test_while_nothing_happens_nothing_is_sent(server: MpdServer, player: Mpd) -> None:
    with Wire(server.port) as wire, closing(Mpd("127.0.0.1", wire.port, folder=str(server.music))) as far:
        far.connect()
        far.queue(paths(server, "a.wav"))
        far.annotate([Annotation(str(server.music / "a.wav"), {"mood": "calm", "at": str(time.time())})])
        quiet(far)  # our own queueing; our stickers wake nobody
        wire.sent.clear()
        assert far.follow(2.0) == frozenset()
        assert wire.sent.count(b"\n") == 2, bytes(wire.sent)  # idle, noidle


# --- queueing


@pytest.mark.parametrize("name", NAMES)
def test_names_go_to_mpd_and_come_back(server: MpdServer, player: Mpd, name: str) -> None:
    (path,) = paths(server, name)
    (queued,) = player.queue([path])
    assert queued is not None
    assert (queued.path, queued.uri) == (path, name)
    server.ask("play 0")
    song = player.state().song
    assert song is not None
    assert (song.path, song.entry) == (path, queued.entry)
    assert player.annotate([Annotation(path, {"mood": f"of {name.encode().hex() if name.isascii() else 'ü'}"})]) == 1
    assert set(server.stickers(name)) == {"mood"} | ({"at"} if name == "a.wav" else set())


def test_unknown_songs_are_passed_over(server: MpdServer, player: Mpd) -> None:
    wanted = [
        *paths(server, "a.wav", "gone.wav", "side.cue", "b.wav", "gone/2.wav"),
        "/elsewhere/c.wav",
        "relative.wav",
    ]
    queued = player.queue(wanted)
    assert [entry and entry.path for entry in queued] == [wanted[0], None, None, wanted[3], None, None, None]
    assert server.uris() == ["a.wav", "b.wav"]
    assert player.queue([]) == []


def test_a_name_cannot_give_mpd_commands(server: MpdServer, player: Mpd) -> None:
    player.queue(paths(server, "a.wav"))
    assert player.queue([str(server.music / 'b.wav"\nclear\nadd "b.wav')]) == [None]
    assert player.annotate([Annotation(str(server.music / 'b.wav"\nclear\nadd "b.wav'), {"mood": "sad"})]) == 0
    assert server.uris() == ["a.wav"]


def test_entries_are_taken_out_but_for_the_present_one(server: MpdServer, player: Mpd) -> None:
    queued = player.queue(paths(server, "a.wav", "b.wav", "a.wav", "short.wav"))
    entries = [entry.entry for entry in queued if entry is not None]
    assert len(set(entries)) == 4
    server.ask("play 0")
    player.unqueue([entries[0], entries[2], "99999", entries[3]])
    assert server.uris() == ["a.wav", "b.wav"]
    player.unqueue(entries)
    assert server.uris() == ["a.wav"]
    server.ask("stop")
    player.unqueue(entries)
    assert server.uris() == []


def test_of_a_long_queue_only_a_piece_is_read(server: MpdServer, player: Mpd) -> None:
    server.ask("command_list_begin\n" + "add a.wav\n" * 20_000 + "command_list_end", "play 15000")
    with Wire(server.port) as wire, closing(Mpd("127.0.0.1", wire.port, folder=str(server.music))) as far:
        far.connect()
        before = wire.received
        state = far.state()
        assert wire.received - before < 20_000  # all of it is some megabytes
    assert len(state.coming) == WINDOW
    assert state.left == 4_999
    assert player.queue(paths(server, "b.wav"))[0] is not None


def test_a_queue_that_is_full_is_an_error(tmp_path: Path) -> None:
    with MpdServer(tmp_path, max_playlist_length="2") as server, closing(Mpd(server.socket)) as player:
        audio_files.write_tone(server.music / "a.wav", 1.0)
        server.update()
        player.connect()
        with pytest.raises(PlayerError, match=r"MPD at .* refuses addid: Playlist is too large"):
            player.queue(paths(server, "a.wav", "a.wav", "a.wav"))
        assert player.state().left == 2  # the connection goes on


# --- where the music lies


def test_the_folder_is_told_over_the_socket(server: MpdServer, player: Mpd) -> None:
    assert player.folders() == [str(server.music)]
    assert player.name == f"MPD at {server.socket}"


def test_over_tcp_the_folder_is_learnt_from_songs_of_the_library(server: MpdServer) -> None:
    elsewhere = "/mnt/nas/music"  # as another machine sees the same songs
    known = ["/other/a.wav", "/other/x.wav", *(f"{elsewhere}/{name}" for name in reversed(NAMES))]
    with closing(Mpd("127.0.0.1", server.port, known=lambda: known)) as player:
        player.connect()
        assert player.folders() == [elsewhere]
        assert player.name == f"MPD at 127.0.0.1:{server.port}"
        (queued,) = player.queue([f"{elsewhere}/a.wav"])
        assert queued is not None
        assert queued.uri == "a.wav"


def test_the_folder_is_learnt_when_the_library_has_songs(server: MpdServer) -> None:
    known: list[str] = []
    with closing(Mpd("127.0.0.1", server.port, known=lambda: known)) as player:
        player.connect()
        server.ask("clear", "add a.wav")
        assert player.folders() == []
        assert player.state().coming[0].path is None
        assert player.queue(paths(server, "a.wav")) == [None]
        known += paths(server, "a.wav")
        assert player.folders() == [str(server.music)]
        assert player.state().coming[0].path == known[0]


def test_a_setting_says_where_the_music_lies(server: MpdServer) -> None:
    with closing(Mpd("127.0.0.1", server.port, folder="/mnt/here/")) as player:
        player.connect()
        assert player.folders() == ["/mnt/here"]
        queued = player.queue(["/mnt/here/a.wav", "/mnt/here/../here/a.wav"])
        assert queued[0] is not None
        assert queued[1] is None


def test_a_link_to_the_music_is_seen_through(tmp_path: Path) -> None:
    real = tmp_path / "disk"
    real.mkdir()
    audio_files.write_tone(real / "a.wav", 1.0)
    base = tmp_path / "mpd"
    base.mkdir()
    (base / "music").symlink_to(real)
    known: list[str] = []
    with MpdServer(base) as server, closing(Mpd(server.socket, known=lambda: known)) as player:
        server.update()
        player.connect()
        for path in (f"{base}/music/a.wav", f"{real}/a.wav"):
            assert player.queue([path])[0] is not None
        assert player.state().coming[0].path == f"{base}/music/a.wav"
        known += ["/other/a.wav"]  # of the same name, but not in MPD's folder
        player.connect()
        assert player.folders() == [f"{base}/music"]
        known[:] = [f"{real}/a.wav"]  # as the library knows it
        player.connect()
        assert player.state().coming[0].path == known[0]


# --- stickers


def test_notes_are_written_where_they_differ(server: MpdServer, player: Mpd) -> None:
    notes = [Annotation(path, {"mood": "happy", "valence": "0731"}) for path in paths(server, "a.wav", "b.wav")]
    assert player.annotate(iter(notes)) == 2
    assert {**server.stickers("b.wav"), "at": ""} == {"mood": "happy", "valence": "0731", "at": ""}
    assert player.annotate(notes) == 0
    changed = [notes[0], Annotation(notes[1].path, {"mood": "sad", "valence": "0731"})]
    assert player.annotate(changed) == 1
    assert server.stickers("b.wav")["mood"] == "sad"
    assert "file: b.wav" in server.ask('sticker find song "" mood = sad')


def test_songs_that_mpd_does_not_know_have_no_notes(server: MpdServer, player: Mpd) -> None:
    names = [f"gone-{n}.wav" if n % 3 else f"{'ab'[n % 2]}.wav" for n in range(150)]
    stamp = str(time.time())
    assert player.annotate([Annotation(path, {"when": stamp}) for path in paths(server, *names)]) == 2
    assert server.stickers("a.wav")["when"] == stamp


def test_an_mpd_without_stickers_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with MpdServer(tmp_path, sticker_file="") as server, closing(Mpd(server.socket)) as player:
        audio_files.write_tone(server.music / "a.wav", 1.0)
        server.update()
        notes = [Annotation(path, {"mood": "sad"}) for path in paths(server, "a.wav")]
        for _ in range(3):
            player.connect()
            assert player.annotate(notes) == 0
            assert player.annotate(notes) == 0
            assert player.state().status == STOPPED
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        f"MPD at {server.socket} keeps no notes about songs: sticker database is disabled"
    ]


def test_stickers_that_cannot_be_written_are_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with MpdServer(tmp_path) as server, closing(Mpd(server.socket)) as player:
        audio_files.write_tone(server.music / "a.wav", 1.0)
        server.update()
        player.connect()
        with closing(sqlite3.connect(tmp_path / "sticker.sql")) as stickers, stickers:
            stickers.execute("CREATE TRIGGER no BEFORE INSERT ON sticker BEGIN SELECT RAISE(ABORT, 'read-only'); END")
        notes = [Annotation(path, {"mood": "sad"}) for path in paths(server, "a.wav")]
        assert player.annotate(notes) == 0
        assert player.annotate(notes) == 0
        (warning,) = caplog.records
        assert "keeps no notes about songs" in warning.getMessage()
        with closing(sqlite3.connect(tmp_path / "sticker.sql")) as stickers, stickers:
            stickers.execute("DROP TRIGGER no")
        player.connect()
        assert player.annotate(notes) == 1
        assert server.stickers("a.wav") == {"mood": "sad"}


def test_many_songs_are_annotated_without_a_pause_in_following(tmp_path: Path) -> None:
    with MpdServer(tmp_path) as server, closing(Mpd(server.socket)) as player:
        one = audio_files.write_tone(tmp_path / "one.wav", 1.0, sample_rate=8_000)
        names = [f"{n // 100:03}/{n % 100:02}.wav" for n in range(5_000)]
        for name in names:
            if name.endswith("00.wav"):
                (server.music / name).parent.mkdir()
            os.link(one, server.music / name)
        server.update()
        server.ask(f'sticker set song "{names[0]}" mood calm')
        with closing(sqlite3.connect(tmp_path / "sticker.sql")) as stickers, stickers:
            rows = [("song", name, "mood", "calm") for name in names[1:]]
            stickers.executemany("INSERT INTO sticker (type, uri, name, value) VALUES (?, ?, ?, ?)", rows)
        player.connect()
        songs = (
            Annotation(str(server.music / name), {"mood": "calm" if n % 1000 else "sad"})
            for n, name in enumerate(names)
        )
        written, longest = 0, 0.0
        while few := [song for song, _ in zip(songs, range(50), strict=False)]:
            began = time.monotonic()
            written += player.annotate(few)
            longest = max(longest, time.monotonic() - began)
        assert written == 5
        assert longest < 0.5
        assert server.stickers(names[4_000]) == {"mood": "sad"}


# --- what goes wrong


def test_python_mpd2_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpd", None)
    monkeypatch.delitem(sys.modules, "edgemood.players._mpd_connection", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'edgemood\[mpd\]'"):
        Mpd()


def test_nobody_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(PlayerError, match=f"^MPD at 127.0.0.1:{port} cannot be reached: Connection refused$"):
        Mpd("127.0.0.1", port).connect()
    with pytest.raises(PlayerError, match=r"^MPD at .*/socket cannot be reached: No such file or directory$"):
        Mpd(str(tmp_path / "socket")).connect()
    with pytest.raises(PlayerError, match="not connected"):
        Mpd(str(tmp_path / "socket")).state()


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\x00\n", b"", b"OK MPD 0.23.5\nOK\n\xff\n"]
)
def test_somebody_else_is_there(greeting: bytes) -> None:
    def answer() -> None:
        connection, _ = other.accept()
        with connection:
            connection.sendall(greeting)
            connection.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=answer)
        thread.start()
        with (
            pytest.raises(PlayerError, match=r"MPD at 127\.0\.0\.1"),
            closing(Mpd("127.0.0.1", other.getsockname()[1])) as player,
        ):
            player.connect()
            player.state()
        thread.join()


def test_passwords(tmp_path: Path) -> None:
    with MpdServer(tmp_path, password="a secret@read,add,control,admin", default_permissions="") as server:
        with (
            closing(Mpd("127.0.0.1", server.port)) as player,
            pytest.raises(PlayerError, match="you don't have permission"),
        ):
            player.connect()
        with closing(Mpd("127.0.0.1", server.port, password="guess")) as player:
            with pytest.raises(PlayerError, match="refuses password: incorrect password"):
                player.connect()
            with pytest.raises(PlayerError, match="not connected"):
                player.state()
        with closing(Mpd("127.0.0.1", server.port, password="a secret")) as player:
            player.connect()
            assert player.state().status == STOPPED


def test_mpd_dies_and_comes_back(tmp_path: Path) -> None:
    with MpdServer(tmp_path) as server, closing(Mpd(server.socket)) as player:
        for name in ("a.wav", "b.wav"):
            audio_files.write_tone(server.music / name, MUSIC_S, sample_rate=8_000)
        server.update()
        player.connect()
        player.queue(paths(server, "a.wav", "b.wav"))
        server.ask("play 0")
        quiet(player)
        server.kill()
        with pytest.raises(PlayerError, match=r"MPD at .*socket cannot be reached"):
            player.follow(5.0)
        with pytest.raises(PlayerError, match="cannot be reached: Connection refused"):
            player.connect()
        server.start()
        player.connect()
        assert player.follow(5.0) == {"state"}
        assert player.state().status == STOPPED
        server.stop()
        with pytest.raises(PlayerError):
            player.state()
        audio_files.write_tone(server.music / "c.wav", 1.0)
        server.start()
        time.sleep(1.1)  # MPD's clock of updates has whole seconds
        server.update()
        player.connect()
        assert player.follow(5.0) == {"state", "songs"}


def test_the_network_drops(server: MpdServer, player: Mpd) -> None:
    with Wire(server.port) as wire, closing(Mpd("127.0.0.1", wire.port, folder=str(server.music))) as far:
        far.connect()
        quiet(far)
        threading.Timer(0.2, wire.cut).start()
        with pytest.raises(PlayerError, match="cannot be reached: it closed the connection"):
            far.follow(5.0)
        with pytest.raises(PlayerError, match="cannot be reached"):
            far.connect()
        wire.mend()
        far.connect()
        assert far.state().status == STOPPED


def test_a_network_that_goes_dead_is_noticed(server: MpdServer, player: Mpd) -> None:
    with (
        Wire(server.port) as wire,
        closing(Mpd("127.0.0.1", wire.port, folder=str(server.music), timeout_s=0.5)) as far,
    ):
        far.connect()
        quiet(far)
        wire.dead = True
        began = time.monotonic()
        with pytest.raises(PlayerError, match=r"does not answer within 0\.5 s"):
            far.follow(0.3)
        assert time.monotonic() - began < 2.0
        with pytest.raises(PlayerError, match=r"does not answer within 0\.5 s"):
            far.connect()
        wire.dead = False
        far.connect()
        assert far.state().status == STOPPED


def test_an_mpd_that_hangs_is_noticed(server: MpdServer) -> None:
    with closing(Mpd(server.socket, timeout_s=0.5)) as player:
        player.connect()
        server.send(signal.SIGSTOP)
        try:
            for call in (player.state, player.connect):
                began = time.monotonic()
                with pytest.raises(PlayerError, match="does not answer"):
                    call()
                assert time.monotonic() - began < 2.0
        finally:
            server.send(signal.SIGCONT)
        player.connect()
        assert player.state().status == STOPPED


def test_an_interrupted_wait_leaves_nothing_behind(player: Mpd) -> None:
    quiet(player)
    with pytest.raises(KeyboardInterrupt):
        main = threading.main_thread().ident
        threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
        player.follow(10.0)
    with pytest.raises(PlayerError, match="not connected"):
        player.state()
    player.close()
    player.connect()
    assert player.state().status == STOPPED


def test_the_music_is_unmounted(tmp_path: Path) -> None:
    with MpdServer(tmp_path) as server, closing(Mpd(server.socket)) as player:
        audio_files.write_tone(server.music / "a.wav", 1.0)
        server.update()
        player.connect()
        quiet(player)
        shutil.move(server.music, tmp_path / "away")
        server.music.mkdir()  # an empty mount point
        server.update()
        assert "songs" in player.follow(5.0)
        assert player.queue(paths(server, "a.wav")) == [None]
        assert player.annotate([Annotation(path, {"mood": "sad"}) for path in paths(server, "a.wav")]) == 0
        server.music.rmdir()
        shutil.move(tmp_path / "away", server.music)
        server.update()
        assert "songs" in player.follow(5.0)
        assert player.queue(paths(server, "a.wav"))[0] is not None


def test_an_mpd_without_music(tmp_path: Path) -> None:
    with MpdServer(tmp_path) as server, closing(Mpd(server.socket)) as player:
        player.connect()
        assert player.state().left == 0
        assert player.queue(paths(server, "a.wav")) == [None]
        assert player.folders() == [str(server.music)]
