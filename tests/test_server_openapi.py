"""OpenAPI: what the description promises is what is answered, whatever is asked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import fastapi.applications
import httpx
import jsonschema
import pytest
import shelf
from serving import asking, serving
from shelf import MUSIC

from edgemood.library import Library
from edgemood.server import Settings, make_app
from edgemood.server.desk import Desk
from edgemood.server.gate import Gate
from edgemood.server.metrics import Metrics
from edgemood.server.scan import Scanner
from edgemood.server.streams import Feed

#: What any request may be answered with, as whoever asks may be anybody and the library anything.
OF_ALL = {"400", "401", "403", "408", "413", "415", "421", "422", "429", "431", "500", "503"}
#: What those answer besides that do not answer with 200 alone.
OWN = {
    ("/api/songs/{song}", "get"): {"200", "404"},
    ("/api/songs/{song}/curve", "get"): {"200", "404"},
    ("/api/songs/{song}/label", "put"): {"200", "404", "409"},
    ("/api/map", "get"): {"200", "304"},
    ("/api/listener", "get"): {"200", "409"},
    ("/api/next", "get"): {"200", "404", "409"},
    ("/api/plays", "post"): {"201", "404"},
    ("/api/events", "post"): {"201", "404"},
    ("/api/events", "delete"): {"200", "404"},
    ("/api/scan", "post"): {"202", "409"},
    ("/api/login", "post"): {"204"},
    ("/api/login", "delete"): {"204"},
}
CONFIG = Path(__file__).parent / "data" / "schemathesis.toml"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.db"
    songs = [(f"{MUSIC}/{number}.ogg", label, f"Artist {number}") for number, label in enumerate(["calm", "angry"] * 4)]
    with Library.open(path) as shelved:
        shelf.fill(shelved, songs)
        shelved.add_play(1)
    shelf.fail(path, "/music/broken.mp3", "it is broken")
    return path


def test_every_route_is_described(library: Path) -> None:
    schema = make_app(Settings(library=str(library))).openapi()
    operations = [(path, method, one) for path, methods in schema["paths"].items() for method, one in methods.items()]
    assert len(operations) == 25
    for path, method, one in operations:
        assert one["description"], (path, method)
        assert set(one["responses"]) - OWN.get((path, method), {"200"}) == OF_ALL, (path, method)
        assert OWN.get((path, method), {"200"}) <= set(one["responses"]), (path, method)
        for status, answer in one["responses"].items():
            if status >= "400":
                assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Problem"), (path, status)


TOKEN = "a-token-of-sufficient-length"
JSON = {"content-type": "application/json"}
#: Requests that any route refuses, whatever else they hold, and with what.
REFUSED: list[tuple[int, dict[str, str], bytes]] = [
    (400, {**JSON, "transfer-encoding": "chunked", "content-length": "2"}, b"{}"),
    (401, {"authorization": ""}, b""),
    (401, {"authorization": "Bearer wrong"}, b""),
    (403, {"sec-fetch-site": "cross-site"}, b""),
    (413, {**JSON, "content-length": "65537"}, b" " * 65537),
    (415, {"content-type": "text/plain"}, b"{}"),
    (415, {**JSON, "content-encoding": "gzip"}, b"{}"),
    (421, {"host": "evil.example"}, b""),
    (431, {"x": "y" * 70_000}, b""),
]


@pytest.mark.parametrize(("status", "headers", "body"), REFUSED)
def test_every_refusal_is_described(library: Path, status: int, headers: dict[str, str], body: bytes) -> None:
    with asking(library, token=TOKEN) as api:
        own = {"authorization": f"Bearer {TOKEN}"}
        for path, methods in api.get("/api/openapi.json", headers=own).json()["paths"].items():
            for method, one in methods.items():
                asked = path.replace("{song}", "1")
                if asked == "/api/login" and status == 401:  # that is where the token is shown: in the body
                    answer = api.post(asked, json={"token": "wrong"})
                else:
                    answer = api.request(method.upper(), asked, headers={**own, **headers}, content=body)
                assert answer.status_code == status, (path, method, answer.text)
                described(one, answer)


def test_faults_of_the_server_are_described(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("something is wrong")

    with asking(library, folders=[str(library.parent)]) as api:
        schema = api.get("/api/openapi.json").json()
        for part, name in [(Desk, "ask"), (Metrics, "text"), (Gate, "admits"), (Gate, "no_cookie"), (Feed, "stream")]:
            monkeypatch.setattr(part, name, fail)
        monkeypatch.setattr(Scanner, "stop", fail)
        monkeypatch.setattr(Scanner, "state", property(fail))
        for path, methods in schema["paths"].items():
            for method, one in methods.items():
                body = BODIES.get((path, method))
                answer = api.request(method.upper(), path.replace("{song}", "1"), json=body)
                assert answer.status_code == 500, (path, method, answer.text)
                described(one, answer)
        monkeypatch.undo()


BODIES = {
    ("/api/songs/{song}/label", "put"): {"mood": "calm"},
    ("/api/listener/history", "delete"): {"confirm": "default"},
    ("/api/plays", "post"): {"id": 1},
    ("/api/events", "post"): {"id": 1, "event": "like"},
    ("/api/events", "delete"): {"id": 1, "event": "like", "at": 1.0},
    ("/api/scan", "post"): {},
    ("/api/login", "post"): {"token": "x"},
}


def described(operation: dict[str, Any], answer: httpx.Response) -> None:
    """Check that an answer is as it is described, with its headers."""
    said = operation["responses"][str(answer.status_code)]
    for name, header in said.get("headers", {}).items():
        assert name in answer.headers or not header["required"], name
    for name in ("etag", "x-moods", "retry-after", "www-authenticate", "set-cookie"):
        assert name not in answer.headers or name in {one.lower() for one in said.get("headers", {})}, name


def test_headers_are_described(library: Path) -> None:
    with asking(library, token=TOKEN) as api:
        own = {"authorization": f"Bearer {TOKEN}"}
        paths = api.get("/api/openapi.json", headers=own).json()["paths"]
        for packing in ("gzip", "identity"):
            answer = api.get("/api/map", headers={**own, "accept-encoding": packing})
            described(paths["/api/map"]["get"], answer)
            tag = {"accept-encoding": packing, "if-none-match": answer.headers["etag"]}
            again = api.get("/api/map", headers={**own, **tag})
            assert again.status_code == 304
            described(paths["/api/map"]["get"], again)
        for answer in (api.post("/api/login", json={"token": TOKEN}), api.delete("/api/login")):
            assert answer.status_code == 204
            described(paths["/api/login"][answer.request.method.lower()], answer)


def test_who_may_ask_is_described(library: Path) -> None:
    either = [{"token": []}, {"page": []}]
    with asking(library, token=TOKEN) as api:
        schema = api.get("/api/openapi.json", headers={"authorization": f"Bearer {TOKEN}"}).json()
        cookie = schema["components"]["securitySchemes"]["page"]["name"]
        value = api.post("/api/login", json={"token": TOKEN}).cookies[cookie]
        for path, methods in schema["paths"].items():
            for method, one in methods.items():
                assert one["security"] == ([] if path == "/api/login" else either), (path, method)
        assert api.get("/api/health", headers={"cookie": f"{cookie}={value}"}).status_code == 200
    schemes = schema["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer" and schemes["page"]["in"] == "cookie"
    with asking(library) as api:
        schema = api.get("/api/openapi.json").json()
    assert schema["paths"]["/api/health"]["get"]["security"] == [{}, *either]  # may be given, needs not


@pytest.mark.parametrize(
    ("described", "asked"),
    [
        ("/api/health", ""),
        ("/api/library", "?limit=2"),
        ("/api/songs/{song}", "1"),
        ("/api/songs/{song}", "99"),
        ("/api/songs/{song}/curve", "1"),
        ("/api/artists", ""),
        ("/api/listener", ""),
        ("/api/listener", "?listener=nobody"),
        ("/api/listener/history", ""),
        ("/api/listeners", ""),
        ("/api/next", "?n=3"),
        ("/api/next", "?n=no"),
        ("/api/failures", ""),
        ("/api/scan", ""),
    ],
)
def test_answers_are_as_described(library: Path, described: str, asked: str) -> None:
    path = described.replace("{song}", asked) if "{" in described else described + asked
    with asking(library) as api:
        schema = api.get("/api/openapi.json").json()
        answer = api.get(path)
    content = schema["paths"][described]["get"]["responses"][str(answer.status_code)]["content"]
    shape = content["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**strict(shape), "components": strict(schema["components"])})


def strict(schema: object) -> dict[str, object]:
    """Have a schema refuse what it does not name."""

    def closed(part: object) -> object:
        if isinstance(part, list):
            return [closed(one) for one in part]
        if not isinstance(part, dict):
            return part
        more = {"additionalProperties": False} if "properties" in part else {}
        return {**more, **{name: closed(one) for name, one in part.items()}}

    return dict(closed(schema))  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("locked", [False, True])
def test_schemathesis_finds_nothing(library: Path, tmp_path: Path, locked: bool) -> None:
    """Some hundred requests, right and wrong; `docs/serve.md` says how to have more."""
    (tmp_path / "token").write_text(TOKEN)
    own = f"Authorization: Bearer {TOKEN}"
    with serving(library, *(("--token-file", str(tmp_path / "token")) if locked else ())) as server:
        command = [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(CONFIG), "run"),
            f"http://127.0.0.1:{server.port}/api/openapi.json",
            *("--max-examples", "12", "--seed", "7", "--phases", "fuzzing", "--request-timeout", "30"),
            *("--exclude-path", "/api/scan/events", "--exclude-operation-id", "events_api_events_get", "--no-color"),
            *(("--header", own) if locked else ()),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout[-5000:]
        assert json.loads(server.ask("GET", "/api/health", own)[1])["status"] == "ok"


def test_nobody_waits_while_the_description_is_made(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makes, where = fastapi.applications.get_openapi, []

    def watched(**given: Any) -> Any:
        where.append(threading.current_thread())
        return makes(**given)

    monkeypatch.setattr(fastapi.applications, "get_openapi", watched)
    with asking(library) as api:
        loop = api.wait(current_thread())
        first, second = (api.get("/api/openapi.json") for _ in range(2))
    assert first.content == second.content and first.headers["content-type"] == "application/json"
    assert len(where) == 1 and where[0] is not loop


async def current_thread() -> threading.Thread:
    return threading.current_thread()
