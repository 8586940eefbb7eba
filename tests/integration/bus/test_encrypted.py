"""A bus that is encrypted: by a real nats-server with certificates, and others that pretend to be it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trustme

from bellboard.bus import Bus
from bellboard.errors import BusUnavailable, SettingsError
from bellboard.provision import keys, server
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us, free_port

pytestmark = [
    pytest.mark.integration,
    # nats-py leaves the socket of a server whose certificate it refuses; it is closed when it is collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Encrypted:
    """A nats-server with a certificate for 127.0.0.1, which lets one user in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.ca = folder, free_port(), trustme.CA()
        self.ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self, ca: trustme.CA | None = None) -> None:
        """Start it, with a certificate of its authority or of another one."""
        certificate = (ca or self.ca).issue_cert("127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "own.pem"))
        own = f'cert_file: "{self.folder}/own.pem", key_file: "{self.folder}/own.pem", min_version: "1.3"'
        config = self.folder / "server.conf"
        user = keys.bus_user(self.folder / "gw-1.nk")
        config.write_text(
            f'host: "127.0.0.1"\nport: {self.port}\ntls {{ {own}, handshake_first: true }}\n'
            f'authorization {{ users: [{{nkey: "{user}"}}] }}\n'
        )
        log = self.folder / f"{secrets.token_hex(4)}.log"
        with log.open("wb") as out:
            command = ends_with_us(str(server.binary()), "--config", str(config))
            self._process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out)
        await eventually(lambda: "Server is ready" in log.read_text(), 30)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def bus(self, ca: Path | None, patience: float = 10.0) -> Bus:
        """A connection by somebody who trusts these certificates."""
        return await Bus.connect(self.url, name="gw-1", nkey_seed=self.folder / "gw-1.nk", ca=ca, patience=patience)


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[Encrypted]:
    """It runs."""
    encrypted = Encrypted(tmp_path)
    await encrypted.start()
    yield encrypted
    await encrypted.kill()


async def test_it_is_spoken_to_and_comes_back(encrypted: Encrypted) -> None:
    """After it was killed, too, with a new certificate of the same authority."""
    bus = await encrypted.bus(encrypted.folder / "ca.crt")
    for _ in range(2):
        heard = bus.listen("here")
        await heard.start()
        await bus.send("here", b"word")
        assert (await anext(heard)).payload == b"word"
        back = partial(_again, bus, bus.connections)
        await encrypted.kill()
        await encrypted.start()
        await eventually(back, 30)
    await bus.close()


def _again(bus: Bus, before: int) -> bool:
    return bus.connected and bus.connections > before


async def test_one_that_somebody_else_certified_is_not_spoken_to(encrypted: Encrypted) -> None:
    """It is said why."""
    await encrypted.kill()
    await encrypted.start(trustme.CA())
    with pytest.raises(BusUnavailable, match="certificate verify failed"):
        await encrypted.bus(encrypted.folder / "ca.crt", patience=2.0)


async def test_whoever_wants_no_encryption_is_told_nothing(tmp_path: Path) -> None:
    """Not even by saying so first: neither our name nor a signature goes out in the clear."""
    heard = bytearray()

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","nonce":"abc","auth_required":true,"max_payload":1048576}\r\n')
        while part := await reader.read(4096):
            heard.extend(part)
        writer.close()

    encrypted = Encrypted(tmp_path)
    keys.bus_user(tmp_path / "gw-1.nk")
    async with await asyncio.start_server(pretend, "127.0.0.1", encrypted.port):
        with pytest.raises(BusUnavailable):
            await encrypted.bus(tmp_path / "ca.crt", patience=2.0)
    assert heard
    assert b"CONNECT" not in heard
    assert b"sig" not in heard


async def test_certificates_that_can_not_be_read_are_a_matter_of_settings(encrypted: Encrypted) -> None:
    """The file is named."""
    (encrypted.folder / "broken.crt").write_text("nonsense")
    for name in ("broken.crt", "missing.crt"):
        with pytest.raises(SettingsError, match=name):
            await encrypted.bus(encrypted.folder / name)
