"""The first moments of a command that has to keep to a share of a core: its imports, before anybody can watch it.

Whoever watches later (`_governor`) has to be imported himself, and so have all commands: on a small board that is most
of a second at full speed. Hence no module but Python's built-in ones is needed here.
"""

from __future__ import annotations

import sys
import time

_KEPT = 0.8  # of the share is spent: a module that takes its time cannot be stopped in the middle
_BEGIN = time.monotonic()

TYPE_CHECKING = False  # see edgemood/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence


class SlowImports:
    """Finds no module, but takes its time, so that the program keeps to a share of a core. A context manager.

    Parameters
    ----------
    share
        CPU seconds a second; None: any.

    """

    def __init__(self, share: float | None) -> None:
        self._share = share

    def __enter__(self) -> None:
        if self._share is not None:
            sys.meta_path.insert(0, self)  # its base class takes half as long to load as Python

    def __exit__(self, *_: object) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, *_: object) -> None:
        """Wait until what was spent so far may have been."""
        if self._share is not None:
            owed_s = overdraft_s(self._share)
            if owed_s > 0:
                time.sleep(owed_s / (_KEPT * self._share))


def overdraft_s(share: float) -> float:
    """CPU seconds that this program has spent so far above what it may; at least 0."""
    return max(0.0, time.process_time() - _KEPT * share * (time.monotonic() - _BEGIN))


def share_in(arguments: Sequence[str]) -> float | None:
    """Give the share of a core that a scan is asked to keep to, None where it is not, or the line makes no sense.

    Other commands that know --cpu mean the scans they start later, not themselves. Who reads the whole line properly
    needs imports; he will find fault with what is wrong.
    """
    if "scan" not in arguments[:1]:
        return None
    text = ""
    for argument, after in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name == "--cpu":
            text = value if equals else after
    try:
        share = float(text.strip().rstrip("%")) / 100
    except ValueError:
        return None
    return share if 0.01 <= share < 1 else None
