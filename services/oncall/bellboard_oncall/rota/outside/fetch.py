"""Fetching what stands at an address: within a time and a size, and what people typed only from public addresses."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bellboard import ProviderError, UserError

LARGEST = 1 << 20
"""Bytes of the largest answer that is taken."""

SECONDS = 10.0
REDIRECTS = 3


class _PublicOnly(AbstractResolver):
    """Names mean public addresses only. It is asked for the very address that is then connected to."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if any(not is_public(one["host"]) for one in found):
            raise OSError("not a public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


def is_public(host: str) -> bool:
    """Whether an address is one of the internet: not of this machine, this network, or a cloud's own."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped else found
    return inner.is_global and not inner.is_multicast


async def fetch(
    url: str, *, public: bool, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
) -> bytes:
    """What stands at an http address.

    Args:
        public: somebody typed it, so only public addresses may be reached; what the operator's file names may be anywhere.

    Raises:
        UserError: it is no http address, or not a public one.
        ProviderError: nobody answers there in time, or not with what was asked for.
    """
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    connector = aiohttp.TCPConnector(resolver=_PublicOnly()) if public else aiohttp.TCPConnector()
    where = urlsplit(url).hostname or "there"
    try:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session:
            for _ in range(REDIRECTS + 1):
                check(url, public=public)
                async with session.get(url, headers=headers, params=params, allow_redirects=False) as answer:
                    if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                        url, headers, params = urljoin(url, answer.headers["Location"]), None, None  # no secrets elsewhere
                        continue
                    if answer.status != 200:
                        raise ProviderError(f"{where} answers {answer.status}")
                    return await _read(answer, where)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise ProviderError(f"{where} does not answer", hint="is the address right, and public?") from error
    raise ProviderError(f"{where} sends us from one address to the next")


def check(url: str, *, public: bool) -> None:
    """Make sure that an address may be fetched.

    Raises:
        UserError: it may not.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or (public and (parts.username or parts.password)):
        raise UserError("that is no http address", hint="such as https://example.com/rota.ics")
    literal = host.replace(":", "").replace(".", "").isalnum() and (":" in host or host.replace(".", "").isdigit())
    if public and (literal or host.startswith("0x")) and not is_public(host):
        raise UserError("that is no public address", hint="an address of your own network goes into the file of rotas")


async def _read(answer: aiohttp.ClientResponse, where: str) -> bytes:
    data = bytearray()
    async for chunk in answer.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > LARGEST:
            raise ProviderError(f"what {where} sends is larger than 1 MiB")
    return bytes(data)
