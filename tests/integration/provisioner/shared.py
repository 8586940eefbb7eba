"""A bus that teams share, as a chart runs it: accounts from the provisioner, unpacked beside a real nats-server."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from bellboard.bus import Bus
from bellboard.provision import server
from bellboard.provision.accounts import PROVISIONER
from bellboard.testing.servers import close_all, ends_with_us, free_port
from bellboard_provisioner import objects, provision, reload
from bellboard_provisioner.folder import Folder
from bellboard_provisioner.settings import ReloadSettings
from bellboard_provisioner.teams import Teams

READY = re.compile(r"Server is ready")
LIMITS = {"storage": 1 << 30, "memory": 0, "streams": 64, "consumers": 256}
BOTS = {
    "memes": {"package": "bellboard.api.memes.v1", "phrases": ["meme"], "effects": ["EFFECT_READ"]},
    "practice": {"package": "bellboard_practice.v1", "phrases": ["practice"], "effects": ["EFFECT_ONCE"]},
}


def team(name: str, **fields: Any) -> dict[str, Any]:
    """What teams.json says of a team."""
    return {"namespace": f"bellboard-{name}", "gateways": 2, "limits": LIMITS, "bots": BOTS} | fields


class SharedBus:
    """One server for many teams."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.store = Folder(folder / "objects")
        self.teams = Teams(release="bellboard", teams={})
        self.settings = ReloadSettings(
            accounts_file=self.store.path(objects.of_server(self.teams)) / objects.ACCOUNTS,
            config_file=folder / "run/accounts.conf",
            pid_file=folder / "run/nats.pid",
        )
        self.log = folder / "nats.log"
        self._process: asyncio.subprocess.Process | None = None
        self._opened: list[Bus] = []

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def make(self, *names: str, **fields: Any) -> None:
        """The objects of these teams and no others."""
        told = {"release": "bellboard", "teams": {name: team(name, **fields) for name in names}}
        self.teams = Teams.model_validate(told)
        (self.folder / "teams.json").write_text(json.dumps(told))
        await provision.make_objects(self.teams, self.store)

    async def start(self) -> None:
        """Start the server with the accounts that there are, and return when it takes connections."""
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        reload.unpack(self.settings)
        (run / "nats.conf").write_text(
            f'server_name: "shared"\nhost: "127.0.0.1"\nport: {self.port}\npid_file: "{run / "nats.pid"}"\n'
            f'jetstream {{ store_dir: "{self.folder / "store"}", sync_interval: always }}\ninclude "accounts.conf"\n'
        )
        with self.log.open("wb") as log:
            command = ends_with_us(str(server.binary()), "--config", str(run / "nats.conf"))
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        while not READY.search(self.log.read_text()):
            assert self._process.returncode is None, self.log.read_text()
            await asyncio.sleep(0.01)

    async def streams(self, patience: float = 20.0) -> None:
        """Make every team's streams."""
        own = await self.store.read(objects.of_provisioner(self.teams), objects.owner_of_release(self.teams))
        assert own is not None
        await provision.make_streams(self.teams, own.data, self.url, provision.Within(patience))

    def seed(self, team: str, user: str) -> Path:
        """The file with the seed of a team's bus user."""
        told = self.teams.teams[team]
        if user == PROVISIONER:
            return self.store.path(objects.of_provisioner(self.teams)) / objects.seed_of(team)
        if user in told.users:
            return self.store.path(objects.secret(told, objects.GATEWAY)) / f"{user}.nk"
        return self.store.path(objects.secret(told, user)) / objects.BUS

    async def bus(self, team: str, user: str, patience: float = 5.0) -> Bus:
        """A connection as one of a team's users; closed with the server."""
        bus = await Bus.connect(self.url, name=f"{team}-{user}", nkey_seed=self.seed(team, user), patience=patience)
        self._opened.append(bus)
        return bus

    async def close_clients(self) -> None:
        """Close every connection."""
        await close_all(self._opened)
        self._opened.clear()

    async def close(self) -> None:
        """End it all."""
        await self.close_clients()
        await self.kill()

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
