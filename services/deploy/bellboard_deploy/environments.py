"""The environments that there are, by name, and how each is made from the file that people write."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from bellboard import SettingsError, UserError

from .providers import Environment


class Environments:
    """Every environment by name."""

    def __init__(self, known: Mapping[str, Environment]) -> None:
        self._known = dict(known)

    def names(self) -> tuple[str, ...]:
        """Their names, as they stand in the file."""
        return tuple(self._known)

    def get(self, name: str) -> Environment:
        """The environment of a name; the only one where it is left out.

        Raises:
            UserError: there is none, or several and none is said.
        """
        if not name and len(self._known) == 1:
            return next(iter(self._known.values()))
        if name in self._known:
            return self._known[name]
        if not name:
            raise UserError("which environment?", hint=f"in {' or in '.join(self._known)}")
        raise UserError(f"there is no environment “{name[:40]}”", hint=nearest(name, self._known))

    def some(self, name: str) -> tuple[Environment, ...]:
        """The one of that name, or all of them where none is said."""
        return (self.get(name),) if name else tuple(self._known.values())


def nearest(word: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """What may have been meant, or what there is: a hint."""
    near = get_close_matches(word[:64], list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(list(known)[:8])}" if known else "there is none"


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """The environments of a file, by name, as they are written there: ``environments: {prod: {kind: sandbox, ...}}``.

    Raises:
        SettingsError: it can't be read, or is not what it should be.
    """
    try:
        said = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no YAML: {str(error).splitlines()[0]}") from error
    entries = said.get("environments") if isinstance(said, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise SettingsError(f"{path} names no environments", hint="environments: {prod: {kind: haproxy, ...}}")
    for name, entry in entries.items():
        if not isinstance(name, str) or name == "all" or not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
            raise SettingsError(
                f"{path}: {str(name)[:40]} is no environment", hint="it needs a kind, and a name that is not all"
            )
    return entries
