"""The page when the server or its library goes and comes back, and what it is told meanwhile."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from chromium import Page, opened
from paging import address, drawn, followed, forty, play
from serving import PATIENCE_S, serving

from edgemood.library import Library

TOKEN = "a-token-that-is-long-enough-to-be-one"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return forty(tmp_path / "library.db")


def back(page: Page) -> None:
    """Wait until nothing is said to be wrong."""
    page.tab.wait_for_selector("#banner", state="hidden")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_goes_and_comes_back(browser: Any, library: Path, end: signal.Signals) -> None:
    with serving(library) as server:
        page = Page(browser, address(server, "#/next"))
        drawn(page)
        page.says("#mood", "Nothing heard yet")
        page.until("document.querySelectorAll('#queue li, #next-note p').length")
        server.process.send_signal(end)
        server.process.wait(PATIENCE_S)
    page.says("#banner", "The server does not answer")
    assert page.tab.get_attribute("#banner", "role") == "status"
    with Library.open(library) as held:
        held.add_play(1)
    with serving(library, "--port", str(server.port)) as again:
        back(page)
        page.says("#mood .big", "happy")
        page.until("document.querySelector('#queue li')")
        play(again, 2, 2, 2, 2)
        page.says("#mood .big", "angry")
        assert followed(again) == 1
        page.close()


def test_what_the_server_did_not_hear_is_not_said_to_be_noted(browser: Any, library: Path) -> None:
    with serving(library) as server:
        page = Page(browser, address(server, "#/next"))
        play(server, 1)
        page.tab.wait_for_selector("#queue .deed.like")
    page.tab.locator("#queue .deed.like").first.click()
    page.says("#toast", "Not noted")
    with serving(library, "--port", str(server.port)) as again:
        back(page)
        assert again.json("GET", "/api/listener/history")["plays"][-1]["event"] == "play"
        page.tab.locator("#queue .deed.like").first.click()
        page.says("#toast", "Liked")
        page.close()


def test_a_server_that_only_falls_silent_is_noticed(browser: Any, library: Path) -> None:
    with serving(library) as server:
        page = Page(browser, "about:blank")
        page.tab.clock.install()
        page.tab.goto(address(server))
        drawn(page)
        server.process.send_signal(signal.SIGSTOP)
        try:
            page.tab.clock.fast_forward(41_000)
            page.says("#banner", "The server does not answer")
        finally:
            server.process.send_signal(signal.SIGCONT)
        back(page)
        page.close()


def test_the_library_goes_and_comes_back(browser: Any, library: Path) -> None:
    with serving(library) as server, opened(browser, address(server, "#/now")) as page:
        drawn(page)
        play(server, 1)
        page.says("#mood .big", "happy")
        library.rename(library.with_name("elsewhere"))
        page.says("#banner", "The library is not there")
        page.tab.evaluate("for (const id of ['queue', 'mood']) document.getElementById(id).replaceChildren()")
        library.with_name("elsewhere").rename(library)
        back(page)
        page.says("#mood .big", "happy")
        page.until("document.querySelector('#queue li')")


def test_a_library_that_cannot_be_read_is_told(browser: Any, library: Path) -> None:
    with serving(library) as server, opened(browser, address(server), "unit") as page:
        drawn(page)
        library.rename(library.with_name("elsewhere"))
        library.write_bytes(b"something else" * 1000)
        page.says("#banner", "not an edgemood library")
        library.with_name("elsewhere").rename(library)
        back(page)


def test_a_token_is_asked_for_once_and_there_is_one_stream(browser: Any, library: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with serving(library, "--token-file", str(tmp_path / "token")) as server, opened(browser, "about:blank") as page:
        page.tab.clock.install()
        page.tab.goto(address(server))
        page.tab.fill("#token", "wrong")
        page.tab.keyboard.press("Enter")
        page.says("#login-note", "not the server's token")
        for _ in range(2):  # without the token there is nothing to see
            page.tab.keyboard.press("Escape")
            page.tab.wait_for_selector("#login[open]")
        page.tab.fill("#token", TOKEN)
        page.tab.keyboard.press("Enter")
        drawn(page)
        page.tab.clock.fast_forward(16_000)  # whatever was waiting to try again has done so
        page.tab.wait_for_timeout(500)
        assert followed(server, f"Authorization: Bearer {TOKEN}") == 1
        page.tab.reload()
        drawn(page)
        assert page.tab.is_hidden("#login")
        page.tab.wait_for_timeout(500)
        assert followed(server, f"Authorization: Bearer {TOKEN}") == 1


def test_a_token_given_in_another_tab_will_do(browser: Any, library: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with serving(library, "--token-file", str(tmp_path / "token")) as server, opened(browser, address(server)) as page:
        page.tab.wait_for_selector("#login[open]")
        other = page.context.new_page()
        other.goto(address(server))
        other.fill("#token", TOKEN)
        other.keyboard.press("Enter")
        page.tab.wait_for_selector("#login", state="hidden")
        drawn(page)
