"""The gateway, as `bell` calls it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from bellboard import rpc
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.errors import BellboardError, UserError

from .runfile import Address

T = TypeVar("T")

QUICK = 10.0
"""Seconds that a question about the mesh may take."""

_REFUSALS = {
    rpc.Status.INVALID_ARGUMENT,
    rpc.Status.NOT_FOUND,
    rpc.Status.PERMISSION_DENIED,
    rpc.Status.FAILED_PRECONDITION,
    rpc.Status.UNIMPLEMENTED,
}


class Away(BellboardError):
    """The gateway can't be reached, or was lost. The same may be asked again."""

    code = "away"


class Denied(UserError):
    """The gateway refuses to do that."""

    code = "denied"


class Client:
    """The gateway as whoever has a token calls it. Raises Away, and Denied where the gateway refuses."""

    def __init__(self, channel: rpc.Channel) -> None:
        self._stub = stubs.GatewayServiceStub(channel)

    @classmethod
    @asynccontextmanager
    async def at(cls, address: Address) -> AsyncIterator[Client]:
        """The gateway of an address."""
        async with rpc.channel(address.target, address.token, tls=address.tls) as channel:
            yield cls(channel)

    async def run_line(self, request: gateway.RunLineRequest) -> AsyncGenerator[gateway.RunLineResponse, None]:
        """Run a line, and hear of it until it is final."""
        try:
            async for answer in self._stub.RunLine(request):
                yield answer
        except rpc.RpcError as error:
            raise _plainly(error) from None

    async def status(self) -> gateway.GetStatusResponse:
        """Which bots are there, and what they do."""
        return await self._ask(self._stub.GetStatus(gateway.GetStatusRequest(), timeout=QUICK))

    async def commands(self, room: str) -> gateway.ListCommandsResponse:
        """What the local owner may run."""
        request = gateway.ListCommandsRequest(room=room)
        return await self._ask(self._stub.ListCommands(request, timeout=QUICK))

    async def trace(self, id: str) -> gateway.GetTraceResponse:
        """The spans of a command."""
        request = gateway.GetTraceRequest(id=id)
        return await self._ask(self._stub.GetTrace(request, timeout=QUICK))

    async def _ask(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except rpc.RpcError as error:
            raise _plainly(error) from None


def _plainly(error: rpc.RpcError) -> BellboardError:
    if error.code() in _REFUSALS:
        return Denied(error.details() or error.code().name.lower())
    if error.code() is rpc.Status.UNAUTHENTICATED:
        return Away("the gateway does not know the token")
    if error.code() in (rpc.Status.UNAVAILABLE, rpc.Status.DEADLINE_EXCEEDED, rpc.Status.CANCELLED):
        return Away("the gateway does not answer", hint="bell doctor may tell why")
    return Away(f"the gateway made a mistake ({error.code().name})", hint="see logs/gateway.log")
