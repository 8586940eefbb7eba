"""How fast one person, or one bot, may ask for commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

RATE, BURST = 20.0, 200.0
"""Commands a second in the long run, and at once."""

KNOWN = 10_000
"""Names whose buckets are kept."""


@dataclass
class Buckets:
    """A token bucket for each name."""

    rate: float = RATE
    burst: float = BURST
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, name: str) -> bool:
        """Take a token; False if there is none."""
        now = self.clock()
        tokens, at = self._buckets.pop(name, (self.burst, now))
        tokens = min(self.burst, tokens + (now - at) * self.rate)
        if len(self._buckets) >= KNOWN:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[name] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1
