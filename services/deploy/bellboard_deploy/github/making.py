"""Makes an environment that GitHub deploys to from what the file says of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from bellboard import SettingsError

from ..entries import Entry, read_entry
from ..providers import Environment
from .client import Client
from .trigger import GitHubTrigger, Plan

_REPO = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38})/(?!\.{1,2}$)([A-Za-z0-9._-]{1,100})")


class GitHubEntry(Entry):
    """An environment that GitHub deploys to; `Plan` says what the keys mean.

    Attributes:
        apps: the repository of each app: ``shop: acme/shop``.
        environment: GitHub's name of it; the file's where it is left out.
        token_file: holds the token. It may read contents, and write deployments and actions.
        url: of GitHub's API.
    """

    apps: dict[str, str]
    environment: str = ""
    workflow: str = Field(default="", pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$")
    branch: str = "main"
    log_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    token_file: Path
    url: str = Field(default="https://api.github.com", pattern=r"^https?://[^\s@]+$")
    pause: float = Field(default=5.0, gt=0)
    seconds: float = Field(default=3600.0, gt=0)


@asynccontextmanager
async def open_github(name: str, entry: Mapping[str, Any]) -> AsyncIterator[Environment]:
    """The environment of an entry.

    Raises:
        SettingsError: the entry is wrong, or the token can't be read.
    """
    said = read_entry(name, entry, GitHubEntry)
    apps = {}
    for app, repo in said.apps.items():
        if not (match := _REPO.fullmatch(repo)):
            raise SettingsError(f"the environment {name}: {repo[:40]} is no repository", hint="such as acme/shop")
        apps[app] = (match[1], match[2])
    try:
        token = said.token_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the environment {name}: {said.token_file} can't be read") from error
    if not token or not token.isprintable() or " " in token:
        raise SettingsError(f"the environment {name}: {said.token_file} holds no token")
    client = Client(said.url, token)
    plan = Plan(
        apps=apps,
        environment=said.environment or name,
        workflow=said.workflow,
        branch=said.branch,
        log_url=said.log_url,
        pause=said.pause,
        seconds=said.seconds,
    )
    try:
        yield Environment(name, trigger=GitHubTrigger(client, plan))
    finally:
        await client.close()
