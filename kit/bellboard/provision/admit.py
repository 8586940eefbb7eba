"""Admitting a bot to a bus that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.errors import BusUnavailable

from .accounts import PROVISIONER
from .house import House, HouseError
from .server import reload
from .streams import provision

TRIES = 5
PATIENCE = 2.0
SETTLES = 0.2
"""Seconds in which a server has read its configuration; whoever connects meanwhile may be turned away."""


async def admit(house: House, enrolment: registry.Enrolment) -> registry.Enrolment:
    """Enrol a bot, and take it in if the bus runs.

    Raises:
        HouseError: one of its phrases belongs to another bot, or the bus does not take it in.
        BusError: the bus does not answer.
    """
    complete = house.enrol(enrolment)
    await take_in(house, [complete.bot])
    return complete


async def take_in(house: House, bots: Sequence[str]) -> bool:
    """Have the bus that runs take enrolled bots in: accounts, imports and consumers. Connections stay. False: none runs.

    Raises:
        HouseError: it does not.
        BusError: it does not answer.
    """
    seed = house.seed(PROVISIONER)
    try:
        bus = await Bus.connect(house.bus_url, name=PROVISIONER, nkey_seed=seed, patience=PATIENCE)
    except BusUnavailable:
        return False  # the next start reads it
    try:
        for _ in range(TRIES):
            # nats-server 2.15 knows a new account after one reload, but joins its imports only at the next.
            reload(house.nats_pid)
            await asyncio.sleep(SETTLES)
            await provision(bus, house.enrolments())
            if all([await _reaches(house, bot) for bot in bots]):
                return True
    finally:
        await bus.close()
    raise HouseError(f"the bus does not take {', '.join(bots)} in", hint="start it anew")


async def _reaches(house: House, bot: str) -> bool:
    """Whether a bot's questions come through to the ledger."""
    try:
        bus = await Bus.connect(house.bus_url, name=bot, nkey_seed=house.seed(bot), patience=PATIENCE)
    except BusUnavailable:
        return False
    try:
        await bus.last("LED", f"led.ops-read.{bot}.none.bot")
    except BusUnavailable:
        return False
    finally:
        await bus.close()
    return True
