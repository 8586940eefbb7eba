"""A program that deploys."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from bellboard import Failed, ProviderError, UserError

from ..entries import plain
from ..environments import nearest
from ..providers import Commit, Outcome, Step, Version
from .hosts import read_versions
from .program import Program

WORDS = ("app", "version", "env", "digest", "key")
"""The placeholders of these programs; ``{key}`` names one deploy, and no other."""

SHOWN = 200
"""Lines of output that are shown; of more, only the last."""


class CommandTrigger:
    """A `Trigger`.

    Args:
        run: deploys. Only its exit code 0 says for certain what happened.
        find: exits with 0 if the deploy of this key happened, with 1 if it did not; anything else: it is not known.
        versions: prints ``NAME DIGEST WORDS`` a line. Without it any version goes, and is its own digest.
        current: prints ``NAME DIGEST`` of what is deployed.
    """

    name = "command"

    def __init__(
        self,
        apps: Sequence[str],
        run: Program,
        *,
        env: str,
        find: Program | None = None,
        versions: Program | None = None,
        current: Program | None = None,
    ) -> None:
        self._apps, self._run, self._env = tuple(apps), run, env
        self._find, self._versions, self._current = find, versions, current

    async def apps(self) -> Sequence[str]:
        return self._apps

    async def pin(self, app: str, version: str) -> Version:
        self._known(app)
        if self._versions is None:
            return Version(plain(version, "a version"), version)
        code, lines = await self._versions.output(self._words(app))
        if code != 0:
            raise ProviderError(f"{self._versions.what} ended with {code}", hint=lines[-1][:120] if lines else "")
        known = {one.name: one for one in read_versions(lines)}
        if version not in known:
            raise UserError(f"{app} has no version “{version[:40]}”", hint=nearest(version, known))
        return known[version]

    async def run(self, app: str, version: Version, key: str) -> AsyncGenerator[Step, None]:
        self._known(app)
        words = self._words(app, plain(version.name, "a version"), plain(version.digest, "a digest"), plain(key, "a key"))
        count, last = 0, ""
        async with self._run.started(words) as running, aclosing(running.lines()) as lines:
            yield Step(f"{self._run.what} runs")
            try:
                async for last in lines:
                    count += 1
                    if count <= SHOWN:
                        yield Step(last)
            except ProviderError as error:
                why = error.text
            else:
                why = "" if running.code == 0 else _ended(self._run.what, running.code)
        if count > SHOWN:
            yield Step(f"… {count - SHOWN} more lines; the last is: {last}")
        if why:
            yield await self._after(app, key, why, last)

    async def _after(self, app: str, key: str, why: str, last: str) -> Step:
        """What became of one that did not end well, if that can be found out."""
        found = await self.find(app, key)
        if found is None:
            raise ProviderError(f"{why}: what became of it is not known", hint=last[:200])
        if not found.happened:
            raise Failed(f"{why}, and it did not happen", hint=last[:200])
        return Step(f"{why}, but it happened: {found.text}", 1.0)

    async def find(self, app: str, key: str) -> Outcome | None:
        self._known(app)
        if self._find is None:
            return None
        try:
            code, lines = await self._find.output(self._words(app, key=plain(key, "a key")))
        except (Failed, ProviderError):  # it could not be asked, which says nothing of the deploy
            return None
        if code not in (0, 1):
            return None
        return Outcome(code == 0, lines[-1] if lines else f"{self._find.what} says that it did{'' if code == 0 else ' not'}")

    async def current(self, app: str) -> Version | None:
        self._known(app)
        if self._current is None:
            return None
        code, lines = await self._current.output(self._words(app))
        found = read_versions(lines[:1]) if code == 0 else []
        return found[0] if found else None

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        self._known(app)
        return ()

    def _known(self, app: str) -> None:
        if app not in self._apps:
            raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, self._apps))

    def _words(self, app: str, version: str = "", digest: str = "", key: str = "") -> dict[str, str]:
        return {"app": app, "version": version, "env": self._env, "digest": digest, "key": key}


def _ended(what: str, code: int) -> str:
    return f"{what} ended with {code}" if code > 0 else f"{what} was ended by signal {-code}"
