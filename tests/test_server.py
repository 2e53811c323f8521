"""The JSON API: what it answers, and how it says what is wrong."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shelf
from serving import Client, asking, error_of, serving
from shelf import MUSIC

from edgemood import shapes
from edgemood.engine import Engine
from edgemood.library import Library

LABELS = ("calm", "angry", "happy", "sad")
SONGS = [(f"{MUSIC}/{number}.ogg", LABELS[number % 4], f"Ärtist {number % 6}") for number in range(24)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "library.db"
    with Library.open(path) as shelved:
        shelf.fill(shelved, SONGS)
    return path


@pytest.fixture
def library(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path))


@pytest.fixture
def api(library: Path) -> Iterator[Client]:
    with asking(library) as client:
        yield client


def play(api: Client, *songs: int, **extra: Any) -> None:
    for song in songs:
        assert api.post("/api/plays", json={"id": song, **extra}).status_code == 201


# ------------------------------------------------------------------------------------------------------------- songs


def test_songs_are_the_shapes_that_commands_print(api: Client, library: Path) -> None:
    found = api.get("/api/library?limit=200").json()
    with Engine(library) as engine:
        assert found == {"songs": [shapes.track(track) for track in engine.library()], "next_cursor": None, "total": 24}
        assert api.get("/api/songs/3").json() == {
            **shapes.track(engine.track(3)),
            "liking": None,
            "timeline": [shapes.span(part) for part in engine.track(3).mood.timeline],  # type: ignore[union-attr]
        }


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["id", "title", "artist", "album", "duration", "valence", "arousal"])
def test_pages_give_each_song_once_and_in_order(api: Client, sort: str, order: str) -> None:
    cursor, songs = "", []
    while cursor is not None:
        page = api.get(
            "/api/library", params={"sort": sort, "order": order, "limit": 5, **({"cursor": cursor} if cursor else {})}
        )
        songs += page.json()["songs"]
        cursor = page.json()["next_cursor"]
    assert sorted(song["id"] for song in songs) == list(range(1, 25))
    key = {"duration": "duration_s"}.get(sort, sort)
    keys = [(song[key].casefold() if isinstance(song[key], str) else song[key]) for song in songs]
    assert keys == sorted(keys, reverse=order == "desc")


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("song 23", [24]),
        ("23 SONG", [24]),
        ("artist 5", [6, 12, 18, 24]),
        ("ärtist 5 son 11", [12]),
        ("2", None),
        ("nothing", []),
        (".ogg", list(range(1, 25))),
        ("", list(range(1, 25))),
    ],
)
def test_search_looks_for_beginnings_of_words_in_any_order(api: Client, search: str, ids: list[int] | None) -> None:
    found = [song["id"] for song in api.get("/api/library", params={"search": search, "limit": 200}).json()["songs"]]
    assert found == ids if ids is not None else {3, 21, 22, 23, 24} <= set(found)


def test_filters(api: Client) -> None:
    def ids(**asked: Any) -> set[int]:
        return {song["id"] for song in api.get("/api/library", params={"limit": 200, **asked}).json()["songs"]}

    assert ids(mood="calm") == {1, 5, 9, 13, 17, 21}
    assert ids(artist="artist 5") == {6, 12, 18, 24} and ids(artist="artist") == set(range(1, 25))
    assert ids(artist="nobody") == set()
    assert ids(missing="true") == set() and ids(unsure="false") == set(range(1, 25))
    assert ids(mood="none") == set() and ids(genre="rock") == set()


def test_a_cursor_goes_on_where_songs_have_come_and_gone(api: Client, library: Path) -> None:
    first = api.get("/api/library?sort=title&limit=4").json()
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"{MUSIC}/later.ogg", "calm", "Zoe")])  # its title is "Song 0", which is there already
    rest = api.get(f"/api/library?sort=title&limit=200&cursor={first['next_cursor']}").json()
    both = [song["id"] for song in first["songs"] + rest["songs"]]
    assert len(both) == len(set(both)) and set(range(1, 25)) <= set(both)


@pytest.mark.parametrize("cursor", ["x", "id.0.1", "title.0.1.zz", "id.0.9" * 30, "id.1.5.0x0p+0", "id.0.x.0x0p+0"])
def test_a_cursor_of_another_list_is_refused(api: Client, cursor: str) -> None:
    assert error_of(api.get("/api/library", params={"cursor": cursor})) == (422, "ConfigError")


def test_a_song_that_is_not_there(api: Client) -> None:
    for path in ("/api/songs/99", "/api/songs/99/curve"):
        assert error_of(api.get(path)) == (404, "UnknownTrackError")


def test_a_mood_set_by_hand_shows_at_once(api: Client) -> None:
    before = api.get("/api/map").headers["etag"]
    assert api.put("/api/songs/1/label", json={"mood": "angry"}).json()["labelled"] == "angry"
    assert [song["id"] for song in api.get("/api/library?mood=angry&limit=1").json()["songs"]] == [1]
    assert api.get("/api/map").headers["etag"] != before
    assert api.put("/api/songs/1/label", json={"mood": None}).json()["labelled"] is None
    assert error_of(api.put("/api/songs/1/label", json={"mood": "hungry"})) == (422, "ConfigError")
    assert error_of(api.put("/api/songs/1/label", json={})) == (422, "ConfigError")


def test_a_mood_set_by_hand_counts_at_once_and_songs_scanned_soon(api: Client, library: Path) -> None:
    def calm() -> set[int]:
        return {pick["id"] for pick in api.get("/api/next?mood=calm&n=24&artist_gap=0").json()["picks"][:7]}

    assert 2 not in calm()
    api.put("/api/songs/2/label", json={"mood": "calm"})
    assert 2 in calm()
    with Library.open(library) as other:
        other.set_label(3, "calm")
    assert 3 not in calm()  # for some seconds, as with songs of a scan
    api.put("/api/songs/2/label", json={"mood": "calm"})
    assert {2, 3} <= {pick["id"] for pick in api.get("/api/next?mood=calm&n=8&artist_gap=0").json()["picks"]}


def test_artists(api: Client) -> None:
    found = api.get("/api/artists?limit=2").json()
    assert found == {"artists": [{"name": "Ärtist 0", "songs": 4}, {"name": "Ärtist 1", "songs": 4}], "total": 6}
    assert api.get("/api/artists?search=artist%205").json()["artists"] == [{"name": "Ärtist 5", "songs": 4}]


def read_map(content: bytes) -> list[tuple[int, ...]]:
    magic, version, count, _ = struct.unpack_from("<4s3I", content)
    assert (magic, version) == (b"EMAP", 1) and len(content) == 16 + 8 * count
    ids = struct.unpack_from(f"<{count}I", content, 16)
    columns = [content[16 + 4 * count + i * count :][:count] for i in range(4)]
    return list(zip(ids, *columns, strict=True))


def test_the_map(api: Client) -> None:
    api.put("/api/songs/2/label", json={"mood": "happy"})
    answer = api.get("/api/map", headers={"accept-encoding": "identity"})
    moods = answer.headers["x-moods"].split(",")
    places = {song[0]: song[1:] for song in read_map(answer.content)}
    assert len(places) == 24 and sorted(moods) == sorted(LABELS)
    for song in api.get("/api/library?limit=200").json()["songs"]:
        x, y, mood, flags = places[song["id"]]
        assert x / 127.5 - 1 == pytest.approx(song["valence"], abs=1 / 127)
        assert y / 127.5 - 1 == pytest.approx(song["arousal"], abs=1 / 127)
        assert moods[mood] == song["mood"] and flags == (4 if song["id"] == 2 else 0)
    again = api.get("/api/map", headers={"accept-encoding": "identity", "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert api.get("/api/map", headers={"accept-encoding": "gzip"}).content == answer.content


def test_what_the_map_dims(api: Client) -> None:
    content = api.get("/api/map/filter?mood=calm").content
    assert struct.unpack("<7I", content) == (6, 1, 5, 9, 13, 17, 21)


def test_failures_page_by_page(api: Client, library: Path) -> None:
    for number in range(5):
        shelf.fail(library, f"/music/\udce9{number}.mp3", "it is \x01 broken")
    first = api.get("/api/failures?limit=3").json()
    rest = api.get(f"/api/failures?limit=3&cursor={first['next_cursor']}").json()
    found = first["failures"] + rest["failures"]
    assert [one["path"] for one in found] == [rf"/music/\xe9{number}.mp3" for number in range(5)]
    assert {one["kind"] for one in found} == {"CorruptAudioError"} and rest["next_cursor"] is None
    assert error_of(api.get("/api/failures?cursor=zz")) == (422, "ConfigError")


# --------------------------------------------------------------------------------------------------------- listening


def test_nothing_heard_yet(api: Client) -> None:
    for path in ("/api/listener", "/api/next"):
        assert error_of(api.get(path)) == (409, "NotYetError")
    assert api.get("/api/next?mood=calm&n=3").json()["picks"]
    history = api.get("/api/listener/history").json()
    assert (history["points"], history["plays"]) == ([], [])


def test_plays_move_the_mood(api: Client, library: Path) -> None:
    play(api, 1, 5, 9, 13)
    now = api.get("/api/listener").json()
    with Engine(library) as engine:
        assert now == shapes.listener(engine.now())
        picks = [shapes.pick(pick) for pick in engine.next(4)]
    assert now["mood"] == "calm"
    found = api.get("/api/next?n=4").json()["picks"]
    assert [(pick["id"], pick["path"]) for pick in found] == [(pick["id"], pick["path"]) for pick in picks]
    play(api, 2, 6, 10, 14, 18)
    assert api.get("/api/listener").json()["mood"] == "angry"


def test_history_tells_what_was_done_and_what_was_read(api: Client) -> None:
    now = time.time()
    for ago, song in ((5 * 3600, 2), (3600, 1), (1800, 5)):
        play(api, song, at=now - ago)
    api.post("/api/events", json={"id": 6, "event": "skip", "heard": 0.25})
    api.post("/api/events", json={"id": 6, "event": "ban"})
    found = api.get("/api/listener/history?hours=2").json()
    assert [(one["id"], one["event"], one["heard"]) for one in found["plays"]] == [
        (1, "play", None), (5, "play", None), (6, "skip", 0.25), (6, "ban", None),
    ]  # fmt: skip
    paths = [api.get(f"/api/songs/{song}").json()["path"] for song in (1, 5, 6)]
    assert [one["path"] for one in found["plays"]] == [*paths, paths[-1]]
    assert len(found["points"]) == 3 and found["points"][1]["mood"] == "calm"
    assert [point["at"] for point in found["points"]] == sorted(point["at"] for point in found["points"])


def test_what_was_done_by_mistake_is_taken_back(api: Client) -> None:
    before = api.get("/api/next?mood=calm&n=3").json()["picks"]
    banned = before[0]["id"]
    done = api.post("/api/events", json={"id": banned, "event": "ban"}).json()
    assert api.get(f"/api/songs/{banned}").json()["liking"] == "ban"
    assert api.get(f"/api/songs/{banned}?listener=anna").json()["liking"] is None
    assert banned not in {pick["id"] for pick in api.get("/api/next?mood=calm&n=3").json()["picks"]}
    mistake = {name: done[name] for name in ("id", "event", "at")}
    assert api.request("DELETE", "/api/events?listener=anna", json=mistake).json() == {"removed": 0}
    assert api.request("DELETE", "/api/events", json=mistake).json() == {"removed": 1}
    assert api.request("DELETE", "/api/events", json=mistake).json() == {"removed": 0}
    assert api.get(f"/api/songs/{banned}").json()["liking"] is None
    assert api.get("/api/next?mood=calm&n=3").json()["picks"] == before
    told = api.get("/api/listener/history").json()["plays"]
    assert not told
    at = api.post("/api/plays", json={"id": 1}).json()["at"]
    assert api.request("DELETE", "/api/events", json={"id": 1, "event": "play", "at": at}).json() == {"removed": 1}
    for wrong in (
        {"id": 999, "event": "ban", "at": at},
        {"id": 1, "event": "love", "at": at},
        {"id": 1, "event": "ban"},
    ):
        assert error_of(api.request("DELETE", "/api/events", json=wrong))[0] in {404, 422}


def test_a_path_is_a_whole_one(api: Client) -> None:
    said = api.post("/api/plays", json={"path": "song.ogg"})
    assert error_of(said) == (422, "ConfigError") and "no absolute path" in said.json()["error"]["message"]


def test_what_was_offered_is_noted_as_such(api: Client, library: Path) -> None:
    api.post("/api/plays", json={"id": 1, "offered": True})
    api.post("/api/events", json={"id": 2, "event": "skip", "offered": True})
    play(api, 3)
    with Library.open(library) as opened:
        assert [(event.track_id, event.offered) for event in opened.events()] == [(3, False), (2, True), (1, True)]


def test_a_ban_keeps_a_song_away_until_a_like(api: Client) -> None:
    def offered() -> set[int]:
        return {pick["id"] for pick in api.get("/api/next?mood=calm&n=24").json()["picks"]}

    assert 5 in offered()
    api.post("/api/events", json={"id": 5, "event": "ban"})
    assert 5 not in offered()
    api.post("/api/events", json={"path": f"{MUSIC}/4.ogg", "event": "like"})
    assert 5 in offered()


def test_each_listener_has_a_mood_of_his_own(api: Client) -> None:
    play(api, 1, 5)
    assert api.post("/api/plays?listener=Ann", json={"id": 2}).status_code == 201
    assert api.get("/api/listener?listener=Ann").json()["mood"] == "angry"
    assert api.get("/api/listener").json()["mood"] == "calm"
    assert api.get("/api/listeners").json() == {"listeners": ["default", "Ann"], "default": "default"}
    assert error_of(api.get("/api/listener?listener=%0a")) == (422, "ConfigError")


def test_forgetting_needs_the_name(api: Client) -> None:
    play(api, 1, 5)
    assert error_of(api.request("DELETE", "/api/listener/history", json={"confirm": "me"})) == (422, "ConfigError")
    assert api.request("DELETE", "/api/listener/history", json={"confirm": "default"}).json() == {"removed": 2}
    assert error_of(api.get("/api/listener")) == (409, "NotYetError")


def test_wishes(api: Client) -> None:
    play(api, 2)
    assert {pick["mood"] for pick in api.get("/api/next?mood=calm&n=3").json()["picks"]} == {"calm"}
    assert api.get("/api/next?toward=calm&n=4").json()["picks"][-1]["mood"] == "calm"
    like = api.get("/api/next?like=1&like=5&n=2&variety=0&artist_gap=0").json()["picks"]
    assert {pick["mood"] for pick in like} == {"calm"} and not {1, 5} & {pick["id"] for pick in like}
    excluded = api.get("/api/next?mood=calm&n=24&exclude=1&exclude=5").json()["picks"]
    assert not {1, 5} & {pick["id"] for pick in excluded}
    assert api.get(f"/api/next?n=1&without_folder={MUSIC}").json()["picks"] == []


@pytest.mark.parametrize(
    "query",
    ["n=0", "n=201", "n=x", "n=1e1", "variety=2", "variety=nan", "mood=calm&toward=sad", "include=noise", "like=-1",
     "like=99999999999999999999", "without_genre=", "repeat_after=-1", "repeat_after=inf", "without_folder=/etc",
     "moood=calm", "mood=", "artist_gap=-1"],
)  # fmt: skip
def test_a_wish_that_makes_no_sense(api: Client, query: str) -> None:
    assert error_of(api.get(f"/api/next?n=1&{query}" if not query.startswith("n=") else f"/api/next?{query}")) == (
        422, "ConfigError",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"id": 99}, 404),
        ({"path": "/nowhere.mp3"}, 404),
        ({}, 422),
        ({"id": 1, "path": "/x"}, 422),
        ({"id": 0}, 422),
        ({"id": 1.5}, 422),
        ({"id": True}, 422),
        ({"id": "1"}, 422),
        ({"id": 1, "at": 1e300}, 422),
        ({"id": 1, "at": 4e9}, 422),
        ({"id": 1, "at": -1}, 422),
        ({"id": 1, "more": 1}, 422),
        ({"path": "/a\0b"}, 422),
        ({"path": "\ud800"}, 422),
        ({"path": ""}, 422),
        ([], 422),
    ],
)
def test_a_play_that_makes_no_sense(api: Client, given: Any, status: int) -> None:
    body = json.dumps(given).encode()
    answer = api.post("/api/plays", content=body, headers={"content-type": "application/json"})
    assert error_of(answer)[0] == status
    assert api.get("/api/listener/history").json()["plays"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"event": "play"},
        {"event": "skip", "heard": 2},
        {"event": "like", "heard": 0.5},
        {"event": "ban", "offered": True},
    ],
)
def test_an_event_that_makes_no_sense(api: Client, given: dict[str, Any]) -> None:
    assert error_of(api.post("/api/events", json={"id": 1, **given})) == (422, "ConfigError")


# ----------------------------------------------------------------------------------------------------------- service


def test_health(api: Client, library: Path) -> None:
    said = api.get("/api/health").json()
    assert said["status"] == "ok" and said["problem"] is None and not said["scanning"]
    assert said["library"] == {"path": str(library), "songs": 24, "judged": 24, "missing": 0, "failed": 0}


def test_no_library_yet(tmp_path: Path) -> None:
    with asking(tmp_path / "none.db") as api:
        said = api.get("/api/health").json()
        assert said["status"] == "degraded" and "edgemood scan" in said["problem"]
        for path in ("/api/library", "/api/map", "/api/next", "/api/listener", "/api/songs/1"):
            assert error_of(api.get(path)) == (503, "LibraryError"), path
        assert error_of(api.post("/api/scan", json={})) == (409, "ScanError")
        assert error_of(api.post("/api/scan", json={"folders": []})) == (422, "ConfigError")
        assert not (tmp_path / "none.db").exists()


def test_a_library_that_goes_and_comes_while_it_runs(api: Client, library: Path, tmp_path: Path) -> None:
    play(api, 1)
    kept = library.rename(tmp_path / "kept.db")
    for beside in tmp_path.glob("library.db-*"):
        beside.unlink()
    assert error_of(api.get("/api/listener")) == (503, "LibraryError")
    assert error_of(api.get("/api/library")) == (503, "LibraryError")
    with Library.open(library) as other:
        shelf.fill(other, SONGS[:3])
    assert api.get("/api/library").json()["total"] == 3
    assert error_of(api.get("/api/listener")) == (409, "NotYetError")
    assert kept.exists()


def test_a_damaged_library_is_told(api: Client, library: Path) -> None:
    assert api.get("/api/library").json()["total"] == 24
    library.unlink()
    library.write_bytes(b"no library at all" * 1000)
    assert error_of(api.get("/api/library")) == (503, "LibraryError")
    assert api.get("/api/health").json()["status"] == "degraded"


def test_metrics_count(api: Client) -> None:
    api.get("/api/next?mood=calm")
    api.get("/api/songs/99")
    api.get("/no/such/thing")
    said = api.get("/api/metrics").text
    assert 'edgemood_requests_total{method="GET",route="/api/next",status="200"} 1' in said
    assert 'route="/api/songs/{song}",status="404"} 1' in said and 'route="other",status="404"} 1' in said
    assert "edgemood_next_seconds_count 1" in said and "edgemood_songs 24" in said
    for line in said.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


def test_a_fault_of_the_server_tells_nothing_of_its_inside(
    api: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Engine) -> None:
        raise RuntimeError("the secret path /home/someone")

    monkeypatch.setattr(Engine, "now", fail)
    answer = api.get("/api/listener")
    assert error_of(answer) == (500, "InternalError") and "secret" not in answer.text
    assert answer.headers["content-security-policy"] and "secret path" in caplog.text


def test_what_is_not_there_is_told_in_the_same_shape(api: Client) -> None:
    assert error_of(api.get("/api/nothing")) == (404, "HTTPError")
    assert error_of(api.delete("/api/library")) == (405, "HTTPError")
    assert error_of(api.options("/api/library")) == (405, "HTTPError")
    assert api.patch("/api/scan").headers["allow"] == "DELETE, GET, POST"
    assert api.get("/api/library/").status_code == 404


def test_head_is_get_without_a_body(api: Client) -> None:
    for path in ("/api/library", "/api/events", "/api/nothing"):
        answer = api.head(path)
        assert not answer.content and answer.status_code == (404 if path.endswith("nothing") else 200)


def test_packed_answers_are_the_same(library: Path) -> None:
    with serving(library) as server:
        answers = [
            server.send(f"GET /api/map HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n".encode())
            for more in ("", "Accept-Encoding: gzip\r\n")
        ]
        again = server.send(
            b"GET /api/map HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip;q=0\r\n\r\n"
        )
    assert again.partition(b"\r\n\r\n")[2] == answers[0].partition(b"\r\n\r\n")[2]
    plain, packed = (answer.partition(b"\r\n\r\n")[2] for answer in answers)
    assert len(plain) == 16 + 8 * 24 and gzip.decompress(packed) == plain


def test_the_map_has_a_tag_for_each_packing(api: Client) -> None:
    plain, packed = (api.get("/api/map", headers={"accept-encoding": one}) for one in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert plain.headers["etag"] != packed.headers["etag"]
    for one, other, encoding in ((plain, packed, "identity"), (packed, plain, "gzip")):
        own, foreign = one.headers["etag"], other.headers["etag"]
        for given, status in (
            ([own], 304), ([foreign], 200), ([f"W/{own}"], 304), (["*"], 304), ([f'"x", W/{own}'], 304),
            (['"x"', own], 304), ([own.strip('"')], 200), ([f'{own[:-1]}x"'], 200), ([""], 200),
        ):  # fmt: skip
            lines = [("accept-encoding", encoding), *(("if-none-match", line) for line in given)]
            answer = api.get("/api/map", headers=lines)
            assert answer.status_code == status, (encoding, given)
            assert answer.headers["etag"] == own and answer.headers["vary"] == "accept-encoding"
            assert answer.headers["x-moods"] == one.headers["x-moods"]


def test_files_of_the_page_are_not_sent_again(api: Client) -> None:
    etag = api.get("/main.js").headers["etag"]
    for given, status in ((etag, 304), (f"W/{etag}", 304), (f'"a", {etag}', 304), ("*", 304), ('"a"', 200)):
        assert api.get("/main.js", headers={"if-none-match": given}).status_code == status, given
    assert api.get("/main.js", headers={"if-none-match": etag[1:-1]}).status_code == 200
