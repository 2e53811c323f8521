"""What others may try on a server: each is tried against a real one, over sockets, and refused."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import shelf
from serving import Server, everything, serving, status_of
from shelf import MUSIC

from edgemood.library import Library
from edgemood.server import brake
from edgemood.server.origins import refusal
from edgemood.server.security import MOST_BODY

TOKEN = "a-token-of-sufficient-length"
JSON = "Content-Type: application/json"
#: A server that waits for nobody as long as it usually does.
IMPATIENT = "import edgemood.server.run as r, edgemood.server.security as s; r.HEAD_S = r.UNREAD_S = s.BODY_S = 0.7"
SOON_S = 10.0  # and by then it has surely lost its patience


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secure") / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, [(f"{MUSIC}/{number}.ogg", "calm", "Ann") for number in range(6)])
    return path


@pytest.fixture(scope="module")
def server(library: Path) -> Iterator[Server]:
    with serving(library, first=IMPATIENT) as running:
        yield running


@pytest.fixture(scope="module")
def locked(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text(f"{TOKEN}\nand what comes after is no part of it\n")
    other = shutil.copy(library, token.parent)
    with serving(other, "--token-file", str(token), "--allow-host", "car.local") as running:
        yield running


def unharmed(server: Server) -> bool:
    """Whether it still answers, and nobody has changed a thing."""
    status, _ = server.ask("GET", "/api/health")
    heard = server.json("GET", "/api/listener/history")["plays"]
    return status == 200 and heard == [] and server.process.poll() is None


def test_every_answer_is_marked(server: Server) -> None:
    for path in ("/", "/api/health", "/api/nothing", "/nothing", "/api/openapi.json"):
        answer = server.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = answer.partition(b"\r\n\r\n")[0].decode().lower()
        policy = re.search(r"content-security-policy: (.*)", head)
        assert policy and "default-src 'none'" in policy[1] and "frame-ancestors 'none'" in policy[1]
        assert "unsafe" not in policy[1] and "*" not in policy[1]
        assert "x-content-type-options: nosniff" in head and "referrer-policy: no-referrer" in head
        assert "cross-origin-resource-policy: same-origin" in head and "access-control-" not in head
        assert "server:" not in head and ("cache-control: no-store" in head) == path.startswith("/api")


# ----------------------------------------------------------------------------------------------------- path traversal

UP = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "%252e%252e%252f", "..\\", "..%5c", "..%255c", "....//", "%c0%ae%c0%ae/"]
PLACES = ["/", "/api/songs/", "/api/songs/1/", "/rest/", "/page/", "/api/library/", "//", "/index.html/"]


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_out(server: Server, place: str) -> None:
    for up in UP:
        for file in ("etc/passwd", "app.py", "run.py"):
            status, body = server.ask("GET", f"{place}{up * 6}{file}")
            assert status in {200, 400, 404, 422} and b"root:" not in body and b"import" not in body, (place, up)
            if status == 200:  # a method that OpenSubsonic does not know is told so in an answer
                assert place == "/rest/" and b"failed" in body
    for path in (f"{place}%00", f"{place}%0d%0aX-Evil:%201", f"{place}/etc/passwd", f"{place}~root", f"{place}*"):
        status, body = server.ask("GET", path)
        assert (status in {404, 422} or place == "/rest/") and b"root:" not in body, path


def test_files_are_not_named_by_requests(server: Server) -> None:
    """Paths in parameters and bodies are looked up in the library, never opened."""
    for path in ("/etc/passwd", f"{MUSIC}/../../etc/passwd", "file:///etc/passwd", "~/.ssh/id_rsa"):
        said = server.json("POST", "/api/plays", {"path": path})
        assert said["error"]["type"] == ("UnknownTrackError" if path.startswith("/") else "ConfigError")
        said = server.json("POST", "/api/scan", {"folders": [path]})
        assert said["error"]["type"] == "ConfigError"
    status, body = server.ask("POST", "/api/scan", JSON, body=b'{"folders": ["/etc"]}')
    assert status == 403 and json.loads(body)["error"]["type"] == "ConfigError"
    assert unharmed(server)


# ------------------------------------------------------------------------------------------ other origins, other names


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://localhost:1",
        "Origin: http://127.0.0.1.evil.example",
        "Origin: http://[::1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
    ],
)
def test_pages_of_other_sites_may_tell_it_nothing(server: Server, header: str) -> None:
    for method, path in (
        ("POST", "/api/plays"),
        ("POST", "/api/scan"),
        ("DELETE", "/api/scan"),
        ("POST", "/rest/ping"),
        ("GET", "/rest/ping"),
        ("GET", "/api/library"),
    ):
        status, body = server.ask(method, path, header, JSON, body=b'{"id": 1}')
        assert status == 403 and json.loads(body)["error"]["type"] == "HTTPError", (method, path)
    assert unharmed(server)


def test_pages_of_other_sites_may_ask_it_nothing(server: Server) -> None:
    for path in ("/api/library", "/rest/scrobble.view?id=tr-1"):
        assert server.ask("GET", path, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")[0] == 403
        assert server.ask("GET", path, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")[0] == 403
    assert server.ask("GET", "/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")[0] == 200  # a link to it
    assert server.ask("GET", "/api/library", "Sec-Fetch-Site: same-origin")[0] == 200
    own = f"Origin: http://127.0.0.1:{server.port}"
    assert server.ask("POST", "/api/plays", own, JSON, body=b'{"id": 99}')[0] == 404


def test_a_form_of_another_site_is_no_json(server: Server) -> None:
    """What a page may send without asking first: browsers of old did not say where it came from."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refused(server, 415, f"Content-Type: {kind}")
    refused(server, 415)
    assert unharmed(server)


