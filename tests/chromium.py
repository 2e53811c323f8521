"""A browser for tests: Debian's Chromium without a window, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import needs
import pytest

#: The sizes the page is made for: a phone, a 7-inch head unit, a desk.
SIZES = {"phone": (360, 740), "unit": (800, 480), "desk": (1440, 900)}
PATIENCE_MS = 30_000


@contextmanager
def browsing() -> Iterator[Any]:
    """Start a browser; without one the test is skipped, or fails where it is required."""
    path = needs.program("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


def axe() -> str:
    """Give the source of axe-core, which a Python package brings; without it the test is skipped."""
    package = pytest.importorskip("axe_playwright_python")
    return Path(package.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


class Page:
    """A page that was opened, and all that went wrong in it."""

    def __init__(self, browser: Any, address: str, size: str = "desk", **options: Any) -> None:
        width, height = SIZES[size]
        settings = {"viewport": {"width": width, "height": height}, "has_touch": size != "desk", **options}
        self.context = browser.new_context(**settings)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.wrong: list[str] = []
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("console", self._heard)
        self.tab.goto(address)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or (
            message.type == "error" and "Failed to load resource" not in message.text
        ):
            self.wrong.append(message.text)

    def view(self, name: str) -> None:
        """Open a view as a link does."""
        self.tab.evaluate("(name) => { location.hash = `#/${name}`; }", name)
        self.tab.wait_for_selector(f"body[data-view='{name.partition('/')[0]}']")

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript holds; the page's own policy forbids to have it evaluated there."""
        for _ in range(PATIENCE_MS // 50):
            if self.tab.evaluate(expression):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"never: {expression}")

    def text(self, selector: str) -> str:
        """Give the text that is to be seen there."""
        return str(self.tab.inner_text(selector))

    def says(self, selector: str, text: str) -> None:
        """Wait until a text stands there."""
        self.tab.locator(selector, has_text=text).first.wait_for()

    def close(self) -> None:
        """Close it; what went wrong in it fails the test."""
        self.context.close()
        assert self.wrong == []


@contextmanager
def opened(browser: Any, address: str, size: str = "desk", **options: Any) -> Iterator[Page]:
    """Open a page, and see at its end that nothing went wrong in it."""
    page = Page(browser, address, size, **options)
    try:
        yield page
    except BaseException:
        page.context.close()
        raise
    page.close()
