"""What people do by hand: locks and freezes, the number of replicas, and the balancer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from bellboard import Block, Call, UserError, reply, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.api.deploy.v1 import deploy_pb2 as pb
from bellboard.replies import GOOD

from . import work
from .desk import Desk


async def lock(call: Call, env: str, reason: str, length: timedelta | None, *, desk: Desk) -> pb.LockResponse:
    """Keep deploys away from an environment."""
    if length is not None and not length:
        raise UserError("a lock for no time keeps nobody away", hint="--for 2h; without --for it holds until it is unlocked")
    held = await work.lock(call, desk, env, reason, length.total_seconds() if length else 0.0)
    return pb.LockResponse(reply=reply(text(held.said(), tone=GOOD)), id=held.id)


async def unlock(call: Call, env: str, id: str, *, desk: Desk) -> Block:
    """Let deploys in again."""
    return await work.unlock(desk, env, id)


async def freeze(call: Call, env: str, when: TimeRange | None, reason: str, *, desk: Desk) -> pb.FreezeResponse:
    """Keep deploys away for a time that lies ahead."""
    held = await work.freeze(call, desk, env, when, reason)
    return pb.FreezeResponse(reply=reply(text(held.said(), tone=GOOD)), id=held.id)


async def scale(call: Call, app: str, count: int, env: str, *, desk: Desk) -> AsyncIterator[Block]:
    """Change how many replicas an app has."""
    async for block in work.scale(call, desk, app, env, count):
        yield block


async def restart(call: Call, app: str, env: str, *, desk: Desk) -> AsyncIterator[Block]:
    """Replace every replica by a new one."""
    async for block in work.restart(call, desk, app, env):
        yield block


async def balancer_status(call: Call, app: str, env: str, *, desk: Desk) -> list[Block]:
    """Show the backends of an app."""
    return await work.backends(desk, env, app)


async def drain(call: Call, backend: str, env: str, *, desk: Desk) -> Block:
    """Send a backend no new requests."""
    return await work.change(call, desk, env, backend, "drain")


async def enable(call: Call, backend: str, env: str, *, desk: Desk) -> Block:
    """Send a backend requests again."""
    return await work.change(call, desk, env, backend, "enable")


async def weight(call: Call, backend: str, weight: int, env: str, *, desk: Desk) -> Block:
    """Give a backend a weight."""
    return await work.change(call, desk, env, backend, "weight", weight)


COMMANDS = (lock, unlock, freeze, scale, restart, balancer_status, drain, enable, weight)
