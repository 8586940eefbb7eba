"""How Kubernetes is asked: as whom, and what its refusals and faults become. The real one is asked in tests/cluster."""

from __future__ import annotations

import asyncio
import gc
import json
from asyncio.base_subprocess import BaseSubprocessTransport
from pathlib import Path

import pytest

from bellboard import ProviderError, SettingsError, UserError
from bellboard.kube import (
    Cluster,
    Kube,
    KubeAbsent,
    KubeConflict,
    KubeDenied,
    KubeError,
    KubeRefused,
    KubeUnreachable,
    Patch,
    Person,
    client,
    connect,
    kinds,
)
from bellboard.testing import eventually
from tests.integration.kube.api import POD, Answer, Api, event, forbidden, pod, pods, status

ANN = Person("payments", "ann", ("ops", "dba"))
SCALE = "/apis/apps/v1/namespaces/shop/deployments/web/scale"


async def test_a_person_is_named_in_every_request(api: Api, cluster: Cluster) -> None:
    """With the team and their groups, whatever is asked; the bot's own requests name nobody."""
    api.script(POD, pods(pod("web")))
    api.script(f"{POD}?watch", forbidden("watch", "pods"))
    api.script(f"{POD}/web/log", Answer("", kind="text/plain"))
    api.script(SCALE, Answer({"spec": {"replicas": 2}}))
    kube = cluster.person(ANN)

    await kube.list(kinds.Pod)
    await kube.patch(kinds.Deployment.Scale, "web", {"spec": {"replicas": 2}}, form=Patch.MERGE)
    assert [line async for line in kube.log("web")] == []
    with pytest.raises(KubeDenied):
        _ = [change async for change in kube.watch(kinds.Pod)]
    await kube.ask(POD, what="pods")

    assert {request.headers["Impersonate-User"] for request in api.asked} == {"bellboard:payments:ann"}
    assert {tuple(request.headers.getall("Impersonate-Group")) for request in api.asked} == {
        ("bellboard:payments", "bellboard:payments:ops", "bellboard:payments:dba")
    }
    await cluster.own.list(kinds.Pod)
    assert not any(name.startswith("Impersonate") for name in api.asked[-1].headers)


async def test_people_are_told_apart_and_kept(cluster: Cluster) -> None:
    """One client each, made once, and not without end."""
    assert cluster.person(ANN) is cluster.person(Person("payments", "ann", ("ops", "dba")))
    assert cluster.person(ANN) is not cluster.person(Person("payments", "ann"))

    first = cluster.person(ANN)
    for number in range(300):
        cluster.person(Person("payments", f"p{number}"))

    assert cluster.person(ANN) is not first


async def test_changes_are_made_as_bellboard(api: Api, cluster: Cluster) -> None:
    """So that Kubernetes knows whose fields are whose."""
    api.script(SCALE, Answer({"spec": {"replicas": 2}}))

    scaled = await cluster.own.patch(kinds.Deployment.Scale, "web", {"spec": {"replicas": 2}}, form=Patch.MERGE)

    assert scaled.spec is not None
    assert scaled.spec.replicas == 2
    (request,) = api.asked
    assert (request.method, request.query["fieldManager"]) == ("PATCH", "bellboard")
    assert request.headers["Content-Type"] == "application/merge-patch+json"


