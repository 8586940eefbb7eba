"""The deploy bot: rollouts with stages and gates, locks and freezes, and the balancer by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from bellboard import Block, Bot, Call, reply
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.api.deploy.v1 import deploy_pb2 as pb
from bellboard.ranges import resolve

from . import ask, hands, history, work
from .desk import Desk

bot = Bot(pb.DESCRIPTOR.services_by_name["DeployService"], version="0.1.0")


@bot.command
async def start(
    call: Call, app: str, version: str, env: str, canary: str, gate: Sequence[str], soak: timedelta, reason: str, *, desk: Desk
) -> AsyncIterator[pb.StartResponse]:
    """Bring a version to an environment."""
    found = desk.environment(env)
    want = ask.wanted(app, version, found, canary, gate, soak.total_seconds(), reason)
    async for blocks, place in ask.carry_out(call, want, desk):
        yield ask.said(blocks, place)


@bot.command
async def rollback(
    call: Call, app: str, env: str, version: str, reason: str, *, desk: Desk
) -> AsyncIterator[pb.RollbackResponse]:
    """Bring back the version that ran before, at once."""
    want = ask.Wanted(app=app, version=version, env=env, reason=reason, rollback=True)
    async for blocks, place in ask.carry_out(call, want, desk):
        yield pb.RollbackResponse.FromString(ask.said(blocks, place).SerializeToString())


@bot.command
async def probe(call: Call, lost: pb.StartRequest, *, desk: Desk) -> pb.ProbeResponse:
    """Say what became of a lost deploy."""
    blocks, happened = await ask.probe(call, desk.environment(lost.env), desk)
    return pb.ProbeResponse(reply=reply(*blocks), happened=happened)


@bot.command
async def probe_rollback(call: Call, lost: pb.RollbackRequest, *, desk: Desk) -> pb.ProbeRollbackResponse:
    """Say what became of a lost rollback."""
    blocks, happened = await ask.probe(call, desk.environment(lost.env), desk)
    return pb.ProbeRollbackResponse(reply=reply(*blocks), happened=happened)


@bot.command
async def status(call: Call, app: str, env: str, *, desk: Desk) -> list[Block]:
    """Show what runs where."""
    return await history.status(desk, env, app)


@bot.command
async def where(call: Call, app: str, *, desk: Desk) -> list[Block]:
    """Show where one can deploy now."""
    return await history.where(desk, app)


@bot.command
async def diff(call: Call, app: str, version: str, env: str, *, desk: Desk) -> list[Block]:
    """Show what a deploy would change."""
    return await history.diff(desk.environment(env), app, version)


@bot.command
async def history_(call: Call, app: str, env: str, since: TimeRange | None, *, desk: Desk) -> list[Block]:
    """Show the deploys of an app."""
    span = await resolve(since, now=call.at, marks=desk.marks(), default=timedelta(days=7))
    return await history.past(desk, env, app, span)


@bot.command
async def queue(call: Call, env: str, *, desk: Desk) -> list[Block]:
    """Show what is being deployed now."""
    return await history.queue(desk, env)


@bot.command
async def show(call: Call, id: str, *, desk: Desk) -> list[Block]:
    """Tell the story of one deploy."""
    return await history.show(desk, id)


@bot.command
async def pause(call: Call, id: str, *, desk: Desk) -> Block:
    """Hold a deploy where it is."""
    return await work.wish(call, desk, id, "pause")


@bot.command
async def promote(call: Call, id: str, *, desk: Desk) -> Block:
    """Send a deploy on to its next stage."""
    return await work.wish(call, desk, id, "promote")


@bot.command
async def abort(call: Call, id: str, *, desk: Desk) -> Block:
    """Roll back a deploy that runs."""
    return await work.wish(call, desk, id, "abort")


for by_hand in hands.COMMANDS:
    bot.command(by_hand)
