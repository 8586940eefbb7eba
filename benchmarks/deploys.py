"""Deploys to the sandbox, from the line to the card; and what it costs to refuse the worst ones."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bellboard import BellboardError
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.call import Call, CallServices
from bellboard.keep.memory import MemoryKeep
from bellboard.marks.memory import MemoryMarks
from bellboard.testing import eventually
from bellboard.testing.talk import MemoryBlobs
from bellboard_deploy import ask
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.gates import read_gates, read_stages
from bellboard_deploy.paper import paper_town
from bellboard_gateway.lines import Command, Line

from .figures import Goal, middle, percentile, table
from .shipped import Ground, Shipped, process, shipped

GOAL_MS = 5.0
PAYLOADS = 5_000
AT_ONCE, WATCHED = "--soak 0s", "--canary 50,100 --soak 2s"
_SIGNS = "()[]{}|*+?.\\^$abvdwsp0123456789,:<>=!%/'\"`;&~-_ \n\0éж“"
_HOSTILE = ("$(reboot)", "../" * 60, "%s%n" * 40, "{0.__class__}", "(a+)+$" + "a" * 150, "v2" * 64, "0" * 128, "a" * 64)


async def deploys(ground: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """How soon a card says something, how long a deploy takes, and what refusals cost."""
    taken: dict[str, list[tuple[float, float]]] = {AT_ONCE: [], WATCHED: []}
    async with shipped(ground) as mesh:
        with _sandbox(ground) as town:
            await eventually(lambda: (town / "control.sock").exists(), 20, because="no sandbox")
            await eventually(lambda: mesh.gateway.registry.available("deploy"), 30, because="no deploy bot")
            await _once(mesh, "v2.1", AT_ONCE)  # a first one imports what it needs
            for number in range(round(2 * seconds)):
                taken[AT_ONCE].append(await _once(mesh, ("v1", "v2.1")[number % 2], AT_ONCE))
            for number in range(max(1, round(seconds))):
                taken[WATCHED].append(await _once(mesh, ("v1", "v2.1")[number % 2], WATCHED))
    p50, tail = await asyncio.to_thread(_refusals)
    rows = [
        (f"`deploy shop v1 to sandbox {how}`, to its first update", _ms([first for first, _ in those]))
        for how, those in taken.items()
    ]
    rows += [(f"`deploy shop v1 to sandbox {how}`, to its end", _ms([end for _, end in those])) for how, those in taken.items()]
    rows += [(f"a refusal, of {PAYLOADS:,}: CPU", f"{p50:.2f} ms, p99.9 {tail:.2f} ms")]
    goal = Goal(f"to refuse a deploy costs < {GOAL_MS:.0f} ms of CPU at p99.9", f"{tail:.2f} ms", tail < GOAL_MS)
    return table(["", "median, and the longest"], rows), [goal]


def _ms(values: list[float]) -> str:
    return f"{middle(values) * 1e3:,.0f} ms, {max(values) * 1e3:,.0f} ms"


async def _once(mesh: Shipped, version: str, how: str) -> tuple[float, float]:
    """Seconds from a line until its card says something of the deploy, and until it is final."""
    begun = time.perf_counter()
    text = f"deploy shop {version} to sandbox {how}"
    taken = await mesh.gateway.inbox.take(Line("bench", "", "general", secrets.token_hex(8), mesh.person, text))
    assert isinstance(taken, Command), taken
    first = 0.0
    async for view in mesh.gateway.board.follow(taken.id):
        first = first or (time.perf_counter() - begun if view.card().blocks else 0.0)
    card = view.card()
    assert card.state == ledger_pb2.STATE_SUCCEEDED, card
    return first, time.perf_counter() - begun


@contextmanager
def _sandbox(ground: Ground) -> Iterator[Path]:
    """The sandbox with its usual customers, and the deploy bot."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bb-")))  # socket paths are short
        stack.enter_context(process("bellboard_sandbox.town", os.environ, None, None, "--dir", str(folder)))
        environment = {**os.environ, **ground.house.service_env("deploy"), "BELLBOARD_SANDBOX_DIR": str(folder)}
        stack.enter_context(process("bellboard_deploy", environment, ground.house.logs / "deploy.log"))
        yield folder


def _payloads() -> Iterator[tuple[str, str, str, str]]:
    """An app, a version, an environment and words, at least one of the first three being none that there is."""
    chance = random.Random(5)

    def word() -> str:
        if chance.random() < 0.2:
            return chance.choice(_HOSTILE)
        return "".join(chance.choices(_SIGNS, k=chance.randrange(1, 200)))

    for number in range(PAYLOADS):
        known = ["shop", "v2", "sandbox"]
        known[number % 3] = word()
        yield known[0], known[1], known[2], word()


def _refusals() -> tuple[float, float]:
    """CPU milliseconds in the bot: the median and the 99.9th percentile of a refusal, with stages and gates read."""
    gc.freeze()
    desk = Desk(Environments({"sandbox": paper_town("sandbox")}), MemoryKeep(), MemoryMarks("deploy"))
    taken = []
    with asyncio.Runner() as runner:
        for app, version, env, words in _payloads():
            begun = time.thread_time_ns()
            refused = runner.run(_refused(desk, app, version, env, words))
            taken.append((time.thread_time_ns() - begun) / 1e6)
            assert refused, (app, version, env)
    gc.unfreeze()
    return middle(taken), percentile(taken, 0.999)


async def _refused(desk: Desk, app: str, version: str, env: str, words: str) -> bool:
    for read in (read_stages, lambda text: read_gates([text])):
        try:
            read(words)
        except BellboardError:
            continue
    services = CallServices(MemoryBlobs("deploy"), _asks, lambda blocks: None)
    envelope = ledger_pb2.Envelope(id="c1", principal=ledger_pb2.Principal(person="ann"))
    call = Call(envelope, 1, services, _steps)
    try:
        want = ask.wanted(app, version, desk.environment(env), "10,50,100", [], 30.0, words)
        async for _ in ask.carry_out(call, want, desk):
            pass
    except BellboardError:
        return True
    return False


async def _steps() -> AsyncIterator[str]:
    yield "pin"


async def _asks(request: ledger_pb2.CommandRequest) -> None:
    raise AssertionError("a refusal asks for nothing")