@pytest.mark.parametrize(
    ("answer", "kind", "text", "hint"),
    [
        (forbidden("get", "pods"), KubeDenied, "bellboard:payments:ann may not get pod web in shop", "grant get on pods"),
        (
            forbidden("impersonate", "users"),
            KubeDenied,
            "this bot may not act as bellboard:payments:ann",
            "needs the right to impersonate users",
        ),
        (
            forbidden("impersonate-on:user-info:get", "pods"),
            KubeDenied,
            "this bot may not act as bellboard:payments:ann",
            "needs the right to impersonate users",
        ),
        (status(403, "Forbidden", "exceeded quota: pods"), KubeRefused, "Kubernetes refuses it", "exceeded quota: pods"),
        (status(404, "NotFound"), KubeAbsent, "there is no pod web in shop", ""),
        (
            status(404, "NotFound", "the server could not find the requested resource"),
            KubeAbsent,
            "this cluster has no pods",
            "",
        ),
        (status(409, "AlreadyExists"), KubeConflict, "pod web in shop is there already", ""),
        (
            status(409, "Conflict", "the object has been modified"),
            KubeConflict,
            "pod web in shop was changed by somebody else",
            "the object has been modified",
        ),
        (status(422, "Invalid", "spec: too\nbig"), KubeRefused, "Kubernetes does not take it", "spec: too big"),
        (status(401, "Unauthorized"), KubeError, "Kubernetes does not accept the credentials", "have they expired?"),
        (status(429, "TooManyRequests"), KubeError, "Kubernetes has too much to do", "try again in a moment"),
        (status(500, "InternalError", "etcd"), KubeError, "Kubernetes has a fault of its own (500)", "etcd"),
        (Answer("<html>", 502, kind="text/html"), KubeError, "Kubernetes has a fault of its own (502)", ""),
        (Answer("<html>", kind="text/html"), KubeError, "Kubernetes answered with something else than pods", ""),
        (Answer({"metadata": {"name": 7}}), KubeError, "Kubernetes answered with something else than pods", ""),
    ],
)
async def test_refusals_are_told_apart(
    api: Api, cluster: Cluster, answer: Answer, kind: type[KubeRefused] | type[KubeError], text: str, hint: str
) -> None:
    """By what follows: what was refused did not happen, of anything else nobody knows."""
    api.script(f"{POD}/web", answer)

    with pytest.raises(kind) as raised:
        await cluster.person(ANN).get(kinds.Pod, "web")

    assert type(raised.value) is kind
    assert isinstance(raised.value, UserError if issubclass(kind, KubeRefused) else ProviderError)
    assert raised.value.text == text
    assert hint in raised.value.hint
    assert "s3cret" not in f"{raised.value}"


async def test_an_answer_that_breaks_off_is_not_known(api: Api, cluster: Cluster) -> None:
    """It may have happened."""
    api.script(f"{POD}/web", Answer(breaks=True))

    with pytest.raises(KubeError, match="broke off") as raised:
        await cluster.own.get(kinds.Pod, "web")
    assert not isinstance(raised.value, KubeUnreachable)


async def test_nobody_there_means_that_nothing_was_sent(tmp_path: Path) -> None:
    """And is told apart from an answer that did not come."""
    api = Api(tmp_path, "http://127.0.0.1:9")

    async with connect(api.kubeconfig()) as cluster:
        with pytest.raises(KubeUnreachable, match="can't be reached"):
            await cluster.own.get(kinds.Pod, "web")


async def test_a_token_is_read_again_when_it_is_no_longer_taken(api: Api, tmp_path: Path) -> None:
    """The kubelet writes a new one into the file from time to time."""
    token = tmp_path / "token"
    token.write_text("old")
    api.script(f"{POD}/web", Answer(pod("web")), status(401, "Unauthorized"), Answer(pod("web")))

    async with connect(api.kubeconfig(tokenFile=str(token))) as cluster:
        await cluster.own.get(kinds.Pod, "web")
        token.write_text("new")
        await cluster.own.get(kinds.Pod, "web")
        api.script(f"{POD}/web", status(401, "Unauthorized"), Answer(pod("web")))
        await cluster.person(ANN).get(kinds.Pod, "web")

    assert [request.headers["Authorization"] for request in api.asked[:3]] == ["Bearer old", "Bearer old", "Bearer new"]
    assert api.asked[-1].headers.getall("Impersonate-User") == ["bellboard:payments:ann"]


async def test_a_watch_survives_what_breaks_it(api: Api, cluster: Cluster) -> None:
    """A broken connection, a forgotten version told as a status or as an event, a fault: what changed is told once."""
    gone = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})
    api.script(POD, pods(pod("a")), status(500, "InternalError"), pods(pod("a", 2), pod("c")), pods(pod("a", 2), pod("c", 3)))
    api.script(
        f"{POD}?watch",
        Answer(lines=[event("ADDED", pod("b")), event("MODIFIED", pod("b", 2))], breaks=True),
        status(410, "Expired"),
        Answer(lines=[gone]),
        forbidden("watch", "pods"),
    )
    seen: list[tuple[str, str | None]] = []

    with pytest.raises(KubeDenied):
        await note(cluster.own, seen)

    assert seen == [
        ("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b"),
        ("MODIFIED", "a"), ("ADDED", "c"), ("DELETED", "b"),
        ("MODIFIED", "c"),
    ]  # fmt: skip


