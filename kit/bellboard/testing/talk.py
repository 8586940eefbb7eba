"""Talk to a bot in a test: from a chat line to the blocks that people would see, without a bus.

``said = await talk("roll 2d6")``, where the fixture ``talk`` is made by ``talk_to(bot, register)``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from bellboard import replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bot import Bot
from bellboard.call import CallServices, trace_of
from bellboard.errors import BellboardError
from bellboard.execution import Execution
from bellboard.feeds import Feeds
from bellboard.feeds.memory import MemoryFeeds
from bellboard.grammar import NotUnderstood, Nowhere, Parsed, Vocabulary
from bellboard.grammar.values import put
from bellboard.ids import child_id, command_id
from bellboard.keep import Keep
from bellboard.keep.memory import MemoryKeep
from bellboard.ledger import state
from bellboard.ledger.ops import Ended, StepBegins, seconds, timestamp
from bellboard.marks import Marks
from bellboard.marks.memory import MemoryMarks
from bellboard.providers import Providers
from bellboard.sealed import split_secrets
from bellboard.settings import BotSettings, ServiceSettings
from bellboard.telemetry import trace

from .eventually import eventually

Register = Callable[[Providers, Any], None]
S = TypeVar("S", bound=ServiceSettings)

TYPED = (pb.CAUSE_LINE, pb.CAUSE_TRIGGER, pb.CAUSE_GRPC, pb.CAUSE_PIPE)
"""The causes of commands that run on behalf of a person."""

NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
"""The state of a line that never became a command."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A line that a bot asked to have run, and where and when. ``id`` is that of the command that it becomes."""

    line: str
    room: str = ""
    thread: str = ""
    card: str = ""
    at: float | None = None
    key: str = ""
    id: str = field(default="", compare=False)

    @classmethod
    def of(cls, request: pb.CommandRequest) -> Ask:
        """What a request asks for."""
        at = seconds(request.at) if request.HasField("at") else None
        id = child_id(request.parent, request.ordinal)
        return cls(request.line, request.room, request.thread, request.card, at, request.key, id)


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a line.

    Attributes:
        state: "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN", or "NOT_UNDERSTOOD" where the line never became a command.
        blocks: what people see in the end.
        progress: what they saw on the way, in order; each took the place of the one before.
        result: the response message without its reply; None if there is none.
        line: the line in canonical form, secrets masked.
        steps: the steps that began.
        asks: what the bot asked to have run.
        unasked: the names of the timers that it took back.
        id, trace_id: of the command.
    """

    state: str
    blocks: tuple[chat.Block, ...]
    progress: tuple[tuple[chat.Block, ...], ...] = ()
    result: Any = None
    line: str = ""
    steps: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()
    unasked: tuple[str, ...] = ()
    id: str = ""
    trace_id: str = ""

    @property
    def text(self) -> str:
        """The words of the text blocks, a line each."""
        return "\n".join(block.text.text for block in self.blocks if block.HasField("text"))

    @property
    def asked(self) -> tuple[str, ...]:
        """The lines that the bot asked to have run."""
        return tuple(ask.line for ask in self.asks)

    @property
    def failure(self) -> chat.Failure:
        """Why it did not work.

        Raises:
            AssertionError: nothing says that it did not.
        """
        found = [block.failure for block in self.blocks if block.HasField("failure")]
        assert found, f"it is {self.state} and says of no failure: {self.blocks}"
        return found[0]


class MemoryBlobs:
    """Keeps blobs in memory, by the interface of `bellboard.call.BlobStore`."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._kept: dict[str, bytes] = {}

    async def put(self, data: bytes, *, media_type: str, name: str = "") -> chat.BlobRef:
        digest = hashlib.sha256(data).hexdigest()
        self._kept[digest] = data
        return chat.BlobRef(owner=self._owner, sha256=digest, media_type=media_type, size=len(data), name=name)

    async def get(self, ref: chat.BlobRef) -> bytes:
        if ref.sha256 not in self._kept:
            raise BellboardError("that picture or file is not kept")
        return self._kept[ref.sha256]


