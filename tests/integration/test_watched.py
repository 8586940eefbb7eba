"""A service whose guard breaks ends, and is started anew: it would run on without it, and nobody would know."""

from __future__ import annotations

import asyncio

import pytest

from bellboard.history import History
from bellboard.process import Stop
from bellboard.provision import House
from bellboard.runner import serve
from bellboard.testing.servers import NatsServer
from bellboard_practice.bot import bot
from bellboard_practice.providers import register
from bellboard_practice.settings import Settings
from bellboard_reaper import main as reaper
from bellboard_reaper.settings import ReaperSettings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("service", ["practice", "reaper"])
async def test_a_guard_that_breaks_ends_the_service(
    nats: NatsServer, house: House, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """Whatever breaks it."""

    async def breaks(self: History) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr(History, "run", breaks)
    for name, value in {**house.service_env(service), "BELLBOARD_PRACTICE_FILE": str(house.folder / "effects.txt")}.items():
        monkeypatch.setenv(name, value)
    if service == "reaper":
        running = reaper.serve(ReaperSettings.load(service), Stop())
    else:
        running = serve(bot, register, Settings.load(service), Stop())
    with pytest.raises(RuntimeError, match="it broke"):
        await asyncio.wait_for(running, 30)
