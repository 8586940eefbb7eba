"""Which replicas are alive, by their heartbeats and this process's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bellboard.api.registry.v1 import registry_pb2 as pb
from bellboard.telemetry import logs, names

from .enrolments import HOUSE

SILENCE = 3.5
"""Seconds without a heartbeat after which a replica is taken for gone. One comes each second."""

SETTLED = 2.0
"""Seconds of listening before silence means anything."""

DEAF = 2.0
"""Seconds without an echo of the house's own heartbeats after which it is the bus that says nothing."""

GAP = 1.0
"""Seconds between two looks beyond which it was this process that stood still."""


@dataclass
class Replica:
    """One replica: its newest heartbeat, and when it was heard on the monotonic clock."""

    beat: pb.Heartbeat
    heard: float


@dataclass
class Beats:
    """The living replicas of every bot.

    Attributes:
        clock: monotonic seconds.
        changes: counts what came, went, began to drain, or changed its contract.
        deaf: the bus brings nothing at the moment, not even what the house itself says.
    """

    clock: Callable[[], float] = time.monotonic
    changes: int = 0
    deaf: bool = False
    _alive: dict[tuple[str, str], Replica] = field(default_factory=dict)
    _since: float = 0.0
    _looked: float = 0.0
    _echo: float | None = None

    def __post_init__(self) -> None:
        self._since = self._looked = self.clock()

    @property
    def listening(self) -> float:
        """Seconds for which this process has listened without a gap."""
        return self.clock() - self._since

    @property
    def settled(self) -> bool:
        """Whether that is long enough to know who is there."""
        return self.listening >= SETTLED

    def hear(self, beat: pb.Heartbeat) -> None:
        """Take in a heartbeat. One that is older than what is known says nothing."""
        if beat.bot == HOUSE:
            self._echo, self.deaf = self.clock(), False
        key = (beat.bot, beat.replica)
        known = self._alive.get(key)
        if known is not None and known.beat.sequence > beat.sequence and known.beat.at.seconds >= beat.at.seconds:
            return
        self._alive[key] = Replica(beat, self.clock())
        said = (known.beat.draining, known.beat.digest) if known else None
        if said != (beat.draining, beat.digest):
            self.changes += 1
            if known is None:
                logs.emit(names.BOT_CAME, bot=beat.bot, replica=beat.replica, version=beat.version, digest=beat.digest)

    def look(self, *, reachable: bool) -> None:
        """Let go of replicas that fell silent. Where this process itself heard nothing, everyone gets their time anew."""
        now = self.clock()
        missed = now - self._looked > GAP or not reachable
        if missed and self._echo is not None:
            self._echo = now
        self.deaf = self._echo is not None and now - self._echo > DEAF
        if missed or self.deaf:
            for replica in self._alive.values():
                replica.heard = now
            self._since = now
        self._looked = now
        for key, replica in list(self._alive.items()):
            if now - replica.heard > SILENCE:
                del self._alive[key]
                self.changes += 1
                logs.emit(names.BOT_GONE, bot=key[0], replica=key[1], draining=replica.beat.draining)

    def of(self, bot: str) -> list[Replica]:
        """The living replicas of a bot, by name; those that drain too."""
        return [replica for key, replica in sorted(self._alive.items()) if key[0] == bot]

    def taking(self, bot: str) -> list[Replica]:
        """Those that take work."""
        return [replica for replica in self.of(bot) if not replica.beat.draining]
