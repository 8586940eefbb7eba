"""A replica's metrics, in the text format of Prometheus."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram, in seconds."""

_HELP = {
    "http_requests_total": ("counter", "Requests answered, by status code."),
    "http_request_duration_seconds": ("histogram", "From a request to its answer."),
    "process_resident_memory_bytes": ("gauge", "Memory of the process."),
    "process_start_time_seconds": ("gauge", "When the process began, in seconds since 1970."),
}


class Measures:
    """What a replica has done since it began."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = ",".join(f'{name}="{value}"' for name, value in labels.items())
        self._codes: Counter[int] = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._began = time.time()

    def saw(self, code: int, seconds: float) -> None:
        """Count a request."""
        self._codes[code] += 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def text(self) -> str:
        """All of it."""
        lines = [*self._head("http_requests_total")]
        lines += [f'http_requests_total{{{self._labels},code="{code}"}} {n}' for code, n in sorted(self._codes.items())]
        name = "http_request_duration_seconds"
        lines += self._head(name)
        total = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{self._labels},le="{bound}"}} {total}')
        lines += [f"{name}_sum{{{self._labels}}} {self._seconds:.6f}", f"{name}_count{{{self._labels}}} {total}"]
        for name, value in (
            ("process_resident_memory_bytes", str(_resident())),
            ("process_start_time_seconds", f"{self._began:.3f}"),
        ):
            lines += [*self._head(name), f"{name}{{{self._labels}}} {value}"]
        return "\n".join([*lines, ""])

    @staticmethod
    def _head(name: str) -> list[str]:
        kind, what = _HELP[name]
        return [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