def refused(server: Server, wanted: int, *headers: str) -> None:
    """Check that a play which is right but for its headers is not noted."""
    status, said = server.ask("POST", "/api/plays", *headers, body=b'{"id": 1}')
    assert status == wanted and json.loads(said)["error"]["type"] == "HTTPError", (headers, status, said)


@pytest.mark.parametrize(
    "kind",
    ["", " ", "json", "text/json", "application/jsonx", "application/x-json", "application/json, text/plain",
     "application/json/x", "application/ json", "*/*", "application/*", "xapplication/json"],
)  # fmt: skip
def test_a_body_says_that_it_is_json(server: Server, kind: str) -> None:
    refused(server, 415, f"Content-Type: {kind}")
    refused(server, 415, JSON, f"Content-Type: {kind}")
    assert unharmed(server)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/vnd.x+json ;a=b"],
)
def test_what_is_json(server: Server, kind: str) -> None:
    for method, path in (("POST", "/api/plays"), ("PUT", "/api/songs/99/label")):
        status, _ = server.ask(method, path, f"Content-Type: {kind}", body=b'{"id": 99}')
        assert status in {404, 422}, kind
    assert server.ask("POST", "/api/plays", f"Content-Type: {kind}", body=b'{"id": 99}')[0] == 404
    assert server.ask("DELETE", "/api/scan")[0] == 200  # without a body nothing needs to be said


@pytest.mark.parametrize("packing", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "x", "aws-chunked"])
def test_a_body_is_not_packed(server: Server, packing: str) -> None:
    refused(server, 415, JSON, f"Content-Encoding: {packing}")
    refused(server, 415, JSON, "Content-Encoding: identity", f"Content-Encoding: {packing}")
    assert unharmed(server)


def test_a_form_of_opensubsonic_is_not_packed(server: Server) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    assert server.ask("POST", "/rest/ping", form, "Content-Encoding: gzip", body=b"v=1")[0] == 415
    assert server.ask("POST", "/rest/ping", form, "Content-Encoding: identity", body=b"v=1")[0] == 200


def test_a_body_that_is_as_it_is(server: Server) -> None:
    assert server.ask("POST", "/api/plays", JSON, "Content-Encoding: identity", body=b'{"id": 99}')[0] == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:6680", 200), ("LOCALHOST", 200), ("[::1]:6680", 200), ("192.168.1.5", 200),
        ("x.localhost", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("car.local", 421),
        ("localhost.evil.example:6680", 421), ("", 421), ("localhost:", 421), ("localhost:99999", 421),
        ("user@localhost", 421), ("localhost/x", 421), ("0x7f.1", 421), ("localhost:80:80", 421),
    ],
)  # fmt: skip
def test_it_answers_to_its_own_names_only(server: Server, host: str, status: int) -> None:
    for path in ("/", "/api/library"):
        answer = server.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert status_of(answer) == status


