"""Providers: made once, found by type, cleaned up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import pytest

from bellboard import Failed, ProviderError, Providers, SettingsError


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


async def test_a_twin_is_another_object() -> None:
    """Made by another factory; what is asked for in there are twins too, even later on."""
    async with Providers() as providers:
        providers.register(Door, lambda: ["oak"])
        providers.rehearse(Door, lambda: ["card"])
        providers.register(Window, lambda: (providers.get(Door), "real"))
        providers.rehearse(Window, lambda: (providers.get(Door), "twin"))
        await providers.start([Window, Door])

        assert providers.get(Window) == (["oak"], "real")
        assert providers.get(Window, rehearsal=True) == (["card"], "twin")
        assert providers.get(Door) == ["oak"]


async def test_what_has_no_twin_cannot_be_rehearsed() -> None:
    """Nobody is given the real one instead; not a twin either, that would need it."""
    async with Providers() as providers:
        providers.register(Door, lambda: "oak")
        await providers.start([Door])
        with pytest.raises(Failed, match="Door can't be rehearsed"):
            providers.get(Door, rehearsal=True)

        providers.register(Window, lambda: "glass")
        providers.rehearse(Window, lambda: ("paper", providers.get(Door)))
        with pytest.raises(Failed, match="Door can't be rehearsed"):
            await providers.start([Window])


async def test_a_twin_that_is_the_real_one_is_refused() -> None:
    """At the start, before any command could have it."""
    door = object()
    async with Providers() as providers:
        providers.register(Door, lambda: door)
        providers.rehearse(Door, lambda: door)
        with pytest.raises(SettingsError, match="what rehearses Door is the real one"):
            await providers.start([Door])


async def test_twins_are_cleaned_up_too() -> None:
    """Before the real ones, which were there first."""
    seen: list[str] = []

    @contextmanager
    def door(name: str) -> Iterator[str]:
        yield name
        seen.append(name)

    async with Providers() as providers:
        providers.register(Door, lambda: door("real"))
        providers.rehearse(Door, lambda: door("twin"))
        await providers.start([Door])

    assert seen == ["twin", "real"]
