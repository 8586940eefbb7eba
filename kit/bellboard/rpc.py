"""gRPC: the only module that imports it. A server that tells the truth of its health, and channels that say who calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bellboard.errors import BellboardError, BusError, SettingsError, UserError

MAX_MESSAGE = 2 * 1024 * 1024
"""Bytes of a message either way: enough that a line that is far too long is still answered."""

CHECK_EVERY = 0.5
"""Seconds between two looks at the health that is told."""

AUTHORIZATION = "authorization"

Status = grpc.StatusCode
RpcError = grpc.aio.AioRpcError
Channel = grpc.aio.Channel
Context = grpc.aio.ServicerContext[Any, Any]
"""What a servicer is told of a call."""

M = TypeVar("M")

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.so_reuseport", 0),
)
_KEEPALIVE = (("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000))


class Server:
    """A gRPC server with ``grpc.health.v1`` and reflection.

    Args:
        service: what it serves.
        add: the generated ``add_..._to_server``, with the servicer bound.
        ill: says what is wrong in a few words, or None; the health service answers SERVING only while it says None.
    """

    def __init__(
        self, service: ServiceDescriptor, add: Callable[[grpc.aio.Server], None], ill: Callable[[], str | None]
    ) -> None:
        self._name, self._ill = service.full_name, ill
        self._server = grpc.aio.server(options=_OPTIONS)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # set at run time
        self._telling: asyncio.Task[None] | None = None
        add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)  # type: ignore[no-untyped-call]
        reflection.enable_server_reflection((self._name, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    async def start(self, host: str, port: int) -> int:
        """Listen on a host and port (0: any), and return the port.

        Raises:
            SettingsError: the port is taken.
        """
        try:
            taken: int = self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError:
            raise SettingsError(f"the port {port} of {host} can't be used", hint="choose another, or 0 for any") from None
        await self._tell()
        await self._server.start()
        self._telling = asyncio.create_task(self._keep_telling())
        return taken

    async def stop(self, grace: float = 2.0) -> None:
        """Take no more calls, and let those that are under way finish for ``grace`` seconds."""
        if self._telling is not None:
            self._telling.cancel()
            await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await self._tell()

    async def _tell(self) -> None:
        status = health_pb2.HealthCheckResponse
        said = status.NOT_SERVING if self._ill() else status.SERVING
        for name in ("", self._name):
            await self._health.set(name, said)


def bearer(context: Context) -> str:
    """The token that a caller shows; empty without one."""
    for key, value in context.invocation_metadata() or ():
        if key == AUTHORIZATION and isinstance(value, str) and value.startswith("Bearer "):
            return value.removeprefix("Bearer ").strip()
    return ""


def header(context: Context, name: str) -> str:
    """A text that came with a call, by its lower-case name; empty without one."""
    return next((str(value) for key, value in context.invocation_metadata() or () if key == name), "")


def from_here(context: Context) -> bool:
    """Whether the caller is on this machine."""
    return str(context.peer()).startswith(("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "unix:"))


async def refuse(context: Context, status: grpc.StatusCode, text: str) -> NoReturn:
    """End a call with a status and a text for the caller."""
    await context.abort(status, text)
    raise AssertionError("an abort ends the call")


def status_of(error: BellboardError) -> grpc.StatusCode:
    """The one mapping of the error tree to gRPC."""
    if isinstance(error, UserError):
        return Status.INVALID_ARGUMENT
    return Status.UNAVAILABLE if isinstance(error, BusError) else Status.INTERNAL


class _Calls(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Shows a token with every call that has one answer."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with_token(client_call_details, self._token), request)


class _Streams(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Shows a token with every call that has many answers. (grpc takes an interceptor for one kind of call alone.)"""

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with_token(client_call_details, self._token), request)


def _with_token(details: Any, token: str) -> Any:
    metadata = grpc.aio.Metadata(*(details.metadata or ()), (AUTHORIZATION, f"Bearer {token}"))
    return details._replace(metadata=metadata)


@asynccontextmanager
async def channel(target: str, token: str = "", *, tls: bool = False) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to ``host:port``, which shows the token with every call. With TLS, the host proves who it is."""
    interceptors: Sequence[Any] = (_Calls(token), _Streams(token)) if token else ()
    options = (*_OPTIONS, *_KEEPALIVE)
    if tls:
        made = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options, interceptors=interceptors)
    else:
        made = grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    async with made as opened:
        yield opened


async def healthy(target: str, service: str = "", timeout: float = 2.0) -> bool:
    """Whether a server says that it serves; False too where there is none."""
    async with grpc.aio.insecure_channel(target) as opened:
        ask: Callable[..., Awaitable[Any]] = health_pb2_grpc.HealthStub(opened).Check  # type: ignore[no-untyped-call]
        try:
            answer = await ask(health_pb2.HealthCheckRequest(service=service), timeout=timeout)
        except RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
