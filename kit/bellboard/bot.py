"""A bot as its author declares it: a contract, and a function for each of its methods."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from google.protobuf.descriptor import ServiceDescriptor

from bellboard.contract import Contract
from bellboard.errors import ContractError
from bellboard.handlers import Handler, declare

F = TypeVar("F", bound=Callable[..., Any])


class Bot:
    """A contract and its handlers.

    Attributes:
        contract: what the bot can do, as the gateway will see it.

    Raises:
        ContractError: the contract breaks a rule; every one is named.
    """

    def __init__(self, service: ServiceDescriptor, *, version: str) -> None:
        self.contract = Contract.of(service, version)
        self._methods = {_snake(method.name): method for method in service.methods}
        self._handlers: dict[str, Handler] = {}

    @property
    def name(self) -> str:
        return self.contract.bot

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers, by the name of their method, such as ``Make``."""
        return MappingProxyType(self._handlers)

    def command(self, function: F) -> F:
        """Declare an async function as the handler of the method of its name (``make``, or ``make_``, of ``Make``).

        The first parameter is the `Call`; those up to ``*`` are the request's fields, in any order; those after ``*`` are
        provided by type. It returns blocks, a Reply or the response message; of a streaming method it yields them, each
        shown in place of the one before, and the last is the answer.

        Raises:
            ContractError: function and contract do not agree; every point is named.
        """
        name = getattr(function, "__name__", "")
        method = self._methods.get(name.rstrip("_"))
        if method is None:
            known = ", ".join(self._methods)
            raise ContractError(f"{self.contract.service} has no method for the function {name}", hint=f"it has {known}")
        if method.name in self._handlers:
            raise ContractError(f"{method.full_name} has two handlers")
        self._handlers[method.name] = declare(function, method)
        return function

    def check(self) -> None:
        """Make sure that every method has its handler; done before the bot starts.

        Raises:
            ContractError: some have none; all such are named.
        """
        if missing := [m.name for m in self._methods.values() if m.name not in self._handlers]:
            raise ContractError(f"no handler for {', '.join(missing)} of {self.contract.service}")

    @property
    def needs(self) -> tuple[type[Any], ...]:
        """The types that its handlers want provided."""
        return tuple(dict.fromkeys(kind for handler in self._handlers.values() for _, kind in handler.provided))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
