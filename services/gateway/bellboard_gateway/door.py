"""The door by which a bot asks for another command: judged as that bot, and recorded like every command."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bus import Bus, Delivery
from bellboard.errors import BusError
from bellboard.keep import LONGEST
from bellboard.telemetry import logs, names

from .asks import Asks, NotYet, Refused
from .board import Board
from .dispatch import Dispatch
from .inbox import Inbox
from .projection import View
from .timers import MOST, Timers

STREAM, CONSUMER = "REQ", "gateway-req"
LATER = 1.0
"""Seconds until a request comes again that could not be looked at yet."""

TRIES = 20
"""Deliveries after which a request whose parent nobody knows is dropped."""

DEPTH = 8
"""Commands that may have asked for each other in a row, so that no two bots keep each other going for ever."""

SOON = 1.0
"""Seconds. Commands that a timer puts further apart do not keep each other going too fast."""

MAX_BYTES = 16 * 1024
"""The largest request that is looked at."""


@dataclass(frozen=True, slots=True)
class Door:
    """Takes bots' requests from the bus. Replicas share one durable consumer."""

    bus: Bus
    board: Board
    dispatch: Dispatch
    inbox: Inbox
    asks: Asks
    timers: Timers

    async def run(self) -> None:
        """Take requests until cancelled, or until the bus is closed."""
        await self.board.caught_up.wait()
        async for delivery in self.bus.pull(STREAM, CONSUMER, ahead=16):
            try:
                await self._take(delivery)
            except (NotYet, BusError):
                await delivery.later(LATER)  # the same request again is the same command
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
        if not (request.line or request.key) or len(request.key) > LONGEST:
            await _refuse(delivery, "it asks for nothing, or its name is too long")
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
        age = self.dispatch.world.now() - delivery.time
        try:
            if request.HasField("at") or not request.line:
                await self._keep(delivery, request, parent.envelope)
            else:
                await self.asks.bring(parent.envelope, request, timed=False, age=age)
        except Refused as why:
            if age < why.patience:
                await delivery.later(LATER)
                return
            await self.asks.refuse(parent.envelope, request, pb.CAUSE_BOT, why)
        await delivery.ack()

    async def _keep(self, delivery: Delivery, request: pb.CommandRequest, above: pb.Envelope) -> None:
        """Have it run when its moment comes, or not at all."""
        if request.line:
            if self.timers.count(above.bot) >= MOST:
                raise Refused(f"{above.bot} has {MOST} timers already")
            await self.asks.check(above, request)
        await self.timers.take(above, request, delivery.sequence)

    def _depth(self, view: View) -> int:
        depth, step = 1, view
        while step.envelope.parent and depth < DEPTH:
            above = self.board.known(step.envelope.parent)
            if above is None:
                return depth
            if step.envelope.cause == pb.CAUSE_TIMER and step.began - above.began >= SOON:
                return depth
            depth += step.envelope.cause != pb.CAUSE_PIPE  # a pipe goes on by itself, and has an end
            step = above
        return depth


async def _refuse(delivery: Delivery, why: str) -> None:
    logs.emit(names.DOOR_REFUSED, subject=delivery.subject, error=why)
    await delivery.drop()
