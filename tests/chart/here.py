"""What the chart would run in a cluster, run here as processes: pods' containers, with their own variables and files.

Of a container its command and variables are taken. Where the pod has a Secret, a ConfigMap or a volume, there is a folder, and
variables name that; names of services become ports of the loopback interface. So what is tried is whether the chart tells
each process what it needs. Images, probes by a kubelet and network policies are not.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from bellboard.provision import server
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us, free_port
from tests.chart.render import RELEASE, Object, containers, named

OPEN = ("WEB", "GRPC", "HEALTH")
READY = "Server is ready"

CERTIFICATE = "bellboard-nats-tls"
"""The Secret with the certificate of the bus, where it has one."""

START = 60.0
"""Seconds that a busy machine may take to start something."""


class Here:
    """A release of the chart, in a folder.

    Attributes:
        ports: by what is meant by them: "nats-0", "gateway-1 WEB" and so on.
    """

    def __init__(self, objects: tuple[Object, ...], folder: Path) -> None:
        self.objects, self.folder = objects, folder
        self.ports: dict[str, int] = {}
        self._running: list[asyncio.subprocess.Process] = []

    def port(self, what: str) -> int:
        """The port of something; always the same one."""
        return self.ports.setdefault(what, free_port())

    def path(self, namespace: str, name: str) -> Path:
        """The folder of a Secret or ConfigMap: where the provisioner makes it, or where the chart's own is written."""
        place = self.folder / "objects" / ("release" if namespace == RELEASE else namespace) / name
        for one in self.objects:
            if one["kind"] == "ConfigMap" and (one["metadata"].get("namespace"), one["metadata"]["name"]) == (namespace, name):
                place = self.folder / "written" / namespace / name
                place.mkdir(parents=True, exist_ok=True)
                for file, text in one["data"].items():
                    (place / file).write_text(text)
        return place

    def mounts(self, pod: Object, container: Object, namespace: str, name: str) -> dict[str, Path]:
        """Where in the pod which folder is."""
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        found = {}
        for mount in container["volumeMounts"]:
            volume = volumes.get(mount["name"], {})
            if "secret" in volume:
                place = self.path(namespace, volume["secret"]["secretName"])
            elif "configMap" in volume:
                place = self.path(namespace, volume["configMap"]["name"])
            else:
                place = self.folder / "volumes" / namespace / name / mount["name"]
                place.mkdir(parents=True, exist_ok=True)
            found[mount["mountPath"]] = place
        return found

    def variables(self, pod: Object, container: Object, namespace: str, name: str) -> dict[str, str]:
        """A container's own, as they are to be here. ``name`` is the pod's; of a StatefulSet's it ends with its number."""
        mounts = self.mounts(pod, container, namespace, name)
        told: dict[str, str] = {}
        for one in container["env"]:
            value = one.get("value", name.rpartition("-")[2] if one["name"] == "GATEWAY_NUMBER" else name)
            value = re.sub(r"\$\((\w+)\)", lambda found: told[found[1]], value)
            path = next((path for path in mounts if value == path or value.startswith(f"{path}/")), None)
            told[one["name"]] = value if path is None else str(mounts[path]) + value.removeprefix(path)
        for door in OPEN:
            if f"BELLBOARD_{door}_PORT" in told:
                told |= {f"BELLBOARD_{door}_HOST": "127.0.0.1", f"BELLBOARD_{door}_PORT": str(self.port(f"{name} {door}"))}
        if "BELLBOARD_BUS_URL" in told:
            told["BELLBOARD_BUS_URL"] = f"nats://127.0.0.1:{self.port('nats-0')}"
        return told

    async def start(self, kind: str, name: str, namespace: str, pod_name: str = "", **more: str) -> asyncio.subprocess.Process:
        """Run the first container of a workload, as one of its pods."""
        (one,) = (
            one
            for one in self.objects
            if (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) == (kind, name, namespace)
        )
        pod = one["spec"]["template"]
        container = containers(pod)[0]
        told = self.variables(pod, container, namespace, pod_name or name)
        module = container["image"].rpartition("/")[2].partition(":")[0].replace("-", "_")
        command = (sys.executable, "-m", module, *container.get("args", ()))
        return await self._spawn(f"{namespace}-{pod_name or name}", command, {**told, **more})

    async def bus(self) -> None:
        """Run all servers of the bus, each with what its pod has: the accounts are waited for, and unpacked first."""
        pod = named(self.objects, "StatefulSet", f"{RELEASE}-nats")["spec"]["template"]
        unpack, config = containers(pod)[0], named(self.objects, "ConfigMap", f"{RELEASE}-nats-config")["data"]["nats.conf"]
        accounts = self.folder / "objects/release" / f"{RELEASE}-nats-accounts/accounts.conf.gz"
        await eventually(accounts.exists, START)
        for number in range(3):
            told = self.variables(pod, unpack, RELEASE, f"nats-{number}")
            done = await self._spawn(f"unpack-{number}", (sys.executable, "-m", "bellboard_provisioner", "unpack"), told)
            assert await done.wait() == 0, self.log(f"unpack-{number}")
        for number in range(3):
            folder = self.folder / "volumes" / RELEASE / f"nats-{number}"
            (folder / "nats.conf").write_text(self._server(config, number, folder))
            command = (str(server.binary()), "--config", str(folder / "nats.conf"))
            await self._spawn(f"nats-{number}", command, {"POD_NAME": f"{RELEASE}-nats-{number}"})
        for number in range(3):
            await eventually(partial(self._is_up, number), START)

    async def follow(self, number: int) -> asyncio.subprocess.Process:
        """Run what stands beside a server of the bus."""
        pod = named(self.objects, "StatefulSet", f"{RELEASE}-nats")["spec"]["template"]
        reload = next(one for one in containers(pod) if one["name"] == "reload")
        told = self.variables(pod, reload, RELEASE, f"nats-{number}")
        return await self._spawn(f"reload-{number}", (sys.executable, "-m", "bellboard_provisioner", "reload"), told)

    def _is_up(self, number: int) -> bool:
        return READY in self.log(f"nats-{number}")

    def _server(self, config: str, number: int, folder: Path) -> str:
        """A server's configuration, with addresses and folders of here in place of the pod's. Each has to be there."""
        changes = {
            'host: "0.0.0.0"\nport: 4222': f'host: "127.0.0.1"\nport: {self.port(f"nats-{number}")}',
            "0.0.0.0:8222": f"127.0.0.1:{self.port(f'nats-{number} monitor')}",
            "0.0.0.0:6222": f"127.0.0.1:{self.port(f'nats-{number} route')}",
            '"/var/run/nats/nats.pid"': f'"{folder}/run/nats.pid"',
            '"/data"': f'"{folder}/data"',
            '"../../var/run/nats/accounts.conf"': '"run/accounts.conf"',
        }
        if "/etc/tls/nats" in config:
            changes["/etc/tls/nats"] = str(self.path(RELEASE, CERTIFICATE))
        for other in range(3):
            host = f"{RELEASE}-nats-{other}.{RELEASE}-nats-pods.{RELEASE}.svc:6222"
            changes[host] = f"127.0.0.1:{self.port(f'nats-{other} route')}"
        for before, after in changes.items():
            assert before in config, before
            config = config.replace(before, after)
        return config

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text()

    async def _spawn(self, name: str, command: tuple[str, ...], told: dict[str, str]) -> asyncio.subprocess.Process:
        keep: dict[str, Any] = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *ends_with_us(*command), env={**keep, **told, "TMPDIR": str(self.folder)}, stdout=log, stderr=log
            )
        self._running.append(process)
        return process

    async def close(self) -> None:
        """End it all; services first."""
        for process in reversed(self._running):
            if process.returncode is None:
                process.kill()
                await process.wait()
