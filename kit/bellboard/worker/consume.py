"""Takes a bot's commands from the bus, many at once, and tells the bus what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import DecodeError

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bot import Bot
from bellboard.bus import Delivery, Pull
from bellboard.call import trace_of
from bellboard.ledger.ops import World, seconds
from bellboard.ledger.store import Store
from bellboard.ledger.work import Verdict, work
from bellboard.providers import Providers
from bellboard.telemetry import logs, names

from .admit import Admission, Foreign, Order, Refusal
from .errand import Errand
from .meters import Meters
from .services import Means

STREAM = "LED"
WORKING_EVERY = 3.0
"""Seconds between two words to the bus that a command is still worked on; a third of its ack wait."""

LATER = 2.0
"""Seconds until a command that was handed back comes again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many commands a process works on at once: READs, and all others."""

    reads: int = 64
    work: int = 64


class Worker:
    """Runs the commands of one bot."""

    def __init__(
        self, bot: Bot, store: Store, means: Means, admission: Admission, providers: Providers, limits: Limits, world: World
    ) -> None:
        self._bot, self._store, self._means, self._history = bot, store, means, means.history
        self._admission, self._providers, self._world = admission, providers, world
        self._pulls = {
            lane: (means.bus.pull(STREAM, f"{bot.name}-{lane}", ahead=limit), limit)
            for lane, limit in (("read", limits.reads), ("work", limits.work))
        }
        self._errands: dict[str, tuple[Errand, Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._meters = Meters(bot.name)
        self._draining = False

    def in_flight(self) -> list[registry.InFlight]:
        """What this process is working on, and which attempt of each is its own."""
        return [registry.InFlight(id=id, epoch=errand.epoch) for id, (errand, _) in self._errands.items()]

    async def run(self) -> None:
        """Work until `drain` or until the bus is closed. Cancelling this stops everything where it is."""
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._say_working()), group.create_task(self._hear_cancels())]
                await asyncio.gather(*(self._lane(pull, limit) for pull, limit in self._pulls.values()))
                while self._tasks:
                    await asyncio.wait(self._tasks)
                for task in beside:
                    task.cancel()
        finally:
            for left in self._tasks:
                left.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Take nothing more, and hand back what is not begun. `run` returns when the rest is finished."""
        self._draining = True
        for pull, _ in self._pulls.values():
            await pull.aclose()

    async def _lane(self, pull: Pull, limit: int) -> None:
        room = asyncio.Semaphore(limit)
        while True:
            await room.acquire()
            delivery = await anext(pull, None)
            if delivery is None:
                return
            if self._history is not None:
                self._history.note(delivery.sequence, delivery.subject, delivery.payload, delivery.time)
            task = self._spawn(delivery.later(0.0) if self._draining else self._take(delivery))
            task.add_done_callback(lambda _: room.release())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _take(self, delivery: Delivery) -> None:
        try:
            looked = self._admission.look(delivery)
            if isinstance(looked, Order) and await self._barred(looked):
                await self._hand_back(delivery, "history")
            elif isinstance(looked, Order):
                await self._bring_to_its_end(self._doubted(looked), delivery)
            elif isinstance(looked, Foreign):
                await self._hand_back(delivery, looked.reason)
            else:
                await self._refuse(delivery, looked)
        except Exception as error:  # noqa: BLE001  # a task boundary: one bad message must not stop the others
            logs.emit(names.UNEXPECTED, exc=error, subject=delivery.subject)
            await self._hand_back(delivery, "unexpected")

    async def _barred(self, order: Order) -> bool:
        """Whether it may not be run now, because the bus has lost history or may have."""
        if self._history is None or order.job.effect == options.EFFECT_READ or order.job.key.id in self._errands:
            return False
        return bool(await self._history.bars())

    def _doubted(self, order: Order) -> Order:
        """The order as one that may have been run already, if it is from before the bus lost history."""
        since = self._history.accepted_at if self._history is not None else 0.0
        if order.job.effect == options.EFFECT_READ or seconds(order.envelope.received_at) >= since:
            return order
        return replace(order, job=replace(order.job, doubtful=True))

    async def _bring_to_its_end(self, order: Order, delivery: Delivery) -> None:
        id = order.job.key.id
        if id in self._errands:
            if self._errands[id][0].sequence != delivery.sequence:
                await delivery.later(LATER)  # offered anew while the last of it is still under way here
            return  # else it is in hand, and acknowledged when it is done
        errand = Errand(order, self._bot, self._providers, self._means, self._meters)
        self._errands[id] = errand, delivery
        self._meters.in_flight.inc()
        logs.trace_id.set(trace_of(order.envelope))
        try:
            verdict = await self._store.drive(errand.watched(work(order.job, self._world)), errand.other)
        except asyncio.CancelledError:
            await self._hand_back(delivery, "stopped", 0.0)
            raise
        finally:
            errand.close()
            del self._errands[id]
            self._meters.in_flight.dec()
        if verdict is Verdict.DONE:
            await delivery.ack()
        elif verdict is Verdict.LATER:
            await self._hand_back(delivery, "later")

    async def _refuse(self, delivery: Delivery, refusal: Refusal) -> None:
        names.REFUSED.labels(self._bot.name, refusal.reason).inc()
        logs.emit(names.COMMAND_REFUSED, subject=delivery.subject, reason=refusal.reason, text=refusal.text)
        await delivery.drop()

    async def _hand_back(self, delivery: Delivery, reason: str, seconds: float = LATER) -> None:
        names.HANDED_BACK.labels(self._bot.name, reason).inc()
        logs.emit(names.COMMAND_LATE, subject=delivery.subject, reason=reason)
        await delivery.later(seconds)

    async def _say_working(self) -> None:
        while True:
            await asyncio.sleep(WORKING_EVERY)
            for _, delivery in list(self._errands.values()):
                await delivery.working()

    async def _hear_cancels(self) -> None:
        async for message in self._means.bus.listen(f"ctl.{self._bot.name}.>"):
            try:
                wish = pb.CancelRequest.FromString(message.payload)
            except DecodeError:
                continue
            if wish.id in self._errands:
                self._errands[wish.id][0].cancel()
