"""Ratios of CPU time between works that take turns, so that whatever slows the machine slows them all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """Per-round ratios. The median is what is quoted."""

    median: float
    least: float
    lower: float
    upper: float
    rounds: int

    @classmethod
    def of(cls, ratios: list[float]) -> Spread:
        """Order statistics of at least one ratio."""
        lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(median, min(ratios), lower, upper, len(ratios))


def cpu_s(work: Work) -> float:
    """CPU seconds of the process, all its threads, for one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def take_turns(yardstick: Work, works: list[Work], rounds: int) -> list[list[float]]:
    """Each work's cost over that of the yardstick, by round.

    Every work runs between two runs of the yardstick and is divided by their mean.

    Returns
    -------
    For each work its ratios, one a round.
    """
    ratios: list[list[float]] = [[] for _ in works]
    gc.collect()
    gc.disable()
    try:
        before = cpu_s(yardstick)
        for _ in range(rounds):
            for work, own in zip(works, ratios, strict=True):
                spent = cpu_s(work)
                after = cpu_s(yardstick)
                own.append(spent / ((before + after) / 2))
                before = after
    finally:
        gc.enable()
    return ratios
