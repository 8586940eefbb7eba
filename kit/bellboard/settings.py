"""Settings of a service: one frozen class each, filled from the environment alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as Unreadable

from bellboard.errors import SettingsError

PREFIX = "BELLBOARD_"
HINT = "see the service's README for its settings"


class ProcessSettings(BaseSettings):
    """What every process needs to know, whether it stays or does one thing and ends.

    Attributes:
        replica: its name among the replicas of the service; "<service>-<pid>" if none is given.
        log_level: the least level of log lines that are written.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    replica: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def load(cls, service: str) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: one is missing or wrong. It names the setting, and never shows its value.
        """
        try:
            settings = cls()
        except ValidationError as error:
            raise SettingsError("; ".join(_complaints(error)), hint=HINT) from None
        except Unreadable as error:  # a list or a table that is no JSON
            found = re.search(r'field "(\w+)"', str(error))
            name = PREFIX + found[1].upper() if found else "a setting"
            raise SettingsError(f"{name} is no JSON, which a setting of several values is written in", hint=HINT) from None
        if settings.replica:
            return settings
        return settings.model_copy(update={"replica": f"{service}-{os.getpid()}"})


class ServiceSettings(ProcessSettings):
    """What every service needs to know. A bot's own class inherits from `BotSettings` and adds its fields.

    Attributes:
        team: the team it serves.
        bus_url: where the bus is; several servers of it with commas between them.
        bus_ca_file: the certificates, one of which has signed those of the bus's servers; nothing is encrypted without them.
        nkey_file: the seed of its bus user.
        trust_file: the public keys of the gateways, as JSON {"keys": {key id: base64}}.
        health_host, health_port: where it answers for its health and metrics; port 0 takes any, -1 none.
        data_dir: where it keeps the newest record of the ledger that it has seen, which tells when the bus has lost history;
            without one that is forgotten with the process.
    """

    team: str = "home"
    bus_url: str = "nats://127.0.0.1:4222"
    bus_ca_file: Path | None = None
    nkey_file: Path
    trust_file: Path
    health_host: str = "127.0.0.1"
    health_port: int = 0
    data_dir: Path | None = None


class BotSettings(ServiceSettings):
    """What every bot needs to know.

    Attributes:
        box_key_file: the X25519 private key, in base64, that secrets are sealed to.
        max_reads, max_work: how many commands one process works on at once, those with the effect READ and all others.
    """

    box_key_file: Path
    max_reads: int = Field(default=64, ge=1)
    max_work: int = Field(default=64, ge=1)


def _complaints(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False, include_context=False):
        name = PREFIX + str(problem["loc"][0]).upper().removeprefix(PREFIX) if problem["loc"] else "the settings together"
        if problem["type"] == "missing":
            found.append(f"{name} is missing")
        elif problem["type"] in ("value_error", "assertion_error"):
            found.append(f"{name} is not valid")  # the text is the service's own and may quote the value
        else:
            found.append(f"{name}: {problem['msg'].lower()}")
    return found
