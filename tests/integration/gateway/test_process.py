"""The gateway as a process."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from bellboard.provision import House
from bellboard.rpc import healthy
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer
from tests.integration.gateway.staff import write_people
from tests.integration.mesh import Mesh

pytestmark = pytest.mark.integration


def _hosts() -> list[str]:
    """The loopback addresses of this machine, as they stand before a port."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return ["127.0.0.1", "[::1]"]
    except OSError:
        return ["127.0.0.1"]


@pytest.mark.parametrize("host", _hosts())
async def test_it_starts_serves_and_drains(house: House, nats: NatsServer, mesh: Mesh, host: str) -> None:
    """Ready when it can take lines; nothing is left after SIGTERM."""
    write_people(house)
    listen = {f"BELLBOARD_{door}_HOST": host.strip("[]") for door in ("HEALTH", "WEB", "GRPC")}
    process = await mesh.service("gw-1", "gw-1", "bellboard_gateway", {"BELLBOARD_REPLICA": "gw-1", **listen}).start()
    said = await process.says("service.ready")

    async def ready() -> bool:
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{said['health_port']}/readyz") as answer:
            return answer.status == 200

    await eventually(ready, 20)
    await eventually(lambda: healthy(f"{host}:{said['grpc_port']}"))
    async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{said['web_port']}/in") as answer:
        assert answer.status == 200
    process.terminate()
    async with asyncio.timeout(30):
        assert await process.ended() == 0
    assert not [line for line in process.lines() if line.get("level") == "error"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("people.yaml", "people: [{id: 3}]", "people.yaml"),
        ("policy/bad.cedar", "\npermit (principal, action, resource) when { 1 === 2 };", "bad.cedar:2"),
        ("enrolled.yaml", "nothing", "enrolled.yaml"),
    ],
)
async def test_a_bad_file_is_one_line(house: House, mesh: Mesh, tmp_path: Path, file: str, text: str, said: str) -> None:
    """It says which file, and the exit code is that of a bad configuration."""
    (house.folder / file).write_text(text)
    process = await mesh.service("gw-1", "gw-1", "bellboard_gateway", {}).start(ready=False)
    async with asyncio.timeout(30):
        assert await process.ended() == 78
    complaints = [line["text"] for line in process.lines() if "text" in line]
    assert len(complaints) == 1
    assert said in complaints[0]
