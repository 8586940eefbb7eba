"""What the gateway's own commands work with: the commands of others, and who may touch them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from bellboard import Call, UserError, replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.command import Command
from bellboard.history import History
from bellboard.ledger.state import name as state_name
from bellboard.marks import Marks

from ..board import Board
from ..cards import SHORT
from ..dispatch import Dispatch
from ..enrolments import HOUSE
from ..inbox import Inbox
from ..people import People, Person
from ..policy import Ask, Decision, Policy, Verdict
from ..projection import MIN_PREFIX, View
from ..registry import Registry
from ..trackers import Trackers

SEEN_WITHIN = 2.0
"""Seconds in which the board must have seen the command that looks at it."""

SHOWN = 8
"""Commands offered where an id fits several."""


@dataclass(frozen=True, slots=True)
class Hall:
    """The gateway, as its own commands see it."""

    people: People
    policy: Policy
    registry: Registry
    board: Board
    dispatch: Dispatch
    inbox: Inbox
    trackers: Trackers
    marks: Marks
    history: History

    def person(self, call: Call) -> Person:
        """Who asks.

        Raises:
            UserError: it is no person, or nobody who is known any more.
        """
        person = self.people.person(call.person) if call.person else None
        if person is None:
            raise UserError("only a person can ask for that")
        return person

    async def find(self, call: Call, verb: str, word: str) -> View | chat.Block:
        """The command that is meant: by its id or the beginning of it, or the person's last one here; or a question.

        To ``cancel``, the last one that is not done comes before those that are.

        Raises:
            UserError: there is none.
        """
        await self.see(call)
        if not word:
            return self._last(call, not_done=verb == "cancel")
        id = word.lower().strip("#…. ")
        if len(id) < MIN_PREFIX:
            raise UserError(f"“{word[:20]}” is too short for an id", hint=f"at least {MIN_PREFIX} characters of it")
        found = self.board.matching(id)
        if not found:
            raise UserError(f"there is no command “{word[:40]}”", hint="running lists those that are not done")
        if len(found) > 1:
            newest = sorted(found, key=lambda view: view.began, reverse=True)[:SHOWN]
            choices = [replies.choice(f"{v.key.id[: len(id) + SHORT]} {v.envelope.line}", f"{verb} {v.key.id}") for v in newest]
            return replies.question(f"{len(found)} commands begin with “{id}”. Which one?", *choices)
        return found[0]

    async def see(self, call: Call) -> None:
        """Wait until the board has seen the command that asks, and with it everything that came before.

        Raises:
            UserError: it takes too long.
        """
        try:
            async with asyncio.timeout(SEEN_WITHIN):
                async for _ in self.board.follow(call.id):
                    return
        except TimeoutError:
            raise UserError("the board is behind", hint="try again in a moment") from None

    async def said_lately(self, call: Call, within: float) -> bool:
        """Whether the same command has said something in the same room or thread, at most so many seconds before this one."""
        try:
            await self.see(call)
        except UserError:
            return True
        own = self.board.known(call.id)
        assert own is not None

        def same(view: View) -> bool:
            one, other = view.envelope, own.envelope
            return (
                (view.began, view.key.id) < (own.began, own.key.id)
                and own.began - view.began < within
                and (one.bot, one.method, one.request) == (other.bot, other.method, other.request)
                and one.origin.thread == other.origin.thread
                and (not view.final or bool(view.record.outcome.reply.blocks))
            )

        return any(same(view) for view in self.board.views(call.room))

    def _last(self, call: Call, *, not_done: bool) -> View:
        own = [v for v in self.board.views(call.room) if v.envelope.principal.person == call.person and v.key.bot != HOUSE]
        if not own:
            raise UserError("you have run nothing here yet", hint="name a command's id")
        going = [view for view in own if not view.final] if not_done else []
        return max(going or own, key=lambda view: view.began)

    def stage_of(self, view: View) -> View:
        """The stage that is meant where a pipe is: the newest, once the one named is done."""
        return self.board.pipe(view)[-1] if view.final and view.envelope.pipe else view

    def command(self, view: View) -> tuple[Command, Message]:
        """The command by the contract it was parsed with, and its request without secrets.

        Raises:
            UserError: the contract is not known any more.
        """
        envelope = view.envelope
        command = self.registry.find(envelope.bot, envelope.digest, envelope.method)
        if command is None:
            raise UserError(f"the {view.key.bot} bot has changed since {short(view)} was run", hint="type it again")
        return command, command.request_type.FromString(envelope.request)

    def judge(self, person: Person, view: View) -> Decision:
        """What the rules would say if this person had run it."""
        command, request = self.command(view)
        envelope = view.envelope
        return self.policy.judge(
            Ask(
                pb.Principal(person=person.id),
                command,
                request,
                view.room,
                envelope.cause,
                preview=envelope.preview,
                rehearsal=envelope.rehearsal,
                force=envelope.force,
            )
        )

    def check_may_touch(self, call: Call, view: View) -> None:
        """Make sure that a person may stop a command or say what became of it: it is theirs, or they may run such.

        Raises:
            UserError: they may not.
        """
        person = self.person(call)
        if person.id in self.behind(view):
            return
        decision = self.judge(person, view)
        if decision.verdict is Verdict.DENY:
            raise UserError(f"you may not touch {short(view)}: {decision.reason}")

    def behind(self, view: View) -> set[str]:
        """The people on whose behalf a command runs, also through bots that asked for it."""
        return {who for step in self._line(view) if (who := _person(step.envelope.principal))}

    def _line(self, view: View) -> Iterator[View]:
        seen: set[str] = set()
        step: View | None = view
        while step is not None and step.key.id not in seen:
            seen.add(step.key.id)
            yield step
            step = self.board.known(step.envelope.parent) if step.envelope.parent else None


def _person(principal: pb.Principal) -> str:
    return principal.person or principal.timer.person


def short(view: View) -> str:
    """A command's id, as short as people type it."""
    return view.key.id[:SHORT]


def stands(record: pb.Record | None) -> str:
    """Where a command stands, in words."""
    if record is None:
        return "nobody knows where it stands now"
    return f"it is {state_name(record.state)}" + (f" by {record.by}" if record.by else "")
