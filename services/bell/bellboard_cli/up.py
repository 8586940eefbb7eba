"""`bell up`: the whole mesh on one machine, embedded and supervised."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import time
from importlib.metadata import version
from pathlib import Path

from bellboard.errors import BellboardError, BusError, Failed, UserError
from bellboard.provision import House
from bellboard.provision.accounts import PROVISIONER, REAPER
from bellboard.provision.enrol import HOUSE

from . import town
from .bots import enrol_own
from .plan import BUS, GATEWAY, NURSERY, Plan
from .ports import HOST, Ports
from .ready import missing, sign_in_link, stores_nothing
from .runfile import NAME, RunFile
from .spawn import Nursery, Program, can_fork, spawn
from .speaker import Speaker
from .supervise import Child, Spawn, trim

DRAIN = 30.0
"""Seconds that a service has for finishing what it does."""

GLANCE = 0.5
"""Seconds between looks at the list of bots and the size of logs."""

RESPITE = 30.0
"""Seconds from one restart of a bus that stores nothing to the next."""

VITAL = (GATEWAY, REAPER)
"""What nothing goes without: where a file or setting of theirs is wrong at the start, only a person can put that right."""

SLOW = 20.0
"""Seconds after which we say what is being waited for."""


def up(folder: Path, port: int | None, *, sandbox: bool) -> int:
    """Run everything until SIGINT or SIGTERM; the exit code. ``sandbox``: with the town and its bot, if they can run here.

    Raises:
        UserError: it runs already, or a port is taken.
        HouseError: the data folder can't be used.
        Failed: something did not start.
    """
    folder = folder.absolute()
    lock = _lock(folder)
    house = House(folder)
    house.make()
    sandbox = sandbox and town.is_possible()
    left_out = enrol_own(house, sandbox=sandbox)
    plan = Plan(house, Ports(folder), web=port, town=town.folder_in(folder) if sandbox else None)
    say = Speaker()
    try:
        for line in left_out:
            say(line)
        return asyncio.run(Mesh(house, plan, say).run())
    finally:
        say.close()
        os.close(lock)


def _lock(folder: Path) -> int:
    """Hold the folder for ourselves; the kernel lets go of it whatever becomes of us."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(
            f"the data folder {folder} can't be used: {error.strerror}", hint="name one that you may write to with --data"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(
            f"it runs already in {folder}", hint="stop that one first, or choose another folder with --data"
        ) from None
    return descriptor


