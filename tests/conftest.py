"""What holds for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, even where the tests run in a shell's background.

    There SIGINT is ignored, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser that all tests of a file share."""
    from chromium import browsing  # what few tests need

    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a library of forty songs, for tests to copy."""
    from paging import forty

    return forty(tmp_path_factory.mktemp("page") / "library.db")
