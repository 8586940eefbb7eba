"""What the provisioner is to have made, and whether it could."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from bellboard.kube import Kube, kinds, reasons

from ..findings import Finding
from .release import Release, Team

AGAIN = "delete the Job of the provisioner, and helm upgrade with the same values"


async def provisioning(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """Whether the Job failed, or is still at it. One that is gone has ended well."""
    labels = {**release.labels, "app.kubernetes.io/component": "provisioner"}
    for job in await kube.list(kinds.Job, namespace=release.namespace, labels=labels):
        assert job.metadata is not None
        conditions = {one.type: one for one in (job.status and job.status.conditions) or []}
        if (failed := conditions.get("Failed")) is not None and failed.status == "True":
            why = failed.message or failed.reason or "it does not say why"
            yield Finding(
                f"provisioning failed: {reasons.short(why)}", f"kubectl -n {release.namespace} logs job/{job.metadata.name}"
            )
        elif "Complete" not in conditions:
            yield Finding(
                "provisioning is not done yet", f"wait; else kubectl -n {release.namespace} logs job/{job.metadata.name}"
            )


async def missing(kube: Kube, release: Release) -> AsyncIterator[Finding]:
    """Secrets and ConfigMaps that pods wait for, and keys that are not in them."""
    for finding in await _lacking(
        kube, release.namespace, {f"{release.name}-keys-provisioner": set()}, {f"{release.name}-nats-accounts"}
    ):
        yield finding
    for team in release.teams:
        for finding in await _lacking(kube, team.namespace, dict(_secrets(team)), {"bellboard-public"}):
            yield finding


def _secrets(team: Team) -> Iterator[tuple[str, set[str]]]:
    yield "bellboard-keys-reaper", {"bus.nk"}
    numbers = range(1, team.gateways + 1)
    yield (
        "bellboard-keys-gateway",
        {"session.key", "house.box", *(f"gw-{n}.nk" for n in numbers), *(f"gw-{n}.sign" for n in numbers)},
    )
    for bot in team.bots:
        yield f"bellboard-keys-{bot}", {"bus.nk", "box.key"}


async def _lacking(kube: Kube, namespace: str, secrets: dict[str, set[str]], maps: set[str]) -> list[Finding]:
    there = {
        one.metadata.name: set(one.data or ()) for one in await kube.list(kinds.Secret, namespace=namespace) if one.metadata
    }
    known = {one.metadata.name for one in await kube.list(kinds.ConfigMap, namespace=namespace) if one.metadata}
    found = [
        Finding(f"the Secret {name} is missing in {namespace}: its pods wait for it", AGAIN)
        for name in secrets
        if name not in there
    ]
    for name, wanted in secrets.items():
        if lacking := wanted - there.get(name, wanted):
            found.append(Finding(f"the Secret {name} in {namespace} lacks {', '.join(sorted(lacking))}", AGAIN))
    found += [Finding(f"the ConfigMap {name} is missing in {namespace}: its pods wait for it", AGAIN) for name in maps - known]
    return found
