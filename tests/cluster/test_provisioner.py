"""The provisioner keeps its objects in a real Kubernetes: made once, whoever makes them, and gone with the chart's own."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator

import pytest

from bellboard.errors import Failed
from bellboard.kube import Kube, KubeAbsent, KubeDenied, kinds
from bellboard.provision import keys
from bellboard.testing import eventually
from bellboard_provisioner.kubernetes import Kubernetes as Store
from bellboard_provisioner.provision import make_objects
from bellboard_provisioner.teams import Teams
from tests.cluster.cluster import Kubernetes
from tests.cluster.conftest import Client

MEMES = {"package": "bellboard.api.memes.v1", "phrases": ["meme"], "effects": ["EFFECT_READ"]}
LIMITS = {"storage": 1 << 30, "memory": 0, "streams": 64, "consumers": 256}


@pytest.fixture
async def home(admin: Kube, namespace: str) -> AsyncIterator[str]:
    """A team's namespace, with what the chart makes there. The release's is that of the test."""
    name = f"team-{secrets.token_hex(4)}"
    await admin.create(kinds.Namespace(metadata=kinds.ObjectMeta(name=name)))
    await _owner(admin, namespace, "bellboard-teams")
    await _owner(admin, name, "bellboard-team")
    yield name
    await admin.delete(kinds.Namespace, name)


async def _owner(admin: Kube, namespace: str, name: str) -> None:
    await admin.create(kinds.ConfigMap(metadata=kinds.ObjectMeta(name=name, namespace=namespace)))


@pytest.fixture
def teams(home: str) -> Teams:
    home_team = {"namespace": home, "gateways": 2, "limits": LIMITS, "bots": {"memes": MEMES}}
    return Teams.model_validate({"release": "bellboard", "replicas": 3, "teams": {"home": home_team}})


async def held(admin: Kube, *namespaces: str) -> dict[str, object]:
    """What the provisioner has made, by where it is, with the version of each."""
    ours = {"app.kubernetes.io/managed-by": "bellboard-provisioner"}
    found: dict[str, object] = {}
    for namespace in namespaces:
        made: list[kinds.Secret | kinds.ConfigMap] = [
            *await admin.list(kinds.Secret, namespace=namespace, labels=ours),
            *await admin.list(kinds.ConfigMap, namespace=namespace, labels=ours),
        ]
        for one in made:
            assert one.metadata is not None
            found[f"{namespace}/{one.metadata.name}"] = one.metadata.resourceVersion, one
    return found


async def test_two_at_once_make_everything_once(admin: Kube, namespace: str, home: str, teams: Teams) -> None:
    """Both know the same keys; a third time nothing changes, not even a version."""
    stores = [Store(admin, namespace, "bellboard") for _ in range(2)]
    seeds = await asyncio.gather(*(make_objects(teams, store) for store in stores))
    assert seeds[0] == seeds[1]
    before = await held(admin, namespace, home)
    assert set(before) == {
        f"{home}/bellboard-keys-memes",
        f"{home}/bellboard-keys-reaper",
        f"{home}/bellboard-keys-gateway",
        f"{home}/bellboard-public",
        f"{namespace}/bellboard-keys-provisioner",
        f"{namespace}/bellboard-nats-accounts",
    }
    await make_objects(teams, stores[0])
    assert await held(admin, namespace, home) == before


async def test_a_half_made_secret_is_completed(admin: Kube, namespace: str, home: str, teams: Teams) -> None:
    """What is there is kept, and belongs to the chart's from then on."""
    seed = keys.bus_user.make()
    half = kinds.Secret(
        metadata=kinds.ObjectMeta(name="bellboard-keys-memes", namespace=home),
        data={"bus.nk": base64.b64encode(seed.encode()).decode()},
    )
    await admin.create(half)
    await make_objects(teams, Store(admin, namespace, "bellboard"))
    whole = await admin.get(kinds.Secret, "bellboard-keys-memes", namespace=home)
    assert whole.data is not None
    assert base64.b64decode(whole.data["bus.nk"]).decode() == seed
    assert set(whole.data) == {"bus.nk", "box.key"}
    public = await admin.get(kinds.ConfigMap, "bellboard-public", namespace=home)
    assert keys.bus_user.public(seed) in (public.data or {})["enrolled.yaml"]


async def test_what_was_made_goes_with_the_chart(admin: Kube, namespace: str, home: str, teams: Teams) -> None:
    """When it is uninstalled nothing is left."""
    await make_objects(teams, Store(admin, namespace, "bellboard"))
    await admin.delete(kinds.ConfigMap, "bellboard-team", namespace=home)
    await admin.delete(kinds.ConfigMap, "bellboard-teams", namespace=namespace)

    async def gone() -> bool:
        return await held(admin, namespace, home) == {}

    await eventually(gone, timeout=40)


async def test_a_chart_that_is_not_there_is_named(admin: Kube, namespace: str, home: str, teams: Teams) -> None:
    """Before a key is made: it would be left over."""
    await admin.delete(kinds.ConfigMap, "bellboard-team", namespace=home)
    with pytest.raises(Failed, match="bellboard-team"):
        await make_objects(teams, Store(admin, namespace, "bellboard"))
    with pytest.raises(KubeAbsent):
        await admin.get(kinds.Secret, "bellboard-keys-memes", namespace=home)


async def test_a_job_that_stood_still_undoes_nothing(admin: Kube, namespace: str, home: str, teams: Teams) -> None:
    """What a newer one made stays: it finds that the chart wants something else by now."""
    chart = {"data": {"teams.json": teams.model_dump_json()}}
    await admin.patch(kinds.ConfigMap, "bellboard-teams", chart, namespace=namespace)
    grown = teams.model_copy(update={"teams": {"home": teams.teams["home"].model_copy(update={"gateways": 3})}})
    stood_still = Store(admin, namespace, "bellboard", teams)
    await make_objects(teams, stood_still)
    await admin.patch(
        kinds.ConfigMap, "bellboard-teams", {"data": {"teams.json": grown.model_dump_json()}}, namespace=namespace
    )
    await make_objects(grown, Store(admin, namespace, "bellboard", grown))
    before = await held(admin, namespace, home)

    with pytest.raises(Failed, match="has changed meanwhile"):
        await make_objects(teams, stood_still)
    assert await held(admin, namespace, home) == before


async def test_it_says_which_right_it_lacks(
    kubernetes: Kubernetes, client: Client, namespace: str, home: str, teams: Teams
) -> None:
    """In a line."""
    nobody = client(await kubernetes.account(namespace, "default"))
    with pytest.raises(KubeDenied, match="may not get"):
        await make_objects(teams, Store(nobody, namespace, "bellboard"))
