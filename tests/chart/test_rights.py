"""What each service account may do with Kubernetes: what its providers need, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bellboard_k8s.settings import WORKLOADS
from tests.chart.render import CI, Object, made, objects
from tests.chart.tools import CHART

FEATURE = CHART / "ci/kubernetes-values.yaml"
BY_NAME = pytest.mark.parametrize("values", CI, ids=lambda path: path.stem.removesuffix("-values"))

Subject = tuple[str, ...]
"""(namespace, service account), or (group,)."""

DEPLOY, LOGS, K8S = (("bellboard-payments", f"bellboard-{bot}") for bot in ("deploy", "logs", "k8s"))
OTHERS, PROVISIONER = ("bellboard-search", "bellboard-k8s"), ("bellboard", "bellboard-provisioner")
PEOPLE = ("bellboard:payments",)


class Right(NamedTuple):
    """A rule of RBAC, for one subject; an empty namespace is all of them, and without names it is about every name."""

    subject: Subject
    namespace: str
    groups: list[str]
    resources: list[str]
    verbs: list[str]
    names: list[str]


def rights(made: tuple[Object, ...]) -> list[Right]:
    """All that is granted."""
    roles = {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in made if "rules" in one
    }
    found = []
    for binding in (one for one in made if one["kind"] in ("RoleBinding", "ClusterRoleBinding")):
        namespace, ref = binding["metadata"].get("namespace", ""), binding["roleRef"]
        for rule in roles[ref["kind"], namespace, ref["name"]]["rules"]:
            for subject in binding["subjects"]:
                who = (subject["namespace"], subject["name"]) if subject["kind"] == "ServiceAccount" else (subject["name"],)
                told = (rule["apiGroups"], rule["resources"], rule["verbs"], rule.get("resourceNames", []))
                found.append(Right(who, namespace, *told))
    return found


def may(who: Subject, verb: str, resource: str, namespace: str = "", name: str = "", *, group: str = "") -> bool:
    """Whether a subject may do something, as Kubernetes judges it."""
    return any(
        right.subject == who
        and right.namespace in ("", namespace)
        and verb in right.verbs
        and group in right.groups
        and resource in right.resources
        and (not right.names or name in right.names)
        for right in rights(objects(FEATURE))
    )


MATRIX: list[tuple[bool, Subject, dict[str, Any]]] = [
    (True, DEPLOY, {"verb": "patch", "resource": "deployments", "group": "apps", "namespace": "shop-staging", "name": "shop"}),
    (True, DEPLOY, {"verb": "create", "resource": "deployments", "group": "apps", "namespace": "shop-staging"}),
    (
        True,
        DEPLOY,
        {"verb": "patch", "resource": "statefulsets", "group": "apps", "namespace": "shop-staging", "name": "stock"},
    ),
    (False, DEPLOY, {"verb": "patch", "resource": "statefulsets", "group": "apps", "namespace": "shop-staging", "name": "db"}),
    (True, DEPLOY, {"verb": "list", "resource": "pods", "namespace": "shop-staging"}),
    (True, DEPLOY, {"verb": "list", "resource": "events", "namespace": "shop-prod"}),
    (
        False,
        DEPLOY,
        {"verb": "patch", "resource": "rollouts", "group": "argoproj.io", "namespace": "shop-prod", "name": "shop"},
    ),
    (True, PEOPLE, {"verb": "patch", "resource": "rollouts", "group": "argoproj.io", "namespace": "shop-prod", "name": "shop"}),
    (True, DEPLOY, {"verb": "get", "resource": "rollouts", "group": "argoproj.io", "namespace": "shop-prod", "name": "shop"}),
    (False, DEPLOY, {"verb": "patch", "resource": "deployments", "group": "apps", "namespace": "shop-prod", "name": "shop"}),
    (
        True,
        DEPLOY,
        {"verb": "patch", "resource": "applications", "group": "argoproj.io", "namespace": "argocd", "name": "shop-fleet"},
    ),
    (
        False,
        DEPLOY,
        {"verb": "patch", "resource": "applications", "group": "argoproj.io", "namespace": "argocd", "name": "root"},
    ),
    (True, DEPLOY, {"verb": "impersonate", "resource": "users", "name": "bellboard:payments:ann"}),
    (False, DEPLOY, {"verb": "impersonate", "resource": "users", "name": "bellboard:search:cy"}),
    (False, DEPLOY, {"verb": "impersonate", "resource": "users", "name": "system:admin"}),
    (True, DEPLOY, {"verb": "impersonate", "resource": "groups", "name": "bellboard:payments:sre"}),
    (False, DEPLOY, {"verb": "impersonate", "resource": "groups", "name": "system:masters"}),
    (False, DEPLOY, {"verb": "impersonate", "resource": "serviceaccounts", "name": "default"}),
    (False, DEPLOY, {"verb": "get", "resource": "secrets", "namespace": "shop-staging"}),
    (False, DEPLOY, {"verb": "get", "resource": "secrets", "namespace": "bellboard-payments"}),
    (True, LOGS, {"verb": "get", "resource": "pods/log", "namespace": "shop-prod"}),
    (True, LOGS, {"verb": "get", "resource": "pods/log", "namespace": "bellboard-payments"}),
    (False, LOGS, {"verb": "get", "resource": "pods/log", "namespace": "shop-staging"}),
    (False, LOGS, {"verb": "delete", "resource": "pods", "namespace": "shop-prod"}),
    (False, K8S, {"verb": "list", "resource": "pods", "namespace": "shop-prod"}),
    (True, PEOPLE, {"verb": "list", "resource": "pods", "namespace": "shop-prod"}),
    (True, PEOPLE, {"verb": "list", "resource": "nodes"}),
    (False, PEOPLE, {"verb": "list", "resource": "configmaps", "namespace": "shop-prod"}),
    (False, PEOPLE, {"verb": "list", "resource": "pods", "namespace": "bellboard-search"}),
    (True, OTHERS, {"verb": "list", "resource": "deployments", "group": "apps", "namespace": "anywhere"}),
    (False, OTHERS, {"verb": "impersonate", "resource": "users", "name": "bellboard:search:cy"}),
    (False, OTHERS, {"verb": "get", "resource": "secrets", "namespace": "bellboard-payments"}),
    (True, PROVISIONER, {"verb": "create", "resource": "secrets", "namespace": "bellboard-payments"}),
    (
        True,
        PROVISIONER,
        {"verb": "update", "resource": "secrets", "namespace": "bellboard-search", "name": "bellboard-keys-memes"},
    ),
    (False, PROVISIONER, {"verb": "get", "resource": "secrets", "namespace": "bellboard-payments", "name": "deploy-github"}),
    (
        False,
        PROVISIONER,
        {"verb": "delete", "resource": "secrets", "namespace": "bellboard-payments", "name": "bellboard-keys-memes"},
    ),
    (False, PROVISIONER, {"verb": "list", "resource": "secrets", "namespace": "bellboard-payments"}),
    (False, PROVISIONER, {"verb": "get", "resource": "secrets", "namespace": "kube-system", "name": "bellboard-keys-memes"}),
]


@pytest.mark.parametrize(
    ("allowed", "who", "asked"),
    MATRIX,
    ids=[f"{'may' if yes else 'not'}-{who[-1]}-{'-'.join(asked.values())}" for yes, who, asked in MATRIX],
)
def test_each_may_do_what_its_providers_need_and_no_more(allowed: bool, who: Subject, asked: dict[str, Any]) -> None:
    """tests/cluster asks a real API server the same."""
    assert may(who, **asked) is allowed


@BY_NAME
def test_nobody_is_granted_everything_or_anybody(values: Path) -> None:
    """No star; no secrets but keys that are named; and to act as somebody only by name, as people of the own team."""
    made = objects(values)
    teams = {
        one["metadata"]["namespace"]: one["metadata"]["labels"].get("bellboard/team")
        for one in made
        if one["kind"] == "ServiceAccount"
    }
    for right in rights(made):
        assert not {"*"} & {*right.groups, *right.resources, *right.verbs}, right
        assert not {"escalate", "bind", "deletecollection"} & set(right.verbs), right
        if "secrets" in right.resources and right.verbs != ["create"]:
            assert right.subject[-1].endswith("-provisioner"), right
            assert right.names, right
            assert all("keys-" in name for name in right.names), right
        if "impersonate" in right.verbs:
            team = teams[right.subject[0]]
            assert right.names, right
            assert all(name == f"bellboard:{team}" or name.startswith(f"bellboard:{team}:") for name in right.names), right


def test_only_those_that_ask_kubernetes_have_any_right() -> None:
    """A team without such providers gets no Role but the provisioner's."""
    subjects = {right.subject for right in rights(objects(CHART / "ci/one-team-values.yaml"))}

    assert subjects == {PROVISIONER}


def test_the_kinds_that_may_be_looked_at_are_those_of_the_bot() -> None:
    """What it shows if nothing else is said is what it is given the right to."""
    granted = {
        f"{resource}.{group}" if group else resource
        for right in rights(objects(FEATURE))
        if right.subject == OTHERS and right.groups != ["metrics.k8s.io"]
        for group in right.groups
        for resource in right.resources
    }

    assert granted == set(WORKLOADS)


def test_whoever_gives_people_their_rights_may_let_them_look_at_secrets() -> None:
    """Then the bot itself and the team's group are given none."""
    k8s = {"enabled": True, "settings": {"kinds": ["pods", "secrets"]}}
    team = {"people": {"ann": {}}, "bots": {"k8s": k8s}}
    found = rights(made({"people": {"bind": False}, "teams": {"payments": team}}))

    assert {verb for right in found if right.subject == K8S for verb in right.verbs} == {"impersonate"}
    assert [right for right in found if right.subject == PEOPLE] == []
