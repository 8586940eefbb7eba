"""Who changes an app at the moment: one holder at a time, for as long as it says so again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 600.0
"""Seconds for which an app can be held without saying so again."""


@dataclass(frozen=True, slots=True)
class Lease:
    """An app that is held. ``key`` says by whom, ``who`` says it to people; ``until`` is on the clock of `Leases`."""

    key: str
    who: str
    until: float


class Held(Exception):
    """Somebody else holds the app; it says who, and for how long."""


class Leases:
    """Who holds which app. In memory: after a restart, whoever is at it says so again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._leases: dict[str, Lease] = {}

    def hold(self, app: str, key: str, who: str, seconds: float) -> None:
        """Hold an app for so many seconds from now, in place of what this key held before; 0 lets it go.

        Raises:
            Held: another key holds it. Nothing changed.
        """
        now = self._clock()
        there = self._leases.get(app)
        if there is not None and there.until > now and there.key != key:
            if seconds <= 0:
                return  # it has nothing to let go
            raise Held(f"{app} is held by {there.who}, for {there.until - now:.0f} s unless it goes on")
        if seconds > 0:
            self._leases[app] = Lease(key, who, now + seconds)
        else:
            self._leases.pop(app, None)
