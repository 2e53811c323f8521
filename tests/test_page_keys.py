"""The page by keys and by its address: where the focus is, and what is shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shelf
from chromium import Page, opened
from paging import address, drawn, play, queue
from serving import Server, serving

from edgemood.library import Library

DEEDS = {"played": "Played", "like": "Liked", "skip": "Skipped", "ban": "Banned"}
FOCUS = "document.activeElement"
_DEED = f"{FOCUS}.closest('#queue li')?.querySelector('a').hash + ' ' + {FOCUS}.classList[1]"


@pytest.fixture
def server(filled: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(shutil.copy(filled, tmp_path)) as running:
        play(running, 1, 5)
        yield running


def rows(page: Page) -> list[str]:
    """Wait for the queue, and give it."""
    page.until("document.querySelector('#queue li') && !document.querySelector('#queue[aria-busy]')")
    return queue(page)


# --------------------------------------------------------------------------------------------------------- the focus


@pytest.mark.parametrize("size", ["unit", "desk"])
@pytest.mark.parametrize("deed", DEEDS)
def test_the_focus_stays_at_the_deed_of_a_row(browser: Any, server: Server, deed: str, size: str) -> None:
    with opened(browser, address(server, "#/next"), size) as page:
        song = rows(page)[1]
        page.tab.locator(f"#queue li:nth-child(2) .{deed}").focus()
        page.tab.keyboard.press("Enter")
        page.says("#toast", DEEDS[deed])
        page.tab.wait_for_timeout(1800)  # the server's own news of it have come, too
        now = rows(page)
        assert page.tab.evaluate(_DEED) == f"{song if song in now else now[1]} {deed}"
        assert (song in now) == (deed == "like"), "both cases are tried"


def test_where_nothing_is_left_the_heading_has_the_focus(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/next")) as page:
        rows(page)
        page.tab.route("**/api/next*", lambda route: route.fulfill(json={"picks": []}))
        page.tab.locator("#queue .skip").first.focus()
        page.tab.keyboard.press("Enter")
        page.says("#next-note", "Nothing to offer")
        assert page.tab.evaluate(f"{FOCUS}.id") == "next-title"


def test_the_focus_stays_at_a_switch_that_is_pressed(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/next"), "unit") as page:
        page.tab.click("#aim [data-mood=calm]")
        page.tab.focus("#wish .switch")
        page.tab.keyboard.press("Enter")
        page.until("document.querySelector('#wish .switch').getAttribute('aria-checked') === 'true'")
        rows(page)
        assert page.tab.evaluate(f"{FOCUS}.classList.contains('switch')")


def test_a_mood_by_hand_leaves_the_choice_open(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/6")) as page:
        page.tab.click("#song summary:has-text('Not its mood?')")
        page.tab.focus("#song .chip:has-text('calm')")
        page.tab.keyboard.press("Enter")
        page.says("#song .verdict", "set by hand")
        page.tab.wait_for_timeout(1800)
        assert page.tab.evaluate(f"{FOCUS}.textContent") == "calm"
        assert page.tab.is_visible("#song .chip:has-text('calm')")


@pytest.mark.parametrize("size", ["phone", "unit", "desk"])
@pytest.mark.parametrize("way", ["Escape", "close", "back"])
def test_from_a_song_one_comes_back_to_its_row(browser: Any, server: Server, size: str, way: str) -> None:
    with opened(browser, address(server, "#/songs"), size) as page:
        page.tab.wait_for_selector("#list li:nth-child(30)")
        link = page.tab.locator("#list li:nth-child(30) a.what")
        link.focus()
        down = page.tab.evaluate("document.getElementById('songs').scrollTop")
        assert down > 0
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("body[data-view=song]")
        page.tab.wait_for_selector("#song .verdict")
        leave(page, way)
        page.tab.wait_for_selector("body[data-view=songs]")
        assert page.tab.evaluate(f"{FOCUS}.hash") == link.get_attribute("href")
        assert page.tab.evaluate("document.getElementById('songs').scrollTop") == down


def leave(page: Page, way: str) -> None:
    if way == "back":
        page.tab.go_back()
    elif way == "close":
        page.tab.focus("#close")
        page.tab.keyboard.press("Enter")
    else:
        page.tab.keyboard.press("Escape")


def test_a_row_that_was_drawn_anew_is_found(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/next"), "unit") as page:
        second = rows(page)[1]
        page.tab.locator("#queue a.what").nth(1).focus()
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("#song .verdict")
        page.tab.evaluate("for (const row of document.querySelectorAll('#queue li')) row.replaceWith(row.cloneNode(1))")
        page.tab.keyboard.press("Escape")
        page.tab.wait_for_selector("body[data-view=next]")
        assert page.tab.evaluate(f"{FOCUS}.hash") == second


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_from_a_song_one_comes_back_to_the_map(browser: Any, server: Server, size: str) -> None:
    with opened(browser, address(server), size) as page:
        drawn(page)
        page.tab.focus("#plane")
        x, y = page.tab.evaluate("edgemoodMap.songAt(...edgemoodMap.toScreen(0.6, 0.6), 60).at")
        page.tab.evaluate(f"edgemoodMap.visit({{ id: 0, valence: {x}, arousal: {y} }})")
        page.until("edgemoodMap.now().zoom === 6")
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("#song .verdict")
        page.tab.keyboard.press("Escape")
        page.until(f"document.body.dataset.view !== 'song' && {FOCUS}.id === 'plane'")


def test_a_ban_by_mistake_is_taken_back(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/next"), "unit") as page:
        first = rows(page)[0]
        page.tab.click(f"#queue li:has(a[href='{first}']) .deed.ban")
        page.says("#toast", "Banned")
        page.until(f"document.querySelector('#queue a.what').hash !== '{first}'")
        page.tab.focus("#toast .undo")
        page.tab.keyboard.press("Enter")
        page.says("#toast", "Taken back")
        page.until(f"document.querySelector('#queue a.what').hash === '{first}'")
        assert page.tab.evaluate(f"{FOCUS}.id") == "next"


def test_pressing_twice_does_not_hit_the_next_song(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/next"), "unit") as page:
        for pause_ms in (0, 120, 300, 450):
            rows(page)
            page.tab.wait_for_timeout(900)
            box = page.tab.locator("#queue .deed.skip").first.bounding_box()
            before = len(server.json("GET", "/api/listener/history")["plays"])
            for _ in range(2):
                page.tab.mouse.click(box["x"] + 10, box["y"] + 10)
                page.tab.wait_for_timeout(pause_ms)
            page.tab.wait_for_timeout(600)
            assert len(server.json("GET", "/api/listener/history")["plays"]) == before + 1, pause_ms


def test_a_key_that_is_held_or_pressed_twice_is_one_deed(browser: Any, server: Server) -> None:
    def done() -> int:
        return len(server.json("GET", "/api/listener/history")["plays"])

    with opened(browser, address(server, "#/next"), "unit") as page:
        rows(page)
        before = done()
        page.tab.locator("#queue .deed.played").first.focus()
        for _ in range(30):  # down again and again without up is how a held key looks
            page.tab.keyboard.down("Enter")
            page.tab.wait_for_timeout(30)
        page.tab.keyboard.up("Enter")
        page.tab.wait_for_timeout(900)
        assert done() == before + 1
        for _ in range(2):
            page.tab.keyboard.press("Enter")
            page.tab.wait_for_timeout(150)
        page.tab.wait_for_timeout(600)
        assert done() == before + 2


def test_what_was_heard_is_taken_back_later_and_a_song_tells_what_one_said_of_it(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/7"), "phone") as page:
        page.tab.wait_for_selector("#song .verdict")
        assert page.tab.locator("#song .liking").inner_text() == ""
        page.tab.click("#song .deed.ban")
        page.says("#song .liking", "You banned it: it is not offered until you like it.")
        page.tab.evaluate("location.hash = '#/now'")
        page.tab.click("#heard summary")
        page.tab.focus("#heard-list li:first-child button")
        assert page.tab.evaluate(f"{FOCUS}.ariaLabel.startsWith('Undo: banned ')")
        page.tab.keyboard.press("Enter")
        page.until("!document.querySelector('#heard-list').innerText.includes('banned')")
        assert page.tab.evaluate(f"{FOCUS}.ariaLabel.startsWith('Undo: played ')")
        page.tab.evaluate("location.hash = '#/song/7'")
        page.until("document.querySelector('#song .liking')?.textContent === ''")
        for number in (8, 7):  # as another page may
            server.json("POST", "/api/events", {"id": number, "event": "like"})
        page.says("#song .liking", "You like it.")


def test_a_long_list_stays_where_one_looks(browser: Any, tmp_path: Path) -> None:
    library = tmp_path / "library.db"
    with Library.open(library) as shelved:
        shelf.fill(shelved, [(f"{shelf.MUSIC}/{number}.ogg", "calm", "Ann") for number in range(300)])
        with serving(library) as server, opened(browser, address(server, "#/songs"), "unit") as page:
            for shown in (60, 120, 180):
                page.tab.wait_for_selector(f"#list li:nth-child({shown})")
                page.tab.evaluate("document.getElementById('songs').scrollTop = 1e9")
            page.tab.wait_for_selector("#list li:nth-child(240)")
            link = page.tab.locator("#list li:nth-child(150) a.what")
            link.focus()
            song = str(link.get_attribute("href"))
            down = page.tab.evaluate("document.getElementById('songs').scrollTop")
            assert down > 0
            shelved.set_label(int(song.rpartition("/")[2]), "angry")
            page.says("#list li:nth-child(150)", "set by hand")
            assert page.tab.locator("#list li").count() >= 240
            assert page.tab.evaluate(f"{FOCUS}.hash") == song
            assert page.tab.evaluate("document.getElementById('songs').scrollTop") == down


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_keys_reach_songs_at_the_edge_of_the_whole_map(browser: Any, server: Server, size: str) -> None:
    with opened(browser, address(server), size) as page:
        drawn(page)
        page.tab.focus("#plane")
        for keys in (["ArrowUp", "ArrowRight"], ["ArrowDown", "ArrowLeft"]):
            for _ in range(20):
                for key in keys:
                    page.tab.keyboard.press(key)
            is_ = page.tab.evaluate("edgemoodMap.now()")
            way = 1 if "ArrowRight" in keys else -1
            assert is_["zoom"] == 1 and way * is_["cross"][0] > 50 and way * is_["cross"][1] < -50
        for _ in range(20):  # from the corner back to the songs
            if page.tab.locator("#spot:not([hidden])").count():
                break
            for key in ("ArrowUp", "ArrowRight"):
                page.tab.keyboard.press(key)
                page.tab.wait_for_timeout(150)
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("#song .verdict")
        song = server.json("GET", f"/api/songs/{page.tab.evaluate('location.hash').rpartition('/')[2]}")
        assert song["valence"] < 0 and song["arousal"] < 0


def test_on_the_map_the_cross_comes_back_before_the_map_moves(browser: Any, server: Server) -> None:
    with opened(browser, address(server), "unit") as page:
        drawn(page)
        page.tab.focus("#plane")
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
            page.tab.keyboard.press(key)
        assert page.tab.evaluate("edgemoodMap.now().cross") == pytest.approx([0, 0], abs=1e-6)
        for key in ("+", "+", "+", "ArrowRight", "ArrowLeft"):
            page.tab.keyboard.press(key)
        now = page.tab.evaluate("edgemoodMap.now()")
        assert [*now["cross"], now["x"]] == pytest.approx([0, 0, 0], abs=1e-6)


def marked(page: Page) -> list[float]:
    return list(page.tab.evaluate("edgemoodMap.now().mark"))


def test_a_song_is_marked_where_it_lies(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/7"), "desk") as page:
        page.tab.wait_for_selector("#song .verdict")
        drawn(page)
        before = marked(page)
        page.tab.click("#song details summary")
        page.tab.click("#song details .chip:has-text('angry')")
        page.until(f"edgemoodMap.now().mark[0] !== {before[0]}")
        song = server.json("GET", "/api/songs/7")
        assert marked(page) == pytest.approx([song["valence"], song["arousal"]], abs=0.02)
        page.tab.click("#song details .chip:has-text('as the model judged')")
        page.until(f"edgemoodMap.now().mark[0] === {before[0]}")


def test_show_on_the_map_marks_the_song_there(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/song/7"), "phone") as page:
        page.tab.click("#song .to-map")
        page.tab.wait_for_selector("body[data-view=map]")
        page.tab.wait_for_timeout(400)
        song = server.json("GET", "/api/songs/7")
        assert marked(page) == pytest.approx([song["valence"], song["arousal"]], abs=0.02)


# -------------------------------------------------------------------------------------------------------- the address

_MARKED = "[...document.querySelectorAll('#nav [aria-current=page]')].map((a) => a.textContent.trim())"


@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("wrong", ["#/zzz", "#/zzz/5", "#/song", "#/song/", "#zzz", "#/map/7"])
def test_an_address_of_nothing_is_the_map(browser: Any, server: Server, size: str, wrong: str) -> None:
    with opened(browser, address(server, wrong), size) as page:
        drawn(page)
        assert page.tab.evaluate("location.hash") == "#/map"
        assert page.tab.evaluate(_MARKED) == [{"phone": "Map", "desk": "Now"}[size]]
        page.view("songs")
        page.tab.evaluate("location.hash = '#/nowhere'")
        page.until("location.hash === '#/map' && document.body.dataset.view === 'map'")


@pytest.mark.parametrize("wrong", ["abc", "0", "-1", "1e3", "5/6", "9" * 30, "%3Cb%3E"])
def test_a_song_that_cannot_be_is_told(browser: Any, server: Server, wrong: str) -> None:
    with opened(browser, address(server, "#/song/5"), "phone") as page:
        page.says("#song-title", "Song 4")
        page.tab.evaluate(f"location.hash = '#/song/{wrong}'")
        page.says("#song-title", "No such song")
        page.says("#song-note", f"“{wrong}”")
        assert page.text("#song-body") == ""
        page.tab.evaluate("location.hash = '#/song/5'")
        page.says("#song-title", "Song 4")
        assert page.text("#song-note") == ""


def test_what_is_shown_is_marked(browser: Any, server: Server) -> None:
    with opened(browser, address(server, "#/songs")) as page:
        for view in ("songs Songs", "song/5 Songs", "next Now", "song/6 Now", "scan Scan"):
            page.view(view.split()[0])
            page.until(f"{_MARKED}.join() === '{view.split()[1]}'")
        page.view("next")
        page.tab.set_viewport_size({"width": 800, "height": 480})
        page.until(f"{_MARKED}.join() === 'Next'")
