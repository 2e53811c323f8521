"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, even where the tests run in a shell's background.

    There SIGINT is ignored, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
