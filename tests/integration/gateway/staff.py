"""A whole gateway in the test's own process, and the practice bot beside it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.bus import Bus
from bellboard.history import AllOfIt, History, Keeper
from bellboard.ledger.state import S
from bellboard.provision import House
from bellboard.telemetry.otlp import SpanSender
from bellboard.testing import eventually
from bellboard_gateway.lines import Command, Line, NotAccepted, Taken
from bellboard_gateway.mesh import Files, Gateway
from bellboard_gateway.people import hash_token
from bellboard_gateway.projection import View
from bellboard_gateway.settings import GatewaySettings

PEOPLE: dict[str, Sequence[str]] = {"ann": ["owners"], "bob": ["devs"], "cleo": ["sre"], "dan": ["sre", "devs"]}
"""People and their groups. Each one's token is their name and "-token"."""

LOOK = 0.05
"""Seconds between two looks at whether this process was kept waiting."""


def write_people(house: House, people: dict[str, Sequence[str]] = PEOPLE) -> None:
    """Write the people's file."""
    entries = [{"id": name, "groups": list(groups), "tokens": [hash_token(f"{name}-token")]} for name, groups in people.items()]
    rooms = [{"id": room, "title": room.title()} for room in ("general", "ops", "play")]
    house.people.write_text(yaml.safe_dump({"people": entries, "rooms": rooms}))


def settings_of(house: House, name: str = "gw-1", **said: Any) -> GatewaySettings:
    """The settings of a gateway of a house, but for what is said here."""
    env = {key.removeprefix("BELLBOARD_").lower(): value for key, value in house.service_env(name).items()}
    more: dict[str, Any] = {"replica": name, "health_port": -1, **said}
    return GatewaySettings(**{**env, **more})


@dataclass
class Desk:
    """A running gateway, and how tests speak with it."""

    gateway: Gateway

    async def take(self, text: str, person: str = "ann", *, message: str = "", room: str = "general", **more: Any) -> Taken:
        """Bring a line."""
        line = Line("test", "", room, message or secrets.token_hex(8), person, text, **more)
        return await self.gateway.inbox.take(line)

    async def command(self, text: str, person: str = "ann", **more: Any) -> str:
        """Bring a line that becomes a command, until there is a verdict, as adapters do; and return its id."""
        more.setdefault("message", secrets.token_hex(8))

        async def verdict() -> Taken | None:
            taken = await self.take(text, person, **more)
            return None if isinstance(taken, NotAccepted) and not taken.final else taken

        taken = await eventually(verdict, because="there is no verdict")
        assert isinstance(taken, Command), taken
        return taken.id

    async def view(self, id: str, *states: ledger.State.ValueType) -> View:
        """A command, once it stands in one of these states."""

        def look() -> View | None:
            view = self.gateway.board.known(id)
            return view if view and (not states or view.record.state in states) else None

        view = await eventually(look, because=f"{id} never stood in {[S.Name(state) for state in states]}")
        assert view is not None
        return view

    async def final(self, id: str) -> pb.Card:
        """The card of a command, once it is final."""
        async with asyncio.timeout(20):
            return await self.gateway.board.card(await self.gateway.board.until_final(id))

    async def run(self, text: str, person: str = "ann", **more: Any) -> pb.Card:
        """Bring a line that becomes a command, and return its final card."""
        return await self.final(await self.command(text, person, **more))

    async def listed(self, bot: str = "practice") -> None:
        """Wait until a bot is there."""
        registry = self.gateway.registry
        await eventually(lambda: registry.loaded and registry.available(bot) and registry.contract(bot), 15)


def says(card: pb.Card) -> str:
    """All that a card says, as one text."""
    parts: list[str] = []
    for block in card.blocks:
        parts += [block.text.text, block.code.text, block.failure.text, block.failure.hint, block.question.text]
        parts += [cell.text for row in block.table.rows for cell in row.cells]
    return " | ".join(part for part in parts if part)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """What is promised in so many seconds takes no longer, but for the time in which the machine kept this process waiting."""
    begun, kept = time.monotonic(), 0.0

    async def watch() -> None:
        nonlocal kept
        while True:
            before = time.monotonic()
            await asyncio.sleep(LOOK)
            kept += time.monotonic() - before - LOOK

    watching = asyncio.create_task(watch())
    try:
        yield
        took = time.monotonic() - begun
    finally:
        watching.cancel()
    assert took - kept <= seconds, f"it took {took:.2f} s, of which {kept:.2f} s were the machine's"


@asynccontextmanager
async def opened(
    house: House, bus: Bus, *beside: Coroutine[Any, Any, object], name: str = "gw-1", **said: Any
) -> AsyncIterator[Desk]:
    """A gateway that runs, started together with what is to be there ``beside`` it."""
    spans = SpanSender("gateway")
    files = Files(settings_of(house, name, **said))
    history = History(bus, AllOfIt(bus), Keeper(files.settings.data_dir), tells=True)
    await history.begin()
    gateway = Gateway(files, bus, spans, history)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(gateway.providers)
        await gateway.providers.start([type(gateway.hall)])
        stack.push_async_callback(gateway.dispatch.close)
        parts = (
            gateway.board,
            gateway.registry,
            gateway.door,
            gateway.timers,
            gateway.ticks,
            gateway.pipes,
            gateway.pump,
            gateway.presence,
            gateway.history,
            gateway.worker,
        )
        tasks = [asyncio.create_task(part.run()) for part in parts]
        stack.push_async_callback(_end, tasks)
        await asyncio.gather(*beside)
        await eventually(lambda: gateway.ill() is None, 15, because="the gateway does not serve")
        yield Desk(gateway)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
