"""teams.json: which teams there are, and what each is to have.

``{"release": "bellboard", "replicas": 3, "teams": {"payments": {"namespace": "bellboard-payments", "gateways": 2,
"generation": 1, "limits": {"storage": 8589934592, "memory": 0, "streams": 64, "consumers": 256},
"bots": {"memes": {"package": …, "phrases": […], "effects": […], "open": true}}}}}``

A bot's entry is a `registry.v1.Enrolment` as JSON, without keys.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import SettingsError
from bellboard.provision import enrol, layout
from bellboard.provision.accounts import NAME, Limits, gateways, reserved

MOST_GATEWAYS = 32
LEAST_STORAGE = 512 << 20
"""Bytes: the stream of progress alone reserves half of it."""

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Quota(_Strict):
    """What a team's streams may take: bytes of messages, each counted once, and how many streams and consumers."""

    storage: int = Field(ge=LEAST_STORAGE)
    memory: int = Field(default=0, ge=0)
    streams: Count
    consumers: Count


class Team(_Strict):
    """One team.

    Attributes:
        gateways: how many replicas its gateway has at most; each has keys of its own.
        generation: of the gateways' signing keys. One more makes new ones; those before are trusted until the next.
        bots: enrolments as JSON, by bot.
    """

    namespace: Label
    gateways: int = Field(default=2, ge=1, le=MOST_GATEWAYS)
    generation: Count = 1
    limits: Quota
    bots: dict[Name, dict[str, Any]]

    @cached_property
    def enrolments(self) -> tuple[registry.Enrolment, ...]:
        """What each bot may be; that of the gateway's own bot comes first."""
        return (enrol.house(), *(_enrolment(bot, said) for bot, said in self.bots.items()))

    @property
    def users(self) -> tuple[str, ...]:
        """The names of its gateways."""
        return gateways(self.gateways)

    def limits_of(self, replicas: int) -> Limits:
        """As the server counts: every copy of a message."""
        told = self.limits
        return Limits(told.storage * replicas, told.memory * replicas, told.streams, told.consumers)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known: dict[str, str] = {}
        for one in self.enrolments:
            for phrase in one.phrases:
                if phrase in known:
                    raise ValueError(f"bots: {phrase!r} belongs to both {known[phrase]} and {one.bot}")
                known[phrase] = one.bot
        bots = [one.bot for one in self.enrolments]
        for what, needed in (("streams", len(layout.streams(bots))), ("consumers", len(layout.consumers(bots)))):
            if getattr(self.limits, what) < needed:
                raise ValueError(f"limits.{what}: these bots need {needed}")
        return self


class Teams(_Strict):
    """All of them; ``replicas`` is how many servers keep each stream."""

    release: Label
    replicas: Literal[1, 3, 5] = 1
    teams: dict[Name, Team]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            SettingsError: it can't be read, or is wrong. One line says what.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"{path} can't be read: {error.strerror}") from error
        except ValidationError as error:
            raise SettingsError(f"{path}: {_complaint(error)}") from None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        known: dict[str, str] = {}
        for name, team in self.teams.items():
            if team.namespace in known:
                raise ValueError(f"teams.{name}.namespace: it is that of {known[team.namespace]}")
            known[team.namespace] = name
        return self


def _enrolment(bot: str, said: dict[str, Any]) -> registry.Enrolment:
    if reserved(bot):
        raise ValueError(f"bots.{bot}: the name is taken by Bellboard itself")
    try:
        one = json_format.ParseDict(said, registry.Enrolment())
    except json_format.ParseError as error:
        raise ValueError(f"bots.{bot}: {str(error).splitlines()[0]}") from None
    if one.nkey or one.box_key:
        raise ValueError(f"bots.{bot}: its keys are made, not given")
    if one.bot not in ("", bot):
        raise ValueError(f"bots.{bot}.bot: it says {one.bot!r}")
    if not (one.package and one.phrases and one.effects):
        raise ValueError(f"bots.{bot}: it needs a package, phrases and effects")
    one.bot = bot
    return one


def _complaint(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    text = problem["msg"].removeprefix("Value error, ")
    text = text if problem["type"] == "value_error" else text[:1].lower() + text[1:]
    return f"{where}: {text}" if where else text
