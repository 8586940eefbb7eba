"""The shop's customers: a modest stream of requests, the same for the same seed, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from .balancer import FRONT
from .shop import GOODS
from .wire import Answer, Client, WireError

PATIENCE = 10.0
"""Seconds that a customer waits."""

AT_ONCE = 64
"""The most requests on their way at once; a customer who would be the next goes away."""


class Customers:
    """Sends requests to the balancer: ``rate`` in a second on average, at random moments."""

    def __init__(self, folder: Path, seed: int, rate: float) -> None:
        self.rate, self.sent = rate, 0
        self._by_version: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._chance = random.Random(seed)  # noqa: S311  # make-believe
        self._client = Client(folder / FRONT)
        self._asking: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self.rate > 0:
            self._task = asyncio.create_task(self._come())

    async def close(self) -> None:
        tasks = [*self._asking, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._client.close()

    def forget(self) -> None:
        """Begin to count anew."""
        self.sent = 0
        self._by_version.clear()
        self._failed.clear()

    def show(self) -> dict[str, Any]:
        """How many requests were sent and answered, by version, and how many failed, by version and cause.

        The version is empty where no replica answered.
        """
        failed = [{"version": version, "cause": cause, "count": n} for (version, cause), n in sorted(self._failed.items())]
        return {
            "rate": self.rate,
            "sent": self.sent,
            "waiting": len(self._asking),
            "answered": dict(self._by_version),
            "failed": failed,
        }

    async def _come(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            at = max(at + self._chance.expovariate(self.rate), loop.time() - 1)
            await asyncio.sleep(at - loop.time())
            method, target = self._wish()
            customer, trace = f"c-{self._chance.randrange(1000, 1400)}", f"{self._chance.randrange(1 << 48):012x}"
            headers = {"X-Customer": customer, "X-Request-Id": trace}
            if len(self._asking) < AT_ONCE:
                task = asyncio.create_task(self._ask(method, target, headers))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

    def _wish(self) -> tuple[str, str]:
        what = self._chance.random()
        if what < 0.25:
            return "GET", "/"
        if what < 0.65:
            return "GET", f"/products/{self._chance.randrange(1, 400)}"
        if what < 0.8:
            return "GET", f"/search?q={self._chance.choice(GOODS)}"
        return "PUT", f"/orders/o-{self._chance.randrange(1 << 32):08x}"

    async def _ask(self, method: str, target: str, headers: dict[str, str]) -> None:
        self.sent += 1
        version, cause = "", ""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.ask(method, target, headers=headers)
        except TimeoutError:
            cause = "no answer in time"
        except (OSError, WireError):
            cause = "connection lost"
        else:
            version = answer.headers.get("x-version", "")
            cause = _cause(answer) if answer.code >= 400 else ""
        self._by_version[version] += 1
        if cause:
            self._failed[version, cause] += 1


def _cause(answer: Answer) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return f"{answer.code} {json.loads(answer.body)['error']}"
    return f"{answer.code} from the balancer"
