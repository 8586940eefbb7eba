"""Pods' logs by Kubernetes' API: ``GET …/pods/NAME/log`` of every container of a workload, and of the one before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self

from bellboard import ProviderError
from bellboard.kube import KubeRefused, connect, kinds

from ..choice import Kubernetes
from ..entries import Entry
from ..providers import Found
from ..query import Query
from .following import tail
from .pods import Voice, entry_of, is_silent, voices
from .sifted import MOST, Sifted

AT_ONCE = 8
"""Containers that are read at the same time."""

LOOKED_AT = 20_000
"""Lines of one container that are looked at, from its end, where the range reaches to now."""

LARGEST = 64 * 2**20
"""Characters that are looked at for one question."""


class KubernetesSource(Sifted):
    """A `LogSource`; an async context manager. An app is a workload, a pod, or a value of the label that names apps.

    It needs get, list and watch on pods, and get on pods/log. Kubernetes keeps the lines of a pod for as long as that is
    there, of a container and the one before it, and of each as much as its node keeps, often 10 MiB.
    """

    def __init__(self, settings: Kubernetes) -> None:
        self._settings = settings
        self._cluster = connect(settings.kubeconfig, settings.context)
        self._namespace = settings.namespace or self._cluster.namespace

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self._cluster.close()

    async def search(self, query: Query, *, limit: int) -> Found:
        pods = await self._cluster.own.list(kinds.Pod, namespace=self._namespace)
        looks = []
        for voice in voices(pods, query.app, self._settings.app_label):
            looks.append((voice, False))
            if voice.before > query.start:
                looks.append((voice, True))
        found = _Found(query)
        gate = asyncio.Semaphore(AT_ONCE)
        tasks = [asyncio.create_task(self._look(voice, before, found, gate)) for voice, before in looks]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        entries = sorted(found.entries, key=lambda entry: entry.at)
        return Found(entries[-min(max(limit, 1), MOST) :], len(entries), found.more)

    async def _look(self, voice: Voice, before: bool, found: _Found, gate: asyncio.Semaphore) -> None:
        """Read one container from the start of the range to its end."""
        query, count = found.query, 0
        last = LOOKED_AT if query.end > time.time() - 60 else 0
        where = voice.namespace or self._namespace
        try:
            lines = self._cluster.own.log(
                voice.pod, namespace=where, container=voice.container, previous=before, since=max(query.start, 1.0), last=last
            )
            async with gate, aclosing(lines):
                async for line in lines:
                    count += 1
                    if not found.take(line, entry_of(line, voice, query)):
                        break
        except KubeRefused as error:
            if not is_silent(error):
                raise
        found.more |= count == last > 0

    def tail(self, query: Query) -> AsyncIterator[Sequence[Entry]]:
        """See `LogSource.tail`. New pods and containers that start again are followed as they come."""
        return tail(self._cluster.own, self._namespace, self._settings.app_label, query)

    async def ping(self) -> None:
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        await self._cluster.own.ask(path, what="pods", verb="list", namespace=self._namespace, query={"limit": 1})


class _Found:
    """What was found so far, over all containers."""

    def __init__(self, query: Query) -> None:
        self.query, self.more = query, False
        self.entries: list[Entry] = []
        self._read = 0

    def take(self, line: str, entry: Entry) -> bool:
        """Keep a line if it is looked for; false says that the next ones are too late.

        Raises:
            ProviderError: it is too much.
        """
        self._read += len(line)
        if self._read > LARGEST:
            raise ProviderError(f"Kubernetes holds more than {LARGEST // 2**20} MiB of it", hint="look at less time")
        if entry.at >= self.query.end:
            return False
        if entry.at >= self.query.start and self.query.matches(entry):
            self.entries.append(entry)
        return True
