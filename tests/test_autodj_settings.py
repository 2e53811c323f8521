"""Settings of the auto-DJ: the file, the options before it, where MPD is, and how the command ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
import shelf
from click.testing import CliRunner

from edgemood.autodj import options
from edgemood.autodj.settings import _KEYS, Settings, read, secret
from edgemood.cli.commands import edgemood as main
from edgemood.cli.mpd import address
from edgemood.errors import ConfigError
from edgemood.library import Library
from edgemood.wish import Wish

EXAMPLE, SERVICE = (CliRunner().invoke(main, ["mpd", "--print", which]).output for which in ("config", "service"))


def settings(folder: Path, text: str) -> Settings:
    (folder / "mpd.toml").write_text(text, encoding="utf-8")
    return read(folder / "mpd.toml")


def test_nothing_said_is_as_it_is(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == Settings()
    assert settings(tmp_path, EXAMPLE) == Settings()


def test_the_service_runs_the_command_with_the_settings() -> None:
    started = re.search(r"^ExecStart=\S+/edgemood (mpd .*)$", SERVICE, re.MULTILINE)
    assert started
    main.commands["mpd"].make_parser(click.Context(main)).parse_args(started[1].split()[1:])
    assert f">{started[1].split()[-1]}\n" in SERVICE  # where its first lines put them


def test_every_line_of_the_example_can_be_used_and_says_what_holds_without_it(tmp_path: Path) -> None:
    table, seen, said = "", {"password"}, {"password_file", "music", "host", "start", "mood", "toward", "like"}
    said |= {"without_genres", "without_tags", "without_folders", "include", "listener", "port"}
    (tmp_path / "password").write_text("sesame\n")
    for line in EXAMPLE.splitlines():
        table = line if line.startswith("[") else table
        if found := re.match(r"# (\w+) = ", line):
            text = line[2:].replace("/etc/edgemood/mpd.password", str(tmp_path / "password"))
            made = settings(tmp_path, f"{table}\n{text}")
            assert (made != Settings()) is (found[1] in said), line
            seen.add(found[1])
    assert seen == {key for keys in _KEYS.values() for key in keys}


def test_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\nnot this\n")
    made = settings(
        tmp_path,
        """
        [player]
        host = "@mpd"
        port = 6601
        password_file = "secret"
        music = "~/Müsic"
        [queue]
        listener = "anna"
        ahead = 5
        when = "end"
        refresh = false
        start = "sad"
        [songs]
        toward = "calm"
        over = 20
        like = [17, "~/a.ogg"]
        variety = 1
        without_genres = ["metal", "schlager"]
        include = ["speech"]
        repeat_after_h = 0.5
        [notes]
        moods = false
        statistics = true
        prefix = "em_"
        [scan]
        scan = false
        cpu = "150%"
        memory = ""
        pause_while_playing = true
        """,
    )
    home = Path.home()
    assert made == Settings(
        host="@mpd",
        port=6601,
        password="sesame",
        music=f"{home}/Müsic",
        listener="anna",
        ahead=5,
        when="end",
        refresh=False,
        start="sad",
        over=20,
        wish=Wish(
            toward="calm",
            seeds=(17, f"{home}/a.ogg"),
            variety=1.0,
            without_genres=("metal", "schlager"),
            include=("speech",),
            repeat_after_s=1800,
        ),
        moods=False,
        statistics=True,
        prefix="em_",
        scan=False,
        cpu="150%",
        memory=None,
        pause_while_playing=True,
    )
    assert "sesame" not in repr(made)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[queue]\nahead = 0", r"\[queue\] ahead is a whole number from 1 to 30, not 0"),
        ("[queue]\nahead = true", r"\[queue\] ahead .* not True"),
        ("[queue]\nahaed = 3", r"\[queue\] has no 'ahaed': it has listener, ahead"),
        ("[queues]\nahead = 3", r"there is no \[queues\]: there are \[player\], \[queue\]"),
        ("queue = 3", r"queue is a table: write \[queue\]"),
        ("[queue]\nwhen = 'never'", r"\[queue\] when is one of always, end, not 'never'"),
        ("[queue]\nrefresh = 1", r"\[queue\] refresh is true or false, not 1"),
        ("[queue]\nlistener = ' '", r"\[queue\] listener is a text"),
        ('[queue]\nlistener = "a\\u0007"', r"no name of a listener"),
        ("[player]\nport = 70000", r"\[player\] port"),
        ("[player]\npassword_file = 'nowhere'", r"the password cannot be read from .*nowhere: No such file"),
        ("[player]\npassword = 'a'\npassword_file = 'b'", r"both password and password_file"),
        ("[songs]\nvariety = 2", r"\[songs\] variety is a number from 0 to 1, not 2"),
        ("[songs]\nvariety = nan", r"\[songs\] variety is a number"),
        ("[songs]\nlike = [true]", r"\[songs\] like is a text, not True"),
        ("[songs]\nlike = 3", r"\[songs\] like is a list"),
        ("[songs]\ninclude = ['noise']", r"\[songs\] include is one of speech, short, long, christmas, not 'noise'"),
        ("[songs]\nwithout_tags = 'x'", r"\[songs\] without_tags is a list"),
        ("[songs]\nmood = 'calm'\ntoward = 'sad'", r"not all at once"),
        ("[scan]\ncpu = '25'", r"\[scan\] cpu: '25' is no share of a core"),
        ("[scan]\nmemory = 'much'", r"\[scan\] memory: 'much' is no size"),
        ('[notes]\nprefix = "a\\nb"', r"\[notes\] prefix is text of one line"),
        ("[queue", r"mpd.toml: Expected '\]'"),
        ("[queue]\nahead = 3\nahead = 4", r"mpd.toml: "),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        settings(tmp_path, text)
    assert str(tmp_path / "mpd.toml") in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        read(tmp_path / "nowhere.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"odd\.toml"):
        read(tmp_path / "odd.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        read(tmp_path / "large.toml")


def test_passwords_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="no password in"):
        secret(tmp_path / "empty")
    (tmp_path / "crlf").write_bytes(b"open sesame\r\n")
    assert secret(tmp_path / "crlf") == "open sesame"


def test_options_go_before_the_file(tmp_path: Path) -> None:
    made = settings(tmp_path, '[queue]\nahead = 5\nwhen = "end"\n[songs]\nvariety = 0.9\nwithout_tags = ["live"]')
    both = made.having(ahead=2, when=None, variety=0.1, without_tags=(), artist_gap=7, moods=False)
    assert (both.ahead, both.when, both.moods) == (2, "end", False)
    assert both.wish == Wish(variety=0.1, without_tags=("live",), artist_gap=7)


def test_an_option_that_says_what_to_look_for_replaces_what_the_file_says(tmp_path: Path) -> None:
    made = settings(tmp_path, '[songs]\ntoward = "sad"\nlike = [1]\nvariety = 0.9')
    assert made.having(mood="calm").wish == Wish(mood="calm", variety=0.9)
    assert made.having(seeds=("/a.ogg",)).wish == Wish(seeds=("/a.ogg",), variety=0.9)
    assert made.having(variety=0.5).wish == Wish(toward="sad", seeds=(1,), variety=0.5)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    made = settings(
        tmp_path, '[player]\nmusic = "m"\n[songs]\nlike = ["m/a.ogg", "/b.ogg", 3]\nwithout_folders = ["m/x"]'
    )
    assert made.music == f"{tmp_path}/m"
    assert made.wish.seeds == (f"{tmp_path}/m/a.ogg", "/b.ogg", 3)
    assert made.wish.without_folders == (f"{tmp_path}/m/x",)


def test_what_a_scan_is_given() -> None:
    assert options(Settings(), "/l.db", None) == ["--library", "/l.db", "--cpu", "25%", "--memory", "200M"]
    free = Settings(cpu="", memory=None, pause_while_playing=True)
    assert options(free, None, "paper") == ["--model", "paper", "--pause-while-playing"]


# ------------------------------------------------------------------------------------------------------ where MPD is


@pytest.mark.parametrize(
    ("environment", "chosen", "expected"),
    [
        ({}, {}, ("localhost", 6600, None)),
        ({"MPD_HOST": "radio"}, {}, ("radio", 6600, None)),
        ({"MPD_HOST": "sesame@radio", "MPD_PORT": "6601"}, {}, ("radio", 6601, "sesame")),
        ({"MPD_HOST": "sesame@/run/so@cket"}, {}, ("/run/so@cket", 6600, "sesame")),
        ({"MPD_HOST": "sesame@@abstract"}, {}, ("@abstract", 6600, "sesame")),
        ({"MPD_HOST": "@abstract"}, {}, ("@abstract", 6600, None)),
        ({"MPD_HOST": "sesame@radio"}, {"password": "other"}, ("radio", 6600, "other")),
        ({"MPD_HOST": "sesame@radio", "MPD_PORT": "1"}, {"host": "here", "port": 2}, ("here", 2, None)),
        ({"MPD_PORT": "6601"}, {}, ("localhost", 6601, None)),
    ],
)
def test_mpd_is_found_as_mpc_finds_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], chosen: dict[str, Any], expected: Any
) -> None:
    for name in ("MPD_HOST", "MPD_PORT", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "is_socket", lambda self: False)
    assert address(Settings(**chosen)) == expected


def test_its_usual_socket_goes_before_the_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MPD_HOST", raising=False)
    monkeypatch.delenv("MPD_PORT", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "mpd").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "mpd" / "socket"))
        assert address(Settings())[0] == str(tmp_path / "mpd" / "socket")
        assert address(Settings(port=6600))[0] == "localhost"


@pytest.mark.parametrize("port", ["0", "x", "99999", "-1"])
def test_a_port_that_is_none(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("MPD_PORT", port)
    with pytest.raises(ConfigError, match="MPD_PORT"):
        address(Settings())


# --------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMOOD_LIBRARY", str(tmp_path / "library.db"))
    Library.open(tmp_path / "library.db").close()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--ahead", "0"], "--ahead"),
        (["--config", "/nowhere.toml"], "/nowhere.toml: No such file"),
        (["--cpu", "much"], "cpu: 'much' is no share"),
        (["--mood", "calm", "--toward", "sad"], "not all at once"),
        (["--verbose", "--quiet"], "give one of them"),
        (["--password-file", "/nowhere"], "password cannot be read"),
    ],
)
def test_wrong_usage(words: list[str], complaint: str) -> None:
    result = CliRunner().invoke(main, ["mpd", "--once", "--host", "/nowhere", *words])
    assert result.exit_code == 2
    assert complaint in result.stderr


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        (["--mood", "jolly"], "", "jolly"),
        (["--toward", "jolly"], "", "jolly"),
        (["--start", "jolly"], "", "jolly"),
        ([], '[songs]\nmood = "jolly"', "jolly"),
        ([], '[songs]\nlike = ["/no/such.flac"]', "/no/such.flac"),
        (["--like", "99"], "", "99"),
        (["--mood", "calm"], '[songs]\nwithout_folders = ["nowhere"]', "there is no folder"),
    ],
)
def test_what_the_library_does_not_know_is_wrong_usage(
    tmp_path: Path, words: list[str], text: str, complaint: str
) -> None:
    with Library.open(tmp_path / "library.db") as library:
        shelf.fill(library, [(f"{shelf.MUSIC}/1.ogg", "calm", "A"), (f"{shelf.MUSIC}/2.ogg", "sad", "B")])
    (tmp_path / "mpd.toml").write_text(text)
    result = CliRunner().invoke(
        main, ["mpd", "--once", "--host", "/nowhere", "--config", str(tmp_path / "mpd.toml"), *words]
    )
    assert result.exit_code == 2
    assert complaint in result.stderr
    result = CliRunner().invoke(main, ["mpd", "--once", "--host", "/nowhere", "--start", "calm", "--like", "1"])
    assert "cannot be reached" in result.stderr


def test_one_round_without_an_mpd_is_an_error_of_one_line() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    result = CliRunner().invoke(main, ["mpd", "--once", "--host", "/nowhere/socket"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"edgemood: error: MPD at /nowhere/socket cannot be reached: .*\n", result.stderr)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("journal", [False, True])
def test_a_signal_ends_it_at_once(number: signal.Signals, code: int, journal: bool) -> None:
    environment = {**os.environ, **({"JOURNAL_STREAM": "8:1"} if journal else {})}
    command = [sys.executable, "-m", "edgemood.cli", "mpd", "--host", "/nowhere/socket"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stderr is not None
        first = process.stderr.readline().decode()
        time.sleep(0.1)  # it waits now
        begin = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == code
        assert time.monotonic() - begin < 5
        rest = process.stderr.read().decode()
    assert re.match(r"<4>the player" if journal else r"\d\d:\d\d:\d\d warning: the player", first)
    assert rest.endswith("ending\n")
    assert "Traceback" not in rest


@pytest.mark.parametrize("runtime", [True, False])
def test_of_two_daemons_for_one_mpd_the_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: bool
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if runtime:
        (tmp_path / "run").mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    words = ["mpd", "--host", "/nowhere/socket"]
    with subprocess.Popen([sys.executable, "-m", "edgemood.cli", *words], stderr=subprocess.PIPE) as first:
        assert first.stderr is not None
        assert first.stderr.readline()  # it follows
        try:
            for more in ([], ["--once"]):
                second = CliRunner().invoke(main, [*words, *more])
                assert second.exit_code == 1
                assert f"mpd already runs for MPD at /nowhere/socket (process {first.pid})\n" in second.stderr
            for free in (["--once", "--dry-run"], ["--once", "--host", "/elsewhere/socket"]):
                assert "cannot be reached" in CliRunner().invoke(main, [*words, *free]).stderr
        finally:
            first.kill()
    assert "cannot be reached" in CliRunner().invoke(main, [*words, "--once"]).stderr


def test_names_of_songs_cannot_write_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    from edgemood.cli.dj import _logging_to_stderr

    with _logging_to_stderr(logging.INFO):
        logging.getLogger("edgemood.autodj").info("played: %s", "a\n12:00:00 played: b\x1b[2J \udce9")
    assert re.fullmatch(r"\d\d:\d\d:\d\d played: a\\n12:00:00 played: b\\x1b\[2J \\xe9\n", capsys.readouterr().err)
