"""A test run that is killed."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from bellboard.testing import eventually

RUN = """
import subprocess, sys
from bellboard.testing.servers import ends_with_us
server = subprocess.Popen(ends_with_us(sys.executable, "-c", "import time; time.sleep(600)"))
print(server.pid, flush=True)
server.wait()
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
async def test_its_servers_end_with_it() -> None:
    """Even by kill -9, which it can't hear."""
    run = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, stdout=asyncio.subprocess.PIPE)
    assert run.stdout is not None
    server = Path("/proc", (await run.stdout.readline()).decode().strip())
    assert server.exists()

    run.kill()
    await run.wait()

    def over() -> bool:
        try:
            return "(zombie)" in (server / "status").read_text()
        except OSError:  # it is gone, maybe while it was looked at
            return True

    await eventually(over, because="it lives on")
