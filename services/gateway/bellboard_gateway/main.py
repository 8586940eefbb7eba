"""The gateway as a process: start, say so, serve, drain on SIGTERM, stop."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial

from bellboard.bus import Bus
from bellboard.errors import SettingsError
from bellboard.history import AllOfIt, History, Keeper
from bellboard.process import EX_SOFTWARE, Stop, launch, open_health
from bellboard.telemetry import logs, names
from bellboard.telemetry.health import Check, HealthServer
from bellboard.telemetry.otlp import SpanSender

from . import house
from .mesh import Files, Gateway
from .settings import GatewaySettings

SERVICE = "gateway"
DRAIN_SECONDS = 10.0
"""How long the gateway's own commands may take to finish. They are short."""


def main() -> int:
    """Run until told to end; returns the exit code."""
    return launch(SERVICE, GatewaySettings, serve)


async def serve(settings: GatewaySettings, stop: Stop) -> None:
    """Run in the current event loop until ``stop``.

    Raises:
        SettingsError: a setting or a file is wrong, or a port is taken.
        BusUnavailable: there is no bus.
    """
    house.bot.check()
    files = Files(settings)
    async with AsyncExitStack() as stack:
        bus = await Bus.of(settings, stop.bus_closed)
        stack.push_async_callback(bus.close)
        spans = SpanSender(SERVICE)
        stack.push_async_callback(spans.close)
        # What it has read of the ledger holds no more once some of it is lost: then it starts anew.
        keeper, anew = Keeper(settings.data_dir), partial(stop.now, EX_SOFTWARE)
        history = History(bus, AllOfIt(bus), keeper, tells=True, on_lost=anew)
        await history.begin()
        gateway = Gateway(files, bus, spans, history)
        await stack.enter_async_context(gateway.providers)
        await gateway.providers.start(house.bot.needs)
        stack.push_async_callback(gateway.dispatch.close)
        health = _health(gateway)
        stack.push_async_callback(health.close)
        await open_health(health)
        web_port = await _open_web(gateway)
        stack.push_async_callback(gateway.web.stop)
        grpc_port = await gateway.rpc.start(settings.grpc_host, settings.grpc_port)
        stack.push_async_callback(gateway.rpc.stop)
        logs.emit(
            names.SERVICE_READY, replica=settings.replica, health_port=health.port, web_port=web_port, grpc_port=grpc_port
        )
        await _work(gateway, spans, stop)


async def _open_web(gateway: Gateway) -> int:
    host, port = gateway.settings.web_host, gateway.settings.web_port
    try:
        return await gateway.web.start(host, port)
    except OSError as error:
        text = f"the port {port} of {host} can't be used: {os.strerror(error.errno or 0)}"
        raise SettingsError(text, hint="set BELLBOARD_WEB_PORT to another, or to 0 for any") from error


async def _work(gateway: Gateway, spans: SpanSender, stop: Stop) -> None:
    """Serve until told to end; then take nothing more, and finish what was begun."""
    parts = (
        gateway.board,
        gateway.registry,
        gateway.door,
        gateway.timers,
        gateway.ticks,
        gateway.pipes,
        gateway.pump,
        gateway.presence,
        gateway.history,
        spans,
    )
    tasks = [asyncio.create_task(part.run(), name=type(part).__name__) for part in parts]
    working, stopped = asyncio.create_task(gateway.worker.run()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*tasks, working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done() and not stop.code:
            logs.emit(names.SERVICE_DRAINING, in_flight=len(gateway.worker.in_flight()))
            await gateway.presence.leave()
            await gateway.web.stop()
            await gateway.rpc.stop()
            await gateway.worker.drain()
            await asyncio.wait({working}, timeout=DRAIN_SECONDS)
    finally:
        broken = [task.exception() for task in (*tasks, working) if task.done() and not task.cancelled()]
        for task in (*tasks, working, stopped):
            task.cancel()
        await asyncio.gather(*tasks, working, stopped, return_exceptions=True)
    for error in filter(None, broken):
        raise error


def _health(gateway: Gateway) -> HealthServer:
    settings, bus = gateway.settings, gateway.bus
    checks: dict[str, Check] = {
        "bus": lambda: None if gateway.registry.reachable else "the bus does not answer",
        "store": gateway.dispatch.health,
        "permissions": lambda: bus.denied[-1] if bus.denied else None,
        "board": gateway.board.health,
        "registry": gateway.registry.health,
        "house": gateway.presence.check,
    }
    history = gateway.history
    return HealthServer(SERVICE, settings.health_host, settings.health_port, checks, lambda: history.safe_mode)
