"""Why a workload does not get on, in words that a person understands."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.kube.reasons import of_conditions, of_events, of_pod, of_pods, of_refusal


def pod(name: str = "shop-1", **status: Any) -> dict[str, Any]:
    """A pod that is not ready."""
    return {"metadata": {"name": name}, "spec": {}, "status": status}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A pod whose container waits."""
    return pod(containerStatuses=[{"name": "web", "state": {"waiting": {"reason": reason, "message": message}}, **more}])


QUOTA = (
    'pods "shop-5d8-abc" is forbidden: exceeded quota: compute, requested: requests.cpu=2, used: requests.cpu=9, '
    "limited: requests.cpu=10"
)
SECURITY = (
    'pods "shop-5d8-abc" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
    '(container "web" must set securityContext.allowPrivilegeEscalation=false)'
)
LIMITS = 'pods "shop-5d8-abc" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'


@pytest.mark.parametrize(
    ("seen", "words", "certain"),
    [
        (
            waiting("ImagePullBackOff", "Back-off pulling image shop:v9: not found"),
            ["image of web in shop-1", "not found"],
            True,
        ),
        (waiting("ErrImagePull", "connection refused"), ["image of web", "connection refused"], False),
        (
            waiting(
                "CrashLoopBackOff", restartCount=4, lastState={"terminated": {"exitCode": 3, "message": "no DATABASE_URL"}}
            ),
            ["web in shop-1 crashed 4 times", "exit code 3", "no DATABASE_URL"],
            True,
        ),
        (
            waiting("CrashLoopBackOff", restartCount=2, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            ["exit code 137", "more memory than it may"],
            True,
        ),
        (waiting("CreateContainerConfigError", 'secret "db" not found'), ["can't be started", 'secret "db"'], False),
        (
            pod(
                conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: cpu"}]
            ),
            ["shop-1 has no node", "0/3 nodes"],
            False,
        ),
        (pod(phase="Failed", reason="Evicted", message="low on memory"), ["failed", "low on memory"], False),
    ],
)
def test_a_pod_says_what_is_wrong_with_it(seen: dict[str, Any], words: list[str], certain: bool) -> None:
    """With its own words, and whether waiting helps."""
    trouble = of_pod(seen)
    assert trouble is not None
    assert all(word in trouble.text for word in words), trouble.text
    assert trouble.certain is certain
    assert len(trouble.text) < 400


def test_what_runs_at_first_may_be_what_fails() -> None:
    """A migration, say."""
    seen = pod(
        initContainerStatuses=[{"name": "migrate", "state": {"terminated": {"exitCode": 2, "message": "table is locked"}}}],
        containerStatuses=[{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}],
    )
    trouble = of_pod(seen)
    assert trouble is not None
    assert "migrate in shop-1" in trouble.text
    assert "table is locked" in trouble.text


def test_a_readiness_gate_that_is_shut_is_named() -> None:
    """Its containers are well; whoever opens it is to be asked."""
    seen = pod(conditions=[{"type": "ContainersReady", "status": "True"}])
    seen["spec"] = {"readinessGates": [{"conditionType": "example.org/lb"}]}
    trouble = of_pod(seen)
    assert trouble is not None
    assert "example.org/lb" in trouble.text


def test_a_pod_that_is_ready_or_goes_has_no_trouble() -> None:
    """Whatever was."""
    ready = waiting("CrashLoopBackOff")
    ready["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    going = waiting("CrashLoopBackOff")
    going["metadata"]["deletionTimestamp"] = "2026-11-29T20:00:00Z"
    assert of_pod(ready) is None
    assert of_pod(going) is None


def test_the_worst_of_several_is_told_and_how_many_there_are() -> None:
    """A card has room for one."""
    trouble = of_pods([waiting("ErrImagePull", "slow"), waiting("ImagePullBackOff", "not found")])
    assert trouble is not None
    assert "not found" in trouble.text
    assert "1 more" in trouble.text
    assert of_pods([]) is None


@pytest.mark.parametrize(
    ("message", "words", "certain"),
    [
        (QUOTA, ["the quota compute is used up", "requests.cpu=2 is wanted", "requests.cpu=9 of requests.cpu=10"], False),
        (SECURITY, ["Pod Security (restricted)", "allowPrivilegeEscalation"], True),
        (LIMITS, ["not let in", "maximum memory usage"], True),
        ('pods "x" is forbidden: admission webhook "w" denied the request: no team label', ["no team label"], False),
    ],
)
def test_a_refused_pod_says_by_what(message: str, words: list[str], certain: bool) -> None:
    """A quota may have room again; the rest stays as it is."""
    for trouble in (
        of_refusal(message),
        of_conditions([{"type": "ReplicaFailure", "status": "True", "message": message}]),
        of_events([event("FailedCreate", message, about="shop-5d8")], "shop", ""),
    ):
        assert trouble is not None
        assert all(word in trouble.text for word in words), trouble.text
        assert trouble.certain is certain


def event(reason: str, message: str, about: str = "shop-5d8-abc", at: str = "2026-11-29T20:00:00Z") -> dict[str, Any]:
    """An event that warns."""
    return {"reason": reason, "message": message, "involvedObject": {"name": about}, "lastTimestamp": at}


def test_only_events_say_that_a_probe_fails() -> None:
    """The newest of those about this workload and its pods, since it is watched."""
    probe = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    others = [event("Unhealthy", "other", about="shopping-1"), event("BackOff", "said by the pod itself")]
    trouble = of_events([*others, probe], "shop", "2026-11-29T19:59:59Z")
    assert trouble is not None
    assert trouble.text == "shop-5d8-abc is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert of_events([probe], "shop", "2026-11-29T20:00:01Z") is None


def test_a_deployment_that_gave_up_is_certain() -> None:
    """By its own deadline."""
    trouble = of_conditions([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}])
    assert trouble is not None
    assert trouble.certain
    assert of_conditions([{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]) is None
