"""A real Prometheus that scrapes a running mesh, with the rules that the chart brings."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bellboard.testing.eventually import eventually
from bellboard.testing.servers import ends_with_us, free_port
from tests.integration.graphs.servers import need

ROOT = Path(__file__).parents[2]
TEAM = "home"
"""The label `namespace` of everything that is scraped, as a cluster would give it."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus, and how it is asked."""

    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, **params: str) -> Any:
        """What its API says."""
        async with self.http.get(f"{self.url}/api/v1/{path}", params=params) as answer:
            told = await answer.json()
        assert told["status"] == "success", told
        return told["data"]

    async def values(self, query: str) -> list[float]:
        """What a query says now, without what is no number."""
        found = (await self.get("query", query=query))["result"]
        return [value for one in found if math.isfinite(value := float(one["value"][1]))]

    async def drawn(self, query: str, minutes: int = 10) -> int:
        """How many points of a query a panel would draw."""
        now = time.time()
        told = await self.get("query_range", query=query, start=str(now - 60 * minutes), end=str(now), step="5")
        return sum(math.isfinite(float(value)) for one in told["result"] for _, value in one["values"])


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, int]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes these ports of 127.0.0.1, by the names of their pods, each second."""
    need(shutil.which("prometheus") is not None, "prometheus")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "helm/bellboard/files/rules/*.yaml")],
        "scrape_configs": [
            {
                "job_name": "bellboard",
                "static_configs": [
                    {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": TEAM, "pod": name}}
                    for name, port in targets.items()
                ],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    more = [f"--web.listen-address=127.0.0.1:{port}", "--web.console.templates=/", "--web.console.libraries=/"]
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *ends_with_us("prometheus", *options, *more), stdout=log, stderr=log, cwd=folder
        )
    try:
        async with aiohttp.ClientSession() as http:
            server = Prometheus(f"http://127.0.0.1:{port}", http)
            await eventually(lambda: _scrapes(server, len(targets)), timeout=40)
            yield server
    finally:
        process.kill()
        await process.wait()


async def _scrapes(server: Prometheus, targets: int) -> bool:
    try:
        return len(await server.values("up == 1")) == targets
    except aiohttp.ClientError:
        return False
