"""What every service's process does at its beginning and at its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import uvloop

from bellboard.errors import BellboardError, BusUnavailable, ContractError, SettingsError
from bellboard.settings import ProcessSettings
from bellboard.telemetry import logs, names
from bellboard.telemetry.health import HealthServer

EX_UNAVAILABLE, EX_SOFTWARE, EX_CONFIG = 69, 70, 78
"""How a process ends that can't do its work, as in sysexits.h: no bus at the start, the bus closed for good, a bad setting."""

S = TypeVar("S", bound=ProcessSettings)


class Stop:
    """Asks a service to end. SIGTERM and SIGINT do, and so may the service itself."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.code = 0

    def listen(self) -> None:
        """Hear the signals."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.now)

    def now(self, code: int = 0) -> None:
        """End, with this exit code."""
        self.code = self.code or code
        self._asked.set()

    def bus_closed(self) -> None:
        """The bus is lost for good, which only a new process can mend."""
        self.now(EX_SOFTWARE)

    async def wait(self) -> None:
        await self._asked.wait()


def launch(service: str, settings: type[S], main: Callable[[S, Stop], Awaitable[None]]) -> int:
    """Run a service until it is stopped, and return the exit code. A mistake of the operator is one line on stderr."""
    try:
        loaded = settings.load(service)
        logs.configure(service, logging.getLevelNamesMapping()[loaded.log_level])
        return uvloop.run(_run(loaded, main))
    except (SettingsError, ContractError) as error:
        return _complain(service, error, EX_CONFIG)
    except BusUnavailable as error:
        return _complain(service, error, EX_UNAVAILABLE)
    except Exception as error:  # noqa: BLE001  # the last task boundary: whoever started it starts it anew
        logs.emit(names.UNEXPECTED, exc=error)
        return EX_SOFTWARE


async def _run(settings: S, main: Callable[[S, Stop], Awaitable[None]]) -> int:
    stop = Stop()
    stop.listen()
    await main(settings, stop)
    logs.emit(names.SERVICE_STOPPED, code=stop.code)
    return stop.code


def _complain(service: str, error: BellboardError, code: int) -> int:
    print(f"{service}: {error}".replace("\n", " "), file=sys.stderr)
    return code


async def open_health(health: HealthServer) -> None:
    """Start answering for the service's health.

    Raises:
        SettingsError: the port is taken.
    """
    try:
        await health.start()
    except OSError as error:
        text = f"the health port {health.port} of {health.host} can't be used: {os.strerror(error.errno or 0)}"
        raise SettingsError(text, hint="set BELLBOARD_HEALTH_PORT to another, or to 0 for any") from error
