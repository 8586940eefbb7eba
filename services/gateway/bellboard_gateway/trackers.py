"""The trackers whose tickets are linked: one YAML file, read again when it changes.

::

    trackers:
      - name: Jira
        prefix: OPS-                    # what stands before the number, with its dash
        url: https://jira.example.com/browse/{id}
      - name: GitHub
        prefix: GH-
        url: https://github.com/acme/shop/issues/{number}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bellboard.errors import SettingsError

from .watched import Watched

HINT = "put it right; what was in force stays so"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Tracker(_Entry):
    """One tracker. In ``url`` stands ``{id}``, such as OPS-17, or ``{number}``, such as 17."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}-$")]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s{}]+(\{(id|number)\}[^\s{}]*)+$", max_length=500)]

    def address(self, ticket: str) -> str:
        """The page of a ticket."""
        return self.url.replace("{id}", ticket).replace("{number}", ticket.removeprefix(self.prefix))


class _File(_Entry):
    trackers: tuple[Tracker, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _once(self) -> _File:
        prefixes = [tracker.prefix for tracker in self.trackers]
        if len(prefixes) != len(set(prefixes)):
            raise ValueError("the same prefix stands there twice")
        return self


class Trackers:
    """The trackers that there are; none without a file.

    Raises:
        SettingsError: the file is wrong at the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = Watched(lambda: [path] if path else [], lambda: _load(path))

    def look(self) -> None:
        """Read the file again now if it has changed."""
        self._file.look(now=True)

    def of(self, ticket: str) -> Tracker | None:
        """The tracker of a ticket such as OPS-17; None if it is nobody's."""
        prefix, dash, number = ticket.rpartition("-")
        if not number.isascii() or not number.isdecimal():
            return None
        return next((tracker for tracker in self._file.value if tracker.prefix == prefix + dash), None)


def _load(path: Path | None) -> tuple[Tracker, ...]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) if path is not None and path.exists() else None
        return _File.model_validate(said or {}).trackers
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} can't be read as YAML", hint=HINT) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{path}: {where}: {first['msg'].lower()}", hint=HINT) from None
