"""Providers: how a bot reaches one outside system each, registered by type and made once per process.

What a rehearsing command is given is another object, made by another factory; what has none can't be rehearsed.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

from bellboard.errors import BellboardError, Failed, SettingsError
from bellboard.telemetry import logs, names

Factory = Callable[[], Any]
"""Makes a provider: a plain or async function, or one that returns a context manager to be left at the end."""

Ping = Callable[[Any], Any]
"""Raises if the provider can't do its work; may be async."""

PING_SECONDS = 3.0

_twin: ContextVar[bool] = ContextVar("twin", default=False)
"""Whether what runs here is made for rehearsing commands."""


@dataclass(frozen=True, slots=True)
class _Registered:
    factory: Factory
    ping: Ping | None


class Providers:
    """What there is, by type. Used as an async context manager: leaving it cleans up in reverse order.

    The types are those that handlers ask for after ``*``, mostly a `typing.Protocol`.
    """

    def __init__(self) -> None:
        self._registered: dict[type[Any], _Registered] = {}
        self._twins: dict[type[Any], Factory] = {}
        self._made: dict[type[Any], Any] = {}
        self._rehearsing: dict[type[Any], Any] = {}
        self._stack = AsyncExitStack()

    def register(self, kind: type[Any], factory: Factory, *, ping: Ping | None = None) -> None:
        """Say how the provider of a type is made; a later word overrides an earlier one. ``ping`` tells of its health.

        A factory may `get` what was registered before it. `bellboard.keep.Keep`, `bellboard.marks.Marks` and
        `bellboard.feeds.Feeds` are there already.
        """
        self._registered[kind] = _Registered(factory, ping)

    def rehearse(self, kind: type[Any], factory: Factory) -> None:
        """Say how its twin is made, which rehearsing commands are given. Inside of this factory, `get` gives twins too."""
        self._twins[kind] = factory

    async def start(self, needed: Iterable[type[Any]]) -> None:
        """Make every provider that is needed and its twin, in the order in which they were registered.

        Raises:
            SettingsError: one is not registered, and all such are named; or a twin is the real one.
        """
        kinds = dict.fromkeys(needed)
        if missing := [kind.__name__ for kind in kinds if kind not in self._registered]:
            raise SettingsError(f"no provider is registered for {', '.join(missing)}", hint="register it in providers.py")
        waiting = [kind for kind in self._registered if kind in kinds and kind not in self._made]
        for kind in waiting:
            self._made[kind] = await self._make(self._registered[kind].factory)
        reset = _twin.set(True)
        try:
            for kind in waiting:
                if kind in self._twins:
                    self._rehearsing[kind] = await self._make(self._twins[kind])
        finally:
            _twin.reset(reset)
        if same := [kind.__name__ for kind in waiting if self._rehearsing.get(kind, kind) is self._made[kind]]:
            raise SettingsError(f"what rehearses {', '.join(same)} is the real one", hint="make another in providers.py")

    async def _make(self, factory: Factory) -> Any:
        made = factory()
        if inspect.isawaitable(made):
            made = await made
        if isinstance(made, AbstractAsyncContextManager):
            return await self._stack.enter_async_context(made)
        if isinstance(made, AbstractContextManager):
            return self._stack.enter_context(made)
        return made

    def get(self, kind: type[Any], *, rehearsal: bool = False) -> Any:
        """The provider of a type, made by `start`; with ``rehearsal`` its twin.

        Raises:
            KeyError: it was not made.
            Failed: it has no twin.
        """
        if not rehearsal and not _twin.get():
            return self._made[kind]
        if kind not in self._rehearsing:
            raise Failed(f"{kind.__name__} can't be rehearsed", hint="leave out --sandbox, or say: rehearse off")
        return self._rehearsing[kind]

    async def ping(self) -> dict[str, str]:
        """Ask every provider that can tell how it is. Those that are ill, with a short reason each; empty if all is well."""
        asked = [(kind, entry.ping) for kind, entry in self._registered.items() if entry.ping and kind in self._made]
        answers = await asyncio.gather(*(self._ask(kind, ping) for kind, ping in asked))
        return {kind.__name__: answer for (kind, _), answer in zip(asked, answers, strict=True) if answer}

    async def _ask(self, kind: type[Any], ping: Ping) -> str:
        try:
            async with asyncio.timeout(PING_SECONDS):
                answer = ping(self._made[kind])
                if inspect.isawaitable(answer):
                    await answer
        except TimeoutError:
            return "no answer"
        except BellboardError as error:
            return error.text
        except Exception as error:  # noqa: BLE001  # a task boundary: an ill provider must not end the health check
            logs.emit(names.UNEXPECTED, exc=error, provider=kind.__name__)
            return "it broke"
        return ""

    async def close(self) -> None:
        """Clean up, the newest provider first."""
        self._made.clear()
        self._rehearsing.clear()
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
