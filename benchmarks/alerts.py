"""A storm of alerts over real webhooks: whether all of them are counted, and what other commands feel of it.

Run as a program it is the storm: ``python -m benchmarks.alerts URL COUNT SECONDS``.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import orjson

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard_cli.client import Client
from bellboard_cli.runfile import RunFile

from .figures import Goal, percentile, table, used
from .processes import BELL, ENVIRONMENT
from .shipped import Ground

ALERTS, STORM = 10_000, 60.0
"""Alerts, and the seconds in which they come."""

GROUPS = 100
ROLL, ASK = "roll 2d6", "oncall"
"""A command of another bot, and one of the bot that takes the alerts."""

EVERY = {ROLL: 0.1, ASK: 0.5}
"""Seconds between two of each."""

Times = dict[str, list[float]]
"""Seconds that each run of a line took."""

AT_ONCE = 16
SETTLES, LOOK = 120.0, 5.0
"""Seconds for which the last alerts are waited for, and for which the room is looked at."""


async def storm(url: str, count: int, seconds: float) -> tuple[int, float]:
    """Send so many alerts, evenly; how many were taken, and in how many seconds.

    What was not taken is sent again, as senders of alerts do.
    """
    taken, begun, numbers = 0, time.perf_counter(), iter(range(count))

    async def send(http: aiohttp.ClientSession) -> None:
        nonlocal taken
        for number in numbers:
            await asyncio.sleep(max(0.0, begun + seconds * number / count - time.perf_counter()))
            app = f"app-{number % GROUPS}"
            labels = {"app": app, "instance": f"host-{number}", "severity": "warning"}
            body = orjson.dumps({"title": "Too slow", "group": app, "labels": labels})
            while True:
                async with http.post(url, data=body) as answer:
                    if answer.status == 202:
                        taken += 1
                        break
                await asyncio.sleep(0.5)

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(send(http) for _ in range(AT_ONCE)))
    return taken, time.perf_counter() - begun


async def alerts(_: Ground, seconds: float) -> tuple[str, list[Goal]]:
    """Other commands without a storm and in it; the alerts and the cards that there are after it."""
    share = min(1.0, seconds / 4.0)
    count, long = round(ALERTS * share), STORM * share
    with tempfile.TemporaryDirectory(prefix="bellboard-bench-") as folder, _up(Path(folder) / "data") as running:
        async with Client.at(running.address) as client:
            await _others(client, 3.0)
            quiet = await _others(client, long / 2)
            before = _used(running)
            sender = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.alerts", _hook(Path(folder) / "data", running), str(count), str(long)),
                stdout=subprocess.PIPE,
            )
            meanwhile = await _others(client, long)
            out, _err = await sender.communicate()
            begun = time.perf_counter()
            groups, firing = await _counted(client, count)
            settled = time.perf_counter() - begun
            cost = {name: spent - before.get(name, 0.0) for name, spent in _used(running).items()}
            cards = await _cards(running)
    taken, took = out.split()
    return _told(quiet, meanwhile, (int(taken), float(took)), groups, firing, settled, cards, cost, count)


def _told(
    quiet: Times,
    meanwhile: Times,
    sent: tuple[int, float],
    groups: int,
    firing: int,
    settled: float,
    cards: Counter[str],
    cost: dict[str, float],
    count: int,
) -> tuple[str, list[Goal]]:
    taken, took = sent
    shown, all_ = cards["alert show"] + cards["alert flood"], sum(cards.values())
    rows = [
        (f"alerts sent in {took:.1f} s, and taken", f"{taken:,}"),
        ("alerts firing after it, as `alert list` counts them", f"{firing:,} in {groups} groups"),
        ("until it says so, after the last one was sent", f"{settled:.1f} s"),
        ("cards in the room for them", f"{shown}"),
    ]
    for line in EVERY:
        rows += [
            (f"`{line}` without a storm: p50, p95", _middle(quiet[line])),
            (f"`{line}` in it: p50, p95", _middle(meanwhile[line])),
        ]
    worse = {line: percentile(meanwhile[line], 0.95) / percentile(quiet[line], 0.95) for line in EVERY}
    most = sorted(cost.items(), key=lambda item: -item[1])[:4]
    rows += [(f"CPU of {name}, from the first alert to the last one counted", f"{spent:.1f} s") for name, spent in most]
    goals = [
        Goal("no alert of a storm is lost, and each is counted once", f"{firing:,} of {count:,}", firing == count == taken),
        Goal("a storm does not flood the room", f"{shown} cards, {all_} in all", shown <= 40),
        Goal("other commands' p95 in a storm < 2 × quiet", f"{worse[ROLL]:.2f} ×", worse[ROLL] < 2),
        Goal("and that of the bot that takes the alerts", f"{worse[ASK]:.2f} ×", worse[ASK] < 2),
    ]
    return table(["", ""], rows), goals


def _middle(times: list[float]) -> str:
    return f"{percentile(times, 0.5) * 1e3:.1f} ms, {percentile(times, 0.95) * 1e3:.1f} ms"


@contextmanager
def _up(data: Path) -> Iterator[RunFile]:
    """Everything as it is shipped, but for the sandbox."""
    process = subprocess.Popen(
        [*BELL, "up", "--data", str(data), "--port", "0", "--no-sandbox"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("ready "):
                break
        else:
            raise RuntimeError("".join(told))
        yield RunFile.read(data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _hook(data: Path, running: RunFile) -> str:
    """The address of a webhook whose secret stands in it."""
    secret = secrets.token_urlsafe(24)
    (data / "hooks.yaml").write_text(f"hooks: {{storm: {{format: generic, bot: oncall, auth: path, secret: {secret}}}}}\n")
    return f"{running.url.rstrip('/')}/hooks/storm/{secret}"


def _used(running: RunFile) -> dict[str, float]:
    """The seconds of CPU that each process has used so far."""
    return {entry["name"]: used(entry["pid"]) for entry in running.processes if entry["pid"]}


async def _run(client: Client, line: str) -> gateway.Card:
    request = gateway.RunLineRequest(line=line, room="play", request_id=secrets.token_hex(8))
    async for answer in client.run_line(request):
        assert answer.HasField("card"), answer
        if answer.card.final:
            return answer.card
    raise AssertionError(f"no answer to {line}")


async def _others(client: Client, seconds: float) -> Times:
    """How long other commands take, one every so many seconds, whether or not the one before has ended."""
    taken: Times = {line: [] for line in EVERY}

    async def one(line: str) -> None:
        begun = time.perf_counter()
        await _run(client, line)
        taken[line].append(time.perf_counter() - begun)

    async def some(line: str) -> None:
        running, until = set[asyncio.Task[None]](), time.perf_counter() + seconds
        while time.perf_counter() < until:
            running.add(asyncio.create_task(one(line)))
            await asyncio.sleep(EVERY[line])
        await asyncio.gather(*running)

    await asyncio.gather(*(some(line) for line in EVERY))
    return taken


async def _counted(client: Client, count: int) -> tuple[int, int]:
    """The groups that burn, and the alerts that fire in them, once those are all, or after a while."""
    until = time.perf_counter() + SETTLES
    while True:
        card = await _run(client, "alert list")
        rows = card.blocks[0].table.rows
        firing = round(sum(row.cells[4].number for row in rows))
        if firing >= count or time.perf_counter() > until:
            return len(rows), firing
        await asyncio.sleep(1.0)


async def _cards(running: RunFile) -> Counter[str]:
    """How many cards of each command stand in the room."""
    found: dict[str, str] = {}
    request = gateway.WatchRoomRequest(room="ops")
    with suppress(TimeoutError):
        async with rpc.channel(f"127.0.0.1:{running.ports['grpc']}", running.token) as channel, asyncio.timeout(LOOK):
            async for event in stubs.GatewayServiceStub(channel).WatchRoom(request):
                if event.HasField("card") and not event.card.refresh and not event.card.silent:
                    found[event.card.command_id] = " ".join(event.card.line.split()[:2])
    return Counter(found.values())


if __name__ == "__main__":
    print(*asyncio.run(storm(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
