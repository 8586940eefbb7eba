"""The reaper as a process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial

from google.protobuf.message import DecodeError

from bellboard.bus import Bus
from bellboard.history import AllOfIt, History, Keeper
from bellboard.ledger.ops import World
from bellboard.process import EX_SOFTWARE, Stop, launch, open_health
from bellboard.telemetry import logs, names
from bellboard.telemetry.health import Check, HealthServer
from bellboard.telemetry.otlp import SpanSender
from bellboard.telemetry.trace import Entry, Span, lifecycle

from .reaper import Reaper
from .settings import ReaperSettings

SERVICE = "reaper"


def main() -> int:
    """Run until told to end; returns the exit code."""
    return launch(SERVICE, ReaperSettings, serve)


async def serve(settings: ReaperSettings, stop: Stop) -> None:
    """Run in the current event loop until ``stop``. Raises SettingsError and BusUnavailable at the start."""
    async with AsyncExitStack() as stack:
        bus = await Bus.of(settings, stop.bus_closed)
        stack.push_async_callback(bus.close)
        spans = SpanSender(SERVICE)
        stack.push_async_callback(spans.close)

        def told(entries: Sequence[Entry]) -> None:
            if spans.enabled:
                spans.add(_life(entries))

        # What it has read of the ledger holds no more once some of it is lost: then it starts anew.
        anew = partial(stop.now, EX_SOFTWARE)
        history = History(bus, AllOfIt(bus), Keeper(settings.data_dir), on_lost=anew)
        await history.begin()
        reaper = Reaper(bus, settings.patience, told, World(), history=history)
        health = _health(settings, bus, reaper, history)
        stack.push_async_callback(health.close)
        await open_health(health)
        logs.emit(names.SERVICE_READY, replica=settings.replica, health_port=health.port)
        await _until_stopped(reaper, spans, history, stop)


def _life(entries: Sequence[Entry]) -> Iterator[Span]:
    """The spans of a command, made when they are sent: many in a row take a third of the time that one now and then takes."""
    try:
        yield from lifecycle(entries)
    except DecodeError:
        logs.emit(names.LEDGER_GARBAGE, sequence=entries[0].sequence)


async def _until_stopped(reaper: Reaper, spans: SpanSender, history: History, stop: Stop) -> None:
    reaping = asyncio.create_task(reaper.run())
    beside = [asyncio.create_task(one) for one in (spans.run(), history.run())]
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({reaping, *beside, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (reaping, *beside):
            if task.done():
                task.result()
    finally:
        for task in (reaping, *beside, stopped):
            task.cancel()
        await asyncio.gather(reaping, *beside, stopped, return_exceptions=True)


def _health(settings: ReaperSettings, bus: Bus, reaper: Reaper, history: History) -> HealthServer:
    checks: dict[str, Check] = {
        "bus": lambda: None if bus.connected else "the bus can't be reached",
        "permissions": lambda: bus.denied[-1] if bus.denied else None,
        "ledger": lambda: None if reaper.caught_up else "the ledger is still being read",
    }
    return HealthServer(SERVICE, settings.health_host, settings.health_port, checks, lambda: history.safe_mode)
