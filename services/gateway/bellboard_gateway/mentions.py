"""Who was mentioned where: in talk by ``@name``, or by a bot's text that asks for somebody's attention. In memory; no I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import seconds

from . import cards
from .projection import View
from .triggers import names_in

KEEP = 1_000
"""Mentions that are kept."""

TOLD = 10_000
"""Cards of which it is known whom they have mentioned. One that goes on being brought up to date is not forgotten."""

LONGEST = 200
"""Characters that are kept of what was said."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody was mentioned.

    Attributes:
        number: goes up by one with each.
        id: of the line of talk or the command.
        by: who said it: a person's id, or a bot's name.
        people: who was meant, by id; in talk also names that are nobody's.
        at: when, in seconds since 1970.
    """

    number: int
    id: str
    room: str
    thread: str
    by: str
    people: frozenset[str]
    text: str
    at: float


class Mentions:
    """The newest mentions. A command mentions each person once, however often it changes."""

    def __init__(self, keep: int = KEEP) -> None:
        self.newest = 0
        self._kept: deque[Mention] = deque(maxlen=keep)
        self._told: OrderedDict[str, set[str]] = OrderedDict()

    def line(self, line: pb.RoomLine) -> None:
        """Take in a line of talk."""
        if "@" in line.text:
            self._add(line.id, line.room, line.thread, line.person, names_in(line.text), line.text, seconds(line.at))

    def command(self, view: View) -> None:
        """Take in what a command says now."""
        id = view.envelope.card if view.envelope.refresh else view.key.id  # what is brought up to date was told
        for block in _said(view):
            if block.text.mentions:
                told = self._told.setdefault(id, set())
                self._told.move_to_end(id)
                new = [person for person in block.text.mentions if person not in told]
                told.update(new)
                origin, by = view.envelope.origin, cards.principal(view.envelope.principal)
                self._add(id, origin.room, origin.thread, by, new, block.text.text, seconds(view.record.at))
        if len(self._told) > TOLD:
            self._told.popitem(last=False)

    def of(self, person: str, after: int = 0) -> list[Mention]:
        """The mentions of a person by others, after a number, oldest first."""
        return [one for one in self._kept if one.number > after and person in one.people and one.by != person]

    def _add(self, id: str, room: str, thread: str, by: str, people: Iterable[str], text: str, at: float) -> None:
        if meant := frozenset(people):
            self.newest += 1
            self._kept.append(Mention(self.newest, id, room, thread, by, meant, text[:LONGEST], at))


def _said(view: View) -> Iterable[chat.Block]:
    if view.final and (blocks := view.record.outcome.reply.blocks):
        return blocks
    return view.said.blocks if view.said else ()
