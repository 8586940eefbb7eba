"""Beside each nats-server: unpacks the accounts for it, and has it read them and its certificate again when they change."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from pathlib import Path

from bellboard.errors import SettingsError
from bellboard.process import Stop
from bellboard.provision import keys, server
from bellboard.telemetry import logs, names

from .settings import ReloadSettings

LOOK_EVERY = 1.0
"""Seconds between two looks at the file. What Kubernetes mounts is replaced by swapping a link, so it is always whole."""

BETWEEN = 0.5
"""Seconds between two signals. A server keeps one in hand while it acts on another, so none is lost."""

TWICE = 2
"""How often a server is told: 2.15 knows a new account after one reload, but joins its imports only at the next."""


def unpack(settings: ReloadSettings) -> bytes:
    """Write the accounts where the server reads them, and return them as they came.

    Raises:
        SettingsError: they can't be read, or not written.
    """
    packed = _read(settings.accounts_file)
    try:
        text = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise SettingsError(f"{settings.accounts_file} is not packed accounts") from error
    try:
        keys.write_bytes(settings.config_file, text, 0o644)
    except OSError as error:
        raise SettingsError(f"{settings.config_file} can't be written: {error.strerror}") from error
    return packed


async def follow(settings: ReloadSettings, stop: Stop) -> None:
    """Keep a server's accounts and certificate as they should be until ``stop``.

    It is told once at the start, too: it may have begun before.

    Raises:
        SettingsError: at the start, as `unpack`; or no pid file is named.
    """
    if settings.pid_file is None:
        raise SettingsError("BELLBOARD_PID_FILE is missing")
    packed, certificate = unpack(settings), _certificate(settings)
    logs.emit(names.SERVICE_READY, replica=settings.replica)
    telling = asyncio.create_task(_tell(settings.pid_file))
    while not await _stopped(stop, LOOK_EVERY):
        try:
            if _read(settings.accounts_file) == packed and _certificate(settings) == certificate:
                continue
            packed, certificate = unpack(settings), _certificate(settings)
        except SettingsError as error:
            logs.emit(names.FILE_REFUSED, error=error.text)  # it names the file
            continue
        telling.cancel()
        telling = asyncio.create_task(_tell(settings.pid_file))
    telling.cancel()


async def _tell(pid_file: Path) -> None:
    """Signal the server as often as it takes; while none runs, wait for one."""
    told, waits = 0, False
    while told < TWICE:
        if server.reload(pid_file):
            told += 1
        elif not waits:
            waits = True
            logs.emit(names.ACCOUNTS_NOT_TOLD, path=str(pid_file))
        await asyncio.sleep(BETWEEN if told else LOOK_EVERY)
    logs.emit(names.ACCOUNTS_TOLD)


async def _stopped(stop: Stop, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def _certificate(settings: ReloadSettings) -> bytes:
    return _read(settings.certificate_file) if settings.certificate_file else b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
