"""Providers: how a bot reaches one outside system each, registered by type and made once per process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from bellboard.errors import BellboardError, SettingsError
from bellboard.telemetry import logs, names

Factory = Callable[[], Any]
"""Makes a provider: a plain or async function, or one that returns a context manager to be left at the end."""

Ping = Callable[[Any], Any]
"""Raises if the provider can't do its work; may be async."""

PING_SECONDS = 3.0


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
        self._made: dict[type[Any], Any] = {}
        self._stack = AsyncExitStack()

    def register(self, kind: type[Any], factory: Factory, *, ping: Ping | None = None) -> None:
        """Say how the provider of a type is made; a later word overrides an earlier one. ``ping`` tells of its health."""
        self._registered[kind] = _Registered(factory, ping)

    async def start(self, needed: Iterable[type[Any]]) -> None:
        """Make every provider that is needed.

        Raises:
            SettingsError: one is not registered; all such are named.
        """
        kinds = list(dict.fromkeys(needed))
        if missing := [kind.__name__ for kind in kinds if kind not in self._registered]:
            raise SettingsError(f"no provider is registered for {', '.join(missing)}", hint="register it in providers.py")
        for kind in kinds:
            if kind not in self._made:
                self._made[kind] = await self._make(self._registered[kind].factory)

    async def _make(self, factory: Factory) -> Any:
        made = factory()
        if inspect.isawaitable(made):
            made = await made
        if isinstance(made, AbstractAsyncContextManager):
            return await self._stack.enter_async_context(made)
        if isinstance(made, AbstractContextManager):
            return self._stack.enter_context(made)
        return made

    def get(self, kind: type[Any]) -> Any:
        """The provider of a type, made by `start`.

        Raises:
            KeyError: it was not made.
        """
        return self._made[kind]

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
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
