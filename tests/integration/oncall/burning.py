"""A whole on-call mesh: a gateway with its webhooks in the test's process, the bot as another, and an Alertmanager."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.bus import Bus
from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.servers import free_port
from bellboard_cli.bots import own
from bellboard_gateway.projection import View
from tests.integration.gateway.hooked import Sender
from tests.integration.gateway.staff import Desk, opened, says, write_people
from tests.integration.mesh import Mesh

SECRETS = {name: f"secret-of-the-hook-{name}" for name in ("alertmanager", "generic")}
HOOKS = {name: {"format": name, "bot": "oncall", "auth": "path", "secret": secret} for name, secret in SECRETS.items()}


def burning_house(folder: Path) -> House:
    """A data folder with the on-call bot enrolled, its webhooks, and rooms."""
    house = House(folder)
    house.make(bots=[own("oncall")])
    write_people(house, {"ann": ["owners"]})
    house.hooks.write_text(yaml.safe_dump({"hooks": HOOKS}))
    return house


@dataclass
class Burning:
    """The mesh, and how tests look at its rooms.

    Attributes:
        url: where the gateway's webhooks are.
    """

    desk: Desk
    sender: Sender
    url: str

    async def cards(self, room: str = "ops", line: str = "alert show") -> list[pb.Card]:
        """The cards that stand in a room and show alerts, the oldest first, as people see them now."""
        views: Sequence[View] = self.desk.gateway.board.views(room)
        mine = [view for view in views if not view.envelope.refresh and view.envelope.line.startswith(line)]
        return [await self.desk.gateway.board.card(view) for view in mine if view.final]

    async def shows(self, *words: str, room: str = "ops", line: str = "alert show", timeout: float = 30.0) -> pb.Card:
        """The first card that says all of this, once one does."""

        async def look() -> pb.Card | None:
            found = [card for card in await self.cards(room, line) if all(word in says(card) for word in words)]
            return found[0] if found else None

        card = await eventually(look, timeout, because=f"no card says {words}")
        assert card is not None
        return card

    async def give(self, body: bytes, name: str = "generic") -> int:
        """Bring something to a webhook; its place."""
        return await self.sender.give(body, name=name, secret=SECRETS[name])


@asynccontextmanager
async def burning(house: House, bus: Bus, mesh: Mesh, replicas: int = 1) -> AsyncIterator[Burning]:
    """The mesh, once it serves."""
    async with opened(house, bus) as desk:
        port = await desk.gateway.web.start("127.0.0.1", 0)
        sender = Sender(port)
        try:
            for number in range(1, replicas + 1):
                env = {"BELLBOARD_REPLICA": f"oncall-{number}"}
                await mesh.service("oncall", f"oncall-{number}", "bellboard_oncall", env).start()
            await desk.listed("oncall")
            yield Burning(desk, sender, f"http://127.0.0.1:{port}")
        finally:
            await sender.http.close()
            await desk.gateway.web.stop()


class Alertmanager:
    """A real one, in a hurry."""

    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self.url, self._http = f"http://127.0.0.1:{port}", http

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of its answer."""
        async with self._http.request(method, f"{self.url}/api/v2/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def alert(self, *many: Mapping[str, str], firing: bool = True, annotations: Mapping[str, str] | None = None) -> None:
        """Say what a Prometheus would: these alerts fire, or are over."""
        end = {} if firing else {"endsAt": datetime.now(UTC).isoformat()}
        said = [{"labels": dict(labels), "annotations": dict(annotations or {}), **end} for labels in many]
        await self.ask("POST", "alerts", said)


@asynccontextmanager
async def alertmanager(folder: Path, hook: str) -> AsyncIterator[Alertmanager]:
    """Start one that sends to a webhook. The test is skipped where there is none."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("needs prometheus-alertmanager")
    folder.mkdir()
    receiver = {"name": "bellboard", "webhook_configs": [{"url": hook, "send_resolved": True}]}
    route = {
        "receiver": "bellboard",
        "group_by": ["alertname", "app"],
        "group_wait": "100ms",
        "group_interval": "500ms",
        "repeat_interval": "1h",
    }
    (folder / "config.yml").write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
    port = free_port()
    options = [f"--config.file={folder}/config.yml", f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *options, "--cluster.listen-address=", "--log.level=warn", stdout=log, stderr=log
        )
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/-/ready") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await eventually(ready, 20, because=f"it did not start: {(folder / 'log').read_text()}")
            yield Alertmanager(port, http)
    finally:
        process.kill()
        await process.wait()
