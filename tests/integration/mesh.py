"""A mesh for tests: what a gateway does to get a command run and no more, and services as processes that can be killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.bus import Bus
from bellboard.contract import Contract
from bellboard.envelope import Signer
from bellboard.errors import BusError
from bellboard.grammar import Nowhere, Scope, Vocabulary
from bellboard.ids import command_id
from bellboard.ledger import gate
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import FINAL, S, is_final
from bellboard.ledger.state import name as state_name
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key, parse
from bellboard.provision import House
from bellboard.sealed import seal, split_secrets
from bellboard.telemetry import trace
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us

BOTS = Path(__file__).parents[1] / "bots" / "practice"
WORLD = World()


class Gate:
    """Signs commands, brings them into the ledger, and reads what became of them."""

    def __init__(self, house: House, bus: Bus, contract: Contract) -> None:
        self.bus, self.contract = bus, contract
        self.store = Store(bus, "gateway")
        self.signer = Signer.from_file("gw-1", house.keys / "gw-1.sign")
        self.scope: Scope = Nowhere()
        self._vocabulary = Vocabulary([contract])
        self._box_key = next(b64decode(one.box_key) for one in house.enrolments() if one.bot == contract.bot)

    def envelope(self, line: str, *, not_after: float = 120.0, **fields: Any) -> pb.Envelope:
        """The command that a line means; ``fields`` replace what is said of it."""
        parsed = self._vocabulary.parse(line, self.scope)
        command, id = parsed.command, fields.pop("id", command_id("test", "", "general", secrets.token_hex(8)))
        effect = options.EFFECT_READ if parsed.preview else command.effect
        lane = command.lane.replace("work", "read") if parsed.preview else command.lane
        public, secret = split_secrets(command, parsed.request)
        said: dict[str, Any] = {
            "id": id,
            "team": "home",
            "bot": command.bot,
            "method": command.method,
            "digest": self.contract.digest,
            "request": public,
            "sealed": seal(self._box_key, secret, id.encode()) if secret else b"",
            "effect": effect,
            "lane": lane,
            "principal": pb.Principal(person="ann"),
            "cause": pb.CAUSE_LINE,
            "card": id,
            "preview": parsed.preview,
            "force": parsed.force,
            "rehearsal": parsed.rehearsal,
            "origin": pb.Origin(system="test", room="general", message=id),
            "line": parsed.canonical,
            "received_at": timestamp(time.time()),
            "not_after": timestamp(time.time() + not_after),
            "traceparent": trace.begin(id),
        }
        return pb.Envelope(**{**said, **fields})

    async def accept(self, line: str, *, not_after: float = 120.0, **fields: Any) -> Key:
        """Bring a line's command into the ledger."""
        return await self.put(self.envelope(line, not_after=not_after, **fields))

    async def put(self, envelope: pb.Envelope, signed: pb.SignedEnvelope | None = None) -> Key:
        """Bring an envelope into the ledger, signed by this gateway unless it is signed already."""
        key = Key(envelope.lane, envelope.bot, envelope.id)
        record = WORLD.record(S.STATE_RECEIVED, command=signed or self.signer.sign(envelope), effect=envelope.effect)

        async def stands() -> bool:
            verdict = await self.store.drive(gate.accept(key, Author.RUN, record))
            assert not isinstance(verdict, gate.Closed), verdict
            return isinstance(verdict, gate.Accepted)

        await eventually(stands, because="the bus takes no command")
        return key

    async def history(self, key: Key) -> list[tuple[Author, pb.Record]]:
        """Every record of a command, in order."""
        found = []
        end = await self.bus.end("LED")
        async for message in self.bus.follow("LED", filters=["led.>"]):
            its, author = parse(message.subject)
            if its == key:
                found.append((author, pb.Record.FromString(message.payload)))
            if message.sequence >= end:
                break
        return found

    async def states(self, key: Key) -> list[str]:
        """The names of the states that a command went through."""
        return [state_name(record.state) for _, record in await self.history(key)]

    async def newest(self, key: Key) -> pb.Record:
        """The newest record of a command."""
        last = [message for subject in key.subjects if (message := await self.bus.last("LED", subject)) is not None]
        newest = max(last, key=lambda message: message.sequence)
        return pb.Record.FromString(newest.payload)

    async def final(self, key: Key, timeout: float = 20.0) -> pb.Record:
        """The final record of a command, once there is one."""
        return await self.reaches(key, *FINAL, timeout=timeout)

    async def resolved(self, key: Key) -> pb.Record:
        """The last record of a command that was UNKNOWN, once it is known."""

        async def look() -> bool:
            with suppress(BusError):  # it is away for a moment, or slow
                return (await self.newest(key)).state in (S.STATE_RESOLVED_SUCCEEDED, S.STATE_RESOLVED_FAILED)
            return False

        await eventually(look, 20, because=f"{key.id} was not resolved")
        return await self.newest(key)

    async def reaches(self, key: Key, *states: pb.State.ValueType, timeout: float = 20.0) -> pb.Record:
        """The newest record of a command, once it stands in one of these states."""

        async def look() -> pb.Record | None:
            with suppress(BusError):  # it is away for a moment, or slow
                record = await self.newest(key)
                if record.state in states:
                    return record
                assert not is_final(record), f"it ended as {state_name(record.state)}: {record.reason}"
            return None

        wanted = ", ".join(state_name(state) for state in states)
        record = await eventually(look, timeout, because=f"{key.id} did not become {wanted}")
        assert record is not None
        return record


