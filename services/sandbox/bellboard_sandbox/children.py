"""Child processes that never outlive their parent. Linux only: it takes pidfds and the parent-death signal."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import traceback
from collections.abc import Callable
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Child:
    """A child process. To be made in a running loop."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._loop = asyncio.get_running_loop()
        self._fd = os.pidfd_open(pid)
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(self._fd, self._reap)

    def _reap(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        _, status = os.waitpid(self.pid, 0)
        self._ended.set_result(os.waitstatus_to_exitcode(status))

    async def ended(self) -> int:
        """Wait for its end: its exit code, negative where a signal ended it."""
        return await asyncio.shield(self._ended)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    async def stop(self, grace: float) -> int:
        """Ask it to end, and end it after so many seconds if it has not. Its exit code."""
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                return await self.ended()
        except TimeoutError:
            self.send(signal.SIGKILL)
            return await self.ended()


def fork(main: Callable[[], None]) -> Child:
    """Run a function in a child process, which shares what the parent has in memory until one of them writes to it.

    The child dies with its parent. Of the parent's files it keeps the first three.
    """
    parent = os.getpid()
    pid = os.fork()
    return Child(pid) if pid else _live(main, parent)


def _live(main: Callable[[], None], parent: int) -> NoReturn:
    """The child's life. It never returns: the parent's frames are still on its stack."""
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        gc.freeze()  # the parent's objects stay: collecting one could close a file that has its number by now
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()  # Ctrl-C is the parent's business
        os.closerange(3, 65_536)
        main()
        os._exit(0)
    except BaseException:  # noqa: BLE001  # a process boundary
        traceback.print_exc()
    finally:
        os._exit(1)
