"""Signed commands: a bot runs only what a gateway of its team has signed, and only under the id it was signed for.

The exact bytes are signed, so no two libraries need agree on how a message is written.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey  # libsodium's takes half of OpenSSL's time, and every command pays it

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import EnvelopeError, SettingsError, UnknownKey
from bellboard.telemetry import logs, names

DOMAIN = b"bellboard/command/v1\0"
"""Stands before the signed bytes, so that a signature made for anything else is worth nothing here."""

MAX_BYTES = 128 * 1024
"""The largest envelope, checked before it is parsed."""

LOOK_EVERY = 1.0
"""Seconds for which a trust file is taken not to have changed, so how long a key that was taken out is trusted at most."""


class Signer:
    """Signs envelopes with one gateway replica's Ed25519 key (32 raw bytes)."""

    def __init__(self, key_id: str, private: bytes) -> None:
        self.key_id = key_id
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(private)
        except ValueError:
            raise SettingsError(f"the signing key {key_id} is not an Ed25519 key of 32 bytes") from None

    @classmethod
    def from_file(cls, key_id: str, path: Path) -> Signer:
        """Read the key, in base64.

        Raises:
            SettingsError: there is no such file, or it holds no key.
        """
        try:
            return cls(key_id, base64.b64decode(path.read_bytes().strip(), validate=True))
        except (OSError, binascii.Error):
            raise SettingsError(f"no signing key can be read from {path}", hint="start with `bell up`") from None

    @property
    def public(self) -> bytes:
        """The 32 raw bytes that verifiers trust."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, envelope: pb.Envelope) -> pb.SignedEnvelope:
        """Sign an envelope as the bytes it is sent as.

        Raises:
            EnvelopeError: it is larger than any verifier takes.
        """
        data = envelope.SerializeToString()
        if len(data) > MAX_BYTES:
            raise EnvelopeError(f"a command of {len(data)} bytes is larger than the {MAX_BYTES} that are taken")
        return pb.SignedEnvelope(envelope=data, key_id=self.key_id, signature=self._key.sign(DOMAIN + data))


class Verifier:
    """Opens signed envelopes whose key is trusted: a mapping of key id to raw public key, or a trust file."""

    def __init__(self, trust: Mapping[str, bytes]) -> None:
        self._keys = {key_id: VerifyKey(raw) for key_id, raw in trust.items()}
        self._path: Path | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._clock: Callable[[], float] = time.monotonic
        self._looked = 0.0

    @classmethod
    def from_file(cls, path: Path, clock: Callable[[], float] = time.monotonic) -> Verifier:
        """Trust what a file lists, and follow it as it changes: ``{"keys": {key_id: base64 public key}}``.

        A new key is trusted at once, one that was taken out for another `LOOK_EVERY` seconds of ``clock``.

        Raises:
            SettingsError: it can't be read.
        """
        stamp = _stamp(path)
        verifier = cls({})
        verifier._path, verifier._stamp, verifier._keys = path, stamp, _read(path)
        verifier._clock, verifier._looked = clock, clock()
        return verifier

    def open(self, signed: pb.SignedEnvelope, *, team: str, bot: str, id: str) -> pb.Envelope:
        """The envelope, if a trusted key signed it for this team, bot and command id.

        Raises:
            UnknownKey: no key of that name is trusted now.
            EnvelopeError: anything else.
        """
        if not signed.signature:
            raise EnvelopeError("the command is not signed")
        if len(signed.envelope) > MAX_BYTES:
            raise EnvelopeError("the command is too large")
        if self._clock() - self._looked >= LOOK_EVERY:
            self._follow()
        try:
            envelope = self._verified(signed)
        except EnvelopeError:
            if not self._follow():
                raise
            envelope = self._verified(signed)  # by keys that came since the last look
        if (envelope.team, envelope.bot, envelope.id) != (team, bot, id):
            raise EnvelopeError("the command was signed for another team, bot or id")
        return envelope

    def _verified(self, signed: pb.SignedEnvelope) -> pb.Envelope:
        key = self._keys.get(signed.key_id)
        if key is None:
            raise UnknownKey("the command is signed with a key that is not trusted")
        try:
            key.verify(DOMAIN + signed.envelope, signed.signature)
            return pb.Envelope.FromString(signed.envelope)
        except (BadSignatureError, ValueError):  # wrong, or not even of the right length
            raise EnvelopeError("the command's signature is wrong") from None
        except DecodeError:
            raise EnvelopeError("the command can't be read") from None

    def _follow(self) -> bool:
        """Read the trust file again if it changed, and say whether it did; keep the keys while it can't be read."""
        self._looked = self._clock()
        if self._path is None or (stamp := _stamp(self._path)) == self._stamp:
            return False
        self._stamp = stamp  # first: a file that stays unreadable is told of once
        try:
            self._keys = _read(self._path)
        except SettingsError as error:
            logs.emit(names.TRUST_UNREADABLE, error=error.text)
        return True


def _stamp(path: Path) -> tuple[int, int, int]:
    """Changes whenever the file does; zeros while there is none."""
    try:
        seen = path.stat()
    except OSError:
        return 0, 0, 0
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _read(path: Path) -> dict[str, VerifyKey]:
    try:
        keys = json.loads(path.read_bytes())["keys"]
        return {str(key_id): VerifyKey(base64.b64decode(raw, validate=True)) for key_id, raw in keys.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise SettingsError(f"the trust file {path} can't be read") from None
