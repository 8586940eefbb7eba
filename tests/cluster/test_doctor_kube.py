"""`bell doctor --kube` against a release of the chart in which things are broken on purpose, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lightkube import codecs

from bellboard.kube import Kube, KubeAbsent, KubeConflict, kinds
from bellboard.testing import eventually
from bellboard_cli.cluster.doctor import examine
from bellboard_provisioner.kubernetes import Kubernetes as Store
from bellboard_provisioner.provision import make_objects
from bellboard_provisioner.teams import Teams
from tests.chart.render import RELEASE, named, objects
from tests.chart.tools import CHART
from tests.cluster.cluster import Kubernetes
from tests.cluster.conftest import Client
from tests.cluster.samples import grant

pytestmark = pytest.mark.timeout(300)

TEAM = "bellboard-payments"
MADE = ("Namespace", "ServiceAccount", "ConfigMap", "Deployment", "StatefulSet", "Job")
Fields = dict[str, Any]


@dataclass
class Installed:
    """A release whose pods are played by the tests' nodes."""

    kube: Kube

    async def found(self) -> list[str]:
        """What the doctor says."""
        return [str(finding) async for finding in examine(self.kube, RELEASE, RELEASE)]

    async def says(self, *words: str) -> str:
        """The doctor's only finding, once it is one with these words in it."""

        async def look() -> str:
            found = await self.found()
            assert len(found) == 1, found
            assert all(word in found[0] for word in words), found
            return found[0]

        return await eventually(look, 60)

    async def well(self) -> None:
        """Wait until the doctor finds nothing."""

        async def look() -> bool:
            found = await self.found()
            assert not found, found
            return True

        await eventually(look, 90)

    async def image(self, kind: Any, name: str, namespace: str, image: str) -> None:
        """Give a workload's first container another image, and begin anew with its pods."""
        container = (await self.kube.get(kind, name, namespace=namespace)).to_dict()["spec"]["template"]["spec"]["containers"][
            0
        ]
        change = {"spec": {"template": {"spec": {"containers": [{"name": container["name"], "image": image}]}}}}
        await self.kube.patch(kind, name, change, namespace=namespace)
        for pod in await self.kube.list(kinds.Pod, namespace=namespace):
            assert pod.metadata is not None
            if (pod.metadata.name or "").startswith(f"{name}-"):
                with contextlib.suppress(KubeAbsent):  # its controller was quicker
                    await self.kube.delete(kinds.Pod, pod.metadata.name or "", namespace=namespace)


@pytest.fixture
async def release(admin: Kube) -> AsyncIterator[Installed]:
    """The chart with one team: its objects, and what its Job makes."""
    rendered = objects(CHART / "ci" / "one-team-values.yaml")
    await admin.apply(kinds.Namespace(metadata=kinds.ObjectMeta(name=RELEASE)))
    for one in sorted((one for one in rendered if one["kind"] in MADE), key=lambda one: MADE.index(one["kind"])):
        try:
            await admin.create(codecs.from_dict(copy.deepcopy(dict(one))))
        except KubeConflict:
            continue
    teams = Teams.model_validate_json(named(rendered, "ConfigMap", f"{RELEASE}-teams")["data"]["teams.json"])
    owner = kinds.ConfigMap(metadata=kinds.ObjectMeta(name="bellboard-teams", namespace=RELEASE))
    await admin.apply(owner)
    await make_objects(teams, Store(admin, RELEASE, RELEASE))
    installed = Installed(admin)
    await installed.well()
    yield installed
    for namespace in (TEAM, RELEASE):
        await admin.delete(kinds.Namespace, namespace)
    for namespace in (TEAM, RELEASE):
        await eventually(partial(_gone, admin, namespace), 90)


async def _gone(admin: Kube, namespace: str) -> bool:
    try:
        await admin.get(kinds.Namespace, namespace)
    except KubeAbsent:
        return True
    return False


