"""One command in flight: what its handler does, between the operations that the ledger's procedure asks for."""

from __future__ import annotations

import time
from typing import Any

from bellboard import replies
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bot import Bot
from bellboard.call import trace_of
from bellboard.execution import Execution
from bellboard.ledger.ops import Ended, Event, Execute, Op, Probe, Probed, Procedure, Put, Resume, Snapshot, Stored, seconds
from bellboard.ledger.state import S, is_final, name, resumable
from bellboard.ledger.work import CONFIRM_WITHIN, Verdict
from bellboard.providers import Providers
from bellboard.telemetry import logs, names

from .admit import Order
from .meters import Meters
from .outcome import fit
from .piped import take_piped
from .progress import Progress
from .services import Means


class Errand:
    """Carries out what `bellboard.ledger.work` leaves to the bot's own code.

    Attributes:
        epoch: the attempt that this process made its own; 0 before.
    """

    def __init__(self, order: Order, bot: Bot, providers: Providers, means: Means, meters: Meters) -> None:
        self.order, self.epoch = order, 0
        self._bot, self._providers, self._means, self._meters = bot, providers, means, meters
        self._execution: Execution | None = None
        self._progress: Progress | None = None
        self._cancelled = self._once = False
        self._began = 0.0

    @property
    def sequence(self) -> int:
        """Of the record that was delivered."""
        return self.order.job.sequence

    def cancel(self) -> None:
        """Stop at a person's wish, if it can be stopped."""
        self._cancelled = True
        if self._execution is not None:
            self._execution.cancel()

    def close(self) -> None:
        """Nothing will be asked of it any more."""
        if self._progress is not None:
            self._progress.close()

    def watched(self, procedure: Procedure[Verdict]) -> Procedure[Verdict]:
        """The same procedure, with a note taken of the records that it wrote."""
        answer: Any = None
        written: pb.Record | None = None
        try:
            while True:
                op = procedure.send(answer)
                written = op.record if isinstance(op, Put) else written
                answer = yield op
                if written is not None and _stands(answer, written):
                    self._note(written)
                    written = None
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict
        finally:
            procedure.close()

    async def other(self, op: Op) -> Event | Probed:
        """Carry out what is not a matter of the ledger."""
        match op:
            case Execute():
                return await self._ended(await self._execute(op))
            case Resume() if self._execution is not None:
                return await self._ended(await self._execution.resume(op.go and await self._may_go_on()))
            case Probe():
                return await self._probe()
        raise TypeError(f"a worker does not carry out {type(op).__name__}")

    async def _execute(self, op: Execute) -> Event:
        self.epoch, self._began = op.epoch, time.monotonic()
        envelope = self.order.envelope
        if op.epoch == 1:
            self._meters.queue_wait.observe(max(0.0, time.time() - seconds(envelope.received_at)))
        self._progress = Progress(self._means.bus, self._bot.name, envelope.id, op.attempt)
        if ended := await self._guarded():
            return ended
        if wrong := await take_piped(self.order, self._means.blobs):
            return self._bad_request(wrong)
        if self._once and time.monotonic() - self._began > CONFIRM_WITHIN:  # the bus, the disk or this process stood still
            return Ended(S.STATE_FAILED, pb.Outcome(), "it took too long until it could begin; it was not begun")
        self._execution = self._prepare(op.epoch, self._progress)
        if self._execution is None:
            return self._bad_request(self.order.wrong)
        if self._cancelled and op.epoch == 1:  # nothing of it can have happened
            self._execution.cancel()
        return await self._execution.start(op.epoch, op.attempt, op.done)

    async def _guarded(self) -> Ended | None:
        """How it ends if the bus has lost history, or may have, as the records of its own start may just have shown.

        What must not run twice is begun only when its start is known on disk, whatever the bus forgets.
        """
        history, job = self._means.history, self.order.job
        if history is None or job.effect == options.EFFECT_READ:
            return None
        if why := await history.bars():
            return Ended(S.STATE_UNKNOWN, pb.Outcome(), f"{why}; it was not run, and may have been before")
        if (job.effect == options.EFFECT_ONCE or job.steps) and (why := await history.keep()):
            return Ended(S.STATE_FAILED, pb.Outcome(), f"{why}; it was not begun")
        return None

    async def _may_go_on(self) -> bool:
        """Whether the step that was recorded may begin: if it must not repeat, only once that is on disk, and not too late."""
        begun = time.monotonic()
        why = await self._means.history.keep() if self._means.history is not None else ""
        return not self._once or not (why or time.monotonic() - begun > CONFIRM_WITHIN)

    async def _ended(self, event: Event) -> Event:
        if isinstance(event, Ended):
            self._meters.run_time(self.order.verb).observe(time.monotonic() - self._began)
            self.close()
            await fit(event.outcome, self._means.blobs)
        return event

    async def _probe(self) -> Probed:
        envelope = self.order.envelope
        execution = self._prepare(0, Progress(self._means.bus, self._bot.name, envelope.id, ""))
        return await execution.probe() if execution is not None else Probed(None)

    def _prepare(self, epoch: int, progress: Progress) -> Execution | None:
        order = self.order
        if order.command is None or order.request is None:
            return None
        services = self._means.services(order.envelope, epoch, progress)
        return Execution(self._bot, order.command, order.envelope, order.request, services, self._providers)

    def _bad_request(self, wrong: str) -> Ended:
        trace = trace_of(self.order.envelope)
        block = replies.failure(wrong, code="bad_request", trace_id=trace)
        return Ended(S.STATE_FAILED, pb.Outcome(reply=replies.reply(block)), f"bad request: {wrong}")

    def _note(self, record: pb.Record) -> None:
        self.epoch, self._once = max(self.epoch, record.epoch), not resumable(record)
        if is_final(record):
            state = name(record.state)
            self._meters.commands(self.order.verb, state).inc()
            logs.emit(names.COMMAND_ENDED, command=self.order.job.key.id, verb=self.order.verb, state=state)


def _stands(answer: Any, written: pb.Record) -> bool:
    """Whether a record that was offered is known to be stored: by the answer, or by a look."""
    if isinstance(answer, Snapshot):
        return answer.record is not None and answer.record.nonce == written.nonce
    return isinstance(answer, Stored)
