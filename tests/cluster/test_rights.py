"""Who may do what, by the word of a real API server: the chart's own tests read its rules, and this one is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml
from lightkube.models.authorization_v1 import (
    ResourceAttributes,
    ResourceRule,
    SelfSubjectRulesReviewSpec,
    SubjectAccessReviewSpec,
)
from lightkube.resources.authorization_v1 import SelfSubjectRulesReview, SubjectAccessReview

from bellboard.kube import Kube, KubeDenied, connect, kinds
from tests.chart.render import RELEASE
from tests.chart.test_rights import FEATURE, MATRIX, Subject
from tests.cluster.cluster import Kubernetes
from tests.cluster.conftest import Client
from tests.cluster.release import Release

TARGETS = ("shop-staging", "shop-prod", "argocd")
"""Namespaces that are not the chart's, in which it gives rights."""

PAYMENTS, SEARCH = "bellboard-payments", "bellboard-search"


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def release(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """Two teams, one of which deploys into others' namespaces."""
    folder = tmp_path_factory.mktemp("rights")
    async with connect(kubernetes.admin) as cluster, Release(kubernetes, folder) as release:
        for name in TARGETS:
            await cluster.own.create(kinds.Namespace(metadata=kinds.ObjectMeta(name=name)))
        await release.install(yaml.safe_load(FEATURE.read_text()))
        await release.provision()
        yield
        await release.uninstall()
        for name in TARGETS:
            await cluster.own.delete(kinds.Namespace, name)


async def permitted(admin: Kube, who: Subject, asked: ResourceAttributes) -> bool:
    """Whether a ServiceAccount may, or somebody of a group."""
    user, groups = f"somebody of {who[0]}", [*who]
    if len(who) == 2:
        namespace, name = who
        user, groups = (
            f"system:serviceaccount:{namespace}:{name}",
            ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"],
        )
    spec = SubjectAccessReviewSpec(user=user, groups=[*groups, "system:authenticated"], resourceAttributes=asked)
    answer = await admin.create(SubjectAccessReview(spec=spec))
    assert answer.status is not None
    return answer.status.allowed


async def test_each_may_do_what_its_providers_need_and_no_more(kubernetes: Kubernetes, admin: Kube, client: Client) -> None:
    """ServiceAccounts are asked themselves, by their tokens; of people somebody is asked who knows."""
    wrong, clients = [], {}
    for allowed, who, asked in MATRIX:
        resource, _, subresource = asked["resource"].partition("/")
        rest = {key: asked.get(key, "") for key in ("group", "namespace", "name")}
        attributes = ResourceAttributes(verb=asked["verb"], resource=resource, subresource=subresource, **rest)
        answers = [await permitted(admin, who, attributes)]
        if len(who) == 2:
            if who not in clients:
                clients[who] = client(await kubernetes.account(*who))
            answers.append(await clients[who].may(asked["verb"], resource, subresource=subresource, **rest))
        if answers != [allowed] * len(answers):
            wrong.append((allowed, who, asked))

    assert wrong == []


async def rules(kube: Kube, namespace: str) -> list[ResourceRule]:
    """All that whoever asks may do in a namespace."""
    answer = await kube.create(SelfSubjectRulesReview(spec=SelfSubjectRulesReviewSpec(namespace=namespace)))
    assert answer.status is not None
    return answer.status.resourceRules


async def test_a_team_can_do_nothing_in_what_is_anothers(kubernetes: Kubernetes, admin: Kube, client: Client) -> None:
    """Nor in the release's own namespace, nor the cluster's: no more than who has no rights at all."""
    nobody = client(await kubernetes.account("default", "default"))
    accounts = await admin.list(kinds.ServiceAccount, namespace=PAYMENTS)
    names = {str(one.metadata.name) for one in accounts if one.metadata}
    assert {"bellboard-gateway", "bellboard-reaper", "bellboard-deploy"} <= names

    for name in names:
        account = client(await kubernetes.account(PAYMENTS, name))
        for namespace in (SEARCH, RELEASE, "kube-system"):
            beyond = [rule for rule in await rules(account, namespace) if rule not in await rules(nobody, namespace)]
            assert all(rule.verbs == ["impersonate"] for rule in beyond), (name, namespace)
            acted = [who for rule in beyond for who in rule.resourceNames or ["anybody"]]
            assert all(who.startswith("bellboard:payments") for who in acted), (name, namespace)


async def test_no_bot_reads_keys(kubernetes: Kubernetes, admin: Kube, client: Client) -> None:
    """Not even its own: they are mounted. Nor does it read a neighbour's, of its own team or another."""
    secrets = await admin.list(kinds.Secret, namespace=PAYMENTS)
    assert "bellboard-keys-memes" in {one.metadata.name for one in secrets if one.metadata}
    deploy = client(await kubernetes.account(PAYMENTS, "bellboard-deploy"))

    for namespace, name in (
        (PAYMENTS, "bellboard-keys-deploy"),
        (PAYMENTS, "bellboard-keys-memes"),
        (SEARCH, "bellboard-keys-k8s"),
    ):
        with pytest.raises(KubeDenied):
            await deploy.get(kinds.Secret, name, namespace=namespace)
