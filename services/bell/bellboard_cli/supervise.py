"""Keeps processes alive: starts them, starts them again with back-off when they end, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from .spawn import Process, Program, spawn

FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0
"""Seconds before a process that ended is started again; doubled each time."""

HEALTHY = 3.0
"""Seconds after which a process that ends is taken for one that had been well."""

LOG_LIMIT = 8 << 20
"""Bytes of a log after which it is put aside as NAME.log.1, in place of the one before."""


Spawn = Callable[[Program], Awaitable[Process]]
"""Starts a program. Raises OSError."""


class Child:
    """One program and the process that runs it now.

    ``say`` is told of every end and every new start; ``changed`` is called when ``pid`` has changed; ``spawn`` starts it.

    Attributes:
        vital: whether nothing goes without it yet: where a setting of it is wrong it is not started again, and ``wrong`` says
            what it said.
    """

    def __init__(
        self, program: Program, *, say: Callable[[str], None], changed: Callable[[], None], spawn: Spawn = spawn
    ) -> None:
        self.program, self._say, self._changed, self._spawn = program, say, changed, spawn
        self._process: Process | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.vital, self.wrong = False, ""

    @property
    def pid(self) -> int | None:
        """The process id; None while it is down."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and keep it alive from now on. Raises OSError if it can't be run at all."""
        await self._begin()
        self._task = asyncio.create_task(self._keep(), name=f"keep-{self.program.name}")

    async def stop(self, patience: float) -> None:
        """Ask it to end, and kill it if it has not ended within ``patience`` seconds."""
        self._stop.set()
        if self._task is None:
            return
        self._signal(signal.SIGTERM)
        _, late = await asyncio.wait({self._task}, timeout=patience)
        if late:
            self._say(f"{self.program.name} did not stop within {patience:g} s; killing it")
            self._signal(signal.SIGKILL)
            await asyncio.wait({self._task}, timeout=5)

    def restart(self) -> None:
        """Kill it, so that it is started again."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _begin(self) -> None:
        self._process = await self._spawn(self.program)
        self._changed()

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while self._process is not None:
            began = time.monotonic()
            code = await self._process.wait()
            self._process = None
            self._changed()
            if self._stop.is_set():
                return
            is_wrong = code == os.EX_CONFIG  # its last word names the setting
            if is_wrong and self.vital:
                self.wrong = last_word(self.program.log)
                return
            if time.monotonic() - began >= HEALTHY and not is_wrong:
                delay = FIRST_DELAY
            self._say(f"{self.program.name} stopped ({how_it_ended(code)}); starting it again in {delay:g} s")
            if is_wrong:
                self._say(f"{self.program.name} says: {last_word(self.program.log)}")
            await self._again(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _again(self, delay: float) -> None:
        """Start it again after ``delay`` seconds, unless it is to stop meanwhile."""
        while self._process is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay)
                return
            try:
                await self._begin()
            except OSError as error:
                delay = LONGEST_DELAY
                self._say(f"{self.program.name} can't be started: {error.strerror}; trying again in {delay:g} s")
        if self._stop.is_set():
            self._signal(signal.SIGTERM)
            return
        self._say(f"{self.program.name} is running again (pid {self.pid})")


def last_word(log: Path) -> str:
    """The last line that is no log event: what a service said of itself when it gave up."""
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in reversed(lines) if line and not line.startswith("{")), "nothing")


def how_it_ended(code: int) -> str:
    """An exit code in words: "exit 70" or "SIGKILL"."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def trim(log: Path) -> None:
    """Put a log that has grown too large aside. Writers append, so they go on at the new beginning.

    Where there is no room to put it aside it is cut off all the same; one that was removed is left alone.
    """
    aside = log.with_suffix(".log.1")
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size <= LOG_LIMIT:
            return
        try:
            shutil.copyfile(log, aside)
        except OSError:  # a full disk above all
            aside.unlink(missing_ok=True)
        os.truncate(log, 0)
