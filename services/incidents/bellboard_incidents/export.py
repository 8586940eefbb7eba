"""The post-mortem of an incident, as Markdown. Pure: the same incident and record give the same document.

What was recorded is written down; what only people can know is left for them, in *italics*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import yaml

from bellboard.marks import Mark

from .gather import LOOKS, Gathered, Happening, clock, ended
from .markdown import begin, blank, code, image, item, link, table, text
from .model import SEVERITIES, STATUS, Incident, length, severities

QUESTIONS = (
    "What made it possible, and what set it off?",
    "How was it noticed, and could it have been noticed earlier?",
    "What helped, and what got in the way?",
    "Where were we lucky?",
    "What will be done so that it can't happen again, by whom, and until when?",
)
"""What the review is to answer."""

MOST, MOST_MARKS = 1_000, 200
"""Rows of the timeline, and of each table of deploys, alerts and the like."""


@dataclass(frozen=True, slots=True)
class Written:
    """Everything that the document is made of.

    Attributes:
        now: when it is written, in seconds since 1970.
        web: the address of the room's page, for links; empty for none.
    """

    incident: Incident
    gathered: Gathered
    now: float
    web: str = ""

    def card(self, words: str, card: str) -> str:
        """A link to a card; its short id where there is no page."""
        room = quote(self.incident.opening.room, safe="")
        url = f"{self.web.rstrip('/')}/#{room}/{quote(card, safe='')}" if self.web and card else ""
        return link(words, url) if url else code(words)


def document(incident: Incident, gathered: Gathered, *, now: float, web: str = "") -> str:
    """The whole of it."""
    written = Written(incident, gathered, now, web)
    parts = (_front, _title, _summary, _impact, _people, _timeline, _causes, _pictures, _left_open, _questions, _missing)
    return "\n\n".join(part for make in parts if (part := make(written))) + "\n"


def _front(written: Written) -> str:
    incident = written.incident
    closing = incident.closing
    facts = {
        "id": incident.id,
        "title": text_of(incident.title),
        "severity": incident.severity,
        "worst_severity": incident.worst,
        "state": incident.state,
        "opened": _iso(incident.opening.at),
        "opened_by": incident.opening.by,
        "closed": _iso(closing.at) if closing else None,
        "closed_by": closing.by if closing else None,
        "duration": length(incident.length(written.now)),
        "room": incident.opening.room,
        "roles": dict(incident.roles),
        "on_call": [text_of(who) for who in written.gathered.on_call],
        "counts": _counts(written.gathered),
        "written": _iso(written.now),
    }
    dumped: str = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{dumped.rstrip()}\n---"


def text_of(words: str) -> str:
    """Words in one line, as front matter has them."""
    return " ".join(words.split())


def _counts(gathered: Gathered) -> dict[str, int]:
    counts: dict[str, int] = {}
    for happening in gathered.happenings:
        counts[happening.what] = counts.get(happening.what, 0) + 1
    return dict(sorted(counts.items()))


def _title(written: Written) -> str:
    incident, closing = written.incident, written.incident.closing
    state = f"Closed by {text(closing.by)}, {clock(closing.at)} UTC" if closing else f"Still open, {clock(written.now)} UTC"
    rows = [
        ("State", state),
        ("Severity", " → ".join(SEVERITIES.get(one, str(one)) for _, one in severities(incident))),
        ("Opened", f"{clock(incident.opening.at)} UTC by {text(incident.opening.by)}"),
        ("Took" if closing else "So far", length(incident.length(written.now))),
        *_signs(written),
        ("Card", written.card(incident.id, incident.opening.card)),
    ]
    return f"# {incident.id}: {text(incident.title)}\n\n{table(('', ''), rows)}"


def _signs(written: Written) -> Iterator[tuple[str, str]]:
    """What came before it was opened: the first alert, and the last deploy."""
    opened = written.incident.opening.at
    before = [mark for mark in written.gathered.marks if mark.at <= opened]
    alerts, deploys = ([mark for mark in before if mark.kind == kind] for kind in ("alert", "deploy"))
    for title, mark in (("First alert", alerts[:1]), ("Last deploy", deploys[-1:])):
        for one in mark:
            yield title, f"{one.id}: {text(one.title)}, {length(opened - one.at)} before it was opened"


def _summary(written: Written) -> str:
    incident = written.incident
    said = [f"{clock(one.at)} UTC, {one.by}: {one.words}" for one in incident.entries if one.kind == STATUS and one.words]
    if incident.closing and incident.closing.words:
        said.append(f"{clock(incident.closing.at)} UTC, {incident.closing.by}, at the end: {incident.closing.words}")
    nothing = blank("Nobody said where it stood. To be filled in: what happened, in three sentences.")
    return _section("Summary", "\n".join(item(begin(line)) for line in said) or nothing)


def _impact(written: Written) -> str:
    asked = ("Who was affected, and how many", "What they could not do", "For how long", "What it cost")
    return _section("Impact", "\n".join(item(f"{one}: {blank('to be filled in')}") for one in asked))


def _people(written: Written) -> str:
    incident, told = written.incident, written.gathered.on_call
    rows = [(text(role), text(person)) for role, person in sorted(incident.roles.items())]
    rows.append(("opened it", text(incident.opening.by)))
    if incident.closing:
        rows.append(("closed it", text(incident.closing.by)))
    rows += [("on call", text(who)) for who in told] or [("on call", blank("nobody was paged; to be filled in"))]
    return _section("People", table(("role", "who"), rows))


def _timeline(written: Written) -> str:
    happenings = written.gathered.happenings
    kept = happenings[-MOST:]
    rows = [_row(written, one) for one in kept]
    left = f"\n\n{len(happenings) - len(kept)} earlier rows are left out." if len(kept) < len(happenings) else ""
    told = table(("time", "what", "who", "words", "outcome", "where"), rows)
    return _section("Timeline", f"All times are UTC.\n\n{told}{left}")


def _row(written: Written, one: Happening) -> Sequence[str]:
    words = code(one.words) if one.line else text(one.words)
    where = written.card(one.mark or one.card[:6], one.card)
    return (clock(one.at), one.what, text(one.who), words, text(one.outcome), where)


def _causes(written: Written) -> str:
    sections = (("Deploys", ("deploy",)), ("Alerts and pages", ("alert", "page", "silence")), ("Locks and freezes", ("lock",)))
    found = ((title, [mark for mark in written.gathered.marks if mark.kind in kinds]) for title, kinds in sections)
    return "\n\n".join(_section(title, _marks(marks)) for title, marks in found if marks)


def _marks(marks: Sequence[Mark]) -> str:
    left = f"\n\n{len(marks) - MOST_MARKS:,} more are left out." if len(marks) > MOST_MARKS else ""
    return table(("id", "from", "what", "app", "stands"), [_mark(mark) for mark in marks[:MOST_MARKS]]) + left


def _mark(mark: Mark) -> Sequence[str]:
    app = " in ".join(part for part in (mark.app, mark.env) if part)
    return (mark.id, clock(mark.at), text(mark.title), text(app), text(ended(mark)))


def _pictures(written: Written) -> str:
    lines = list(_looks(written))
    return _section("Graphs and answers", "\n\n".join(lines)) if lines else ""


def _looks(written: Written) -> Iterator[str]:
    marks = {mark.id: mark for mark in written.gathered.marks}
    for one in written.gathered.happenings:
        if not one.picture and one.what not in LOOKS:
            continue
        mark = marks.get(one.mark)
        said = f"{one.mark}: {mark.title}" if mark else one.outcome or one.words
        yield f"{begin(said)} ({clock(one.at)} UTC, {written.card(one.mark or one.card[:6], one.card)})"
        if one.picture:
            yield image(said, f"{written.web.rstrip('/')}{one.picture}") if written.web else code(one.picture)


def _left_open(written: Written) -> str:
    incident, gathered = written.incident, written.gathered
    left = [f"{mark.id}: {text(mark.title)} ({text(mark.state)} since {clock(mark.at)} UTC)" for mark in gathered.open]
    left = left[:MOST_MARKS] + [f"{text(one.words)} ({text(one.by)}, {clock(one.at)} UTC)" for one in incident.todos]
    lines = [item(one, open=True) for one in left]
    if incident.closing is None:
        lines.insert(0, item(f"{incident.id} itself", open=True))
    return _section("What stayed open", "\n".join(lines) or "Nothing that is recorded.")


def _questions(written: Written) -> str:
    return _section("Questions", "\n\n".join(f"### {one}\n\n{blank('To be filled in.')}" for one in QUESTIONS))


def _missing(written: Written) -> str:
    lines = [item(begin(one)) for one in written.gathered.missing]
    return _section("What is missing here", "\n".join(lines)) if lines else ""


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def _iso(at: float) -> str:
    return f"{clock(at).replace(' ', 'T')}Z"
