"""The settings of a service that asks one cluster."""

from __future__ import annotations

from pathlib import Path

from bellboard.settings import ServiceSettings


class KubeSettings(ServiceSettings):
    """To be inherited from, beside `BotSettings` where the service is a bot.

    Attributes:
        kubeconfig: the file that says how the cluster is reached; without one, it is that in which the service is a pod.
        kube_context: which of its contexts; its current one if not said.
    """

    kubeconfig: Path | None = None
    kube_context: str = ""
