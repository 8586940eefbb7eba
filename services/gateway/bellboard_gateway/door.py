"""The door by which a bot asks for another command: judged as that bot, and recorded like every command."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus, Delivery
from bellboard.grammar import NotUnderstood, Parsed
from bellboard.ids import child_id
from bellboard.telemetry import logs, names

from .board import Board
from .dispatch import Dispatch
from .inbox import Inbox
from .lines import NotAccepted
from .orders import Order, unrunnable
from .projection import View

STREAM, CONSUMER = "REQ", "gateway-req"
LATER = 1.0
"""Seconds until a request comes again that could not be looked at yet."""

TRIES = 20
"""Deliveries after which a request whose parent nobody knows is dropped."""

DEPTH = 8
"""Commands that may have asked for each other in a row, so that no two bots keep each other going for ever."""

MAX_BYTES = 16 * 1024
"""The largest request that is looked at."""


@dataclass(frozen=True, slots=True)
class Door:
    """Takes bots' requests from the bus. Replicas share one durable consumer."""

    bus: Bus
    board: Board
    dispatch: Dispatch
    inbox: Inbox

    async def run(self) -> None:
        """Take requests until cancelled, or until the bus is closed."""
        await self.board.caught_up.wait()
        async for delivery in self.bus.pull(STREAM, CONSUMER, ahead=16):
            try:
                await self._take(delivery)
            except Exception as error:  # noqa: BLE001  # a task boundary: one bad request must not stop the others
                logs.emit(names.UNEXPECTED, exc=error, subject=delivery.subject)
                await delivery.later(LATER)

    async def _take(self, delivery: Delivery) -> None:
        parts = delivery.subject.split(".")
        if len(delivery.payload) > MAX_BYTES:
            await _refuse(delivery, "it is too large")
            return
        try:
            request = pb.CommandRequest.FromString(delivery.payload)
        except DecodeError:
            await _refuse(delivery, "it can't be read")
            return
        if len(parts) != 4 or parts[2:] != [request.parent, str(request.ordinal)]:
            await _refuse(delivery, "it is not what its subject says")
            return
        parent = self.board.known(request.parent)
        if self.inbox.registry.health():
            await delivery.later(LATER)  # nobody knows yet which lines there are
        elif parent is None and delivery.deliveries < TRIES:
            await delivery.later(LATER)
        elif parent is None or parent.key.bot != parts[1]:
            await _refuse(delivery, "the command that asks is not this bot's")
        elif self._depth(parent) >= DEPTH:
            await _refuse(delivery, f"{DEPTH} commands have asked for each other in a row")
        else:
            await self._run(delivery, request, parent)

    async def _run(self, delivery: Delivery, request: pb.CommandRequest, parent: View) -> None:
        try:
            parsed = self.inbox.understand(request.line, parent.room, parent.envelope.principal.person)
        except NotUnderstood as error:
            logs.emit(names.DOOR_REFUSED, subject=delivery.subject, error=error.reason)
            taken = await self.dispatch.refuse(self._unreadable(request, parent, error.line), error.reason)
        else:
            taken = await self.dispatch.run(self._order(request, parent, parsed))
        if isinstance(taken, NotAccepted):
            await delivery.later(LATER)  # the same id again is the same command
        else:
            await delivery.ack()

    def _order(self, request: pb.CommandRequest, parent: View, parsed: tuple[Parsed, ...]) -> Order:
        envelope = parent.envelope
        return Order(
            id=child_id(request.parent, request.ordinal),
            parsed=parsed[0],
            then=parsed[1:],
            digest=self.inbox.registry.digest(parsed[0].command),
            principal=pb.Principal(bot=parent.key.bot),
            cause=pb.CAUSE_BOT,
            origin=envelope.origin,
            parent=parent.key.id,
            card=envelope.card or parent.key.id,
            traceparent=request.traceparent or envelope.traceparent,
            rehearsal=envelope.rehearsal,
        )

    def _unreadable(self, request: pb.CommandRequest, parent: View, line: str) -> pb.Envelope:
        id, who = child_id(request.parent, request.ordinal), pb.Principal(bot=parent.key.bot)
        return unrunnable(parent.envelope, id, line, pb.CAUSE_BOT, who, self.dispatch.world.now())

    def _depth(self, view: View) -> int:
        depth, step = 1, view
        while step.envelope.parent and depth < DEPTH:
            above = self.board.known(step.envelope.parent)
            if above is None:
                return depth
            depth += step.envelope.cause != pb.CAUSE_PIPE  # a pipe goes on by itself, and has an end
            step = above
        return depth


async def _refuse(delivery: Delivery, why: str) -> None:
    logs.emit(names.DOOR_REFUSED, subject=delivery.subject, error=why)
    await delivery.drop()
