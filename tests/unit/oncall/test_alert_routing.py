"""Where alerts go: the file of routes, and what it gets when it is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bellboard import SettingsError
from bellboard.telemetry import names
from bellboard_oncall.alerts.model import Route
from bellboard_oncall.alerts.routing import Routing, load
from bellboard_oncall.rota.book import Book

TEAMS = """
teams:
  payments: {room: pay, zone: UTC, rota: {layers: [{name: first, people: [ann], starts: 2020-01-06T09:00, every: 1 week}]}}
  search: {zone: UTC, rota: {layers: [{name: first, people: [bo], starts: 2020-01-06T09:00, every: 1 week}]}}
"""

GOOD = """
routes:
  - match: {app: shop, severity: /critical|page/}
    team: payments
    page: true
  - match: {app: /search-.*/}
    team: search
    room: general
    app: service
    graph: graph latency {service}
  - match: {team: payments}
    team: payments
alertmanager: {url: "http://127.0.0.1:9093/"}
"""


class Teams:
    """The teams of a file, as far as routes ask for them."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def teams(self) -> tuple[Any, ...]:
        return tuple(rota.team for rota in self._book.teams.values())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file of routes."""
    file = tmp_path / "alerts.yaml"
    file.write_text(GOOD)
    return file


def routing(file: Path | None, people: Path | None = None) -> Routing:
    teams = file.parent / "oncall.yaml" if file else None
    if teams:
        teams.write_text(TEAMS)
    return Routing(file, Teams(Book(teams, None, {})), people)  # type: ignore[arg-type]


def test_the_first_route_that_fits_counts(file: Path) -> None:
    """By whole labels, as words or patterns."""
    routes = routing(file)
    assert routes.choose({"app": "shop", "severity": "page"}) == Route(room="pay", team="payments", page=True)
    assert routes.choose({"app": "search-eu"}) == Route(
        room="general", team="search", app=("service",), graph="graph latency {service}"
    )
    assert routes.choose({"app": "shop", "team": "payments", "severity": "pages"}).page is False
    assert routes.choose({"app": "searching"}) == Route(room="ops", team="payments")


def test_without_a_file_what_is_urgent_pages_the_first_team() -> None:
    """And everything goes to the room "ops"."""
    routes = routing(None)
    assert routes.choose({"severity": "critical"}) == Route(room="ops", team="home", page=True)
    assert routes.choose({"severity": "info"}) == Route(room="ops", team="home", page=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("routes:\n  - match: {a: b}\n    team: paymnts\n", "alerts.yaml, line 3: there is no team “paymnts”"),
        ("routes:\n  - room: '#ops'\n", "alerts.yaml, line 2: that can't be a room"),
        ("routes:\n  - room: nowhere\n", "alerts.yaml, line 2: there is no room nowhere"),
        ("routes:\n  - match:\n      app: /(/\n", "alerts.yaml, line 3: that is no pattern"),
        ("routes:\n  - match: {}\n    pgae: true\n", "alerts.yaml, line 3: “pgae” is not known"),
        ("routes:\n  - page: maybe\n", "alerts.yaml, line 2: here should be true or false"),
        ("routes: [\n", "alerts.yaml, line"),
        ("alertmanager: {url: ftp://x}\n", "alerts.yaml, line 1: an alertmanager needs a url"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(file: Path, text: str, said: str) -> None:
    """So that whoever wrote it finds it."""
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load(file, ["payments", "search"], ["ops", "general"])
    assert str(refused.value).startswith(said)


def test_a_wrong_file_leaves_the_old_one_in_force(file: Path) -> None:
    """The log says why; and a right one is read at once."""
    routes = routing(file)
    urgent = {"app": "shop", "severity": "page"}
    assert routes.choose(urgent).room == "pay"
    with capture_logs() as lines:
        _write(file, "routes: 7\n", 1)
        assert routes.choose(urgent).room == "pay"
        assert "line 1" in routes.problem
        _write(file, "routes: []\n", 2)
        assert routes.choose(urgent).room == "ops"
        assert not routes.problem
    assert [line["event"] for line in lines] == [names.FILE_REFUSED.name, names.FILE_RELOADED.name]


def test_a_room_that_is_gone_is_replaced_by_one_that_is_there(file: Path, tmp_path: Path) -> None:
    """An alert is told somewhere, whatever happened to its team's room."""
    people = tmp_path / "people.yaml"
    people.write_text("rooms: [{id: general}, {id: ops}]\n")
    assert routing(file, people).choose({"app": "shop", "severity": "page"}).room == "ops"
    _write(people, "rooms: [{id: general}, {id: pay}]\n", 1)
    assert routing(file, people).choose({"app": "shop", "severity": "page"}).room == "pay"
    assert routing(None, people).choose({"app": "x"}).room == "general"


def _write(file: Path, text: str, at: int) -> None:
    file.write_text(text)
    os.utime(file, (at, at))
