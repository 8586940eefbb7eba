"""Environments from a file, and their twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bellboard import SettingsError
from bellboard.testing.talk import settings_for
from bellboard_deploy.balance import SandboxBalancer
from bellboard_deploy.making import real, twins
from bellboard_deploy.sandbox import Sandbox
from bellboard_deploy.settings import Settings


def a_file(folder: Path, text: str) -> Settings:
    path = folder / "deploy.yaml"
    path.write_text(text)
    return settings_for(Settings, deploy_file=path, sandbox_dir=folder)


async def test_in_a_rehearsal_every_name_is_the_sandbox(tmp_path: Path) -> None:
    """What a real environment needs is not even looked at: this one could not be made."""
    settings = a_file(tmp_path, "environments: {prod: {kind: haproxy}, trial: {kind: paper}}")

    async with twins(settings) as environments:
        assert environments.names() == ("prod", "trial")
        for name in environments.names():
            twin = environments.get(name)
            assert isinstance(twin.deployer, Sandbox)
            assert isinstance(twin.balancer, SandboxBalancer)
            assert twin.lease is twin.deployer
            assert twin.trigger is None
    with pytest.raises(SettingsError):
        async with real(settings):
            pass


async def test_without_a_file_there_is_the_sandbox(tmp_path: Path) -> None:
    """And on paper without that."""
    async with real(settings_for(Settings, sandbox_dir=tmp_path)) as environments:
        assert isinstance(environments.get("").deployer, Sandbox)
    async with real(settings_for(Settings)) as environments:
        assert getattr(environments.get("sandbox").deployer, "name", "") == "paper"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "environments: []",
        "environments: {all: {kind: paper}}",
        "environments: {prod: {}}",
        "environments: {p: {kind: x}}",
        "{",
    ],
)
async def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    """Before the bot starts."""
    with pytest.raises(SettingsError):
        async with real(a_file(tmp_path, text)):
            pass
