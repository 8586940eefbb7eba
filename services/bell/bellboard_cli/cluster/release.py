"""A release of the chart, as its own ConfigMap says it: the teams, where they are, and what each is to have."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bellboard.errors import SettingsError
from bellboard.kube import Kube, KubeAbsent, kinds

from ..findings import Finding

KINDS: tuple[tuple[str, str], ...] = (
    ("pods", ""),
    ("events", ""),
    ("secrets", ""),
    ("configmaps", ""),
    ("deployments", "apps"),
    ("statefulsets", "apps"),
)
"""What is looked at in each namespace: plurals and API groups."""


@dataclass(frozen=True, slots=True)
class Team:
    """One team of a release: the number of its gateways, and its bots."""

    name: str
    namespace: str
    gateways: int
    bots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What there should be."""

    name: str
    namespace: str
    teams: tuple[Team, ...]

    @property
    def labels(self) -> dict[str, str]:
        """What everything of it is labelled with."""
        return {"app.kubernetes.io/instance": self.name}

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.namespace, *(team.namespace for team in self.teams))


def kubeconfig() -> Path:
    """The kubeconfig of whoever asks: the first one of KUBECONFIG, or that of their home."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(named) if named else Path.home() / ".kube" / "config"


async def read(kube: Kube, namespace: str, name: str) -> Release:
    """The release of this name in a namespace.

    Raises:
        KubeAbsent: there is none.
        KubeRefused, KubeError: it can't be read.
        SettingsError: it says something else than a release does.
    """
    found = await kube.get(kinds.ConfigMap, f"{name}-teams", namespace=namespace)
    try:
        said: dict[str, Any] = orjson.loads((found.data or {})["teams.json"])
        teams = tuple(
            Team(team, one["namespace"], int(one["gateways"]), tuple(one["bots"]))
            for team, one in sorted(said["teams"].items())
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"the ConfigMap {name}-teams in {namespace} is none of the chart's", hint="upgrade it") from error
    return Release(name, namespace, teams)


async def rights(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """What whoever asks may not look at, and so is left out."""
    for namespace in release.namespaces:
        missing = [what for what, group in KINDS if not await kube.may("list", what, group=group, namespace=namespace)]
        if not await kube.may("get", "pods", subresource="log", namespace=namespace):
            missing.append("pods/log")
        if missing:
            yield Finding(
                f"you may not look at {', '.join(missing)} in {namespace}", "what they would tell is left out; ask for a Role"
            )


async def places(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """Namespaces that are not there."""
    for team in release.teams:
        try:
            await kube.get(kinds.Namespace, team.namespace)
        except KubeAbsent:
            yield Finding(f"the namespace {team.namespace} of the team {team.name} is not there", "helm upgrade makes it")
