"""The data folder of a machine that runs everything: keys, accounts, people, the server's configuration, its store."""

from __future__ import annotations

import getpass
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import orjson
import yaml

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import SettingsError

from . import accounts, enrol, keys, outside, server

ROOMS = (("general", "General"), ("ops", "Operations"), ("play", "Play"))
OWNERS, ONCALL = "owners", "oncall"
GATEWAYS = accounts.gateways(2)
USERS = (*GATEWAYS, accounts.REAPER, accounts.PROVISIONER)
START_OVER = "restore it from a copy, or move the folder away to begin anew"


class HouseError(SettingsError):
    """The data folder can't be used as it is. One line that says what to do."""

    code = "house"


class House:
    """A data folder. Every file is written whole or not at all, and `made` comes last: a broken-off start is completed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.keys, self.nats, self.services = (self.folder / name for name in ("keys", "nats", "services"))
        self.logs, self.policy = self.folder / "logs", self.folder / "policy"
        self.trust, self.people = self.folder / "trust.json", self.folder / "people.yaml"
        self.enrolled, self.run_file = self.folder / "enrolled.yaml", self.folder / "run.json"
        self.hooks, self.trackers = self.folder / "hooks.yaml", self.folder / "trackers.yaml"
        self.oncall, self.alerts = self.folder / "oncall.yaml", self.folder / "alerts.yaml"
        self.server_config, self.store = self.nats / "server.conf", self.nats / "store"
        self.nats_pid, self._port = self.nats / "nats.pid", self.nats / "port"
        self._made = self.folder / "made"

    def make(self, team: str = "home", *, bots: Iterable[registry.Enrolment] = ()) -> None:
        """Make everything that is not there yet. May be done again at any time.

        Args:
            bots: what `enrol.enrolment` gives; those already enrolled are left as they are.

        Raises:
            HouseError: something is in the way, is missing that was there, or is broken.
        """
        try:
            self.check(team)
            self._make(team, bots)
        except PermissionError as error:
            raise HouseError(f"{error.filename} may not be written by {getpass.getuser()}") from error
        except (NotADirectoryError, FileExistsError) as error:
            raise HouseError(f"{error.filename} is not a folder") from error
        except OSError as error:
            raise HouseError(f"{self.folder} can't be written: {error.strerror}") from error

    def check(self, team: str = "") -> None:
        """Make sure that nothing is missing that was there, and that the folder is that team's (or anyone's).

        Raises:
            HouseError: it can't be used as it is.
        """
        if not self._made.exists():
            foreign = self.folder.is_dir() and any(self.folder.iterdir()) and not self.keys.is_dir()
            if foreign:
                raise HouseError(f"{self.folder} is not empty and holds no Bellboard", hint="name another with --data")
            return
        if team and (theirs := self._made.read_text().strip()) != team:
            raise HouseError(f"{self.folder} belongs to the team {theirs!r}, not {team!r}", hint="name another with --data")
        needed = [self.keys / name for name in (*(f"{user}.nk" for user in USERS), "gw-1.sign", "gw-2.sign")]
        for path in (*needed, self.keys / "session.key", self.enrolled, self.people):
            if not path.exists():
                raise HouseError(f"{path} is missing", hint=START_OVER)

    def _make(self, team: str, bots: Iterable[registry.Enrolment]) -> None:
        for folder in (self.folder, self.keys, self.nats, self.store, self.services, self.logs, self.policy):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        signers = {name: self._key(keys.signer, f"{name}.sign") for name in GATEWAYS}
        keys.write(self.trust, orjson.dumps({"keys": signers}, option=orjson.OPT_INDENT_2).decode(), 0o644)
        self._key(keys.token, "session.key")
        self.local_token()
        if not self.people.exists():
            self._first_people()
        if not self.hooks.exists():
            outside.first_hooks(self.hooks)
        known = {one.bot: one for one in self.enrolments()} if self.enrolled.exists() else {}
        self._check_keys(known)
        wanted = [enrol.house(), *(one for one in bots if one.bot not in known)]
        self._enrol({**known, **{one.bot: self._with_keys(one) for one in wanted}})
        if not self._made.exists():
            keys.write(self._made, team + "\n", 0o644)

    def enrol(self, enrolment: registry.Enrolment) -> registry.Enrolment:
        """Admit a bot, or change what it may be: its keys, its account, and the server's configuration.

        This alone tells no running server: `admit` does.

        Raises:
            HouseError: another bot may claim one of its phrases already.
        """
        known = {one.bot: one for one in self.enrolments()}
        for other in known.values():
            if other.bot != enrolment.bot and (both := set(other.phrases) & set(enrolment.phrases)):
                raise HouseError(f"{sorted(both)[0]!r} belongs to the bot {other.bot}")
        complete = self._with_keys(enrolment)
        self._enrol({**known, enrolment.bot: complete})
        return complete

    def enrolments(self) -> list[registry.Enrolment]:
        """Every bot that is enrolled, `house` among them. Raises SettingsError."""
        return enrol.read(self.enrolled)

    @property
    def port(self) -> int:
        """The bus's port on 127.0.0.1; -1 means any. A broken file names none."""
        try:
            return int(self._port.read_text())
        except (FileNotFoundError, ValueError):
            return -1

    @property
    def bus_url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def configure(self, port: int) -> None:
        """Give the bus a port (-1: any) and write the server's configuration."""
        keys.write(self._port, f"{port}\n", 0o644)
        self._write_server(self.enrolments())

    def server_command(self) -> list[str]:
        """The command line that runs the bus. Raises SettingsError if nats-server is not installed."""
        return [str(server.binary()), "--config", str(self.server_config)]

    def seed(self, user: str) -> Path:
        """The file with the seed of a bus user: a user of CORE, or a bot."""
        return self.keys / f"{user}.nk"

    def local_token(self) -> str:
        """The token of the owner, for programs on this machine."""
        return self._key(keys.token, "local.token")

    def service_env(self, name: str) -> dict[str, str]:
        """The environment of a service: "gw-1", "gw-2", "reaper", or a bot's name. Also written to services/NAME.env."""
        env = {
            "TEAM": self._made.read_text().strip(),
            "BUS_URL": self.bus_url,
            "NKEY_FILE": str(self.seed(name)),
            "TRUST_FILE": str(self.trust),
            "DATA_DIR": str(self._data_of(name)),
        }
        if name in GATEWAYS:
            env |= {
                "PEOPLE_FILE": str(self.people),
                "POLICY_DIR": str(self.policy),
                "ENROLLED_FILE": str(self.enrolled),
                "SIGN_KEY_FILE": str(self.keys / f"{name}.sign"),
                "KEY_ID": name,
                "SESSION_KEY_FILE": str(self.keys / "session.key"),
                "BOX_KEY_FILE": str(self.keys / f"{enrol.HOUSE}.box"),
                "HOOKS_FILE": str(self.hooks),
                "TRACKERS_FILE": str(self.trackers),
            }
        elif name not in USERS:
            env["BOX_KEY_FILE"] = str(self.keys / f"{name}.box")
            env["SANDBOX_DIR"] = str(self.folder / "sandbox")
            if name == ONCALL:
                files = {"ONCALL_FILE": self.oncall, "ALERTS_FILE": self.alerts, "PEOPLE_FILE": self.people}
                env |= {key: str(path) for key, path in files.items()}
        env = {f"BELLBOARD_{key}": value for key, value in env.items()}
        keys.write(self.services / f"{name}.env", "".join(f"{key}={value}\n" for key, value in env.items()))
        return env

    def _data_of(self, service: str) -> Path:
        """A service's own folder, for what is too large to be remembered on the bus, or is not to be lost with it."""
        folder = self.folder / "bots" / service
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (folder.parent, folder):
            part.chmod(0o700)
        return folder

    def _enrol(self, enrolments: dict[str, registry.Enrolment]) -> None:
        enrol.write(self.enrolled, enrolments.values())
        self._write_server(enrolments.values())

    def _write_server(self, enrolments: Iterable[registry.Enrolment]) -> None:
        users = {user: self._key(keys.bus_user, f"{user}.nk") for user in USERS}
        team = accounts.Team(users, {one.bot: one.nkey for one in enrolments if one.nkey})
        text = server.render([team], store=self.store, port=self.port, pid_file=self.nats_pid)
        keys.write(self.server_config, text)

    def _with_keys(self, enrolment: registry.Enrolment) -> registry.Enrolment:
        complete = registry.Enrolment()
        complete.CopyFrom(enrolment)
        complete.box_key = self._key(keys.box, f"{enrolment.bot}.box")
        if enrolment.bot != enrol.HOUSE:
            complete.nkey = self._key(keys.bus_user, f"{enrolment.bot}.nk")
        return complete

    def _key(self, kind: keys.Kind, name: str) -> str:
        try:
            return kind(self.keys / name)
        except ValueError as error:
            raise HouseError(f"{self.keys / name} holds no key", hint=START_OVER) from error

    def _check_keys(self, bots: Iterable[str]) -> None:
        """Look into the keys of bots that are here; those of a bot that runs elsewhere may not be."""
        for bot in bots:
            for kind, name in ((keys.bus_user, f"{bot}.nk"), (keys.box, f"{bot}.box")):
                if (self.keys / name).exists():
                    self._key(kind, name)

    def _first_people(self) -> None:
        name = getpass.getuser()
        person = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "owner"
        token = hashlib.sha256(self.local_token().encode()).hexdigest()
        first = {
            "people": [{"id": person, "name": name, "groups": [OWNERS], "tokens": [token], "accounts": []}],
            "rooms": [{"id": room, "title": title} for room, title in ROOMS],
        }
        keys.write(self.people, yaml.safe_dump(first, sort_keys=False, allow_unicode=True))
