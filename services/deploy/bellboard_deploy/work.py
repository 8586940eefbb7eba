"""What people do besides deploying: word for a rollout, locks, the number of replicas, and the balancer by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from bellboard import Block, Call, Failed, UserError, progress, table, text
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.replies import GOOD, PLAIN, WARNING

from . import cards
from .desk import Desk
from .environments import nearest
from .holding import hold
from .locks import ALL, Lock, clock
from .place import Wish
from .providers import Backend, Balancer, Deployer, Environment, Order

_DONE = {"pause": "is asked to stay where it is", "promote": "is asked to go on", "abort": "is asked to go back"}


async def wish(call: Call, desk: Desk, id: str, what: Wish) -> Block:
    """Leave word for the rollout of an id, or for the only one that runs.

    Raises:
        UserError: it is over, there is no such one, or several run and none is named.
    """
    running = await desk.places().running()
    place = await desk.places().find(id) if id else running[0] if len(running) == 1 else None
    if place is None and not id and not running:
        return text("nothing is being deployed", tone=WARNING)
    if place is None:
        known = ", ".join(one.id for one in running) or "none"
        raise UserError(f"there is no deploy {id[:20]}" if id else "which one?", hint=f"those that run: {known}")
    if place.state != "running":
        raise UserError(f"{cards.title(place)} is over: {place.state}", hint="see: deploy queue")
    if place.deaf:
        raise UserError(f"{cards.title(place)} {place.deaf}", hint=f"see: deploy show {place.id}")
    if desk.environment(place.env).deployer is None:
        raise UserError(f"{cards.title(place)} is carried out elsewhere, which hears nothing from here", hint="stop it there")
    await desk.places().wish(place, what, call.person)
    return text(f"{cards.title(place)} {_DONE[what]}; see its own card", tone=GOOD)


def _known(desk: Desk, env: str) -> str:
    return env if env == ALL else desk.environment(env).name


async def lock(call: Call, desk: Desk, env: str, reason: str, seconds: float) -> Lock:
    """Lock an environment, or all of them; for as long as it takes if ``seconds`` is 0."""
    began = call.at or time.time()
    until = began + seconds if seconds else 0.0
    made = Lock(
        kind="lock", env=_known(desk, env), person=call.person, reason=reason, since=began, until=until, command=call.id
    )
    return await desk.locks().claim(made)


async def freeze(call: Call, desk: Desk, env: str, when: TimeRange | None, reason: str) -> Lock:
    """Freeze an environment, or all of them, for a time that lies ahead."""
    start, end = _ahead(call.at or time.time(), when)
    if end <= time.time():
        raise UserError("that time is over", hint="such as fri 16:00..mon 08:00")
    made = Lock(
        kind="freeze",
        env=_known(desk, env),
        person=call.person,
        reason=reason,
        since=start,
        until=end,
        command=call.id,
    )
    return await desk.locks().freeze(made)


def _ahead(now: float, when: TimeRange | None) -> tuple[float, float]:
    """From when to when; a length counts from now."""
    match when.WhichOneof("span") if when is not None else None:
        case "last":
            return now, now + when.last.ToTimedelta().total_seconds()  # type: ignore[union-attr]
        case "between" if when is not None and when.between.HasField("end"):
            between = when.between
            start = between.start.seconds + between.start.nanos / 1e9 if between.HasField("start") else now
            end = between.end.seconds + between.end.nanos / 1e9
            if end > start:
                return start, end
    raise UserError("a freeze has a beginning and an end", hint="such as fri 16:00..mon 08:00, or 2h")


async def unlock(desk: Desk, env: str, id: str) -> Block:
    """Lift the lock of an environment, or the freeze of an id."""
    lifted = await desk.locks().lift(_known(desk, env), id)
    if lifted is None:
        still = await desk.locks().against(_known(desk, env))
        but = f"{env} has no lock of its own, but {still.said()}; say {still.way_out()}" if still else ""
        return text(but or f"{env} is not locked", tone=WARNING if but else PLAIN)
    whose = lifted.person or "a bot"
    return text(f"{env} is free again; {lifted.id} was set by {whose}, {clock(lifted.since)}: “{lifted.reason}”", tone=GOOD)


def ordered(call: Call, desk: Desk, env: str) -> Environment:
    """An environment, for what a command does in one go. Raises UserError."""
    return desk.environment(env).under(Order(call.id, call.person, call.at))


def deployer_of(call: Call, desk: Desk, env: str) -> Deployer:
    """Who deploys to an environment, for a command that changes something in one go.

    Raises:
        UserError: there is no such environment.
        Failed: nothing of it is ours to run.
    """
    found = ordered(call, desk, env)
    if found.deployer is None:
        raise Failed(f"the replicas of {found.name} are not ours to count", hint="ask the system that deploys there")
    return found.deployer


Telling = Callable[[Callable[[str, float | None], None]], Coroutine[Any, Any, None]]


async def shown(work: Telling) -> AsyncIterator[Block]:
    """Carry something out, and show what it tells of itself."""
    told: asyncio.Queue[Block] = asyncio.Queue()
    task = asyncio.create_task(work(lambda words, done: told.put_nowait(progress(words, done))))
    try:
        while not task.done():
            waiting = asyncio.create_task(told.get())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                yield waiting.result()
            waiting.cancel()
        task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def scale(call: Call, desk: Desk, app: str, env: str, count: int) -> AsyncIterator[Block]:
    """Have so many replicas, unless a lock keeps changes away."""
    deployer = await _free(call, desk, app, env)
    if call.preview:
        now = sum(one.state != "stopping" for one in (await deployer.observe(app)).replicas)
        yield text(f"{app} in {env} would have {count} replicas; it has {now}")
        return
    async with hold(call, desk.environment(env), app, "a scale"):
        async for block in shown(lambda tell: deployer.scale(app, count, key_of(call), tell)):
            yield block
    yield text(f"{app} in {env} has {count} replicas", tone=GOOD)


async def restart(call: Call, desk: Desk, app: str, env: str) -> AsyncIterator[Block]:
    """Replace every replica by a new one, unless a lock keeps changes away."""
    deployer = await _free(call, desk, app, env)
    names = [one.name for one in (await deployer.observe(app)).replicas]
    if call.preview:
        yield text(f"these replicas of {app} in {env} would be replaced: {', '.join(names) or 'none'}")
        return
    async with hold(call, desk.environment(env), app, "a restart"):
        async for block in shown(lambda tell: deployer.restart(app, key_of(call), tell)):
            yield block
    yield text(f"every replica of {app} in {env} is new", tone=GOOD)


def key_of(call: Call) -> str:
    """What replicas that a command starts are named after: the same in every attempt."""
    return f"c{call.id[:8].lower()}"


async def _free(call: Call, desk: Desk, app: str, env: str) -> Deployer:
    """Who runs an app, if nothing keeps changes away from it.

    Raises:
        UserError: there is no such app.
        Failed: a lock is in the way.
    """
    deployer = deployer_of(call, desk, env)
    apps = await deployer.apps()
    if app not in apps:
        raise UserError(f"there is no app “{app[:40]}” in {env}", hint=nearest(app, list(apps)))
    lock = await desk.locks().against(desk.environment(env).name, call.person)
    if lock is not None and not call.preview:
        raise Failed(lock.said(), hint=lock.way_out())
    return deployer


async def backends(desk: Desk, env: str, app: str) -> list[Block]:
    """The backends of an app; of every environment that has any, where none is said."""
    tables: list[Block] = []
    known: dict[str, None] = {}
    for found in desk.some(env):
        if (balancer := found.balancer) is None:
            continue
        apps = await balancer.apps()
        known |= dict.fromkeys(apps)
        if rows := [_row(one) for name in apps if app in ("", name) for one in await balancer.backends(name)]:
            columns = ["backend", "app", "version", "state", "weight", "now", "requests", "failed"]
            tables.append(table(columns, rows, title=f"{found.name}, balanced by {balancer.name}"))
    if not tables:
        hint = nearest(app, list(known)) if app and known and app not in known else "see: deploy status"
        raise UserError(f"nothing is balanced for {app[:40] or env or 'any environment'}", hint=hint)
    return tables


def _row(one: Backend) -> tuple[str | float | None, ...]:
    return one.name, one.app, one.version, one.state, float(one.weight), float(one.connections), one.requests, one.failed


async def backend(found: Environment, name: str) -> tuple[Balancer, Backend]:
    """A backend by its name, and who balances it.

    Raises:
        UserError: there is none.
    """
    known: list[Backend] = []
    if found.balancer is not None:
        for app in await found.balancer.apps():
            known += await found.balancer.backends(app)
        for one in known:
            if one.name == name:
                return found.balancer, one
    raise UserError(f"there is no backend “{name[:40]}” in {found.name}", hint=nearest(name, [one.name for one in known]))


async def _last(balancer: Balancer, one: Backend) -> bool:
    """Whether no other backend of its app takes requests."""
    return not any(other.weight for other in await balancer.backends(one.app) if other.name != one.name)


async def change(call: Call, desk: Desk, env: str, name: str, what: str, weight: int = 0) -> Block:
    """Change one backend, and say what it was and is."""
    balancer, one = await backend(ordered(call, desk, env), name)
    words = {"drain": "is sent no new requests", "enable": "is sent requests", "weight": f"has weight {weight}"}[what]
    if one.weight and what != "enable" and not weight and await _last(balancer, one):
        raise UserError(f"{name} is the last one that takes requests", hint="lb enable another one first")
    if call.preview:
        return text(f"{name} {words} then; now it is {one.state} with weight {one.weight} and {one.connections} requests")
    if what == "weight":
        await balancer.weight(one.app, name, weight)
    else:
        await (balancer.drain if what == "drain" else balancer.enable)(one.app, name)
    busy = f"; {one.connections} are being finished" if what == "drain" and one.connections else ""
    return text(f"{name} {words}{busy}", tone=GOOD)
