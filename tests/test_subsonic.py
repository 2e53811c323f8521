"""OpenSubsonic over plain HTTP: answers against schemas, in XML as in JSON; logins, errors, and hostile requests."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import numpy as np
import pytest
import uvicorn
from referencing import Registry, Resource

import edgemood
from edgemood.domain import QUADRANTS, FeatureSequence, Mood, SongAnalysis, Tags
from edgemood.library import FileStamp, Library, Recipe
from edgemood.server import Settings, brake, kept, make_app
from edgemood.server.subsonic import answers, browsing, collection, listening, methods
from tests.serving import serving

PASSWORD, KEY = "correct horse ü", "k3y-of-the-server-for-tests"
LOGIN = {"u": "edgemood", "p": PASSWORD, "v": "1.16.1", "c": "tests", "f": "json"}
NASTY = '</entry><x a="1">&amp; "quoted" \'\x0b\ud7ff\ufffe\t\n]]> ﷽ 🎵'
SCHEMAS = Path(__file__).parent / "data" / "subsonic"
SPACE = "{http://subsonic.org/restapi}"
COUNT = 60

Params = dict[str, Any]


def analysis(number: int) -> SongAnalysis:
    rng = np.random.default_rng(number)
    scores = dict(zip(QUADRANTS, rng.dirichlet(np.full(4, 0.5)).tolist(), strict=True))
    vector = np.array([*scores.values(), *rng.normal(0, 0.1, 4)], np.float32)
    artist = ["", "Björk", "The Band", "A & B", "Сплин", "Zed", "Ärzte"][number % 7]
    title = {3: NASTY, 4: ""}.get(number, f"Song number {number}")
    album = "" if number % 7 == 6 else f"Album {number % 12}"
    tags = Tags(title, artist, album, ["Rock; Jazz", "Rock", "", "Тех & но"][number % 4])
    features = FeatureSequence(np.ones((1, 1), np.float32), np.zeros(1), np.ones(1), ("x",), "1")
    content = hashlib.blake2b(str(number).encode(), digest_size=16).digest()
    return SongAnalysis(content, tags, 100.5 + number, features, Mood(scores, vector, (), "m-1"))


def add(library: Library, music: Path, number: int) -> int:
    folder = music / f"disc {number % 12 // 4}" / ("CD1" if number % 2 else "CD2")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f"{number:03}.flac" if number != 5 else "5 \udcff.mp3")
    path.touch()
    return library.store(str(path), FileStamp(1, 1_600_000_000_000_000_000 + number), analysis(number), RECIPE)


RECIPE = Recipe.of("m-1", "1", ["x"], {"hop": 1})


def fill(folder: Path) -> Path:
    with Library.open(folder / "library.db") as library:
        for number in range(COUNT):
            add(library, folder / "music", number)
    return folder / "library.db"


@contextmanager
def client(library: Path | str, **settings: Any) -> Iterator[httpx.Client]:
    """A client of a server on a socket."""
    config = uvicorn.Config(make_app(Settings(str(library), **settings)), port=0, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as asking:
            yield asking
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Wrong logins wait, but not long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brake, "SLOW_S", 0.05)
        yield


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("subsonic"))


@pytest.fixture(scope="module")
def rest(library: Path) -> Iterator[httpx.Client]:
    with client(library, subsonic_password=PASSWORD, token=KEY) as asking:
        yield asking


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[httpx.Client]:
    """A library of its own, to change."""
    with client(fill(tmp_path), subsonic_password=PASSWORD) as asking:
        yield asking


def ask(rest: httpx.Client, method: str, **params: Any) -> Any:
    """Ask in JSON, check the answer against the schemas, and give what is in it."""
    response = rest.get(f"/rest/{method}", params={**LOGIN, **params})
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    validate(body)
    return body["subsonic-response"]


def failed(response: httpx.Response) -> tuple[int, str]:
    """Give code and message of an error, in either format."""
    assert "Traceback" not in response.text
    if response.headers["content-type"] == "application/json":
        validate(response.json())
        inside = response.json()["subsonic-response"]
        assert inside["status"] == "failed"
        return inside["error"]["code"], inside["error"]["message"]
    root = ET.fromstring(response.content)
    assert root.get("status") == "failed"
    (error,) = root
    return int(error.get("code", "-1")), error.get("message", "")


def validate(body: Any) -> None:
    inside = body["subsonic-response"]
    own = set(inside) - {"status", "version", "type", "serverVersion", "openSubsonic"}
    name = "failed" if own == {"error"} else (own.pop() if own else "empty")
    jsonschema.Draft202012Validator(
        {"$ref": f"urn:edgemood:subsonic:answers#/$defs/{name}"}, registry=_registry()
    ).validate(body)


@cache
def _registry() -> Registry[Any]:
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json"))]
    assert len(schemas) == 2
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
    return Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in schemas])


def same(element: ET.Element, value: Any) -> None:
    """Hold an XML element against the JSON of the same answer: all of it is there, and nothing else."""
    if not isinstance(value, dict):
        assert (element.text or "") == text(value)
        assert not element.attrib
        assert len(element) == 0
        return
    single = {key: one for key, one in value.items() if not isinstance(one, (dict, list))}
    if "value" in single:
        assert element.text == text(single.pop("value"))
    assert element.attrib == {key: text(one) for key, one in single.items()}
    inside = [(key, each) for key, one in value.items() if key not in element.attrib for each in listed(key, one)]
    assert [child.tag for child in element] == [SPACE + key for key, _ in inside]
    for child, (_, each) in zip(element, inside, strict=True):
        same(child, each)


def listed(key: str, one: Any) -> list[Any]:
    if key == "value":
        return []
    return one if isinstance(one, list) else [one]


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "".join(
        sign if sign in "\t\n\r" or (ord(sign) >= 32 and sign != "\ufffe") else "\ufffd" for sign in str(value)
    )


def first(rest: httpx.Client, kind: str) -> str:
    if kind == "artist":
        found = [one["id"] for group in ask(rest, "getArtists")["artists"]["index"] for one in group["artist"]]
    else:
        found = [one["id"] for one in ask(rest, "getAlbumList2", type="alphabeticalByName")["albumList2"]["album"]]
    return str(found[0])


METHODS: list[tuple[str, Params]] = [
    ("ping", {}),
    ("getLicense", {}),
    ("getOpenSubsonicExtensions", {}),
    ("getUser", {"username": "edgemood"}),
    ("getScanStatus", {}),
    ("getMusicFolders", {}),
    ("getIndexes", {"musicFolderId": "0"}),
    ("getIndexes", {"ifModifiedSince": 10**15}),
    ("getArtists", {}),
    ("getArtist", {"id": "artist"}),
    ("getAlbum", {"id": "album"}),
    ("getMusicDirectory", {"id": "0"}),
    ("getMusicDirectory", {"id": "artist"}),
    ("getMusicDirectory", {"id": "album"}),
    ("getSong", {"id": "tr-4"}),
    ("getSong", {"id": "tr-6"}),
    ("getGenres", {}),
    ("getAlbumList", {"type": "newest"}),
    ("getAlbumList2", {"type": "alphabeticalByName", "size": 500}),
    ("getAlbumList2", {"type": "alphabeticalByArtist", "size": 5, "offset": 2}),
    ("getAlbumList2", {"type": "byGenre", "genre": "jazz"}),
    ("getAlbumList2", {"type": "recent"}),
    ("getSongsByGenre", {"genre": "rock", "count": 100}),
    ("search3", {"query": "", "songCount": 500, "albumCount": 500, "artistCount": 500}),
    ("search3", {"query": "song num"}),
    ("getStarred", {}),
    ("getStarred2", {}),
    ("getSimilarSongs", {"id": "tr-1"}),
    ("getSimilarSongs2", {"id": "artist", "count": 5}),
    ("getSimilarSongs", {"id": "album", "count": 5}),
    ("getSonicSimilarTracks", {"id": "tr-1", "count": 500}),
    ("findSonicPath", {"startSongId": "tr-1", "endSongId": "tr-2"}),
    ("scrobble", {"id": ["tr-1", "tr-2"], "submission": "false"}),
    ("unstar", {"id": "tr-1"}),
]


@pytest.mark.parametrize(("method", "params"), METHODS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(METHODS)])
def test_an_answer_is_as_the_schema_says_and_the_same_in_xml(rest: httpx.Client, method: str, params: Params) -> None:
    if params.get("id") in ("artist", "album"):
        params = {**params, "id": first(rest, params["id"])}
    found = ask(rest, method, **params)
    assert found["status"] == "ok", found
    for form in ("xml", None):
        asked = {**LOGIN, **params, "f": form}
        response = rest.get(f"/rest/{method}.view", params={key: one for key, one in asked.items() if one is not None})
        assert response.headers["content-type"] == "application/xml; charset=utf-8"
        root = ET.fromstring(response.content)
        assert root.tag == f"{SPACE}subsonic-response"
        same(root, found)
    posted = rest.post(f"/rest/{method}", data={**LOGIN, **params})
    assert posted.json()["subsonic-response"] == found


def test_songs_by_chance(rest: httpx.Client) -> None:
    songs = ask(rest, "getRandomSongs", size=500)["randomSongs"]["song"]
    assert sorted(song["id"] for song in songs) == sorted(f"tr-{i + 1}" for i in range(COUNT))
    jazz = ask(rest, "getRandomSongs", size=3, genre="Jazz")["randomSongs"]["song"]
    assert [[genre["name"] for genre in song["genres"]] for song in jazz] == [["Rock", "Jazz"]] * 3
    assert len(ask(rest, "getAlbumList2", type="random", size=3)["albumList2"]["album"]) == 3


def test_a_song_tells_what_edgemood_knows(rest: httpx.Client, library: Path) -> None:
    nasty = ask(rest, "getSong", id="tr-4")["song"]
    assert (nasty["title"], nasty["artist"], nasty["duration"]) == (NASTY, "A & B", 104)
    assert nasty["genres"] == [{"name": "Тех & но"}]
    assert nasty["contentType"] == "audio/flac"
    unnamed = ask(rest, "getSong", id="tr-5")["song"]
    assert (unnamed["title"], Path(unnamed["path"]).name) == ("004", "004.flac")
    odd = ask(rest, "getSong", id="tr-6")["song"]
    assert odd["path"].endswith("5 \\xff.mp3")
    assert ask(rest, "getSong", id="tr-1")["song"]["artist"] == "[Unknown Artist]"
    with edgemood.open(library) as engine:
        moods = {f"tr-{track.id}": track.mood for track in engine.library()}
    for song in ask(rest, "search3", query="", songCount=500)["searchResult3"]["song"]:
        mood = moods[song["id"]]
        assert mood is not None
        assert song["moods"] == ([] if mood.unsure else [mood.label])


# ------------------------------------------------------------------------------------------------------------- logins


def test_every_way_to_log_in(rest: httpx.Client) -> None:
    base = {"v": "1.16.1", "c": "tests", "f": "json"}
    token = hashlib.md5((PASSWORD + "sältchen").encode()).hexdigest()
    for login in (
        {"u": "edgemood", "p": PASSWORD},
        {"u": "edgemood", "p": "enc:" + PASSWORD.encode().hex()},
        {"u": "edgemood", "p": "enc:" + PASSWORD.encode().hex().upper()},
        {"u": "edgemood", "t": token, "s": "sältchen"},
        {"u": "edgemood", "t": token.upper(), "s": "sältchen"},
        {"apiKey": KEY},
    ):
        for response in (
            rest.get("/rest/ping", params={**base, **login}),
            rest.post("/rest/ping.view", data={**base, **login}),
            rest.post("/rest/ping", params=base, data=login),
        ):
            assert response.json()["subsonic-response"]["status"] == "ok", login
    told = rest.get("/rest/tokenInfo", params={**base, "apiKey": KEY}).json()
    validate(told)
    assert told["subsonic-response"]["tokenInfo"] == {"username": "edgemood"}


def test_the_example_of_the_documentation(library: Path) -> None:
    with client(library, subsonic_user="joe", subsonic_password="sesame") as rest:
        for query in ("t=26719a1196d2a940705a59634eb18eab&s=c19b2d", "p=enc:736573616d65", "p=sesame"):
            response = rest.get(f"/rest/ping.view?u=joe&{query}&v=1.13.0&c=AwesomeClientName&f=json")
            assert response.json()["subsonic-response"]["status"] == "ok"


WRONG: list[tuple[int, Params]] = [
    (10, {"u": None}),
    (10, {"p": None}),
    (10, {"p": ""}),
    (10, {"p": None, "t": "0" * 32}),
    (10, {"p": None, "s": "salt"}),
    (10, {"c": None}),
    (10, {"v": None}),
    (20, {"v": "0.9.0"}),
    (30, {"v": "1.17.0"}),
    (30, {"v": "2.0.0"}),
    (0, {"v": "new"}),
    (0, {"v": "1.16.1.1.1"}),
    (0, {"v": "٢.٠"}),
    (40, {"u": "admin"}),
    (40, {"u": "edgemood\0"}),
    (40, {"p": PASSWORD + " "}),
    (40, {"p": "enc:zz"}),
    (40, {"p": "enc:ff"}),
    (40, {"p": "enc:"}),
    (40, {"p": None, "t": "0" * 32, "s": "salt"}),
    (40, {"p": None, "t": "ü", "s": "salt"}),
    (43, {"apiKey": KEY}),
    (43, {"p": None, "apiKey": KEY}),
    (43, {"u": None, "p": None, "apiKey": KEY, "s": "salt"}),
    (43, {"t": "0" * 32, "s": "salt"}),
    (44, {"u": None, "p": None, "apiKey": KEY + "x"}),
    (0, {"p": [PASSWORD, "other"]}),
    (0, {"u": ["edgemood", "admin"]}),
    (0, {"f": "jsonp", "callback": "alert"}),
    (0, {"f": ["json", "xml"]}),
]


@pytest.mark.parametrize(("code", "changed"), WRONG)
def test_who_may_not_ask_is_told_why(rest: httpx.Client, code: int, changed: Params) -> None:
    params = {key: one for key, one in {**LOGIN, **changed}.items() if one is not None}
    for response in (rest.get("/rest/getSong", params={**params, "id": "tr-1"}), rest.post("/rest/ping", data=params)):
        assert response.status_code == 200
        assert failed(response)[0] == code
        assert PASSWORD not in response.text
        assert KEY not in response.text


def test_a_server_without_password_or_key(library: Path) -> None:
    base = {"v": "1.16.1", "c": "tests", "f": "json"}
    with client(library) as rest:
        for code, login in (
            (41, {"u": "edgemood", "t": "0" * 32, "s": "salt"}),
            (42, {"u": "edgemood", "p": "x"}),
            (42, {"apiKey": "x"}),
        ):
            assert failed(rest.get("/rest/ping", params={**base, **login}))[0] == code
        assert "--subsonic-password-file" in failed(rest.get("/rest/ping", params={**base, "u": "a", "p": "b"}))[1]


def test_extensions_are_told_to_everybody(rest: httpx.Client, library: Path) -> None:
    with client(library, subsonic_password=PASSWORD) as other:
        for asking, key in ((rest, ["apiKeyAuthentication"]), (other, [])):
            body = asking.get("/rest/getOpenSubsonicExtensions?f=json").json()
            validate(body)
            found = body["subsonic-response"]["openSubsonicExtensions"]
            assert found == [{"name": name, "versions": [1]} for name in [*key, "formPost", "sonicSimilarity"]]
        assert ET.fromstring(other.get("/rest/getOpenSubsonicExtensions.view").content).get("status") == "ok"


def test_guessing_is_slow(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_s, trying = 0.4, brake.TRYING
    monkeypatch.setattr(brake, "SLOW_S", slow_s)
    with client(library, subsonic_password=PASSWORD) as rest:
        begin = time.monotonic()
        assert failed(rest.get("/rest/ping", params={**LOGIN, "p": "guess"}))[0] == 40
        assert time.monotonic() - begin >= slow_s
        with ThreadPoolExecutor(3 * trying) as pool:
            begin = time.monotonic()
            tries = [
                pool.submit(rest.get, "/rest/ping", params={**LOGIN, "p": f"guess {i}"}) for i in range(3 * trying)
            ]
            statuses = [one.result().status_code for one in tries]
        looked_at = statuses.count(200)
        assert looked_at <= trying * (1 + (time.monotonic() - begin) / slow_s)
        assert statuses.count(429) == 3 * trying - looked_at > 0
        assert ask(rest, "ping")["status"] == "ok"


# ------------------------------------------------------------------------------------------------- what cannot be had


REFUSED: list[tuple[int, str, Params]] = [
    (0, "stream", {"id": "tr-1"}),
    (0, "download", {"id": "tr-1"}),
    (0, "getCoverArt", {"id": "al-1"}),
    (50, "createUser", {"username": "x", "password": "y"}),
    (50, "startScan", {}),
    (50, "getUser", {"username": "admin"}),
    (10, "getUser", {}),
    (10, "tokenInfo", {}),
    (10, "getSong", {}),
    (10, "getSong", {"id": ""}),
    (70, "getSong", {"id": "tr-99999"}),
    (70, "getSong", {"id": "tr-0"}),
    (70, "getSong", {"id": "tr--1"}),
    (70, "getSong", {"id": "17"}),
    (70, "getSong", {"id": "tr-" + "9" * 30}),
    (70, "getSong", {"id": "tr-1 OR 1=1"}),
    (70, "getSong", {"id": "tr-1\0"}),
    (70, "getSong", {"id": "tr-١"}),
    (70, "getSong", {"id": "../../etc/passwd"}),
    (0, "getSong", {"id": ["tr-1", "tr-2"]}),
    (0, "getSong", {"id": "x" * 5000}),
    (70, "getArtist", {"id": "ar-0000000000000000"}),
    (70, "getAlbum", {"id": "al-\0"}),
    (70, "getMusicDirectory", {"id": "1"}),
    (70, "getArtists", {"musicFolderId": "7"}),
    (10, "search3", {}),
    (0, "search3", {"query": "x", "songCount": "-1"}),
    (0, "search3", {"query": "x", "songOffset": "1e3"}),
    (10, "getAlbumList2", {}),
    (0, "getAlbumList2", {"type": "best"}),
    (10, "getAlbumList2", {"type": "byGenre"}),
    (10, "getSongsByGenre", {}),
    (10, "getSonicSimilarTracks", {}),
    (70, "getSonicSimilarTracks", {"id": "tr-99999"}),
    (70, "getSonicSimilarTracks", {"id": "al-1"}),
    (0, "getSonicSimilarTracks", {"id": "tr-1", "count": "0"}),
    (0, "getSonicSimilarTracks", {"id": "tr-1", "count": "-5"}),
    (0, "getSonicSimilarTracks", {"id": "tr-1", "count": "٣"}),
    (0, "getSonicSimilarTracks", {"id": "tr-1", "count": "NaN"}),
    (0, "getSonicSimilarTracks", {"id": "tr-1", "count": ["1", "2"]}),
    (10, "findSonicPath", {"startSongId": "tr-1"}),
    (10, "findSonicPath", {"endSongId": "tr-1"}),
    (70, "findSonicPath", {"startSongId": "tr-1", "endSongId": "tr-99999"}),
    (0, "findSonicPath", {"startSongId": "tr-1", "endSongId": "tr-2", "count": "1"}),
    (10, "star", {}),
    (0, "star", {"albumId": "al-1"}),
    (0, "star", {"id": "ar-1"}),
    (70, "star", {"id": ["tr-1", "tr-99999"]}),
    (70, "unstar", {"id": "tr-99999"}),
    (10, "scrobble", {}),
    (70, "scrobble", {"id": ["tr-1", "tr-99999"]}),
    (0, "scrobble", {"id": "tr-1", "time": ["1", "2"]}),
    (0, "scrobble", {"id": "tr-1", "time": "yesterday"}),
    (0, "scrobble", {"id": "tr-1", "time": "9" * 40}),
    (0, "scrobble", {"id": "tr-1", "submission": "maybe"}),
    (0, "scrobble", {"id": ["tr-1"] * 501}),
]


@pytest.mark.parametrize(("code", "method", "params"), REFUSED)
def test_what_makes_no_sense_is_refused(rest: httpx.Client, code: int, method: str, params: Params) -> None:
    for form in ("json", "xml"):
        response = rest.post(f"/rest/{method}", data={**LOGIN, **params, "f": form})
        assert response.status_code == 200
        assert failed(response)[0] == code
    assert ask(rest, "getStarred2")["starred2"]["song"] == []


def test_an_unknown_method_is_told_as_everything_is(rest: httpx.Client) -> None:
    response = rest.get("/rest/launchMissiles.view", params=LOGIN)
    assert response.status_code == 404
    assert failed(response) == (0, "edgemood has no method 'launchMissiles'")
    assert failed(rest.get("/rest/launchMissiles"))[0] == 10  # not even that is told to strangers
    assert rest.put("/rest/ping", params=LOGIN).status_code == 405
    assert rest.head("/rest/ping", params=LOGIN).status_code == 200
    for path in ("/rest/%2e%2e%2fping", "/rest/a/b", "/rest/", "/rest"):
        assert rest.get(path, params=LOGIN).status_code in (404, 405), path


def test_hostile_requests(rest: httpx.Client) -> None:
    login = "u=edgemood&p=correct+horse+%C3%BC&v=1.16.1&c=tests&f=json"
    assert rest.get(f"/rest/ping?{login}").json()["subsonic-response"]["status"] == "ok"
    for query in (
        f"{login}&id=%ff",
        f"{login}&id=%c0%80",
        f"{login}&id=%ed%a0%80",
        f"{login}&id=tr-1&id=tr-2",
        "u=%ff&" + login.partition("&")[2],
    ):
        assert failed(rest.get(f"/rest/getSong?{query}"))[0] == 0, query
    for query in (f"{login}&id=%zz%", f"{login}&id=%00", f"{login}&%ff=%fe&id=%0d%0aSet-Cookie:x", f"&&{login}&=&id=%"):
        response = rest.get(f"/rest/getSong?{query}")
        assert failed(response)[0] == 70, query
        assert "set-cookie" not in response.headers
    assert failed(rest.post("/rest/ping", data={**LOGIN, **{f"x{i}": "1" for i in range(2100)}}))[0] == 0
    assert ask(rest, "ping", **{f"x{i}": "&<>" for i in range(100)})["status"] == "ok"


def test_no_request_finds_a_fault(fresh: httpx.Client) -> None:
    rng = random.Random(7)
    names = [
        "id",
        "count",
        "startSongId",
        "endSongId",
        "query",
        "songOffset",
        "size",
        "type",
        "genre",
        "time",
        "f",
        "s",
    ]
    values = [
        b"tr-1",
        b"tr-60",
        b"al-",
        b"",
        b"0",
        b"-1",
        b"9" * 25,
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"newest",
        b"json",
    ]
    values += [
        b"tr-18446744073709551616",
        b"253402300800000",
        b"9007199254740993000",
        b"%",
        b"<",
        b'"',
        b"true",
        b"Rock",
    ]
    codes = set()
    for _ in range(400):
        given = [(name, value.encode()) for name, value in LOGIN.items() if name != "f"]
        given += [(rng.choice(names), rng.choice([*values, rng.randbytes(4)])) for _ in range(rng.randrange(5))]
        query = "&".join(f"{name}={quote(value)}" for name, value in given)
        response = fresh.get(f"/rest/{rng.choice(sorted(methods._METHODS))}?{query}")
        assert response.status_code == 200
        assert "mistake" not in response.text, query
        codes.add(failed(response)[0] if 'status="failed"' in response.text or '"failed"' in response.text else None)
    assert codes >= {None, 0, 10, 70}


def test_bodies_that_are_no_form(rest: httpx.Client) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    for kind in ("application/xml", "application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        response = rest.post("/rest/ping", params=LOGIN, content=bomb, headers={"content-type": kind})
        assert failed(response)[0] == 0
        assert "form" in failed(response)[1]
    assert rest.post("/rest/ping", params=LOGIN).json()["subsonic-response"]["status"] == "ok"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert rest.post("/rest/ping", content=b"\xff\x00&=&%", headers=form).status_code == 200
    assert rest.post("/rest/ping", content=b"x=" + b"1" * 70_000, headers=form).status_code == 413


def test_numbers_of_any_size(rest: httpx.Client) -> None:
    for count in ("1000000", "9" * 4000):
        assert len(ask(rest, "getSonicSimilarTracks", id="tr-1", count=count)["sonicMatch"]) > 20
        path = ask(rest, "findSonicPath", startSongId="tr-1", endSongId="tr-2", count=count)["sonicMatch"]
        assert 2 <= len(path) <= 100
        assert ask(rest, "search3", query="", songOffset=count)["searchResult3"]["song"] == []
    assert len(ask(rest, "getSonicSimilarTracks", id="tr-1", count="007")["sonicMatch"]) == 7


def test_other_sites_cannot_ask(rest: httpx.Client) -> None:
    stranger = {"host": "evil.example"}
    assert rest.get("/rest/ping", params=LOGIN, headers=stranger).status_code == 421
    site = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert rest.get("/rest/ping", params=LOGIN, headers=site).status_code == 403
    assert rest.post("/rest/ping", data=LOGIN, headers={"origin": "https://evil.example"}).status_code == 403


# ------------------------------------------------------------------------------------------------------ what is near


def test_similar_songs_come_nearest_first(rest: httpx.Client, library: Path) -> None:
    matches = ask(rest, "getSonicSimilarTracks", id="tr-9")["sonicMatch"]
    near = [match["similarity"] for match in matches]
    assert len(near) == 10
    assert near == sorted(near, reverse=True)
    assert 0 <= min(near) < max(near) < 1
    with edgemood.open(library) as engine:
        picks = engine.similar(9)
        wish = edgemood.Wish(seeds=[9], variety=0, smoothness=0, artist_gap=0, album_gap=0)
        assert [pick.track.id for pick in engine.next(10, wish=wish)] == [pick.track.id for pick in picks]
    assert [match["entry"]["id"] for match in matches] == [f"tr-{pick.track.id}" for pick in picks]
    assert near == [round((1 + pick.similarity) / 2, 6) for pick in picks]
    songs = ask(rest, "getSimilarSongs", id="tr-9", count=10)["similarSongs"]["song"]
    assert songs == [match["entry"] for match in matches]


def test_songs_like_those_of_an_artist_are_others(rest: httpx.Client) -> None:
    artist = next(
        one["id"]
        for group in ask(rest, "getArtists")["artists"]["index"]
        for one in group["artist"]
        if one["name"] == "Zed"
    )
    songs = ask(rest, "getSimilarSongs2", id=artist, count=20)["similarSongs2"]["song"]
    assert len(songs) == 20
    assert artist not in {song["artistId"] for song in songs}


def test_various_artists_are_on_albums_but_no_songs(rest: httpx.Client) -> None:
    groups = {group["name"]: group["artist"] for group in ask(rest, "getArtists")["artists"]["index"]}
    (various,) = [one for one in groups["V"] if one["name"] == "Various Artists"]
    albums = ask(rest, "getArtist", id=various["id"])["artist"]["album"]
    assert {album["artist"] for album in albums} == {"Various Artists"}
    assert ask(rest, "getSimilarSongs2", id=various["id"])["similarSongs2"]["song"] == []
    assert failed(rest.get("/rest/getSimilarSongs2", params={**LOGIN, "id": "ar-0"}))[0] == 70


@pytest.mark.parametrize(("start", "end"), [(1, 2), (30, 7), (59, 12), (8, 40)])
def test_a_path_leads_from_one_song_to_the_other(rest: httpx.Client, start: int, end: int) -> None:
    params = {"startSongId": f"tr-{start}", "endSongId": f"tr-{end}"}
    path = ask(rest, "findSonicPath", **params)["sonicMatch"]
    ids = [match["entry"]["id"] for match in path]
    assert (ids[0], ids[-1]) == (f"tr-{start}", f"tr-{end}")
    assert len(set(ids)) == len(ids) <= 25
    near = [match["similarity"] for match in path]
    assert near[0] == 1
    assert all(before >= after for before, after in pairwise(near))
    artists = [match["entry"]["artistId"] for match in path]
    assert all(a != b for a, b in pairwise(artists[1:-1]))
    assert ask(rest, "findSonicPath", **params)["sonicMatch"] == path
    assert len(ask(rest, "findSonicPath", **params, count=3)["sonicMatch"]) <= 3
    assert len(ask(rest, "findSonicPath", **params, count=2)["sonicMatch"]) == 2


def test_a_path_from_a_song_to_itself_is_that_song(rest: httpx.Client) -> None:
    (only,) = ask(rest, "findSonicPath", startSongId="tr-3", endSongId="tr-3", count=1)["sonicMatch"]
    assert (only["entry"]["id"], only["similarity"]) == ("tr-3", 1)


def test_songs_that_are_gone_banned_or_not_judged_do_not_come(tmp_path: Path) -> None:
    where = fill(tmp_path)
    with edgemood.open(where) as engine:
        near = [pick.track for pick in engine.similar(9, 20)]
        engine.banned(near[0].id)
        Path(near[1].path).unlink()
        found = [pick.track.id for pick in engine.similar(9, 18)]
        assert found == [track.id for track in near[2:]]
        between = [pick.track for pick in engine.path_between(1, 2, 25)]
        for track in between[1:-1]:
            Path(track.path).unlink()
        others = [pick.track.id for pick in engine.path_between(1, 2, 25)]
        assert (others[0], others[-1]) == (1, 2)
        assert not {track.id for track in between[1:-1]} & set(others)
        for path in (tmp_path / "music").rglob("*.flac"):
            path.unlink()
        assert {pick.track.id for pick in engine.similar(9, 20)} <= {6}  # the one that is an MP3
        assert {pick.track.id for pick in engine.path_between(1, 2)} <= {1, 2, 6}
    with Library.open(where) as library:
        library._database.run("DELETE FROM moods WHERE track_id = 9")
    with client(where, subsonic_password=PASSWORD) as rest:
        assert failed(rest.get("/rest/getSonicSimilarTracks", params={**LOGIN, "id": "tr-9"}))[0] == 70


# ----------------------------------------------------------------------------------------------- what listeners tell


def test_stars_are_likes(fresh: httpx.Client, tmp_path: Path) -> None:
    assert ask(fresh, "star", id=["tr-2", "tr-1", "tr-2"])["status"] == "ok"
    ask(fresh, "star", id="tr-1")
    assert failed(fresh.get("/rest/star", params={**LOGIN, "id": ["tr-3", "tr-999"]}))[0] == 70
    songs = ask(fresh, "getStarred2")["starred2"]["song"]
    assert [song["id"] for song in songs] == ["tr-1", "tr-2"]  # the latest first
    assert all("starred" in song for song in songs)
    assert ask(fresh, "getSong", id="tr-2")["song"]["starred"] == songs[1]["starred"]
    with edgemood.open(tmp_path / "library.db") as engine:
        assert [event.track_id for event in engine.store.events(kinds=("like",))] == [1, 2]
        engine.banned(2)
    assert [song["id"] for song in ask(fresh, "getStarred2")["starred2"]["song"]] == ["tr-1"]
    for _ in range(2):
        ask(fresh, "unstar", id=["tr-1", "tr-2"])
    assert ask(fresh, "getStarred2")["starred2"]["song"] == []
    with edgemood.open(tmp_path / "library.db") as engine:
        assert engine.store.banned().tolist() == [2]  # no star, nothing to take back
        assert engine.liked(2).kind == "like"
    ask(fresh, "unstar", id="tr-2")
    with edgemood.open(tmp_path / "library.db") as engine:
        assert engine.store.banned().tolist() == []


def test_scrobbles_are_plays_and_count_once(fresh: httpx.Client, tmp_path: Path) -> None:
    then = int(time.time() * 1000) - 3_600_000
    for _ in range(3):  # as after an answer that was lost
        ask(fresh, "scrobble", id=["tr-5", "tr-6", "tr-5"], time=[then, then + 200_000, then + 400_000])
    ask(fresh, "scrobble", id="tr-7", submission="false")
    ask(fresh, "scrobble", id=["tr-8", "tr-9"], submission="true")
    assert failed(fresh.get("/rest/scrobble", params={**LOGIN, "id": ["tr-1", "tr-999"]}))[0] == 70
    later = int(time.time() * 1000) + 10 * 86_400_000
    assert failed(fresh.get("/rest/scrobble", params={**LOGIN, "id": "tr-1", "time": later}))[0] == 0
    with edgemood.open(tmp_path / "library.db") as engine:
        plays = engine.store.events(kinds=("play",))[::-1]
        assert [play.track_id for play in plays] == [5, 6, 5, 8, 9]
        assert [round(play.at * 1000) - then for play in plays[:3]] == [0, 200_000, 400_000]


# ---------------------------------------------------------------------------------------------------------- browsing


def test_every_song_is_found_by_its_artist_and_album_once(rest: httpx.Client) -> None:
    artists = [one for group in ask(rest, "getArtists")["artists"]["index"] for one in group["artist"]]
    assert {"Björk", "Сплин", "[Unknown Artist]"} <= {one["name"] for one in artists}
    letters = {
        one["name"]: group["name"] for group in ask(rest, "getArtists")["artists"]["index"] for one in group["artist"]
    }
    assert (letters["Ärzte"], letters["Сплин"], letters["Zed"]) == ("A", "#", "Z")
    found: dict[str, str] = {}
    for one in artists:
        albums = ask(rest, "getArtist", id=one["id"])["artist"]["album"]
        assert len(albums) == one["albumCount"]
        for album in albums:
            whole = ask(rest, "getAlbum", id=album["id"])["album"]
            songs = whole.pop("song")
            assert whole == album
            assert len(songs) == album["songCount"]
            assert [song["path"] for song in songs] == sorted(song["path"] for song in songs)
            assert abs(sum(song["duration"] for song in songs) - album["duration"]) <= len(songs)
            assert ask(rest, "getMusicDirectory", id=album["id"])["directory"]["child"] == songs
            found |= {song["id"]: song["albumId"] for song in songs}
            assert {song["albumId"] for song in songs} == {album["id"]}
    assert len(found) == COUNT
    inside = ask(rest, "getMusicDirectory", id="0")["directory"]["child"]
    assert {folder["id"] for folder in inside} == {one["id"] for one in artists}


def test_search(rest: httpx.Client) -> None:
    def songs(query: str, **params: Any) -> list[str]:
        return [song["id"] for song in ask(rest, "search3", query=query, **params)["searchResult3"]["song"]]

    pages = [songs("", songCount=13, songOffset=offset) for offset in range(0, COUNT + 13, 13)]
    assert sorted(one for page in pages for one in page) == sorted(f"tr-{i + 1}" for i in range(COUNT))
    assert songs('""', songCount=500) == songs("", songCount=500)
    assert songs("42 song") == songs("SONG num 42") == ["tr-43"]
    assert songs("!?&") == songs("\0") == songs("nothing of the kind") == []
    found = ask(rest, "search3", query="bjork")["searchResult3"]
    assert [one["name"] for one in found["artist"]] == ["Björk"]
    assert {song["artist"] for song in found["song"]} == {"Björk"}
    assert found["album"]
    assert ask(rest, "search3", query="bjork", artistCount=0, albumCount=0, songCount=0)["searchResult3"] == {
        "artist": [],
        "album": [],
        "song": [],
    }


def test_ids_stay_when_songs_come_and_go(fresh: httpx.Client, tmp_path: Path) -> None:
    before = ask(fresh, "search3", query="", songCount=500, albumCount=500, artistCount=500)["searchResult3"]
    with Library.open(tmp_path / "library.db") as library:
        added = add(library, tmp_path / "music", 500)
        gone = str(tmp_path / "music" / "disc 0" / "CD2" / "000.flac")
        Path(gone).unlink()
        library.mark_missing([gone])
    after = ask(fresh, "search3", query="", songCount=500, albumCount=500, artistCount=500)["searchResult3"]
    ids = {song["id"]: song for song in after["song"]}
    assert set(ids) == {song["id"] for song in before["song"]} - {"tr-1"} | {f"tr-{added}"}
    for song in before["song"][1:]:
        assert ids[song["id"]] == song
    song = ask(fresh, "getSong", id="tr-1")["song"]
    assert song["path"] == gone  # still known, but on no album
    assert "albumId" not in song
    assert ask(fresh, "getScanStatus")["scanStatus"] == {"scanning": False, "count": COUNT}


def test_nobody_waits_for_what_is_made_anew(
    fresh: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_QUICK_S", -1.0)  # as if it took long
    monkeypatch.setattr(kept, "_REST", 0)
    known, go_on = collection._Builder.done, threading.Event()
    with ThreadPoolExecutor(4) as pool:
        first = [pool.submit(ask, fresh, "getScanStatus") for _ in range(4)]
        assert {one.result()["scanStatus"]["count"] for one in first} == {COUNT}
    monkeypatch.setattr(collection._Builder, "done", lambda builder: go_on.wait(20) and known(builder))
    with Library.open(tmp_path / "library.db") as library:
        add(library, tmp_path / "music", 501)
    assert ask(fresh, "getScanStatus")["scanStatus"]["count"] == COUNT
    assert ask(fresh, "getSonicSimilarTracks", id="tr-1")["sonicMatch"]
    go_on.set()
    deadline = time.monotonic() + 20
    while ask(fresh, "getScanStatus")["scanStatus"]["count"] != COUNT + 1:
        assert time.monotonic() < deadline


WIDE = [
    ("getArtists", {}),
    ("getIndexes", {}),
    ("getMusicDirectory", {"id": "0"}),
    ("getGenres", {}),
    ("getAlbumList", {"type": "newest", "size": 500}),
    ("getAlbumList2", {"type": "alphabeticalByArtist", "size": 500}),
    ("getAlbumList2", {"type": "byGenre", "genre": "rock", "size": 500}),
    ("getRandomSongs", {"size": 500}),
    ("getSongsByGenre", {"genre": "rock", "count": 500}),
    ("search3", {"query": "", "songCount": 500, "albumCount": 500, "artistCount": 500}),
    ("getSonicSimilarTracks", {"id": "tr-1", "count": 500}),
    ("getSimilarSongs", {"id": "tr-1", "count": 500}),
    ("getStarred2", {}),
]


def test_nobody_waits_while_lists_are_made_and_written(fresh: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done for each of many songs, albums or artists is done aside of the loop that all requests share."""
    made: Counter[str] = Counter()

    def watch(part: Any, name: str) -> None:
        does = getattr(part, name)

        def done(*given: Any) -> Any:
            made["aside" if threading.current_thread().name.startswith("edgemood ") else name] += 1
            return does(*given)

        monkeypatch.setattr(part, name, done)

    ask(fresh, "star", id=[f"tr-{number}" for number in range(1, COUNT + 1)])
    for name in ("artist", "album", "album_folder", "child", "index"):
        watch(browsing.shapes, name)
    for name in ("_element", "_encode"):
        watch(answers, name)
    monkeypatch.setattr(answers, "_SHORT", 3)
    watch(browsing.Words, "find")
    for method, params in WIDE:
        for form in ("json", "xml"):
            made.clear()
            assert fresh.get(f"/rest/{method}", params={**LOGIN, **params, "f": form}).status_code == 200
            assert made.pop("aside") > 0 and not made, (method, form, made)


