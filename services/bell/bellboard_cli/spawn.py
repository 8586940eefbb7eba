"""How programs are started: each by itself, or forked by the nursery."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from .nursery import PACKET

WAIT = 2.0
"""Seconds that whoever wants to be forked waits for a nursery that is being started again."""

HUNG = 30.0
"""Seconds without an answer after which the nursery is killed."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: ``argv`` with exactly ``env``; what it says goes to ``log``.

    One with a ``module`` is the same as that module run as a program, and may be forked instead.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    module: str = ""


class Process(Protocol):
    """A process that runs, or did."""

    @property
    def pid(self) -> int: ...
    def send_signal(self, signal: int, /) -> None: ...
    async def wait(self) -> int: ...


async def spawn(program: Program, pass_fds: Sequence[int] = ()) -> Process:
    """Start a program as a process of its own, which ends with us. Raises OSError."""
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *program.argv,
            env=dict(program.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=pass_fds,
            start_new_session=True,  # Ctrl-C reaches us alone; we say who ends when
            preexec_fn=_die_with(os.getpid()),
        )


def can_fork() -> bool:
    """Whether there can be a nursery."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Nursery:
    """The nursery as those see it who want something forked. `open` starts its process, again and again."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._process: Process | None = None
        self._there = asyncio.Event()
        self._asked: deque[asyncio.Future[Forked]] = deque()
        self._children: dict[int, Forked] = {}
        self._listening: asyncio.Task[None] | None = None

    async def open(self, program: Program) -> Process:
        """Start its process. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        argv = (*program.argv, str(theirs.fileno()))
        try:
            self._process = await spawn(replace(program, argv=argv), pass_fds=(theirs.fileno(),))
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._line = ours
        self._there.set()
        self._listening = asyncio.create_task(self._listen(ours), name="nursery")
        return self._process

    async def fork(self, program: Program) -> Process:
        """Have a program forked; where that can't be, start it by itself. Raises OSError."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT):
                await self._there.wait()
        if self._line is not None and program.module:
            with contextlib.suppress(ConnectionError):
                return await self._ask(self._line, program)
        return await spawn(program)

    async def _ask(self, line: socket.socket, program: Program) -> Process:
        env = {key: value for key, value in program.env.items() if os.environ.get(key) != value}
        wanted = {"name": program.name, "module": program.module, "env": env, "log": str(program.log)}
        program.log.parent.mkdir(parents=True, exist_ok=True)
        answer = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        await asyncio.get_running_loop().sock_sendall(line, json.dumps(wanted).encode())
        done, _ = await asyncio.wait({answer}, timeout=HUNG)
        if not done and self._process is not None:
            self._process.send_signal(signal.SIGKILL)
        forked: Forked = await answer
        return forked

    async def _listen(self, line: socket.socket) -> None:
        """Hear what it says, until it is gone; its children are then gone too."""
        with line, contextlib.suppress(ConnectionError):
            while packet := await asyncio.get_running_loop().sock_recv(line, PACKET):
                self._hear(json.loads(packet))
        if self._line is line:
            self._line = None
            self._there.clear()
        while self._asked:
            _settle(self._asked.popleft(), ConnectionResetError("the nursery is gone"))
        for pid in list(self._children):
            self._children.pop(pid).end(-signal.SIGKILL)

    def _hear(self, message: dict[str, int]) -> None:
        if "error" in message:
            _settle(self._asked.popleft(), OSError(message["error"], os.strerror(message["error"])))
        elif "code" in message:
            self._children.pop(message["pid"]).end(message["code"])
        else:
            child = self._children[message["pid"]] = Forked(message["pid"])
            _settle(self._asked.popleft(), child)


class Forked:
    """A child of the nursery."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        try:
            self._fd = os.pidfd_open(pid)  # by it a signal never reaches another process that has the number by then
        except ProcessLookupError:
            self._fd = -1
            self._gone.set()
        else:
            asyncio.get_running_loop().add_reader(self._fd, self._close)

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1
        self._gone.set()

    def end(self, code: int) -> None:
        """It ended so."""
        if not self._code.done():
            self._code.set_result(code)

    def send_signal(self, signal_: int, /) -> None:
        """Send it a signal. Raises ProcessLookupError if it is gone."""
        if self._fd < 0:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._fd, signal_)

    async def wait(self) -> int:
        """Wait until it is gone; its exit code, negative where a signal ended it."""
        await self._gone.wait()
        return await self._code


def _settle(future: asyncio.Future[Forked], outcome: Forked | OSError) -> None:
    if future.done():
        return
    if isinstance(outcome, OSError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes its program: ask the kernel to be killed when ``parent`` dies."""
    libc = _libc
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask
