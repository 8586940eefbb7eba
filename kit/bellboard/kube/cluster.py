"""One cluster: how it is reached, and as whom. Everybody who asks shares its connections."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import msgspec
import yaml
from lightkube import ConfigError, KubeConfig, SingleConfig
from lightkube.config import client_adapter, models

from bellboard.errors import SettingsError

from .client import Kube
from .watching import WATCH_SECONDS

CONNECTIONS = 200
"""Watches and followed logs hold one each."""

MOST_PEOPLE = 256
"""People whose clients are kept."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in whose name a cluster is asked; its own rules are made for `user` and `groups`.

    Attributes:
        team: their team.
        id: their id in it.
        inside: their groups in it, where they are known.
    """

    team: str
    id: str
    inside: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        return f"bellboard:{self.team}:{self.id}"

    @property
    def groups(self) -> tuple[str, ...]:
        return (f"bellboard:{self.team}", *(f"bellboard:{self.team}:{group}" for group in self.inside))


class Cluster:
    """A cluster that can be asked; an async context manager, or `close` it.

    Attributes:
        namespace: the one that its configuration names; "default" if it names none.
        own: asks with the bot's own rights.
    """

    def __init__(self, config: SingleConfig) -> None:
        if config.user is None:
            raise ConfigError("the context names no user")
        verify = client_adapter.verify_cluster(config.cluster, config.user, config.abs_file)
        self._config = _without_certificates(config)
        self._pool = httpx2.AsyncHTTPTransport(verify=verify, limits=httpx2.Limits(max_connections=CONNECTIONS))
        self._people: OrderedDict[Person, Kube] = OrderedDict()
        self.namespace = config.namespace
        self.own = Kube(self._config, _Way(self._pool, ()))

    def person(self, person: Person) -> Kube:
        """Asks in a person's name: what the cluster permits and audits is theirs. The bot needs the right to impersonate."""
        if person not in self._people:
            headers = [("Impersonate-User", person.user), *(("Impersonate-Group", group) for group in person.groups)]
            self._people[person] = Kube(self._config, _Way(self._pool, headers), person.user)
        self._people.move_to_end(person)
        if len(self._people) > MOST_PEOPLE:
            self._people.popitem(last=False)
        return self._people[person]

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.close()


class _Way(httpx2.AsyncBaseTransport):
    """The shared connections, as seen by one identity; closing it closes none of them."""

    def __init__(self, pool: httpx2.AsyncBaseTransport, headers: Sequence[tuple[str, str]]) -> None:
        self._pool, self._headers = pool, headers
        self._names = {name.lower() for name, _ in headers}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        others = [item for item in request.headers.multi_items() if item[0] not in self._names]  # it may be the second try
        request.headers = httpx2.Headers([*others, *self._headers])
        timeout = request.extensions.get("timeout", {})
        if timeout.get("read", 0) is None:  # a watch: its server ends it in time, so silence means a dead connection
            timeout["read"] = WATCH_SECONDS + 15
        answer = await self._pool.handle_async_request(request)
        if answer.is_error:
            await answer.aread()  # what is streamed says why, too
        return answer


def connect(kubeconfig: Path | None = None, context: str = "") -> Cluster:
    """The cluster of a kubeconfig and one of its contexts; without one, that in which this process is a pod. Nothing is sent.

    A pod's token is read again when it is no longer accepted.

    Raises:
        SettingsError: the file can't be used, or this is no pod with a service account.
    """
    try:
        config = _read(kubeconfig, context)
        return Cluster(config)
    except (ConfigError, OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.MsgspecError) as error:
        if kubeconfig is None:
            raise SettingsError(_NONE, hint=_HINT) from error
        raise SettingsError(f"{kubeconfig} can't be used as a kubeconfig", hint=_why(error)) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(f"{kubeconfig} is no kubeconfig", hint="kubectl config view shows a good one") from error


def _without_certificates(config: SingleConfig) -> SingleConfig:
    """For clients that make no connections: `Cluster` holds those, and has read the certificates, which takes some 100 ms."""
    assert config.user is not None
    cluster = models.Cluster(server=config.cluster.server, insecure=True)
    user = msgspec.structs.replace(config.user, client_cert=None, client_cert_data=None, client_key=None, client_key_data=None)
    return config._replace(cluster=cluster, user=user)


_NONE = "no Kubernetes cluster is set up"
_HINT = "name a kubeconfig with BELLBOARD_KUBECONFIG, or run in a pod that has a service account"


def in_pod() -> bool:
    """Whether this process is a pod that Kubernetes told of its API."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _read(kubeconfig: Path | None, context: str) -> SingleConfig:
    if kubeconfig is None:
        if not in_pod():
            raise ConfigError(_NONE)
        config = KubeConfig.from_service_account()
    else:
        config = KubeConfig.from_file(kubeconfig)
    chosen = config.get(context or None)
    if chosen is None:
        raise ConfigError("no context is set")
    return chosen


def _why(error: Exception) -> str:
    return str(error)[:200] if isinstance(error, ConfigError) else "can it be read, and is it YAML?"
