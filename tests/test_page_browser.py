"""The page in a browser: what a person sees and does, on a real server."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shelf
from chromium import Page, opened
from paging import HOSTILE, RIGHT_TO_LEFT, address, drawn, play, queue
from serving import Server, serving, songs

from edgemood.library import Library

MUSIC = Path(__file__).parent.parent / "examples" / "music"


@pytest.fixture
def library(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path))


@pytest.fixture
def server(library: Path) -> Iterator[Server]:
    with serving(library, "--folder", shelf.MUSIC) as running:
        yield running


def place(page: Page) -> dict[str, float]:
    return dict(page.tab.evaluate("(({x, y, zoom}) => ({x, y, zoom}))(edgemoodMap.now())"))


# ---------------------------------------------------------------------------------------------------- a whole session


def test_scan_a_folder_see_the_map_play_ten_songs_like_and_skip(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for recording in sorted(MUSIC.glob("*.ogg"))[:12]:
        shutil.copy(recording, folder)
    songs(folder / "short", 6, seconds=21.0)  # below 20 s they would not be offered
    (folder / "no music.ogg").write_bytes(b"OggS" + bytes(range(200)))
    with serving(tmp_path / "new.db", "--folder", str(folder)) as server, opened(browser, address(server)) as page:
        page.says("#banner", "There is no library")
        page.tab.click("#banner a")
        page.tab.click("#scan-start")
        page.says("#scan-said", "Scanning")
        page.tab.wait_for_selector("#scan-said:has-text('Done')", timeout=120_000)
        assert "18 new songs" in page.text("#scan-said") and "1 file failed" in page.text("#scan-said")
        page.says("#failures", "no music.ogg")
        page.until("edgemoodMap.now().count === 18")
        assert page.tab.is_hidden("#banner")
        page.view("next")
        page.says("#mood", "Nothing heard yet")
        moods = session(page)
        assert len(moods) > 1, "ten songs of one corner of the map move the mood there"
        like_and_skip(page, server)


def settled(page: Page) -> None:
    """Wait as long as the queue takes no press: songs may just have moved up."""
    page.tab.wait_for_timeout(700)


def session(page: Page) -> set[str]:
    """Play five songs of one mood, then five of another; give what was said of the listener's mood after each."""
    said = set()
    for mood in ("angry", "calm"):
        page.tab.click(f"#aim [data-mood={mood}]")
        for _ in range(5):
            page.until(f"document.querySelector('#aim [data-mood={mood}]').getAttribute('aria-checked') === 'true'")
            page.until("document.querySelector('#queue .deed.played') && !document.querySelector('#queue[aria-busy]')")
            first = queue(page)[0]
            settled(page)
            page.tab.locator("#queue .deed.played").first.click()
            page.says("#toast", "Played")
            page.until(f"document.querySelector('#queue a.what')?.getAttribute('href') !== {first!r}")
            page.until("document.querySelector('#mood .big') && !document.querySelector('#mood.unheard')")
            said.add(page.text("#mood .bars"))
    return said


def like_and_skip(page: Page, server: Server) -> None:
    before = queue(page)
    settled(page)
    page.tab.locator("#queue .deed.like").first.click()
    page.says("#toast", "Liked")
    settled(page)
    page.tab.locator("#queue .deed.skip").first.click()
    page.says("#toast", "Skipped")
    page.until(f"document.querySelector('#queue a.what').getAttribute('href') !== {before[0]!r}")
    assert before[0] not in queue(page)
    plays = server.json("GET", "/api/listener/history?hours=1")["plays"]
    assert [done["event"] for done in plays].count("play") == 10
    assert {"like", "skip"} <= {done["event"] for done in plays}


