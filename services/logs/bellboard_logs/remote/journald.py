"""The machine's journal by ``journalctl``, started without a shell."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import Any

import orjson

from bellboard import ProviderError

from ..choice import Journald
from ..entries import SEVERITIES, Entry
from ..ingest.lines import clean, name
from ..providers import MOST_COUNTED, Found
from ..query import Query
from .sifted import Sifted

SECONDS = 20.0
LOOKED_AT = 20_000
"""Lines of an app in which words and regular expressions are looked for."""

LONGEST = 2**20
"""Bytes of one line."""


class JournaldSource(Sifted):
    """A `LogSource`. An app is a unit (``shop`` or ``shop.service``) or a syslog identifier; it has no environments."""

    def __init__(self, settings: Journald) -> None:
        self._settings = settings

    async def search(self, query: Query, *, limit: int) -> Found:
        newest_first = await self._run(*self._arguments(query))
        found = [entry for line in newest_first if (entry := _entry(line, query)) is not None]
        found.sort(key=lambda entry: entry.at)
        return Found(found[-limit:], len(found), len(newest_first) >= _looked_at(query))

    def _arguments(self, query: Query) -> list[str]:
        """Whatever people typed stands behind the name of a field, so it can't be taken for an option."""
        unit = query.app if "." in query.app else f"{query.app}.service"
        own = [
            f"--since=@{math.floor(query.start)}",
            f"--until=@{math.ceil(query.end)}",
            f"--lines={_looked_at(query)}",
            f"_SYSTEMD_UNIT={unit}",
            "+",
            f"SYSLOG_IDENTIFIER={query.app}",
        ]
        least = [severity for severity, level in enumerate(SEVERITIES) if level >= query.level]
        return [f"--priority=0..{max(least)}", *own] if query.level else own

    async def _run(self, *arguments: str) -> list[bytes]:
        file = [f"--file={self._settings.file}"] if self._settings.file else []
        fixed = ("--output=json", "--no-pager", "--reverse", "--quiet")
        try:
            process = await asyncio.create_subprocess_exec(
                self._settings.program,
                *fixed,
                *file,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        except OSError as error:
            raise ProviderError("journalctl can't be started", hint="is it installed?") from error
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        except TimeoutError as error:
            raise ProviderError(f"journalctl took longer than {SECONDS:g} s", hint="look at less time") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode not in (0, 1):  # 1: nothing fits
            raise ProviderError("journalctl refused", hint="may this process read the journal?")
        return said.splitlines()

    async def ping(self) -> None:
        await self._run("--lines=1")


def _looked_at(query: Query) -> int:
    return LOOKED_AT if query.words or query.regexes else MOST_COUNTED


def _entry(line: bytes, query: Query) -> Entry | None:
    """A line of the journal's JSON, if it is looked for."""
    try:
        fields = orjson.loads(line[:LONGEST])
        at = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
        severity = int(fields.get("PRIORITY", 6))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    entry = Entry(
        at=at,
        level=SEVERITIES[severity % 8],
        app=query.app,
        message=clean(_text(fields.get("MESSAGE"))),
        service=name(_text(fields.get("_SYSTEMD_UNIT") or fields.get("SYSLOG_IDENTIFIER"))),
        replica=name(_text(fields.get("_HOSTNAME"))),
        env=query.env,
    )
    return entry if query.start <= at < query.end and query.matches(entry) else None


def _text(value: Any) -> str:
    """A field: text, bytes as a list of numbers where it is none, or None where it is too large."""
    if isinstance(value, list):
        return bytes(part for part in value if isinstance(part, int) and 0 <= part < 256).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
