"""How a replica says what it can do, once, and that it is there, every second."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.contract import Contract
from bellboard.errors import BusError, BusUnavailable, Unconfirmed
from bellboard.ledger.ops import timestamp
from bellboard.telemetry import logs, names

BEAT = 1.0
"""Seconds between two heartbeats."""

EAGER = 5
"""How many come in the first second, so that nobody has to wait for a bot that has just started."""


class Presence:
    """Announces a bot's contract on ``reg.<bot>.<digest>`` and beats on ``hb.<bot>.<replica>``.

    Args:
        in_flight: what the replica is working on at the moment.
        safe_mode: why it runs nothing but READs; empty if it runs everything.
    """

    def __init__(
        self,
        bus: Bus,
        contract: Contract,
        replica: str,
        in_flight: Callable[[], Sequence[registry.InFlight]],
        safe_mode: Callable[[], str] = str,
    ) -> None:
        self._bus, self._contract, self._replica, self._in_flight = bus, contract, replica, in_flight
        self._safe_mode = safe_mode
        self._count = 0
        self._announced = self._draining = False
        self._wrong = ""

    def check(self) -> str | None:
        """What stands in the way of being known, for readiness."""
        if self._draining:
            return "it takes no more work"
        return None if self._announced else self._wrong or "the contract is not announced yet"

    async def run(self) -> None:
        """Announce, and beat until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._announce())
            group.create_task(self._beat_on())

    async def leave(self) -> None:
        """Say that it takes no more work; at once, and in every beat from now on."""
        self._draining = True
        await self.beat()

    async def beat(self) -> None:
        """One heartbeat; missed while the bus is away."""
        self._count += 1
        beat = registry.Heartbeat(
            bot=self._contract.bot,
            replica=self._replica,
            version=self._contract.version,
            digest=self._contract.digest,
            draining=self._draining,
            in_flight=self._in_flight(),
            at=timestamp(time.time()),
            sequence=self._count,
            safe_mode=self._safe_mode(),
        )
        with contextlib.suppress(BusError):
            await self._bus.send(f"hb.{self._contract.bot}.{self._replica}", beat.SerializeToString())

    async def _announce(self) -> None:
        subject = f"reg.{self._contract.bot}.{self._contract.digest}"
        payload = self._contract.announcement().SerializeToString()
        while not self._announced:
            try:
                await self._bus.publish(subject, payload)
                self._announced = True
            except (BusUnavailable, Unconfirmed) as error:
                self._wrong = error.text
                await asyncio.sleep(BEAT)
            except BusError as error:
                self._wrong = f"the contract can't be announced: {error.text}"
                logs.emit(names.NOT_ANNOUNCED, error=error.text)
                return

    async def _beat_on(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(BEAT if self._count >= EAGER else BEAT / EAGER)
