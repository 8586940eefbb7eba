"""Settings of the provisioner: one class for each thing it does."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from bellboard.settings import ProcessSettings


class ProvisionSettings(ProcessSettings):
    """What it takes to provision.

    Attributes:
        teams_file: the teams, as JSON: see `teams`.
        namespace: the release's; that of the pod, or of the kubeconfig, if none is given.
        bus_url: where the bus is.
        bus_ca_file: the certificates by which its servers are known; every team is given a copy.
        patience: for how many seconds the bus may stay away, or refuse, before it is given up.
        kubeconfig: of a cluster that this is no pod of.
        kube_context: of the kubeconfig; its current one if none is given.
        objects_dir: keep all objects as files under this folder, and ask no Kubernetes.
    """

    teams_file: Path
    namespace: str = ""
    bus_url: str = "nats://127.0.0.1:4222"
    bus_ca_file: Path | None = None
    patience: float = Field(default=600.0, gt=0)
    kubeconfig: Path | None = None
    kube_context: str = ""
    objects_dir: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.objects_dir is not None and self.kubeconfig is not None:
            raise ValueError
        return self


class ReloadSettings(ProcessSettings):
    """What it takes to keep a server's accounts as they should be.

    Attributes:
        accounts_file: the packed accounts, as they come from the provisioner; followed as it changes.
        config_file: where they are unpacked to, for the server's configuration to include.
        pid_file: the server's.
        certificate_file: the server's; it is told when that is a new one, too.
    """

    accounts_file: Path
    config_file: Path
    pid_file: Path | None = None
    certificate_file: Path | None = None
