"""The provisioner as a process: it does one thing, or stands beside a server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from bellboard.errors import BellboardError, BusUnavailable, ContractError, SettingsError
from bellboard.kube import connect
from bellboard.process import EX_CONFIG, EX_UNAVAILABLE, Stop, launch
from bellboard.telemetry import logs, names

from . import provision, reload
from .folder import Folder
from .kubernetes import Kubernetes
from .settings import ProvisionSettings, ReloadSettings
from .teams import Teams

SERVICE = "provisioner"


def main(arguments: Sequence[str]) -> int:
    """Do what the one argument says; returns the exit code.

    ``provision``: make keys, accounts, streams and consumers. ``unpack``: write the accounts where a server reads them.
    ``reload``: the same, and have the server read them whenever they change.
    """
    match arguments:
        case ["provision"]:
            return launch(SERVICE, ProvisionSettings, _until_stopped(provision_all))
        case ["unpack"]:
            return launch(SERVICE, ReloadSettings, unpack)
        case ["reload"]:
            return launch(SERVICE, ReloadSettings, reload.follow)
    print(f"{SERVICE}: say one of: provision, unpack, reload", file=sys.stderr)
    return EX_CONFIG


async def provision_all(settings: ProvisionSettings) -> None:
    """Make everything that is missing. Raises BellboardError."""
    teams = Teams.read(settings.teams_file)
    async with AsyncExitStack() as stack:
        if settings.objects_dir is not None:
            store: Folder | Kubernetes = Folder(settings.objects_dir)
        else:
            cluster = await stack.enter_async_context(connect(settings.kubeconfig, settings.kube_context))
            store = Kubernetes(cluster.own, settings.namespace or cluster.namespace, teams.release)
        seeds = await provision.make_objects(teams, store)
    await provision.make_streams(teams, seeds, settings.bus_url, provision.Within(settings.patience))


async def unpack(settings: ReloadSettings, stop: Stop) -> None:
    """Once. Raises SettingsError."""
    reload.unpack(settings)


def _until_stopped(
    work: Callable[[ProvisionSettings], Awaitable[None]],
) -> Callable[[ProvisionSettings, Stop], Awaitable[None]]:
    async def run(settings: ProvisionSettings, stop: Stop) -> None:
        working, stopped = asyncio.ensure_future(work(settings)), asyncio.create_task(stop.wait())
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

    return run
