"""The behaviour suite, on a real bus: lines are signed and accepted as a gateway does, and run by the bots' own workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bellboard import replies
from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.blobs import Blobs
from bellboard.bot import Bot
from bellboard.call import trace_of
from bellboard.grammar import NotUnderstood, Nowhere
from bellboard.ledger.gate import cancel
from bellboard.ledger.ops import Op
from bellboard.ledger.state import name
from bellboard.ledger.subjects import Key
from bellboard.process import Stop
from bellboard.providers import Providers
from bellboard.provision import House
from bellboard.runner import serve
from bellboard.settings import BotSettings
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard.testing.talk import NOT_UNDERSTOOD, Ask, Said
from bellboard_memes.bot import bot as memes
from bellboard_memes.providers import register as register_memes
from bellboard_memes.settings import Settings as MemesSettings
from bellboard_practice.bot import bot as practice
from bellboard_practice.providers import register as register_practice
from bellboard_practice.settings import Settings as PracticeSettings
from tests.contract.behaviour import Behaviour
from tests.integration.mesh import WORLD, Gate

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class _Sent(Nowhere):
    """The picture that was sent with a line."""

    ref: chat.BlobRef

    def picture(self, word: str = "") -> chat.BlobRef | None:
        return self.ref


class TestBehaviourOnBus(Behaviour):
    """Every line goes through the ledger."""

    @pytest.fixture(autouse=True)
    async def _meet(self, house: House, nats: NatsServer, bus_as: BusAs, tmp_path: Path) -> AsyncIterator[None]:
        self._file = tmp_path / "effects"
        self._bus = await bus_as("gw-1")
        self._blobs = Blobs(self._bus, "gw")
        self._gates = {bot.name: Gate(house, self._bus, bot.contract) for bot in (practice, memes)}
        own: dict[str, Any] = {"practice_file": self._file}
        async with (
            _serving(practice, register_practice, _settings(PracticeSettings, house, practice.name, **own)),
            _serving(memes, register_memes, _settings(MemesSettings, house, memes.name)),
        ):
            yield

    async def say(self, line: str, *, upload: bytes | None = None, cancel: bool = False) -> Said:
        bot = practice if line.startswith("practice") else memes
        gate = self._gates[bot.name]
        if upload is not None:
            gate.scope = _Sent(await self._blobs.put(upload, media_type="image/png"))
        try:
            envelope = gate.envelope(line)
        except NotUnderstood as error:
            return Said(NOT_UNDERSTOOD, (replies.failure(error.reason, hint=error.suggestion, code=error.code),), line=line)
        key = await gate.put(envelope)
        if cancel:
            await self._cancel(gate, key)
        final, asked = await gate.final(key), await self._asked(key)
        response = bot.handlers[envelope.method].response_type
        return Said(
            state=name(final.state),
            blocks=tuple(final.outcome.reply.blocks),
            result=response.FromString(final.outcome.result),
            line=envelope.line,
            steps=tuple(step.name for step in final.steps),
            asks=tuple(Ask.of(request) for request in asked if request.line),
            unasked=tuple(request.key for request in asked if not request.line),
            id=key.id,
            trace_id=trace_of(envelope),
        )

    async def _cancel(self, gate: Gate, key: Key) -> None:
        """As a gateway does, once a beat says that the handler runs."""
        async for message in self._bus.listen("hb.>"):
            beat = registry.Heartbeat.FromString(message.payload)
            if any(flight.id == key.id and flight.epoch for flight in beat.in_flight):
                break

        async def stop(_: Op) -> None:
            await self._bus.send(f"ctl.{key.bot}.{key.id}", pb.CancelRequest(id=key.id, by="ann").SerializeToString())

        await gate.store.drive(cancel(key, "ann", "", WORLD), stop)

    async def _asked(self, key: Key) -> list[pb.CommandRequest]:
        found = await self._bus.lasts("REQ", f"req.{key.bot}.{key.id}.*")
        return [pb.CommandRequest.FromString(message.payload) for message in found]

    async def fetch(self, sha256: str, owner: str) -> bytes:
        return await self._blobs.get(chat.BlobRef(sha256=sha256, owner=owner))

    def effects(self) -> Counter[tuple[str, str]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return Counter((id, what) for id, what, _ in (line.split() for line in lines))


def _settings(kind: type[BotSettings], house: House, bot: str, **own: Any) -> Any:
    env = {key.removeprefix("BELLBOARD_").lower(): value for key, value in house.service_env(bot).items()}
    return kind(**{**env, "replica": f"{bot}-1", "health_port": -1, **own})


@asynccontextmanager
async def _serving(bot: Bot, register: Callable[[Providers, Any], None], settings: BotSettings) -> AsyncIterator[None]:
    """The bot, run as its process would run it."""
    stop = Stop()
    running = asyncio.create_task(serve(bot, register, settings, stop))
    try:
        yield
    finally:
        stop.now()
        await running
