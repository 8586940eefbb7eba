"""Makes an environment in a cluster from what the file says of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from bellboard import SettingsError
from bellboard.kube import Cluster, Kube, Person, connect

from ..argv.making import Programs
from ..argv.program import Program
from ..entries import Entry, plain, read_entry
from ..model import Order
from ..prometheus import PrometheusEntry, open_prometheus
from ..providers import Environment
from . import argocd, versions
from .app import App
from .balancer import KubernetesBalancer
from .deployer import KubernetesDeployer
from .images import Images
from .seen import Kind
from .store import KINDS, Store
from .versions import Catalogue

_Ordered = Callable[[Order], Environment]
_Made = Callable[[Store, _Ordered], Environment]

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class VersionPrograms(Programs):
    """The programs that know versions: `Catalogue` says what each prints."""

    digest: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None


class AppEntry(BaseModel):
    """An app in a cluster; `App` says what the keys mean. ``workload`` left out: a Deployment of its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workload: str = ""
    image: str
    containers: tuple[str, ...] = ()
    service: str = ""


class ClusterEntry(Entry):
    """What there is to say of any environment in a cluster.

    Attributes:
        namespace: of the objects; that of the bot's own pod or kubeconfig where it is left out.
        kubeconfig, context: how the cluster is reached; without them, the bot is a pod in it.
        impersonate: changes are made in the name of the person who asks.
        seconds: how long it may take until one more pod is ready, or a sync is done.
    """

    namespace: str = Field(default="", pattern=r"^[a-z0-9-]{0,63}$")
    kubeconfig: Path | None = None
    context: str = ""
    impersonate: bool = False
    seconds: float = Field(default=600.0, gt=0)
    versions: VersionPrograms = VersionPrograms()


class KubernetesEntry(ClusterEntry):
    """An environment whose apps are workloads of one namespace; without ``prometheus``, nothing is measured there."""

    apps: dict[str, AppEntry]
    prometheus: PrometheusEntry | None = None


class ArgoEntry(ClusterEntry):
    """An environment whose apps are Argo CD's Applications, by their names."""

    apps: dict[str, str]


@asynccontextmanager
async def open_kubernetes(name: str, entry: Mapping[str, Any], team: str) -> AsyncIterator[Environment]:
    """The environment of an entry. The cluster need not be reachable yet.

    Raises:
        SettingsError: the entry is wrong, or there is no such cluster.
    """
    said = read_entry(name, entry, KubernetesEntry)
    apps = [_app(name, app, one) for app, one in said.apps.items()]
    catalogue = Catalogue(_program(name, said.versions, "digest"), _program(name, said.versions, "names"), name)
    whole = frozenset(app.name for app in apps if app.kind == "daemonset")

    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(_cluster(name, said))
        gauges = await stack.enter_async_context(open_prometheus(name, said.prometheus)) if said.prometheus else None

        def made(store: Store, ordered: _Ordered) -> Environment:
            deployer = KubernetesDeployer(store, apps, catalogue, said.seconds)
            balancer = KubernetesBalancer(store, apps) if any(app.service for app in apps) else None
            return Environment(
                name, deployer=deployer, balancer=balancer, gauges=gauges, in_place=True, whole=whole, ordered=ordered
            )

        yield _opened(cluster, said, team, made)


@asynccontextmanager
async def open_argocd(name: str, entry: Mapping[str, Any], team: str) -> AsyncIterator[Environment]:
    """The environment of an entry. The cluster need not be reachable yet.

    Raises:
        SettingsError: the entry is wrong, or there is no such cluster.
    """
    said = read_entry(name, entry, ArgoEntry)
    for word in (*said.apps, *said.apps.values()):
        plain(word, "an app")
    names = _program(name, said.versions, "names", argocd.WORDS)

    def made(store: Store, ordered: _Ordered) -> Environment:
        trigger = argocd.ArgoTrigger(store, said.apps, names, name, said.seconds)
        return Environment(name, trigger=trigger, ordered=ordered)

    async with _cluster(name, said) as cluster:
        yield _opened(cluster, said, team, made)


def _opened(cluster: Cluster, said: ClusterEntry, team: str, made: _Made) -> Environment:
    """The environment as it is looked at, which makes itself anew for each order."""
    namespace = said.namespace or cluster.namespace

    def ordered(order: Order) -> Environment:
        return made(Store(cluster.own, _as(cluster, said, team, order), namespace, order), ordered)

    return made(Store(cluster.own, None, namespace, None), ordered)


def _as(cluster: Cluster, said: ClusterEntry, team: str, order: Order) -> Kube | None:
    """As whom an order is carried out; None where only people may, and no person asked."""
    if not said.impersonate:
        return cluster.own
    return cluster.person(Person(team, order.person)) if order.person else None


@asynccontextmanager
async def _cluster(name: str, said: ClusterEntry) -> AsyncIterator[Cluster]:
    try:
        cluster = connect(said.kubeconfig, said.context)
    except SettingsError as error:
        raise SettingsError(f"the environment {name}: {error.text}", hint=error.hint) from error
    async with cluster:
        yield cluster


def _app(env: str, name: str, said: AppEntry) -> App:
    kind, slash, workload = (said.workload or f"deployment/{name}").partition("/")
    if kind not in KINDS or not slash or not _NAME.fullmatch(workload):
        hint = f"such as deployment/{name}; there are {', '.join(KINDS)}"
        raise SettingsError(f"the environment {env}: {name}: {said.workload[:60]} is no workload", hint=hint)
    try:
        images = Images(said.image)
    except SettingsError as error:
        raise SettingsError(f"the environment {env}: {name}: {error.text}", hint=error.hint) from error
    return App(plain(name, "an app"), cast(Kind, kind), workload, images, said.containers, said.service)


def _program(env: str, said: VersionPrograms, what: str, words: Sequence[str] = versions.WORDS) -> Program | None:
    argv = getattr(said, what)
    return said.programs(env, words)(argv) if argv else None
