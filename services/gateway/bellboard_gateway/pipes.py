"""Pipes go on: whichever replica first sees that a stage is done brings the next one into the ledger.

What follows stands in the ledger with the stage itself, and so does what it hands on. So a pipe goes on after every gateway
was killed in between, and the ledger's compare-and-set keeps two replicas from bringing a stage twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.blobs import Blobs
from bellboard.errors import BellboardError, BusUnavailable, Unconfirmed, UserError
from bellboard.grammar import NotUnderstood, Parsed
from bellboard.ledger.ops import seconds
from bellboard.telemetry import logs, names, trace

from . import stages
from .board import Board
from .dispatch import Dispatch
from .inbox import Inbox
from .orders import Order
from .projection import View

PATIENCE = 600.0
"""Seconds after the end of a stage in which the next one may begin."""

RETRY = 0.5

LARGEST = 2 * 1024 * 1024
"""Bytes of an answer that a pipe goes on with. In memory a hostile one takes sixteen times that."""

INLINE = 32 * 1024
"""Bytes of a table that is handed on in the request; an envelope may have 128 KiB. A larger one goes by a blob."""

TABLE_TYPE = "application/x-bellboard-table"


@dataclass
class Pipes:
    """Brings the next stage of each pipe."""

    board: Board
    dispatch: Dispatch
    inbox: Inbox
    blobs: Blobs
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Go on with every pipe until cancelled."""
        await self.board.caught_up.wait()
        try:
            async for waiting in self.board.handing_on():
                for view in waiting:
                    if view.key.id not in self._tasks:
                        self._tasks[view.key.id] = asyncio.create_task(self._go_on(view), name=f"pipe {view.key.id}")
        finally:
            left = list(self._tasks.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _go_on(self, view: View) -> None:
        try:
            await self._until_known(view)
        finally:
            del self._tasks[view.key.id]

    async def _until_known(self, view: View) -> None:
        following = stages.next_id(view.envelope)
        while not self.board.known(following):
            try:
                done = self.inbox.registry.loaded and await self._next(view)
            except (BusUnavailable, Unconfirmed):
                done = False
            except Exception as error:  # noqa: BLE001  # a task boundary: one pipe must not stop the others
                logs.emit(names.UNEXPECTED, exc=error, command=view.key.id)
                done = False
            if not done:
                await asyncio.sleep(RETRY)
                continue
            async for _ in self.board.follow(following):
                return

    async def _next(self, view: View) -> bool:
        """Bring the next stage, or what says why there is none; False if that has to wait."""
        envelope, now = view.envelope, self.dispatch.world.now()
        if now > seconds(view.record.at) + PATIENCE:
            await self.dispatch.end(envelope, "its time ran out before it could begin; nothing of it was run")
            return True
        try:
            order = await self._order(view, self._read(envelope))
            if order.key == stages.next_key(envelope):
                await self.dispatch.go_on(order)
            else:
                await self.dispatch.end(envelope, "it means something else now than when it was typed")
        except NotUnderstood as error:
            if self.inbox.absent(envelope.pipe[0]):
                return False
            await self.dispatch.end(envelope, error.reason)
        except (BusUnavailable, Unconfirmed):
            raise
        except BellboardError as error:
            await self.dispatch.end(envelope, error.text)
        return True

    def _read(self, envelope: pb.Envelope) -> tuple[Parsed, ...]:
        """The stages that follow, by the contracts of now."""
        scope = self.inbox.scope(envelope.origin.room, envelope.principal.person)
        return tuple(self.inbox.registry.vocabulary.parse(line, scope, piped=True) for line in envelope.pipe)

    async def _order(self, view: View, parsed: tuple[Parsed, ...]) -> Order:
        envelope, (first, *then) = view.envelope, parsed
        table = await self._table(view)
        data, ref = table.SerializeToString(), None
        if len(data) > INLINE:
            ref = await self.blobs.put(data, media_type=TABLE_TYPE, name="table")
        elif first.command.table is not None:
            target = getattr(first.request, first.command.table.name)
            target.SetInParent()
            target.MergeFromString(data)  # it may be of another pool
        return Order(
            id=stages.next_id(envelope),
            parsed=first,
            digest=self.inbox.registry.digest(first.command),
            principal=envelope.principal,
            cause=pb.CAUSE_PIPE,
            origin=envelope.origin,
            parent=envelope.id,
            card=envelope.card or envelope.id,
            traceparent=trace.onward(envelope.id, envelope.traceparent),
            rehearsal=envelope.rehearsal,
            then=tuple(then),
            stage=envelope.stage + 1,
            table=ref,
        )

    async def _table(self, view: View) -> chat.Table:
        """What a stage hands on. Raises UserError if it is no table."""
        outcome, envelope = view.record.outcome, view.envelope
        command = self.inbox.registry.find(envelope.bot, envelope.digest, envelope.method)
        result, reply = outcome.result, outcome.reply
        if max(outcome.result_blob.size, outcome.reply_blob.size) > LARGEST:
            raise UserError(f"its answer is larger than {LARGEST >> 20} MiB, too large to go on with", hint="count it first")
        try:
            if outcome.HasField("result_blob"):
                result = await self.blobs.get(outcome.result_blob)
            if outcome.HasField("reply_blob"):
                reply = chat.Reply.FromString(await self.blobs.get(outcome.reply_blob))
        except DecodeError:
            raise UserError("what it answered can't be read") from None
        table = stages.table_of(command, result, reply)
        if table is None:
            raise UserError(f"{command.name if command else envelope.line} gave no table to go on with")
        return table
