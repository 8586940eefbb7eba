"""Kills and stops, evenly spread over the load, in an order that the seed fixes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TARGETS = ("gateway", "practice", "reaper", "nats-server")


@dataclass(frozen=True, slots=True)
class Blow:
    """One process killed, or stopped for a while. Times are seconds since 1970."""

    target: str
    kind: str
    at: float
    until: float
    in_flight: int


def plan(each: int, seed: int) -> list[tuple[str, str]]:
    """``each`` blows of every kind on every target, shuffled."""
    blows = [(target, kind) for target in TARGETS for kind in ("kill", "stop") for _ in range(each)]
    random.Random(seed).shuffle(blows)
    return blows


class Storm:
    """Strikes processes of a mesh, by the pids in its run.json."""

    def __init__(
        self, data: Path, blows: list[tuple[str, str]], seconds: float, seed: int, in_flight: Callable[[], int]
    ) -> None:
        self.data, self.blows, self.seconds, self.in_flight = data, blows, seconds, in_flight
        self.dice = random.Random(seed)
        self.struck: list[Blow] = []

    async def run(self) -> None:
        """Strike until every blow has fallen while commands were in flight."""
        begun = time.monotonic()
        stops: list[asyncio.Task[None]] = []
        for number, (target, kind) in enumerate(self.blows):
            await asyncio.sleep(max(0.0, begun + self.seconds * number / len(self.blows) - time.monotonic()))
            patience = time.monotonic() + 5.0
            while not self.in_flight() and time.monotonic() < patience:
                await asyncio.sleep(0.05)
            stops.append(asyncio.create_task(self._strike(target, kind)))
        await asyncio.gather(*stops)

    async def _strike(self, target: str, kind: str) -> None:
        pid = await self._pid(target)
        if pid is None:
            return
        caught, at = self.in_flight(), time.time()
        try:
            if kind == "kill":
                os.kill(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(self._pause(target))
                os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return
        self.struck.append(Blow(target, kind, at, time.time(), caught))

    def _pause(self, target: str) -> float:
        """Mostly short; a bot is sometimes stopped for longer than its lease."""
        if target == "practice" and self.dice.random() < 0.1:
            return 20.0
        return self.dice.uniform(0.3, 3.0)

    async def _pid(self, target: str) -> int | None:
        """The pid of a running process by that name, waiting for a restart that is under way."""
        patience = time.monotonic() + 5.0
        while time.monotonic() < patience:
            for process in json.loads((self.data / "run.json").read_text())["processes"]:
                if process["name"] == target and Path(f"/proc/{process['pid']}").exists():
                    return int(process["pid"])
            await asyncio.sleep(0.05)
        return None
