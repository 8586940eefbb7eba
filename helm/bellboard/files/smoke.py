"""What `helm test` runs: is the gateway well, and, given a token, does a command come to its end?

The environment says where: HEALTH (its health port, with http://), and with a token also GRPC (host:port), TOKEN_FILE and LINE.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from pathlib import Path

import aiohttp

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.api.ledger.v1 import ledger_pb2 as ledger

PATIENCE = 60.0
"""Seconds that all of it may take: after an upgrade some of it is still coming up."""

PASSING = ("unconfirmed", "no_bot")
"""Why a line may not be taken yet: such as that its bot has just begun, and the gateway has not heard of it."""


async def ready(health: str) -> None:
    """Return when a gateway is ready."""
    async with aiohttp.ClientSession() as session:
        said = ""
        while True:
            try:
                async with session.get(f"{health}/readyz") as answer:
                    if answer.status == 200:
                        return
                    text = await answer.text()
            except aiohttp.ClientError as error:
                text = str(error)
            if text != said:
                said = text
                print(f"not ready yet: {text.strip()}", flush=True)
            await asyncio.sleep(1)


async def say(target: str, token: str, line: str) -> bool:
    """Whether a line comes to a good end. It is one command, however often it is asked for."""
    request, said = gateway.RunLineRequest(line=line, request_id=str(uuid.uuid4())), ""
    while True:
        try:
            async with rpc.channel(target, token) as channel:
                async for answer in stubs.GatewayServiceStub(channel).RunLine(request):
                    if answer.HasField("card") and answer.card.final:
                        print(f"{line}: {ledger.State.Name(answer.card.state).removeprefix('STATE_')}")
                        return bool(answer.card.state == ledger.STATE_SUCCEEDED)
                    if answer.HasField("not_understood"):
                        if answer.not_understood.reason != said:
                            said = answer.not_understood.reason
                            print(f"{line}: {said}", flush=True)
                        if answer.not_understood.code not in PASSING:
                            return False
        except rpc.RpcError as error:
            if error.code() is not rpc.Status.UNAVAILABLE:
                print(f"{line}: {error.details()}")
                return False
        await asyncio.sleep(1)


async def main(token: str) -> int:
    """Returns the exit code; without a token no line is said."""
    try:
        async with asyncio.timeout(PATIENCE):
            await ready(os.environ["HEALTH"])
            print("ready")
            return 0 if not token or await say(os.environ["GRPC"], token, os.environ["LINE"]) else 1
    except TimeoutError:
        print(f"not done after {PATIENCE:g} s")
        return 1


if __name__ == "__main__":
    file = os.environ.get("TOKEN_FILE")
    sys.exit(asyncio.run(main(Path(file).read_text().strip() if file else "")))
