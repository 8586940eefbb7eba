"""A bus, a bot as a process, and what a gateway knows of the ledger; the store is copied, and old copies are put back."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from bellboard.bus import Bus
from bellboard.errors import BusError
from bellboard.history import AllOfIt, History, Keeper
from bellboard.ledger.store import LEDGER
from bellboard.ledger.subjects import Key
from bellboard.provision import House, enrol, layout
from bellboard.testing import eventually
from bellboard.testing.plugin import IDEMPOTENT, ONCE, READ
from bellboard.testing.servers import NatsServer
from bellboard_practice.bot import bot as practice
from tests.integration.history.restoring import begin_anew, copy, restore
from tests.integration.mesh import Gate, Mesh, Process

KINDS = ("live", "killed", "grown", "emptied")
"""How the bus loses history: under everybody; with the bot killed too; and then written beyond what was seen; all of it."""

COPIES = 4
"""How many old copies there are to choose from."""

NOTICED_WITHIN = 60.0


@dataclass
class Ground:
    """What is struck, and what is counted."""

    folder: Path
    nats: NatsServer
    bus: Bus
    gate: Gate
    mesh: Mesh
    dice: random.Random
    history: History
    copies: list[Path] = field(default_factory=list)
    fired: list[Key] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    unnoticed: list[str] = field(default_factory=list)
    bots: int = 0

    async def new_bot(self) -> Process:
        """The bot, started anew with what it has kept."""
        self.bots += 1
        replica = f"practice-{self.bots}"
        own = {"BELLBOARD_REPLICA": replica, "BELLBOARD_PRACTICE_FILE": str(self.mesh.effects_file)}
        bot = await self.mesh.service("practice", replica, "bellboard_practice", own).start(ready=False)
        await bot.says("service.ready", 180.0)
        return bot

    async def work(self, commands: int) -> None:
        """Have so many commands run, most of them such as must not run twice; some may be under way when this returns."""
        for number in range(commands):
            line = self.dice.choice(("practice look x", "practice set m 1", f"practice fire f{number}", "practice fire g"))
            key = await self.gate.accept(line, not_after=3600.0)
            if " fire " in line:
                self.fired.append(key)
            last = key
        if self.dice.random() < 0.7:
            await self.gate.final(last)

    async def copy(self) -> None:
        """Keep another copy of the store, and forget one where there are many."""
        to = self.folder / f"copy-{self.dice.randrange(10**9)}"
        await copy(self.nats, to)
        await self._back()
        self.copies.append(to)
        if len(self.copies) > COPIES:
            shutil.rmtree(self.copies.pop(self.dice.randrange(COPIES)))

    async def lose(self, kind: str, bot: Process) -> Process:
        """Have the bus lose history, and see who notices; the bot that runs then."""
        self.kinds[kind] += 1
        if kind in ("killed", "grown"):
            bot.kill()
            await bot.ended()
        seen = await self.bus.end(LEDGER)
        await eventually(lambda: self.history.place.sequence >= seen, 20, because="the gateway did not see it all")
        if kind == "emptied":
            await begin_anew(self.nats)
            self.copies.clear()
        else:
            await restore(self.nats, self.dice.choice(self.copies))
        await self._back()
        while kind == "grown" and await self.bus.end(LEDGER) < seen + 3:
            await self.gate.accept("practice look grown", not_after=3600.0)
        if kind in ("killed", "grown"):
            bot = await self.new_bot()
        await self._noticed(kind, bot)
        return bot

    async def _noticed(self, kind: str, bot: Process) -> None:
        for who, check in (("the gateway", lambda: self.history.lost), ("the bot", partial(_says_lost, bot))):
            try:
                await eventually(check, NOTICED_WITHIN)
            except AssertionError:
                self.unnoticed.append(f"{who} did not notice: {kind}")

    async def accepted(self, bot: Process) -> Process:
        """Go on with what is left. The bot starts anew."""
        await self.history.accept("ann")
        await bot.ended()
        return await self.new_bot()

    def twice(self) -> list[str]:
        """The commands that ran twice and must not have."""
        return [key.id for key in self.fired if len(self.mesh.effects(key)) > 1]

    async def _back(self) -> None:
        async def calm() -> bool:
            with suppress(BusError):
                return await self.bus.end(LEDGER) >= 0
            return False

        await eventually(calm, 20)


def _says_lost(bot: Process) -> bool:
    return any(line.get("event") == "history.lost" for line in bot.lines())


def _house(folder: Path) -> House:
    house = House(folder)
    package = "bellboard_practice.v1"
    effects = [READ, IDEMPOTENT, ONCE]
    house.make(
        bots=[enrol.enrolment("practice", module="x", package=package, phrases=["practice"], effects=effects, open=True)]
    )
    return house


@asynccontextmanager
async def ground(seed: int) -> AsyncIterator[Ground]:
    """Everything started, and ended again."""
    with (
        tempfile.TemporaryDirectory(prefix="bellboard-restores-") as place,
        patch.object(layout, "ACK_WAIT", 4),  # what was under way comes again soon
    ):
        folder = Path(place)
        nats = NatsServer(_house(folder / "house"))
        await nats.start()
        await nats.provision()
        bus, mesh = await nats.bus("gw-1"), Mesh(nats.house, folder)
        history = History(bus, AllOfIt(bus), Keeper(folder / "gateway"), tells=True)
        await history.begin()
        beside = [asyncio.create_task(history.run()), asyncio.create_task(_follow(bus, history))]
        gate = Gate(nats.house, await nats.bus("gw-2"), practice.contract)
        try:
            yield Ground(folder, nats, bus, gate, mesh, random.Random(seed), history)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await mesh.close()
            await bus.close(drain=False)
            await gate.bus.close(drain=False)
            await nats.kill()


async def _follow(bus: Bus, history: History) -> None:
    """Note the newest record, as a gateway's board does."""
    while True:
        with suppress(BusError):
            message = await bus.at(LEDGER, await bus.end(LEDGER))
            if message is not None:
                history.note(message.sequence, message.subject, message.payload, message.time)
        await asyncio.sleep(0.05)
