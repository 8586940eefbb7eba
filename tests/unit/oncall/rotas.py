"""Rotas for tests: from a few lines of YAML to what the engine works with."""

from __future__ import annotations

from datetime import UTC, datetime

from bellboard_oncall.given import parse
from bellboard_oncall.rota import Person
from bellboard_oncall.rota.file import read_teams
from bellboard_oncall.rota.model import TeamRota

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC).timestamp()
"""When the rotas of these tests are read."""

PEOPLE = {name: Person(name, name.capitalize(), UTC) for name in ("ann", "bo", "cy", "di")}


def rotas(text: str, now: float = NOW, people: dict[str, Person] | None = None) -> dict[str, TeamRota]:
    """The teams of a file."""
    whole = parse(text, "oncall.yaml")
    assert whole is not None
    return read_teams(whole.mapping()["teams"], PEOPLE if people is None else people, now)


def team(rota: str, *, zone: str = "Europe/Berlin", now: float = NOW) -> TeamRota:
    """The team "payments" with this rota: the lines below ``rota:``."""
    lines = "\n".join(f"      {line}" for line in rota.strip("\n").splitlines())
    return rotas(f"teams:\n  payments:\n    zone: {zone}\n    rota:\n{lines}\n", now)["payments"]


def at(said: str) -> float:
    """A moment in UTC, such as 2026-11-02T09:00."""
    return datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp()
