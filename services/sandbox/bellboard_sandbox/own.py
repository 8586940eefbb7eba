"""A sandbox of the bot's own, for where nobody else runs one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self

from bellboard import Failed

SECONDS = 15.0
"""Until it must have started."""


class Own:
    """Runs a sandbox in a temporary folder, from when it is first asked for until the end. Without customers."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self._folder.cleanup()

    async def path(self) -> Path:
        """Its folder, where it runs.

        Raises:
            Failed: it does not start; the text says why.
        """
        folder = Path(self._folder.name)
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start(folder)
        return folder

    async def _start(self, folder: Path) -> None:
        command = [sys.executable, "-m", "bellboard_sandbox.town", "--dir", str(folder), "--rate", "0", "--leash"]
        said = folder / "said"
        with said.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=output)
        assert self._process.stdout
        try:
            async with asyncio.timeout(SECONDS):
                if await self._process.stdout.readline():
                    return
        except TimeoutError:
            self._process.kill()
        await self._process.wait()
        lines = said.read_text(errors="replace").splitlines()
        raise Failed(lines[-1] if lines else "the sandbox does not start", hint="see the README of the sandbox")