class Talk:
    """A person in a room with one bot. Call it with a line.

    ``register`` is the bot's own; what it registers can be replaced with `provide`.

    Attributes:
        keep: what the bot remembers.
        marks: the marks as the bot has them; ``marks.by("deploy")`` as another bot has them.
        feeds: what the gateway would serve; ``feeds.served`` by name.
    """

    def __init__(self, bot: Bot, register: Register | None = None, settings: ServiceSettings | None = None) -> None:
        bot.check()
        self.bot = bot
        self.person, self.room = "ann", "general"
        self.blobs = MemoryBlobs(bot.name)
        self._vocabulary = Vocabulary([bot.contract])
        self._providers = Providers()
        self._last: chat.BlobRef | None = None
        self._lines = 0
        self.keep, self.marks, self.feeds = MemoryKeep(), MemoryMarks(bot.name), MemoryFeeds()
        self._providers.register(Keep, lambda: self.keep)
        self._providers.rehearse(Keep, MemoryKeep)
        self._providers.register(Marks, lambda: self.marks)
        self._providers.rehearse(Marks, lambda: self.marks.by(rehearsing=True))
        self._providers.register(Feeds, lambda: self.feeds)
        self._providers.rehearse(Feeds, MemoryFeeds)
        if register is not None:
            register(self._providers, settings or settings_for(BotSettings))

    def provide(self, kind: type[Any], provider: object, *, twin: object = None) -> None:
        """Give the bot this provider of a type, and rehearsing commands its twin. To be called before the first line."""
        assert not self._lines, "provide before the first line: providers are made once"
        self._providers.register(kind, lambda: nullcontext(provider))
        if twin is not None:
            self._providers.rehearse(kind, lambda: nullcontext(twin))

    async def upload(self, data: bytes, *, media_type: str = "image/png", name: str = "") -> chat.BlobRef:
        """Put a file into the room, for lines to come."""
        self._last = await self.blobs.put(data, media_type=media_type, name=name)
        return self._last

    async def __call__(
        self,
        line: str,
        *,
        upload: bytes | None = None,
        id: str = "",
        attempt: int = 1,
        done: Sequence[str] = (),
        cancel: bool = False,
        at: float = 0.0,
        table: chat.Table | None = None,
        cause: pb.Cause.ValueType = pb.CAUSE_UNSPECIFIED,
        room: str | None = None,
        thread: str = "",
        card: str = "",
        batch: Message | None = None,
    ) -> Said:
        """Say a line. ``--sandbox`` in it rehearses.

        Args:
            upload: a picture sent with the line.
            id: the command's id; each line is another command without one.
            attempt, done: runs it as if attempts before had finished these steps.
            cancel: the person cancels it as soon as it runs.
            at: when it came in, in seconds since 1970; now by default.
            table: what is piped into it.
            cause: why it runs. By default a person types it, or, where nobody can, a timer of the bot's own comes.
            room: where, if not in the room that the person is in; "" for none.
            thread, card: the thread it runs in, and the id of the command on whose card it is shown.
            batch: the HookBatch that is handed to it.
        """
        await self._providers.start((Keep, Marks, Feeds, *self.bot.needs))
        self._lines += 1
        sent = await self.upload(upload) if upload is not None else None
        try:
            parsed = self._vocabulary.parse(line, _Here(sent, self._last), piped=table is not None)
        except NotUnderstood as error:
            return Said(NOT_UNDERSTOOD, (replies.failure(error.reason, hint=error.suggestion, code=error.code),), line=line)
        if table is not None and parsed.command.table is not None:
            put(parsed.request, parsed.command.table, table)
        if batch is not None:
            getattr(parsed.request, parsed.command.hook).MergeFrom(batch)
        envelope = self._envelope(parsed, id or command_id("talk", "", self.room, str(self._lines)), at or time.time())
        envelope.cause = cause or (pb.CAUSE_TIMER if parsed.command.internal else pb.CAUSE_LINE)
        if envelope.cause not in TYPED:
            envelope.principal.bot = self.bot.name
        envelope.origin.room = self.room if room is None else room
        envelope.origin.thread, envelope.card = thread, card or envelope.id
        return await self._run(parsed, envelope, attempt, tuple(done), cancel)

    async def _run(self, parsed: Parsed, envelope: pb.Envelope, attempt: int, done: tuple[str, ...], cancel: bool) -> Said:
        progress: list[tuple[chat.Block, ...]] = []
        asked: list[pb.CommandRequest] = []
        steps: list[str] = []

        async def ask(request: pb.CommandRequest) -> None:
            asked.append(request)

        services = CallServices(self.blobs, ask, lambda blocks: progress.append(tuple(blocks)))
        execution = Execution(self.bot, parsed.command, envelope, parsed.request, services, self._providers)
        run = asyncio.create_task(_drive(execution, attempt, done, steps))
        if cancel:
            await eventually(lambda: execution.running or run.done())
            execution.cancel()
        ended = await run
        return Said(
            state=state.name(ended.state),
            blocks=tuple(ended.outcome.reply.blocks),
            progress=tuple(progress),
            result=self.bot.handlers[parsed.command.method].response_type.FromString(ended.outcome.result),
            line=parsed.canonical,
            steps=tuple(steps),
            asks=tuple(Ask.of(request) for request in asked if request.line),
            unasked=tuple(request.key for request in asked if not request.line),
            id=envelope.id,
            trace_id=trace_of(envelope),
        )

    def _envelope(self, parsed: Parsed, id: str, at: float) -> pb.Envelope:
        command = parsed.command
        return pb.Envelope(
            id=id,
            team="home",
            bot=self.bot.name,
            method=command.method,
            digest=self.bot.contract.digest,
            request=split_secrets(command, parsed.request)[0],
            effect=command.effect,
            lane=command.lane,
            principal=pb.Principal(person=self.person),
            preview=parsed.preview,
            force=parsed.force,
            rehearsal=parsed.rehearsal,
            received_at=timestamp(at),
            origin=pb.Origin(system="talk", message=str(self._lines)),
            line=parsed.canonical,
            traceparent=trace.begin(id),
        )

    async def close(self) -> None:
        """Clean up the providers."""
        await self._providers.close()


