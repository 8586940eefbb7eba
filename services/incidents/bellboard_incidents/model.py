"""An incident: what was said when it was opened, and everything that was added since. Pure; no I/O.

Nothing that was written down is ever changed. Roles, severity and where it stands follow from the entries, so replicas that
write at the same time can't undo each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby

import orjson

from bellboard.stored import revive

NOTE, STATUS, ASSIGNED, CLOSED = "note", "status", "assigned", "closed"
"""What entries there are."""

OPEN = "open"
SEVERITIES = {1: "1, critical", 2: "2, major", 3: "3, minor", 4: "4, low"}
"""The severities in words, the worst first."""

TODO = re.compile(r"\W{0,4}(to-?do|action|follow-?up)\b", re.IGNORECASE)
"""How notes begin that say what is left to be done."""

_ID = re.compile(r"[#]?[iI]?([1-9][0-9]{0,8})")
_PREFIXED = re.compile(r"[#]?[iI][1-9][0-9]{0,8}")

LONGEST_TITLE = 200
"""Characters of the longest title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was added to an incident.

    Attributes:
        kind: one of the above.
        at: when, in seconds since 1970.
        by: the id of the person who did; of a bot's command, the bot's name.
        command: the id of the command that did.
        words: what was said.
        role, person: of ASSIGNED: who is what from now on.
        severity: of STATUS: the severity from now on; 0: as it was.
    """

    kind: str
    at: float
    by: str
    command: str
    words: str = ""
    role: str = ""
    person: str = ""
    severity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How an incident began.

    Attributes:
        id: such as I7.
        at: when, in seconds since 1970.
        by: the id of the person who opened it.
        command: the id of the command that did.
        room: where.
        thread: the message or card in whose thread it is worked on.
        card: the command on whose card it is shown.
    """

    id: str
    title: str
    severity: int
    at: float
    by: str
    command: str
    room: str
    thread: str
    card: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands.

    Attributes:
        closing: how it ended; None while it is open.
        entries: all else that was added, in order of time.
    """

    opening: Opening
    closing: Entry | None = None
    entries: Sequence[Entry] = field(default_factory=tuple)

    @property
    def id(self) -> str:
        return self.opening.id

    @property
    def title(self) -> str:
        return self.opening.title

    @property
    def state(self) -> str:
        return CLOSED if self.closing else OPEN

    @property
    def severity(self) -> int:
        """As it was last said to be."""
        return next((entry.severity for entry in reversed(self.entries) if entry.severity), self.opening.severity)

    @property
    def worst(self) -> int:
        """The worst severity that it ever had."""
        return min([self.opening.severity, *(entry.severity for entry in self.entries if entry.severity)])

    @property
    def roles(self) -> Mapping[str, str]:
        """Who is what now, by role."""
        return {entry.role: entry.person for entry in self.entries if entry.kind == ASSIGNED}

    @property
    def status(self) -> Entry | None:
        """What was last said of where it stands."""
        said = [entry for entry in self.entries if entry.kind == STATUS and entry.words]
        return said[-1] if said else None

    @property
    def todos(self) -> Sequence[Entry]:
        """The notes that say what is left to be done."""
        return [entry for entry in self.entries if entry.kind == NOTE and TODO.match(entry.words)]

    def length(self, now: float) -> float:
        """For how long it went on, or goes on, in seconds."""
        return max(0.0, (self.closing.at if self.closing else now) - self.opening.at)


def put_together(opening: Opening, closing: Entry | None, entries: Iterable[Entry]) -> Incident:
    """An incident from its parts, in whatever order they come."""
    return Incident(opening, closing, tuple(sorted(entries, key=lambda entry: (entry.at, entry.command))))


def severities(incident: Incident) -> Sequence[tuple[float, int]]:
    """Since when it had which severity, in order."""
    told = [(incident.opening.at, incident.opening.severity)]
    told += [(entry.at, entry.severity) for entry in incident.entries if entry.severity]
    return [next(same) for _, same in groupby(told, key=lambda one: one[1])]


def written(part: Opening | Entry) -> bytes:
    """A part as bytes."""
    return orjson.dumps(asdict(part))


def opening(data: bytes) -> Opening:
    """The opening from its bytes."""
    return revive(Opening, orjson.loads(data))


def entry(data: bytes) -> Entry:
    """An entry from its bytes."""
    return revive(Entry, orjson.loads(data))


def number(id: str) -> str:
    """An id as it is written: I7 for "i7", "#I7" and "7"; empty if it is none."""
    found = _ID.fullmatch(id.strip())
    return f"I{found[1]}" if found else ""


def is_id(word: str) -> bool:
    """Whether a word is plainly an id, with its letter."""
    return _PREFIXED.fullmatch(word.strip()) is not None


def length(seconds: float) -> str:
    """Such as "1 h 5 min"; the two largest units that there are."""
    left, parts = round(seconds), []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
