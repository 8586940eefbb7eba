"""Why a workload does not get on, from what Kubernetes says of it, in words for people. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Raw = Mapping[str, Any]
"""An object as the API gives it."""

LONGEST = 220
"""Characters of Kubernetes' own words that are shown."""

_PULLS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_HOPELESS = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff"}
_CREATES = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
_QUOTA = re.compile(r"exceeded quota: (?P<name>[^,]+), requested: (?P<asked>\S+), used: (?P<used>\S+), limited: (?P<most>\S+)")
_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^":]+)[^"]*": (?P<what>.*)')
_LIMITS = re.compile(r"(?:must specify|maximum|minimum) .*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something does not get on. ``certain``: waiting does not help."""

    text: str
    certain: bool = False


def of_pods(pods: Iterable[Raw]) -> Trouble | None:
    """What is wrong with some pods: the worst of it, and how many have it."""
    found = [trouble for pod in pods if (trouble := of_pod(pod)) is not None]
    if not found:
        return None
    worst = next((one for one in found if one.certain), found[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Trouble(f"{worst.text}{more}", worst.certain)


def of_pod(pod: Raw) -> Trouble | None:
    """What is wrong with a pod; None where it is ready, is stopping, or nothing is known."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or is_ready(pod):
        return None
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        if (trouble := _of_container(name, container)) is not None:
            return trouble
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False" and scheduled.get("reason") != "SchedulingGated":
        return Trouble(f"{name} has no node: {short(scheduled.get('message', ''))}")
    if status.get("phase") == "Failed":
        return Trouble(f"{name} failed: {short(status.get('message') or status.get('reason') or 'it does not say why')}")
    for gate in (pod.get("spec") or {}).get("readinessGates") or ():
        if conditions.get("ContainersReady", {}).get("status") == "True" and not _true(conditions, gate["conditionType"]):
            return Trouble(f"{name} waits for its readiness gate {gate['conditionType']}")
    return None


def _of_container(pod: str, container: Raw) -> Trouble | None:
    state, what = container.get("state") or {}, f"{container['name']} in {pod}"
    waiting, before = state.get("waiting") or {}, (container.get("lastState") or {}).get("terminated")
    reason, said = waiting.get("reason", ""), short(waiting.get("message") or "")
    certain = reason in _HOPELESS
    if reason in _PULLS:
        return Trouble(f"the image of {what} can't be pulled: {said or reason}", certain)
    if reason == "CrashLoopBackOff":
        times = container.get("restartCount", 0)
        return Trouble(f"{what} crashed {times} times, {_ended(before)}", certain)
    if reason in _CREATES:
        return Trouble(f"{what} can't be started: {said or reason}")
    ended = state.get("terminated")
    if ended and ended.get("exitCode"):
        return Trouble(f"{what} ended, {_ended(ended)}")
    return None


def _ended(terminated: Raw | None) -> str:
    """How a container ended."""
    if not terminated:
        return "it does not say how"
    code = terminated.get("exitCode", 0)
    if terminated.get("reason") == "OOMKilled":
        return f"last with exit code {code}: it took more memory than it may"
    said = short(terminated.get("message") or "").strip()
    return f"last with exit code {code}{f': {said}' if said else ''}"


def of_refusal(message: str) -> Trouble:
    """Why a pod was not even made."""
    if quota := _QUOTA.search(message):
        name, asked, used, most = quota.groups()
        return Trouble(f"the quota {name} is used up: {asked} is wanted, {used} of {most} are in use")
    if security := _SECURITY.search(message):
        text = f"the namespace's Pod Security ({security['level']}) does not let its pods in: {short(security['what'])}"
        return Trouble(text, certain=True)
    said = message.rpartition(" is forbidden: ")[2]
    return Trouble(f"its pods are not let in: {short(said)}", certain=_LIMITS.search(said) is not None)


def of_conditions(conditions: Sequence[Raw]) -> Trouble | None:
    """What a workload says of itself."""
    known = {one["type"]: one for one in conditions}
    failure, progress = known.get("ReplicaFailure", {}), known.get("Progressing", {})
    if failure.get("status") == "True":
        return of_refusal(failure.get("message", ""))
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Trouble("Kubernetes saw no progress within the workload's progressDeadlineSeconds", certain=True)
    return None


def of_events(events: Iterable[Raw], name: str, since: str) -> Trouble | None:
    """What was said of a workload and its pods that stands nowhere else: refused pods, probes. The newest first.

    Args:
        since: nothing older counts; in the API's form, such as ``2026-11-29T20:00:00Z``.
    """
    mine = [one for one in events if _about(one, name) and _when(one) >= since]
    for event in sorted(mine, key=_when, reverse=True):
        pod, reason, message = event["involvedObject"]["name"], event.get("reason", ""), event.get("message") or ""
        if reason == "FailedCreate":
            return of_refusal(message)
        if reason == "Unhealthy":
            return Trouble(f"{pod} is not ready: {short(message)}")
        if reason in ("FailedMount", "FailedAttachVolume"):
            return Trouble(f"{pod} has no volume: {short(message)}")
    return None


def _about(event: Raw, name: str) -> bool:
    about = str(event.get("involvedObject", {}).get("name", ""))
    return about == name or about.startswith(f"{name}-")


def _when(event: Raw) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def is_ready(pod: Raw) -> bool:
    """Whether it takes requests, as far as Kubernetes is concerned."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in (pod.get("status") or {}).get("conditions") or ())


def _true(conditions: Mapping[str, Raw], kind: str) -> bool:
    return bool(conditions.get(kind, {}).get("status") == "True")


def short(words: str) -> str:
    """On one line, and not too long."""
    line = " ".join(str(words).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
