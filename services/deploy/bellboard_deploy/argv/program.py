"""Runs a program: a list of arguments, an environment of its own, and a process group that does not outlive its use."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bellboard import Failed, ProviderError, SettingsError

from .cleaning import Cleaner

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

LINE_BYTES = 8192
"""Bytes of a line that are kept; the rest of it is read and forgotten."""

_SECRET = re.compile(r"(?i)token|secret|passw|credential|key")
_PLACEHOLDER = re.compile(r"\{([a-z]*)\}")


class Program:
    """A program and its arguments. ``{app}`` is replaced where it is a whole argument, and nowhere else.

    Args:
        argv: the program, by its whole path, and its arguments.
        known: the placeholders that there are.
        keep: names of variables that it gets of this process's own; besides those, only ``PATH``.
        seconds: how long it may run.

    Raises:
        SettingsError: a placeholder is unknown, or only part of an argument; or a variable is Bellboard's own.
    """

    def __init__(
        self, argv: Sequence[str], *, known: Sequence[str], keep: Sequence[str] = (), cwd: Path, seconds: float
    ) -> None:
        if not argv or not Path(argv[0]).is_absolute() or any("\0" in argument for argument in argv):
            raise SettingsError("a command begins with a program's whole path", hint="[/usr/local/bin/ship, '{app}']")
        for argument in argv:
            for name in _PLACEHOLDER.findall(argument):
                if argument != f"{{{name}}}" or name not in known:
                    hint = f"there are {', '.join(f'{{{one}}}' for one in known)}, each an argument by itself"
                    raise SettingsError(f"{argument[:40]} can't be filled in", hint=hint)
        if own := [name for name in keep if name.startswith("BELLBOARD_")]:
            raise SettingsError(f"{own[0][:40]} is not for other programs")
        self._argv, self._keep, self._cwd, self._seconds = tuple(argv), tuple(keep), cwd, seconds

    @property
    def what(self) -> str:
        """What people call it: the program's own name."""
        return Path(self._argv[0]).name

    def filled(self, words: Mapping[str, str]) -> list[str]:
        """Its arguments, with the words where the placeholders stand."""
        return [words[one[1:-1]] if _PLACEHOLDER.fullmatch(one) else one for one in self._argv]

    @asynccontextmanager
    async def started(self, words: Mapping[str, str]) -> AsyncIterator[Running]:
        """Start it. What is left of it and its children in its process group is ended at the end, whatever that is.

        Raises:
            Failed: it could not be started. Nothing happened.
        """
        env = {"PATH": os.environ.get("PATH", os.defpath)}
        env |= {name: os.environ[name] for name in self._keep if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *self.filled(words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._cwd,
                env=env,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "its arguments are wrong"
            raise Failed(f"{self.what} could not be started: {why.lower()}") from error
        try:
            yield Running(process, Cleaner(env[name] for name in env if _SECRET.search(name)), self._seconds, self.what)
        finally:
            await _end(process)

    async def output(self, words: Mapping[str, str]) -> tuple[int, list[str]]:
        """Run it to its end: its exit code and its cleaned lines.

        Raises:
            Failed: it could not be started.
            ProviderError: it took too long.
        """
        async with self.started(words) as running:
            lines = [line async for line in running.lines()]
            return running.code, lines[:10_000]


class Running:
    """A program that runs."""

    def __init__(self, process: asyncio.subprocess.Process, cleaner: Cleaner, seconds: float, what: str) -> None:
        self._process, self._cleaner, self._what = process, cleaner, what
        self._seconds, self._deadline = seconds, time.monotonic() + seconds

    @property
    def code(self) -> int:
        """Its exit code; below 0 if a signal ended it. To be asked for once there are no more lines."""
        assert self._process.returncode is not None
        return self._process.returncode

    async def lines(self) -> AsyncGenerator[str, None]:
        """What it says, line by line, until it ends. Its children may not speak for longer than it does.

        Raises:
            ProviderError: it took too long. It was ended.
        """
        line, reading = bytearray(), None
        assert self._process.stdout is not None
        try:
            while True:
                reading = reading or asyncio.ensure_future(self._process.stdout.read(2**14))
                await asyncio.wait({reading}, timeout=0.1)
                if reading.done():
                    part, reading = reading.result(), None
                    *whole, rest = part.replace(b"\r", b"\n").split(b"\n")
                    for piece in whole:
                        if text := self._cleaner.line(bytes(line + piece)[:LINE_BYTES]):
                            yield text
                        line.clear()
                    line += rest[: max(0, LINE_BYTES - len(line))]
                    if part:
                        continue
                if self._process.returncode is not None:
                    break
                if time.monotonic() > self._deadline:
                    raise ProviderError(f"{self._what} took longer than {self._seconds:g} s, and was ended")
                if reading is None:  # it closed its output, and goes on
                    reading = asyncio.ensure_future(asyncio.sleep(0.1, b""))
            if text := self._cleaner.line(bytes(line)):
                yield text
        finally:
            if reading is not None:
                reading.cancel()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End what is left of a process group: asked first, then made to."""
    try:
        for ask, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 1.0)):
            deadline = time.monotonic() + seconds
            _signal(process.pid, ask)
            while _signal(process.pid, 0) and time.monotonic() < deadline:  # noqa: ASYNC110  # nobody tells of a group's end
                await asyncio.sleep(0.02)
            if not _signal(process.pid, 0):
                break
        await process.wait()
    except asyncio.CancelledError:
        _signal(process.pid, signal.SIGKILL)
        raise
    finally:
        process._transport.close()  # type: ignore[attr-defined]  # a child that left the group may hold the pipe open


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there still is one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
