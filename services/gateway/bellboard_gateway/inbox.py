"""From a line to what becomes of it: talk, a command, or a reason why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.command import Kind
from bellboard.grammar import NotUnderstood, Parsed, canonical
from bellboard.ids import command_id
from bellboard.ledger.state import S
from bellboard.telemetry import names

from . import stages
from .board import Board
from .dispatch import CLOSED, UNAVAILABLE, Dispatch
from .enrolments import HOUSE
from .lines import Command, Line, Misunderstood, NotAccepted, Taken, Talk
from .orders import Order
from .people import People, Person
from .registry import Registry
from .scope import Pictures, RoomScope

_CALLED = re.compile(r"\s*(?:[.!](?=[^\W\d_])|@bell[,:]?\s+)", re.IGNORECASE)
"""What makes a line a command whatever its words are: `.`, `!` or `@bell` before it."""

STRANGER = NotAccepted("nobody here knows you; ask an owner to add you to the people's file", final=True)
EDITED = NotAccepted("an edit runs nothing anew; type it as a new line", final=True)

_LINES = {kind: names.LINES.labels(kind.__name__.lower()) for kind in (Command, Talk, Misunderstood, NotAccepted)}
"""How many lines became what."""


class Absent(NotUnderstood):
    """Nobody is there to run it: its ``bot`` is not running."""

    def __init__(self, bot: str, line: str) -> None:
        super().__init__(f"no {bot} bot is running", line=line)
        self.bot = bot


@dataclass(frozen=True, slots=True)
class Inbox:
    """The way in, the same for every adapter."""

    people: People
    registry: Registry
    dispatch: Dispatch
    board: Board
    pictures: Pictures

    async def take(self, line: Line) -> Taken:
        """Say what becomes of a line; a command is in the ledger when this returns.

        The same message again is the same command, so a line may be brought again until there is a verdict.
        """
        taken = await self._take(line)
        _LINES[type(taken)].inc()
        return taken

    async def _take(self, line: Line) -> Taken:
        person = self.people.person(line.person)
        if person is None:
            return STRANGER
        if self.people.room(line.room) is None:
            return NotAccepted(self.people.no_room(line.room), final=True)
        id = command_id(line.system, line.workspace, line.room, line.message, ordinal=line.ordinal, revision=line.revision)
        if known := await self._known(id):
            return known
        if unready := self.board.health() or self.registry.health():
            # Just started, or after the bus was lost, nobody knows what was accepted before, or who is there to run a line.
            not_yet = NotAccepted(f"the gateway is getting ready: {unready}", final=False)
            return not_yet if await self.dispatch.answers() else UNAVAILABLE
        text, called = self._called(line)
        if not called:
            return Talk()
        try:
            parsed = self._parse(text, line.room, line.person, line.uploads)
        except NotUnderstood as error:
            return self.absent(text) or Misunderstood(told(error))
        if away := self._away(parsed):
            return nobody(away, text)
        if line.revision and any(stage.command.effect != options.EFFECT_READ for stage in parsed):
            return EDITED
        return await self.dispatch.run(self._order(id, line, parsed, person))

    def understand(self, text: str, room: str, person: str = "", *, typed: bool = True) -> tuple[Parsed, ...]:
        """Read a line, stage by stage, as if it were typed in a room; by ``person``, or, not ``typed``, asked for by a bot.

        Raises:
            Absent: nobody is there to run it.
            NotUnderstood: it is no command, or not one for people.
        """
        try:
            parsed = self._parse(text, room, person, typed=typed)
        except NotUnderstood as error:
            if away := self._missing(text):
                raise Absent(away, error.line) from None
            raise
        if away := self._away(parsed):
            raise Absent(away, parsed[0].canonical)
        return parsed

    def scope(self, room: str, person: str, uploads: tuple[chat.BlobRef, ...] = ()) -> RoomScope:
        """What names and times mean in a room, as a person types them."""
        return RoomScope(self.people, self.pictures, room, person, uploads)

    def _parse(
        self, text: str, room: str, person: str, uploads: tuple[chat.BlobRef, ...] = (), *, typed: bool = True
    ) -> tuple[Parsed, ...]:
        first, *after = stages.understand(self.registry.vocabulary, text, self.scope(room, person, uploads))
        for stage in (first, *after):
            if typed and stage.command.internal:
                raise NotUnderstood(f"“{stage.command.name}” is for bots", line=first.canonical, suggestion="help")
        return self._discreet(first), *after

    def _away(self, parsed: tuple[Parsed, ...]) -> str:
        """The first bot of a line that nobody is there to run the commands of; empty if all are there."""
        return next((stage.command.bot for stage in parsed if not self.registry.available(stage.command.bot)), "")

    def _called(self, line: Line) -> tuple[str, bool]:
        """The line without what calls for attention, and whether it is a command at all."""
        found = _CALLED.match(line.text)
        text = line.text[found.end() :] if found else line.text
        called = bool(found) or line.explicit or self.registry.vocabulary.knows(text)
        return text, called or bool(self.absent(text))

    def _discreet(self, parsed: Parsed) -> Parsed:
        """A line about a line, as in `can I LINE`, without that one's secrets: nothing seals them, and nothing needs them."""
        rest = next((argument for argument in parsed.command.positionals if argument.kind is Kind.REST), None)
        if parsed.command.bot != HOUSE or rest is None:
            return parsed
        text = getattr(parsed.request, rest.name)
        if (shown := stages.discreet(self.registry.vocabulary, text)) == text:
            return parsed
        setattr(parsed.request, rest.name, shown)
        command, request = parsed.command, parsed.request
        return replace(parsed, canonical=canonical(command, request, mask=True, preview=parsed.preview, force=parsed.force))

    async def _known(self, id: str) -> Command | NotAccepted | None:
        """What is known of a message that was brought before."""
        if view := self.board.known(id):
            return CLOSED if view.record.state == S.STATE_TOMBSTONE else Command(id)
        return await self.dispatch.pending(id)

    def absent(self, text: str) -> Misunderstood | None:
        """Why a line can't be understood, where its bot never said what it can do, or is gone."""
        bot = self._missing(text)
        return nobody(bot, text) if bot else None

    def _missing(self, text: str) -> str:
        """The bot of a line, where it never said what it can do, or is gone; else nothing."""
        words = text[:400].split(None, 8)[:8]
        found = self.registry.vocabulary.find([word.rstrip("!?") for word in words])
        if found is not None:
            return "" if self.registry.available(found[0].bot) else found[0].bot
        return self.registry.absent(words) or ""

    def _order(self, id: str, line: Line, parsed: tuple[Parsed, ...], person: Person) -> Order:
        origin = pb.Origin(
            system=line.system,
            workspace=line.workspace,
            room=line.room,
            thread=line.thread,
            message=line.message,
            ordinal=line.ordinal,
            revision=line.revision,
        )
        return Order(
            id=id,
            parsed=parsed[0],
            then=parsed[1:],
            digest=self.registry.digest(parsed[0].command),
            principal=pb.Principal(person=person.id),
            cause=pb.CAUSE_GRPC if line.system == "grpc" else pb.CAUSE_LINE,
            origin=origin,
            card=self._card(line, id),
            traceparent=line.traceparent,
        )

    def _card(self, line: Line, id: str) -> str:
        """An edited line is shown on the card of the first one."""
        if not line.revision:
            return id
        return command_id(line.system, line.workspace, line.room, line.message, ordinal=line.ordinal)


def told(error: NotUnderstood) -> gateway.NotUnderstood:
    """What is wrong with a line, for adapters."""
    return gateway.NotUnderstood(
        reason=error.reason,
        line=error.line,
        caret=error.caret,
        length=error.length,
        suggestion=error.suggestion,
        corrected=error.corrected,
        code="not_understood",
    )


def nobody(bot: str, text: str) -> Misunderstood:
    """Nobody is there to run it."""
    why = gateway.NotUnderstood(
        reason=f"no {bot} bot is running", line=text[:400], length=1, suggestion="try again when it is back", code="no_bot"
    )
    return Misunderstood(why)
