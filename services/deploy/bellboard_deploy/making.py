"""Makes environments from what the settings say; for rehearsals, a twin of each that is the sandbox and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from bellboard import SettingsError

from .environments import Environments, read_file
from .paper import paper_town
from .providers import Environment
from .sandbox import open_sandbox
from .settings import Settings

SANDBOX = "sandbox"


@asynccontextmanager
async def real(settings: Settings) -> AsyncIterator[Environments]:
    """The environments of the file; the sandbox alone without one.

    Raises:
        SettingsError: the file is wrong.
    """
    async with AsyncExitStack() as stack:
        entries = _entries(settings)
        yield Environments({name: await _make(stack, name, entry, settings) for name, entry in entries.items()})


@asynccontextmanager
async def twins(settings: Settings) -> AsyncIterator[Environments]:
    """The same names, all of them the sandbox. Nothing of a real environment is made, so nothing can leak to it."""
    async with AsyncExitStack() as stack:
        twin = await _make(stack, SANDBOX, {"kind": SANDBOX}, settings)
        yield Environments({name: replace(twin, name=name) for name in _entries(settings)})


def _entries(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    return read_file(settings.deploy_file) if settings.deploy_file else {SANDBOX: {"kind": SANDBOX}}


async def _make(stack: AsyncExitStack, name: str, entry: Mapping[str, Any], settings: Settings) -> Environment:
    match entry["kind"]:
        case "sandbox" if settings.sandbox_dir is not None:
            return await stack.enter_async_context(open_sandbox(name, settings.sandbox_dir))
        case "sandbox" | "paper":
            return paper_town(name)
        case "haproxy":
            from .haproxy import open_haproxy  # each only where a file names it

            return await stack.enter_async_context(open_haproxy(name, entry))
        case "command":
            from .argv import open_command

            return await stack.enter_async_context(open_command(name, entry))
        case "github":
            from .github import open_github

            return await stack.enter_async_context(open_github(name, entry))
        case "kubernetes":
            from .kubernetes import open_kubernetes

            return await stack.enter_async_context(open_kubernetes(name, entry, settings.team))
        case "argocd":
            from .kubernetes import open_argocd

            return await stack.enter_async_context(open_argocd(name, entry, settings.team))
    known = "sandbox, paper, haproxy, command, github, kubernetes or argocd"
    raise SettingsError(f"the environment {name} has the kind {str(entry['kind'])[:40]}", hint=f"it can be {known}")
