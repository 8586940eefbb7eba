"""Listening to talk: a line that has been stored may call commands without naming them, where its room has that helper on.

Each is a command like any other, with cause TRIGGER, judged as whoever typed the line; what they may not do does not happen,
and nothing is said of it. The line stays talk. Its id and what was matched make the command's id, so however often, and by
however many replicas, a line is brought, each command of it comes once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass

from bellboard import replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command
from bellboard.errors import BusError
from bellboard.grammar import Parsed, canonical
from bellboard.grammar.errors import BadValue
from bellboard.grammar.values import put, read
from bellboard.ids import command_id
from bellboard.telemetry import names

from .helpers import DID_YOU_MEAN
from .inbox import Inbox
from .lines import Line
from .meant import meant
from .orders import Order
from .policy import Chance, Verdict
from .triggers import Match, matches

PATIENCE = 3.0
"""Seconds that a line of talk waits for what it calls; the line itself is stored by then."""

SHOWN = 120
"""Characters of what was matched that stand in the command's line."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Hears what is said in rooms."""

    inbox: Inbox

    async def heard(self, line: Line, *, meant_as_talk: bool = False) -> list[chat.Block]:
        """Bring what a line of talk calls, and return what is offered to whoever typed it, and to nobody else.

        Args:
            meant_as_talk: whoever typed it said that it is no command.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                on = await self.inbox.dispatch.helpers.on(line.room)
                found = self._matches(line, on) if on else []
                await asyncio.gather(*(self._bring(line, match) for match in found))
        except (TimeoutError, BusError):
            return []
        if DID_YOU_MEAN not in on or meant_as_talk or found:
            return []
        return self._offer(line)

    def _matches(self, line: Line, on: Container[str]) -> list[Match]:
        registry, scope = self.inbox.registry, self.inbox.scope(line.room, line.person)
        triggers = [
            (command, trigger)
            for command in registry.vocabulary.commands
            for trigger in command.triggers
            if trigger.name in on and registry.available(command.bot)
        ]
        return matches(line.text, triggers, lambda name: scope.person(name) is not None)

    async def _bring(self, line: Line, match: Match) -> None:
        order = self._order(line, match)
        dispatch = self.inbox.dispatch
        if order is None or dispatch.judge(order).verdict is not Verdict.ALLOW:
            return
        names.HEARD.labels(match.trigger.name).inc()
        await dispatch.run(order)  # what is not certain is found out in the background

    def _order(self, line: Line, match: Match) -> Order | None:
        """The command that was called; None if what was matched is no value of its field."""
        command, scope = match.command, self.inbox.scope(line.room, line.person)
        argument = next(one for one in command.arguments if one.name == match.trigger.field)
        request, shown = (command.request_type.FromString(command.blank) for _ in range(2))
        try:
            put(request, argument, read(argument, match.value, scope))
            put(shown, argument, read(argument, _short(match.value), scope))
        except BadValue:
            return None
        written = canonical(command, shown, mask=True)
        origin = pb.Origin(
            system=line.system,
            workspace=line.workspace,
            room=line.room,
            thread=line.thread,
            message=line.message,
            ordinal=match.ordinal,
        )
        id = command_id(line.system, line.workspace, line.room, line.message, ordinal=match.ordinal)
        return Order(
            id=id,
            parsed=Parsed(command, request, preview=False, force=False, canonical=written),
            digest=self.inbox.registry.digest(command),
            principal=pb.Principal(person=line.person),
            cause=pb.CAUSE_TRIGGER,
            origin=origin,
            card=id,
            traceparent=line.traceparent,
        )

    def _offer(self, line: Line) -> list[chat.Block]:
        inbox = self.inbox

        def may(command: Command) -> bool:
            known = inbox.registry.available(command.bot)
            return known and inbox.dispatch.policy.can_ever(line.person, line.room, command) is not Chance.NO

        fixed = meant(inbox.registry.vocabulary, line.text, may, lambda text: inbox.understand(text, line.room, line.person))
        if not fixed:
            return []
        names.HEARD.labels(DID_YOU_MEAN).inc()
        return [replies.question(f"Did you mean “{fixed}”?", replies.choice(fixed, fixed))]


def _short(value: str) -> str:
    """The first line of what was matched, as far as it is shown."""
    first = value.split("\n", 1)[0].strip()
    return first if len(first) <= SHOWN else f"{first[:SHOWN]}…"
