"""What there is in the sandbox: one app, its services, its versions, and what can be broken."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a replica may be called, whole."""


@dataclass(frozen=True)
class Version:
    """A version of a service, and how it behaves.

    Attributes:
        name, commit, summary: what it is called, what it was built from, and what changed, in one line.
        author: who changed it.
        fails: the share of requests that it fails, from 0 to 1.
        slow: seconds that it takes longer for each request, at the least.
    """

    name: str
    commit: str
    summary: str
    author: str
    fails: float = 0.0
    slow: float = 0.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the definition, in hex."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class App:
    """An app: the service that is deployed, with its versions in order, and the one behind it."""

    name: str
    service: str
    behind: str
    versions: Mapping[str, Version]
    first: str
    replicas: int


_WEB = (
    Version("v1", "4f1d0c6b27a9e35f8d2b914c7e06a3d5b8f29c10", "the shop as it has been since spring", "ines"),
    Version("v2", "9b27e4d1058f6ca3b7d90e21f4a86c5d3e7b1902", "checkout: new keys for payment tokens", "tomas", fails=0.25),
    Version("v2.1", "c8305fa29d6e174b0a5c93f7e1d248b6907f5ae3", "checkout: take tokens of both keys for a while", "tomas"),
    Version("v3", "e61a7b94c02d8f53a7be40196dc3f825019ae7d4", "search: rank by what others bought too", "mei", slow=0.45),
)
SHOP = App("shop", "web", "stock", {version.name: version for version in _WEB}, first="v1", replicas=2)
APPS: Mapping[str, App] = {SHOP.name: SHOP}

STOCK = Version("v1", "71c5d8e03b9a42f6d1870ce5ab3f96420d8e5b17", "stock as it has been since spring", "ines")

FAULTS: Mapping[str, str] = {
    "db-slow": "the database behind stock takes a second and more for each query",
    "errors": "one request in six fails: no connection to the database",
    "crash": "replicas of web die now and then, and come back",
}
"""Faults by name, and what each does."""