@dataclass(frozen=True, slots=True)
class _Here(Nowhere):
    """Every person and room is known by the name that is typed; pictures are those that were uploaded."""

    sent: chat.BlobRef | None
    last: chat.BlobRef | None

    def picture(self, word: str = "") -> chat.BlobRef | None:
        return self.sent if not word else self.last


async def _drive(execution: Execution, attempt: int, done: tuple[str, ...], steps: list[str]) -> Ended:
    event = await execution.start(attempt, "talk", done)
    while isinstance(event, StepBegins):
        steps.append(event.name)
        event = await execution.resume(True)
    return event


def settings_for(kind: type[S], **values: object) -> S:
    """A service's settings for a test: what only the bus needs is filled in."""
    needed = {"nkey_file", "trust_file", "box_key_file"} & set(kind.model_fields)
    return kind(**{**dict.fromkeys(needed, os.devnull), "replica": "test", **values})  # type: ignore[arg-type]


TalkTo = Callable[..., Talk]
"""Makes a `Talk`: ``talk_to(bot, register, settings)``."""


@pytest.fixture
async def talk_to() -> AsyncIterator[TalkTo]:
    """Talk to a bot: ``talk_to(bot, register)``; what it needs is cleaned up after the test."""
    opened: list[Talk] = []

    def make(bot: Bot, register: Register | None = None, settings: ServiceSettings | None = None) -> Talk:
        opened.append(Talk(bot, register, settings))
        return opened[-1]

    yield make
    for talk in opened:
        await talk.close()
