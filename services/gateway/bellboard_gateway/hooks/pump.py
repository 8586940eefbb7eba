"""From what came in at webhooks to commands: in order, many at once, and again until the bot has taken them.

Where a webhook stands is remembered on the bus: what was handed over so far, and how often the next ones failed. The id of a
command follows from the first delivery that it holds and the number of the attempt, so two gateways, or one that was killed,
bring the same one; what it holds is read from it. One webhook's deliveries wait for each other and for no other webhook's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import orjson

from bellboard.api.hooks.v1 import hooks_pb2 as pb
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.blobs import Blobs
from bellboard.bus import Bus, Message
from bellboard.command import Command
from bellboard.errors import BlobError, BusError
from bellboard.grammar import Parsed
from bellboard.hooks import Hook
from bellboard.ids import command_id
from bellboard.keep import KeepConflict
from bellboard.keep.bus import BusKeep
from bellboard.ledger.ops import timestamp
from bellboard.ledger.state import S
from bellboard.telemetry import logs, names

from ..board import Board
from ..dispatch import Dispatch
from ..enrolments import HOUSE
from ..orders import Order
from ..policy import Verdict
from ..projection import View
from ..registry import Registry
from .door import Hooks, body_of

STREAM = "HOOK"
MOST, LARGEST = 256, 4 * 1024 * 1024
"""Deliveries of one command, and about how many bytes."""

INLINE = 32 * 1024
"""Bytes of a batch that travels in the command itself; a larger one is a blob."""

GATHER, GLANCE = 0.5, 1.0
"""Seconds in which more may come to what is there; and between two looks where nobody said that anything came."""

TRIES = 8
"""Failures in a row after which a single delivery is given up."""

LOST = 180.0
"""Seconds beyond a command's deadline after which it is looked for anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a webhook stands.

    Attributes:
        done: the sequence of the last delivery that was handed over.
        attempt, failures: of what follows it: commands brought so far, and how many of them failed.
        revision: of what is remembered.
    """

    done: int = 0
    attempt: int = 0
    failures: int = 0
    revision: int = 0

    @property
    def most(self) -> int:
        """How many deliveries to hand over at once: fewer after each failure, so that what can't be taken stands alone."""
        return max(1, MOST >> 2 * self.failures)


class NotNow(Exception):
    """It has to wait; the text says for what."""


