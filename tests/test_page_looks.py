"""How the page looks: at every size, by day and by night, with nothing in the way of anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shelf
from chromium import SIZES, axe, opened
from paging import address, drawn, play
from serving import Server, serving

VIEWS = ("map", "now", "next", "songs", "scan", "song/1")


@pytest.fixture
def server(filled: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(shutil.copy(filled, tmp_path), "--folder", shelf.MUSIC) as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overflows_and_fingers_find_everything(browser: Any, server: Server, size: str, scheme: str) -> None:
    play(server, 1, 2, 3)
    with opened(browser, address(server), size, color_scheme=scheme) as page:
        drawn(page)
        for view in ("map", "now", "next", "songs", "scan", "song/1", "song/3"):
            page.view(view)
            page.tab.wait_for_timeout(250)
            assert page.tab.evaluate(_OVERFLOWS) == [], view
            if size != "desk":
                assert page.tab.evaluate(_TOO_SMALL) == [], view


_OVERFLOWS = """() => [...document.querySelectorAll('main *, nav *')].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && !e.closest('.sr') && !e.closest('svg') && (box.right > innerWidth + 1 || box.left < -1);
}).map((e) => `${e.tagName}#${e.id}.${e.className}`).concat([...document.querySelectorAll('main > section')]
  .filter((e) => e.offsetWidth && e.scrollWidth > e.clientWidth + 1).map((e) => `${e.id} scrolls`))"""
_TOO_SMALL = """() => [...document.querySelectorAll('main :is(a, button, select, input, textarea, summary), nav *')]
  .filter((e) => e.matches('a, button, select, input:not([type=range]), textarea, summary') && e.offsetWidth)
  .map((e) => [`${e.tagName}#${e.id}.${e.className}`, e.offsetWidth, e.offsetHeight])
  .filter(([, width, height]) => width < 48 || height < 48)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(browser: Any, server: Server, size: str, scheme: str) -> None:
    source = axe()
    play(server, 1, 2, 3)
    with opened(browser, address(server), size, color_scheme=scheme, bypass_csp=True) as page:
        drawn(page)
        page.tab.evaluate(source)
        for view in VIEWS:
            page.view(view)
            page.tab.wait_for_timeout(700)  # colours that fade in have no contrast yet
            found = page.tab.evaluate("async () => (await axe.run()).violations")
            serious = [
                (one["id"], [node["html"][:150] for node in one["nodes"]][:3])
                for one in found
                if one["impact"] in {"serious", "critical"}
            ]
            assert serious == [], view


GROUND = "getComputedStyle(document.body).backgroundColor"
DAY, NIGHT = "rgb(245, 243, 238)", "rgb(10, 12, 16)"


def test_day_and_night_are_kept(browser: Any, server: Server) -> None:
    with opened(browser, address(server), color_scheme="light") as page:
        assert page.tab.evaluate(GROUND) == DAY
        page.tab.click("#theme")
        page.tab.click("#theme")
        page.says("#theme", "Night")
        assert page.tab.evaluate(GROUND) == NIGHT
        assert page.tab.get_attribute("meta[name=theme-color]", "content") == "#0a0c10"
        page.tab.reload()
        page.says("#theme", "Night")
        assert page.tab.evaluate(GROUND) == NIGHT


def test_day_and_night_follow_the_system_until_they_are_chosen(browser: Any, server: Server) -> None:
    with opened(browser, address(server), color_scheme="dark") as page:
        page.says("#theme", "Auto")
        assert page.tab.evaluate(GROUND) == NIGHT
        assert page.tab.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
        page.tab.emulate_media(color_scheme="light")
        page.until(f"{GROUND} === '{DAY}'")
        page.tab.click("#theme")
        page.says("#theme", "Day")
        page.tab.emulate_media(color_scheme="dark")
        page.tab.wait_for_timeout(100)
        assert page.tab.evaluate(GROUND) == DAY
        page.tab.evaluate("localStorage.setItem('theme', 'no such theme')")
        page.tab.reload()
        page.says("#theme", "Auto")
        assert page.tab.evaluate(GROUND) == NIGHT


def test_less_motion_is_none(browser: Any, server: Server) -> None:
    with opened(browser, address(server), reduced_motion="reduce") as page:
        drawn(page)
        page.tab.click("[data-zoom=in]")
        page.until("edgemoodMap.now().zoom > 1.79")
        frames = page.tab.evaluate("""async () => {
          edgemoodMap.whole();
          let n = 0;
          for (; edgemoodMap.now().zoom !== 1 && n < 50; n++) await new Promise(requestAnimationFrame);
          return n;
        }""")
        assert frames <= 2
        assert page.tab.evaluate("getComputedStyle(document.getElementById('toast')).transitionDuration") == "0s"


@pytest.mark.parametrize("size", SIZES)
def test_no_song_lies_where_the_buttons_are(browser: Any, server: Server, size: str) -> None:
    with opened(browser, address(server), size) as page:
        drawn(page)
        assert page.tab.evaluate(_COVERED) == []
        for _ in range(3):
            page.tab.evaluate("edgemoodMap.zoom(2)")
            page.tab.evaluate("edgemoodMap.pan(-5000, -5000)")
            assert page.tab.evaluate(_COVERED_CORNER) == [], "it can be moved away from there"


#: Places of songs, and 9 pixels around each, where something else would take the click.
_TAKEN = """(places) => { const plane = document.getElementById('plane'), box = plane.getBoundingClientRect();
  return places.filter(([v, a]) => [[0, 0], [9, 0], [-9, 0], [0, 9], [0, -9]].some(([dx, dy]) => {
    const [x, y] = edgemoodMap.toScreen(v, a);
    return document.elementFromPoint(box.left + x + dx, box.top + y + dy) !== plane; })); }"""
_COVERED = f"({_TAKEN})([...Array(1681).keys()].map((k) => [(k % 41) / 20 - 1, Math.floor(k / 41) / 20 - 1]))"
_COVERED_CORNER = f"({_TAKEN})([[1, -1]])"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_no_two_marks_of_a_time_axis_read_the_same(browser: Any, server: Server, zone: str) -> None:
    with opened(browser, address(server), timezone_id=zone) as page:
        for span in (1, 40, 90, 200, 240, 301, 700, 3600, 5000, 20_000, 86_400, 86_640):
            for begin in (1_790_000_000, 1_790_000_039.5, 1_793_505_600):
                found = page.tab.evaluate(_MARKS, [begin, begin + span])
                labels = [label for _, label in found["listener"]]
                assert 1 <= len(labels) <= 6 and len(set(labels)) == len(labels), (span, begin, labels)
                if len(labels) > 1:
                    assert all(at % 60 == 0 for at, _ in found["listener"]), "a label stands where it is so late"
                labels = [label for _, label in found["song"]]
                assert 1 <= len(labels) <= 6 and len(set(labels)) == len(labels), (span, labels)
        play(server, 1, 2, 3)
        page.view("now")
        page.tab.wait_for_selector("#hours-curve .ticks span")


_MARKS = """async ([from, to]) => {
  const [{ rounds }, { clock, timeOfDay }] = [await import('/curve.js'), await import('/ui.js')];
  const shift = -60 * new Date(1000 * from).getTimezoneOffset();
  const marked = (times, format) => times.map((at) => [at, format(at)]);
  return { listener: marked(rounds(from, to, timeOfDay, { least: 60, shift }), timeOfDay),
    song: marked(rounds(0, to - from, clock), clock) }; }"""
