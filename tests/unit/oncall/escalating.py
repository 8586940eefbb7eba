"""Escalations with a clock of their own: workers that die at a point of our choice, and a gateway that hands out commands."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.call import Call, CallServices
from bellboard.errors import UserError
from bellboard.ids import child_id
from bellboard.keep.memory import MemoryKeep
from bellboard.ledger.ops import seconds, timestamp
from bellboard.marks.memory import MemoryMarks
from bellboard.testing.talk import MemoryBlobs
from bellboard_oncall.pages import work
from bellboard_oncall.pages.model import OUTSIDE, PAGERDUTY, Page, Policy, Step
from bellboard_oncall.pages.policy import NOBODY_SAID, Contacts, Events
from bellboard_oncall.pages.sending import Notice, NotSent, Unclear
from bellboard_oncall.rota import Person, Shift, Team

BEGAN = 1_800_000_000.0
ROOM = "payments"


class Killed(BaseException):
    """kill -9."""


class Death:
    """Comes when the first of some countdowns has run out, and stays until the next worker. Each counts over all workers."""

    def __init__(self, countdowns: list[int]) -> None:
        self._countdowns, self.points, self.dead = countdowns, 0, False

    def point(self) -> None:
        self.points += 1
        if not self.dead and self._countdowns:
            self._countdowns[0] -= 1
            if self._countdowns[0] == 0:
                self._countdowns.pop(0)
                self.dead = True
        if self.dead:
            raise Killed


class Mortal:
    """Something whose every method may be where the worker dies: before it has an effect, and after."""

    def __init__(self, inner: object, death: Death) -> None:
        self._inner, self._death = inner, death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name in ("teams", "team", "part"):
            return found

        async def method(*args: Any, **named: Any) -> Any:
            self._death.point()
            answer = await found(*args, **named)
            self._death.point()
            return answer

        return method


@dataclass
class PaperRota:
    """A team of three: ann and bo are on call now, in two layers, and cy comes later."""

    policies: Mapping[str, Policy] = field(default_factory=lambda: {"default": NOBODY_SAID})
    contacts: Contacts = field(default_factory=Contacts)
    events: Events = field(default_factory=Events)
    on: tuple[str, ...] = ("ann", "bo")
    problem: str = ""
    rooms: frozenset[str] = frozenset()

    @property
    def people(self) -> Mapping[str, Person]:
        return {name: Person(name, name.title(), UTC) for name in ("ann", "bo", "cy")}

    def team(self, name: str) -> Team:
        if name not in ("", "payments"):
            raise UserError(f"there is no team {name}")
        return Team("payments", ROOM, UTC, "default")

    def teams(self) -> tuple[Team, ...]:
        return (self.team(""),)

    def part(self, name: str) -> Any:
        return {"policies": self.policies, "contacts": self.contacts, "notifiers": self.events}[name]

    async def who(self, team: str, at: float) -> tuple[Shift, ...]:
        return tuple(Shift(team, f"layer{n}", person, at - 60, at + 60) for n, person in enumerate(self.on))

    async def schedule(self, team: str, start: float, end: float) -> tuple[Shift, ...]:
        return (*await self.who(team, start), Shift(team, "layer0", "cy", start + 60, end))


@dataclass
class Sink:
    """The other side: it takes down what reaches it, and answers as it is told to.

    Attributes:
        answers: for each message in turn: "ok", "refused" (nothing is taken), or "silent" (taken, and no answer).
    """

    again: bool = False
    answers: list[str] = field(default_factory=list)
    taken: list[tuple[str, str, str]] = field(default_factory=list)

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def send(self, address: str, notice: Notice) -> None:
        answer = self.answers.pop(0) if self.answers else "ok"
        if answer == "refused":
            raise NotSent("it was refused")
        self.taken.append((notice.key, address, notice.event))
        if answer == "silent":
            raise Unclear("no answer")


@dataclass
class Command:
    """A command that the gateway has accepted."""

    id: str
    line: str
    at: float
    person: str = ""
    room: str = ""
    card: str = ""
    attempt: int = 0
    cause: pb.Cause.ValueType = pb.CAUSE_BOT


@dataclass
class World:
    """A gateway, a bus that forgets nothing, workers that die, and the time.

    Attributes:
        deaths: after how many points workers die, each counted from the death before.
        shown: the rooms in which a fresh card of the page was shown, with the moment.
        refreshed: how often each card was brought up to date.
    """

    rota: PaperRota = field(default_factory=PaperRota)
    outside: Sink = field(default_factory=Sink)
    pager: Sink = field(default_factory=lambda: Sink(again=True))
    keep: MemoryKeep = field(default_factory=MemoryKeep)
    marks: MemoryMarks = field(default_factory=lambda: MemoryMarks("oncall"))
    now: float = BEGAN
    deaths: list[int] = field(default_factory=list)
    shown: list[tuple[str, float]] = field(default_factory=list)
    refreshed: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    points: int = 0
    _queue: list[Command] = field(default_factory=list)
    _known: set[tuple[str, int]] = field(default_factory=set)
    _timers: dict[str, tuple[float, Command]] = field(default_factory=dict)
    _acts: list[tuple[float, int, Any]] = field(default_factory=list)

    def desk(self, death: Death | None = None) -> work.Desk:
        """What a worker has in its hands."""
        death = death or Death([])
        keep: Any = Mortal(self.keep, death)
        marks: Any = Mortal(self.marks, death)
        rota: Any = Mortal(self.rota, death)
        outside: Any = Mortal(self.outside, death)
        pager: Any = Mortal(self.pager, death)
        return work.Desk(keep, marks, rota, {OUTSIDE: outside, PAGERDUTY: pager}, clock=lambda: self.now)

    def call(self, command: Command, death: Death | None = None) -> Call:
        """One attempt at a command."""
        command.attempt += 1
        death = death or Death([])

        async def ask(request: pb.CommandRequest) -> None:
            death.point()
            self._take(request)
            death.point()

        async def steps() -> AsyncIterator[str]:
            return
            yield ""

        envelope = pb.Envelope(
            id=command.id,
            card=command.card or command.id,
            principal=pb.Principal(person=command.person),
            cause=command.cause,
            received_at=timestamp(command.at),
            origin=pb.Origin(room=command.room),
        )
        return Call(envelope, command.attempt, CallServices(MemoryBlobs("oncall"), ask, lambda _: None), steps)

    def _take(self, request: pb.CommandRequest) -> None:
        """As the gateway does: what the same command asked for before is not taken again."""
        if (request.parent, request.ordinal) in self._known:
            return
        self._known.add((request.parent, request.ordinal))
        id = child_id(request.parent, request.ordinal)
        at = seconds(request.at) if request.HasField("at") else self.now
        command = Command(id, request.line, at, room=request.room, card=request.card)
        if request.key:
            self._timers.pop(request.key, None)
        if request.line and request.key:
            self._timers[request.key] = (at, command)
        elif request.line:
            self._queue.append(command)

    def at(self, moment: float, act: Any) -> None:
        """Have a person do something then: an async function of the world."""
        heapq.heappush(self._acts, (moment, len(self._acts), act))

    async def page(self, target: str = "payments", *, id: str = "c1", about: str = "") -> str:
        """Somebody pages; the id."""
        command = Command(id, f"page {target}", self.now, person="dee", room="general")
        while True:
            death = Death(self.deaths)
            desk = self.desk(death)
            try:
                begun = await work.begin(
                    self.call(command, death), desk.keep, desk.marks, desk.rota, target=target, why="it burns", about=about
                )
            except Killed:
                self.killed += 1
                continue
            self.points += death.points
            return begun.id

    async def live(self, until: float = BEGAN + 86400) -> None:
        """Let everything happen that is to happen, until then."""
        while True:
            while self._queue:
                await self._run(self._queue.pop(0))
            due = [at for at, _ in self._timers.values()] + [at for at, _, _ in self._acts]
            if not due or min(due) > until:
                return
            self.now = max(self.now, min(due))
            while self._acts and self._acts[0][0] <= self.now:
                await heapq.heappop(self._acts)[2](self)
            for key in [key for key, (at, _) in self._timers.items() if at <= self.now]:
                _, command = self._timers.pop(key)
                command.cause = pb.CAUSE_TIMER
                self._queue.append(command)

    async def _run(self, command: Command) -> None:
        words = command.line.split()
        if words[1] == "show":
            if command.card:
                self.refreshed[command.card] = self.refreshed.get(command.card, 0) + 1
            else:
                self.shown.append((command.room, self.now))
            return
        while True:
            death = Death(self.deaths)
            call = self.call(command, death)
            try:
                await work.carry(call, self.desk(death), words[2], int(words[3]), int(words[5]))
            except BaseException as error:
                if not _killed(error):
                    raise
                self.killed += 1
                self.now += 10  # until its lease is over
            else:
                self.points += death.points
                return

    async def found(self, id: str) -> Page:
        """The page as it stands."""
        return await self.desk().book.get(id)


def _killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_killed(one) for one in error.exceptions)
    return isinstance(error, Killed)


def three_steps(*, repeat: int = 1, second: Sequence[str] = ("oncall", "next-oncall")) -> Policy:
    """On call at once, two people after a minute, everybody after two."""
    steps = (Step(notify=("oncall",)), Step(notify=tuple(second), after=60.0), Step(notify=("all",), after=60.0))
    return Policy(name="default", steps=steps, repeat=repeat, pause=60.0)


ADDRESSES = Contacts({"ann": ("json://ann/1", "mailto://ann"), "bo": ("json://bo/1",), "cy": ("json://cy/1",)})
