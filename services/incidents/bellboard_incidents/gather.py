"""What belongs to an incident: its own entries, what has an id, and what was typed and said, in one order. Pure; no I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bellboard.marks import Mark

from .model import ASSIGNED, CLOSED, NOTE, STATUS, Entry, Incident, length
from .record import MISSING, TALK, Row

BEFORE = 1800.0
"""Seconds before the opening from which deploys, alerts and pages count."""

CAUSES = ("alert", "deploy", "page")
"""Kinds of marks that may be from before it was opened."""

LOOKS = ("graph", "logs")
"""Kinds of marks of what somebody only looked at."""

KINDS = (*CAUSES, *LOOKS, "lock", "silence")
"""The kinds of marks that are gathered."""

OVER = frozenset(
    ["succeeded", "failed", "rolled-back", "resolved", "released", "expired", "aborted", "cancelled", "over", "closed"]
)
"""States of marks after which nothing of them is open, whether or not they say when that was."""

_IDS = re.compile(r"\b[A-Z][1-9][0-9]{0,8}\b")
_WORDS = {"deploy": "deploys", "alert": "alerts", "page": "pages", "graph": "graphs", "logs": "looks at logs", "lock": "locks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened.

    Attributes:
        at: when, in seconds since 1970.
        what: such as "note", "command", "talk", "deploy".
        words: what was said; with ``line``, the line of a command.
        outcome: what came of it, in words.
        mark: its id, such as D142.
        card: the message or card that tells more.
        picture: where its picture is, below the address of the page.
    """

    at: float
    what: str
    who: str
    words: str
    line: bool = False
    outcome: str = ""
    mark: str = ""
    card: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that belongs to an incident.

    Attributes:
        happenings: in order of time.
        marks: what has an id, the oldest first.
        open: those of them that were not over when the incident was, or are not now.
        on_call: what was told of who was on call.
        missing: what could not be had, in words.
    """

    happenings: Sequence[Happening]
    marks: Sequence[Mark]
    open: Sequence[Mark]
    on_call: Sequence[str]
    missing: Sequence[str]


def span(incident: Incident, now: float) -> tuple[float, float]:
    """From when to when marks count."""
    return incident.opening.at - BEFORE, incident.closing.at if incident.closing else now


def belonging(incident: Incident, marks: Sequence[Mark], now: float, rows: Sequence[Row] | None = None) -> Sequence[Mark]:
    """Those marks that belong to it. Without a record, looks at graphs and logs are told by their time alone."""
    start, end = incident.opening.at, span(incident, now)[1]
    commands = None if rows is None else {row.id for row in rows if _within(incident, row, end)}

    def belongs(mark: Mark) -> bool:
        if mark.kind in CAUSES:
            return mark.touches(start - BEFORE, end)
        if mark.kind not in LOOKS:
            return mark.kind in KINDS and start <= mark.at <= end
        if commands is not None:
            return mark.command in commands
        here = mark.detail.get("room", incident.opening.room) == incident.opening.room
        return here and start <= (mark.until or mark.at) <= end

    return [mark for mark in marks if belongs(mark)]


def still_open(incident: Incident, marks: Sequence[Mark], now: float) -> Sequence[Mark]:
    """What was not over when the incident was, or is not now."""
    end = span(incident, now)[1]

    def is_open(mark: Mark) -> bool:
        return mark.until > end if mark.until is not None else mark.state not in OVER

    return [mark for mark in marks if mark.kind not in LOOKS and mark.at <= end and is_open(mark)]


def counted(marks: Sequence[Mark]) -> str:
    """Such as "2 deploys · 1 alert"; empty if there are none."""
    counts = Counter(mark.kind for mark in marks)
    said = ((counts[kind], word) for kind, word in _WORDS.items() if counts[kind])
    return " · ".join(f"{many} {word if many > 1 else word.replace('looks', 'look').removesuffix('s')}" for many, word in said)


def gather(incident: Incident, marks: Sequence[Mark], rows: Sequence[Row] | None, now: float) -> Gathered:
    """Put everything in order.

    Args:
        marks: every bot's, at least those that touch `span`.
        rows: the record of the incident's room; None where it could not be had.
    """
    mine, end = belonging(incident, marks, now, rows), span(incident, now)[1]
    known = [row for row in rows or () if row.kind != MISSING]
    told = {mark.command: mark for mark in mine if mark.command}
    early = incident.opening.at - BEFORE
    there = [row for row in known if _within(incident, row, end) or (row.id in told and row.at >= early)]
    shown = [row for row in there if not _is_said_already(row, mine)]
    typed, cards = {row.id for row in shown}, _cards(mine, known)
    found = [_opened(incident), *(_entry(entry) for entry in incident.entries)]
    found += [_entry(incident.closing)] if incident.closing is not None else []
    found += [_typed(row, told.get(row.id)) for row in shown]
    found += [_marked(mark, cards.get(mark.id, mark.command)) for mark in mine if mark.command not in typed]
    in_order = sorted(found, key=lambda one: one.at)
    return Gathered(in_order, mine, still_open(incident, mine, now), _on_call(mine, there), _missing(rows))


def _within(incident: Incident, row: Row, end: float) -> bool:
    """Whether a row is of the incident's time, or of its thread."""
    its_own = incident.opening.thread in (row.thread, row.card)
    return incident.opening.at <= row.at and (row.at <= end or its_own)


def _is_said_already(row: Row, marks: Sequence[Mark]) -> bool:
    """Whether it is said otherwise: a command of the incident's own, one that gathers, a bot's card of what has an id."""
    if row.bot == "incidents" or (row.bot == "house" and row.words.startswith("record")):
        return True
    return row.who == row.bot and not {mark.id for mark in marks}.isdisjoint(_IDS.findall(row.words))


def _cards(marks: Sequence[Mark], rows: Sequence[Row]) -> Mapping[str, str]:
    """The card of each mark: the first on which a bot shows it."""
    ids = {mark.id for mark in marks}
    shown = [(id, row.card) for row in rows if row.who == row.bot for id in _IDS.findall(row.words) if id in ids]
    return dict(reversed(shown))


def _missing(rows: Sequence[Row] | None) -> Sequence[str]:
    if rows is None:
        return ["what was typed and said in the room: it could not be had"]
    gaps = [row for row in rows if row.kind == MISSING]
    return [f"some of what was typed and said, from {clock(row.at)} UTC on: {row.words}" for row in gaps]


def _opened(incident: Incident) -> Happening:
    opening = incident.opening
    words = f"opened {opening.id}: {opening.title} (severity {opening.severity})"
    return Happening(at=opening.at, what="opened", who=opening.by, words=words, card=opening.card)


def _entry(entry: Entry) -> Happening:
    words = entry.words
    if entry.kind == ASSIGNED:
        words = f"{entry.person} is {entry.role}"
    elif entry.severity:
        words = f"severity {entry.severity}{f': {words}' if words else ''}"
    kinds = {NOTE: "note", STATUS: "status", ASSIGNED: "role", CLOSED: "closed"}
    return Happening(at=entry.at, what=kinds[entry.kind], who=entry.by, words=words or "closed", card=entry.command)


def _typed(row: Row, mark: Mark | None) -> Happening:
    if row.kind == TALK:
        return Happening(at=row.at, what=TALK, who=row.who, words=row.words, card=row.id, picture=row.picture)
    outcome = ": ".join(part for part in (row.state.lower().replace("_", " "), row.outcome) if part)
    if mark is not None and mark.kind not in LOOKS:
        outcome = f"{mark.title}: {ended(mark)}"
    return Happening(
        at=row.at,
        what=mark.kind if mark else "command",
        who=row.who,
        words=row.words,
        line=True,
        outcome=outcome,
        mark=mark.id if mark else "",
        card=row.card or row.id,
        picture=row.picture,
    )


def _marked(mark: Mark, card: str) -> Happening:
    at = (mark.until or mark.at) if mark.kind in LOOKS else mark.at
    who = mark.person or mark.bot
    return Happening(at=at, what=mark.kind, who=who, words=mark.title, outcome=ended(mark), mark=mark.id, card=card)


def ended(mark: Mark) -> str:
    """How a mark stands, and after how long where that is known."""
    lasted = mark.until - mark.at if mark.until is not None and mark.kind not in LOOKS else 0
    return f"{mark.state} after {length(lasted)}" if lasted > 0 else mark.state


def _on_call(marks: Sequence[Mark], rows: Sequence[Row]) -> Sequence[str]:
    """What pages and the answers of the rota tell of who was on call, each once."""

    def told() -> Iterator[str]:
        for mark in marks:
            if mark.kind == "page":
                people, target, taken = (mark.detail.get(key, "") for key in ("people", "target", "acked_by"))
                facts = (mark.id, target if people else "was paged", f"taken by {taken}" if taken else "")
                yield f"{people.replace(',', ', ') or target or mark.title} ({', '.join(filter(None, facts))})"
        for row in rows:
            if row.bot == "oncall" and row.words.startswith("oncall who") and row.outcome:
                yield row.outcome

    return list(dict.fromkeys(told()))


def clock(at: float) -> str:
    """A moment in UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
