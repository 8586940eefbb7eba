"""Runs the sandbox: ``python -m bellboard_sandbox.town --dir DIR``. It takes no port, and ends by SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from .balancer import Balancer, NoBalancer
from .catalog import SHOP
from .control import SOCKET, Control
from .customers import Customers
from .fleet import Fleet, NotReady, socket_of
from .state import State
from .wire import Server

PATH_BYTES = 107
"""What fits into a unix socket's address."""

LOCK_SECONDS = 2.0
"""How long the last town in the folder, or what is left of it, has to be gone."""


class CanNotRun(Exception):
    """The sandbox can't run here. The text is one line for people."""


def main() -> None:
    """Run the sandbox until it is told to end. Exit code 1 where it can't run."""
    parser = argparse.ArgumentParser(prog="bellboard_sandbox.town", description="A small production to practise on.")
    parser.add_argument("--dir", required=True, type=Path, help="its folder; it is made")
    parser.add_argument("--seed", type=int, default=1, help="of its customers and of chance (default: 1)")
    parser.add_argument("--rate", type=float, default=20.0, help="requests of customers in a second; 0 for none (default: 20)")
    parser.add_argument("--leash", action="store_true", help="end when standard input ends: with whoever started it")
    given = parser.parse_args()
    try:
        folder = _folder(given.dir)
        with _lock(folder):
            asyncio.run(run(folder, given.seed, given.rate, leash=given.leash))
    except (CanNotRun, NoBalancer) as error:
        sys.exit(f"sandbox: {error}")


async def run(folder: Path, seed: int, rate: float, *, leash: bool = False) -> None:
    """Run the sandbox in its folder.

    Raises:
        NoBalancer: Caddy is not there, or does not start.
    """
    began = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if leash:
        loop.add_reader(0, _read_leash, stop)
    state = State.load(folder)
    state.save()
    async with AsyncExitStack() as stack:
        fleet, balancer, customers = Fleet(folder, seed), Balancer(folder), Customers(folder, seed, rate)
        stack.push_async_callback(fleet.close, 0.8)
        stack.push_async_callback(balancer.close, 0.4)
        stack.push_async_callback(customers.close)
        starts = [asyncio.create_task(fleet.start(wanted)) for wanted in state.replicas.values()]
        web = [wanted.name for wanted in state.replicas.values() if wanted.service == SHOP.service]
        await balancer.start(socket_of(folder, name) for name in web)
        for problem in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(problem, NotReady):
                print(f"sandbox: {problem}", file=sys.stderr)
        control = Server(folder / SOCKET, Control(state, fleet, balancer, customers).answer)
        await control.start()
        stack.push_async_callback(control.close, 0.2)
        customers.start()
        print(f"sandbox: ready in {time.monotonic() - began:.2f} s", flush=True)
        await stop.wait()


def _read_leash(stop: asyncio.Event) -> None:
    """Standard input can be read: what it says is of no interest, but that it ends."""
    if not os.read(0, 4096):
        asyncio.get_running_loop().remove_reader(0)
        stop.set()


def _folder(given: Path) -> Path:
    """Make the folder, and those in it."""
    folder = given.absolute()
    if (longest := len(os.fsencode(folder / SOCKET))) > PATH_BYTES:
        raise CanNotRun(f"{folder} is {longest - PATH_BYTES} bytes too long for sockets; choose a shorter --dir")
    if not sys.platform.startswith("linux"):
        raise CanNotRun("it needs Linux")
    os.umask(0o077)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        for name in ("s", "logs", "caddy"):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise CanNotRun(f"{folder} can't be made: {error.strerror}") from None
    return folder


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Have the folder for oneself. Raises CanNotRun."""
    deadline = time.monotonic() + LOCK_SECONDS
    with (folder / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise CanNotRun(f"another one runs in {folder}") from None
                time.sleep(0.05)
        yield


if __name__ == "__main__":
    main()