def test_a_request_has_one_host(server: Server) -> None:
    for hosts in ("", "Host: localhost\r\nHost: evil.example\r\n", "Host: localhost\r\nHost: localhost\r\n"):
        answer = server.send(f"GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert status_of(answer) in {400, 421}
    assert b"421" in server.send(b"GET /api/library HTTP/1.0\r\n\r\n")
    absolute = server.send(
        b"GET http://evil.example/api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert status_of(absolute) in {400, 404}


def test_names_that_were_allowed() -> None:
    def allowed(host: bytes) -> bool:
        return refusal("GET", "/", [(b"host", host)], {"car.local", "::"}) is None

    assert allowed(b"car.local:6680") and allowed(b"CAR.local.") and not allowed(b"other.local")
    assert not allowed(b"xcar.local") and not allowed(b"car.local\xe9")


# -------------------------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"x"', b'{"id": 1', b'{"id": 1}}', b'{"id": NaN}', b'{"id": 1, "at": Infinity}',
        b'{"id": 1, "id": 2}', b'{"id": 1, "at": 1e400}', b"\xff\xfe", b'{"path": "\xe9"}', b'{"path": "\\ud800"}',
        b"\xef\xbb\xbf" + b'{"id": 1}', b"[" * 30_000, b'{"a":' * 10_000, b"[" * 9000 + b"]" * 9000,
        b'{"id": ' + b"9" * 5000 + b"}", b'{"id": 1, "at": -1e-400000}x', b"id=1", b'{"__proto__": {"id": 1}}',
        b'{"path": "' + b"a" * 5000 + b'"}',
    ],
)  # fmt: skip
def test_malformed_bodies(server: Server, body: bytes) -> None:
    status, said = server.ask("POST", "/api/plays", JSON, body=body)
    error = json.loads(said)["error"]
    assert status == 422 and error["type"] == "ConfigError" and "sys." not in error["message"], said
    assert unharmed(server)


@pytest.mark.parametrize(
    "path",
    [
        "/api/library?limit=1&limit=2",
        "/api/next?mood=calm&n=2&mood=sad",
        "/api/map/filter?search=a&search=",
        "/api/listener?listener=a&listener=a",
    ],
)
def test_what_counts_once_is_given_once(server: Server, path: str) -> None:
    status, said = server.ask("GET", path)
    assert status == 422 and "it is given 2 times, and counts once" in json.loads(said)["error"]["message"]


