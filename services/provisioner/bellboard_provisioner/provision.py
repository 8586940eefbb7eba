"""Provisions: keys and what is derived from them, team by team, and then, once the bus is there, its streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from bellboard.bus import Bus
from bellboard.errors import BusError, BusUnavailable
from bellboard.provision import provision
from bellboard.provision.accounts import PROVISIONER
from bellboard.telemetry import logs, names

from . import objects
from .objects import Data
from .store import Store, settle
from .teams import Team, Teams

AT_ONCE = 8
"""Teams that are worked on at the same time."""

AGAIN = 1.0
"""Seconds between two tries."""

CONNECTS = 5.0
"""Seconds that one try to connect may take."""


T = TypeVar("T")


class Deadline(Protocol):
    """When to give up."""

    def left(self) -> float:
        """Seconds; not above 0 when it is over."""


@dataclass(frozen=True, slots=True)
class Within:
    """A `Deadline` so many seconds from now."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_until", self.now() + self.seconds)

    def left(self) -> float:
        return self._until - self.now()


async def make_objects(teams: Teams, store: Store, ca: bytes = b"") -> Data:
    """Make all Secrets and ConfigMaps what they should be, and return the seeds of the provisioner's users.

    Args:
        ca: the certificates by which the bus is known; none where nothing is encrypted.

    Raises:
        BellboardError: the store can't be asked, or what it holds is no key.
    """
    owner = await store.owner(objects.owner_of_release(teams))
    own_place = objects.of_provisioner(teams)
    own = await settle(store, own_place, owner, partial(objects.completed, own_place, objects.own_kinds(teams)))
    made = await _each(teams, lambda _, team: _of_team(team, store, ca))
    accounts = objects.accounts_of(teams, made, own)
    await settle(store, objects.of_server(teams), owner, lambda _: accounts)
    return own


async def _of_team(team: Team, store: Store, ca: bytes) -> Mapping[str, Data]:
    """The data of a team's Secrets, as they now are."""
    owner = await store.owner(objects.owner_of(team))
    held = {}
    for name, kinds in objects.secrets_of(team).items():
        place = objects.secret(team, name)
        held[name] = await settle(store, place, owner, partial(objects.completed, place, kinds))
    public = objects.public_of(team, held) | ({objects.BUS_CA: ca} if ca else {})
    await settle(store, objects.public(team), owner, lambda _: public)
    return held


async def make_streams(teams: Teams, seeds: Data, bus_url: str, deadline: Deadline, ca: Path | None = None) -> None:
    """Make every team's streams and consumers what the layout says, as soon as the bus lets it.

    Raises:
        BusUnavailable: it did not before the deadline.
    """

    async def one(name: str, team: Team) -> None:
        seed = seeds[objects.seed_of(name)].decode().strip()
        connect = partial(Bus.connect, bus_url, name=f"{PROVISIONER}-{name}", nkey_seed=seed, ca=ca)
        await _streams_of(name, team, teams.replicas, connect, deadline)

    await _each(teams, one)


async def _streams_of(name: str, team: Team, replicas: int, connect: Callable[..., Awaitable[Bus]], deadline: Deadline) -> None:
    """A server that starts, one that has not read the accounts yet, a cluster without a leader: each of them passes."""
    said = ""
    while True:
        try:
            bus = await connect(patience=max(0.1, min(CONNECTS, deadline.left())))
            try:
                did = await provision(bus, team.enrolments, replicas=replicas)
            finally:
                await bus.close()
        except BusError as error:
            if deadline.left() <= 0:
                raise BusUnavailable(f"the streams of the team {name} can't be made: {error.text}", hint=error.hint) from error
            if error.text != said:
                said = error.text
                logs.emit(names.PROVISION_WAITS, team=name, error=said)
            await asyncio.sleep(AGAIN)
        else:
            logs.emit(names.STREAMS_PROVISIONED, team=name, made=did.made, changed=did.changed, replicas=replicas)
            return


async def _each(teams: Teams, work: Callable[[str, Team], Awaitable[T]]) -> dict[str, T]:
    """The work done for each team, `AT_ONCE` of them at a time. The first error ends it all."""
    room, done = asyncio.Semaphore(AT_ONCE), dict[str, T]()

    async def one(name: str, team: Team) -> None:
        async with room:
            done[name] = await work(name, team)

    tasks = [asyncio.create_task(one(name, team)) for name, team in teams.teams.items()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return done
