"""A worker that dies at a point of our choice, and the ledger that has the next one go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from bellboard import BellboardError
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.call import Call, CallServices
from bellboard.keep.memory import MemoryKeep
from bellboard.marks.memory import MemoryMarks
from bellboard.testing.talk import MemoryBlobs
from bellboard_deploy import ask
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.place import Place
from bellboard_deploy.providers import Environment, Version

STEPS = ("pin", "start", "launch", "shift", "retire", "record")
ONCE = "launch"


class Killed(BaseException):
    """kill -9."""


class Death:
    """Comes at the n-th point, and stays until the next worker."""

    def __init__(self, at: int) -> None:
        self.at, self.points, self.dead = at, 0, False

    def point(self) -> None:
        self.points += 1
        self.dead = self.dead or self.points == self.at
        if self.dead:
            raise Killed


class Mortal:
    """Something whose every method may be where the worker dies: before it has an effect, and after."""

    def __init__(self, inner: object, death: Death) -> None:
        self._inner, self._death = inner, death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        async def method(*args: Any, **named: Any) -> Any:
            self._death.point()
            answer = await found(*args, **named)
            self._death.point()
            return answer

        return method


@dataclass
class WatchedTown(PaperTown):
    """A town on paper that notes every effect."""

    effects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        before = set(self.replicas)
        await super().start(app, version, count, key)
        self.effects += [f"start {name}" for name in sorted(set(self.replicas) - before)]

    async def shift(self, app: str, shares: Any) -> None:
        before = (await self.observe(app)).shares()
        await super().shift(app, shares)
        after = (await self.observe(app)).shares()
        if after != before:
            self.effects.append(f"traffic {after}")

    async def retire(self, app: str, keep: str, tell: Callable[[str, float | None], None]) -> None:
        before = set(self.replicas)
        await super().retire(app, keep, tell)
        self.effects += [f"stop {name}" for name in sorted(before - set(self.replicas))]


@dataclass
class Story:
    """One deploy, the workers that had it, and what came of it."""

    version: str
    town: WatchedTown = field(default_factory=WatchedTown)
    keep: MemoryKeep = field(default_factory=MemoryKeep)
    marks: MemoryMarks = field(default_factory=lambda: MemoryMarks("deploy"))
    done: list[str] = field(default_factory=list)
    begun: str = ""
    asked: dict[int, str] = field(default_factory=dict)
    state: str = "RUNNING"
    error: str = ""
    attempts: int = 0

    async def attempt(self, death: Death) -> None:
        """One worker: it ends the deploy, or dies."""
        self.attempts += 1
        desk = self.desk(death)
        want = ask.Wanted(
            app="shop",
            version=self.version,
            env="sandbox",
            reason="",
            stages=(10, 50, 100),
            gates=("errors<5%",),
            soak=0.01,
        )
        try:
            async for _ in ask.carry_out(self.call(death), want, desk):
                pass
        except Killed:
            if self.begun == ONCE:
                self.state = "UNKNOWN"
        except BellboardError as error:
            self.state, self.error = "FAILED", error.text
        else:
            self.state = "SUCCEEDED"

    def desk(self, death: Death) -> Desk:
        town: Any = Mortal(self.town, death)
        environments = Environments({"sandbox": Environment("sandbox", deployer=town, balancer=town, gauges=town)})
        keep: Any = Mortal(self.keep, death)
        marks: Any = Mortal(self.marks, death)
        return Desk(environments, keep, marks)

    def call(self, death: Death) -> Call:
        async def asks(request: ledger_pb2.CommandRequest) -> None:
            death.point()
            self.asked[request.ordinal] = request.line
            death.point()

        async def steps() -> AsyncIterator[str]:
            for name in [name for name in STEPS if name not in self.done]:
                if self.begun:
                    self.done.append(self.begun)
                self.begun = name
                death.point()
                yield name

        self.begun = ""
        services = CallServices(MemoryBlobs("deploy"), asks, lambda blocks: None)
        envelope = ledger_pb2.Envelope(id="c1", principal=ledger_pb2.Principal(person="ann"))
        return Call(envelope, self.attempts, services, steps)

    async def place(self) -> Place | None:
        """What is remembered of it."""
        return (await self.desk(Death(-1)).places().of("c1"))[0]
