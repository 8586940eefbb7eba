"""What is done to the servers, one thing after the other, each only once the last is over."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.chaos.storm.blows import Blow

from .servers import Cluster, Server


@dataclass
class Faults:
    """Strikes a cluster while commands are in flight, and notes when.

    Args:
        longest: seconds that a fault may last.
    """

    cluster: Cluster
    dice: random.Random
    in_flight: Callable[[], int]
    longest: float
    struck: list[Blow] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every kind of fault that this network lets happen."""
        kinds: dict[str, Callable[[], Awaitable[None]]]
        kinds = {"kill the leader": self._kill, "stop a follower": self._stop, "restart all in turn": self._roll}
        if self.cluster.network.partitions:
            kinds |= {"cut the leader off": self._cut_leader, "cut a follower off": self._cut_follower}
            kinds["isolate the leader"] = self._isolate
        return kinds

    async def run(self, count: int, until: float) -> None:
        """So many faults, each kind in turn and in any order, spread evenly until a moment of the monotonic clock."""
        order: list[str] = []
        while len(order) < count:
            order += self.dice.sample(sorted(self.kinds), len(self.kinds))
        del order[count:]
        for left, kind in zip(range(len(order), 0, -1), order, strict=True):
            began, now = time.time(), time.monotonic()
            caught = self.in_flight()
            await self.kinds[kind]()
            await self.cluster.settled()
            self.struck.append(Blow("nats-server", kind, began, time.time(), caught))
            await asyncio.sleep(max(0.0, (until - now) / left - (time.monotonic() - now)))

    async def _kill(self) -> None:
        server = await self.cluster.leader()
        await server.end(signal.SIGKILL)
        await asyncio.sleep(self._while())
        await server.start()

    async def _stop(self) -> None:
        await (await self._follower()).freeze(self._while())

    async def _roll(self) -> None:
        for server in self.cluster.servers:
            await server.end(signal.SIGTERM)
            await server.start()
            await self.cluster.settled()

    async def _cut_leader(self) -> None:
        await self._pull(await self.cluster.leader(), "route")

    async def _cut_follower(self) -> None:
        await self._pull(await self._follower(), "route")

    async def _isolate(self) -> None:
        await self._pull(await self.cluster.leader(), "route", "client")

    async def _pull(self, server: Server, *cables: str) -> None:
        network = self.cluster.network
        for cable in cables:
            network.pull(server.number, cable)
        try:
            await asyncio.sleep(self._while())
        finally:
            for cable in cables:
                network.plug(server.number, cable)

    def _while(self) -> float:
        return self.dice.uniform(self.longest / 5, self.longest)

    async def _follower(self) -> Server:
        leader = await self.cluster.leader()
        return self.dice.choice([server for server in self.cluster.servers if server is not leader])
