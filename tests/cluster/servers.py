"""The processes of a cluster: etcd, the API server, the controllers, the scheduler, and kwok for the nodes. Loopback only."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bellboard.testing.servers import ends_with_us, free_port
from tests.cluster import nodes
from tests.cluster.certificates import Authority, Pair

AUDIT: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "kwok"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/readyz"]},
        {"level": "Metadata", "resources": [{"resources": ["secrets", "serviceaccounts/token"]}]},
        {"level": "Request"},
    ],
}
"""What the audit log holds: who asked for what, with the object that was sent, but for the cluster's own processes."""


@dataclass
class Servers:
    """The processes, each with its log in the folder."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authority = Authority(self.folder / "certificates")
        self.tokens = self.authority.key("tokens")
        self.store = f"http://127.0.0.1:{free_port()}"

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def audit(self) -> Path:
        """The audit log: an event a line, in JSON."""
        return self.folder / "audit.log"

    @property
    def logs(self) -> Path:
        """The folder with what pods have written."""
        return self.folder / "logs"

    def kubeconfig(self, name: str, *groups: str) -> Path:
        """A kubeconfig for a user with a certificate."""
        pair = self.authority.issue(name, *groups)
        user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
        where = {"server": self.url, "certificate-authority": str(self.authority.certificate)}
        return write_kubeconfig(self.folder / f"{pair.key.stem}.yaml", where, user)

    def start_api(self) -> None:
        """etcd, and the API server, which waits for it."""
        peers = f"http://127.0.0.1:{free_port()}"
        self._start(
            "etcd",
            {"data-dir": self.folder / "etcd", "log-level": "warn", "unsafe-no-fsync": "true"}
            | {"listen-client-urls": self.store, "advertise-client-urls": self.store}
            | {"listen-peer-urls": peers, "initial-advertise-peer-urls": peers, "initial-cluster": f"default={peers}"},
        )
        policy = self.folder / "audit.yaml"
        policy.write_text(yaml.safe_dump(AUDIT))
        own, kubelet = self.authority.issue("kube-apiserver"), self.authority.issue("kube-apiserver-kubelet-client")
        self._start(
            "kube-apiserver",
            {"etcd-servers": self.store, "bind-address": "127.0.0.1", "secure-port": self.port, **_serving(own)}
            | {"client-ca-file": self.authority.certificate, "authorization-mode": "Node,RBAC"}
            | {"service-account-issuer": self.url, "service-cluster-ip-range": "10.96.0.0/16"}
            | {"service-account-key-file": self.tokens, "service-account-signing-key-file": self.tokens}
            | {"kubelet-certificate-authority": self.authority.certificate, "kubelet-preferred-address-types": "InternalIP"}
            | {"kubelet-client-certificate": kubelet.certificate, "kubelet-client-key": kubelet.key}
            | {"audit-log-path": self.audit, "audit-policy-file": policy}
            # No pod runs that would want it, and an endpoint may not be of loopback.
            | {"endpoint-reconciler-type": "none"},
        )

    def start_rest(self) -> None:
        """What wants an API server that is ready."""
        controllers = self.kubeconfig("system:kube-controller-manager")
        common = {"leader-elect": "false", "bind-address": "127.0.0.1"}
        tokens = {"service-account-private-key-file": self.tokens, "root-ca-file": self.authority.certificate}
        quick = {"kube-api-qps": 500, "kube-api-burst": 1000}
        own = {"kubeconfig": controllers, "secure-port": free_port(), "use-service-account-credentials": "true"}
        self._start("kube-controller-manager", common | own | tokens | quick)
        scheduler = self.kubeconfig("system:kube-scheduler")
        self._start("kube-scheduler", common | quick | {"kubeconfig": scheduler, "secure-port": free_port()})
        self._start_nodes()

    def _start_nodes(self) -> None:
        port, pair = free_port(), self.authority.issue("kubelet")
        stages = self.folder / "nodes.yaml"
        stages.write_text(nodes.configuration(port))
        self.logs.mkdir()
        self._start("logs", {}, f"127.0.0.1:{port}", self.logs, pair.certificate, pair.key)
        self._start(
            "kwok",
            {"kubeconfig": self.kubeconfig("kwok", "system:masters"), "config": stages, "manage-all-nodes": "true"}
            | {"node-ip": "127.0.0.1", "node-port": 0, "cidr": "10.64.0.0/16", "node-lease-duration-seconds": 40},
        )

    def _start(self, name: str, options: dict[str, object], *arguments: object) -> None:
        words = [*map(str, arguments), *(f"--{option}={value}" for option, value in options.items())]
        with (self.folder / f"{name}.log").open("wb") as log:
            command = ends_with_us(str(self.program), name, *words)
            self.running[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)

    def said(self, name: str) -> str:
        """The end of a process's log."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def must_run(self) -> None:
        """Fail with the log of a process that has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} has ended: {self.said(name)}")

    def stop(self) -> None:
        """kill -9: nothing of it is wanted again."""
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()


def write_kubeconfig(path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Path:
    """A kubeconfig with one context."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
    }
    path.touch(0o600)
    path.write_text(yaml.safe_dump(config))
    return path


def _serving(pair: Pair) -> dict[str, object]:
    return {"tls-cert-file": pair.certificate, "tls-private-key-file": pair.key}
