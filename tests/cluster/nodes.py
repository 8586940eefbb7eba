"""What kwok, which plays the nodes, makes of pods and volumes. No container runs; an image's name says how its container fares:

| in the image | its container |
|---|---|
| `missing` | can't be pulled |
| `crashing` | ends with exit code 1 again and again |
| `hungry` | ends again and again for want of memory |
| `unready` | runs, and its readiness probe fails |
| `failing` | as a Job's, ends with exit code 1 instead of 0 |

All others run. A pod is ready at once, or as late as its annotation `bellboard.test/ready-after` says, such as `2s`; so does
`bellboard.test/runs-for` with a Job's. A readiness gate counts as a kubelet counts it.
"""

from __future__ import annotations

from typing import Any

import yaml

Fields = dict[str, Any]

EVENTS = {
    "missing": ("Failed", "Failed to pull image: not found"),
    "crashing": ("BackOff", "Back-off restarting failed container"),
    "hungry": ("BackOff", "Back-off restarting failed container"),
    "unready": ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
}

CONTAINERS = """\
{{ $now := Now }}
{{ $up := true }}
{{ $phase := "Running" }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  {{ if contains "missing" .image }}
  {{ $up = false }}
  {{ $phase = "Pending" }}
  ready: false
  started: false
  restartCount: 0
  state: {waiting: {reason: ImagePullBackOff, message: {{ printf "Back-off pulling image %q: not found" .image | Quote }}}}
  {{ else if or (contains "crashing" .image) (contains "hungry" .image) }}
  {{ $up = false }}
  {{ $hungry := contains "hungry" .image }}
  ready: false
  started: false
  restartCount: 3
  state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting failed container={{ .name }}}}
  lastState:
    terminated:
      exitCode: {{ if $hungry }}137{{ else }}1{{ end }}
      reason: {{ if $hungry }}OOMKilled{{ else }}Error{{ end }}
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
  {{ else }}
  {{ $ready := not (contains "unready" .image) }}
  {{ $up = and $up $ready }}
  ready: {{ $ready }}
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
  {{ end }}
{{ end }}
{{ $gated := not (empty .spec.readinessGates) }}
phase: {{ $phase }}
startTime: {{ $now | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ if $up }}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ else }}
- {type: ContainersReady, status: "False", reason: ContainersNotReady, lastTransitionTime: {{ $now | Quote }}}
{{ end }}
{{ if not $up }}
- {type: Ready, status: "False", reason: ContainersNotReady, lastTransitionTime: {{ $now | Quote }}}
{{ else if $gated }}
- {type: Ready, status: "False", reason: ReadinessGatesNotReady, lastTransitionTime: {{ $now | Quote }}}
{{ else }}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
{{ $address := PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ $address | Quote }}
podIPs: [{ip: {{ $address | Quote }}}]
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: true
  restartCount: 0
  {{ if eq (default "" .restartPolicy) "Always" }}
  started: true
  state: {running: {startedAt: {{ $now | Quote }}}}
  {{ else }}
  started: false
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
  {{ end }}
{{ end }}
"""

FINISHED = """\
{{ $now := Now }}
{{ $failed := false }}
containerStatuses:
{{ range .spec.containers }}
{{ $fails := contains "failing" .image }}
{{ $failed = or $failed $fails }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: {{ if $fails }}1{{ else }}0{{ end }}
      reason: {{ if $fails }}Error{{ else }}Completed{{ end }}
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
phase: {{ if $failed }}Failed{{ else }}Succeeded{{ end }}
conditions:
- {type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
"""

READY = """\
conditions:
- {type: Ready, status: "%s", reason: "%s", lastTransitionTime: {{ Now | Quote }}}
"""

NODE = """\
{{ $now := Now }}
phase: Running
addresses:
- {type: InternalIP, address: {{ NodeIP | Quote }}}
- {type: Hostname, address: {{ NodeName | Quote }}}
daemonEndpoints: {kubeletEndpoint: {Port: %d}}
allocatable: {cpu: "32", memory: 128Gi, pods: "500"}
capacity: {cpu: "32", memory: 128Gi, pods: "500"}
nodeInfo:
  architecture: amd64
  operatingSystem: linux
  kubeletVersion: {{ printf "kwok-%%s" Version }}
conditions:
{{ range NodeConditions }}
- type: {{ .type }}
  status: {{ .status | Quote }}
  reason: {{ .reason }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
"""

VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
  annotations: {pv.kubernetes.io/provisioned-by: bellboard.test/volumes}
