"""Which pods are an app's, and who speaks in them. It is told from the pods alone: no other kind has to be read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bellboard.kube import KubeAbsent, KubeRefused, kinds

from ..entries import Entry
from ..ingest.lines import read
from ..query import Query

HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
"""Labels that hold what a ReplicaSet's name ends with, behind the name of its Deployment or Rollout."""

_SILENT = re.compile(r'container "[^"]*" in pod "[^"]*" (is waiting|is not available|not found)')
"""How a kubelet says that a container has not begun, or that there was none before it."""

VERSION = "app.kubernetes.io/version"


@dataclass(frozen=True, slots=True)
class Voice:
    """A container that has, or had, something to say.

    Attributes:
        namespace, pod, uid, container: which.
        version: by the pod's label, or the tag of the image.
        turn: how often it was started again.
        before: when the container before it ended, in seconds since 1970; 0 if its lines can't be had beside this one's.
    """

    namespace: str
    pod: str
    uid: str
    container: str
    version: str
    turn: int
    before: float


def voices(pods: Iterable[kinds.Pod], app: str, label: str) -> Iterator[Voice]:
    """Everybody who speaks for an app: containers, those that start a pod, and those added to it later."""
    for pod in pods:
        if pod.metadata is None or pod.status is None or not _belongs(pod, app, label):
            continue
        status = pod.status
        for one in (
            *(status.initContainerStatuses or ()),
            *(status.containerStatuses or ()),
            *(status.ephemeralContainerStatuses or ()),
        ):
            if _spoke(one):
                yield _voice(pod.metadata, one)


def entry_of(line: str, voice: Voice, query: Query) -> Entry:
    """A line behind its time, as Kubernetes gives it."""
    stamp, _, said = line.partition(" ")
    try:
        at = datetime.fromisoformat(stamp).timestamp()
    except ValueError:  # not the container's: the kubelet says that it can't read the file
        at, said = time.time(), line
    labels = {"service": voice.container, "version": voice.version}
    return read(said, now=at, labels=labels)._replace(at=at, app=query.app, replica=voice.pod, env=query.env)


def is_silent(error: KubeRefused) -> bool:
    """Whether a log was refused only because there is none: the pod is gone, or the container has not begun."""
    return isinstance(error, KubeAbsent) or _SILENT.search(error.hint) is not None


def _belongs(pod: kinds.Pod, app: str, label: str) -> bool:
    """By its label, by the workload that it is of, or by its own name."""
    meta = pod.metadata or kinds.ObjectMeta()
    labels = meta.labels or {}
    if app in (labels.get(label), meta.name):
        return True
    endings = [labels[name] for name in HASHES if name in labels]
    for owner in meta.ownerReferences or ():
        names = {owner.name}
        if owner.kind == "ReplicaSet":
            names = {owner.name.removesuffix(f"-{ending}") for ending in endings}
        elif owner.kind == "Job":
            names.add(re.sub(r"-\d+$", "", owner.name))  # a CronJob's
        if app in names:
            return True
    return False


def _spoke(one: kinds.ContainerStatus) -> bool:
    """A container that waits to be started again still has the lines of its last run."""
    now, last = one.state, one.lastState
    return bool((now and (now.running or now.terminated)) or (last and last.terminated))


def _voice(meta: kinds.ObjectMeta, one: kinds.ContainerStatus) -> Voice:
    before = 0.0
    if one.state and (one.state.running or one.state.terminated) and one.lastState and one.lastState.terminated:
        ended = one.lastState.terminated.finishedAt
        before = ended.timestamp() if ended else 0.0
    version = (meta.labels or {}).get(VERSION) or _tag(one.image)
    return Voice(meta.namespace or "", meta.name or "", meta.uid or "", one.name, version, one.restartCount, before)


def _tag(image: str) -> str:
    """Of an image; nothing where it is named by its digest alone."""
    _, colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return tag if colon else ""
