"""The sandbox bot: a small production to practise on, broken and healed by chat."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from bellboard import Block, Bot, Call, UserError, reply, table, text
from bellboard.api.sandbox.v1 import sandbox_pb2 as pb
from bellboard.replies import BAD, GOOD, WARNING

from .catalog import APPS, FAULTS, SHOP
from .providers import Fault, Sandbox, Status

bot = Bot(pb.DESCRIPTOR.services_by_name["SandboxService"], version="0.1.0")


@bot.command
async def status(call: Call, *, sandbox: Sandbox) -> pb.StatusResponse:
    """Show what runs in the sandbox, and how customers fare."""
    now = await sandbox.status()
    return pb.StatusResponse(
        reply=reply(*_show(now)),
        replicas=[replica.name for replica in now.replicas],
        faults=_faults(now.faults),
        sent=now.sent,
        failed=sum(failures.count for failures in now.failed),
    )


@bot.command
async def break_(call: Call, app: str, fault: str, *, sandbox: Sandbox) -> pb.BreakResponse:
    """Switch a fault of the sandbox on."""
    app, fault = _known("app", app, APPS), _known("fault", fault, FAULTS)
    on = await sandbox.break_(app, fault)
    said = text(f"{app} is broken by {fault}: {FAULTS[fault]}. “sandbox heal” ends it.", tone=WARNING)
    return pb.BreakResponse(reply=reply(said), faults=_faults(on))


@bot.command
async def heal(call: Call, *, sandbox: Sandbox) -> Block:
    """Switch every fault of the sandbox off."""
    await sandbox.heal()
    return text("the sandbox has no faults any more", tone=GOOD)


@bot.command
async def reset(call: Call, *, sandbox: Sandbox) -> pb.ResetResponse:
    """Make the sandbox as new: first version, no faults."""
    new = f"{SHOP.replicas} replicas of {SHOP.name} {SHOP.first}, equal shares, no faults, nothing counted"
    if call.preview:
        now = await sandbox.status()
        return pb.ResetResponse(reply=reply(text(f"the sandbox would be as new: {new}. Now it is so:"), *_show(now)))
    now = await sandbox.reset()
    return pb.ResetResponse(reply=reply(text(f"the sandbox is as new: {new}", tone=GOOD), *_show(now)[1:]))


def _show(now: Status) -> list[Block]:
    """A line that says how it is, the replicas, and what failed."""
    replicas = [(r.name, r.service, r.version, r.state, r.restarts, r.started_at) for r in now.replicas]
    blocks = [_summary(now), table(["replica", "service", "version", "state", "restarts", "since"], replicas)]
    if now.failed:
        failed = [(failures.version or "no replica", failures.cause, failures.count) for failures in now.failed]
        blocks.append(table(["version", "cause", "failed"], failed, title="customers' requests that failed"))
    return blocks


def _summary(now: Status) -> Block:
    failed = sum(failures.count for failures in now.failed)
    share = f" ({failed / now.sent:.1%})" if failed and now.sent else ""
    requests = f"customers have sent {now.sent} requests, of which {failed or 'none'} failed{share}"
    if now.faults:
        broken = ", ".join(f"{fault.app} by {fault.name}" for fault in now.faults)
        return text(f"broken: {broken}; {requests}", tone=BAD)
    return text(f"no fault is switched on; {requests}", tone=WARNING if failed else GOOD)


def _faults(faults: Collection[Fault]) -> list[pb.Fault]:
    return [pb.Fault(app=fault.app, name=fault.name) for fault in faults]


def _known(what: str, word: str, known: Collection[str]) -> str:
    """The word, if it is known. Raises UserError with the nearest that is."""
    if word in known:
        return word
    near = get_close_matches(word.lower(), known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}"
    raise UserError(f"the sandbox has no {what} “{word}”", hint=hint)
