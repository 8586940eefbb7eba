"""Kubernetes: all that Bellboard knows of its client. Nothing else imports `lightkube`. It comes with ``bellboard[kube]``.

`connect` opens a `Cluster`, whose ``own`` asks with the bot's rights, and ``person(…)`` in somebody's name::

    async with connect(settings.kubeconfig, settings.kube_context) as cluster:
        kube = cluster.person(Person("payments", call.person))
        shop = await kube.get(kinds.Deployment, "shop", namespace="prod")

What goes wrong is a `KubeRefused` (a UserError: nothing happened) or a `KubeError` (a ProviderError: nobody knows).
"""

from . import kinds
from .client import EVERYWHERE, MANAGER, Kube, Patch
from .cluster import Cluster, Person, connect, in_pod
from .errors import KubeAbsent, KubeConflict, KubeDenied, KubeError, KubeRefused, KubeUnreachable
from .settings import KubeSettings
from .watching import Change

__all__ = [
    "EVERYWHERE",
    "MANAGER",
    "Change",
    "Cluster",
    "Kube",
    "KubeAbsent",
    "KubeConflict",
    "KubeDenied",
    "KubeError",
    "KubeRefused",
    "KubeSettings",
    "KubeUnreachable",
    "Patch",
    "Person",
    "connect",
    "in_pod",
    "kinds",
]
