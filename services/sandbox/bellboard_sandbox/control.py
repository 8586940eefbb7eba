"""The control socket: what can be asked of the sandbox, and done to it, in JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from . import journal
from .balancer import Balancer, NoBalancer
from .catalog import APPS, FAULTS, NAME, SHOP
from .customers import Customers
from .fleet import Fleet, NotReady
from .leases import LONGEST, Held, Leases
from .state import FIRST, State, Wanted
from .wire import Answer, Request, as_json

SOCKET = "control.sock"
MOST = 12
"""The most replicas of web."""


class Refused(Exception):
    """A request that is not done, and has had no effect."""

    def __init__(self, code: int, error: str) -> None:
        super().__init__(error)
        self.code = code


class Control:
    """Answers at the control socket."""

    def __init__(self, state: State, fleet: Fleet, balancer: Balancer, customers: Customers) -> None:
        self._state, self._fleet, self._balancer, self._customers = state, fleet, balancer, customers
        self._began = time.time()
        self._resets = asyncio.Lock()
        self._leases = Leases()

    async def answer(self, request: Request) -> Answer:
        """Answer a request. What is refused has ``{"error": why}`` and one of 400, 404, 405 and 409; 503 may be tried again."""
        parts = request.target.partition("?")[0].split("/")
        if parts[:2] != ["", "v1"]:
            return as_json({"error": "no such path"}, 404)
        try:
            return as_json(await self._route(request, parts[2:]))
        except Refused as refused:
            return as_json({"error": str(refused)}, refused.code)
        except (NotReady, NoBalancer) as error:
            return as_json({"error": str(error)}, 503)

    async def _route(self, request: Request, parts: Sequence[str]) -> Any:
        match request.method, *parts:
            case "GET", "apps":
                return [{"app": app.name, "service": app.service} for app in APPS.values()]
            case "GET", "apps", app:
                return self._app(app)
            case "PUT", "apps", app, "replicas", name:
                return await self._put(app, name, _object(request))
            case "DELETE", "apps", app, "replicas", name:
                return await self._delete(app, name)
            case "PUT", "apps", app, "lease":
                return self._lease(app, _object(request))
            case "GET", "targets":
                return self._targets()
            case "GET", "faults":
                return self._faults()
            case "PUT", "faults":
                return self._break(_object(request))
            case "DELETE", "faults":
                return self._heal()
            case "POST", "reset":
                return await self._reset()
            case "GET", "status":
                return self._status()
        raise Refused(404, "no such path, or not by this method")

    # --- replicas ---

    def _app(self, app: str) -> dict[str, Any]:
        _known(app)
        replicas = [replica for replica in self._fleet.replicas.values() if replica.wanted.service == SHOP.service]
        return {
            "app": app,
            "service": SHOP.service,
            "versions": [
                {"name": v.name, "digest": v.digest, "commit": v.commit, "summary": v.summary, "author": v.author}
                for v in SHOP.versions.values()
            ],
            "replicas": [replica.show() for replica in sorted(replicas, key=lambda replica: replica.wanted.name)],
        }

    async def _put(self, app: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        _known(app)
        if not NAME.fullmatch(name):
            raise Refused(400, "a replica's name is of small letters, digits and dashes")
        version = SHOP.versions.get(str(body.get("version")))
        if version is None:
            raise Refused(404, f"{app} has no such version; it has {', '.join(SHOP.versions)}")
        if body.get("digest") != version.digest:
            raise Refused(409, f"{version.name} has another digest: {version.digest}")
        wanted = Wanted(name, SHOP.service, version.name, version.digest)
        there = self._state.replicas.get(name, wanted)
        if there != wanted:
            raise Refused(409, f"{name} is there already, with {there.service} {there.version}")
        if name not in self._state.replicas and len(self._state.replicas) > MOST:
            raise Refused(409, f"the sandbox runs at most {MOST} replicas")
        self._state.replicas[name] = wanted
        self._state.save()
        return (await self._fleet.start(wanted)).show()

    async def _delete(self, app: str, name: str) -> dict[str, Any]:
        _known(app)
        there = self._state.replicas.get(name)
        if there and there.service != SHOP.service:
            raise Refused(409, f"{name} is of {there.service}, which is not deployed")
        if there:
            del self._state.replicas[name]
            self._state.save()
        await self._fleet.stop(name)
        journal.forget(self._state.folder / "logs", set(self._fleet.replicas))
        return {"name": name}

    def _lease(self, app: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have an app for oneself. Those who change it ask; nothing is refused to one who did not."""
        _known(app)
        key, who, seconds = body.get("key"), body.get("who"), body.get("seconds")
        if not isinstance(key, str) or not isinstance(who, str) or not 0 < len(key) <= 128 or len(who) > 200:
            raise Refused(400, "a lease has a key and says who it is")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
            raise Refused(400, f"a lease is for 0 to {LONGEST:.0f} seconds")
        try:
            self._leases.hold(app, key, who, float(seconds))
        except Held as held:
            raise Refused(409, str(held)) from None
        return {"key": key, "seconds": seconds}

    def _targets(self) -> list[dict[str, str]]:
        return [
            {
                "app": SHOP.name,
                "service": replica.wanted.service,
                "replica": name,
                "version": replica.wanted.version,
                "socket": str(replica.socket),
            }
            for name, replica in sorted(self._fleet.replicas.items())
            if replica.state != "starting"
        ]

    # --- faults ---

    def _faults(self) -> list[dict[str, Any]]:
        return [
            {"app": SHOP.name, "fault": name, "since": at, "summary": FAULTS[name]} for name, at in self._state.faults.items()
        ]

    def _break(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        _known(str(body.get("app")))
        fault = body.get("fault")
        if not isinstance(fault, str) or fault not in FAULTS:
            raise Refused(404, f"there is no such fault; there are {', '.join(FAULTS)}")
        self._state.faults.setdefault(fault, time.time())
        self._state.save()
        return self._faults()

    def _heal(self) -> list[dict[str, Any]]:
        self._state.faults.clear()
        self._state.save()
        return []

    # --- all of it ---

    async def _reset(self) -> dict[str, Any]:
        """As new: the first replicas, equal shares, no faults, nothing counted. Safe to do again where it broke off."""
        async with self._resets:
            self._state.faults.clear()
            self._state.replicas = {wanted.name: wanted for wanted in FIRST}
            self._state.save()
            for wanted in FIRST:
                there = self._fleet.replicas.get(wanted.name)
                if there and there.wanted != wanted:
                    await self._fleet.stop(wanted.name)
            replicas = await asyncio.gather(*(self._fleet.start(wanted) for wanted in FIRST))
            await self._balancer.reset(replica.socket for replica in replicas if replica.wanted.service == SHOP.service)
            others = [name for name in self._fleet.replicas if name not in self._state.replicas]
            await asyncio.gather(*(self._fleet.stop(name) for name in others))
            journal.forget(self._state.folder / "logs", set(self._fleet.replicas))
            self._customers.forget()
            return self._status()

    def _status(self) -> dict[str, Any]:
        replicas = sorted(self._fleet.replicas.values(), key=lambda replica: replica.wanted.name)
        return {
            "started_at": self._began,
            "replicas": [{"service": replica.wanted.service, **replica.show()} for replica in replicas],
            "faults": self._faults(),
            "customers": self._customers.show(),
            "balancer": {"restarts": self._balancer.restarts},
        }


def _known(app: str) -> None:
    if app not in APPS:
        raise Refused(404, f"there is no such app; there is {', '.join(APPS)}")


def _object(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "the body is to be a JSON object")
    return value
