"""The gateway's door for programs: the same rooms, rules and ledger as for people."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import gateway_pb2_grpc
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Argument
from bellboard.command import Command as Spec
from bellboard.errors import BusError
from bellboard.grammar import NotUnderstood
from bellboard.ledger.ops import timestamp
from bellboard.ledger.state import S
from bellboard.rpc import Context, Status, bearer, from_here, header, refuse, status_of
from bellboard.telemetry.trace import Entry, Span, lifecycle

from .board import Board
from .enrolments import HOUSE
from .inbox import Inbox
from .lines import Command, Line, Misunderstood, NotAccepted, Talk
from .people import People, Person
from .policy import Chance, Policy
from .registry import Registry
from .stages import next_id

SYSTEM = "grpc"
OWNERS = "owners"
GENERAL = "general"
MAX_ID = 128
"""Characters of a request id."""

AGAIN = 0.2
"""Seconds between two questions of what became of an unconfirmed line."""

COMES_WITHIN = 5.0
"""Seconds in which what a command asked for has to be on the board."""

_WAITING = frozenset({S.STATE_RECEIVED, S.STATE_AWAITING_APPROVAL, S.STATE_APPROVED, S.STATE_QUEUED, S.STATE_READY})


@dataclass
class Api(gateway_pb2_grpc.GatewayServiceServicer):
    """Serves `GatewayService`. Who calls is told by a bearer token of the people's file.

    Attributes:
        more: what else an operator should put right.
    """

    replica: str
    people: People
    policy: Policy
    registry: Registry
    board: Board
    inbox: Inbox
    more: Callable[[], Iterable[str]] = tuple
    alone: bool = True

    async def RunLine(self, request: pb.RunLineRequest, context: Context) -> AsyncIterator[pb.RunLineResponse]:
        """Run a line, and tell of it until it is final. The same request id again is the same command."""
        person = await self._on_behalf(request.as_person, context)
        room = request.room or GENERAL
        await self._check_room(room, context)
        if len(request.request_id) > MAX_ID:
            await refuse(context, Status.INVALID_ARGUMENT, f"a request id has at most {MAX_ID} characters")
        if not request.request_id and self._has_effect(request.line, room, person):
            await refuse(context, Status.INVALID_ARGUMENT, "what has an effect needs a request id")
        line = Line(
            system=SYSTEM,
            workspace=person.id,  # so that nobody's request ids are anybody else's
            room=room,
            message=request.request_id or uuid.uuid4().hex,
            person=person.id,
            text=request.line,
            explicit=True,
            traceparent=header(context, "traceparent"),
        )
        async for answer in self._tell(line, follow=request.follow):
            yield answer

    async def _tell(self, line: Line, *, follow: bool) -> AsyncIterator[pb.RunLineResponse]:
        said = False
        while True:
            match await self.inbox.take(line):
                case Command(id=id):
                    async for card in self._cards(id):
                        yield pb.RunLineResponse(card=card)
                    if follow:
                        async for card in self._more(id):
                            yield pb.RunLineResponse(card=card)
                    return
                case Misunderstood(why=why):
                    yield pb.RunLineResponse(not_understood=why)
                    return
                case NotAccepted() as answer:
                    if answer.final or not said:
                        why = pb.NotUnderstood(reason=answer.reason, code=answer.code)
                        yield pb.RunLineResponse(not_understood=why)
                    if answer.final:
                        return
                    said = True
                    await asyncio.sleep(AGAIN)
                case Talk():
                    raise AssertionError("an explicit line is never talk")

    async def _cards(self, id: str) -> AsyncIterator[pb.Card]:
        """The cards of a command, and of the stages that follow it, until the last one is final."""
        while id:
            following = ""
            async for view in self.board.follow(id):
                card = await self.board.card(view)
                done = card.final
                if card.state == S.STATE_SUCCEEDED:
                    following = next_id(view.envelope)
                    card.final = not following
                yield card
                if done:
                    break
            id = following

    async def _more(self, id: str) -> AsyncIterator[pb.Card]:
        """The cards of what a command asked for, and its pipe's stages, and of what that asked for in turn."""
        view = self.board.known(id)
        for stage in self.board.pipe(view) if view else []:
            with suppress(BusError):
                for asked in await self.board.asked(stage):
                    if await self._comes(asked):
                        async for card in self._cards(asked):
                            yield card
                        async for card in self._more(asked):
                            yield card

    async def _comes(self, id: str) -> bool:
        """Whether a command comes that was asked for; not everything that a bot asks for is heard."""
        with suppress(TimeoutError):
            async with asyncio.timeout(COMES_WITHIN):
                async for _ in self.board.follow(id):
                    return True
        return False

    def _has_effect(self, text: str, room: str, person: Person) -> bool:
        try:
            parsed = self.inbox.understand(text, room, person.id)
        except NotUnderstood:
            return False
        return any(stage.command.effect != options.EFFECT_READ and not stage.preview for stage in parsed)

    async def WatchRoom(self, request: pb.WatchRoomRequest, context: Context) -> AsyncIterator[pb.WatchRoomResponse]:
        """Tell of everything that happens in a room."""
        await self._caller(context)
        room = request.room or GENERAL
        await self._check_room(room, context)
        async for event in self.board.watch(room, request.after, request.lines_after):
            yield event

    async def ListCommands(self, request: pb.ListCommandsRequest, context: Context) -> pb.ListCommandsResponse:
        """List what the caller may run, and what somebody is there to run."""
        person, listed = await self._caller(context), []
        for command in sorted(self.registry.vocabulary.commands, key=lambda command: command.name):
            if command.internal or not self.registry.available(command.bot):
                continue
            chance = self.policy.can_ever(person.id, request.room or GENERAL, command)
            if chance is not Chance.NO:
                listed.append(_info(command, conditional=chance is Chance.MAYBE))
        return pb.ListCommandsResponse(commands=listed)

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        """Tell which bots are there, what waits, and what an operator should put right."""
        await self._caller(context)
        queued, running = dict[str, int](), dict[str, int]()
        for view in self.board.open():
            count = queued if view.record.state in _WAITING else running
            count[view.key.bot] = count.get(view.key.bot, 0) + 1
        bots = [
            pb.BotStatus(bot=bot, replicas=self._replicas(bot), queued=queued.get(bot, 0), running=running.get(bot, 0))
            for bot in self.registry.bots
        ]
        stuck = self.inbox.dispatch.health()
        files = (self.people.problem, self.policy.problem)
        problems = [*self.registry.problems, *(text for text in (*files, stuck, *self.more()) if text)]
        count_open = sum(queued.values()) + sum(running.values())
        return pb.GetStatusResponse(bots=bots, bus=self.registry.reachable and not stuck, open=count_open, problems=problems)

    def _replicas(self, bot: str) -> list[pb.ReplicaStatus]:
        beats = [replica.beat for replica in self.registry.replicas(bot)]
        told = [
            pb.ReplicaStatus(replica=beat.replica, version=beat.version, last_heartbeat=beat.at, draining=beat.draining)
            for beat in beats
        ]
        if bot == HOUSE and not told:
            told.append(pb.ReplicaStatus(replica=self.replica))
        return told

    async def GetTrace(self, request: pb.GetTraceRequest, context: Context) -> pb.GetTraceResponse:
        """List the spans of a command's life, made from its records."""
        await self._caller(context)
        view = self.board.view(request.id.lower())
        if view is None:
            await refuse(context, Status.NOT_FOUND, "there is no such command, or the id begins several")
        try:
            history = await self.board.history(view.key.id)
        except BusError as error:
            await refuse(context, status_of(error), error.text)
        spans = lifecycle(Entry(*entry) for entry in history)
        trace_id = spans[0].trace_id if spans else ""
        return pb.GetTraceResponse(
            trace_id=trace_id, spans=[_span(span) for span in spans], trace_url=self.board.trace_url(trace_id)
        )

    async def _check_room(self, room: str, context: Context) -> None:
        if self.people.room(room) is None:
            await refuse(context, Status.NOT_FOUND, self.people.no_room(room))

    async def _caller(self, context: Context) -> Person:
        person = self.people.by_token(token) if (token := bearer(context)) else None
        if person is None:
            await refuse(context, Status.UNAUTHENTICATED, "show a token of the people's file: authorization: Bearer TOKEN")
        return person

    async def _on_behalf(self, other: str, context: Context) -> Person:
        """The caller; or another person, which owners on this machine may speak for."""
        caller = await self._caller(context)
        if not other or other == caller.id:
            return caller
        if OWNERS not in caller.groups or not self.alone or not from_here(context):
            await refuse(context, Status.PERMISSION_DENIED, "only an owner, on this machine, may speak for others")
        person = self.people.person(other)
        if person is None:
            await refuse(context, Status.NOT_FOUND, self.people.no_person(other))
        return person


def _info(command: Spec, *, conditional: bool) -> pb.CommandInfo:
    return pb.CommandInfo(
        phrase=command.name,
        summary=command.summary,
        usage=command.usage,
        bot=command.bot,
        effect=command.effect,
        examples=command.examples,
        arguments=[_argument(argument) for argument in command.arguments],
        available=True,
        conditional=conditional,
    )


def _argument(argument: Argument) -> pb.ArgumentInfo:
    return pb.ArgumentInfo(
        name=argument.name,
        form=argument.form,
        help=argument.help,
        default=argument.default,
        suggestions=argument.suggestions or argument.choices,
        secret=argument.secret,
        required=argument.required,
    )


def _span(span: Span) -> pb.Span:
    told = pb.Span(
        name=span.name,
        span_id=span.span_id,
        parent_id=span.parent_id,
        service=span.service,
        start=timestamp(span.start),
        state=span.state,
    )
    if span.end is not None:
        told.end.CopyFrom(timestamp(span.end))
    return told
