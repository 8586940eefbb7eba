"""What versions there are, and exactly what each is: by programs, and by what ran here before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from bellboard import Failed, ProviderError, UserError

from ..argv.hosts import read_versions
from ..argv.program import Program
from ..environments import nearest
from ..model import Version
from .images import Images, is_digest

VERSIONS = "bellboard/versions"
"""The annotation of a workload that says which image each version was that Bellboard had to do with here."""

REMEMBERED = 20

WORDS = ("app", "env", "image")
"""The placeholders of the programs; ``{image}`` is that of the version, by its tag."""


def remembered(annotations: Mapping[str, str]) -> dict[str, str]:
    """The image of each version, the one that was started last being the last. What can't be read is empty."""
    try:
        said = orjson.loads(annotations[VERSIONS])
        return {str(name): str(image) for name, image in said}
    except (KeyError, TypeError, ValueError):
        return {}


def remember(known: Mapping[str, str], *started: tuple[str, str]) -> dict[str, str]:
    """The annotation once these were started, in this order."""
    names = dict(started)
    said = [*((name, image) for name, image in known.items() if name not in names), *names.items()]
    return {VERSIONS: orjson.dumps(said[-REMEMBERED:]).decode()}


class Catalogue:
    """Versions by name.

    Args:
        digest: prints the digest of ``{image}``, such as ``crane digest``, as its last line.
        names: prints ``NAME DIGEST WORDS`` a line, the oldest first.
        env: what the environment is called.
    """

    def __init__(self, digest: Program | None, names: Program | None, env: str) -> None:
        self._digest, self._names, self._env = digest, names, env

    async def list(self, app: str, known: Mapping[str, str], images: Images) -> Sequence[Version]:
        """What can be deployed, the oldest first: what the program tells; without one, what ran here."""
        if self._names is None:
            return [found for image in known.values() if (found := images.read(image)).digest]
        code, lines = await self._names.output({"app": app, "env": self._env, "image": ""})
        if code != 0:
            raise ProviderError(f"{self._names.what} ended with {code}", hint=lines[-1][:120] if lines else "")
        return read_versions(lines)

    async def pin(self, app: str, version: str, known: Mapping[str, str], images: Images) -> Version:
        """Exactly what a version is. Where the programs don't tell, it is what ran here by that name.

        Raises:
            UserError: there is no such version.
            ProviderError: the programs can't tell.
        """
        if is_digest(version):
            return Version(version, version)
        image = images.tagged(version)
        ran = images.read(known[version]) if version in known else None
        try:
            return await self._told(app, version, image, known, images)
        except (ProviderError, UserError):
            if ran is None or not ran.digest:
                raise
            return ran

    async def _told(self, app: str, version: str, image: str, known: Mapping[str, str], images: Images) -> Version:
        listed = {one.name: one for one in await self.list(app, known, images)}
        found = listed.get(version)
        if found is None and (self._names is not None or self._digest is None):
            there = nearest(version, listed) if listed else "versions: digest says how one is looked up; or sha256:…"
            raise UserError(f"{app} has no version “{version[:40]}”", hint=there)
        summary = found.summary if found else ""
        digest = await self._looked_up(app, image) if self._digest else found.digest if found else ""
        if not is_digest(digest):
            raise ProviderError(f"{version} of {app} is known by no digest", hint="sha256: and 64 hexadecimal digits")
        return Version(version, digest, found.commit if found and found.commit != found.digest else "", summary)

    async def _looked_up(self, app: str, image: str) -> str:
        assert self._digest is not None
        try:
            code, lines = await self._digest.output({"app": app, "env": self._env, "image": image})
        except Failed as error:
            raise ProviderError(error.text) from error
        if code != 0:
            raise ProviderError(f"{self._digest.what} does not know {image}", hint=lines[-1][:120] if lines else "")
        return lines[-1].strip() if lines else ""
