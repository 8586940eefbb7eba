"""Programs that start and stop the replicas behind a balancer."""

from __future__ import annotations

from collections.abc import Sequence

from bellboard import ProviderError

from ..entries import plain
from ..providers import Version
from .program import Program

WORDS = ("app", "version", "env", "digest", "name")
"""The placeholders of these programs; ``{name}`` is that of a replica."""


class CommandHosts:
    """`Hosts`, each of whose methods is a program.

    Args:
        versions: prints ``NAME DIGEST WORDS`` a line, the oldest first.
        start: has a replica run, and prints its address as the last line. Called again it says the same.
        stop: has it run no more; exits with 0 if it does not run anyway.
    """

    def __init__(self, versions: Program, start: Program, stop: Program, *, env: str) -> None:
        self._versions, self._start, self._stop, self._env = versions, start, stop, env

    async def versions(self, app: str) -> Sequence[Version]:
        return read_versions(await self._said(self._versions, self._words(app)))

    async def start(self, app: str, version: Version, replica: str) -> str:
        words = self._words(app, version=plain(version.name, "a version"), digest=plain(version.digest, "a digest"))
        said = await self._said(self._start, {**words, "name": plain(replica, "a replica")})
        if not said:
            raise ProviderError(f"{self._start.what} did not say where {replica} is")
        return said[-1]

    async def stop(self, app: str, replica: str) -> None:
        await self._said(self._stop, {**self._words(app), "name": plain(replica, "a replica")})

    def _words(self, app: str, *, version: str = "", digest: str = "") -> dict[str, str]:
        return {"app": plain(app, "an app"), "env": self._env, "version": version, "digest": digest, "name": ""}

    async def _said(self, program: Program, words: dict[str, str]) -> list[str]:
        code, lines = await program.output(words)
        if code != 0:
            raise ProviderError(f"{program.what} ended with {code}", hint=lines[-1][:120] if lines else "")
        return lines


def read_versions(lines: Sequence[str]) -> list[Version]:
    """Versions from lines of ``NAME DIGEST WORDS``; others are passed over."""
    parts = [line.split(None, 2) for line in lines]
    return [Version(one[0], one[1], one[1], one[2] if len(one) > 2 else "") for one in parts if len(one) > 1]
