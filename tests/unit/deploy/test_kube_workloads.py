"""Workloads: what their states mean, and what is written to them."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from bellboard import Failed
from bellboard_deploy.kubernetes import changes
from bellboard_deploy.kubernetes.images import Images
from bellboard_deploy.kubernetes.seen import SERVING, Kind, among, beside, containers_of, replicas, see, selector
from bellboard_deploy.model import Order

SHOP = Images("shop:{version}")
ORDER = Order("c1", "ann", 1764446400.0)


def workload(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A workload of three pods, whose controller has seen it."""
    pod = {
        "initContainers": [{"name": "migrate", "image": "shop:v1", "args": ["up"]}],
        "containers": [
            {"name": "shop", "image": "shop:v1", "env": [{"name": "A", "value": "b"}]},
            {"name": "log", "image": "l"},
        ],
    }
    said = {"replicas": 3, "selector": {"matchLabels": {"app": "shop"}}, "template": {"metadata": {"labels": {"app": "shop"}}}}
    said["template"]["spec"] = pod  # type: ignore[index]
    meta = {"name": "shop", "namespace": "prod", "uid": "u1", "generation": 2, "resourceVersion": "77"}
    return {"metadata": meta, "spec": {**said, **spec}, "status": {"observedGeneration": 2, **status}}


DONE: dict[Kind, dict[str, Any]] = {
    "deployment": {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
    "statefulset": {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "currentRevision": "b", "updateRevision": "b"},
    "daemonset": {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3},
    "rollout": {
        "replicas": 3,
        "updatedReplicas": 3,
        "availableReplicas": 3,
        "phase": "Healthy",
        "currentPodHash": "b",
        "stableRS": "b",
        "observedGeneration": "2",
    },
}
NOT_DONE: list[tuple[Kind, dict[str, Any]]] = [
    ("deployment", {"observedGeneration": 1}),
    ("deployment", {"updatedReplicas": 2}),
    ("deployment", {"replicas": 4}),
    ("deployment", {"availableReplicas": 2}),
    ("statefulset", {"currentRevision": "a", "updatedReplicas": 2}),
    ("statefulset", {"availableReplicas": 2}),
    ("daemonset", {"updatedNumberScheduled": 2}),
    ("daemonset", {"numberAvailable": 2}),
    ("rollout", {"phase": "Progressing"}),
    ("rollout", {"stableRS": "a"}),
    ("rollout", {"observedGeneration": "1"}),
]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_workload_is_done_when_all_of_it_is_new_and_ready(kind: Kind) -> None:
    """Each kind says so in its own way."""
    assert see(kind, workload(DONE[kind])).done


@pytest.mark.parametrize(("kind", "change"), NOT_DONE)
def test_a_workload_is_not_done_before_that(kind: Kind, change: dict[str, Any]) -> None:
    """One thing that is missing is enough."""
    assert not see(kind, workload({**DONE[kind], **change})).done


def test_what_argo_gave_up_is_hopeless() -> None:
    """In its own words."""
    seen = see("rollout", workload({**DONE["rollout"], "phase": "Degraded", "message": "AnalysisRun failed"}))
    assert seen.trouble is not None
    assert seen.trouble.certain
    assert "AnalysisRun failed" in seen.trouble.text


def test_argos_steps_tell_how_far_it_is() -> None:
    """The last weight that was set; 100 once it is stable."""
    steps = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]
    spec = {"strategy": {"canary": {"steps": steps}}}
    for index, weight in ((0, 0), (1, 10), (2, 10), (3, 50), (4, 50)):
        status = {**DONE["rollout"], "phase": "Paused", "currentStepIndex": index}
        assert see("rollout", workload(status, **spec)).weight == weight
    assert see("rollout", workload(DONE["rollout"], **spec)).weight == 100


def test_a_container_is_found_by_the_name_of_its_app() -> None:
    """Or has to be named; a wrong name tells which there are."""
    seen = see("deployment", workload({}))
    assert containers_of(seen, "shop", ()) == ("shop",)
    assert containers_of(seen, "web", ("shop", "migrate")) == ("shop", "migrate")
    for app, named in (("web", ()), ("shop", ("webb",))):
        with pytest.raises(Failed) as refused:
            containers_of(seen, app, named)
        assert "migrate, shop, log" in refused.value.hint


