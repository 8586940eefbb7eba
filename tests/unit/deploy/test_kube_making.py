"""Environments in a cluster, from what a file says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bellboard import ProviderError, SettingsError
from bellboard.testing.talk import settings_for
from bellboard_deploy.making import real, twins
from bellboard_deploy.sandbox import Sandbox
from bellboard_deploy.settings import Settings

APPS = {"shop": {"image": "shop:{version}"}}
MEASURED = {"url": "http://127.0.0.1:9", "requests": "sum($app)", "failed": "sum($version)"}
SYNCED = {"kind": "argocd", "apps": {"shop": "shop-prod"}}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """One of a cluster that is not there."""
    said = {
        "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "own"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(said))
    return path


def settings(folder: Path, entry: dict[str, Any]) -> Settings:
    """With one environment, called prod."""
    path = folder / "deploy.yaml"
    path.write_text(json.dumps({"environments": {"prod": entry}}))
    return settings_for(Settings, deploy_file=path, sandbox_dir=folder, team="payments")


def entry(named: Path, **changes: Any) -> dict[str, Any]:
    """One that is right but for the changes."""
    return {"kind": "kubernetes", "kubeconfig": str(named), "apps": APPS, **changes}


async def test_a_cluster_is_an_environment_that_need_not_answer_yet(tmp_path: Path, kubeconfig: Path) -> None:
    """It is asked when a command needs it."""
    apps = {**APPS, "agent": {"image": "agent:{version}", "workload": "daemonset/agent", "service": "agent"}}
    async with real(settings(tmp_path, entry(kubeconfig, apps=apps))) as environments:
        prod = environments.get("prod")
        assert prod.deployer is not None
        assert prod.balancer is not None
        assert list(await prod.deployer.apps()) == ["shop", "agent"]
        assert list(await prod.balancer.apps()) == ["agent"]
        assert (prod.in_place, prod.whole) == (True, frozenset({"agent"}))
        with pytest.raises(ProviderError, match="can't be reached"):
            await prod.deployer.observe("shop")
    async with real(settings(tmp_path, {**SYNCED, "kubeconfig": str(kubeconfig)})) as environments:
        trigger = environments.get("prod").trigger
        assert trigger is not None
        assert list(await trigger.apps()) == ["shop"]


async def test_in_a_rehearsal_no_cluster_is_even_made(tmp_path: Path) -> None:
    """This one could not be."""
    async with twins(settings(tmp_path, entry(Path("/nowhere/kubeconfig")))) as environments:
        assert isinstance(environments.get("prod").deployer, Sandbox)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"apps": {"shop": {}}}, "apps.shop.image"),
        ({"apps": {"shop": {"image": "shop:v1"}}}, "no version as its tag"),
        ({"apps": {"shop": {"image": "shop:{version}", "workload": "shop"}}}, "no workload"),
        ({"apps": {"shop": {"image": "shop:{version}", "workload": "job/shop"}}}, "no workload"),
        ({"apps": {"shop": {"image": "shop:{version}", "workload": "deployment/Shop"}}}, "no workload"),
        ({"apps": {"shop": {"image": "shop:{version}", "replicas": 2}}}, "apps.shop.replicas"),
        ({"namespace": "Shop"}, "namespace"),
        ({"seconds": 0}, "seconds"),
        ({"impersonate": "perhaps"}, "impersonate"),
        ({"versions": {"digest": ["crane"]}}, "whole path"),
        ({"versions": {"digest": ["/usr/bin/crane", "digest", "--x={image}"]}}, "can't be filled in"),
        ({"versions": {"environment": ["BELLBOARD_NKEY_FILE"], "names": ["/bin/echo"]}}, "not for other programs"),
        ({"prometheus": {"url": "http://127.0.0.1:9"}}, "prometheus.requests"),
        ({"prometheus": {**MEASURED, "url": "127.0.0.1:9"}}, "prometheus.url"),
        ({"prometheus": {**MEASURED, "rps": "1"}}, "prometheus.rps"),
        ({"prometheus": {**MEASURED, "failed": "sum($versoin)"}}, "versoin"),
        ({"prometheus": {**MEASURED, "token_file": "/nowhere/token"}}, "the token can't be read"),
        ({"context": "elsewhere"}, "prod"),
        ({"kubeconfig": "/nowhere/kubeconfig"}, "/nowhere/kubeconfig"),
        ({"kubeconfig": None}, "no Kubernetes cluster"),
    ],
)
async def test_a_wrong_entry_is_named_at_start(
    tmp_path: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], named: str
) -> None:
    """With the environment, and what is wrong with it."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SettingsError) as refused:
        async with real(settings(tmp_path, entry(kubeconfig, **changes))):
            pass
    assert "prod" in str(refused.value)
    assert named in str(refused.value)
