"""The settings of the k8s bot."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bellboard import BotSettings
from bellboard.kube import EVERYWHERE, KubeSettings

Namespace = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$")]
Kind = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9.-]+)?$", max_length=120)]

WORKLOADS = (
    "pods", "services", "events", "persistentvolumeclaims",
    "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps",
    "jobs.batch", "cronjobs.batch",
    "horizontalpodautoscalers.autoscaling", "ingresses.networking.k8s.io",
)  # fmt: skip


class Settings(KubeSettings, BotSettings):
    """What the k8s bot can be told.

    Attributes:
        kube_impersonate: ask in the person's name, so that the cluster's own rules decide; else with the bot's own rights.
        namespaces: those that may be looked into; ``*`` for all; the one of the configuration alone if none is named.
        kinds: those that may be looked at, as plural and group.
    """

    kube_impersonate: bool = True
    namespaces: tuple[Namespace, ...] = ()
    kinds: tuple[Kind, ...] = WORKLOADS

    @property
    def everywhere(self) -> bool:
        """Whether all namespaces may be looked into."""
        return EVERYWHERE in self.namespaces
