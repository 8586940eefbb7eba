"""What every pod is held to, and who can reach whom."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from bellboard.runner import DRAIN_SECONDS
from tests.chart.render import CI, Object, containers, objects, pods

BY_NAME = pytest.mark.parametrize("values", CI, ids=lambda path: path.stem.removesuffix("-values"))

SERVING = {"/healthz", "/readyz"}
"""What our own services answer on their health port; nats-server has words of its own behind /healthz."""


def _all(values: Path) -> list[tuple[str, Object]]:
    found = list(pods(objects(values)))
    assert found
    return found


@BY_NAME
def test_every_pod_is_restricted(values: Path) -> None:
    """As the Pod Security Standard says: no root, nothing gained, no capability, a seccomp profile, no host."""
    for name, pod in _all(values):
        spec, security = pod["spec"], pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 10000, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert all(
            {"emptyDir", "configMap", "secret", "projected", "persistentVolumeClaim"} & one.keys() for one in spec["volumes"]
        ), name
        for container in containers(pod):
            own = container["securityContext"]
            assert own == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, f"{name} {container['name']}"
            assert not any("hostPort" in port for port in container.get("ports", ())), name


@BY_NAME
def test_no_container_is_without_limits(values: Path) -> None:
    """Memory is limited; CPU is asked for, and not limited, since throttling makes health checks lie. Folders are, too."""
    for name, pod in _all(values):
        for container in containers(pod):
            assert container["resources"]["limits"]["memory"], f"{name} {container['name']}"
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), f"{name} {container['name']}"
        for volume in pod["spec"]["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"], f"{name} {volume['name']}"


@BY_NAME
def test_a_token_is_mounted_only_where_kubernetes_is_asked(values: Path) -> None:
    """By nobody's default, and as a projected one that ends after an hour."""
    made = objects(values)
    accounts = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in made if one["kind"] == "ServiceAccount"}
    assert [name for name, account in accounts.items() if account["automountServiceAccountToken"] is not False] == []
    subjects = {
        (subject["namespace"], subject["name"])
        for one in made
        if one["kind"] in ("RoleBinding", "ClusterRoleBinding")
        for subject in one["subjects"]
        if subject["kind"] == "ServiceAccount"
    }
    assert subjects <= accounts.keys()
    for one in made:
        for name, pod in pods((one,)):
            assert pod["spec"]["automountServiceAccountToken"] is False, name
            runs_as = (one["metadata"]["namespace"], pod["spec"].get("serviceAccountName", ""))
            asked_for = values.name.startswith("third-party") and name == "Deployment weather"
            assert any(map(_tokens, pod["spec"]["volumes"])) == (runs_as in subjects or asked_for), name


def _tokens(volume: Object) -> list[Any]:
    return [source for source in volume.get("projected", {}).get("sources", ()) if "serviceAccountToken" in source]


@BY_NAME
def test_probes_ask_what_is_answered(values: Path) -> None:
    """At the port that is open for it; and whoever ends gets longer than it takes to finish."""
    for name, pod in _all(values):
        if name.startswith(("Job", "Pod")):
            continue
        main = pod["spec"]["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in main["ports"]}
        asked = [main[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert all(one["port"] in ports for one in asked), name
        assert pod["spec"]["terminationGracePeriodSeconds"] > DRAIN_SECONDS + 5, name
        if main["name"] != "nats":
            assert ports["health"] == 9100, name
            assert {one["path"] for one in asked} == SERVING, name


@BY_NAME
def test_more_than_one_are_spread_and_never_all_evicted(values: Path) -> None:
    """Over zones and nodes; a drain takes one at a time."""
    made = objects(values)
    budgets = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in made if one["kind"] == "PodDisruptionBudget"}
    for one in made:
        if one["kind"] not in ("Deployment", "StatefulSet"):
            continue
        spread = {rule["topologyKey"] for rule in one["spec"]["template"]["spec"]["topologySpreadConstraints"]}
        assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        several = one["spec"].get("replicas", 2) > 1
        nats = one["metadata"]["name"].endswith("-nats")
        assert several <= ((one["metadata"]["namespace"], one["metadata"]["name"]) in budgets) or nats, one["metadata"]["name"]


@BY_NAME
def test_selectors_find_their_own_pods(values: Path) -> None:
    """And services and budgets are about pods that there are."""
    made = objects(values)
    labels = [
        (one["metadata"]["namespace"], pod["metadata"]["labels"])
        for one in made
        for _, pod in pods((one,))
        if one["kind"] != "Pod"
    ]
    for one in made:
        if one["kind"] in ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
            said = one["spec"]["selector"]
            selector = said.get("matchLabels", said)
            found = [
                1 for namespace, own in labels if namespace == one["metadata"]["namespace"] and selector.items() <= own.items()
            ]
            assert len(found) == 1, f"{one['kind']} {one['metadata']['name']}"


@BY_NAME
def test_nobody_is_reached_who_need_not_be(values: Path) -> None:
    """Each pod is under a policy for both ways, and no rule is without a peer or a port, but where the values say so."""
    made = objects(values)
    policies = [one for one in made if one["kind"] == "NetworkPolicy"]
    if values.name.startswith("bare"):
        assert policies == []
        return
    for one in made:
        for name, pod in pods((one,)):
            labels = pod["metadata"].get("labels") or one["metadata"]["labels"]
            own = [
                policy
                for policy in policies
                if policy["metadata"]["namespace"] == one["metadata"]["namespace"]
                and policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
            ]
            assert own, f"{name} is under no policy"
            assert all(policy["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in own)
    for policy in policies:
        for way, peer in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(way, ()):
                assert rule[peer], policy["metadata"]["name"]
                assert all(rule[peer]), policy["metadata"]["name"]
                assert rule["ports"], policy["metadata"]["name"]


@BY_NAME
def test_a_namespace_is_restricted(values: Path) -> None:
    """So that nothing else that comes into it is less."""
    for one in objects(values):
        if one["kind"] == "Namespace":
            labels = one["metadata"]["labels"]
            assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}


@BY_NAME
def test_no_secret_is_made_or_written_out(values: Path) -> None:
    """They are named, and never in values or manifests: keys are made by the provisioner, tokens by whoever has them."""
    made = objects(values)

    assert [one for one in made if one["kind"] == "Secret"] == []
    for name, pod in pods(made):
        for container in containers(pod):
            for variable in container.get("env", ()):
                if "TOKEN" in variable["name"] or variable["name"].endswith("_HEADERS"):
                    named = variable["name"].endswith("_FILE") or "secretKeyRef" in variable.get("valueFrom", {})
                    assert named, f"{name} {variable['name']}"


@BY_NAME
def test_nobody_can_guess_an_example_token(values: Path) -> None:
    """Examples are installed as they are, too: deploy/k8s is made from some of them."""
    words = ("password", "secret", "token", "hunter2", "changeme", "example", "test", "letmein", "admin", "ann", "")
    guessed = {sha256(word.encode()).hexdigest() for word in words}
    teams = yaml.safe_load(values.read_text()).get("teams", {}).values()
    people = [person for team in teams for person in ((team or {}).get("people") or {}).values() if person]

    assert not guessed & {token for person in people for token in person.get("tokens", ())}
