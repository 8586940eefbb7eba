"""Runs a bot as a process: start, say so, work, drain on SIGTERM, stop."""

from __future__ import annotations

import asyncio
import base64
import binascii
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NoReturn

from bellboard.blobs import Blobs
from bellboard.bot import Bot
from bellboard.bus import Bus
from bellboard.envelope import Verifier
from bellboard.errors import SettingsError
from bellboard.feeds import Feeds
from bellboard.feeds.bus import BusFeeds
from bellboard.feeds.memory import MemoryFeeds
from bellboard.history import History, Keeper, OwnRecords
from bellboard.keep import Keep
from bellboard.keep.bus import REHEARSAL, BusKeep
from bellboard.ledger.ops import World
from bellboard.ledger.store import Store
from bellboard.marks import Marks
from bellboard.marks.bus import BusMarks
from bellboard.presence import Presence
from bellboard.process import Stop, launch, open_health
from bellboard.providers import Providers
from bellboard.settings import BotSettings
from bellboard.telemetry import logs, names
from bellboard.telemetry.health import Check, HealthServer
from bellboard.telemetry.otlp import SpanSender
from bellboard.worker import Admission, Limits, Means, Worker

DRAIN_SECONDS = 25.0
"""How long a process that was told to end may take to finish what it has begun."""

Register = Callable[[Providers, Any], None]
"""Registers a bot's providers, given its settings."""


def run(bot: Bot, *, providers: Register | None = None, settings: type[BotSettings] = BotSettings) -> NoReturn:
    """Run a bot until it is told to end. Exit codes: 0 told to end, 69 no bus, 70 the bus closed for good, 78 a bad setting.

    Args:
        providers: registers what the handlers want provided; all of it is made before the bot takes any work.
        settings: the bot's own settings.
    """
    sys.exit(launch(bot.name, settings, partial(serve, bot, providers)))


async def serve(bot: Bot, register: Register | None, settings: BotSettings, stop: Stop) -> None:
    """Run a bot in the current event loop until ``stop``.

    Raises:
        SettingsError, ContractError: it can't start so.
        BusUnavailable: there is no bus.
    """
    bot.check()
    providers = Providers()
    if register is not None:
        register(providers, settings)
    async with AsyncExitStack() as stack:
        admission = Admission(
            bot.contract,
            Verifier.from_file(settings.trust_file),
            team=settings.team,
            replica=settings.replica,
            box_key=_box_key(settings),
        )
        bus = await Bus.of(settings, stop.bus_closed)
        stack.push_async_callback(bus.close)
        await stack.enter_async_context(providers)
        await _provide(providers, bot, bus)
        spans = SpanSender(bot.name)
        stack.push_async_callback(spans.close)
        # What it knows of other streams, such as who froze what, may be of the history that was lost.
        history = History(bus, OwnRecords(bus), Keeper(settings.data_dir), on_accepted=stop.now)
        await history.begin()
        means = Means(bus, Blobs(bus, bot.name), spans, history)
        limits = Limits(settings.max_reads, settings.max_work)
        worker = Worker(bot, Store(bus, "worker", history=history), means, admission, providers, limits, World())
        presence = Presence(bus, bot.contract, settings.replica, worker.in_flight, lambda: history.lost)
        health = _health(bot, settings, bus, presence, providers, history)
        stack.push_async_callback(health.close)
        await open_health(health)
        logs.emit(names.SERVICE_READY, replica=settings.replica, health_port=health.port, digest=bot.contract.digest)
        await _work(worker, presence, [spans.run(), history.run()], stop)
        await history.keep()


async def _provide(providers: Providers, bot: Bot, bus: Bus) -> None:
    """Make what its handlers need; first what the kit gives every bot, so that the rest may build on it."""
    providers.register(Keep, lambda: BusKeep(bus, bot.name))
    providers.rehearse(Keep, lambda: BusKeep(bus, bot.name, REHEARSAL))
    providers.register(Marks, lambda: BusMarks(bus, bot.name))
    providers.rehearse(Marks, lambda: BusMarks(bus, bot.name, rehearsing=True))
    providers.register(Feeds, lambda: BusFeeds(bus, bot.name))
    providers.rehearse(Feeds, MemoryFeeds)
    await providers.start((Keep, Marks, Feeds))
    await providers.start(bot.needs)


async def _work(worker: Worker, presence: Presence, beside: Sequence[Coroutine[Any, Any, None]], stop: Stop) -> None:
    working, present = asyncio.create_task(worker.run()), asyncio.create_task(presence.run())
    others, stopped = [asyncio.create_task(one) for one in beside], asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, present, *others, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and not stop.code:
            logs.emit(names.SERVICE_DRAINING, in_flight=len(worker.in_flight()))
            await presence.leave()
            await worker.drain()
            await asyncio.wait({working}, timeout=DRAIN_SECONDS)
    finally:
        broken = [task.exception() for task in (working, present, *others) if task.done() and not task.cancelled()]
        for task in (working, present, *others, stopped):
            task.cancel()
        await asyncio.gather(working, present, *others, stopped, return_exceptions=True)
    await presence.leave()  # with nothing in flight any more
    for error in filter(None, broken):
        raise error


def _health(
    bot: Bot, settings: BotSettings, bus: Bus, presence: Presence, providers: Providers, history: History
) -> HealthServer:
    async def outside() -> str | None:
        ill = await providers.ping()
        return "; ".join(f"{name}: {why}" for name, why in ill.items()) or None

    checks: dict[str, Check] = {
        "bus": lambda: None if bus.connected else "the bus can't be reached",
        "permissions": lambda: bus.denied[-1] if bus.denied else None,
        "contract": presence.check,
        "providers": outside,
    }
    return HealthServer(bot.name, settings.health_host, settings.health_port, checks, lambda: history.safe_mode)


def _box_key(settings: BotSettings) -> bytes:
    try:
        key = base64.b64decode(settings.box_key_file.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise SettingsError(f"no key can be read from {settings.box_key_file}", hint="set BELLBOARD_BOX_KEY_FILE") from error
    if len(key) != 32:
        raise SettingsError(f"{settings.box_key_file} holds no X25519 key of 32 bytes")
    return key
