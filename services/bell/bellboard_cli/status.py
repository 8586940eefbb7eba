"""`bell status` and `bell commands`: what the mesh can do, and how it is."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.options.v1 import options_pb2 as options

from .client import Client
from .render import plain
from .runfile import Find


async def status(find: Find, *, as_json: bool) -> None:
    """Print the bots, their replicas and what waits. Raises UserError, Away."""
    async with Client.at(find()) as client:
        answer = await client.status()
    if as_json:
        # In protobuf's JSON these would be texts, since not every language's numbers hold 64 bits.
        counts = [{"queued": bot.queued, "running": bot.running} for bot in answer.bots]
        shown = _shown(answer)
        bots = [bot | count for bot, count in zip(shown["bots"], counts, strict=True)]
        _print_json(shown | {"bots": bots, "open": answer.open})
        return
    table = Table("bot", "replica", "version", "last heartbeat", "queued", "running", box=None)
    for bot in answer.bots:
        for replica in bot.replicas or [gateway.ReplicaStatus(replica="none")]:
            beat = f"{replica.last_heartbeat.ToDatetime():%H:%M:%SZ}" if replica.HasField("last_heartbeat") else "-"
            draining = " (draining)" if replica.draining else ""
            cells = (bot.bot, replica.replica + draining, replica.version, beat, str(bot.queued), str(bot.running))
            table.add_row(*(Text(plain(cell)) for cell in cells))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"bus: {'connected' if answer.bus else 'out of order'}; commands that are not final: {answer.open}")
    for problem in answer.problems:
        console.print(Text(plain(problem), style="yellow"))


async def commands(find: Find, room: str, *, as_json: bool) -> None:
    """Print what one may run. Raises UserError, Away."""
    async with Client.at(find()) as client:
        answer = await client.commands(room)
    if as_json:
        _print_json(_shown(answer))
        return
    table = Table("form", "what it does", "effect", "bot", box=None)
    for command in answer.commands:
        effect = options.Effect.Name(command.effect).removeprefix("EFFECT_").lower()
        away = "" if command.available else " (no worker)"
        table.add_row(*(Text(plain(cell)) for cell in (command.usage, command.summary, effect, command.bot + away)))
    Console(highlight=False).print(table)


def _shown(answer: gateway.GetStatusResponse | gateway.ListCommandsResponse) -> dict[str, Any]:
    return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _print_json(shown: dict[str, Any]) -> None:
    print(json.dumps(shown, ensure_ascii=False))
