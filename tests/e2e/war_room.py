"""The war room as its tests see it: a mesh whose customers are counted, and the story that its room tells."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
from typing import Any

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from tests.e2e.mesh import Mesh, Said

BAD = "deploy shop v2 to sandbox --canary 20,50,100 --gate errors<5% --soak 6s"
"""The deploy that goes wrong: a quarter of what v2 is asked fails."""
GOOD = "deploy shop v2.1 to sandbox --canary 50,100 --soak 3s"
MISMATCH = "payment token mismatch"
"""What v2 says, and no other version."""


def id_in(text: str, letter: str) -> str:
    """The id of a kind that is named first, such as D1."""
    found = re.search(rf"\b{letter}[0-9]+\b", text)
    assert found, text
    return found[0]


def rows(said: Said) -> list[dict[str, Any]]:
    """The first table of an answer, a dict for each row."""
    table = next(block["table"] for block in said.last["blocks"] if "table" in block)
    names = [column["name"] for column in table["columns"]]
    return [
        dict(zip(names, [next(iter(cell.values()), None) for cell in row["cells"]], strict=True))
        for row in table.get("rows", [])
    ]


def backends(mesh: Mesh) -> list[dict[str, Any]]:
    """What the balancer has."""
    return rows(mesh.say("lb status in sandbox"))


def status(mesh: Mesh) -> dict[str, Any]:
    """What the sandbox says of itself, and of its customers."""
    link = http.client.HTTPConnection("localhost")
    link.sock = socket.socket(socket.AF_UNIX)
    link.sock.connect(str(mesh.data / "sandbox" / "control.sock"))
    link.request("GET", "/v1/status")
    told: dict[str, Any] = json.loads(link.getresponse().read())
    link.close()
    return told


def failed(mesh: Mesh) -> dict[tuple[str, str], int]:
    """How many requests of customers failed, by version and cause."""
    return {(one["version"], one["cause"]): one["count"] for one in status(mesh)["customers"]["failed"]}


async def cards(mesh: Mesh, *lines: str, final: bool = True) -> dict[str, gateway.Card]:
    """The cards of the room by their ids, once there are those of lines that begin so, ``final`` or not."""
    running, told = mesh.run_file, dict[str, gateway.Card]()
    async with asyncio.timeout(30), rpc.channel(f"127.0.0.1:{running.ports['grpc']}", running.token) as channel:
        async for event in stubs.GatewayServiceStub(channel).WatchRoom(gateway.WatchRoomRequest(room="general")):
            if event.HasField("card"):
                told[event.card.command_id] = event.card
            known = [card.line for card in told.values() if card.final or not final]
            if all(any(one.startswith(line) for one in known) for line in lines):
                return told
    raise AssertionError("the room fell silent")


def story(told: dict[str, gateway.Card]) -> list[tuple[str, str]]:
    """Each line of a room with its verdict, in the order in which they were typed; what a card started is left out."""
    own = sorted(
        (card for card in told.values() if card.card_id == card.command_id), key=lambda card: card.received_at.ToNanoseconds()
    )
    return [(card.line, ledger.State.Name(card.state).removeprefix("STATE_")) for card in own]
