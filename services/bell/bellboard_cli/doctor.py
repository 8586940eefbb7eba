"""`bell doctor`: finds what is wrong, and says in one line each what it is and what to do."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import yaml

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.bus import Bus
from bellboard.errors import BellboardError
from bellboard.provision import House, HouseError, keys
from bellboard.provision.accounts import PROVISIONER
from bellboard.provision.enrol import HOUSE
from bellboard.provision.house import START_OVER
from bellboard.provision.layout import STREAMS
from bellboard.provision.server import binary
from bellboard.telemetry import logs

from .client import Client
from .findings import Finding, show
from .ports import is_free
from .ready import health
from .runfile import RunFile, alive

LITTLE_SPACE = 500 << 20
"""Bytes of free disk below which we say so; a full disk stops the ledger."""

CLOCK_SLACK = 5.0
"""Seconds by which a file may have been written in the future."""

KINDS = {".nk": keys.bus_user, ".sign": keys.signer, ".box": keys.box, ".key": keys.token, ".token": keys.token}
"""What the files of keys hold, by the ends of their names."""

RECENT = 200
"""Lines at the end of a log in which errors are looked for."""


async def doctor(folder: Path) -> int:
    """Print every finding; the exit code is 1 if there is any."""
    logs.configure("bell", logging.CRITICAL)
    return show([finding async for finding in examine(folder)], str(folder))


async def examine(folder: Path) -> AsyncIterator[Finding]:
    """All that is wrong, cheap things first. What can't be looked at because of an earlier finding is left out."""
    for finding in (*_python(), *_space(folder), *_folder(folder)):
        yield finding
    house = House(folder)
    if not house.enrolled.exists():
        return
    for finding in (*_keys(house), *_logs(house)):
        yield finding
    try:
        enrolled = house.enrolments()
        running = RunFile.read(folder)
    except BellboardError as error:
        for finding in (*_files(folder), Finding(error.text, error.hint)):
            yield finding
        return
    for finding in _processes(running):
        yield finding
    async for finding in _health(running):
        yield finding
    async for finding in _bus(house):
        yield finding
    async for finding in _gateway(running, enrolled):
        yield finding


def _python() -> Iterator[Finding]:
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where it is said
        yield Finding(f"Python {sys.version.split()[0]} is too old", "install 3.11 or newer, and run: make setup PYTHON=...")
    try:
        binary()
    except BellboardError as error:
        yield Finding(error.text, error.hint)


def _space(folder: Path) -> Iterator[Finding]:
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LITTLE_SPACE:
        yield Finding(f"only {free >> 20} MiB are free under {place}", "make room: a full disk stops the ledger")


def _folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        if folder.exists():
            yield Finding(f"{folder} is a file, and no data folder", "name another with --data")
        else:
            yield Finding(f"there is no data folder {folder}", "bell up makes it")
        return
    house = House(folder)
    try:
        house.check()
    except HouseError as error:
        yield Finding(error.text, error.hint or "see above")
    if house.trust.exists() and house.trust.stat().st_mtime > time.time() + CLOCK_SLACK:
        yield Finding("the clock of this machine was set back", "set it right: commands expire by it")
    for path in (house.folder, house.keys, *house.keys.glob("*")):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(f"others on this machine can read {path}", f"chmod go= {path}")


def _keys(house: House) -> Iterator[Finding]:
    for path in sorted(house.keys.glob("*.*")):
        kind = KINDS.get(path.suffix)
        if kind is None:
            continue
        try:
            kind(path)
        except (OSError, ValueError):
            yield Finding(f"{path} holds no key", START_OVER)


def _files(folder: Path) -> Iterator[Finding]:
    """What people edit. While it runs, each service says itself what is wrong with its own."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            yaml.safe_load(path.read_bytes())
        except (OSError, ValueError, yaml.YAMLError) as error:
            mark = getattr(error, "problem_mark", None)
            yield Finding(f"{path} is no YAML" + (f" at line {mark.line + 1}" if mark else ""), "put it right")


def _logs(house: House) -> Iterator[Finding]:
    for log in sorted(house.logs.glob("*.log")):
        with log.open(errors="replace") as file:
            errors = [line for line in deque(file, RECENT) if _is_error(line)]
        if errors:
            yield Finding(f"{log.stem} logged {len(errors)} errors lately, the last one: {_event(errors[-1])}", f"see {log}")


def _is_error(line: str) -> bool:
    return '"level":"error"' in line or '"level":"critical"' in line or "[ERR]" in line or "[FTL]" in line


def _event(line: str) -> str:
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError):
        return line.strip()[-160:]


def _processes(running: RunFile) -> Iterator[Finding]:
    dead = [entry["name"] for entry in running.processes if not alive(entry["pid"])]
    if dead and len(dead) == len(running.processes):
        yield Finding("run.json is left over from a mesh that was killed", "start it again: bell up")
    for name in dead:
        yield Finding(f"{name} is not running", f"bell up starts it again in seconds; if not, see logs/{name}.log")
    for name in ("web", "grpc", "nats"):
        if is_free(running.ports[name]):
            yield Finding(
                f"nobody listens on port {running.ports[name]} ({name})", "wait a moment; if it stays so, see the logs"
            )


async def _health(running: RunFile) -> AsyncIterator[Finding]:
    names = list(running.ports["health"])
    answers = await asyncio.gather(*(health(port) for port in running.ports["health"].values()))
    for name, (status, text) in zip(names, answers, strict=True):
        if status != 200:
            why = " ".join(text.split())[:200] or "it does not answer"
            yield Finding(f"{name} is not ready: {why}", f"see logs/{name}.log")


async def _bus(house: House) -> AsyncIterator[Finding]:
    try:
        bus = await Bus.connect(house.bus_url, name=PROVISIONER, nkey_seed=house.seed(PROVISIONER), patience=2)
    except BellboardError as error:
        yield Finding(f"the bus can't be reached: {error.text}", "see logs/nats-server.log")
        return
    try:
        for stream in STREAMS:
            answer = await bus.request(f"$JS.API.STREAM.INFO.{stream.name}", b"", timeout=2.0)
            if b'"error"' in answer.payload:
                yield Finding(f"the stream {stream.name} is missing", "stop and start: bell up makes it")
    except BellboardError as error:
        yield Finding(f"the bus does not answer: {error.text}", "see logs/nats-server.log")
    finally:
        await bus.close(drain=False)


async def _gateway(running: RunFile, enrolled: Iterable[registry.Enrolment]) -> AsyncIterator[Finding]:
    try:
        async with Client.at(running.address) as client:
            status = await client.status()
    except BellboardError as error:
        yield Finding(f"the gateway does not answer: {error.text}", "see logs/gateway.log")
        return
    if not status.bus:
        yield Finding("the gateway has lost the bus", "see logs/gateway.log and logs/nats-server.log")
    for problem in status.problems:
        safe_mode = "safe mode" in problem
        remedy = "find out why: docs/operate/losing-history.md" if safe_mode else "put it right; it is read again by itself"
        yield Finding(problem, remedy)
    there = {bot.bot for bot in status.bots if bot.replicas}
    for enrolment in enrolled:
        if enrolment.bot not in there and enrolment.bot != HOUSE:
            remedy = f"see logs/{enrolment.bot}.log" if enrolment.module else "start it"
            yield Finding(f"the bot {enrolment.bot} is enrolled, and no worker of it is there", remedy)
