"""A YAML file, read so that whatever is wrong in it can be named with its line."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import yaml

from bellboard import SettingsError

LARGEST = 1 << 20
"""Bytes of the largest file that is read."""


class Given:
    """A value in a file: a mapping, a list or a word, and where it stands.

    Attributes:
        line: from 1.
    """

    def __init__(self, node: yaml.Node, file: str) -> None:
        self._node, self._file = node, file
        self.line = node.start_mark.line + 1

    def at(self, line: int) -> Given:
        """The same file, another line: for `wrong`."""
        other = Given(self._node, self._file)
        other.line = line
        return other

    def wrong(self, why: str, *, hint: str = "") -> SettingsError:
        """The error that says what is wrong here, with file and line."""
        return SettingsError(f"{self._file}, line {self.line}: {why}", hint=hint)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    def mapping(self, *known: str) -> dict[str, Given]:
        """Its entries by key; with ``known``, no other keys.

        Raises:
            SettingsError: it is no mapping, a key stands there twice, or one is not known.
        """
        if not isinstance(self._node, yaml.MappingNode):
            raise self.wrong("here should be keys with values")
        found: dict[str, Given] = {}
        for key_node, value in self._node.value:
            key = Given(key_node, self._file)
            name = key.text()
            if name in found:
                raise key.wrong(f"“{name[:60]}” stands there twice")
            if known and name not in known:
                raise key.wrong(
                    f"“{name[:60]}” is not known", hint=nearest(name, known, otherwise=f"there is {', '.join(known)}")
                )
            found[name] = Given(value, self._file)
        return found

    def items(self) -> list[Given]:
        """Its entries in order; a single word is a list of one.

        Raises:
            SettingsError: it is a mapping.
        """
        if isinstance(self._node, yaml.SequenceNode):
            return [Given(node, self._file) for node in self._node.value]
        self.text()
        return [self]

    def text(self) -> str:
        """The word as it is written; empty for nothing.

        Raises:
            SettingsError: it is a list or a mapping.
        """
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.wrong("here should be a word")
        return "" if self._node.tag == "tag:yaml.org,2002:null" else str(self._node.value)

    def flag(self) -> bool:
        """True or false.

        Raises:
            SettingsError: it is something else.
        """
        word = self.text().lower()
        if word not in ("true", "false", "yes", "no", "on", "off"):
            raise self.wrong("here should be true or false")
        return word in ("true", "yes", "on")


def nearest(word: str, known: Collection[str], *, otherwise: str) -> str:
    """A hint: the nearest of what there is, in small or large letters; ``otherwise`` if nothing is near."""
    small = {one.lower(): one for one in known}
    near = get_close_matches(word[:60].lower(), list(small), n=1, cutoff=0.6)
    return f"did you mean {small[near[0]]}?" if near else otherwise


def read(path: Path) -> Given | None:
    """The whole of a file; None if it is empty. Raises as `parse`, and SettingsError if it can't be read."""
    try:
        data = path.read_bytes()[: LARGEST + 1]
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise SettingsError(f"{path.name} is larger than 1 MiB")
    try:
        return parse(data.decode(), path.name)
    except UnicodeDecodeError:
        raise SettingsError(f"{path.name} is not UTF-8") from None


def parse(text: str, file: str) -> Given | None:
    """The whole of a text; None if it is empty.

    Raises:
        SettingsError: it is no YAML; it names the line.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark, why = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "unreadable"
        line = mark.line + 1 if mark else 0
        if isinstance(error, yaml.reader.ReaderError):
            line, why = text.count("\n", 0, error.position) + 1, "a character that is not shown"
        where = f", line {line}" if line else ""
        raise SettingsError(f"{file}{where}: that is no YAML: {why}") from None
    return None if node is None else Given(node, file)
