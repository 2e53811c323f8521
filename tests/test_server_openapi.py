"""OpenAPI: what the description promises is what is answered, whatever is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import shelf
from serving import asking, serving
from shelf import MUSIC

from edgemood.library import Library
from edgemood.server import Settings, make_app

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
    assert len(operations) == 24
    for path, method, one in operations:
        assert one["description"], (path, method)
        assert {"400", "401", "403", "422", "503"} <= set(one["responses"]), (path, method)
        for status, answer in one["responses"].items():
            if status >= "400":
                assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Problem"), (path, status)


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


def test_schemathesis_finds_nothing(library: Path, tmp_path: Path) -> None:
    """Some hundred requests, right and wrong; `docs/serve.md` says how to have more."""
    with serving(library) as server:
        command = [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(CONFIG), "run"),
            f"http://127.0.0.1:{server.port}/api/openapi.json",
            *("--max-examples", "12", "--seed", "7", "--phases", "fuzzing", "--request-timeout", "30"),
            *("--exclude-path", "/api/scan/events", "--exclude-operation-id", "events_api_events_get", "--no-color"),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout[-5000:]
        assert json.loads(server.ask("GET", "/api/health")[1])["status"] == "ok"
