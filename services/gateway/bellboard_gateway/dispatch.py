"""Into the ledger: judged, signed, accepted in one write, and an unclear accept found out to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.envelope import Signer
from bellboard.errors import BellboardError, BusUnavailable, HistoryLost, Unconfirmed
from bellboard.grammar import Parsed
from bellboard.history import History
from bellboard.ledger import gate
from bellboard.ledger.ops import Procedure, World
from bellboard.ledger.state import S
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key
from bellboard.telemetry import logs, names

from .enrolments import HOUSE
from .helpers import Helpers
from .limits import Buckets
from .lines import Command, NotAccepted
from .orders import Order, effect_of, envelope, first_record, never
from .policy import Ask, Decision, Policy, Verdict
from .registry import Registry
from .rehearsals import Rehearsals

First = tuple[Author, pb.Record]
"""The first record of a command, and as whom the gateway writes it."""

ANSWER_WITHIN = 2.5
"""Seconds in which it is said whether a command was accepted, or that it is not known yet; the person hears it within 3."""

BLIP = 1.5
"""Seconds that a bus which is being restarted may be away before a line is refused for it."""

STUCK = 10.0
"""Seconds for which a bus that answers may leave it open whether it stored something."""

UNAVAILABLE = NotAccepted("not accepted: the message bus does not answer; nothing was sent, nothing will run", final=True)
UNCONFIRMED = NotAccepted("unconfirmed: the message bus did not answer; it is being found out", final=False)
NOT_YET = NotAccepted("not accepted yet: the message bus does not answer; nothing was sent so far", final=False)
CLOSED = NotAccepted("not accepted: the message bus did not answer in time; it can never run", final=True)
TOO_FAST = NotAccepted("that is faster than anyone can read; wait a moment", final=True)


@dataclass
class Dispatch:
    """Brings orders into the ledger.

    Args:
        team: whose commands these are.
        signer: this replica's key.
        history: whether the bus has kept it. Without it only the gateway's own commands run, and READs.
    """

    team: str
    bus: Bus
    registry: Registry
    policy: Policy
    signer: Signer
    history: History
    world: World = field(default_factory=World)
    buckets: Buckets = field(default_factory=Buckets)
    _settling: dict[str, asyncio.Task[Command | NotAccepted]] = field(default_factory=dict)
    _unclear: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._accepting = Store(self.bus, "gateway", strict=True, history=self.history)
        self._store = Store(self.bus, "gateway", history=self.history)
        self.rehearsals, self.helpers = Rehearsals(self.bus), Helpers(self.bus)

    def judge(self, order: Order) -> Decision:
        """What the rules say of an order: of the whole pipe, none of which runs if any stage of it may not."""
        first = self._judge(order, order.parsed, order.cause)
        for stage in order.then:
            later = self._judge(order, stage, pb.CAUSE_PIPE)
            if later.verdict is Verdict.DENY and first.verdict is not Verdict.DENY:
                return replace(later, reason=f"{stage.command.name}: {later.reason}")
        return first

    def _judge(self, order: Order, stage: Parsed, cause: pb.Cause.ValueType) -> Decision:
        return self.policy.judge(
            Ask(
                order.principal,
                stage.command,
                stage.request,
                order.origin.room,
                cause,
                preview=stage.preview,
                rehearsal=order.rehearses(stage),
                force=stage.force,
            )
        )

    async def run(self, order: Order) -> Command | NotAccepted:
        """Bring an order into the ledger. The same id again is the same command.

        It answers within 3 s: accepted, not accepted for ever, or not known yet; what is not known yet is found out in the
        background, so bring the same order again to hear of it.
        """

        async def first() -> First:
            return await self._first_of(order)

        return await self._bring(order.key, order.principal, first)

    async def go_on(self, order: Order) -> None:
        """Bring what follows from another command, or from the time, if no other replica has. Raises as `insist`."""
        await self.insist(order.key, *await self._first_of(order))

    async def end(self, above: pb.Envelope, why: str) -> None:
        """Write down that the next stage of a pipe will never run, unless something stands there. Raises as `insist`."""
        made = never(above, self.world.now())
        await self.insist(Key(made.lane, made.bot, made.id), *self.denied(made, why))

    async def insist(self, key: Key, author: Author, record: pb.Record) -> None:
        """Bring a first record into the ledger, and ask until it is known that it, or another's, stands there.

        Raises:
            BusError: it is not known yet; ask again.
            BellboardError: it can't be stored, ever.
        """
        if isinstance(await self._store.drive(gate.accept(key, author, record)), gate.Unconfirmed):
            raise Unconfirmed("the message bus did not answer")

    async def _as_rehearsed(self, order: Order) -> Order:
        """The order as a rehearsal, where its room rehearses. Raises BusError where that is not known.

        What a bot asks of itself goes on as it began: a page that is escalated for real is not known to any twin.
        """
        bots = {stage.command.bot for stage in (order.parsed, *order.then)} - {HOUSE}
        if order.rehearsal or not order.origin.room or bots <= {order.principal.bot}:
            return order
        return replace(order, rehearsal=True) if await self.rehearsals.by(order.origin.room) else order

    async def _check_history(self, order: Order) -> None:
        """Have nothing begin that changes something while the bus may have lost what was run. Raises HistoryLost.

        What is IDEMPOTENT is no exception: it would build on locks and numbers that went with the history. The gateway's own
        commands begin nothing by themselves, and one of them ends this.
        """
        others = (stage for stage in (order.parsed, *order.then) if stage.command.bot != HOUSE)
        changes = any(effect_of(stage.command, preview=stage.preview) != options.EFFECT_READ for stage in others)
        if changes and (why := await self.history.bars()):
            raise HistoryLost(why)

    async def _first_of(self, order: Order) -> First:
        await self._check_history(order)
        rehearsed = await self._as_rehearsed(order)
        return self._first(rehearsed, await self._unwanted(rehearsed))

    async def _unwanted(self, order: Order) -> str:
        """Why a room does not want what nobody asked for; empty if it does. Raises BusError where that is not known."""
        if order.cause not in (pb.CAUSE_BOT, pb.CAUSE_TIMER):
            return ""
        unasked = [one.name for one in order.parsed.command.triggers if one.WhichOneof("shape") == "unasked"]
        on = await self.helpers.on(order.origin.room) if unasked else {}
        return "" if not unasked or any(name in on for name in unasked) else f"the helper {unasked[0]} is off here"

    def _first(self, order: Order, unwanted: str = "") -> First:
        decision, bot = self.judge(order), order.parsed.command.bot
        if unwanted:
            decision = Decision(Verdict.DENY, reason=unwanted)
        made = envelope(order, decision, self.team, self.registry.enrolment(bot), self.world.now())
        return first_record(made, decision, self.signer, self.policy.digest, self.world)

    async def refuse(self, made: pb.Envelope, reason: str) -> Command | NotAccepted:
        """Write down what was asked for and will never run, and why. It answers as `run` does."""

        async def first() -> First:
            return self.denied(made, reason)

        return await self._bring(Key(made.lane, made.bot, made.id), made.principal, first)

    def denied(self, made: pb.Envelope, reason: str) -> First:
        """The first and last record of what will never run."""
        signed = self.signer.sign(made)
        return Author.GATEWAY, self.world.record(S.STATE_DENIED, command=signed, effect=made.effect, reason=reason)

    async def _bring(self, key: Key, principal: pb.Principal, first: Callable[[], Awaitable[First]]) -> Command | NotAccepted:
        """Bring a first record into the ledger, which is made when the bus is there."""
        if pending := await self.pending(key.id):
            return pending
        if not self.buckets.take(principal.person or f"bot {principal.bot}"):
            return TOO_FAST
        deadline = asyncio.get_running_loop().time() + ANSWER_WITHIN
        if not await self.answers():
            return UNAVAILABLE
        try:
            async with asyncio.timeout_at(deadline):
                author, record = await first()
        except HistoryLost as error:
            return NotAccepted(f"refused: {error.text}", final=bool(self.history.lost))
        except (TimeoutError, BusUnavailable, Unconfirmed):
            return NOT_YET  # whether the room rehearses could not be read; nothing was sent
        except BellboardError as error:
            return NotAccepted(f"not accepted: {error}", final=True)
        try:
            return await self._accept(key, gate.accept(key, author, record), record, deadline)
        except BusUnavailable:
            return UNAVAILABLE
        except BellboardError as error:
            return NotAccepted(f"not accepted: {error}", final=True)

    async def answers(self) -> bool:
        """Whether the bus answers, or is back in a moment."""
        return await self.bus.up(within=BLIP) and self.registry.reachable

    async def pending(self, id: str) -> Command | NotAccepted | None:
        """What is known of an unconfirmed command; None if the command is not one."""
        task = self._settling.get(id)
        if task is None:
            return None
        await asyncio.wait([task], timeout=ANSWER_WITHIN)
        return task.result() if task.done() else UNCONFIRMED

    async def _accept(
        self, key: Key, procedure: Procedure[gate.Verdict], record: pb.Record, deadline: float
    ) -> Command | NotAccepted:
        try:
            async with asyncio.timeout_at(deadline):
                verdict = await self._accepting.drive(procedure)
        except TimeoutError:
            verdict = gate.Unconfirmed()
        if isinstance(verdict, gate.Unconfirmed):
            logs.emit(names.LINE_UNCONFIRMED, command=key.id)
            self._unclear[key.id] = time.monotonic()
            task = self._settling[key.id] = asyncio.create_task(self._settle(key, record), name=f"settle {key.id}")
            task.add_done_callback(lambda done: self._settled(key.id, done))
            return UNCONFIRMED
        return _told(key, verdict)

    async def _settle(self, key: Key, record: pb.Record) -> Command | NotAccepted:
        """Find out what became of an unclear accept, however long it takes."""
        while True:
            verdict = await self._store.drive(gate.settle(key, record, self.world))
            if not isinstance(verdict, gate.Unconfirmed):
                logs.emit(names.LINE_SETTLED, command=key.id, verdict=type(verdict).__name__.lower())
                return _told(key, verdict)

    def _settled(self, id: str, task: asyncio.Task[Command | NotAccepted]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logs.emit(names.UNEXPECTED, exc=error, command=id)
        # What came of it stands in the ledger now, and is read from there.
        self._settling.pop(id, None)
        self._unclear.pop(id, None)

    def health(self) -> str | None:
        """Whether the bus keeps what it is given: after its disk was full it answers, and stores nothing."""
        waiting = time.monotonic() - min(self._unclear.values(), default=time.monotonic())
        stuck = min(waiting, self.registry.listening) > STUCK
        return "the bus answers and stores nothing, as after its disk was full" if stuck else None

    @property
    def store(self) -> Store:
        """The ledger, for what is done to commands that stand in it."""
        return self._store

    async def close(self) -> None:
        """Stop finding out. What is unconfirmed can't run a minute later, and another replica may be asked for it."""
        tasks = list(self._settling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(key: Key, verdict: gate.Accepted | gate.Closed) -> Command | NotAccepted:
    return Command(key.id) if isinstance(verdict, gate.Accepted) else CLOSED
