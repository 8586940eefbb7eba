"""The one id space: what happened and can be referred to, in every bot, by a letter and a number.

D142 is a deploy, L17 an answer of the logs, G3 a graph, I7 an incident, K9 a lock or a freeze, A4 an alert, P5 a page,
C2 a cover in a rota, S8 a silence. A handler that takes
``marks: Marks`` after ``*`` may make marks of its bot, and read those of every bot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from bellboard.errors import Failed

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "A": "alert",
        "C": "cover",
        "D": "deploy",
        "G": "graph",
        "I": "incident",
        "K": "lock",
        "L": "logs",
        "P": "page",
        "S": "silence",
    }
)
"""What each letter stands for."""

MOMENTS = frozenset({"logs", "graph"})
"""The kinds of what never goes on: an answer is over when it is given."""

_ID = re.compile(r"([A-Za-z])([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mark that has no id yet. The fields are those of `Mark`."""

    title: str
    at: float
    until: float | None = None
    app: str = ""
    env: str = ""
    person: str = ""
    command: str = ""
    state: str = "running"
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened, or goes on. Change it with `dataclasses.replace` and `Marks.update`.

    Attributes:
        id: a letter and a number, such as D142; never given twice.
        kind: what the letter stands for, see `KINDS`.
        bot: whose it is; the bus vouches for it.
        at, until: from when to when, in seconds since 1970; ``until`` is None while it goes on. Answers
            and graphs are moments: theirs is ``at``.
        title: one line, for graphs and for those who point at the id.
        person: the id of the person behind it.
        command: the id of the command that made it.
        state: "running", "succeeded", "failed", "rolled-back" and the like.
        rehearsal: it was only rehearsed.
    """

    id: str
    kind: str
    bot: str
    app: str = ""
    env: str = ""
    at: float
    until: float | None = None
    title: str
    person: str = ""
    command: str = ""
    state: str = "running"
    rehearsal: bool = False
    detail: Mapping[str, str] = field(default_factory=dict)

    def touches(self, start: float, end: float) -> bool:
        """Whether any of it lies between two moments."""
        return self.at <= end and (self.until is None or self.until >= start)


class NotYours(Failed):
    """A mark may be changed only by the bot that made it, and one that was rehearsed only by a rehearsing command."""


class Marks(Protocol):
    """The marks of every bot. A command that rehearses makes marks that are flagged so; others don't see them in `between`."""

    async def begin(self, letter: str, draft: Draft, *, key: str) -> Mark:
        """Make a mark with the next number of a letter.

        Args:
            letter: one of `KINDS`.
            key: what it is made for, such as the command's id: the same key gives the same mark again, as it is now.

        Raises:
            ValueError: that is no letter.
            BusError: it may have been made; the same key will tell.
        """

    async def update(self, mark: Mark) -> None:
        """Change a mark of this bot's; the last change counts.

        Raises:
            NotYours: it is another bot's, or was never made.
            BusError: it may have been changed.
        """

    async def find(self, id: str) -> Mark | None:
        """The mark of an id, in small or large letters; None if there is none. Raises BusError."""

    async def between(self, start: float, end: float, *, app: str = "", kinds: Sequence[str] = ()) -> Sequence[Mark]:
        """The marks that touch a stretch of time, the oldest first.

        Args:
            start, end: seconds since 1970.
            app: only those of this one.
            kinds: only those of these kinds.

        Raises:
            BusError: they could not be read.
        """


def parse(id: str) -> tuple[str, int] | None:
    """The letter and the number of an id; None if it is none."""
    found = _ID.fullmatch(id.strip())
    if found is None or found[1].upper() not in KINDS:
        return None
    return found[1].upper(), int(found[2])


def named(letter: str, number: int, bot: str, draft: Draft, *, rehearsal: bool) -> Mark:
    """The mark that a draft becomes."""
    return Mark(
        id=f"{letter}{number}",
        kind=KINDS[letter],
        bot=bot,
        app=draft.app,
        env=draft.env,
        at=draft.at,
        until=draft.at if draft.until is None and KINDS[letter] in MOMENTS else draft.until,
        title=draft.title,
        person=draft.person,
        command=draft.command,
        state=draft.state,
        rehearsal=rehearsal,
        detail=draft.detail,
    )


def check_owner(mark: Mark, known: Mark | None, bot: str, *, rehearsing: bool) -> None:
    """Make sure that a bot may change a mark, given how it stands.

    Raises:
        NotYours: it may not.
    """
    if known is None or known.bot != bot or mark.bot != bot:
        raise NotYours(f"{mark.id} is no mark of {bot}")
    if known.rehearsal != rehearsing or mark.rehearsal != rehearsing:
        raise NotYours(f"{mark.id} {'is real' if rehearsing else 'was only rehearsed'}")


def matches(mark: Mark, start: float, end: float, app: str, kinds: Sequence[str], *, rehearsing: bool) -> bool:
    """Whether `Marks.between` is to give a mark."""
    seen = rehearsing or not mark.rehearsal
    return seen and mark.touches(start, end) and (not app or mark.app == app) and (not kinds or mark.kind in kinds)