class Process:
    """A service as a process of its own, whose log lines can be read."""

    def __init__(self, replica: str, module: str, env: Mapping[str, str], log: Path) -> None:
        self.replica, self._module, self._log = replica, module, log
        paths = [str(BOTS), str(Path(__file__).parents[2])]
        self._env = {**os.environ, **env, "PYTHONPATH": os.pathsep.join(paths)}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *, ready: bool = True) -> Process:
        """Start it, and wait until it says that it is ready."""
        self._log.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *ends_with_us(sys.executable, "-m", self._module), env=self._env, stdout=log, stderr=log
            )
        if ready:
            await self.says("service.ready")
        return self

    def lines(self) -> list[dict[str, Any]]:
        """Its log lines so far, but for one that is being written; what is not JSON stands under ``text``."""
        lines = self._log.read_text(errors="replace").splitlines(keepends=True)
        lines = [line.rstrip("\n") for line in lines if line.endswith("\n")]
        return [orjson.loads(line) if line.startswith("{") else {"text": line} for line in lines]

    async def says(self, event: str, timeout: float = 40.0) -> dict[str, Any]:
        """Its first log line of an event, once there is one."""

        def look() -> list[dict[str, Any]]:
            found = [line for line in self.lines() if line.get("event") == event]
            if not found and self._process is not None and self._process.returncode is not None:
                pytest.fail(f"it ended with {self._process.returncode}: {self._log.read_text()}")
            return found

        return (await eventually(look, timeout, because=f"it never said {event}"))[0]

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return await self._process.wait()


class Mesh:
    """The services of a test, all of them ended with it."""

    def __init__(self, house: House, folder: Path) -> None:
        self._house, self._folder = house, folder
        self.effects_file = folder / "effects.txt"
        self.processes: list[Process] = []

    async def practice(self, replica: str = "practice-1", module: str = "bellboard_practice", **env: str) -> Process:
        """A replica of the practice bot."""
        own = {"BELLBOARD_REPLICA": replica, "BELLBOARD_PRACTICE_FILE": str(self.effects_file)}
        return await self.service("practice", replica, module, {**own, **env}).start()

    async def reaper(self, replica: str = "reaper-1", **env: str) -> Process:
        """A reaper in a hurry."""
        hurry = {"BELLBOARD_LEASE": "3", "BELLBOARD_OFFER_AGAIN": "6", "BELLBOARD_GIVE_UP": "10"}
        own = {"BELLBOARD_REPLICA": replica, **hurry, **env}
        reaper = await self.service("reaper", replica, "bellboard_reaper", own).start()
        await reaper.says("reaper.current")
        return reaper

    async def gateway(self, name: str) -> Process:
        """A gateway that takes lines."""
        ports = {"BELLBOARD_WEB_PORT": "0", "BELLBOARD_GRPC_PORT": "0"}
        return await self.service(name, name, "bellboard_gateway", {"BELLBOARD_REPLICA": name, **ports}).start()

    def service(self, name: str, replica: str, module: str, env: Mapping[str, str]) -> Process:
        """A service that is not started yet."""
        process = Process(replica, module, {**self._house.service_env(name), **env}, self._folder / f"{replica}.log")
        self.processes.append(process)
        return process

    def process(self, replica: str) -> Process:
        """The service of this name."""
        return next(process for process in self.processes if process.replica == replica)

    def effects(self, key: Key) -> Sequence[str]:
        """What a command did to the world, in order."""
        if not self.effects_file.exists():
            return []
        lines = [line.split(" ") for line in self.effects_file.read_text().splitlines()]
        return [what for id, what, _ in lines if id == key.id]

    async def close(self) -> None:
        """kill -9 of whatever still runs."""
        for process in self.processes:
            process.thaw()
            process.kill()
        for process in self.processes:
            if process._process is not None:
                await process.ended()
