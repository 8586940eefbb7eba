"""What is known of a pasted error: whose it is, how often it came in the last day, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bellboard import BellboardError, Block, text
from bellboard.api.logs.v1 import logs_pb2 as pb
from bellboard.marks import Marks
from bellboard.replies import WARNING, code, reply

from .drain import ANY, OTHER
from .ingest.lines import read
from .redact import redact

DAY = 86400.0
AFTER = 1800.0
"""Seconds before a pattern was first seen in which a deploy counts as what it came after."""

MOST_WORDS = 800
"""Words of a pasted error that are looked at."""

WIDEST = 400
"""Characters of a pattern that are shown."""

TELLING = 12
"""Letters that the words of a pattern have in all, at least, for it to be told by."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A pattern that a store knows, and whose it is. ``first`` is when it was there first ever, in seconds since 1970."""

    id: int
    app: str
    template: str
    first: float


@dataclass(frozen=True, slots=True)
class Told:
    """How often lines of a pattern came, and when first and last, in a stretch of time."""

    count: int
    since: float
    last: float


class Kinds(Protocol):
    """The patterns of all apps whose lines are stored here. All of it only reads."""

    async def kinds(self) -> Sequence[Kind]:
        """Every pattern. Raises ProviderError."""

    async def told(self, kind: Kind, start: float, end: float) -> Told | None:
        """How often it came; None if it did not. Raises ProviderError, or UserError where it takes too long."""


def words_of(error: str) -> list[str]:
    """The words of a pasted error; of lines in JSON, those of the message."""
    said = (read(line, now=0.0).message if line.startswith("{") else line for line in error.splitlines())
    return " ".join(said).split()[:MOST_WORDS]


def alike(words: Sequence[str], kinds: Iterable[Kind]) -> list[Kind]:
    """The patterns that stand in a row somewhere in these words; those that say most come first."""
    there = set(words)
    found: list[tuple[int, Kind]] = []
    for kind in kinds:
        pattern = kind.template.split(" ")
        fixed = [word for word in pattern if word != ANY]
        weight = sum(map(len, fixed))
        if kind.template != OTHER and weight >= TELLING and there.issuperset(fixed) and _stands(pattern, words):
            found.append((-weight, kind))
    return [kind for _, kind in sorted(found, key=lambda one: one[0])]


def _stands(pattern: Sequence[str], words: Sequence[str]) -> bool:
    anchor = next(place for place, word in enumerate(pattern) if word != ANY)
    for at, word in enumerate(words):
        begin = at - anchor
        if word != pattern[anchor] or begin < 0 or begin + len(pattern) > len(words):
            continue
        if all(part in (ANY, words[begin + place]) for place, part in enumerate(pattern)):
            return True
    return False


async def answer(error: str, source: Kinds, marks: Marks, *, unasked: bool) -> pb.SeenResponse:
    """What is known of it; nothing is said where nothing is known and nobody asked."""
    now = time.time()
    for kind in alike(words_of(error), await source.kinds())[:3]:
        told = await source.told(kind, now - DAY, now + 60)
        if told is not None:
            return pb.SeenResponse(reply=reply(*await _said(kind, told, marks, now)), count=told.count)
    return pb.SeenResponse() if unasked else pb.SeenResponse(reply=reply(text("nothing like it in the last 24 hours")))


async def _said(kind: Kind, told: Told, marks: Marks, now: float) -> list[Block]:
    times = "once" if told.count == 1 else f"{told.count:,} times"
    new = kind.first >= now - DAY
    after = await _deploy_before(kind, marks) if new else ""
    first = after or ("" if new else f", first {_moment(kind.first, now)}")
    since = "at" if told.count == 1 else "since"
    words = f"{kind.app}: seen {times} {since} {_moment(told.since, now)}{first}"
    return [text(words, tone=WARNING), code(redact(kind.template)[:WIDEST], language="log")]


async def _deploy_before(kind: Kind, marks: Marks) -> str:
    """The last deploy of the app before it was first seen, as ``, first after D142``; empty if there was none just then."""
    try:
        deploys = await marks.between(kind.first - AFTER, kind.first, app=kind.app, kinds=["deploy"])
    except BellboardError:
        return ""
    before = [mark for mark in deploys if mark.at <= kind.first]
    return f", first after {before[-1].id}" if before else ""


def _moment(at: float, now: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    today = moment.date() == datetime.fromtimestamp(now, UTC).date()
    return f"{moment:%H:%M} UTC" if today else f"{moment:%Y-%m-%d %H:%M} UTC"
