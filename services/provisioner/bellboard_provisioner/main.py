"""The provisioner as a process: it does one thing and ends, or stands beside a server."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bellboard.process import EX_CONFIG, Stop, launch

from . import reload
from .settings import ProvisionSettings, ReloadSettings

SERVICE = "provisioner"


def main(arguments: Sequence[str]) -> int:
    """Do what the one argument says; returns the exit code.

    ``keys``: make keys and accounts. ``provision``: the same, then streams and consumers. ``unpack``: write the accounts where
    a server reads them. ``reload``: the same, and have the server read them whenever they change.
    """
    match arguments:
        case ["keys" | "provision" as mode]:
            from . import job  # what stands beside a server has no use for a client of Kubernetes

            return launch(SERVICE, ProvisionSettings, job.keys if mode == "keys" else job.everything)
        case ["unpack"]:
            return launch(SERVICE, ReloadSettings, unpack)
        case ["reload"]:
            return launch(SERVICE, ReloadSettings, reload.follow)
    print(f"{SERVICE}: say one of: keys, provision, unpack, reload", file=sys.stderr)
    return EX_CONFIG


async def unpack(settings: ReloadSettings, stop: Stop) -> None:
    """Once. Raises SettingsError."""
    reload.unpack(settings)
