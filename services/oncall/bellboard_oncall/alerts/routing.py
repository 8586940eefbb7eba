"""The file that says which alerts go to which room and team.

::

    routes:                          # the first that fits counts; what none fits goes to the room "ops"
      - match: {app: shop, severity: /critical|page/}    # a word, or a pattern for the whole of the label between slashes
        team: payments
        room: payments               # left out: the team's room
        page: true                   # page whoever is on call
        app: service                 # the label that names the app; left out: app, service or job
        graph: graph errors {app}    # the line behind the button
        logs: logs {app} error
    alertmanager: {url: "http://127.0.0.1:9093"}         # where silences are set as well
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bellboard import SettingsError
from bellboard.telemetry import logs, names

from ..given import Given, read
from ..rota import Rota
from ..rota.book import rooms
from .model import URGENT, Route

OPS = "ops"
"""The room of what no file says anything about."""

ROOM = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """A route and what fits it: for each label the pattern of its whole value."""

    match: Mapping[str, re.Pattern[str]]
    exact: Mapping[str, str]
    route: Route
    line: int = 0

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels goes this way."""
        return all(pattern.fullmatch(labels.get(name, "")) for name, pattern in self.match.items())


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Where an Alertmanager's API is, and the file with its token, if it wants one."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What the file says."""

    rules: tuple[Rule, ...] = ()
    alertmanager: Alertmanager | None = None

    def choose(self, labels: Mapping[str, str], rota: Rota) -> Route:
        """Where a group with these labels goes. What no rule fits pages the first team if it is urgent."""
        route = next((rule.route for rule in self.rules if rule.fits(labels)), None)
        teams = {team.name: team for team in rota.teams()}
        if route is None:
            first = next(iter(teams.values()), None)
            urgent = labels.get("severity", "").lower() in URGENT
            return Route(room=OPS, team=first.name if first else "", page=urgent and first is not None)
        team = teams.get(route.team) or (next(iter(teams.values()), None) if route.page else None)
        room = route.room or (team.room if team else "") or OPS
        return replace(route, room=room, team=team.name if team else "", page=route.page and team is not None)


def load(path: Path, teams: Collection[str], known: Collection[str] = ()) -> Table:
    """Read the file. ``known``: the rooms that there are; empty if that is not known.

    Raises:
        SettingsError: it can't be read, or is wrong; it names file and line.
    """
    given = read(path)
    said = given.mapping("routes", "alertmanager") if given else {}
    rules = tuple(_rule(one, teams, known) for one in said["routes"].items()) if "routes" in said else ()
    return Table(rules, _alertmanager(said["alertmanager"]) if "alertmanager" in said else None)


def _rule(given: Given, teams: Collection[str], known: Collection[str]) -> Rule:
    said = given.mapping("match", "room", "team", "page", "app", "env", "graph", "logs")
    match = said["match"].mapping() if "match" in said else {}
    words = {name: said[name].text() for name in said if name not in ("match", "page")}
    if "team" in said and words["team"] not in teams:
        raise said["team"].wrong(f"there is no team “{words['team'][:40]}”", hint=f"there is {', '.join(teams)}")
    if "room" in said and not ROOM.fullmatch(words["room"]):
        raise said["room"].wrong("that can't be a room", hint="its name without the #, such as ops")
    if "room" in said and known and words["room"] not in known:
        raise said["room"].wrong(f"there is no room {words['room']}", hint=f"there is {', '.join(sorted(known)[:8])}")
    for name in ("app", "env"):
        if name in said and not LABEL.fullmatch(words[name]):
            raise said[name].wrong("that can't be a label")
    default = Route()
    route = Route(
        room=words.get("room", ""),
        team=words.get("team", ""),
        page="page" in said and said["page"].flag(),
        app=(words["app"],) if "app" in words else default.app,
        env=(words["env"],) if "env" in words else default.env,
        graph=words.get("graph", ""),
        logs=words.get("logs", ""),
    )
    patterns = {name: _pattern(value) for name, value in match.items()}
    exact = {name: value.text() for name, value in match.items() if not _is_pattern(value.text())}
    return Rule(patterns, exact, route, given.line)


def _is_pattern(word: str) -> bool:
    return len(word) > 1 and word[0] == word[-1] == "/"


def _pattern(value: Given) -> re.Pattern[str]:
    word = value.text()
    try:
        return re.compile(word[1:-1] if _is_pattern(word) else re.escape(word))
    except re.error as error:
        raise value.wrong(f"that is no pattern: {error}") from None


def _alertmanager(given: Given) -> Alertmanager:
    said = given.mapping("url", "token_file")
    url = said["url"].text() if "url" in said else ""
    if not re.fullmatch(r"https?://\S+", url):
        raise given.wrong("an alertmanager needs a url", hint='alertmanager: {url: "http://127.0.0.1:9093"}')
    return Alertmanager(url.rstrip("/"), Path(said["token_file"].text()) if "token_file" in said else None)


class Routing:
    """The file in force. It is read again when it changes; while it is wrong, what it said before stays in force.

    Args:
        file: the routes; None: there are none.
        people_file: where the rooms stand that there are; None: any may be there.
    """

    def __init__(self, file: Path | None, rota: Rota, people_file: Path | None = None) -> None:
        self._file, self._rota, self._people_file = file, rota, people_file
        self._mark: tuple[tuple[int, ...], ...] | None = None
        self._table, self._rooms = Table(), frozenset[str]()
        self.problem = ""
        """What is wrong with the file as it stands now; empty if nothing is."""

    def table(self) -> Table:
        """What it says, as far as it is right."""
        mark = tuple(_state(path) for path in (self._file, self._people_file))
        if mark != self._mark:
            changed, self._mark = self._mark is not None, mark
            self._read(changed, there=bool(mark[0]))
        return self._table

    def choose(self, labels: Mapping[str, str]) -> Route:
        """Where a group with these labels goes; to a room that there is."""
        route = self.table().choose(labels, self._rota)
        if not self._rooms or route.room in self._rooms:
            return route
        return replace(route, room=OPS if OPS in self._rooms else min(self._rooms))

    def _read(self, changed: bool, *, there: bool) -> None:
        self._rooms = rooms(self._people_file)
        try:
            teams = [team.name for team in self._rota.teams()]
            self._table = load(self._file, teams, self._rooms) if self._file and there else Table()
        except SettingsError as error:
            self.problem = str(error)
            logs.emit(names.FILE_REFUSED, error=str(error))
        else:
            self.problem = ""
            if changed:
                logs.emit(names.FILE_RELOADED, files=[str(self._file)])


def _state(path: Path | None) -> tuple[int, ...]:
    """What tells one state of a file from another; empty where there is none."""
    if path is None:
        return ()
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
