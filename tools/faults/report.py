"""What a series of faults has come to."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


class CannotRunError(Exception):
    """A fault cannot be made on this machine; the text says what is missing."""


@dataclass
class Tally:
    """One series of faults.

    rounds: how many faults were made; acknowledged: what had been promised to be kept before them, in all; lost: a line
    for each thing that was not as promised; outcomes: how often each thing happened that may happen; must_fail: it is a
    control, which shows that losses would be seen.
    """

    what: str
    rounds: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    must_fail: bool = False

    @property
    def good(self) -> bool:
        """Whether it came out as it must: nothing lost, or, of a control, something."""
        return self.rounds > 0 and bool(self.lost) == self.must_fail

    def __str__(self) -> str:
        """Say it in a line, and in one more for each of the first things lost."""
        happened = "".join(f"; {count} {what}" for what, count in sorted(self.outcomes.items()))
        promised = f", {self.acknowledged:,} acknowledged" if self.acknowledged else ""
        verdict = f"{len(self.lost)} lost" + (" (a control: it must lose)" if self.must_fail else "")
        lines = [f"{'ok  ' if self.good else 'FAIL'} {self.what}: {self.rounds} rounds{promised}, {verdict}{happened}"]
        shown = 2 if self.must_fail else 200
        return "\n".join([*lines, *(f"       {line}" for line in self.lost[:shown])])


def require(*programs: str) -> None:
    """Raise CannotRunError unless these programs are there."""
    path = "/usr/local/sbin:/usr/sbin:/sbin"
    missing: Sequence[str] = [name for name in programs if not (shutil.which(name) or shutil.which(name, path=path))]
    if missing:
        raise CannotRunError(f"needs {', '.join(missing)}")
