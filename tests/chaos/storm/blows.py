"""Kills and stops, evenly spread over the load, in an order that the seed fixes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TARGETS = ("gateway", "practice", "reaper", "nats-server")
KINDS = ("kill", "stop")


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
    blows = [(target, kind) for target in TARGETS for kind in KINDS for _ in range(each)]
    random.Random(seed).shuffle(blows)
    return blows


class Storm:
    """Strikes processes of a mesh, by the pids in its run.json."""

    def __init__(
        self,
        data: Path,
        blows: list[tuple[str, str]],
        seconds: float,
        seed: int,
        in_flight: Callable[[], int],
        over: Callable[[], bool],
    ) -> None:
        self.data, self.blows, self.seconds, self.in_flight, self.over = data, blows, seconds, in_flight, over
        self.dice = random.Random(seed)
        self.struck: list[Blow] = []
        self._falling: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Strike until every blow has fallen while commands were in flight, or none are left."""
        begun, due, count = time.monotonic(), deque(self.blows), 0
        while due and not self.over():
            await asyncio.sleep(max(0.02, begun + self.seconds * count / len(self.blows) - time.monotonic()))
            if not self.in_flight():
                continue
            target, kind = due.popleft()
            if await self._strike(target, kind):
                count += 1
            else:
                due.append((target, kind))
        await asyncio.gather(*self._falling)

    async def _strike(self, target: str, kind: str) -> bool:
        """Whether it was there to be struck, and commands still in flight."""
        pid = await self._pid(target)
        if pid is None or not (caught := self.in_flight()):
            return False
        at = time.time()
        try:
            os.kill(pid, signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
        except ProcessLookupError:
            return False
        if kind == "kill":
            self.struck.append(Blow(target, kind, at, at, caught))
        else:
            self._falling.append(asyncio.create_task(self._hold(target, pid, at, caught)))
        return True

    async def _hold(self, target: str, pid: int, at: float, caught: int) -> None:
        await asyncio.sleep(self._pause(target))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        self.struck.append(Blow(target, "stop", at, time.time(), caught))

    def _pause(self, target: str) -> float:
        """Mostly short; a bot is sometimes stopped for longer than its lease."""
        if target == "practice" and self.dice.random() < 0.1:
            return 20.0
        return self.dice.uniform(0.3, 3.0)

    async def _pid(self, target: str) -> int | None:
        """The pid of a running process by that name, waiting a moment for a restart that is under way."""
        patience = time.monotonic() + 1.0
        while time.monotonic() < patience:
            for process in json.loads((self.data / "run.json").read_text())["processes"]:
                if process["name"] == target and Path(f"/proc/{process['pid']}").exists():
                    return int(process["pid"])
            await asyncio.sleep(0.05)
        return None
