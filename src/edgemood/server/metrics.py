"""What a server counts, as text for Prometheus."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

#: Upper bounds in seconds of the histogram's buckets.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
#: The route whose time is told.
TIMED = "/api/next"


class Metrics:
    """Counts answers, and how long the timed route takes."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._times = [0] * (len(BUCKETS) + 1)
        self._sum_s = 0.0

    def count(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count an answer; `route` is the pattern of a path, so that there are few."""
        self._answers[method, route, status] += 1
        if route == TIMED and status == 200:
            self._times[bisect_left(BUCKETS, took_s)] += 1
            self._sum_s += took_s

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Give all of it; `gauges`: name -> what it is, and its value now."""
        return "\n".join(self._lines(gauges)) + "\n"

    def _lines(self, gauges: Mapping[str, tuple[str, float]]) -> Iterator[str]:
        yield "# HELP edgemood_requests_total Requests answered."
        yield "# TYPE edgemood_requests_total counter"
        for (method, route, status), count in sorted(self._answers.items()):
            yield f'edgemood_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield "# HELP edgemood_next_seconds Time until a request for the next songs is answered."
        yield "# TYPE edgemood_next_seconds histogram"
        total = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self._times, strict=True):
            total += count
            yield f'edgemood_next_seconds_bucket{{le="{bound}"}} {total}'
        yield f"edgemood_next_seconds_sum {self._sum_s:.6f}"
        yield f"edgemood_next_seconds_count {total}"
        for name, (what, value) in gauges.items():
            yield f"# HELP {name} {what}"
            yield f"# TYPE {name} gauge"
            yield f"{name} {value:g}"


def resident_bytes() -> int:
    """How much memory this process has; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
