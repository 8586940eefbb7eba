"""Runs one handler once, whatever drives it: the worker on the bus, or a test without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from google.protobuf.message import Message

from bellboard import replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bot import Bot
from bellboard.call import Call, CallServices, trace_of
from bellboard.contract import Command
from bellboard.errors import BellboardError, Failed, UserError
from bellboard.grammar import NotUnderstood, Nowhere, Vocabulary, canonical
from bellboard.handlers import Handler
from bellboard.ledger.ops import Ended, Event, Probed, StepBegins
from bellboard.ledger.state import S
from bellboard.providers import Providers
from bellboard.telemetry import logs, names

PROBE_SECONDS = 30.0


class Execution:
    """One attempt to run a command. `start` it, and `resume` it after each step that it begins, until it has ended.

    ``request`` holds the secret fields too. Use it once.
    """

    def __init__(
        self,
        bot: Bot,
        command: Command,
        envelope: pb.Envelope,
        request: Message,
        services: CallServices,
        providers: Providers,
    ) -> None:
        self._handler = bot.handlers[command.method]
        self._probe = bot.handlers.get(command.probe)
        self._bot, self._command, self._envelope = bot, command, envelope
        self._request = _of_type(self._handler.request_type, request)
        self._services, self._providers = services, providers
        self._effect = options.EFFECT_READ if envelope.preview else command.effect
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._go: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._done: tuple[str, ...] = ()
        self._began = self._over = self._cancelled = self._halted = False

    async def start(self, epoch: int, attempt: str, done: tuple[str, ...] = ()) -> Event:
        """Begin. ``done`` are the steps that an attempt before this one finished.

        Cancelling the task that waits for this stops the handler too.
        """
        self._done = done
        call = Call(self._envelope, epoch, self._services, self._steps)
        self._task = asyncio.create_task(self._run(call), name=f"{self._envelope.id}/{attempt}")
        return await self._next()

    async def resume(self, go: bool) -> Event:
        """Go on with the step that has begun, or stop there because that could not be recorded."""
        if self._go is not None and not self._go.done():
            if go:
                self._go.set_result(None)
            else:
                self._halted = True
                self._go.cancel()
        return await self._next()

    @property
    def running(self) -> bool:
        """Whether the handler has begun and is not yet over."""
        return self._began and not self._over

    def cancel(self) -> bool:
        """Stop at a person's wish. False if it has begun and its contract lets nobody stop it, or if it is over."""
        if self._over or (self._began and not self._cancellable):
            return False
        if self._began and not self._cancelled and self._task is not None:
            self._task.cancel()
        self._cancelled = True
        return True

    @property
    def _cancellable(self) -> bool:
        return self._command.cancellable or self._effect == options.EFFECT_READ

    async def probe(self) -> Probed:
        """Ask the bot, without effect, what became of this command. A probe that breaks knows nothing."""
        if self._probe is None:
            return Probed(None)
        request = self._probe.request_type(lost=self._request)
        call = Call(self._envelope, 0, self._services, self._steps)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                response = self._probe.response(await self._probe.invoke(call, request, self._providers))
        except Exception as error:  # noqa: BLE001  # a task boundary: the command stays UNKNOWN
            logs.emit(names.UNEXPECTED, exc=error, command=self._envelope.id)
            return Probed(None)
        happened = bool(getattr(response, "happened")) if response.HasField("happened") else None  # noqa: B009
        return Probed(happened, _take_reply(response))

    async def _next(self) -> Event:
        try:
            return await self._events.get()
        except asyncio.CancelledError:
            if self._task is not None:
                self._task.cancel()
            raise

    async def _steps(self) -> AsyncIterator[str]:
        for name, _ in self._command.steps:
            if name in self._done:
                continue
            if not self._envelope.preview:
                self._go = asyncio.get_running_loop().create_future()
                self._events.put_nowait(StepBegins(name))
                await self._go
            yield name

    async def _run(self, call: Call) -> None:
        logs.trace_id.set(call.trace)
        ended = await self._to_the_end(call)
        if call.rehearsal:
            self._keep_rehearsing(ended.outcome.reply)
        self._over = True
        self._events.put_nowait(ended)

    async def _to_the_end(self, call: Call) -> Ended:
        if self._cancelled:
            return Ended(S.STATE_CANCELLED, pb.Outcome())
        self._began = True
        try:
            async with asyncio.timeout(self._command.deadline) as limit:
                response = await self._answer(call)
        except asyncio.CancelledError:
            return self._stopped()
        except (UserError, Failed) as error:
            return self._failed(error)
        except BellboardError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=call.id, bot=self._bot.name)
            return self._broke(error.text, error.hint, error.code)
        except Exception as error:  # noqa: BLE001  # a task boundary: whatever it was, the command comes to an end
            if isinstance(error, TimeoutError) and limit.expired():
                return self._broke(f"it ran out of time after {self._command.deadline:g} s", "", "deadline")
            logs.emit(names.UNEXPECTED, exc=error, command=call.id, bot=self._bot.name)
            return self._broke(f"something broke in the {self._bot.name} bot", "", "internal")
        reply = _take_reply(response)
        return Ended(S.STATE_SUCCEEDED, pb.Outcome(reply=reply, result=response.SerializeToString()))

    def _keep_rehearsing(self, reply: chat.Reply) -> None:
        """What is offered as an answer to a question is a rehearsal as well: a button must not do it for real."""
        choices = [choice for block in reply.blocks for choice in block.question.choices]
        if not choices:
            return
        own = Vocabulary([self._bot.contract])
        for choice in choices:
            try:
                parsed = own.parse(choice.line, Nowhere())
            except NotUnderstood:  # another bot's; or it names people or pictures, which are not known here
                said = choice.line.endswith(" --sandbox")
                choice.line += " --sandbox" if own.knows(choice.line) and not said else ""
            else:
                request, preview = parsed.request, parsed.preview
                choice.line = canonical(
                    parsed.command, request, mask=False, preview=preview, force=parsed.force, rehearsal=True
                )

    async def _answer(self, call: Call) -> Message:
        """The response message; of a streaming handler the last that it yields."""
        if self._envelope.preview and not self._command.dry_run:
            raise Failed(f"{' '.join(self._command.phrase)} can't be previewed", hint="leave out the ?")
        answer = self._handler.invoke(call, self._request, self._providers)
        if not self._handler.streaming:
            return self._handler.response(await answer)
        return await self._last(self._handler, answer)

    async def _last(self, handler: Handler, answers: AsyncIterator[object]) -> Message:
        last = handler.response_type()
        async with aclosing(answers) as items:  # type: ignore[type-var]  # an async generator, checked when declared
            async for item in items:
                last = handler.response(item)
                if self._envelope.rehearsal:
                    self._keep_rehearsing(_reply(last))
                self._services.progress(list(_reply(last).blocks))
        return last

    def _stopped(self) -> Ended:
        """The handler was cancelled: by a person, because a step could not be recorded, or because the process ends."""
        if self._cancelled:
            return Ended(S.STATE_CANCELLED, pb.Outcome())
        if not self._halted:
            raise asyncio.CancelledError
        return Ended(S.STATE_UNKNOWN, pb.Outcome(), "the step could not be recorded")

    def _failed(self, error: BellboardError) -> Ended:
        block = replies.failure(error.text, hint=error.hint, code=error.code, trace_id=trace_of(self._envelope))
        below = error.blocks if isinstance(error, Failed) else ()
        return Ended(S.STATE_FAILED, pb.Outcome(reply=replies.reply(block, *below)), error.text)

    def _broke(self, text: str, hint: str, code: str) -> Ended:
        """Nobody knows how far it got: that is a failure unless running it again could do harm."""
        once = self._effect == options.EFFECT_ONCE
        hint = hint or ("it may have happened: look before you run it again" if once else "try again, or follow the trace")
        block = replies.failure(text, hint=hint, code=code, trace_id=trace_of(self._envelope))
        state = S.STATE_UNKNOWN if once else S.STATE_FAILED
        return Ended(state, pb.Outcome(reply=replies.reply(block)), text)


def _of_type(kind: type[Message], message: Message) -> Message:
    """The same message in the class of the bot's own code; its contract's pool may have made it."""
    return message if isinstance(message, kind) else kind.FromString(message.SerializeToString())


def _reply(response: Message) -> chat.Reply:
    reply: chat.Reply = response.reply  # type: ignore[attr-defined]  # every response has one: the contract's rule
    return reply


def _take_reply(response: Message) -> chat.Reply:
    """The reply, taken out of the response so that it is not recorded twice."""
    reply = chat.Reply()
    reply.CopyFrom(_reply(response))
    response.ClearField("reply")
    return reply
