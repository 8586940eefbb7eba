"""Images, docker-compose.yml and workflows name every service that exists, and do no more than they must."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToDict

from bellboard.settings import ProcessSettings
from bellboard_cli.bots import own
from bellboard_provisioner.objects import GATEWAY, public, secret, secrets_of
from bellboard_provisioner.settings import ProvisionSettings, ReloadSettings
from bellboard_provisioner.teams import Teams

ROOT = Path(__file__).parents[2]
SERVICES = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
TEAMS = ROOT / "deploy/compose/teams.json"

MAY_WRITE = {"release.yml": {"image", "chart"}}
"""Jobs that may write anything, by workflow."""

WRITES = {"packages": "write", "id-token": "write"}


# --- the image ---


def test_an_image_runs_as_nobody_in_particular() -> None:
    """By number, so that Kubernetes can tell that it is not root; what is written goes to a volume."""
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert "USER 65532:65532" in last
    assert "ENTRYPOINT" in last


def test_an_image_says_what_is_in_it() -> None:
    """The label names the file that the build has made."""
    (path,) = re.findall(r'bellboard\.sbom="([^"]+)"', DOCKERFILE)
    assert f"--output-file {path}" in DOCKERFILE


def test_nothing_comes_into_an_image_unchecked() -> None:
    """Whatever pip fetches is checked by its hash; where it is not, it has no index."""
    for line in DOCKERFILE.splitlines():
        if re.search(r"pip\b.* (install|wheel|download)\b", line):
            assert "--require-hashes" in line or "--no-index" in line, line
    assert "curl" not in DOCKERFILE
    assert "ADD " not in DOCKERFILE


def test_a_build_sees_what_it_copies_and_nothing_else() -> None:
    """No keys, no history, no working files of anybody's."""
    seen = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(\w+)", DOCKERFILE, re.MULTILINE))
    assert seen == copied == {"kit", "services", "requirements"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_has_one_package_that_can_be_run(service: str) -> None:
    """That is what the image starts."""
    (package,) = (path for path in (ROOT / "services" / service).glob("bellboard_*") if path.is_dir())
    assert (package / "__main__.py").is_file()


# --- docker-compose.yml ---


def _built() -> Iterator[str]:
    for one in COMPOSE["services"].values():
        if "build" in one:
            yield one["build"]["args"]["SERVICE"]


def test_compose_builds_every_service() -> None:
    """Each once."""
    assert sorted(_built()) == sorted(SERVICES)


def test_compose_is_reached_from_this_machine_alone() -> None:
    """The bus from none at all."""
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_container_has_no_more_than_it_needs(name: str) -> None:
    """No capability, no root file system to write on, no way to more rights."""
    one = COMPOSE["services"][name]
    assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert not one.get("privileged")


def _settings(name: str) -> type[ProcessSettings] | None:
    """The class that reads what a container of compose is told."""
    if name == "nats":
        return None
    if name in ("keys", "streams"):
        return ProvisionSettings
    if name == "accounts":
        return ReloadSettings
    module = importlib.import_module(f"bellboard_{name}.settings")
    (found,) = (
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ProcessSettings) and kind.__module__ == module.__name__
    )
    return found


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_container_is_told_what_it_knows_and_all_that_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting would be no error when it runs."""
    told: dict[str, str] = COMPOSE["services"][name].get("environment", {})
    kind = _settings(name)
    if kind is None:
        assert told == {}
        return
    unknown = {key.removeprefix("BELLBOARD_").lower() for key in told} - set(kind.model_fields)
    assert unknown == set()
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    kind.load(name)


def test_the_teams_of_compose_are_our_own_bots_as_their_contracts_are() -> None:
    """When this fails: python -m tests.contract.test_images"""
    assert json.loads(TEAMS.read_text()) == teams()


def test_every_container_finds_its_keys() -> None:
    """Each sees those of nobody else."""
    (team,) = Teams.read(TEAMS).teams.values()
    for name, one in COMPOSE["services"].items():
        mounts = {each["target"]: each["volume"]["subpath"] for each in one.get("volumes", ()) if isinstance(each, dict)}
        if not mounts:
            assert name in ("keys", "accounts", "nats", "streams")
            continue
        assert mounts == {
            "/etc/bellboard/public": f"{team.namespace}/{public(team).name}",
            "/etc/bellboard/keys": f"{team.namespace}/{secret(team, name).name}",
        }
        held = secrets_of(team)[GATEWAY if name == GATEWAY else name]
        told = [Path(value).name for value in one["environment"].values() if value.startswith("/etc/bellboard/keys/")]
        assert set(told) <= set(held)


def teams() -> dict[str, Any]:
    """deploy/compose/teams.json: one team with all of our own bots."""
    bots = sorted(SERVICES - {"bell", "gateway", "provisioner", "reaper"})
    enrolled = {bot: MessageToDict(own(bot), preserving_proto_field_name=True) for bot in bots}
    limits = {"storage": 8 << 30, "memory": 0, "streams": 64, "consumers": 256}
    home = {"namespace": "home", "gateways": 1, "limits": limits, "bots": enrolled}
    return {"release": "bellboard", "replicas": 1, "teams": {"home": home}}


# --- workflows ---


def _jobs(workflow: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return jobs


def _steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in _jobs(workflow).values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_their_whole_hash(workflow: Path) -> None:
    """A tag may be moved; the version stands beside it for people."""
    used = re.findall(r"uses: (.*)$", workflow.read_text(), re.MULTILINE)
    assert used
    for one in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_the_rights_that_it_needs(workflow: Path) -> None:
    """Nothing by default; only what is published may be written, and nobody else's code runs with that."""
    said = yaml.safe_load(workflow.read_text())
    assert said["permissions"] == {}
    assert "pull_request_target" not in said[True]  # YAML 1.1 takes the word "on" for that
    for name, job in said["jobs"].items():
        writes = WRITES if name in MAY_WRITE.get(workflow.name, ()) else {}
        assert job["permissions"] == {"contents": "read", **writes}, name
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_nobody_can_write_commands_into_a_workflow(workflow: Path) -> None:
    """What is in braces becomes part of a script before a shell reads it, so scripts are told by their environment alone."""
    for step in _steps(workflow):
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_a_release_is_tested_and_is_of_every_service() -> None:
    """Images before the chart that names them."""
    jobs = _jobs(ROOT / ".github/workflows/release.yml")
    assert set(jobs["image"]["strategy"]["matrix"]["service"]) == SERVICES
    assert (jobs["image"]["needs"], jobs["chart"]["needs"]) == ("test", "image")


if __name__ == "__main__":
    TEAMS.write_text(json.dumps(teams(), indent=2) + "\n")
