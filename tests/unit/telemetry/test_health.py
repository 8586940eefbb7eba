"""Health and readiness tell the truth."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bellboard.telemetry.health import HealthServer


@pytest.fixture
async def trouble() -> AsyncIterator[tuple[HealthServer, dict[str, str]]]:
    """A running server, and what is wrong by check; nothing at first."""
    wrong: dict[str, str] = {}

    async def slow() -> str | None:
        return wrong.get("provider")

    server = HealthServer("test", "127.0.0.1", 0, {"bus": lambda: wrong.get("bus"), "provider": slow})
    await server.start()
    yield server, wrong
    await server.close()


async def get(server: HealthServer, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status, await answer.text()


async def test_a_service_with_nothing_wrong_is_ready(trouble: tuple[HealthServer, dict[str, str]]) -> None:
    """Every check passed."""
    server, _ = trouble

    assert await get(server, "/readyz") == (200, "ready\n")
    assert await get(server, "/healthz") == (200, "alive\n")


async def test_readiness_says_each_thing_that_is_wrong(trouble: tuple[HealthServer, dict[str, str]]) -> None:
    """503, a line for each failing check; alive all the same."""
    server, wrong = trouble
    wrong.update(bus="not connected", provider="no answer")

    assert await get(server, "/readyz") == (503, "bus: not connected\nprovider: no answer\n")
    assert (await get(server, "/healthz"))[0] == 200


async def test_metrics_say_what_runs(trouble: tuple[HealthServer, dict[str, str]]) -> None:
    """Build information stands among the metrics of every service."""
    status, text = await get(trouble[0], "/metrics")

    assert status == 200
    assert 'bellboard_build_info{component="test",python="' in text


async def test_a_taken_port_is_an_error_at_start() -> None:
    """Not a silent move to another port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = HealthServer("test", "127.0.0.1", taken.getsockname()[1], {})
        with pytest.raises(OSError, match="address already in use"):
            await server.start()
        await server.close()