async def test_a_watch_gives_up_when_nothing_can_be_listed_for_long(
    api: Api, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not because it was quiet for long before."""
    monkeypatch.setattr("bellboard.kube.watching.PAUSE", 0.01)
    monkeypatch.setattr("bellboard.kube.watching.PATIENCE", 0.2)
    api.script(POD, pods(pod("a")), status(503, "ServiceUnavailable"), pods(pod("b")), status(503, "ServiceUnavailable"))
    api.script(f"{POD}?watch", Answer(breaks=True))
    seen: list[tuple[str, str | None]] = []

    with pytest.raises(KubeError, match="a fault of its own"):
        await note(cluster.own, seen)

    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


async def note(kube: Kube, seen: list[tuple[str, str | None]]) -> None:
    async for change in kube.watch(kinds.Pod):
        assert change.object.metadata is not None
        seen.append((change.event, change.object.metadata.name))


async def test_kinds_of_others_are_asked_for_as_well(api: Api, cluster: Cluster) -> None:
    """Argo's, of which Kubernetes itself knows nothing."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"
    api.script(path, Answer({"metadata": {"name": "web"}, "status": {"phase": "Paused"}}))

    rollout = await cluster.own.get(kinds.Rollout, "web")

    assert rollout["status"]["phase"] == "Paused"


async def test_logs_are_asked_for_as_said(api: Api, cluster: Cluster) -> None:
    """The previous container's, since a time, from the end."""
    api.script(f"{POD}/web/log", Answer("2026-11-29T20:00:00Z one\n2026-11-29T20:00:01Z two", kind="text/plain"))

    lines = [line async for line in cluster.own.log("web", container="app", previous=True, since=1.5, last=9, most=8)]

    assert lines == ["2026-11-29T20:00:00Z one", "2026-11-29T20:00:01Z two"]
    assert dict(api.asked[0].query) == {
        "timestamps": "true", "container": "app", "previous": "true", "sinceTime": "1970-01-01T00:00:01Z", "tailLines": "9",
        "limitBytes": "8",
    }  # fmt: skip


@pytest.mark.parametrize("follow", [True, False])
async def test_logs_that_are_not_there_are_told_as_such(api: Api, cluster: Cluster, follow: bool) -> None:
    """Followed or not."""
    api.script(f"{POD}/web/log", status(400, "BadRequest", "container app is waiting to start: trying to pull image"))

    with pytest.raises(KubeRefused) as raised:
        _ = [line async for line in cluster.own.log("web", follow=follow)]

    assert "waiting to start" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{", "YAML"),
        ("[]", "kubectl config view"),
        ("{}", "kubectl config view"),
        ("{contexts: [], clusters: []}", "No current context"),
        ("{contexts: [], clusters: [], current-context: x}", "'x' not found"),
        ("{contexts: [{name: x, context: {cluster: y}}], clusters: [{name: y, cluster: {}}], current-context: x}", "no user"),
    ],
)
def test_a_wrong_kubeconfig_is_refused(tmp_path: Path, text: str, hint: str) -> None:
    """At start, by its name."""
    file = tmp_path / "kubeconfig"
    file.write_text(text)

    with pytest.raises(SettingsError, match="kubeconfig") as raised:
        connect(file)
    assert hint in raised.value.hint


def test_no_cluster_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting that names one."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(SettingsError, match="BELLBOARD_KUBECONFIG"):
        connect()


async def test_a_program_that_gives_no_token_is_not_waited_for_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kubeconfig may name one, and the cloud that it asks may be away."""
    monkeypatch.setattr(client, "WHOLE", 0.3)
    file = api.kubeconfig()
    said = json.loads(file.read_text())
    program = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "sleep", "args": ["1"]}
    said["users"][0]["user"] = {"exec": program}
    file.write_text(json.dumps(said))

    async with connect(file) as cluster:
        for asking in (cluster.own.list(kinds.Pod), cluster.own.get(kinds.Pod, "web"), cluster.own.ask(POD, what="pods")):
            with pytest.raises(KubeError, match="did not answer in time"):
                await asyncio.wait_for(asking, 3)
    assert not api.asked
    await eventually(_all_have_ended)  # the client leaves them to themselves, and this loop has to see their end


def _all_have_ended() -> bool:
    loop = asyncio.get_running_loop()
    # By its type: a dead weak reference that another test left behind answers no other question.
    programs = [one for one in gc.get_objects() if issubclass(type(one), BaseSubprocessTransport)]
    return all(one.is_closing() for one in programs if getattr(one, "_loop", None) is loop)
