"""The file that says which environment's and app's lines come from where.

::

    sources:                      # the first that fits counts; what none fits comes from the embedded store
      - env: prod                 # left out: every environment
        app: shop*                # left out: every app; * and ? as in file names
        loki: {url: "http://loki:3100", token_file: /run/secrets/loki}
      - env: staging
        elasticsearch: {url: "http://es:9200", index: "logs-*"}
      - env: hosts
        journald: {}
      - env: cluster
        kubernetes: {namespace: shop}
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bellboard import SettingsError

from .providers import LogSource


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Loki(_Strict):
    """Loki by its HTTP API. ``app_label`` and the like: the labels that say who speaks."""

    url: str = Field(pattern=r"https?://\S+")
    token_file: Path | None = None
    tenant: str = ""
    app_label: str = Field(default="app", pattern=r"[a-zA-Z_]\w*")
    env_label: str = Field(default="", pattern=r"([a-zA-Z_]\w*)?")


class Elasticsearch(_Strict):
    """Elasticsearch or OpenSearch by its HTTP API. ``app_field`` and the like: the fields that say what is where."""

    url: str = Field(pattern=r"https?://\S+")
    index: str = Field(default="logs-*", pattern=r"[\w.*,-]+")
    token_file: Path | None = None
    time_field: str = "@timestamp"
    app_field: str = "app"
    env_field: str = ""
    level_field: str = "level"
    message_field: str = "message"


class Journald(_Strict):
    """The machine's journal by ``journalctl``; an app is a unit or a syslog identifier. ``file``: another journal."""

    program: str = "journalctl"
    file: Path | None = None


class Kubernetes(_Strict):
    """Pods' logs by Kubernetes' API; an app is a workload, a pod, or a value of the label ``app_label``.

    Without a ``kubeconfig`` it is the cluster in which the bot is a pod; without a ``namespace``, the one of its configuration.
    """

    namespace: str = Field(default="", pattern=r"[a-z0-9-]*")
    app_label: str = Field(default="app.kubernetes.io/name", pattern=r"[\w./-]+")
    kubeconfig: Path | None = None
    context: str = ""


class Choice(_Strict):
    """One place that lines come from, and whose."""

    env: str = "*"
    app: str = "*"
    loki: Loki | None = None
    elasticsearch: Elasticsearch | None = None
    journald: Journald | None = None
    kubernetes: Kubernetes | None = None
    embedded: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.loki, self.elasticsearch, self.journald, self.kubernetes, self.embedded))) != 1:
            raise ValueError("one of loki, elasticsearch, journald, kubernetes and embedded")
        return self

    def fits(self, env: str, app: str) -> bool:
        """Whether it is about these. Where no environment is named, it is about those of all."""
        return fnmatchcase(env, self.env) and fnmatchcase(app, self.app)

    @asynccontextmanager
    async def open(self, stored: LogSource) -> AsyncIterator[LogSource]:
        """The source; ``stored`` is the embedded one."""
        if self.loki:
            from .remote.loki import LokiSource

            async with LokiSource(self.loki) as loki:
                yield loki
        elif self.elasticsearch:
            from .remote.elasticsearch import ElasticsearchSource

            async with ElasticsearchSource(self.elasticsearch) as elasticsearch:
                yield elasticsearch
        elif self.journald:
            from .remote.journald import JournaldSource

            yield JournaldSource(self.journald)
        elif self.kubernetes:
            from .remote.kubernetes import KubernetesSource

            async with KubernetesSource(self.kubernetes) as kubernetes:
                yield kubernetes
        else:
            yield stored


EMBEDDED = Choice(embedded=True)


class Routes(_Strict):
    """The file."""

    sources: tuple[Choice, ...] = ()

    @property
    def choices(self) -> tuple[Choice, ...]:
        return (*self.sources, EMBEDDED)

    def choose(self, env: str, app: str) -> Choice:
        """Where the lines of an environment and an app come from."""
        return next(choice for choice in self.choices if choice.fits(env, app))


def load(file: Path | None) -> Routes:
    """Read the file; without one, everything comes from the embedded store.

    Raises:
        SettingsError: it can't be read, or says what can't be.
    """
    if file is None:
        return Routes()
    try:
        return Routes.model_validate(yaml.safe_load(file.read_text()) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{file} can't be read as YAML", hint="see the logs bot's README") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{file}: {where}: {first['msg'].lower()}", hint="see the logs bot's README") from None
