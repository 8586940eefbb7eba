"""Ticks: commands that the gateway runs by itself, as often as their contract says.

Time is cut into slots of that length, counted from 1970. The command's id follows from its slot, so however many replicas
there are, each slot has one command. A slot that nobody was there for is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command
from bellboard.errors import BellboardError, BusUnavailable, Unconfirmed
from bellboard.ids import command_id
from bellboard.telemetry import logs, names

from .board import Board
from .dispatch import Dispatch
from .inbox import Inbox
from .orders import START_WITHIN, Order

LOOK = 1.0
"""Seconds between two looks at the clock."""


@dataclass
class Ticks:
    """Runs what is to be run again and again."""

    board: Board
    dispatch: Dispatch
    inbox: Inbox
    _ran: dict[str, int] = field(default_factory=dict)  # the last slot of each command, by its action

    async def run(self) -> None:
        """Look at the clock until cancelled."""
        await self.board.caught_up.wait()
        while True:
            if self.inbox.registry.loaded:
                for command, slot in self._due():
                    await self._tick(command, slot)
            await asyncio.sleep(LOOK - self.dispatch.world.now() % LOOK)

    def _due(self) -> Iterator[tuple[Command, int]]:
        """The commands whose slot has begun and has no command yet, of bots that are there."""
        now, registry = self.dispatch.world.now(), self.inbox.registry
        for command in registry.vocabulary.commands:
            if command.every and registry.available(command.bot):
                slot = int(now // command.every)
                if slot != self._ran.get(command.action):  # a clock may be put back too; no slot has two commands
                    yield command, slot

    async def _tick(self, command: Command, slot: int) -> None:
        id = command_id("tick", "", "", f"{command.action} {slot}")
        try:
            if not self.board.known(id):
                await self.dispatch.go_on(self._order(command, id))
        except (BusUnavailable, Unconfirmed):
            return  # the next look tries again
        except BellboardError as error:
            logs.emit(names.TICK_FAILED, action=command.action, error=error.text)
        except Exception as error:  # noqa: BLE001  # a task boundary: one command must not stop the others
            logs.emit(names.UNEXPECTED, exc=error, action=command.action)
        self._ran[command.action] = slot

    def _order(self, command: Command, id: str) -> Order:
        return Order(
            id=id,
            parsed=self.inbox.registry.vocabulary.parse(command.name, self.inbox.scope("", "")),
            digest=self.inbox.registry.digest(command),
            principal=pb.Principal(bot=command.bot),
            cause=pb.CAUSE_TIMER,
            origin=pb.Origin(system="tick", message=id),
            patience=min(START_WITHIN, command.every),
        )
