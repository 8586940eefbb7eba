"""Asks Kubernetes as one identity. lightkube does the work; its errors, watches and logs are made dependable here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2
import msgspec
from lightkube import AsyncClient, SingleConfig
from lightkube.config import client_adapter
from lightkube.core.resource import NamespacedResource, NamespacedSubResource, Resource, api_info
from lightkube.models.authorization_v1 import ResourceAttributes, SelfSubjectAccessReviewSpec
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview
from lightkube.types import PatchType

from .errors import Asked, KubeError, told
from .kinds import Pod
from .paths import path_of
from .watching import Change, changes

K = TypeVar("K", bound=Resource)

MANAGER = "bellboard"
"""The field manager that every change is made as."""

EVERYWHERE = "*"
"""In place of a namespace: all of them. Only lists and watches know it."""

SECONDS = 20.0
"""How long Kubernetes may take to answer, or to go on with an answer."""

WHOLE = 60.0
"""Seconds until there is a whole answer. It counts the program, too, by which a kubeconfig may say that a token is got."""

PAGE = 500
"""Objects that are asked for at once."""

LARGEST = 64 * 2**20
"""Bytes of an answer to `Kube.ask`."""

Patch = PatchType
"""How a patch is meant: ``STRATEGIC`` (lists are merged by key; not for custom kinds), ``MERGE``, ``JSON``, or ``APPLY``: all
that this manager wants of the object, as with `Kube.apply`, but as a mapping that may be a part."""


class Kube:
    """What one identity may do with a cluster. Made by `bellboard.kube.Cluster`.

    Kinds are classes of `bellboard.kube.kinds`. Where no namespace is named, it is the one of the object, or of the
    configuration. Everything raises `KubeRefused` (nothing happened) or `KubeError`.

    Attributes:
        who: the user in whose name it asks; empty: the bot's own account.
    """

    def __init__(self, config: SingleConfig, way: httpx2.AsyncBaseTransport, who: str = "") -> None:
        self.who = who
        timeout = httpx2.Timeout(SECONDS)
        self._namespace = config.namespace
        self._client: Any = AsyncClient(config, timeout=timeout, field_manager=MANAGER, transport=way, trust_env=False)
        params = client_adapter.ConnectionParams(timeout=timeout, transport=way, trust_env=False)  # type: ignore[arg-type]
        self._session = client_adapter.AsyncClient(config, params)

    async def get(self, kind: type[K], name: str, *, namespace: str = "") -> K:
        """One object."""
        async with _answered(self._asked("get", kind, name, namespace)):
            found: K = await self._client.get(kind, name, namespace=namespace or None)
            return found

    async def list(
        self,
        kind: type[K],
        *,
        namespace: str = "",
        labels: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[K]:
        """All objects of a kind. A label's value may be a string, several of which one has to fit, or None: it is there."""
        async with _answered(self._asked("list", kind, "", namespace)):
            pages = self._client.list(
                kind, namespace=namespace or None, chunk_size=PAGE, labels=dict(labels or {}), fields=dict(fields or {})
            )
            return [item async for item in pages]

    def watch(
        self,
        kind: type[K],
        *,
        namespace: str = "",
        labels: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Change[K], None]:
        """First all objects, as ADDED, then every change, until it is closed (use `contextlib.aclosing`).

        Broken connections and forgotten versions are made good by listing anew: what changed meanwhile is told once, as it is
        now. Raises KubeError only when it could not be listed for a minute.
        """
        query = {"namespace": namespace or None, "labels": dict(labels or {}), "fields": dict(fields or {})}
        return changes(self._client, kind, query, self._asked("watch", kind, "", namespace))

    async def create(self, object: K, name: str = "", *, dry_run: bool = False) -> K:
        """Make an object; ``name`` is for subresources, such as an eviction. KubeConflict: it is there already."""
        async with _answered(self._about("create", object, name)):
            made: K = await self._client.create(object, *([name] if name else []), dry_run=dry_run)
            return made

    async def apply(self, object: K, *, force: bool = False, dry_run: bool = False) -> K:
        """Make an object, or have it as said here (server-side apply). KubeConflict: a field is another manager's.

        Args:
            force: take such fields over.
        """
        async with _answered(self._about("patch", object)):
            applied: K = await self._client.apply(object, force=force, dry_run=dry_run)
            return applied

    async def patch(
        self,
        kind: type[K],
        name: str,
        change: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        namespace: str = "",
        form: Patch = Patch.STRATEGIC,
        force: bool = False,
        dry_run: bool = False,
    ) -> K:
        """Change an object, or a subresource such as ``Deployment.Scale``. ``force`` is as in `apply`, and for ``APPLY`` alone.

        With ``metadata.resourceVersion`` in the change, it is a KubeConflict unless that is the object's version.
        """
        async with _answered(self._asked("patch", kind, name, namespace)):
            patched: K = await self._client.patch(
                kind, name, change, namespace=namespace or None, patch_type=form, force=force, dry_run=dry_run
            )
            return patched

    async def replace(self, object: K, *, dry_run: bool = False) -> K:
        """Have an object be as said. KubeConflict: its version is another than this one's."""
        async with _answered(self._about("update", object)):
            replaced: K = await self._client.replace(object, dry_run=dry_run)
            return replaced

    async def delete(self, kind: type[Resource], name: str, *, namespace: str = "", uid: str = "") -> None:
        """Delete an object. KubeAbsent: it is gone; KubeConflict: another one than that of ``uid`` has its name by now."""
        body = {"preconditions": {"uid": uid}} if uid else {}
        async with _answered(self._asked("delete", kind, name, namespace)):
            answer = await self._session.request("DELETE", path_of(kind, name, namespace or self._namespace), json=body)
            answer.raise_for_status()

    async def may(
        self, verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Whether this identity has a right, by Kubernetes' own word. ``resource`` is a plural, such as "pods"."""
        wanted = ResourceAttributes(
            verb=verb, resource=resource, group=group, namespace=namespace, name=name, subresource=subresource
        )
        review = SelfSubjectAccessReview(spec=SelfSubjectAccessReviewSpec(resourceAttributes=wanted))
        answer = await self.create(review)
        return answer.status is not None and answer.status.allowed

    async def log(
        self,
        pod: str,
        *,
        namespace: str = "",
        container: str = "",
        previous: bool = False,
        since: float = 0.0,
        last: int = 0,
        most: int = 0,
        follow: bool = False,
    ) -> AsyncGenerator[str, None]:
        """The lines of a container, each behind its RFC 3339 time and a space, without line ends.

        Args:
            previous: of the container that ran before the present one.
            since: seconds since 1970; Kubernetes knows whole ones.
            last: only so many lines from the end.
            most: bytes, after which it ends, perhaps in the middle of a line.
            follow: go on until the container ends. Raises KubeError if nothing came for a while, too.
        """
        asked = Asked("get", "pods/log", "log of pod", pod, namespace or self._namespace, self.who)
        query: dict[str, str | int] = {"timestamps": "true", "container": container}
        query |= {"previous": "true"} if previous else {}
        query |= {"follow": "true"} if follow else {}
        query |= {"sinceTime": datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if since else {}
        query |= {"tailLines": last} if last else {}
        query |= {"limitBytes": most} if most else {}
        timeout = httpx2.Timeout(SECONDS, read=None if follow else SECONDS)
        with told(asked):
            path = f"{path_of(Pod, pod, asked.namespace)}/log"
            async with self._session.stream("GET", path, params=query, timeout=timeout) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    yield line

    async def ask(
        self,
        path: str,
        *,
        what: str,
        verb: str = "get",
        name: str = "",
        namespace: str = "",
        query: Mapping[str, str | int] | None = None,
        accept: str = "application/json",
    ) -> Any:
        """What a path of the API answers to GET, as JSON: for what is no object, such as discovery, tables and metrics.

        Args:
            path: with its parts quoted.
            what, verb, name, namespace: what errors call it.
        """
        async with _answered(Asked(verb, what, what, name, namespace, self.who)):
            async with self._session.stream("GET", path, params=dict(query or {}), headers={"Accept": accept}) as answer:
                answer.raise_for_status()
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise KubeError(f"Kubernetes answered more than {LARGEST // 2**20} MiB", hint="ask for less")
            return msgspec.json.decode(body)

    def _asked(self, verb: str, kind: type[Resource], name: str, namespace: str) -> Asked:
        info = api_info(kind)
        spaced = issubclass(kind, NamespacedResource | NamespacedSubResource)
        what = f"{info.plural}/{info.action}" if info.action else info.plural
        one = (info.parent or info.resource).kind.lower()
        return Asked(verb, what, one, name, (namespace or self._namespace) if spaced else "", self.who)

    def _about(self, verb: str, object: Any, name: str = "") -> Asked:
        meta = object.metadata
        return self._asked(verb, type(object), name or (meta and meta.name) or "", (meta and meta.namespace) or "")


@asynccontextmanager
async def _answered(asked: Asked) -> AsyncIterator[None]:
    """As `told`, and there is an end to it."""
    try:
        async with asyncio.timeout(WHOLE):
            with told(asked):
                yield
    except TimeoutError as error:
        raise KubeError("Kubernetes did not answer in time") from error