spec:
  accessModes: {{ .spec.accessModes | toJson }}
  capacity: {storage: {{ .spec.resources.requests.storage | Quote }}}
  persistentVolumeReclaimPolicy: Delete
  storageClassName: {{ .spec.storageClassName }}
  claimRef:
    apiVersion: v1
    kind: PersistentVolumeClaim
    name: {{ .metadata.name }}
    namespace: {{ .metadata.namespace }}
    uid: {{ .metadata.uid }}
  hostPath: {path: /nowhere}
"""

LIVES: Fields = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
NEW: Fields = {"key": ".status.startTime", "operator": "DoesNotExist"}
RUNS: Fields = {"key": ".status.phase", "operator": "In", "values": ["Running"]}
OF_A_JOB = '.metadata.ownerReferences[]? | select(.kind == "Job")'
SHUT = '([.spec.readinessGates[]?.conditionType] - [.status.conditions[]? | select(.status == "True") | .type])[]'
"""The readiness gates of a pod that are not open."""


def configuration(port: int) -> str:
    """kwok's configuration, as YAML. The kubelet of every node is said to be at this port."""
    node = _stage("node", "Node", [_ready("NotIn")], status=NODE % port)
    return yaml.safe_dump_all([*_pods(), *_gates(), *_volumes(), node])


def objects() -> list[Fields]:
    """What stands in the cluster for it: the nodes, and a class of volumes."""
    nodes = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{zone}", "labels": _labels(zone)}} for zone in "abc"
    ]
    default = {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    volumes = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": default}
    return [{**volumes, "provisioner": "bellboard.test/volumes"}, *nodes]


def _labels(zone: str) -> Fields:
    return {"kubernetes.io/hostname": f"node-{zone}", "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone}


def _pods() -> list[Fields]:
    fates = "|".join(EVENTS)
    well = {"key": f'.spec.containers[].image | select(test("{fates}"))', "operator": "DoesNotExist"}
    late = '.metadata.annotations["bellboard.test/{}"]'.format
    stages = [_stage("pod-starts", "Pod", [LIVES, NEW, well], status=CONTAINERS, after=late("ready-after"))]
    for word, (reason, message) in EVENTS.items():
        ill = {"key": f'.spec.containers[].image | select(test("{word}"))', "operator": "Exists"}
        event = {"type": "Warning", "reason": reason, "message": message}
        stages.append(_stage(f"pod-is-{word}", "Pod", [LIVES, NEW, ill], status=CONTAINERS, event=event))
    job = {"key": OF_A_JOB, "operator": "Exists"}
    up = {"key": ".status.containerStatuses[].state.waiting", "operator": "DoesNotExist"}
    stages.append(_stage("pod-finishes", "Pod", [LIVES, RUNS, job, up], status=FINISHED, after=late("runs-for")))
    stages.append(_stage("pod-goes", "Pod", [{**LIVES, "operator": "Exists"}], delete=True))
    return stages


def _gates() -> list[Fields]:
    gated = {"key": ".spec.readinessGates[]?", "operator": "Exists"}
    up = {"key": '.status.conditions[] | select(.type == "ContainersReady") | .status', "operator": "In", "values": ["True"]}
    gate = {"key": SHUT}
    opened = [LIVES, RUNS, gated, up, {**gate, "operator": "DoesNotExist"}, _ready("NotIn")]
    closed = [LIVES, RUNS, gated, up, {**gate, "operator": "Exists"}, _ready("In")]
    return [
        _stage("gates-open", "Pod", opened, status=READY % ("True", "")),
        _stage("gates-close", "Pod", closed, status=READY % ("False", "ReadinessGatesNotReady")),
    ]


def _volumes() -> list[Fields]:
    waits = {"key": ".spec.volumeName", "operator": "DoesNotExist"}
    ours = {"key": ".spec.storageClassName", "operator": "In", "values": ["standard"]}
    released = {"key": ".status.phase", "operator": "In", "values": ["Released"]}
    claim = _stage("claim", "PersistentVolumeClaim", [LIVES, ours, waits])
    claim["spec"]["steps"] = [{"apply": {"template": VOLUME}}]
    return [claim, _stage("volume-goes", "PersistentVolume", [LIVES, ours, released], delete=True)]


def _ready(operator: str) -> Fields:
    return {"key": '.status.conditions[]? | select(.type == "Ready") | .status', "operator": operator, "values": ["True"]}


def _stage(name: str, kind: str, when: list[Fields], *, status: str = "", after: str = "", **then: Any) -> Fields:
    """What becomes of objects of a kind when all that holds."""
    spec: Fields = {"resourceRef": {"apiGroup": "v1", "kind": kind}, "selector": {"matchExpressions": when}}
    if after:
        spec["delay"] = {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": after}}
    if status:
        then["statusTemplate"] = status
    if then:
        spec["next"] = then
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
