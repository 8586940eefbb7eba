"""The k8s bot, talked to, with a cluster in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bellboard import Block
from bellboard.testing.talk import NOT_UNDERSTOOD, Talk, TalkTo, settings_for
from bellboard_k8s.bot import bot
from bellboard_k8s.providers import Kubernetes, register
from bellboard_k8s.settings import Settings
from tests.unit.k8s.doubles import MemoryKubernetes, event, thing

CONTAINER = {
    "name": "web",
    "image": "registry.test/web:v7",
    "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}},
    "env": [
        {"name": "LOG_LEVEL", "value": "hunter2"},
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web-db", "key": "password"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "web-settings"}}],
    "args": ["--password=hunter2"],
}
POD = thing(
    "web-5d4f-1",
    "Pod",
    metadata={
        "labels": {"app": "web"},
        "annotations": {"note": "hunter2"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d4f"}],
    },
    spec={"nodeName": "node-a", "containers": [CONTAINER]},
    status={
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "web is not ready"}],
        "containerStatuses": [
            {
                "name": "web",
                "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            }
        ],
    },
    restarts="3 (5m ago)",
)  # fmt: skip
WEB = thing("web", "Deployment", spec={"template": {"spec": {"containers": [CONTAINER]}}})
OTHERS = (thing("web-5d4f-2", "Pod"), thing("db-0", "Pod", "data"), thing("web-db", "Secret", data={"password": "hunter2"}))
Make = Callable[..., Talk]


@pytest.fixture
def cluster() -> MemoryKubernetes:
    """Two namespaces."""
    return MemoryKubernetes(
        objects=[POD, WEB, *OTHERS, thing("node-a", "Node", "", status={"allocatable": {"cpu": "2", "memory": "4Gi"}})]
    )


@pytest.fixture
def make(talk_to: TalkTo, cluster: MemoryKubernetes) -> Make:
    """Makes a talk with settings."""

    def made(**settings: Any) -> Talk:
        talk = talk_to(bot, register, settings_for(Settings, **settings))
        talk.provide(Kubernetes, cluster)
        return talk

    return made


@pytest.fixture
def talk(make: Make) -> Talk:
    """Says lines to the bot, as it is if it is told nothing."""
    return make()


def rows(block: Block) -> list[list[Any]]:
    """The cells of a table."""
    return [[getattr(cell, cell.WhichOneof("value") or "text") for cell in row.cells] for row in block.table.rows]


def heads(block: Block) -> list[str]:
    return [column.name for column in block.table.columns]


async def test_objects_are_shown_as_a_typed_table(talk: Talk, cluster: MemoryKubernetes) -> None:
    """With whose rights; restarts are numbers and ages lengths, so that a pipe can compare them."""
    said = await talk("k8s get pods in shop")

    assert said.text == "2 pods in shop, as bellboard:home:ann"
    assert heads(said.blocks[1]) == ["name", "ready", "restarts", "age"]
    assert [row[:3] for row in rows(said.blocks[1])] == [["web-5d4f-1", "1/1", 3], ["web-5d4f-2", "1/1", 0]]
    assert said.blocks[1].table.rows[0].cells[3].duration.seconds > 0
    assert cluster.asked == ["ann"]


async def test_a_pipe_gets_every_column(talk: Talk) -> None:
    """Whatever the card shows."""
    said, wide = await talk("k8s get pods"), await talk("k8s get pods --wide")

    assert [column.name for column in said.result.table.columns][-1] == "node"
    assert heads(wide.blocks[1])[-1] == "node"


@pytest.mark.parametrize("word", ["pods", "pod", "po", "PODS"])
async def test_a_kind_has_many_names(talk: Talk, word: str) -> None:
    """Those of kubectl."""
    assert (await talk(f"k8s get {word} web-5d4f-2")).text == "1 pod in shop, as bellboard:home:ann"


@pytest.mark.parametrize(
    ("line", "text", "hint"),
    [
        ("k8s get pdos", "there is no kind “pdos”", "did you mean pods?"),
        ("k8s get quux", "there is no kind “quux”", "such as deployments, events, pods, services"),
        ("k8s get secrets", "this bot does not look at secrets", "BELLBOARD_KINDS does not name secrets"),
        ("k8s get ksvc", "this bot does not look at services", "BELLBOARD_KINDS does not name services.serving.knative.dev"),
        ("k8s get pods in data", "this bot does not look into data", "BELLBOARD_NAMESPACES names shop"),
        ("k8s get pods in shpo", "this bot does not look into shpo", "did you mean shop?"),
        ("k8s get pods web", "there is no pod web in shop", "did you mean web-5d4f-1?"),
        ("k8s describe deploy wbe", "there is no deployment wbe in shop", "did you mean web?"),
        ("k8s top nodes", "this bot does not look at nodes", "BELLBOARD_KINDS does not name nodes"),
        ("k8s top", "this cluster does not measure usage", "metrics-server is not installed"),
    ],
)
async def test_what_is_not_there_names_the_nearest(talk: Talk, line: str, text: str, hint: str) -> None:
    """Or the setting that would have to name it."""
    said = await talk(line)

    assert said.state == "FAILED"
    assert (said.failure.text, said.failure.hint) == (text, hint)


async def test_a_missing_right_is_told(talk: Talk, cluster: MemoryKubernetes) -> None:
    """By whose it is."""
    cluster.denied.add("ann")

    assert (await talk("k8s get pods")).failure.text == "bellboard:home:ann may not list pods in shop"


async def test_all_namespaces_are_those_that_are_named(make: Make) -> None:
    """With a column that tells them apart; a name alone is of no namespace then."""
    talk = make(namespaces=("data", "shop"))
    said = await talk("k8s get pods in all")

    assert said.text == "3 pods in shop, data, as bellboard:home:ann"
    assert {row[0] for row in rows(said.blocks[1])} == {"shop", "data"}
    assert "say which" in (await talk("k8s get pods web in all")).failure.hint


async def test_all_may_mean_all(make: Make) -> None:
    """Where the setting says so."""
    said = await make(namespaces=("*",))("k8s get pods in all")

    assert said.text == "3 pods in all namespaces, as bellboard:home:ann"


async def test_labels_narrow_it_down(talk: Talk) -> None:
    """As kubectl has it."""
    assert (await talk("k8s get pods -l app=web")).text == "1 pod in shop, as bellboard:home:ann"
    assert (await talk("k8s get pods -l app=db")).text == "no pods in shop, as bellboard:home:ann"


async def test_many_are_shown_in_part_and_piped_whole(talk: Talk, cluster: MemoryKubernetes) -> None:
    """A card is no place for hundreds of rows."""
    cluster.objects = [thing(f"p{number}", "Pod") for number in range(120)]
    said = await talk("k8s get pods")

    assert len(said.blocks[1].table.rows) == 50
    assert said.text.endswith("and 70 more: narrow it down, or go on with a pipe")
    assert len(said.result.table.rows) == 120


async def test_a_description_tells_why_it_does_not_run(talk: Talk, cluster: MemoryKubernetes) -> None:
    """The state with its reason, what it was before, conditions, and what was said of it."""
    cluster.said = [event("Pod", "web-5d4f-1", "BackOff", "2026-11-29T20:00:00Z", bad=True)]
    said = await talk("k8s describe pod web-5d4f-1")

    shown = f"{said.blocks}"
    assert "waiting: CrashLoopBackOff; before that terminated: OOMKilled, exit code 137" in shown
    assert "web is not ready" in shown
    assert "BackOff of web-5d4f-1" in shown
    assert "replicaset web-5d4f" in shown


async def test_events_that_may_not_be_seen_are_no_failure(talk: Talk, cluster: MemoryKubernetes) -> None:
    """The rest is described."""
    cluster.silent = True
    said = await talk("k8s describe pod web-5d4f-1")

    assert said.state == "SUCCEEDED"
    assert said.text.endswith("bellboard:home:ann may not list events in shop")
    assert (await talk("k8s events")).state == "FAILED"


async def test_no_value_is_ever_shown(make: Make) -> None:
    """Of a secret, a variable, an argument or an annotation: only names."""
    talk = make(kinds=("pods", "secrets", "deployments.apps", "events"))
    for line in (
        "k8s describe pod web-5d4f-1",
        "k8s describe deployment web",
        "k8s describe secret web-db",
        "k8s get secrets --wide",
        "k8s get pods --wide",
    ):
        said = await talk(line)
        assert said.state == "SUCCEEDED", said.blocks
        assert "hunter2" not in f"{said}"

    shown = f"{(await talk('k8s describe deployment web')).blocks}"
    assert "DB_PASSWORD from the secret web-db" in shown
    assert "all of the config map web-settings" in shown


async def test_events_are_told_newest_first(talk: Talk, cluster: MemoryKubernetes) -> None:
    """Those of a workload with those of what it made, and of nobody whose name only begins so."""
    cluster.said = [
        event("Deployment", "web", "ScalingReplicaSet", "2026-11-29T20:00:00Z"),
        event("Pod", "web-5d4f-1", "BackOff", "2026-11-29T20:02:00Z", bad=True),
        event("Pod", "webapi-1", "Pulled", "2026-11-29T20:01:00Z"),
        event("Service", "web-x", "Synced", "2026-11-29T20:01:30Z"),
        event("Pod", "db-0", "Pulled", "2026-11-29T20:03:00Z", namespace="data"),
    ]
    every, some = await talk("k8s events"), await talk("k8s events deployment web in shop")
    pods = await talk("k8s events pods")

    assert every.text == "4 events in shop, 1 of them warnings, as bellboard:home:ann"
    assert some.text == "2 events about deployment web in shop, 1 of them warnings, as bellboard:home:ann"
    assert [row[3] for row in rows(some.blocks[1])] == ["pod/web-5d4f-1", "deployment/web"]
    assert [row[3] for row in rows(pods.blocks[1])] == ["pod/web-5d4f-1", "pod/webapi-1"]


async def test_usage_is_in_numbers(make: Make, cluster: MemoryKubernetes) -> None:
    """The hungriest first; of nodes, the share as well."""
    pod = {"metadata": {"name": "web-5d4f-1", "namespace": "shop"}}
    cluster.used = {
        "pods": [
            {
                **pod,
                "containers": [
                    {"usage": {"cpu": "250m", "memory": "64Mi"}},
                    {"usage": {"cpu": "1000000n", "memory": "1024Ki"}},
                ],
            },
            {"metadata": {"name": "web-5d4f-2"}, "containers": [{"usage": {"cpu": "1", "memory": "1Gi"}}]},
        ],
        "nodes": [{"metadata": {"name": "node-a"}, "usage": {"cpu": "500m", "memory": "1Gi"}}],
    }
    talk = make(kinds=("pods", "nodes"))

    assert rows((await talk("k8s top")).blocks[1]) == [["web-5d4f-2", 1, 1024], ["web-5d4f-1", 0.251, 65]]
    assert rows((await talk("k8s top nodes")).blocks[1]) == [["node-a", 0.5, 25, 1024, 25]]


async def test_nobody_looks_in_nobodys_name(talk: Talk) -> None:
    """A timer of a bot's has no rights in the cluster."""
    talk.person = ""

    assert (await talk("k8s get pods")).failure.text == "no person asks for this"


async def test_it_is_not_rehearsed(talk: Talk) -> None:
    """The sandbox is no Kubernetes, and a rehearsal must not look at production."""
    assert "can't be rehearsed" in (await talk("k8s get pods --sandbox")).failure.text


async def test_without_a_cluster_it_names_the_setting(talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts all the same."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    said = await talk_to(bot, register, settings_for(Settings))("k8s get pods")

    assert (said.state, said.failure.text) == ("FAILED", "no Kubernetes cluster is set up")
    assert "BELLBOARD_KUBECONFIG" in said.failure.hint


@pytest.mark.parametrize("line", ["k8s get", "k8s top pdos", "k8s describe pod", "k8s gte pods"])
async def test_half_a_line_is_not_understood(talk: Talk, line: str) -> None:
    """And says what is missing."""
    said = await talk(line)

    assert said.state == NOT_UNDERSTOOD
    assert said.failure.hint or said.failure.text
