"""Incidents for tests: one with all that there is, and one of which hardly anything is known.

``python -m tests.unit.incidents.stories`` writes their documents anew, to be looked at before they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bellboard.marks import KINDS, Mark
from bellboard_incidents.export import document
from bellboard_incidents.gather import gather
from bellboard_incidents.model import ASSIGNED, CLOSED, NOTE, STATUS, Entry, Incident, Opening, put_together
from bellboard_incidents.record import Row

NOON = 1_795_435_200.0
"""23 November 2026, 12:00 UTC, in seconds since 1970."""

WEB = "https://bells.example"
GOLDEN = Path(__file__).parent / "golden"
PICTURE = f"/blob/graphs/{'ab' * 32}?type=image%2Fpng&size=1234"

OPENING = Opening(
    id="I7",
    title="checkout fails | for *everybody*",
    severity=2,
    at=NOON,
    by="ann",
    command="open7",
    room="ops",
    thread="open7",
    card="open7",
)


def entry(minutes: float, kind: str, words: str = "", by: str = "ann", **more: str | int) -> Entry:
    """Something added so many minutes after the opening."""
    at = NOON + 60 * minutes
    return Entry(kind=kind, at=at, by=by, command=f"{kind}{minutes:g}", words=words, **more)  # type: ignore[arg-type]


def mark(id: str, bot: str, title: str, at: float, until: float | None = None, *, state: str, **more: object) -> Mark:
    """A mark, its moments in minutes after the opening."""
    ended = None if until is None else NOON + 60 * until
    return Mark(id=id, kind=KINDS[id[0]], bot=bot, title=title, at=NOON + 60 * at, until=ended, state=state, **more)  # type: ignore[arg-type]


def row(minutes: float, who: str, words: str, *, kind: str = "command", id: str = "", **more: str) -> Row:
    """A row of the record, so many minutes after the opening."""
    own = id or f"{kind[0]}{minutes:g}"
    state = {"state": "SUCCEEDED"} if kind == "command" else {}
    return Row(NOON + 60 * minutes, kind, who, words, **{"id": own, "card": own, **state, **more})


ENTRIES = (
    entry(1, ASSIGNED, role="lead", person="ann"),
    entry(2, ASSIGNED, role="scribe", person="bo", by="bo"),
    entry(3, STATUS, "we look at the deploy of 11:50"),
    entry(6, NOTE, "db-1 is fine: `SELECT 1` works | in 2 ms", by="bo"),
    entry(9, STATUS, "rolling back", severity=1),
    entry(14, NOTE, "todo: tell the <b>customers</b>", by="bo"),
    entry(20, STATUS, "# all is well", severity=3),
)
PAGED = {"target": "payments", "people": "ann,bo", "acked_by": "ann"}
MARKS = (
    mark(
        "D141", "deploy", "shop v1 → v2", -10, -8, state="succeeded", app="shop", env="prod", person="cy", command="deploy141"
    ),
    mark("A3", "oncall", "TooManyErrors shop", -4, 16, state="resolved", app="shop"),
    mark("P5", "oncall", "payments: TooManyErrors shop", -3, 2, state="acknowledged", detail=PAGED),
    mark("G9", "graphs", "errors of shop", -60, 4, state="succeeded", app="shop", person="ann", command="graph9"),
    mark("G10", "graphs", "elsewhere", -60, 4, state="succeeded", app="shop", person="di", command="elsewhere"),
    mark("L4", "logs", "57 lines of shop", -15, 5, state="succeeded", app="shop", person="bo", command="logs4"),
    mark("K2", "deploy", "prod locked: incident", 8, state="held", env="prod", person="ann"),
    mark("D142", "deploy", "shop v2 → v1", 10, 12, state="succeeded", app="shop", env="prod", person="ann", command="back142"),
    mark("A4", "oncall", "DiskFull db-1", 18, state="firing", app="db"),
)
ROWS = (
    row(-20, "di", "good morning", kind="talk"),
    row(-10, "cy", "deploy shop v2 to prod", id="deploy141", bot="deploy", outcome="v2 runs"),
    row(-4, "oncall", "alert show A3", id="card3", bot="oncall"),
    row(0, "ann", "incident open checkout fails", id="open7", bot="incidents"),
    row(3.5, "di", "nobody can pay\n\n| really |", kind="talk"),
    row(4, "ann", "graph errors shop --since 1h", id="graph9", bot="graphs", outcome="Errors of shop, 12 %", picture=PICTURE),
    row(5, "bo", "logs shop /a|b/ --since 20m", id="logs4", bot="logs", outcome="57 lines of shop"),
    row(7, "ann", "oncall who payments", id="who", bot="oncall", outcome="ann until 17:00, then bo"),
    row(10, "ann", "rollback shop in prod", id="back142", bot="deploy", outcome="D142: v1 runs"),
    row(11, "bo", "lb drain shop-v2-1", id="drain", bot="deploy", state="FAILED", outcome="there is no shop-v2-1"),
    row(22, "ann", "record in #ops | incident gathered I7", id="gather", bot="house"),
    row(40, "di", "thanks!", kind="talk"),
    row(41, "di", "see https://example.org", kind="talk", thread="open7"),
)
CLOSING = entry(21, CLOSED, "v1 is back; the cause is known")


def whole() -> Incident:
    """One with all that there is."""
    return put_together(OPENING, CLOSING, reversed(ENTRIES))


def bare() -> Incident:
    """One of which hardly anything is known, still open."""
    return put_together(OPENING, None, ())


def documents() -> dict[str, str]:
    """Their documents, by the name of the file."""

    def made(incident: Incident, marks: Sequence[Mark], rows: Sequence[Row] | None, web: str) -> str:
        now = NOON + 3600
        return document(incident, gather(incident, marks, rows, now), now=now, web=web)

    return {"whole.md": made(whole(), MARKS, ROWS, WEB), "bare.md": made(bare(), MARKS, None, "")}


if __name__ == "__main__":
    for name, written in documents().items():
        (GOLDEN / name).write_text(written)
