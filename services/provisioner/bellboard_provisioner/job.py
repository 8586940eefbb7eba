"""What a Job does: it makes things, and ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from bellboard.errors import BellboardError, BusUnavailable, ContractError, SettingsError
from bellboard.kube import connect
from bellboard.process import EX_UNAVAILABLE, Stop
from bellboard.telemetry import logs, names

from .folder import Folder
from .kubernetes import Kubernetes
from .objects import Data
from .provision import Within, make_objects, make_streams
from .settings import ProvisionSettings
from .store import Store
from .teams import Teams


async def keys(settings: ProvisionSettings, stop: Stop) -> None:
    """Make every key that is missing, and what follows from them. Raises SettingsError."""
    await _until_stopped(settings, stop, streams=False)


async def everything(settings: ProvisionSettings, stop: Stop) -> None:
    """The same, and then streams and consumers. Raises SettingsError and BusUnavailable."""
    await _until_stopped(settings, stop, streams=True)


async def _until_stopped(settings: ProvisionSettings, stop: Stop, *, streams: bool) -> None:
    working, stopped = asyncio.create_task(_provision(settings, streams)), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    except (SettingsError, ContractError, BusUnavailable):
        raise
    except (BellboardError, OSError) as error:
        logs.emit(names.PROVISION_FAILED, error=str(error))
        stop.now(EX_UNAVAILABLE)
    finally:
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def _provision(settings: ProvisionSettings, streams: bool) -> None:
    teams = Teams.read(settings.teams_file)
    async with AsyncExitStack() as stack:
        seeds: Data = await make_objects(teams, await _store(settings, teams, stack), _ca(settings.bus_ca_file))
    if streams:
        await make_streams(teams, seeds, settings.bus_url, Within(settings.patience), settings.bus_ca_file)


def _ca(path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise SettingsError(f"{path}, by which the bus is known, can't be read: {error.strerror}") from error


async def _store(settings: ProvisionSettings, teams: Teams, stack: AsyncExitStack) -> Store:
    if settings.objects_dir is not None:
        return Folder(settings.objects_dir)
    cluster = await stack.enter_async_context(connect(settings.kubeconfig, settings.kube_context))
    return Kubernetes(cluster.own, settings.namespace or cluster.namespace, teams.release, teams)
