"""With `impersonate`, whatever changes is changed in the name of who asked: by their rights, and so it is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bellboard import Failed
from bellboard.kube import Kube, KubeDenied, Person
from bellboard.testing import eventually
from bellboard_deploy.kubernetes import open_kubernetes, waiting
from bellboard_deploy.providers import Deployer, Environment, Order
from tests.cluster.cluster import Kubernetes
from tests.cluster.samples import RBAC, Fields, grant, make
from tests.cluster.shops import Shop, a_list

ANN, EVE = Person("payments", "ann"), Person("payments", "eve")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often."""
    monkeypatch.setattr(waiting, "LOOK", 0.05)


def rule(group: str, resources: list[str], *verbs: str, names: tuple[str, ...] = ()) -> Fields:
    """A right."""
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs), "resourceNames": list(names)}


@pytest.fixture
async def prod(kubernetes: Kubernetes, admin: Kube, namespace: str, tmp_path: Path) -> AsyncIterator[Environment]:
    """A shop, and an environment whose bot may look at it, and otherwise only act as ann and eve; ann's group may deploy."""
    shop = await Shop(admin, namespace, a_list(tmp_path)).open()
    seeing = (rule("apps", ["deployments"], "get", "list"), rule("", ["pods", "events"], "list"))
    people = rule("", ["users"], "impersonate", names=(ANN.user, EVE.user))
    await grant(admin, namespace, "deploy", *seeing)
    await grant(admin, namespace, "deploy", people, rule("", ["groups"], "impersonate", names=ANN.groups), everywhere=True)
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "ann"}}
    await make(admin, namespace, {**role, "rules": [rule("apps", ["deployments"], "patch", "create", "delete")]})
    bound = {"kind": "User", "apiGroup": RBAC, "name": ANN.user}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": {"name": "ann"}, "subjects": [bound]}
    await make(admin, namespace, {**binding, "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "ann"}})
    entry = {
        "kind": "kubernetes",
        "namespace": namespace,
        "kubeconfig": str(await kubernetes.account(namespace, "deploy")),
        "impersonate": True,
        "seconds": 30,
        "apps": {"shop": {"image": "shop:{version}", "containers": ["web"]}},
        "versions": {"names": ["/usr/bin/cat", str(tmp_path / "versions")]},
    }
    async with open_kubernetes("prod", entry, "payments") as environment:
        assert (await shop.shares()) == {"v1": 100}
        yield environment


def under(prod: Environment, person: str, act: int = 0, command: str = "") -> Deployer:
    """As who deploys for an order of a person's."""
    deployer = prod.under(Order(command or f"by {person}", person, 1000.0 + act, act)).deployer
    assert deployer is not None
    return deployer


def told(text: str, done: float | None) -> None:
    """Nobody listens."""


async def test_the_audit_log_names_who_asked(prod: Environment, own: Kubernetes, namespace: str) -> None:
    """For the canary, the Deployment, and what is removed at the end; and beside them the bot that asked for them."""
    version = await under(prod, "ann").pin("shop", "v2")
    await under(prod, "ann", 1, "d1").start("shop", version, 0, "d1")
    await under(prod, "ann", 2, "d1").shift("shop", {"v1": 50, "v2": 50})
    await under(prod, "ann", 3, "d1").shift("shop", {"v2": 100})
    await under(prod, "ann", 4, "d1").retire("shop", "v2", told)

    def changed() -> list[dict[str, Any]]:
        verbs = ("patch", "create", "delete")
        bot = f"system:serviceaccount:{namespace}:deploy"
        return [
            event
            for event in own.audit()
            if event["user"]["username"] == bot
            and event["verb"] in verbs
            and (event.get("objectRef") or {}).get("resource") == "deployments"
        ]

    await eventually(lambda: any(event["verb"] == "delete" for event in changed()))
    assert {event["impersonatedUser"]["username"] for event in changed()} == {"bellboard:payments:ann"}
    assert {event["verb"] for event in changed()} == {"patch", "create", "delete"}
    assert all("bellboard:payments" in event["impersonatedUser"]["groups"] for event in changed())


async def test_who_may_not_is_refused_by_the_cluster(prod: Environment) -> None:
    """Whatever the bot's own rules allow: by name, verb and place."""
    with pytest.raises(KubeDenied, match="bellboard:payments:eve may not patch deployment shop"):
        await under(prod, "eve").scale("shop", 3, "c1", told)


async def test_nobody_is_not_acted_as(prod: Environment) -> None:
    """What a bot or nobody asked for is nobody's to do here; and the bot itself has no right to it."""
    with pytest.raises(Failed, match="only a person"):
        await under(prod, "").scale("shop", 3, "c1", told)
    with pytest.raises(KubeDenied, match="may not act as bellboard:payments:mallory"):
        await under(prod, "mallory").scale("shop", 3, "c1", told)
