"""What every bot that comes with Bellboard does as a process: it starts on its defaults, and ends when it is told to."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from bellboard.provision import House
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_cli.bots import own
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration

BOTS = {point.name: point.module.partition(".")[0] for point in entry_points(group="bellboard.bots")}

CLUSTER = {
    "current-context": "c",
    "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {}}],
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
}
"""One that is not there."""


@pytest.fixture(params=sorted(BOTS))
def name(request: pytest.FixtureRequest) -> str:
    """Each bot."""
    return str(request.param)


@pytest.fixture
def house(tmp_path: Path, name: str) -> House:
    """A data folder with the bot enrolled."""
    house = House(tmp_path / "house")
    house.make(bots=[own(name)])
    return house


async def test_it_starts_and_drains_on_sigterm(
    house: House, nats: NatsServer, mesh: Mesh, bus_as: BusAs, name: str, tmp_path: Path
) -> None:
    """At once and with exit code 0, as it has nothing to do; nothing went wrong on the way."""
    await bus_as("gw-1")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(CLUSTER))
    env = {"BELLBOARD_REPLICA": f"{name}-1", "BELLBOARD_KUBECONFIG": str(kubeconfig), "KUBECONFIG": str(kubeconfig)}
    bot = await mesh.service(name, f"{name}-1", BOTS[name], env).start()
    bot.terminate()
    assert await bot.ended() == 0
    assert [line for line in bot.lines() if line.get("level") in ("warning", "error", "critical") or "text" in line] == []
