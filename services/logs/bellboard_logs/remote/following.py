"""New lines of an app's pods as they come: over restarts, new pods and broken connections."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from bellboard.kube import Kube, KubeAbsent, KubeError, KubeRefused, kinds

from ..entries import Entry
from ..query import Query
from .pods import Voice, entry_of, is_silent, voices

QUIET = 1.0
"""Seconds after which it is said that nothing has come."""

PAUSE = 1.0
WAITING = 5_000
"""Lines that wait to be taken; who speaks more waits, too."""

AT_ONCE = 1_000


async def tail(kube: Kube, namespace: str, label: str, query: Query) -> AsyncIterator[Sequence[Entry]]:
    """See `LogSource.tail`."""
    following = _Following(kube, namespace, label, query)
    watch = asyncio.create_task(following.watch())
    try:
        while True:
            batch = await following.batch()
            if not batch and watch.done():
                _raise(watch)
            yield batch
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


def _raise(watch: asyncio.Task[None]) -> None:
    """Say why it ended."""
    try:
        watch.result()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class _Following:
    """Everybody who speaks for an app from now on, each read by a task of their own."""

    def __init__(self, kube: Kube, namespace: str, label: str, query: Query) -> None:
        self._kube, self._namespace, self._label, self._query = kube, namespace, label, query
        self._began = time.time()
        self._lines: asyncio.Queue[Entry] = asyncio.Queue(WAITING)
        self._heard: dict[tuple[str, str], float] = {}  # by pod and container: until when
        self._turns: set[tuple[str, str, int]] = set()
        self._ones: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)  # one reader each

    async def watch(self) -> None:
        """Read whoever begins to speak, until it is cancelled; the tasks end with it."""
        changes = self._kube.watch(kinds.Pod, namespace=self._namespace)
        async with asyncio.TaskGroup() as readers, aclosing(changes):
            async for change in changes:
                for voice in voices([change.object], self._query.app, self._label):
                    turn = (voice.uid, voice.container, voice.turn)
                    if change.event != "DELETED" and turn not in self._turns:
                        self._turns.add(turn)
                        readers.create_task(self._read(voice))

    async def batch(self) -> list[Entry]:
        """What has come, in order of time; empty if nothing came for a while."""
        try:
            async with asyncio.timeout(QUIET):
                batch = [await self._lines.get()]
        except TimeoutError:
            return []
        while not self._lines.empty() and len(batch) < AT_ONCE:
            batch.append(self._lines.get_nowait())
        return sorted(batch, key=lambda entry: entry.at)

    async def _read(self, voice: Voice) -> None:
        """One container to its end."""
        while True:
            try:
                async with self._ones[voice.uid, voice.container]:
                    await self._follow(voice)
            except KubeAbsent:
                return
            except KubeRefused as error:
                if not is_silent(error):
                    raise
                await asyncio.sleep(PAUSE)  # it has only just begun
            except KubeError:  # it broke, or was silent for long; what came before is not taken again
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _follow(self, voice: Voice) -> None:
        who = (voice.uid, voice.container)
        since = self._heard.setdefault(who, self._began)
        lines = self._kube.log(
            voice.pod, namespace=voice.namespace or self._namespace, container=voice.container, since=since, follow=True
        )
        async with aclosing(lines):
            async for line in lines:
                entry = entry_of(line, voice, self._query)
                if entry.at > since:
                    self._heard[who] = entry.at
                    if self._query.matches(entry):
                        await self._lines.put(entry)
