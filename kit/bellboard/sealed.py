"""Secret arguments travel sealed to the bot that needs them: nobody else who reads the ledger can open them.

X25519 with a key for each seal, HKDF-SHA256, ChaCha20-Poly1305. A seal is the ephemeral public key (32 bytes) followed by the
ciphertext and its tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError

from bellboard.errors import EnvelopeError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from bellboard.command import Command

INFO = b"bellboard/sealed/v1"
_NONCE = bytes(12)  # each key encrypts once


def split_secrets(command: Command, request: Message) -> tuple[bytes, bytes]:
    """A request as two messages: what anyone may read, and its secret fields (empty without any)."""
    if not any(getattr(request, argument.name) for argument in command.secrets):
        return request.SerializeToString(deterministic=True), b""
    public, secret = command.request_type(), command.request_type()
    public.CopyFrom(request)
    for argument in command.secrets:
        setattr(secret, argument.name, getattr(request, argument.name))
        public.ClearField(argument.name)
    return public.SerializeToString(deterministic=True), secret.SerializeToString(deterministic=True)


def join_secrets(command: Command, public: bytes, secret: bytes) -> Message:
    """The whole request again.

    Raises:
        EnvelopeError: the bytes are no such request.
    """
    request = command.request_type()
    try:
        request.MergeFromString(public)
        request.MergeFromString(secret)
    except DecodeError:
        raise EnvelopeError(f"the request of {command.action} can't be read") from None
    return request


def seal(box_public: bytes, data: bytes, associated: bytes) -> bytes:
    """Seal ``data`` to an X25519 key (32 raw bytes). ``associated`` must be the same on opening: the command's id."""
    ephemeral = X25519PrivateKey.generate()
    ours = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(box_public))
    return ours + ChaCha20Poly1305(_key(shared, ours, box_public)).encrypt(_NONCE, data, associated)


def unseal(box_private: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Open what was sealed to the public half of ``box_private`` (32 raw bytes).

    Raises:
        EnvelopeError: it was sealed to another key, or for another command, or was changed.
    """
    private = X25519PrivateKey.from_private_bytes(box_private)
    theirs, ciphertext = sealed[:32], sealed[32:]
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
        key = _key(shared, theirs, private.public_key().public_bytes_raw())
        return ChaCha20Poly1305(key).decrypt(_NONCE, ciphertext, associated)
    except (InvalidTag, ValueError):
        raise EnvelopeError("the command's secrets can't be opened") from None


def _key(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=ephemeral + recipient, info=INFO).derive(shared)
