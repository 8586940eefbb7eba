"""What the images of an app are called, and what their names tell. No I/O."""

from __future__ import annotations

import re

from bellboard import SettingsError, UserError

from ..model import Version

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TEMPLATE = re.compile(r"(?P<name>[a-z0-9][A-Za-z0-9._/:-]*):(?P<before>[A-Za-z0-9_.-]*)\{version\}(?P<after>[A-Za-z0-9_.-]*)")


def is_digest(word: str) -> bool:
    """Whether it says by itself exactly what an image is."""
    return _DIGEST.fullmatch(word) is not None


class Images:
    """The images of an app.

    Args:
        template: such as ``registry.example.org/shop:{version}``.

    Raises:
        SettingsError: the version is not in its tag.
    """

    def __init__(self, template: str) -> None:
        found = _TEMPLATE.fullmatch(template)
        if found is None:
            raise SettingsError(f"{template[:80]} has no version as its tag", hint="registry.example.org/shop:{version}")
        self.name, self._before, self._after = found["name"], found["before"], found["after"]
        self._reads = re.compile(
            rf"{re.escape(self.name)}(?::{re.escape(self._before)}(?P<version>{_TAG.pattern}){re.escape(self._after)})?"
            rf"(?:@{_DIGEST.pattern})?"
        )

    def tagged(self, version: str) -> str:
        """The image of a version by its tag, which may come to mean another one.

        Raises:
            UserError: it can't be a tag.
        """
        tag = f"{self._before}{version}{self._after}"
        if not _TAG.fullmatch(tag):
            raise UserError(f"“{version[:40]}” can't be a version", hint="letters, digits and _ . -, 128 at most")
        return f"{self.name}:{tag}"

    def pinned(self, version: Version) -> str:
        """Exactly the image that a version is. Its tag stands there too, for people."""
        if is_digest(version.name):
            return f"{self.name}@{version.name}"
        return f"{self.tagged(version.name)}@{version.digest}"

    def read(self, image: str, id: str = "") -> Version:
        """The version that an image is.

        Args:
            id: what the node says that it pulled; it tells the digest where the image does not.
        """
        found = self._reads.fullmatch(image)
        own = image.partition("@")[2]
        digest = own or id.rpartition("@")[2]
        name = (found["version"] or own) if found else image.partition("@")[0]
        return Version(name or image, digest if is_digest(digest) else "")
