"""The chart and the services mean the same: every variable is a setting, every setting can be set, every file can be read."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from pydantic import BaseModel

from bellboard import BotSettings
from bellboard.kube import Person
from bellboard.provision import accounts
from bellboard.settings import PREFIX, ProcessSettings
from bellboard_cli import bots
from bellboard_deploy.kubernetes.making import ArgoEntry, KubernetesEntry
from bellboard_gateway import people, trackers
from bellboard_gateway.policy import rules
from bellboard_gateway.settings import GatewaySettings
from bellboard_logs import choice
from bellboard_provisioner.settings import ProvisionSettings, ReloadSettings
from bellboard_provisioner.teams import Teams
from bellboard_reaper.settings import ReaperSettings
from tests.chart import enrolments
from tests.chart.render import CI, Object, containers, named, objects, pods
from tests.chart.tools import CHART, ROOT

BY_NAME = pytest.mark.parametrize("values", CI, ids=lambda path: path.stem.removesuffix("-values"))
SCHEMA = orjson.loads((CHART / "values.schema.json").read_bytes())

HOUSE = {
    point
    for project in ROOT.glob("services/*/pyproject.toml")
    for point in tomllib.loads(project.read_text())["project"].get("entry-points", {}).get("bellboard.bots", {})
}
"""Every bot that comes with Bellboard."""

SERVICES: dict[str, type[ProcessSettings]] = {
    "gateway": GatewaySettings,
    "reaper": ReaperSettings,
    "provisioner": ProvisionSettings,
    "unpack": ReloadSettings,
    "reload": ReloadSettings,
}
ELSEWHERE = {"weather"}
"""Somebody else's bot, in ci/third-party-values.yaml."""

SAID_BY_THE_CHART = {
    *BotSettings.model_fields, *("web_url", "people_file", "ingest_host"),
} - {"max_reads", "max_work"}  # fmt: skip
NOT_IN_A_CLUSTER = {"sandbox_dir", "run_file"}
"""They name what only `bell up` has."""


def _class(component: str) -> type[ProcessSettings]:
    if component in SERVICES:
        return SERVICES[component]
    try:
        found: type[ProcessSettings] = import_module(f"bellboard_{component}.settings").Settings
    except ModuleNotFoundError:
        return BotSettings
    return found


@BY_NAME
def test_every_variable_is_a_setting_of_its_service(values: Path) -> None:
    """A misspelt one would be passed over in silence."""
    for name, pod in pods(objects(values)):
        for container in containers(pod):
            if container["name"] in ELSEWHERE | {"nats", "exporter", "test"}:
                continue
            known = {f"{PREFIX}{field.upper()}" for field in _class(container["name"]).model_fields}
            told = {one["name"] for one in container["env"] if one["name"].startswith(PREFIX)}
            assert told <= known, f"{name} {container['name']}: {told - known}"


