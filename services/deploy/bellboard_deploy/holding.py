"""Having an app of an environment for oneself, where others may come who wait for another turn: rehearsals, above all."""

from __future__ import annotations

import time
from types import TracebackType

from bellboard import Call, ProviderError
from bellboard.telemetry import logs, names

from .providers import Environment

LEASE = 180.0
"""Seconds for which an app is held: longer than it takes until another worker goes on."""

AGAIN = 20.0
"""Seconds after which it is said again."""

BY_HAND = 600.0
"""Seconds for which it is held by what is done in one go."""


class Hold:
    """An app held for one command, by all of its workers. Without any effect where the environment has no lease.

    As a context manager it is held for `BY_HAND`, and let go at the end.
    """

    def __init__(self, env: Environment, app: str, command: str, who: str) -> None:
        self._lease, self._app, self._command, self._who = env.lease, app, command, who
        self._said = float("-inf")

    async def take(self, seconds: float = LEASE) -> None:
        """Hold it from now on.

        Raises:
            Taken: somebody else has it.
            ProviderError: it is not known who has it.
        """
        if self._lease is not None:
            await self._lease.hold(self._app, self._command, self._who, seconds)
            self._said = time.monotonic()

    async def keep(self) -> None:
        """Say it again when it is time. An environment that does not answer has let nobody else in.

        Raises:
            Taken: somebody else has it by now.
        """
        if time.monotonic() - self._said < AGAIN:
            return
        try:
            await self.take()
        except ProviderError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=self._command, bot="deploy")

    async def release(self) -> None:
        """Let it go, if it is still held."""
        if self._lease is None:
            return
        try:
            await self._lease.hold(self._app, self._command, self._who, 0.0)
        except ProviderError as error:  # then it ends by itself
            logs.emit(names.HANDLER_FAILED, exc=error, command=self._command, bot="deploy")

    async def __aenter__(self) -> Hold:
        await self.take(BY_HAND)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.release()


def hold(call: Call, env: Environment, app: str, what: str) -> Hold:
    """A hold for a command; ``what`` it does is told to whoever comes meanwhile."""
    return Hold(env, app, call.id, f"{what} by {call.person or 'a bot'}{', in a rehearsal' if call.rehearsal else ''}")
