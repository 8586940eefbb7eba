"""What a bot asks for, made into a command: at once by the door, or by a timer when its moment has come."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import BellboardError, BusUnavailable, Unconfirmed
from bellboard.grammar import NotUnderstood
from bellboard.ids import child_id
from bellboard.ledger.subjects import Key
from bellboard.telemetry import logs, names

from .board import Board
from .dispatch import Dispatch
from .inbox import Absent, Inbox
from .limits import Buckets
from .orders import OWN_PATIENCE, START_WITHIN, Order, unrunnable

MAX_THREAD = 64
"""Characters of the id of the message or card that opens a thread."""

AWAY_PATIENCE = 24 * 3600.0
"""Seconds for which what a bot asks of itself waits until the bot is there again."""

CARD_PATIENCE = 30.0
"""Seconds for which the card may be one that nobody knows yet, as it is asked for itself."""

_ID = re.compile(r"[a-z2-7]{26}")

ALARMS_RATE, ALARMS_BURST = 200.0, 2000.0
"""Timers of one bot that fire a second in the long run, and at once: those that came due while nobody was there."""


class NotYet(Exception):
    """It can't be brought now; bring it again."""


class Refused(Exception):
    """It can't run as things stand. That may be otherwise later: for so many seconds of ``patience`` it is tried again."""

    def __init__(self, reason: str, *, line: str = "", patience: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.line, self.patience = reason, line, patience


class _Away(Refused):
    """Nobody is there to run it. A bot's own command waits until the bot is back."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a command runs, and on whose card it is shown; ``refresh``: in place of what that says."""

    origin: pb.Origin
    card: str = ""
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """Brings what bots ask for into the ledger. The same request, brought again, is the same command."""

    board: Board
    dispatch: Dispatch
    inbox: Inbox
    alarms: Buckets = field(default_factory=lambda: Buckets(ALARMS_RATE, ALARMS_BURST))

    async def bring(self, above: pb.Envelope, request: pb.CommandRequest, *, timed: bool, age: float) -> None:
        """Bring a request of the command ``above``, as what is to run or as what was refused. It is in the ledger then.

        Args:
            timed: its moment has come; else it is asked for now.
            age: seconds since it was to be brought.

        Raises:
            NotYet, BusError: bring it again.
        """
        if self.board.known(child_id(request.parent, request.ordinal)):
            return
        buckets = self.alarms if timed else self.dispatch.buckets
        if not buckets.take(f"bot {above.bot}"):
            raise NotYet
        cause = pb.CAUSE_TIMER if timed else pb.CAUSE_BOT
        try:
            await self.dispatch.go_on(await self._order(above, request, cause))
        except Refused as why:
            if age < why.patience:
                raise NotYet from None
            await self.refuse(above, request, cause, why)
        except (BusUnavailable, Unconfirmed):
            raise
        except BellboardError as error:  # it can't be stored, ever
            await self.refuse(above, request, cause, Refused(error.text))

    async def check(self, above: pb.Envelope, request: pb.CommandRequest) -> None:
        """Make sure that a request for later could run as things stand now, but for who is there.

        Raises:
            Refused: it could not.
            BusError: that can't be known now.
        """
        with suppress(_Away):
            await self._order(above, request, pb.CAUSE_TIMER)

    async def refuse(self, above: pb.Envelope, request: pb.CommandRequest, cause: pb.Cause.ValueType, why: Refused) -> None:
        """Write down what was asked for and will never run, on the card of the command that asked. Raises BusError."""
        id, who = child_id(request.parent, request.ordinal), pb.Principal(bot=above.bot)
        logs.emit(names.DOOR_REFUSED, command=id, bot=above.bot, parent=above.id, error=why.reason)
        made = unrunnable(above, id, why.line or request.line, cause, who, self.dispatch.world.now())
        await self.dispatch.insist(Key(made.lane, made.bot, made.id), *self.dispatch.denied(made, why.reason))

    async def _order(self, above: pb.Envelope, request: pb.CommandRequest, cause: pb.Cause.ValueType) -> Order:
        place = await self._place(above, request)
        try:
            first, *then = self.inbox.understand(request.line, place.origin.room, above.principal.person, typed=False)
        except Absent as away:
            own = away.bot == above.bot
            raise _Away(away.reason, line=away.line, patience=AWAY_PATIENCE if own else 0.0) from None
        except NotUnderstood as error:
            raise Refused(error.reason, line=error.line) from None
        if then and place.refresh:
            raise Refused("a pipe can't bring a card up to date", line=first.canonical)
        return Order(
            id=child_id(request.parent, request.ordinal),
            parsed=first,
            then=tuple(then),
            digest=self.inbox.registry.digest(first.command),
            principal=pb.Principal(bot=above.bot),
            cause=cause,
            origin=place.origin,
            parent=above.id,
            card=place.card,
            refresh=place.refresh,
            traceparent=request.traceparent or above.traceparent,
            rehearsal=above.rehearsal,
            patience=OWN_PATIENCE if first.command.bot == above.bot else START_WITHIN,
        )

    async def _place(self, above: pb.Envelope, request: pb.CommandRequest) -> _Place:
        if request.card:
            root = await self._root(above.bot, request.card)
            return _Place(root.origin, root.id, refresh=True)
        if len(request.thread) > MAX_THREAD:
            raise Refused("there is no such thread")
        if request.room and self.inbox.people.room(request.room) is None:
            raise Refused(f"there is no room “{request.room[:40]}”")
        if request.room or request.thread:
            origin, room = above.origin, request.room or above.origin.room
            return _Place(pb.Origin(system=origin.system, workspace=origin.workspace, room=room, thread=request.thread))
        return _Place(above.origin, above.card or above.id)

    async def _root(self, bot: str, id: str) -> pb.Envelope:
        """The command whose card is to be brought up to date. A bot writes on its own cards alone."""
        if not _ID.fullmatch(id):
            raise Refused("there is no such card")
        root = await self.board.envelope(bot, id)
        if root is None:
            raise Refused(f"there is no card {id[:6]}", patience=CARD_PATIENCE)
        if root.bot != bot:
            raise Refused(f"the card {id[:6]} is {root.bot}'s")
        if root.card not in ("", id) or root.refresh:
            raise Refused(f"{id[:6]} has no card of its own")
        return root
