"""A real HAProxy with an app behind it, whose replicas are processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from bellboard.testing import eventually
from bellboard_deploy.haproxy.balancer import HAProxyBalancer
from bellboard_deploy.haproxy.deployer import HAProxyDeployer
from bellboard_deploy.haproxy.runtime import Runtime
from bellboard_deploy.providers import Version

CHECK = "check inter 100 rise 1 fall 2"
VERSIONS = [Version(name, f"sha256:{name}{'0' * 60}") for name in ("v1", "v2", "v2.1")]

REPLICA = """
import sys, time, threading, http.server
name, version = sys.argv[1:]
class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(4)
        code = 500 if version == "v2" and self.path == "/buy" else 200
        self.send_response(code)
        self.send_header("X-Version", version)
        self.send_header("X-Replica", name)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

CONFIG = """
global
  stats socket {folder}/admin.sock mode 600 level admin
  hard-stop-after 1s
defaults
  mode http
  timeout connect 1s
  timeout client 20s
  timeout server 20s
  timeout check 5s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend customers
  bind unix@{folder}/front.sock mode 600
  default_backend shop-web
backend shop-web
  balance roundrobin
  option httpchk GET /health
"""


@dataclass
class LocalHosts:
    """Replicas as processes of this machine."""

    running: dict[str, tuple[asyncio.subprocess.Process, str]] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)

    async def versions(self, app: str) -> Sequence[Version]:
        return VERSIONS

    async def start(self, app: str, version: Version, replica: str) -> str:
        if replica not in self.running:
            self.starts[replica] += 1
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                "-c",
                REPLICA,
                quote(replica),
                quote(version.name),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert process.stdout is not None
            self.running[replica] = process, f"127.0.0.1:{int(await process.stdout.readline())}"
        return self.running[replica][1]

    async def stop(self, app: str, replica: str) -> None:
        if replica in self.running:
            process, _ = self.running.pop(replica)
            if process.returncode is None:
                process.kill()
            await process.wait()


@dataclass
class HAProxyTown:
    """HAProxy, the shop behind it, and the customers' way in."""

    folder: Path
    hosts: LocalHosts = field(default_factory=LocalHosts)

    def __post_init__(self) -> None:
        self.runtime = Runtime(self.folder / "admin.sock")
        self.balancer = HAProxyBalancer(self.runtime, {"shop": "shop-web"})
        self.deployer = HAProxyDeployer(self.runtime, self.balancer, self.hosts, CHECK)

    def customer(self) -> aiohttp.ClientSession:
        """One customer, who goes in by the front."""
        return aiohttp.ClientSession(
            base_url="http://shop.test", connector=aiohttp.UnixConnector(path=str(self.folder / "front.sock"), limit=0)
        )

    def kill(self, replica: str) -> None:
        """kill -9 a replica."""
        os.kill(self.hosts.running[replica][0].pid, signal.SIGKILL)


@asynccontextmanager
async def haproxy_town(folder: Path) -> AsyncIterator[HAProxyTown]:
    """A town with two replicas of v1 that share the traffic."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("needs HAProxy: install the Debian package haproxy")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "haproxy.cfg").write_text(CONFIG.format(folder=folder))
    town = HAProxyTown(folder)
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "-db", "-f", str(folder / "haproxy.cfg"), stdout=log, stderr=log
        )
    try:
        await eventually((folder / "front.sock").exists, because=(folder / "log").read_text())
        await town.deployer.start("shop", VERSIONS[0], 2, "old")
        await town.deployer.shift("shop", {"v1": 100})
        yield town
    finally:
        process.terminate()
        await process.wait()
        for replica in list(town.hosts.running):
            await town.hosts.stop("shop", replica)
