"""What the shop's two services do: web, which customers see, and stock behind it. It is make-believe, with real waiting."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from dataclasses import dataclass
from typing import Any

from .catalog import Version
from .journal import Journal
from .state import Faults
from .wire import Answer, Client, Request, WireError, as_json

GOODS = ("lamp", "kettle", "rucksack", "notebook", "tent", "teapot", "blanket", "compass", "mug", "lantern")
PATIENCE = 4.0
"""Seconds that web waits for stock, trying again meanwhile: all that it asks of stock may be asked twice."""


class Refusal(Exception):
    """A request that is answered with an error: its code, and what went wrong in a few words that never vary."""

    def __init__(self, code: int, error: str, **fields: str | float) -> None:
        super().__init__(error)
        self.code, self.error, self.fields = code, error, fields


@dataclass(slots=True)
class Service:
    """What a service has to work with."""

    version: Version
    journal: Journal
    faults: Faults
    chance: random.Random
    stock: Client | None = None

    async def serve(self, request: Request) -> Answer:
        """Answer a request, and log it."""
        began = time.perf_counter()
        fields: dict[str, str | float] = {"method": request.method, "path": request.target.partition("?")[0]}
        fields |= {"trace": request.headers.get("x-request-id", ""), "customer": request.headers.get("x-customer", "")}
        try:
            words, answer = await (self._web if self.stock else self._stock)(request)
        except Refusal as refusal:
            fields |= {"code": refusal.code, "duration_ms": _ms(began), **refusal.fields}
            self.journal.write("error" if refusal.code >= 500 else "warn", str(refusal), **fields)
            return as_json({"error": refusal.error}, refusal.code)
        self.journal.write("info", words, code=200, duration_ms=_ms(began), **fields)
        return as_json(answer)

    # --- web ---

    async def _web(self, request: Request) -> tuple[str, Any]:
        await asyncio.sleep(self.version.slow * self.chance.uniform(1, 2.2) + self.chance.lognormvariate(-5.2, 0.5))
        if "crash" in self.faults and self.chance.random() < 0.01:
            self.journal.write("error", "out of memory: the process ends", method=request.method)
            os._exit(137)
        if self.chance.random() < self.version.fails:
            token = f"tk_{self.chance.randrange(1 << 24):06x}"
            words = f"payment token mismatch: {token} was signed by key 2026-04, expected 2026-10"
            raise _Failed(words, "payment token mismatch")
        path, _, query = request.target.partition("?")
        match path.split("/")[1:], request.method:
            case [""], "GET":
                return "front page shown", {"goods": GOODS}
            case ["products", number], "GET":
                return await self._product(number, request)
            case ["search"], "GET":
                return await self._search(query.partition("=")[2], request)
            case ["orders", order], "PUT":
                return await self._order(order, request)
        raise Refusal(404, "no such page")

    async def _product(self, number: str, request: Request) -> tuple[str, Any]:
        answer = await self._ask_stock("GET", f"/items/{number}", request)
        if self.chance.random() < 0.05:
            self.journal.write("debug", f"cache miss for product {number}")
        return f"product {number} viewed", answer

    async def _search(self, word: str, request: Request) -> tuple[str, Any]:
        answer = await self._ask_stock("GET", f"/items?name={word}", request)
        return f"search for '{word}' found {len(answer['items'])} products", answer

    async def _order(self, order: str, request: Request) -> tuple[str, Any]:
        customer = request.headers.get("x-customer", "")
        answer = await self._ask_stock("PUT", f"/reservations/{order}", request)
        await asyncio.sleep(self.chance.lognormvariate(-3.6, 0.4))
        if self.chance.random() < 0.03:
            self.journal.write("warn", f"payment provider answered late for order {order}", order=order, customer=customer)
        amount = self.chance.randrange(900, 24_000) / 100
        return f"order {order} placed by {customer}, {amount:.2f} EUR", {"order": order, "amount": amount, **answer}

    async def _ask_stock(self, method: str, target: str, request: Request) -> Any:
        assert self.stock is not None
        passed = {name: request.headers.get(name, "") for name in ("x-request-id", "x-customer")}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                    answer = await self.stock.ask(method, target, headers=passed)
                break
            except (OSError, WireError):  # a timeout is an OSError too
                if time.monotonic() > deadline:
                    raise Refusal(504, "stock did not answer") from None
                await asyncio.sleep(0.05)
        value = json.loads(answer.body)
        if answer.code != 200:
            raise Refusal(answer.code, value["error"])
        return value

    # --- stock ---

    async def _stock(self, request: Request) -> tuple[str, Any]:
        began = time.perf_counter()
        slow = self.chance.uniform(0.9, 1.8) if "db-slow" in self.faults else 0
        await asyncio.sleep(slow + self.chance.lognormvariate(-5.5, 0.4))
        if "errors" in self.faults and self.chance.random() < 1 / 6:
            raise _Failed(f"no connection to the database: pool of 8 is used up after {_ms(began)} ms", "database unavailable")
        if slow:
            self.journal.write("warn", f"slow query: {_ms(began)} ms for {request.method} {request.target}")
        path, _, query = request.target.partition("?")
        match path.split("/")[1:]:
            case ["items"]:
                word = query.partition("=")[2]
                return f"looked for '{word}'", {"items": [item for item in GOODS if word in item]}
            case ["items", number]:
                left = self.chance.randrange(40)
                if left < 2:
                    self.journal.write("warn", f"stock is low for product {number}: {left} left")
                return f"looked up product {number}", {"product": number, "left": left}
            case ["reservations", order]:
                return f"reserved for order {order}", {"reserved": True}
        raise Refusal(404, "no such item")


class _Failed(Refusal):
    """A refusal whose log line says more than its answer."""

    def __init__(self, words: str, error: str) -> None:
        super().__init__(500, error)
        self.args = (words,)


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
