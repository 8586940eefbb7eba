"""The nursery: a process that has imported what all services share, and forks each of them.

A service that is forked here starts in a fraction of the time, and what was imported lies in memory once for all. It is asked
on the socket whose number is its argument, one packet a message:

    to it    {"name", "module", "env", "log"}    run the module as a program; ``env`` is added to the nursery's own
    from it  {"pid"} or {"error"}                for each of these, in their order; an error is an errno
             {"pid", "code"}                     a child ended; the code is negative where a signal ended it

It is one thread, and ends with whoever started it; its children end with it. So it is deaf to SIGTERM while it has any: a
service manager may send that to every process at once, and the services are to finish what they do. Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Collection
from typing import Any

SHARED = ("bellboard.runner", "yaml")
"""What services import. None of it may start a thread or open a file."""

PACKET = 1 << 17
"""Bytes of the largest message."""

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def main() -> None:
    """Fork services until the other end of the socket is closed. In a child: be the service."""
    for name in SHARED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would write to every page that is shared
    nursery = os.getpid()
    wanted = serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted is not None:
        become(nursery, **wanted)


def serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork whatever is asked for. Returns in each child, with what it is to be; and None at the end."""
    children: dict[int, int] = {}
    nursery = os.getpid()
    _let_them_end(children)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd in children:
                poll.unregister(fd)
                _, status = os.waitpid(pid := children.pop(fd), 0)
                os.close(fd)
                _say(line, pid=pid, code=os.waitstatus_to_exitcode(status))
                continue
            if not (packet := line.recv(PACKET)):
                return None
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # Python forgets what a child gets while it is forked
            try:
                pid = os.fork()
            except OSError as error:
                _say(line, error=error.errno)
                continue
            finally:
                if os.getpid() == nursery:
                    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            if pid == 0:
                wanted: dict[str, Any] = json.loads(packet)
                return wanted
            children[fd := os.pidfd_open(pid)] = pid
            poll.register(fd, select.POLLIN)
            _say(line, pid=pid)


def _let_them_end(children: Collection[int]) -> None:
    """Do nothing at a SIGTERM as long as there are children."""
    nursery = os.getpid()

    def hear(number: int, _: object) -> None:
        if not children or os.getpid() != nursery:  # a child that has only just been forked is told itself
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, hear)


def _say(line: socket.socket, **message: Any) -> None:
    line.send(json.dumps(message).encode())


def become(nursery: int, name: str, module: str, env: dict[str, str], log: str) -> None:
    """Be a service: with its own environment and log, and without anything that is the nursery's."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nursery:
        os._exit(1)
    prctl(_PR_SET_NAME, name.encode())
    os.closerange(3, 1 << 16)
    os.setsid()
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(said, number)
    os.close(said)
    os.environ.update(env)
    sys.argv = [module]
    importlib.invalidate_caches()
    if importlib.util.find_spec(module) is None:  # it may have been installed since we started
        os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
