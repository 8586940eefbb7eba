"""What people see of incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bellboard import Block, choice, question, table, text
from bellboard.marks import Mark
from bellboard.replies import BAD, GOOD, WARNING

from .gather import Gathered, belonging, clock, counted, still_open
from .model import NOTE, SEVERITIES, Incident, Opening, length

MOST_ROWS = 60
"""Rows of a timeline on a card."""

LONGEST = 160
"""Characters of a cell there."""


def card(incident: Incident, marks: Sequence[Mark], now: float) -> list[Block]:
    """An incident as its card has it: what it is, how it stands, who does what, what was gathered, and what can be done."""
    mine = belonging(incident, marks, now)
    opening, closing = incident.opening, incident.closing
    if closing is None:
        head = text(f"{incident.id}: {incident.title}", tone=BAD if incident.severity <= 2 else WARNING)
        state = f"open since {clock(opening.at)} UTC, by {opening.by}"
    else:
        head = text(f"{incident.id}: {incident.title}, closed", tone=GOOD)
        after = f": {closing.words}" if closing.words else ""
        state = f"closed by {closing.by} at {clock(closing.at)} UTC, after {length(incident.length(now))}{after}"
    status = incident.status
    notes = sum(entry.kind == NOTE for entry in incident.entries)
    rows = [
        ("state", state),
        ("severity", SEVERITIES.get(incident.severity, str(incident.severity))),
        ("roles", ", ".join(f"{role} {who}" for role, who in sorted(incident.roles.items())) or "nobody has one yet"),
        ("status", f"{status.words} ({status.by}, {clock(status.at)} UTC)" if status else "nobody has said where it stands"),
        ("gathered", " · ".join(part for part in (counted(mine), f"{notes} note{'s' * (notes != 1)}") if part)),
    ]
    if closing is not None and (left := left_open(incident, mine, now)):
        rows.append(("stayed open", left))
    return [head, table(["what", "how it stands"], rows), buttons(incident)]


def left_open(incident: Incident, marks: Sequence[Mark], now: float) -> str:
    """What was not over when it was closed, and what is left to be done; empty for nothing."""
    said = [f"{mark.id} {mark.title}" for mark in still_open(incident, marks, now)] + [one.words for one in incident.todos]
    return ", ".join(_short(one) for one in said)


def buttons(incident: Incident) -> Block:
    """What can be done next. A line that still wants words is offered to be finished."""
    id, last = incident.id, max([incident.opening.at, *(entry.at for entry in incident.entries)])
    asked = [choice("Timeline", f"incident timeline {id}"), choice("Export", f"incident export {id}")]
    if incident.closing is not None:
        return question(f"{id} is closed.", *asked)
    more = [choice("Note…", f"incident note --id {id} "), choice("Status…", f"incident status --id {id} ")]
    ended = choice("Close", f"incident close {id}", tone=GOOD)
    return question(f"What next? (as of {clock(last)} UTC)", *more, *asked, ended)


def timeline(incident: Incident, gathered: Gathered) -> list[Block]:
    """What happened, in order: the newest that a card holds, and what could not be had."""
    rows = [
        (
            datetime.fromtimestamp(one.at, UTC),
            f"{one.what}{f' {one.mark}' if one.mark else ''}",
            one.who,
            _short(one.words),
            _short(one.outcome),
        )
        for one in gathered.happenings
    ]
    left = f", the newest {MOST_ROWS} here" if len(rows) > MOST_ROWS else ""
    head = text(f"{incident.id}: {incident.title}; {len(rows)} entries{left}")
    missing = [text(f"missing: {one}", tone=WARNING) for one in gathered.missing]
    return [head, table(["time", "what", "who", "words", "outcome"], rows[-MOST_ROWS:]), *missing]


def listed(openings: Sequence[tuple[Opening, bool]], now: float, *, everything: bool) -> list[Block]:
    """The incidents, the newest first."""
    shown = [(one, is_open) for one, is_open in openings if is_open or everything]
    if not shown:
        said = "there has been no incident yet" if everything else "no incident is open"
        return [text(said, tone=GOOD)]
    rows = [
        (
            one.id,
            one.title,
            one.severity,
            "open" if is_open else "closed",
            f"#{one.room}",
            one.by,
            datetime.fromtimestamp(one.at, UTC) if everything else timedelta(seconds=max(0, round(now - one.at))),
        )
        for one, is_open in shown
    ]
    return [table(["id", "incident", "severity", "state", "room", "by", "opened" if everything else "for"], rows)]


def which(openings: Sequence[Opening], begin: str, end: str) -> Block:
    """Which of several is meant: ``begin``, an id, ``end`` is the line that is run."""
    choices = [choice(f"{one.id}: {_short(one.title)}", f"{begin}{one.id}{end}") for one in openings]
    return question("Which incident?", *choices)


def none_open() -> Block:
    """That no incident is open here, and how one is opened."""
    choices = choice("Open one…", "incident open "), choice("List them", "incident list --all")
    return question("No incident is open here.", *choices)


def ended(incident: Incident, marks: Sequence[Mark], now: float) -> list[Block]:
    """That it is closed, after how long, and what stayed open."""
    head = text(f"{incident.id} is closed after {length(incident.length(now))}: {incident.title}", tone=GOOD)
    left = left_open(incident, marks, now)
    more = [text(f"stayed open: {left}", tone=WARNING)] if left else [text("nothing that is recorded stayed open")]
    return [head, *more, question("What comes next?", choice("Export", f"incident export {incident.id}"))]


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