async def test_each_thing_that_is_broken_is_said_in_one_line(
    release: Installed, own: Kubernetes, client: Client, tmp_path: Path
) -> None:
    """Broken on purpose, found, put right; and nothing else is said meanwhile."""
    kube = release.kube

    await release.image(kinds.Deployment, "memes", TEAM, "bellboard-memes-missing:0.1.0")
    await release.says("the old pods of memes in bellboard-payments serve", "the image of memes", "can't be pulled")
    await release.image(kinds.Deployment, "memes", TEAM, "bellboard-memes-crashing:0.1.0")
    await release.says("memes", "crashed")
    await release.image(kinds.Deployment, "memes", TEAM, "bellboard-memes:0.0.9")
    await release.says("versions differ: bellboard-memes 0.0.9; everything else 0.1.0")
    await release.image(kinds.Deployment, "memes", TEAM, "bellboard-memes:0.1.0")
    await release.well()

    secret = await kube.get(kinds.Secret, "bellboard-keys-deploy", namespace=TEAM)
    await kube.delete(kinds.Secret, "bellboard-keys-deploy", namespace=TEAM)
    await release.says("the Secret bellboard-keys-deploy is missing in bellboard-payments")
    await kube.create(kinds.Secret(metadata=kinds.ObjectMeta(name="bellboard-keys-deploy", namespace=TEAM), data={}))
    await release.says("lacks box.key, bus.nk")
    await kube.patch(kinds.Secret, "bellboard-keys-deploy", {"data": secret.data}, namespace=TEAM)
    await release.well()

    await release.image(kinds.StatefulSet, f"{RELEASE}-nats", RELEASE, "nats-unready:2.15.1")
    await release.says("0 of 3 servers of the bus are ready, too few to agree, so nothing is accepted", "not ready")
    await release.image(kinds.StatefulSet, f"{RELEASE}-nats", RELEASE, "nats:2.15.1")
    await release.well()

    log = own.log(TEAM, "gateway-1", "gateway")
    log.write('{"event": "bus.denied", "level": "error", "error": "permissions violation"}')
    await release.says("gateway-1 in bellboard-payments logged 1 errors lately", "bus.denied: permissions violation")
    log.write('{"event": "history.lost", "level": "error", "lost": "it ends at record 3, and record 9 was seen"}')
    await release.says("gateway-1 in bellboard-payments is in safe mode: the bus lost history (it ends at record 3")
    log.restarts()
    await release.well()

    account = client(await _watcher(own, kube))
    said = [str(finding) async for finding in examine(account, RELEASE, RELEASE)]
    assert said == [
        "you may not look at events, secrets, pods/log in bellboard-payments -> what they would tell is left out; "
        "ask for a Role",
    ]


async def test_a_job_that_failed_says_so(release: Installed) -> None:
    """It is the first thing to look at, as everything waits for what it makes."""
    kube = release.kube
    (job,) = await kube.list(kinds.Job, namespace=RELEASE)
    raw = job.to_dict()
    await kube.delete(kinds.Job, raw["metadata"]["name"], namespace=RELEASE)
    template = raw["spec"]["template"]
    template["metadata"]["labels"] = {
        key: value
        for key, value in template["metadata"]["labels"].items()
        if "controller-uid" not in key and "job-name" not in key
    }
    template["spec"]["containers"][0]["image"] = "bellboard-provisioner-failing:0.1.0"
    again = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "again", "namespace": RELEASE, "labels": raw["metadata"]["labels"]},
        "spec": {"backoffLimit": 0, "template": template},
    }
    await kube.create(codecs.from_dict(again))

    await release.says("provisioning failed: ", "logs job/again")


async def test_what_is_not_there_is_one_line(own: Kubernetes, admin: Kube) -> None:
    """No release, no cluster, no kubeconfig: each is named, and no traceback is shown."""
    absent = [str(finding) async for finding in examine(admin, "default", "nothing")]
    assert absent == ["there is no release nothing in the namespace default -> helm list -A; see --release and --namespace"]

    command = [sys.executable, "-m", "bellboard_cli", "doctor", "--kube"]
    env = {**os.environ, "KUBECONFIG": str(own.folder / "none.yaml")}
    done = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("bell: ")
    assert "none.yaml" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


async def _watcher(own: Kubernetes, kube: Kube) -> Path:
    """Somebody who may see all of the release's own namespace, and only workloads of the team's."""
    looks = {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["get", "list"]}
    some = {
        "apiGroups": ["", "apps"],
        "resources": ["pods", "configmaps", "deployments", "statefulsets"],
        "verbs": ["get", "list"],
    }
    await grant(kube, RELEASE, "watcher", looks)
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "watcher", "namespace": TEAM}}
    await kube.create(codecs.from_dict({**role, "rules": [some]}))
    binding = {
        **role,
        "kind": "RoleBinding",
        "subjects": [{"kind": "ServiceAccount", "name": "watcher", "namespace": RELEASE}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "watcher"},
    }
    await kube.create(codecs.from_dict(binding))
    return await own.account(RELEASE, "watcher")