def test_what_others_do_is_seen_without_asking(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/now")) as page:
        page.says("#mood", "Nothing heard yet")
        page.tab.wait_for_timeout(1500)
        play(server, 1, 5, 9)
        page.says("#mood .big", "happy")


# ------------------------------------------------------------------------------------------------------------ the map


@pytest.mark.parametrize("way", ["2d", "gl"])
def test_the_map_moves_zooms_and_finds_songs(browser: Any, server: Server, way: str) -> None:
    with opened(browser, address(server, f"?draw={way}")) as page:
        drawn(page)
        assert page.tab.evaluate("edgemoodMap.now().points") == {"2d": "Points2D", "gl": "PointsGL"}[way]
        box = page.tab.locator("#plane").bounding_box()
        spot = page.tab.evaluate("edgemoodMap.songAt(...edgemoodMap.toScreen(0.6, 0.6), 60)")
        x, y = page.tab.evaluate(f"edgemoodMap.toScreen({spot['at'][0]}, {spot['at'][1]})")
        page.tab.mouse.move(box["x"] + x, box["y"] + y)
        page.says("#spot", "happy")
        page.tab.mouse.wheel(0, -400)
        page.until("edgemoodMap.now().zoom > 2")
        kept = page.tab.evaluate(f"edgemoodMap.toScreen({spot['at'][0]}, {spot['at'][1]})")
        assert abs(kept[0] - x) < 2 and abs(kept[1] - y) < 2, "what is under the mouse stays there"
        before = place(page)
        page.tab.mouse.down()
        page.tab.mouse.move(box["x"] + x - 120, box["y"] + y, steps=4)
        page.tab.mouse.up()
        assert place(page)["x"] > before["x"] and page.tab.evaluate("document.body.dataset.view") == "map"
        page.tab.mouse.click(box["x"] + x - 120, box["y"] + y)
        page.tab.wait_for_selector("body[data-view=song]")


@pytest.mark.parametrize("way", ["2d", "gl"])
def test_points_are_drawn_where_the_songs_are(browser: Any, server: Server, way: str) -> None:
    with opened(browser, address(server, f"?draw={way}"), "phone") as page:
        drawn(page)
        page.tab.wait_for_timeout(400)
        x, y = page.tab.evaluate(
            "edgemoodMap.toScreen(...edgemoodMap.songAt(...edgemoodMap.toScreen(-0.6, 0.6), 60).at)"
        )
        box = page.tab.locator("#plane").bounding_box()
        clip = {"x": box["x"] + x - 1, "y": box["y"] + y - 1, "width": 3, "height": 3}
        red, green, blue = _middle(page.tab.screenshot(clip=clip))
        assert red > 130 and green < 110 and blue < 120, "an angry song is red"


def _middle(png: bytes) -> tuple[int, int, int]:
    import io

    image = pytest.importorskip("PIL.Image").open(io.BytesIO(png)).convert("RGB")
    return tuple(image.getpixel((1, 1)))


def test_filters_dim_the_others_and_shorten_the_list(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/songs")) as page:
        page.says("#tally", "40 songs")
        page.tab.click("#chips button:has-text('angry')")
        page.says("#tally", "10 of 40 songs")
        page.until("document.querySelectorAll('#list li').length === 10")
        page.tab.fill("#artist", "artist 1")
        page.says("#tally", "2 of 40 songs")
        page.tab.click("#chips button:has-text('angry')")
        page.tab.fill("#artist", "")
        page.tab.fill("#search", "no such song")
        page.says("#songs-note", "No song matches")
        page.tab.fill("#search", "")
        page.says("#tally", "40 songs")


def test_keys_are_enough(browser: Any, server: Server) -> None:
    play(server, 1)
    with opened(browser, address(server), "unit") as page:
        drawn(page)
        page.tab.focus("#plane")
        for key in ("+", "+", "ArrowRight", "ArrowUp"):
            page.tab.keyboard.press(key)
        moved = place(page)
        assert moved["zoom"] > 1.5 and moved["x"] > 0 and moved["y"] > 0
        page.tab.keyboard.press("0")
        page.until("edgemoodMap.now().zoom === 1")
        reached = set()
        for _ in range(40):
            page.tab.keyboard.press("Tab")
            reached.add(page.tab.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert {"Map", "Now", "Next", "Songs", "Scan", "theme", "search", "artist", "plane"} <= reached
        page.view("next")
        page.tab.wait_for_selector("#queue .deed.like")
        page.tab.focus("#queue .deed.like")
        page.tab.keyboard.press("Enter")
        page.says("#toast", "Liked")
        page.tab.focus("#aim [aria-checked=true]")
        page.tab.keyboard.press("ArrowRight")
        assert page.tab.get_attribute("#aim [data-mood=happy]", "aria-checked") == "true"
        page.tab.focus("#queue a.what")
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("#song .scrub")
        page.tab.focus("#song .scrub")
        page.tab.keyboard.press("Home")
        assert "attention" in str(page.tab.get_attribute("#song .scrub", "aria-valuetext"))
        page.tab.keyboard.press("Escape")
        page.tab.wait_for_selector("body[data-view=next]")


# ----------------------------------------------------------------------------------------------------- the hard cases


def test_titles_are_text(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/songs"), "phone") as page:
        page.says("#list", HOSTILE)
        page.says("#list", RIGHT_TO_LEFT)
        for number in (1, 2, 3):
            page.view(f"song/{number}")
            page.until("document.querySelector('#song-body .bars') !== null")
        page.view("song/1")
        page.says("#song-title", HOSTILE)
        page.view("scan")
        page.says("#failures", "<b>broken</b>.ogg")
        page.says("#failures", "No audio in it.")
        assert page.tab.title() == "edgemood"
        assert page.tab.evaluate("document.querySelectorAll('main script, main img, main b').length") == 0


_BOXES = """(kind) => [...document.querySelectorAll(`#song .${kind}`)].map((e) => e.getBBox())
  .map(({x, height}) => ({x, height}))"""


def test_a_song_shows_what_decided(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/5")) as page:
        page.says("#song .reading", "Decided most: 1:30 to 2:00, happy")
        strip, areas = (page.tab.evaluate(_BOXES, kind) for kind in ("heed", "area"))
        assert [bar["height"] for bar in strip] == sorted(bar["height"] for bar in strip), "a tenth more each"
        assert strip[0]["x"] == areas[0]["x"] == 0 and abs(strip[-1]["x"] - 750) < 1, "one time for both"
        page.tab.click("#song button:has-text('More like this')")
        page.says("#wish", "like Song 4")
        page.tab.wait_for_selector("#queue li")
        assert "#/song/5" not in queue(page)


def test_a_mood_by_hand(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/6"), "unit") as page:
        page.says("#song .verdict", "angry")
        page.tab.click("#song summary:has-text('Not its mood?')")
        page.tab.click("#song .chip:has-text('calm')")
        page.says("#song .verdict", "set by hand")
        assert server.json("GET", "/api/songs/6")["labelled"] == "calm"


def test_no_such_song(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/4711"), "phone") as page:
        page.says("#song-title", "No such song")
        page.says("#song-note", "4711")


def test_folders_that_may_not_be_scanned(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/scan"), "unit") as page:
        page.tab.fill("#folders", "/etc")
        page.tab.click("#scan-start")
        page.says("#scan-note", "may not be scanned")


def test_a_library_of_one_song(browser: Any, tmp_path: Path) -> None:
    with Library.open(tmp_path / "one.db") as library:
        shelf.fill(library, [(f"{shelf.MUSIC}/only.ogg", "sad", "One")])
    with serving(tmp_path / "one.db") as server, opened(browser, address(server), "phone") as page:
        drawn(page)
        page.says("#tally", "1 song")
        play(server, 1)
        page.view("now")
        page.says("#mood .big", "sad")
        page.view("next")
        page.until("document.querySelector('#queue li') || document.querySelector('#next-note p')")


def test_a_library_without_songs(browser: Any, tmp_path: Path) -> None:
    with Library.open(tmp_path / "empty.db"):
        pass
    with serving(tmp_path / "empty.db") as server, opened(browser, address(server), "unit") as page:
        page.says("#map-note", "No songs yet")
        page.view("songs")
        page.says("#songs-note", "No songs yet")
        page.view("now")
        page.says("#mood", "Nothing heard yet")
        page.view("scan")
        page.says("#library", "Nothing here yet")


# ---------------------------------------------------------------------------------------------------- many, many songs


@pytest.fixture(scope="module")
def hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library whose map is large: songs of forty, copied in the database."""
    path = tmp_path_factory.mktemp("large") / "library.db"
    bench = pytest.importorskip("benchmarks.bench_scale")
    bench.make(path, 100_000)
    return path


@pytest.mark.skipif("EDGEMOOD_SLOW" not in os.environ, reason="makes a library of 100,000 songs: EDGEMOOD_SLOW=1")
def test_a_hundred_thousand_songs(browser: Any, hundred_thousand: Path) -> None:
    with serving(hundred_thousand) as server, opened(browser, address(server)) as page:
        drawn(page)
        assert page.tab.evaluate("edgemoodMap.now().count") == 100_000
        began = time.monotonic()
        page.tab.evaluate("""async () => { for (let k = 0; k < 60; k++) { edgemoodMap.pan(k % 20 < 10 ? 5 : -5, 2);
          await new Promise(requestAnimationFrame); } }""")
        assert time.monotonic() - began < 20, "sixty frames: three a second on the busiest of machines"
