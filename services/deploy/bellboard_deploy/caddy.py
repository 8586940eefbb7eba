"""Caddy as the balancer: who takes requests and with which weight stands in its own configuration, changed whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any

from bellboard import ProviderError

from .wire import ask

TRIES = 5


class Caddy:
    """One reverse proxy of a Caddy, addressed by its ``@id``. Upstreams are unix sockets; a weight is at least 1."""

    def __init__(self, admin: Path) -> None:
        self._admin = admin

    async def weights(self, id: str) -> dict[str, int]:
        """The sockets that take requests, each with its weight."""
        return _weights(await self._get(id, f"/id/{id}"))

    async def change(self, id: str, make: Callable[[Mapping[str, int]], Mapping[str, int]]) -> None:
        """Give the sockets other weights, all at once; ``make`` gets those of now, and is asked again if they change meanwhile.

        Raises:
            ProviderError: nobody would take requests, or Caddy refused it.
        """
        for _ in range(TRIES):
            found = await ask(self._admin, "GET", f"/id/{id}", who="the balancer")
            if found.code != 200:
                raise ProviderError(f"the balancer knows no {id}: {found.error}")
            handler = found.json()
            now = _weights(handler)
            wanted = _smallest({socket: weight for socket, weight in make(now).items() if weight > 0})
            if not wanted:
                raise ProviderError(f"nobody would be left to take the requests of {id}")
            if wanted == now:
                return
            handler["upstreams"] = [{"dial": f"unix/{socket}"} for socket in wanted]
            handler["load_balancing"]["selection_policy"] = {
                "policy": "weighted_round_robin",
                "weights": list(wanted.values()),
            }
            answer = await ask(self._admin, "PATCH", f"/id/{id}", handler, tag=found.tag, who="the balancer")
            if answer.code == 200:
                return
            if answer.code != 412:
                raise ProviderError(f"the balancer refused it: {answer.error}")
        raise ProviderError("the balancer was changed by somebody else all the time")

    async def connections(self) -> dict[str, int]:
        """Requests that each socket works on now, those that take no new ones included."""
        found = await ask(self._admin, "GET", "/reverse_proxy/upstreams", who="the balancer")
        entries = found.json() if found.code == 200 else None
        return {one["address"].removeprefix("unix/"): int(one["num_requests"]) for one in entries or ()}

    async def _get(self, id: str, target: str) -> Any:
        found = await ask(self._admin, "GET", target, who="the balancer")
        if found.code != 200:
            raise ProviderError(f"the balancer knows no {id}: {found.error}")
        return found.json()


def _weights(handler: Mapping[str, Any]) -> dict[str, int]:
    try:
        sockets = [one["dial"].removeprefix("unix/") for one in handler["upstreams"]]
        policy = handler.get("load_balancing", {}).get("selection_policy", {})
        weights = policy.get("weights") or [1] * len(sockets)
        return dict(zip(sockets, weights, strict=True))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderError("the balancer's configuration is not what it should be") from error


def _smallest(weights: Mapping[str, int]) -> dict[str, int]:
    """The same shares in small numbers: Caddy sends as many requests in a row as the weight says."""
    shared = reduce(gcd, weights.values(), 0) or 1
    return {socket: weight // shared for socket, weight in weights.items()}
