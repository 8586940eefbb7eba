"""Makes an environment that a program deploys to from what the file says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bellboard import SettingsError

from ..entries import Entry, plain, read_entry
from ..providers import Environment
from . import hosts, trigger
from .program import Program


class Programs(BaseModel):
    """How programs are run.

    Attributes:
        environment: names of the variables that they get; besides those, only ``PATH``.
        cwd: the folder that they begin in.
        seconds: how long each may run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: tuple[str, ...] = ()
    cwd: Path = Path("/")
    seconds: float = Field(default=900.0, gt=0)

    def programs(self, name: str, known: Sequence[str] = hosts.WORDS) -> Callable[[Sequence[str]], Program]:
        """Makes programs of lists of arguments; a SettingsError names the environment."""

        def make(argv: Sequence[str]) -> Program:
            try:
                return Program(argv, known=known, keep=self.environment, cwd=self.cwd, seconds=self.seconds)
            except SettingsError as error:
                raise SettingsError(f"the environment {name}: {error.text}", hint=error.hint) from error

        return make


class CommandEntry(Entry, Programs):
    """An environment that a program deploys to: `CommandTrigger` says what each list of arguments is for."""

    apps: tuple[str, ...]
    run: tuple[str, ...]
    find: tuple[str, ...] | None = None
    versions: tuple[str, ...] | None = None
    current: tuple[str, ...] | None = None


@asynccontextmanager
async def open_command(name: str, entry: Mapping[str, Any]) -> AsyncIterator[Environment]:
    """The environment of an entry.

    Raises:
        SettingsError: the entry is wrong.
    """
    said = read_entry(name, entry, CommandEntry)
    program = said.programs(name, trigger.WORDS)
    others = {what: argv and program(argv) for what, argv in said if what in ("find", "versions", "current")}
    for word in (name, *said.apps):
        plain(word, "an app or environment")
    yield Environment(name, trigger=trigger.CommandTrigger(said.apps, program(said.run), env=name, **others))
