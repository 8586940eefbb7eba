"""Commands at a fixed rate, each asked for again until there is a verdict, as the web room and `bell` do."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.ledger.state import name

PATIENCE = 240.0
"""Seconds in which a command that was submitted has to come to its end."""


@dataclass(slots=True)
class Submitted:
    """One command, and what the person who typed it was told."""

    number: int
    line: str
    effect: str
    at: float = 0.0
    command_id: str = ""
    final: str = ""
    refused: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return bool(self.final or self.refused)


def plan(commands: int, seed: int) -> list[Submitted]:
    """A third of each effect, most of them slow enough to be caught in flight."""
    dice = random.Random(seed)
    made: list[Submitted] = []
    for number in range(commands):
        wait = dice.choice(["0s", "200ms", "500ms", "1s", "2s"])
        kind = number % 3
        if kind == 0:
            made.append(Submitted(number, f"practice look w{number} --wait {wait}", "READ"))
        elif kind == 1:
            made.append(Submitted(number, f"practice set m{number} {number} --wait {wait}", "IDEMPOTENT"))
        elif dice.random() < 0.2:
            made.append(Submitted(number, f"practice climb hill{number} --wait 200ms", "STEPS"))
        else:
            made.append(Submitted(number, f"practice fire f{number} --wait {wait}", "ONCE"))
    return made


class Load:
    """Submits a plan through the gateway's gRPC door."""

    def __init__(self, data: Path, commands: list[Submitted], rate: float) -> None:
        self.data, self.commands, self.rate = data, commands, rate

    @property
    def in_flight(self) -> int:
        """Commands that stand in the ledger and are not final, as far as their people know."""
        return sum(1 for command in self.commands if command.command_id and not command.over)

    async def run(self) -> None:
        """Submit everything at the fixed rate, and wait until each has come to its end, or its patience has."""
        begun = time.monotonic()
        asking: list[asyncio.Task[None]] = []
        for number, command in enumerate(self.commands):
            await asyncio.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
            asking.append(asyncio.create_task(self._ask(command)))
        await asyncio.gather(*asking)

    async def _ask(self, command: Submitted) -> None:
        command.at = time.time()
        deadline = time.monotonic() + PATIENCE
        while not command.over and time.monotonic() < deadline:
            try:
                await self._ask_once(command)
            except (grpc.aio.AioRpcError, OSError, KeyError, ValueError) as error:
                command.said.append(f"{type(error).__name__}")
            if not command.over:
                await asyncio.sleep(0.5)

    async def _ask_once(self, command: Submitted) -> None:
        run = json.loads((self.data / "run.json").read_text())
        request = pb.RunLineRequest(line=command.line, room="general", request_id=f"chaos-{command.number}")
        metadata = [("authorization", f"Bearer {run['token']}")]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{run['ports']['grpc']}") as channel:
            async for answer in stubs.GatewayServiceStub(channel).RunLine(request, metadata=metadata, timeout=30.0):
                self._hear(command, answer)
                if command.over:
                    return

    @staticmethod
    def _hear(command: Submitted, answer: pb.RunLineResponse) -> None:
        if answer.HasField("card"):
            command.command_id = answer.card.command_id
            if answer.card.final:
                command.final = name(answer.card.state)
        elif answer.not_understood.code not in ("no_bot", "unconfirmed"):
            command.refused = f"{answer.not_understood.code}: {answer.not_understood.reason}"
        command.said.append(answer.card.reason or answer.not_understood.reason)
