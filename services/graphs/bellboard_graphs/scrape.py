"""Fills the embedded store: asks the sandbox's processes and Bellboard's own for their metrics, again and again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from bellboard.telemetry import logs, names

from .settings import Settings
from .store import Sample, Store

LARGEST = 8 * 2**20
"""Bytes of one answer that are read."""
PRUNE_SECONDS = 60.0
_TARGETS = "http://sandbox/v1/targets"


@dataclass(frozen=True, slots=True)
class Target:
    """A process to ask: over a unix socket if ``socket`` is given. Its labels are added to those of each sample."""

    source: str
    url: str
    socket: str
    labels: Mapping[str, str]


class Scraper:
    """Asks every target, every so often, until it is cancelled."""

    def __init__(self, store: Store, settings: Settings, wanted: frozenset[str]) -> None:
        self._store, self._settings, self._wanted = store, settings, wanted
        self._next = {"mesh": 0.0, "prune": 0.0}

    async def run(self) -> None:
        """Scrape for good. What can't be reached is asked again in the next round."""
        while True:
            begun = time.monotonic()
            try:
                await self.round()
            except sqlite3.Error as error:
                logs.emit(names.METRICS_NOT_KEPT, exc=error)
            await asyncio.sleep(max(0.1, self._settings.scrape_seconds - (time.monotonic() - begun)))

    async def round(self) -> None:
        """Ask the sandbox once, and Bellboard itself when its turn has come."""
        await self._gather("sandbox", await self._sandbox())
        now = time.monotonic()
        if now >= self._next["mesh"]:
            self._next["mesh"] = now + self._settings.scrape_mesh_seconds
            await self._gather("mesh", await asyncio.to_thread(self._mesh))
        if now >= self._next["prune"]:
            self._next["prune"] = now + PRUNE_SECONDS
            oldest = time.time() - self._settings.keep_days * 86400
            await asyncio.to_thread(self._store.prune, oldest, self._settings.keep_mib * 2**20)

    async def _gather(self, source: str, targets: list[Target]) -> None:
        if not targets:
            return
        at = time.time()
        answers = await asyncio.gather(*(_fetch(target.url, target.socket) for target in targets))
        found = [(target, text) for target, text in zip(targets, answers, strict=True) if text is not None]
        if found:
            names.METRICS_KEPT.labels(source).inc(await asyncio.to_thread(self._keep, source, at, found))

    def _keep(self, source: str, at: float, found: list[tuple[Target, str]]) -> int:
        return self._store.add(
            source, at, (one for target, text in found for one in samples(text, target.labels, self._wanted))
        )

    async def _sandbox(self) -> list[Target]:
        folder = self._settings.sandbox_dir
        if folder is None or not (control := folder / "control.sock").exists():
            return []
        text = await _fetch(_TARGETS, str(control))
        try:
            return [_sandbox_target(one) for one in orjson.loads(text or "[]")]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            logs.emit(names.METRICS_NOT_KEPT, exc=error)
            return []

    def _mesh(self) -> list[Target]:
        """Bellboard's processes, from the file in which `bell up` notes where each answers for its health."""
        path = self._settings.run_file or _house_run_file(self._settings.data_dir)
        try:
            return list(_mesh_targets(orjson.loads(path.read_bytes())["ports"]["health"])) if path else []
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return []


def _house_run_file(data_dir: Path | None) -> Path | None:
    """A bot's folder is HOUSE/bots/NAME."""
    return data_dir.parent.parent / "run.json" if data_dir else None


def _sandbox_target(one: Mapping[str, str]) -> Target:
    labels = {name: str(one[name]) for name in ("app", "service", "replica", "version")}
    return Target("sandbox", "http://target/metrics", str(one["socket"]), labels)


def _mesh_targets(health: Mapping[str, int]) -> Iterator[Target]:
    for replica, port in health.items():
        labels = {"app": "bellboard", "service": replica.rpartition("-")[0] or replica, "replica": replica}
        yield Target("mesh", f"http://127.0.0.1:{int(port)}/metrics", "", labels)


def samples(text: str, labels: Mapping[str, str], wanted: frozenset[str]) -> Iterator[Sample]:
    """The wanted samples of a page of metrics, with a target's labels where they have none of that name.

    Only lines of wanted metrics are parsed. Raises ValueError where one is broken.
    """
    families = {name.removesuffix("_bucket").removesuffix("_total") for name in wanted}
    kept = [line for line in text.splitlines() if line.removeprefix("# TYPE ").startswith(tuple(families))]
    for family in text_string_to_metric_families("\n".join(kept) + "\n"):
        for sample in family.samples:
            if sample.name in wanted and sample.value == sample.value:
                rising = family.type in ("counter", "histogram") or sample.name.endswith(("_total", "_bucket"))
                yield Sample(sample.name, tuple({**labels, **sample.labels}.items()), sample.value, rising)


async def _fetch(url: str, socket: str) -> str | None:
    """A page as text; None if it can't be had."""
    connector = aiohttp.UnixConnector(socket) if socket else aiohttp.TCPConnector()
    timeout = aiohttp.ClientTimeout(total=1.5)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                return None
            return (await answer.content.read(LARGEST)).decode() if not answer.content_length else await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError):
        return None


@asynccontextmanager
async def scraping(store: Store, settings: Settings, wanted: frozenset[str]) -> AsyncIterator[None]:
    """Scrape in the background."""
    task = asyncio.create_task(_guarded(Scraper(store, settings, wanted)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _guarded(scraper: Scraper) -> None:
    while True:
        try:
            await scraper.run()
        except Exception as error:  # noqa: BLE001  # a task boundary: one bad page must not end the graphs
            logs.emit(names.UNEXPECTED, exc=error)
            await asyncio.sleep(1)