def test_songs_that_no_client_can_page_through_are_bounded(
    fresh: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    album = next(one for one in ask(fresh, "search3", query="")["searchResult3"]["album"] if one["songCount"] > 2)
    whole = [one["id"] for one in ask(fresh, "getAlbum", id=album["id"])["album"]["song"]]
    for song in ("tr-5", "tr-9", "tr-7"):
        ask(fresh, "star", id=song)
    for part in (browsing, listening):
        monkeypatch.setattr(part, "MOST_SONGS", 2)
    told = ask(fresh, "getAlbum", id=album["id"])["album"]
    assert [one["id"] for one in told["song"]] == whole[:2] and told["songCount"] == len(whole)
    assert len(ask(fresh, "getMusicDirectory", id=album["id"])["directory"]["child"]) == 2
    assert [one["id"] for one in ask(fresh, "getStarred")["starred"]["song"]] == ["tr-7", "tr-9"]


def test_no_library_and_one_that_is_empty(tmp_path: Path) -> None:
    with client(tmp_path / "none.db", subsonic_password=PASSWORD) as rest:
        assert ask(rest, "ping")["status"] == "ok"
        code, message = failed(rest.get("/rest/getArtists", params=LOGIN))
        assert (code, "edgemood scan" in message) == (0, True)
        with Library.open(tmp_path / "none.db"):
            pass
        assert ask(rest, "getArtists")["artists"]["index"] == []
        assert ask(rest, "search3", query="")["searchResult3"]["song"] == []
        assert ask(rest, "getRandomSongs")["randomSongs"]["song"] == []
        assert failed(rest.get("/rest/getSonicSimilarTracks", params={**LOGIN, "id": "tr-1"}))[0] == 70


def test_the_documentation_names_every_method() -> None:
    document = (Path(__file__).parents[1] / "docs" / "opensubsonic.md").read_text()
    table = document[document.index("## What can be asked") : document.index("- **")]
    named = re.findall(r"`(\w+)`", table[table.index("| server") :])
    assert sorted({*named} - {"sonicSimilarity"}) == sorted(methods._METHODS)
    tried = {method for method, _ in METHODS} | {method for _, method, _ in REFUSED}
    assert set(methods._METHODS) <= tried | {"getRandomSongs"}


def test_the_command(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from a file\n")
    with serving(fill(tmp_path), "--subsonic-user", "me", "--subsonic-password-file", str(secret)) as server:
        login = {**LOGIN, "u": "me", "p": "from a file"}
        rest = f"http://127.0.0.1:{server.port}/rest"
        with httpx.Client(timeout=30) as asking:
            path = asking.get(f"{rest}/findSonicPath", params={**login, "startSongId": "tr-1", "endSongId": "tr-2"})
            validate(path.json())
            assert path.json()["subsonic-response"]["sonicMatch"]
            assert path.headers["cache-control"] == "no-store"
            assert failed(asking.get(f"{rest}/ping", params={**login, "p": "guess"}))[0] == 40
