"""A store that is copied, and put back later: what an operator does after a disk was lost."""

from __future__ import annotations

import shutil
from pathlib import Path

from bellboard.testing.servers import NatsServer


async def copy(nats: NatsServer, to: Path) -> None:
    """Copy the store as it is now. The server is stopped for it."""
    await nats.kill()
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(nats.house.store, to)
    await nats.start()


async def restore(nats: NatsServer, copied: Path) -> None:
    """Put a copy in the place of what the server has."""
    await nats.kill()
    shutil.rmtree(nats.house.store)
    shutil.copytree(copied, nats.house.store)
    await nats.start()


async def begin_anew(nats: NatsServer) -> None:
    """Lose everything: the streams are made again, and are empty."""
    await nats.kill()
    shutil.rmtree(nats.house.store)
    nats.house.store.mkdir()
    await nats.start()
    await nats.provision()
