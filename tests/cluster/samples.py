"""What tests put into a cluster: workloads called shop, and rights."""

from __future__ import annotations

from typing import Any

from lightkube import codecs

from bellboard.kube import Kube, kinds

Fields = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


async def make(kube: Kube, namespace: str, fields: Fields) -> Any:
    """Make an object in a namespace; empty: of the whole cluster."""
    meta = {**fields["metadata"], **({"namespace": namespace} if namespace else {})}
    return await kube.create(codecs.from_dict({**fields, "metadata": meta}))


def workload(kind: str, image: str, **spec: Any) -> Fields:
    """A Deployment, StatefulSet, DaemonSet or Job called shop, to be changed further. See `nodes` for what images mean."""
    pod: Fields = {"containers": [{"name": "web", "image": image}]}
    version = "apps/v1"
    if kind == "Job":
        version, pod["restartPolicy"] = "batch/v1", "Never"
    else:
        spec["selector"] = {"matchLabels": {"app": "shop"}}
    spec["template"] = {"metadata": {"labels": {"app": "shop"}}, "spec": pod}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "shop"}, "spec": spec}


async def begun(kube: Kube, namespace: str) -> list[kinds.Pod]:
    """The pods of shop that are on a node, and of whose containers something is known."""
    found = await kube.list(kinds.Pod, namespace=namespace, labels={"app": "shop"})
    return [pod for pod in found if pod.status and pod.status.containerStatuses]


async def grant(kube: Kube, namespace: str, account: str, *rules: Fields, everywhere: bool = False) -> None:
    """Give a ServiceAccount of a namespace rights in it, or everywhere. It is made unless it is there."""
    name, kind, where = (f"{namespace}-{account}", "ClusterRole", "") if everywhere else (account, "Role", namespace)
    meta = {"name": name}
    await kube.apply(kinds.ServiceAccount(metadata=kinds.ObjectMeta(name=account, namespace=namespace)))
    await make(kube, where, {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": list(rules)})
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    role = {"apiGroup": RBAC, "kind": kind, "name": name}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", "metadata": meta, "subjects": [subject], "roleRef": role}
    await make(kube, where, binding)
