"""What environments tell and are told: versions, replicas, backends, readings. Plain values; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Tell = Callable[[str, float | None], None]
"""Takes what is being done, in a few words, and the share of it that is done (0 to 1; None: not known)."""

Measure = Literal["errors", "p95", "rps"]
"""What a gate can look at: the share of failed requests in percent, seconds, requests a second."""


@dataclass(frozen=True, slots=True)
class Order:
    """On whose word something is changed, and as which act of a command: by that a target can tell a repeat.

    ``act`` grows with each act of a command, whichever worker carries it out. ``at`` is when the line came in, in seconds
    since 1970. ``person`` is empty where nobody asked for it but a bot.
    """

    command: str
    person: str
    at: float
    act: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """Something that can be deployed: its name, and the digest or commit that says exactly what it is."""

    name: str
    digest: str
    commit: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One of the changes between two versions."""

    id: str
    author: str
    summary: str


@dataclass(frozen=True, slots=True)
class Replica:
    """One running copy. ``weight`` is its part of the traffic beside the others'; 0 takes no new requests.

    ``connections`` are the requests that it works on now.
    """

    name: str
    version: str
    digest: str
    state: Literal["starting", "ready", "stopping"]
    weight: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """What runs, as the environment itself says. ``why``: what keeps it from being as it should be, where that is known."""

    replicas: tuple[Replica, ...] = ()
    why: str = ""

    def of(self, version: str) -> tuple[Replica, ...]:
        """The replicas of a version that are not stopping."""
        return tuple(one for one in self.replicas if one.version == version and one.state != "stopping")

    def shares(self) -> dict[str, int]:
        """Percent of the traffic by version, of those that take any."""
        weights: dict[str, int] = {}
        for one in self.replicas:
            weights[one.version] = weights.get(one.version, 0) + one.weight
        total = sum(weights.values())
        return {name: round(100 * weight / total) for name, weight in weights.items() if weight} if total else {}


@dataclass(frozen=True, slots=True)
class Step:
    """How far a triggered deploy is, in words for people; ``done`` is the share from 0 to 1, None if not known."""

    text: str
    done: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a triggered deploy; ``link`` leads to its own page."""

    happened: bool
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Backend:
    """One server behind a balancer. ``weight`` is at least 0; counters run since the balancer knows it, None: not known."""

    name: str
    app: str
    version: str
    weight: int
    state: Literal["up", "draining", "down"]
    connections: int = 0
    requests: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured: errors in percent, p95 in seconds, rps in requests a second; None: there is no data.

    ``query`` says how it was measured, in the words of the system that did; ``requests`` says of how many.
    """

    value: float | None
    query: str
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests that the replicas of a version answered since they run, and those among them that failed."""

    requests: int = 0
    failed: int = 0
