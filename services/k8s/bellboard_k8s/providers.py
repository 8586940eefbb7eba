"""What the bot needs from outside: somebody who looks into a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bellboard import Providers

from .settings import Settings

Fields = Mapping[str, Any]
"""An object of Kubernetes', as its API gives it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects.

    Attributes:
        plural: its name in the API, such as "deployments".
        group, version: of its API; the group of the oldest kinds is empty.
        name: such as "Deployment".
        namespaced: whether its objects are in namespaces.
        names: every word that it may be called by, in small letters.
    """

    plural: str
    group: str
    version: str
    name: str
    namespaced: bool
    names: frozenset[str]

    @property
    def full(self) -> str:
        """Plural and group, as in settings."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of Kubernetes'. ``main`` says that people look at it first."""

    name: str
    type: str
    main: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An object in such a table: its cells, and its metadata."""

    cells: Sequence[Any]
    meta: Fields


@dataclass(frozen=True, slots=True)
class Listed:
    """What Kubernetes shows of some objects; ``more`` says that there are others besides."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    more: bool = False


class Look(Protocol):
    """A look into a cluster, in somebody's name. All of it only reads.

    A namespace is always named, but for kinds that are in none; ``*`` stands for all. Raises KubeRefused and KubeError.
    """

    async def kinds(self) -> Sequence[Kind]:
        """Every kind that the cluster knows."""

    async def table(self, kind: Kind, namespace: str, *, name: str = "", labels: str = "") -> Listed:
        """Objects as Kubernetes shows them to people; values of secrets are not among that. KubeAbsent: no such name."""

    async def object(self, kind: Kind, namespace: str, name: str) -> Fields:
        """One object, whole. Never to be shown as it is. Raises KubeAbsent."""

    async def events(self, namespace: str) -> Sequence[Fields]:
        """Events, in no order."""

    async def nodes(self) -> Sequence[Fields]:
        """Every node, whole."""

    async def usage(self, plural: str, namespace: str) -> Sequence[Fields]:
        """What "pods" or "nodes" use, by metrics.k8s.io. KubeAbsent: the cluster does not measure it."""


class Kubernetes(Protocol):
    """A cluster. ``namespace`` is the one that is meant where none is said."""

    namespace: str

    def look(self, person: str) -> Look:
        """With a person's rights, or the bot's where it is set up so. Raises UserError: nobody asks, or no cluster is there."""

    def whose(self, person: str) -> str:
        """Whose rights these are, in a few words."""

    async def ping(self) -> None:
        """Raise KubeError if it can't be reached."""


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made. They have no twins: nothing in the sandbox is Kubernetes."""
    from .cluster import opened  # not before it is needed: it imports this module
    from .scope import Scope

    providers.register(Kubernetes, lambda: opened(settings), ping=lambda cluster: cluster.ping())
    providers.register(Scope, lambda: Scope.of(settings, providers.get(Kubernetes).namespace))
