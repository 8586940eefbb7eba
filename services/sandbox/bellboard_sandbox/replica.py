"""One replica of a service: a process with a socket, a log file and metrics."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

from .catalog import SHOP
from .journal import Journal
from .measures import Measures
from .shop import Service
from .state import Faults, Wanted, version_of
from .wire import Answer, Client, Request, Server


def run(folder: Path, wanted: Wanted, socket: Path, stock: Path, seed: int) -> None:
    """Serve until SIGTERM; then finish the requests that run, and return. To be called in a process of its own."""
    asyncio.run(_Replica(folder, wanted, socket, stock, seed).run())


class _Replica:
    def __init__(self, folder: Path, wanted: Wanted, socket: Path, stock: Path, seed: int) -> None:
        labels = {"app": SHOP.name, "service": wanted.service, "version": wanted.version, "replica": wanted.name}
        self._journal = Journal(folder / "logs", wanted.name, labels)
        self._measures = Measures(labels)
        self._service = Service(
            version_of(wanted),
            self._journal,
            Faults(folder),
            random.Random(f"{seed} {wanted.name}"),  # noqa: S311  # make-believe
            Client(stock) if wanted.service == SHOP.service else None,
        )
        self._headers = {"X-Version": wanted.version, "X-Replica": wanted.name}
        self._server = Server(socket, self._answer)

    async def run(self) -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await self._server.start()
        self._journal.write("info", "ready")
        await stop.wait()
        await self._server.close()
        self._journal.write("info", "stopped")

    async def _answer(self, request: Request) -> Answer:
        if request.target == "/health":
            return Answer(204)
        if request.target == "/metrics":
            return Answer(200, self._measures.text().encode(), {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
        began = time.perf_counter()
        answer = await self._service.serve(request)
        self._measures.saw(answer.code, time.perf_counter() - began)
        answer.headers = {**answer.headers, **self._headers}
        return answer
