"""``python -m tests.chaos.rollouts.mortal``: the deploy bot, which kills itself (-9) at a point of our choice.

A point lies before and after each call that a rollout makes of its environment, of what it remembers and of the marks.
``BELLBOARD_DIE_AT`` is the number of a point, from 1, or its words, such as ``after trigger.run``; the points that were
reached are written to ``BELLBOARD_POINTS``, one a line.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bellboard import Providers, run
from bellboard.keep import Keep
from bellboard.marks import Marks
from bellboard_deploy.bot import bot
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.making import real, twins
from bellboard_deploy.providers import Environment
from bellboard_deploy.settings import Settings


class Death:
    """Comes at one point."""

    def __init__(self, at: str, points: Path) -> None:
        self._at, self._points, self._count = at, points, 0

    def point(self, words: str) -> None:
        """A point was reached."""
        self._count += 1
        with self._points.open("a") as points:
            points.write(f"{words}\n")
        if self._at in (str(self._count), words):
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Something that may be called for the last time."""

    def __init__(self, inner: object, name: str, death: Death) -> None:
        self._inner, self._name, self._death = inner, name, death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        words = f"{self._name}.{name}"
        if inspect.isasyncgenfunction(found):

            async def steps(*args: Any) -> AsyncIterator[Any]:
                self._death.point(f"before {words}")
                async for step in found(*args):
                    self._death.point(f"after {words}")
                    yield step

            return steps
        if not inspect.iscoroutinefunction(found):
            return found

        async def method(*args: Any, **named: Any) -> Any:
            what = f"{words} {args[0].partition('.')[0]}" if self._name == "keep" else words
            self._death.point(f"before {what}")
            answer = await found(*args, **named)
            self._death.point(f"after {what}")
            return answer

        return method


def mortal(env: Environment, death: Death) -> Environment:
    """An environment whose every part may be called for the last time."""
    parts = {name: getattr(env, name) for name in ("deployer", "trigger", "balancer", "gauges", "lease")}
    wrapped: dict[str, Any] = {name: Mortal(part, name, death) for name, part in parts.items() if part is not None}
    return replace(env, **wrapped)


def register(providers: Providers, settings: Settings) -> None:
    """As the bot itself does, with all of it mortal."""
    death = Death(os.environ["BELLBOARD_DIE_AT"], Path(os.environ["BELLBOARD_POINTS"]))

    @asynccontextmanager
    async def desk() -> AsyncIterator[Desk]:
        async with real(settings) as known:
            environments = Environments({name: mortal(known.get(name), death) for name in known.names()})
            keep: Any = Mortal(providers.get(Keep), "keep", death)
            marks: Any = Mortal(providers.get(Marks), "marks", death)
            yield Desk(environments, keep, marks)

    @asynccontextmanager
    async def rehearsed() -> AsyncIterator[Desk]:
        async with twins(settings) as environments:
            yield Desk(environments, providers.get(Keep), providers.get(Marks))

    providers.register(Desk, desk)
    providers.rehearse(Desk, rehearsed)


if __name__ == "__main__":
    run(bot, providers=register, settings=Settings)