@dataclass
class Pump:
    """Hands over what came in at webhooks. `run` it; `wake` it when something came.

    Attributes:
        slowest: seconds that a failing bot is left alone at most.
    """

    hooks: Hooks
    bus: Bus
    blobs: Blobs
    registry: Registry
    board: Board
    dispatch: Dispatch
    slowest: float = 30.0
    _lanes: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = field(default_factory=dict)
    _waiting: dict[str, str] = field(default_factory=dict)
    _end: int = 0

    def __post_init__(self) -> None:
        self._keep = BusKeep(self.bus, HOUSE)

    def wake(self, name: str) -> None:
        """Look after a webhook at once."""
        if name in self._lanes:
            self._lanes[name][1].set()

    def problems(self) -> list[str]:
        """What an operator should put right, one line each."""
        waiting = [f"the webhook {name} waits: {why}" for name, why in sorted(self._waiting.items()) if why]
        return [self.hooks.problem, *waiting] if self.hooks.problem else waiting

    async def run(self) -> None:
        """Hand over until cancelled. Webhooks come and go with the file."""
        await self.board.caught_up.wait()
        try:
            while True:
                known = self.hooks.value
                for name in known.keys() - self._lanes.keys():
                    woken = asyncio.Event()
                    self._lanes[name] = asyncio.create_task(self._look_after(name, woken), name=f"hook {name}"), woken
                for name in self._lanes.keys() - known.keys():
                    self._lanes.pop(name)[0].cancel()
                    self._waiting.pop(name, None)
                await self._glance()
        finally:
            tasks = [task for task, _ in self._lanes.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _glance(self) -> None:
        """Wait for a moment, and wake everything where something new is on the bus: another gateway may have taken it in."""
        await asyncio.sleep(GLANCE)
        with suppress(BusError):
            end, self._end = self._end, await self.bus.end(STREAM)
            if end != self._end:
                for _, woken in self._lanes.values():
                    woken.set()

    async def _look_after(self, name: str, woken: asyncio.Event) -> None:
        while True:
            woken.clear()
            try:
                handed_over = await self._next(name)
                self._waits(name, "")
                if not handed_over:
                    await woken.wait()
            except KeepConflict:
                continue  # another gateway was faster
            except (NotNow, BusError) as error:
                self._waits(name, str(error))
                await asyncio.sleep(GLANCE)
            except Exception as error:  # noqa: BLE001  # a task boundary: one webhook must not stop the others
                logs.emit(names.UNEXPECTED, exc=error, hook=name)
                await asyncio.sleep(GLANCE)

    def _waits(self, name: str, why: str) -> None:
        """Log what it waits for when that changes."""
        if why and why != self._waiting.get(name):
            logs.emit(names.HOOK_WAITS, hook=name, error=why)
        self._waiting[name] = why

    # --- one batch ---

    async def _next(self, name: str) -> bool:
        """Hand over what is there; whether there was anything. Raises NotNow, BusError, KeepConflict."""
        place = await self._place(name)
        found = await self._found(name, place)
        names.HOOK_OLDEST.labels(name).set(max(0.0, time.time() - found[0].time) if found else 0.0)
        if not found:
            return False
        if len(found) < place.most:
            await asyncio.sleep(GATHER)
            found = await self._found(name, place)
        hook = self.hooks.value.get(name)
        if hook is None:
            raise NotNow("it is not in the file any more")
        id = command_id("hook", "", name, str(found[0].sequence), ordinal=place.attempt)
        if self.board.known(id) is None:
            await self._bring(id, name, hook, found[: place.most])
        await self._ended(name, place, await self._final(id))
        return True

    async def _place(self, name: str) -> Place:
        kept = await self._keep.get(f"hook.{name}")
        if kept is None:
            return Place()
        done, attempt, failures = orjson.loads(kept.value)
        return Place(done, attempt, failures, kept.revision)

    async def _found(self, name: str, place: Place) -> list[Message]:
        return (await self.bus.scan(STREAM, f"hook.{name}.*", after=place.done, most=place.most))[: place.most]

    async def _bring(self, id: str, name: str, hook: Hook, found: Sequence[Message]) -> None:
        """Bring one command for these deliveries, or as many of them as are not too large together."""
        command = self._command(hook.bot)
        batch = await self._batch(name, hook, found)
        last = batch.deliveries[-1].sequence
        order = await self._order(id, command, batch, ledger.Origin(system="hook", message=f"{name}/{last}"))
        decision = self.dispatch.judge(order)
        if decision.verdict is not Verdict.ALLOW:
            raise NotNow(f"{command.name} is not permitted to the bot {hook.bot}: {decision.reason}")
        await self.dispatch.go_on(order)

    def _command(self, bot: str) -> Command:
        """What a bot takes deliveries with. Raises NotNow."""
        contract = self.registry.contract(bot)
        if contract is None or not self.registry.available(bot):
            raise NotNow(f"the bot {bot} is not there")
        command = next((command for command in contract.commands if command.hook), None)
        if command is None:
            raise NotNow(f"the bot {bot} takes nothing from webhooks")
        return command

    async def _batch(self, name: str, hook: Hook, found: Sequence[Message]) -> pb.HookBatch:
        batch, size = pb.HookBatch(hook=name, format=hook.format), 0
        for message in found:
            try:
                body = await body_of(message.payload, message.headers, self.blobs)
            except BlobError as error:
                logs.emit(names.UNEXPECTED, exc=error, hook=name, sequence=message.sequence)
                body = b""  # it can't be had any more, and nothing else shall wait for it
            size += len(body)
            if batch.deliveries and size > LARGEST:
                break
            batch.deliveries.add(sequence=message.sequence, at=timestamp(message.time), body=body)
        return batch

    async def _order(self, id: str, command: Command, batch: pb.HookBatch, origin: ledger.Origin) -> Order:
        data = batch.SerializeToString()
        if len(data) > INLINE:
            ref = await self.blobs.put(data, media_type="application/x-bellboard-hooks", name=batch.hook)
            data = pb.HookBatch(hook=batch.hook, format=batch.format, blob=ref).SerializeToString()
        request = command.request_type.FromString(command.blank)
        target = getattr(request, command.hook)
        target.SetInParent()
        target.MergeFromString(data)  # it may be of another pool
        return Order(
            id=id,
            parsed=Parsed(command, request, preview=False, force=False, canonical=command.name),
            digest=self.registry.digest(command),
            principal=ledger.Principal(bot=command.bot),
            cause=ledger.CAUSE_WEBHOOK,
            origin=origin,
            card=id,
        )

    async def _final(self, id: str) -> View:
        view = self.board.known(id)
        try:
            async with asyncio.timeout(LOST + (view.envelope.deadline.seconds if view else 0)):
                return await self.board.until_final(id)
        except TimeoutError:
            raise NotNow(f"the command {id} does not come to an end") from None

    async def _ended(self, name: str, place: Place, view: View) -> None:
        """Remember how it ended; the next look goes on from there."""
        state, last = view.record.state, int(view.envelope.origin.message.rpartition("/")[2])
        if state in (S.STATE_SUCCEEDED, S.STATE_UNKNOWN, S.STATE_RESOLVED_SUCCEEDED, S.STATE_RESOLVED_FAILED):
            await self._remember(name, Place(done=last, revision=place.revision), state)
            return
        failures = place.failures + (state == S.STATE_FAILED)
        if place.most == 1 and failures >= TRIES:
            await self._remember(name, Place(done=last, revision=place.revision), state)
            logs.emit(names.HOOK_GIVEN_UP, hook=name, sequence=last, command=view.key.id)
            return
        await self._remember(name, replace(place, attempt=place.attempt + 1, failures=failures), state)
        await asyncio.sleep(min(self.slowest, 2.0**failures / 2))

    async def _remember(self, name: str, place: Place, state: ledger.State.ValueType) -> None:
        value = orjson.dumps([place.done, place.attempt, place.failures])
        await self._keep.put(f"hook.{name}", value, expected=place.revision)
        names.HOOK_BATCHES.labels(name, S.Name(state).removeprefix("STATE_").lower()).inc()