@pytest.mark.parametrize("path", ["/api/plays", "/api/nothing", "/", "/rest/ping"])
def test_a_large_body_is_not_read(server: Server, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\n"
    for length in (MOST_BODY + 1, 10**12, 10**30):
        assert status_of(server.send(f"{head}Content-Length: {length}\r\n\r\n".encode())) in {400, 413}
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    with server.connect() as link:
        link.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(64):
                link.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert status_of(everything(link)) in {0, 413}  # it may be gone before the answer was read
    assert unharmed(server)


@pytest.mark.parametrize("length", ["-1", "1x", "+5", "1, 2", "0x10", " ", "5\r\nContent-Length: 6"])
def test_lengths_that_are_none(server: Server, length: str) -> None:
    head = f"POST /api/plays HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: {length}\r\n\r\n"
    assert status_of(server.send(head.encode() + b'{"id": 1}')) == 400
    assert unharmed(server)


def test_no_request_hides_in_another(server: Server) -> None:
    """A length and chunks at once: what two servers in a row would cut differently."""
    hidden = b"GET /api/scan HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = b'9\r\n{"id": 1}\r\n0\r\n\r\n'
    for version, path, lines in [
        ("1.1", "/api/plays", "Content-Length: 4\r\nTransfer-Encoding: chunked"),
        ("1.1", "/api/plays", f"Transfer-Encoding: chunked\r\nContent-Length: {len(body)}"),
        ("1.1", "/api/plays", "Transfer-Encoding: Chunked\r\nContent-Length: 0"),
        ("1.1", "/rest/ping", "Transfer-Encoding: chunked\r\nContent-Length: 0"),
        ("1.1", "/", "Transfer-Encoding: chunked\r\nContent-Length: 0"),
        ("1.1", "/api/plays", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        ("1.0", "/api/plays", "Transfer-Encoding: chunked"),
    ]:
        head = f"POST {path} HTTP/{version}\r\nHost: localhost\r\n{JSON}\r\n{lines}\r\n\r\n"
        answer = server.send(head.encode() + body + hidden)  # it closes, though nobody asked for that
        assert status_of(answer) in {400, 501} and answer.count(b"HTTP/1.1 ") == 1, (version, lines, answer)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "HTTPError"
    assert unharmed(server)


def test_a_body_may_come_in_chunks(server: Server) -> None:
    head = f"POST /api/plays HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{JSON}\r\n"
    answer = server.send(f'{head}Transfer-Encoding: chunked\r\n\r\na\r\n{{"id": 99}}\r\n0\r\n\r\n'.encode())
    assert status_of(answer) == 404


# ------------------------------------------------------------------------------------------------- heads and injection


@pytest.mark.parametrize(
    "request_",
    [
        b"", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 200,
        b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", b"GET /\x80\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"G" * 100_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)  # fmt: skip
def test_heads_that_are_none(server: Server, request_: bytes) -> None:
    with server.connect() as link:
        try:
            link.sendall(request_)
            link.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed already
        answer = everything(link)
    assert status_of(answer) in {0, 400, 421, 431}
    if answer:
        first = answer.partition(b"\r\n\r\n")[2].partition(b"HTTP/1.1")[0]
        assert json.loads(first)["error"]["type"] == "HTTPError"
        assert b"content-security-policy" in answer
    assert unharmed(server)


def test_nothing_that_is_given_comes_back_as_a_header(server: Server) -> None:
    evil = "a%0d%0aX-Evil:%20yes%0d%0a%0d%0a<script>"
    for path in (f"/api/songs/{evil}", f"/{evil}", f"/api/library?search={evil}", f"/api/next?mood={evil}",
                 f"/api/listener?listener={evil}", f"/api/library?cursor={evil}", f"/rest/{evil}?f=json"):  # fmt: skip
        answer = server.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"x-evil" not in head.lower() and status_of(answer) < 500
        assert b"text/html" not in head or b"<script>" not in body


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND", "get", "X" * 200])
def test_other_methods_do_nothing(server: Server, method: str) -> None:
    for path in ("/api/library", "/", "/api/plays"):
        status, body = server.ask(method, path, "X-Secret: word", "Origin: http://localhost")
        assert status in {400, 403, 404, 405} and b"word" not in body
    assert unharmed(server)


# ------------------------------------------------------------------------------------------------------- slow clients


def closed_within(link: socket.socket, seconds: float) -> bool:
    link.settimeout(seconds)
    try:
        while link.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_a_head_that_never_ends(server: Server) -> None:
    for begin in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "):
        with server.connect() as link:
            link.sendall(begin)
            assert closed_within(link, SOON_S), begin


def test_a_head_that_drips(server: Server) -> None:
    begin = time.monotonic()
    with server.connect() as link:
        try:
            while time.monotonic() - begin < SOON_S:
                link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: y" if time.monotonic() - begin < 0.1 else b"y")
                time.sleep(0.1)
        except OSError:
            pass
    assert time.monotonic() - begin < SOON_S


def test_a_second_head_that_never_ends(server: Server) -> None:
    with server.connect() as link:
        link.sendall(b"GET /api/scan HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/sc")
        assert closed_within(link, SOON_S)


def test_a_body_that_never_ends(server: Server) -> None:
    with server.connect() as link:
        link.sendall(f'POST /api/plays HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: 9\r\n\r\n{{"i'.encode())
        link.settimeout(SOON_S)
        assert status_of(everything(link)) == 408
    assert unharmed(server)


def test_a_body_that_is_cut_off(server: Server) -> None:
    with server.connect() as link:
        link.sendall(
            f'POST /api/plays HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: 9\r\n\r\n{{"id"'.encode()
        )
    assert unharmed(server)


def test_a_reader_that_does_not_read(server: Server) -> None:
    """Whoever asks for ever and reads nothing is cut off, and costs little until then."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    link.settimeout(SOON_S)
    link.connect(("127.0.0.1", server.port))
    ask = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with link, pytest.raises((ConnectionResetError, BrokenPipeError)):
        while True:
            link.sendall(ask * 20)
    assert unharmed(server)


def test_idle_connections_give_way(server: Server) -> None:
    """Nobody can keep others out by holding more connections than there may be."""
    links = []
    try:
        for _ in range(300):
            links.append(server.connect())
            if len(links) % 50 == 0:
                assert server.ask("GET", "/api/scan")[0] == 200
        assert unharmed(server)
    finally:
        for link in links:
            link.close()


def test_bodies_that_do_not_come_give_way(server: Server) -> None:
    links = []
    try:
        for _ in range(250):
            links.append(server.connect())
            links[-1].sendall(
                f"POST /api/login HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: 9\r\n\r\n".encode()
            )
        assert unharmed(server)
    finally:
        for link in links:
            link.close()


def test_many_requests_at_once(server: Server) -> None:
    """More than can wait are told so, and to come again."""
    ask = b"GET /api/next?mood=calm&n=5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    links = [server.connect() for _ in range(150)]
    for link in links:
        link.sendall(ask)
    answers = [everything(link) for link in links]
    for link in links:
        link.close()
    statuses = [status_of(answer) for answer in answers]
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 50
    assert all(b"retry-after" in answer.lower() for answer in answers if status_of(answer) == 503)
    assert unharmed(server)


# -------------------------------------------------------------------------------------------------------------- tokens


def test_nothing_is_told_without_the_token(locked: Server) -> None:
    schema = locked.ask("GET", "/api/openapi.json", f"Authorization: Bearer {TOKEN}")[1]
    for path, methods in json.loads(schema)["paths"].items():
        for method in methods:
            if path == "/api/login":
                continue
            status, body = locked.ask(method.upper(), path.replace("{song}", "1"), JSON, body=b"{}")
            assert status == 401 and json.loads(body)["error"]["type"] == "HTTPError", (method, path)
    assert locked.ask("GET", "/api/openapi.json")[0] == 401
    assert locked.ask("GET", "/api/nothing")[0] == 401  # nor what there is


def test_the_page_itself_can_be_had(locked: Server) -> None:
    assert locked.ask("GET", "/")[0] == 200


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer", f"Authorization: Basic {TOKEN}", f"Authorization: Bearer {TOKEN[:-1]}",
        f"Authorization: Bearer {TOKEN}x", "Authorization: Bearer \xff", f"Cookie: edgemood={TOKEN}",
        "Cookie: edgemood=", "Cookie: edgemood=0; edgemood=1", f"X-Token: {TOKEN}",
    ],
)  # fmt: skip
def test_what_is_not_the_token(locked: Server, header: str) -> None:
    assert locked.ask("GET", "/api/library", header)[0] == 401


def test_the_token_opens(locked: Server) -> None:
    assert locked.ask("GET", "/api/library", f"Authorization: Bearer {TOKEN}")[0] == 200
    assert locked.ask("GET", "/api/library", f"authorization: bearer {TOKEN}")[0] == 200
    head = "GET /api/library HTTP/1.1\r\nHost: car.local\r\nConnection: close\r\n"
    assert status_of(locked.send(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())) == 200


def test_the_page_logs_in_by_a_cookie_that_scripts_and_other_sites_cannot_use(locked: Server) -> None:
    body = json.dumps({"token": TOKEN}).encode()
    head = f"POST /api/login HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nConnection: close\r\n"
    answer = locked.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert status_of(answer) == 204
    found = re.search(rb"set-cookie: (edgemood=\w{64}); (.*)\r\n", answer)
    assert found and b"HttpOnly" in found[2] and b"SameSite=Strict" in found[2] and TOKEN.encode() not in answer
    cookie = f"Cookie: other=1; {found[1].decode()}"
    assert locked.ask("GET", "/api/library", cookie)[0] == 200
    assert locked.ask("POST", "/api/plays", cookie, "Origin: http://evil.example", JSON, body=b'{"id": 1}')[0] == 403
    assert locked.ask("POST", "/api/login", JSON, body=b'{"token": "wrong"}')[0] == 401


def test_guessing_is_slow_and_others_go_on(locked: Server) -> None:
    links = []
    for number in range(40):
        link = locked.connect()
        head = "GET /api/library HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        link.sendall(f"{head}Authorization: Bearer {number}\r\n\r\n".encode())
        links.append(link)
    statuses = [status_of(everything(link)) for link in links]
    for link in links:
        link.close()
    assert set(statuses) == {401, 429} and statuses.count(401) <= 16  # those were looked at, and waited
    assert locked.ask("GET", "/api/library", f"Authorization: Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize(
    "guess", ["GET /api/library HTTP/1.1\r\nAuthorization: Bearer {}", "GET /rest/ping?c=x&v=1.16.1&apiKey={} HTTP/1.1"]
)
def test_a_guess_that_hangs_up_counts(locked: Server, guess: str) -> None:
    time.sleep(0.6)  # until those of other tests are forgotten
    for number in range(brake.TRYING):
        with locked.connect() as link:
            link.sendall(f"{guess.format(number)}\r\nHost: localhost\r\n\r\n".encode())
            time.sleep(0.02)
    right = f"{guess.format(TOKEN)}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert status_of(locked.send(right)) == 429
    time.sleep(0.6)
    assert status_of(locked.send(right)) == 200


def test_a_wrong_token_waits(locked: Server) -> None:
    begin = time.monotonic()
    assert locked.ask("GET", "/api/library", "Authorization: Bearer wrong")[0] == 401
    assert time.monotonic() - begin > 0.4
