"""Providers: made once, found by type, cleaned up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import pytest

from bellboard import ProviderError, Providers, SettingsError


class Door(Protocol):
    """Something to be provided."""


class Window(Protocol):
    """Something else."""


async def test_each_is_made_once() -> None:
    """By a plain function or an async one."""
    made: list[str] = []

    def door() -> str:
        made.append("door")
        return "door"

    async def window() -> str:
        made.append("window")
        return "window"

    async with Providers() as providers:
        providers.register(Door, door)
        providers.register(Window, window)
        await providers.start([Door, Window, Door])
        await providers.start([Door])

        assert (providers.get(Door), providers.get(Window)) == ("door", "window")
    assert made == ["door", "window"]


async def test_they_are_cleaned_up_in_reverse() -> None:
    """Context managers of either kind are entered at the start and left at the end."""
    seen: list[str] = []

    @contextmanager
    def door() -> Iterator[str]:
        yield "door"
        seen.append("door")

    @asynccontextmanager
    async def window() -> AsyncIterator[str]:
        yield "window"
        seen.append("window")

    async with Providers() as providers:
        providers.register(Door, door)
        providers.register(Window, window)
        await providers.start([Door, Window])
        assert providers.get(Window) == "window"

    assert seen == ["window", "door"]


async def test_what_is_missing_is_named_at_the_start() -> None:
    """Never in front of a user."""
    async with Providers() as providers:
        with pytest.raises(SettingsError, match="no provider is registered for Door, Window"):
            await providers.start([Door, Window])


async def test_a_later_word_overrides() -> None:
    """Tests and settings replace what was registered."""
    async with Providers() as providers:
        providers.register(Door, lambda: "oak")
        providers.register(Door, lambda: "steel")
        await providers.start([Door])

        assert providers.get(Door) == "steel"


async def test_only_the_ill_are_named() -> None:
    """A provider says in its own error what is wrong; nothing else of an error is shown."""

    async def closed(door: object) -> None:
        raise ProviderError("it is closed")

    def broken(window: object) -> None:
        raise RuntimeError("password=hunter2")

    async with Providers() as providers:
        providers.register(Door, lambda: "door", ping=closed)
        providers.register(Window, lambda: "window", ping=broken)
        providers.register(str, lambda: "well", ping=lambda _: None)
        await providers.start([Door, Window, str])

        assert await providers.ping() == {"Door": "it is closed", "Window": "it broke"}