@BY_NAME
def test_every_service_starts_with_what_it_is_told(values: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own class takes all of it."""
    for _, pod in pods(objects(values)):
        for container in containers(pod):
            if container["name"] in ELSEWHERE | {"nats", "exporter", "test"}:
                continue
            with monkeypatch.context() as environment:
                for one in container["env"]:
                    environment.setenv(one["name"], one.get("value", "gateway-1"))
                assert _class(container["name"]).load(container["name"])


def test_every_bot_of_the_house_is_in_the_chart() -> None:
    """With defaults, a description and an enrolment."""
    assert set(yaml.safe_load((CHART / "values.yaml").read_text())["defaults"]["bots"]) == HOUSE
    assert set(SCHEMA["$defs"]["bots"]["properties"]) == HOUSE
    assert set(yaml.safe_load(enrolments.FILE.read_text())["bots"]) == HOUSE
    assert set(bots.OWN) <= HOUSE


def test_enrolments_are_those_of_the_contracts() -> None:
    """`make manifests` writes the file."""
    assert enrolments.FILE.read_text() == enrolments.render()


@pytest.mark.parametrize("bot", sorted(HOUSE))
def test_every_setting_of_a_bot_can_be_set(bot: str) -> None:
    """By values, by a file, or by the chart itself; and nothing else can be."""
    said = SCHEMA["$defs"]["bots"]["properties"][bot]["properties"]
    settable = {_snake(name) for name in said["settings"]["properties"]}
    settable |= {f"{_snake(name)}_file" for name in said["files"].get("properties", {})}
    known = set(_class(bot).model_fields)

    assert settable - {"metrics_token_file"} <= known
    assert known - settable - SAID_BY_THE_CHART - NOT_IN_A_CLUSTER == set()


def test_the_kit_and_the_chart_call_people_the_same() -> None:
    """A name that differs would be nobody's right."""
    person = Person("payments", "ann", ("devs",))
    made = named(objects(CHART / "ci/kubernetes-values.yaml"), "ClusterRole", "bellboard-payments-deploy-as-people")
    users, groups = (set(rule["resourceNames"]) for rule in made["rules"])

    assert person.user in users
    assert set(person.groups) <= groups


def test_names_that_are_taken_are_taken_in_the_chart() -> None:
    """Else a bot would come as far as the provisioner."""
    listed = re.search(r"\$taken := list ([^}]+) }}", (CHART / "templates/_checks.tpl").read_text())
    assert listed is not None

    assert {word.strip('"') for word in listed[1].split()} >= accounts.TAKEN


@BY_NAME
def test_the_provisioner_takes_what_it_is_given(values: Path, tmp_path: Path) -> None:
    """Every team, with enrolments and limits."""
    made = objects(values)
    file = tmp_path / "teams.json"
    file.write_text(named(made, "ConfigMap", "bellboard-teams")["data"]["teams.json"])
    teams = Teams.read(file).teams

    for name, team in teams.items():
        mounted = {
            volume["secret"]["secretName"]
            for one in made
            if one["metadata"].get("namespace") == team.namespace
            for _, pod in pods((one,))
            for volume in pod["spec"]["volumes"]
            if volume["name"] == "keys"
        }
        made_keys = {f"bellboard-keys-{bot}" for bot in ("gateway", "reaper", *team.bots)}
        assert mounted <= made_keys, name
        gateway = next(
            one
            for one in made
            if one["kind"] == "StatefulSet"
            and one["metadata"]["namespace"] == team.namespace
            and one["metadata"]["name"] == "gateway"
        )
        assert gateway["spec"]["ordinals"] == {"start": 1}
        assert gateway["spec"].get("replicas", 1) <= team.gateways


def _files(values: Path) -> list[tuple[str, Object]]:
    return [
        (one["metadata"]["name"], one["data"])
        for one in objects(values)
        if one["kind"] == "ConfigMap" and "bellboard-" in one["metadata"]["name"]
    ]


@BY_NAME
def test_what_is_written_down_of_a_team_can_be_read(values: Path, tmp_path: Path) -> None:
    """By those who read it: people, rooms, trackers and rules."""
    for name, data in _files(values):
        if name != "bellboard-team":
            continue
        for file, text in data.items():
            (tmp_path / file).write_text(text)
        assert people.read(tmp_path / "people.yaml").rooms
        trackers.Trackers(tmp_path / "trackers.yaml")
        assert rules.load(tmp_path).rules
        for path in tmp_path.iterdir():
            path.unlink()


@BY_NAME
def test_files_of_bots_can_be_read(values: Path, tmp_path: Path) -> None:
    """As far as that needs no cluster and no server."""
    readers: dict[str, Any] = {"logs.yaml": choice.load, "deploy.yaml": _environments}
    for name, data in _files(values):
        if not name.startswith("bellboard-config-"):
            continue
        for file, text in data.items():
            (tmp_path / file).write_text(text)
            assert readers.get(file, _plain)(tmp_path / file)


def _plain(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _environments(file: Path) -> bool:
    kinds: dict[str, type[BaseModel]] = {"kubernetes": KubernetesEntry, "argocd": ArgoEntry}
    for entry in yaml.safe_load(file.read_text())["environments"].values():
        if (kind := kinds.get(entry["kind"])) is not None:
            kind.model_validate(entry)
    return True


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
