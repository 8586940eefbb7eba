"""What the bot needs from outside: environments, and for each of them who deploys, who balances, and who measures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bellboard import Failed, Providers
from bellboard.keep import Keep
from bellboard.marks import Marks

from .model import (
    Backend,
    Commit,
    Counted,
    Measure,
    Observed,
    Order,
    Outcome,
    Reading,
    Replica,
    Step,
    Tell,
    Version,
)
from .settings import Settings

if TYPE_CHECKING:
    from .environments import Environments

__all__ = [
    "Backend",
    "Balancer",
    "Commit",
    "Counted",
    "Deployer",
    "Environment",
    "Gauges",
    "Lease",
    "Measure",
    "Observed",
    "Order",
    "Outcome",
    "Pausable",
    "Reading",
    "Replica",
    "Step",
    "Taken",
    "Tell",
    "Trigger",
    "Version",
    "register",
]


class Deployer(Protocol):
    """Runs versions of apps in one environment. Every method is safe to call again with the same arguments.

    Every method raises UserError for an unknown app or version, with the nearest as its hint, ProviderError where the
    environment did not do it or did not say, and Failed where it is certain that what was begun gets no further.

    Attributes:
        name: of the kind, for people: "sandbox".
    """

    name: str

    async def apps(self) -> Sequence[str]:
        """The names of the apps that it can deploy."""

    async def versions(self, app: str) -> Sequence[Version]:
        """What can be deployed, the oldest first."""

    async def pin(self, app: str, version: str) -> Version:
        """What a version's name means now. Its digest never changes; a name may come to mean another digest."""

    async def observe(self, app: str) -> Observed:
        """What runs now."""

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        """Have ``count`` replicas of a version, named after ``key`` (``shop-d142-1``), ready and with weight 0.

        Those that are there already are left as they are, weight included. Where versions take each other's place
        (`Environment.in_place`) nothing is started yet: it is made sure that the version would be taken, and what it is.
        """

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        """Send these percents of the traffic (100 in all) to the versions of these names, and nothing to any other.

        A replica that was drained by hand beside others of its version stays so. No request is lost by it. Where versions
        take each other's place, shares are as near as whole replicas allow.

        Raises:
            ProviderError: a version with a share has no replica that is ready; nothing is changed.
        """

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        """Drain and stop the replicas of every version but ``keep``; requests that run are finished."""

    async def scale(self, app: str, count: int, key: str, tell: Tell) -> None:
        """Have ``count`` replicas of the version that takes the traffic; new ones are named after ``key``."""

    async def restart(self, app: str, key: str, tell: Tell) -> None:
        """Replace every replica by one of the same version, named after ``key``, a few at a time; no request is lost."""

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        """What changes from one version to another, the newest first; empty where that is not known."""


@runtime_checkable
class Pausable(Protocol):
    """A deployer that can stop half-way through a `Deployer.shift`, which waits meanwhile."""

    async def pause(self, app: str, still: bool) -> None:
        """Have a shift stand still, or go on. Nothing happens where that can't be."""


class Trigger(Protocol):
    """Has somebody else deploy: a program, or a workflow. What it starts can't be taken back, and must not start twice.

    Attributes:
        name: of the kind, for people: "command", "github".
    """

    name: str

    async def apps(self) -> Sequence[str]:
        """The names of the apps that it can deploy."""

    async def pin(self, app: str, version: str) -> Version:
        """What a version's name means now, its ``digest`` being the commit.

        Raises:
            UserError: there is no such app or version.
        """

    def run(self, app: str, version: Version, key: str) -> AsyncIterator[Step]:
        """Start it and follow it to its end. ``key`` goes along, so that `find` can find it again.

        Closing the iterator, or cancelling whoever waits for it, stops what runs where it can be stopped.

        Raises:
            Failed: it did not work, and that is certain.
            ProviderError: nobody knows what became of it.
        """

    async def find(self, app: str, key: str) -> Outcome | None:
        """What became of the one with this key; None if that is not known. Without any effect."""

    async def current(self, app: str) -> Version | None:
        """What is deployed, as far as it can tell."""

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        """What changes from one version (a name or digest) to another, the newest first; empty where that is not known."""


class Balancer(Protocol):
    """Spreads requests over backends. Every method is safe to call again.

    Every method raises UserError for an unknown app or backend, with the nearest as its hint, and ProviderError.

    Attributes:
        name: of the kind, for people: "caddy", "haproxy".
    """

    name: str

    async def apps(self) -> Sequence[str]:
        """The names of what it balances."""

    async def backends(self, app: str) -> Sequence[Backend]:
        """Its backends, by name."""

    async def weight(self, app: str, backend: str, weight: int) -> None:
        """Give a backend a weight from 0 to 100."""

    async def drain(self, app: str, backend: str) -> None:
        """Send it no new requests; those that run are finished.

        Raises:
            UserError: it is the last one that takes any.
        """

    async def enable(self, app: str, backend: str) -> None:
        """Send it requests again, as many as the others of its version."""


class Gauges(Protocol):
    """Measures how a version does."""

    async def read(self, app: str, version: str, measure: Measure, window: float) -> Reading:
        """One measure over the last ``window`` seconds.

        Raises:
            ProviderError: it can't be asked.
        """

    async def count(self, app: str, version: str, seconds: float) -> Counted:
        """All requests of a version that began to run so many seconds ago, as far as they are known.

        Raises:
            ProviderError: it can't be asked.
        """


class Lease(Protocol):
    """Keeps others away from an app where their turns don't: a rehearsal and a real deploy, or two names of one place."""

    async def hold(self, app: str, key: str, who: str, seconds: float) -> None:
        """Have an app for so many seconds from now; again is longer, and 0 lets it go. ``who`` says it to the others.

        Raises:
            Taken: somebody else has it.
            ProviderError: it is not known.
        """


class Taken(Failed):
    """Somebody else changes the app at the moment."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One place to deploy to: either a deployer or a trigger, and what else there is.

    Attributes:
        replicas: how many copies an app gets where none runs yet.
        in_place: a new version takes the place of the old one; none of its replicas are started beside those that run.
        whole: apps that can't be shifted in stages.
        ordered: this environment under an `Order`; without it, who asks makes no difference to it.
    """

    name: str
    deployer: Deployer | None = None
    trigger: Trigger | None = None
    balancer: Balancer | None = None
    gauges: Gauges | None = None
    lease: Lease | None = None
    replicas: int = 2
    in_place: bool = False
    whole: frozenset[str] = frozenset()
    ordered: Callable[[Order], Environment] | None = None

    def under(self, order: Order) -> Environment:
        """The environment that changes only what this order is for, and refuses its repeat."""
        return self.ordered(order) if self.ordered else self


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made."""
    from .desk import Desk  # not before they are needed: they import this module
    from .making import real, twins

    @asynccontextmanager
    async def desk(make: Callable[[Settings], AbstractAsyncContextManager[Environments]]) -> AsyncIterator[Desk]:
        async with make(settings) as environments:
            yield Desk(environments, providers.get(Keep), providers.get(Marks))

    providers.register(Desk, lambda: desk(real))
    providers.rehearse(Desk, lambda: desk(twins))
