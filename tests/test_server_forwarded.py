"""Proxies: whom a request comes from, and that nobody can say so of himself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shelf
from serving import PATIENCE_S, Server, everything, serving, status_of
from shelf import MUSIC

from edgemood.errors import ConfigError
from edgemood.library import Library
from edgemood.server import Settings
from edgemood.server.forwarded import Proxies

TOKEN = "a-token-of-sufficient-length"
OURS = ("10.0.0.1", "192.0.2.0/24", "2001:db8::1")


def sender(peer: str, *lines: str, known: tuple[str, ...] = OURS, **more: str) -> tuple[str, str]:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    scope: dict[str, Any] = {"type": "http", "client": (peer, 5), "scheme": "http", "headers": headers}
    found = Proxies(known).seen(scope)
    assert scope["client"] == (peer, 5) and scope["scheme"] == "http"  # which others may still look at
    return found["client"][0], found["scheme"]


@pytest.mark.parametrize(
    ("peer", "lines", "seen"),
    [
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),  # the first one is what the client says of itself
        ("10.0.0.1", ["1.1.1.1", "203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5, 192.0.2.7"], "203.0.113.5"),  # through two of ours
        ("10.0.0.1", ["192.0.2.9, 192.0.2.7"], "192.0.2.9"),  # from one of ours
        ("10.0.0.1", ["10.0.0.1, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"),
        ("10.0.0.1", ["[2001:db8::5]:80"], "2001:db8::5"),
        ("10.0.0.1", ["[2001:db8::5]"], "2001:db8::5"),
        ("10.0.0.1", ["2001:DB8:0::5"], "2001:db8::5"),
        ("10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("2001:db8:0:0::1", ["203.0.113.5"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, _hidden"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5,"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5, x, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["203.0.113.500"], "10.0.0.1"),
        ("10.0.0.1", ["\xff"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1," * 5000 + "203.0.113.5"], "203.0.113.5"),
        ("10.0.0.2", ["203.0.113.5"], "10.0.0.2"),  # nobody that we know
        ("127.0.0.1", ["203.0.113.5"], "127.0.0.1"),
        ("203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("", ["203.0.113.5"], ""),
    ],
)
def test_whom_a_proxy_speaks_for(peer: str, lines: list[str], seen: str) -> None:
    assert sender(peer, *lines)[0] == seen
    assert sender(peer, *lines, known=())[0] == peer  # unless told of proxies, nobody is believed


def test_how_it_was_asked() -> None:
    assert sender("10.0.0.1", x_forwarded_proto="https")[1] == "https"
    assert sender("10.0.0.1", x_forwarded_proto="javascript")[1] == "http"
    assert sender("10.0.0.2", x_forwarded_proto="https")[1] == "http"
    assert sender("10.0.0.1", forwarded="for=203.0.113.5;proto=https", x_real_ip="203.0.113.5") == ("10.0.0.1", "http")


@pytest.mark.parametrize("odd", ["", "*", "proxy.local", "10.0.0.1:80", "10.0.0.0/99", "0.0.0.0/0", "::/0"])
def test_what_is_no_proxy(odd: str) -> None:
    with pytest.raises(ConfigError, match="--proxy"):
        Settings(proxies=[odd])


@pytest.fixture(params=[(), ("--proxy", "127.0.0.1")], ids=["alone", "behind"])
def locked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Server, bool]]:
    with Library.open(tmp_path / "library.db") as shelved:
        shelf.fill(shelved, [(f"{MUSIC}/1.ogg", "calm", "Ann")])
    (tmp_path / "token").write_text(TOKEN)
    with serving(tmp_path / "library.db", "--token-file", str(tmp_path / "token"), *request.param) as server:
        yield server, bool(request.param)


def guess(server: Server, sender: str, token: str = "wrong", source: str = "127.0.0.1") -> socket.socket:
    link = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, source_address=(source, 0))
    head = "GET /api/scan HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    link.sendall(f"{head}Authorization: Bearer {token}\r\nX-Forwarded-For: {sender}\r\n\r\n".encode())
    return link


def statuses(links: list[socket.socket]) -> list[int]:
    found = [status_of(everything(link)) for link in links]
    for link in links:
        link.close()
    return found


def test_who_guesses_locks_out_nobody_else_behind_a_proxy(locked: tuple[Server, bool]) -> None:
    server, behind = locked
    guesses = [guess(server, "203.0.113.5") for _ in range(30)]
    others = [guess(server, f"203.0.113.{n}", TOKEN) for n in range(6, 10)]
    assert set(statuses(others)) == ({200} if behind else {429})
    assert set(statuses(guesses)) == {401, 429}


def test_nobody_guesses_faster_by_another_name(locked: tuple[Server, bool]) -> None:
    """Neither past the proxy, nor through it with something in front of what it adds."""
    server, _ = locked
    past = statuses([guess(server, f"198.51.100.{n}", source="127.0.0.2") for n in range(30)])
    assert past.count(429) >= 14
    through = statuses([guess(server, f"198.51.100.{n}, 203.0.113.5") for n in range(30)])
    assert through.count(429) >= 14


def test_the_cookie_is_for_https_where_the_proxy_says_so(locked: tuple[Server, bool]) -> None:
    server, behind = locked
    body = f'{{"token": "{TOKEN}"}}'.encode()
    head = "POST /api/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    answer = server.send(f"{head}X-Forwarded-Proto: https\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert status_of(answer) == 204 and (b"; Secure" in answer) == behind
