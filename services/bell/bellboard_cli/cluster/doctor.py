"""Looks at a whole release, and says in one line each what is broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bellboard.errors import BellboardError
from bellboard.kube import Kube, KubeAbsent, KubeDenied, connect

from ..findings import Finding, show
from .keys import missing, provisioning
from .release import Release, kubeconfig, places, read, rights
from .said import errors
from .workloads import unready, versions

LOOKS = (rights, places, provisioning, missing, unready, versions, errors)


async def doctor(namespace: str, name: str, context: str) -> int:
    """Print every finding; the exit code is 1 if there is any. Raises SettingsError: there is no kubeconfig."""
    async with connect(kubeconfig(), context) as cluster:
        findings = [finding async for finding in examine(cluster.own, namespace, name)]
    return show(findings, f"the release {name} in {namespace}")


async def examine(kube: Kube, namespace: str, name: str) -> AsyncIterator[Finding]:
    """All that is wrong with a release."""
    try:
        release = await read(kube, namespace, name)
    except KubeAbsent:
        yield Finding(f"there is no release {name} in the namespace {namespace}", "helm list -A; see --release and --namespace")
        return
    except BellboardError as error:
        yield Finding(error.text, error.hint or "see --context, and KUBECONFIG")
        return
    async for finding in _all(kube, release):
        yield finding


async def _all(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    for look in LOOKS:
        try:
            async for finding in look(kube, release):
                yield finding
        except KubeDenied:
            continue  # `rights` has said it
        except BellboardError as error:
            yield Finding(error.text, error.hint or "try again")