def test_an_image_is_written_and_nothing_else() -> None:
    """By name where Kubernetes merges lists; for Argo's kind the list is given whole, with all that was there."""
    raw = workload({})
    merged = changes.images("deployment", raw, ("shop", "migrate"), "shop:v2")
    assert merged["spec"]["template"]["spec"] == {
        "initContainers": [{"name": "migrate", "image": "shop:v2"}],
        "containers": [{"name": "shop", "image": "shop:v2"}],
    }
    whole = changes.images("rollout", raw, ("shop",), "shop:v2")
    assert whole["spec"]["template"]["spec"]["containers"] == [
        {"name": "shop", "image": "shop:v2", "env": [{"name": "A", "value": "b"}]},
        {"name": "log", "image": "l"},
    ]


def test_a_change_holds_only_for_the_state_that_was_seen() -> None:
    """And leaves its fence beside what else is annotated."""
    change = changes.fenced({"metadata": {"annotations": {"a": "b"}}, "spec": {"replicas": 1}}, "77", {"c": "d"})
    assert change == {"metadata": {"annotations": {"a": "b", "c": "d"}, "resourceVersion": "77"}, "spec": {"replicas": 1}}


def test_a_restart_is_the_same_one_however_often_it_is_said() -> None:
    """The moment in the template is that of the line, not of the attempt."""
    said = changes.restart("deployment", ORDER)
    assert said["spec"]["template"]["metadata"]["annotations"] == {"kubectl.kubernetes.io/restartedAt": "2025-11-29T20:00:00Z"}
    assert changes.restart("rollout", ORDER) == {"spec": {"restartAt": "2025-11-29T20:00:00Z"}}


def test_a_canary_is_the_same_but_for_its_image() -> None:
    """It has no pods yet, its selector finds none but its own, and it goes with what it is a canary of."""
    raw = workload({}, paused=True)
    seen = see("deployment", raw)
    name = changes.canary_name(seen, "c1")
    made = changes.canary(raw, seen, name, ("shop",), "shop:v2")

    assert made["metadata"]["labels"][changes.CANARY_OF] == "shop"
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert (made["spec"]["replicas"], made["spec"]["paused"]) == (0, False)
    assert made["spec"]["selector"]["matchLabels"] == made["spec"]["template"]["metadata"]["labels"]
    assert made["spec"]["selector"]["matchLabels"] == {"app": "shop", changes.TRACK: name}
    images = [one["image"] for one in made["spec"]["template"]["spec"]["containers"]]
    assert images == ["shop:v2", "l"]
    assert raw == workload({}, paused=True)
    assert changes.canary_name(seen, "c2") != name


@pytest.mark.parametrize(
    ("share", "ready", "count"),
    [(10, 2, 1), (10, 9, 1), (10, 20, 2), (50, 4, 4), (75, 4, 4), (99, 3, 3), (50, 0, 1), (33, 6, 3), (1, 200, 2)],
)
def test_a_canary_has_as_many_pods_as_come_nearest_to_its_share(share: int, ready: int, count: int) -> None:
    """One at least, and never more than there are beside it."""
    assert beside(share, ready) == count


@pytest.mark.parametrize(
    ("share", "all_of", "count"), [(10, 3, 1), (50, 3, 2), (99, 3, 2), (10, 1, 1), (50, 10, 5), (25, 10, 3)]
)
def test_a_part_of_a_stateful_set_is_one_pod_at_least_and_not_all(share: int, all_of: int, count: int) -> None:
    """Unless there is only one."""
    assert among(share, all_of) == count


def test_pods_are_told_as_replicas() -> None:
    """One that is ready takes requests unless it is drained; one that goes takes none."""
    pods = [
        _pod("a", "shop:v1", ready=True),
        _pod("b", "shop:v2", ready=True, labels={SERVING: "no"}),
        _pod("c", "shop:v2", ready=False),
        _pod("d", "shop:v1", ready=True, gone="2026-11-29T20:00:00Z"),
    ]
    told = [(one.name, one.version, one.state, one.weight) for one in replicas(pods, ("shop",), SHOP)]
    assert told == [("a", "v1", "ready", 1), ("b", "v2", "ready", 0), ("c", "v2", "starting", 0), ("d", "v1", "stopping", 0)]


def _pod(name: str, image: str, *, ready: bool, labels: dict[str, str] | None = None, gone: str = "") -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": labels or {}, "deletionTimestamp": gone or None}
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": meta, "spec": {"containers": [{"name": "shop", "image": image}]}, "status": status}


def test_a_selector_becomes_labels_to_look_for() -> None:
    """What can't be said so only finds more pods; they are told apart by their images."""
    said = {
        "matchLabels": {"app": "shop"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["web", "api"]},
            {"key": "live", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert selector(said) == {"app": "shop", "tier": ["web", "api"], "live": None}
