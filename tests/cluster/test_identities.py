"""Who asks is who they say, may do what their rules say, and is written down."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bellboard.kube import Kube, KubeDenied, KubeRefused, Person, connect, kinds
from bellboard.testing import eventually
from tests.cluster.cluster import Kubernetes
from tests.cluster.conftest import Client
from tests.cluster.samples import Fields, grant, make

ANN = Person("payments", "ann", ("oncall",))


def rule(resource: str, verb: str, names: Sequence[str] = ()) -> Fields:
    """A right to the core API; without names, to all of the kind."""
    return {"apiGroups": [""], "resources": [resource], "verbs": [verb], "resourceNames": list(names)}


async def test_a_service_account_may_do_just_what_its_role_says(
    kubernetes: Kubernetes, admin: Kube, client: Client, namespace: str
) -> None:
    """Not more verbs, no other kinds, in no other namespace."""
    await grant(admin, namespace, "reader", rule("configmaps", "list"))
    reader = client(await kubernetes.account(namespace, "reader"))

    assert await reader.list(kinds.ConfigMap, namespace=namespace) != []
    for kind, where in ((kinds.Secret, namespace), (kinds.ConfigMap, "kube-system")):
        with pytest.raises(KubeDenied):
            await reader.list(kind, namespace=where)
    with pytest.raises(KubeDenied):
        await reader.delete(kinds.ConfigMap, "kube-root-ca.crt", namespace=namespace)
    assert await reader.may("list", "configmaps", namespace=namespace)
    assert not await reader.may("create", "configmaps", namespace=namespace)


async def test_a_person_with_a_certificate_is_in_their_groups(own: Kubernetes, client: Client) -> None:
    """A cluster's own people come so."""
    assert await client(own.user("eve", "system:masters")).list(kinds.Node) != []
    with pytest.raises(KubeDenied):
        await client(own.user("mallory", "visitors")).list(kinds.Node)


async def test_impersonation_shows_both_in_the_audit_log(own: Kubernetes, admin: Kube, namespace: str) -> None:
    """The cluster's own record names the person, and the bot that asked for them."""
    await grant(admin, namespace, "deploy", rule("configmaps", "get"))
    people, groups = (rule("users", "impersonate", [ANN.user]), rule("groups", "impersonate", ANN.groups))
    await grant(admin, namespace, "deploy", people, groups, everywhere=True)

    async with connect(await own.account(namespace, "deploy")) as cluster:
        with pytest.raises(KubeDenied):
            await cluster.person(ANN).list(kinds.Secret, namespace=namespace)
        with pytest.raises(KubeDenied, match="may not act as"):
            await cluster.person(Person("payments", "bob")).list(kinds.Secret, namespace=namespace)

    def written() -> list[Fields]:
        asked = f"/api/v1/namespaces/{namespace}/secrets"
        return [event for event in own.audit() if event["requestURI"].startswith(asked) and "impersonatedUser" in event]

    event = (await eventually(written))[0]
    assert event["user"]["username"] == f"system:serviceaccount:{namespace}:deploy"
    assert event["impersonatedUser"]["username"] == ANN.user
    assert set(ANN.groups) <= set(event["impersonatedUser"]["groups"])


async def test_a_restricted_namespace_takes_no_pod_that_may_be_root(admin: Kube, namespace: str) -> None:
    """Pod Security is on, so that a chart whose pods would be refused is found out."""
    await admin.patch(
        kinds.Namespace, namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    )
    pod = {"containers": [{"name": "web", "image": "shop:v1"}]}

    with pytest.raises(KubeRefused, match="refuses") as refused:
        await make(admin, namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": pod})

    assert "violates PodSecurity" in refused.value.hint