class Mesh:
    """The processes of one data folder."""

    def __init__(self, house: House, plan: Plan, say: Speaker) -> None:
        self._house, self._plan, self._say = house, plan, say
        self._children: dict[str, Child] = {}
        self._nursery = Nursery()
        self._stop = asyncio.Event()
        self._seen = 0

    async def run(self) -> int:
        """Start everything, keep it alive until we are told to stop, stop it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        working = asyncio.create_task(self._work(), name="mesh")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            stopped.cancel()
            while not working.done():  # once is not enough where something swallows it
                working.cancel()
                await asyncio.wait({working}, timeout=1.0)
            await self._end()
        return 0

    async def _work(self) -> None:
        await self._begin()
        await self._until_ready()
        await self._look_after()

    async def _begin(self) -> None:
        self._seen = self._house.enrolled.stat().st_mtime_ns
        if can_fork():
            await self._start(self._plan.nursery(), self._nursery.open)
        await self._start(self._plan.bus())
        for program in self._plan.town():
            await self._start(program)
        if self._plan.was_provisioned():
            # Streams are as the services want them: they may start while we make sure.
            await self._start_services()
            await self._provision()
        else:
            await self._provision()
            await self._start_services()
        self._plan.remember()

    async def _start_services(self) -> None:
        await asyncio.gather(*(self._start(program) for program in self._plan.services(self._house.enrolments())))

    async def _provision(self) -> None:
        """Make streams and consumers. Raises Failed."""
        # Not before something starts: it takes a while, in which the bus and the services do the same.
        from bellboard.bus import Bus
        from bellboard.provision import provision
        from bellboard.telemetry import logs

        logs.configure("bell", logging.ERROR)
        try:
            bus = await Bus.connect(self._house.bus_url, name=PROVISIONER, nkey_seed=self._house.seed(PROVISIONER))
            try:
                await provision(bus, self._house.enrolments())
            finally:
                await bus.close()
        except BusError as error:
            log = self._children[BUS].program.log
            raise Failed(f"the bus does not work: {error.text}", hint=f"see {log}; bell doctor may tell why") from error

    async def _start(self, program: Program, how: Spawn | None = None) -> None:
        how = how or (self._nursery.fork if program.module and can_fork() else spawn)
        child = Child(program, say=self._say, changed=self._write_run_file, spawn=how)
        child.vital = program.name in VITAL
        self._children[program.name] = child
        await child.start()

    async def _until_ready(self) -> None:
        began, told = time.monotonic(), False
        while lacking := await missing(self._run_file(), self._bots()) or self._town_missing(told):
            for name in VITAL:
                if wrong := self._children[name].wrong:
                    raise UserError(wrong)
            if not told and time.monotonic() - began > SLOW:
                told = True
                self._say(f"still waiting for {', '.join(lacking)}; their logs are in {self._house.logs}")
            await asyncio.sleep(0.05)
        for name in VITAL:
            self._children[name].vital = False
        self._say(f"sign in: {await sign_in_link(self._run_file())}")
        self._say(f"ready {self._plan.url}")

    async def _look_after(self) -> None:
        """Start bots that are enrolled while we run; keep logs small; mend a bus that stores nothing."""
        mended = time.monotonic() - RESPITE
        while True:
            await asyncio.sleep(GLANCE)
            if time.monotonic() - mended > RESPITE and await stores_nothing(self._run_file()):
                mended = time.monotonic()
                self._say(f"{BUS} answers and stores nothing: is the disk full? Starting it again")
                self._children[BUS].restart()
            for child in self._children.values():
                trim(child.program.log)
            if (now := self._house.enrolled.stat().st_mtime_ns) != self._seen:
                self._seen = now
                await self._admit()

    async def _admit(self) -> None:
        """Give newly enrolled bots their accounts and start them."""
        from bellboard.provision import take_in

        try:
            new = [program for program in self._plan.bots(self._house.enrolments()) if program.name not in self._children]
            await take_in(self._house, [program.name for program in new])
        except BellboardError as error:
            self._say(f"the list of bots could not be followed: {error}")
            return
        for program in new:
            await self._start(program)
            self._say(f"{program.name} is enrolled, and started")

    async def _end(self) -> None:
        """Let the services finish first; what they need goes last, the bus after everything."""
        needed = [child for name in (town.TOWN, NURSERY, BUS) if (child := self._children.pop(name, None))]
        if self._children:
            self._say("stopping")
            await asyncio.gather(*(child.stop(DRAIN) for child in self._children.values()))
        for child in needed:
            await child.stop(DRAIN)
        (self._house.folder / NAME).unlink(missing_ok=True)

    def _bots(self) -> list[str]:
        return [HOUSE, *(name for name in self._children if name not in (BUS, GATEWAY, REAPER, NURSERY, town.TOWN))]

    def _town_missing(self, told: bool) -> list[str]:
        """The town, while it is awaited: everything else goes without it if it can't be started."""
        there = told or self._plan.town_folder is None or town.answers(self._plan.town_folder)
        return [] if there else [town.TOWN]

    def _run_file(self) -> RunFile:
        running = [{"name": name, "pid": child.pid} for name, child in self._children.items() if child.pid]
        ports = self._plan.ports_in_use()
        return RunFile(
            version=version("bellboard-cli"),
            url=self._plan.url,
            token=self._house.local_token(),
            ports=ports,
            urls={"web": self._plan.url, "grpc": f"http://{HOST}:{ports['grpc']}", "nats": self._house.bus_url},
            processes=running,
        )

    def _write_run_file(self) -> None:
        try:
            self._run_file().write(self._house.folder)
        except OSError as error:
            self._say(f"{self._house.folder / NAME} can't be written: {error.strerror}")
