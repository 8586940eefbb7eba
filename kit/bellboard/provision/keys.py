"""Keys: bus users (nkeys), gateways' signing keys (Ed25519), bots' box keys (X25519). In files, only their owner reads them."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nkeys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

TOKEN_LENGTH = 43
"""Characters of a random word."""


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all."""
    write_bytes(path, text.encode(), mode)


def write_bytes(path: Path, data: bytes, mode: int = 0o600) -> None:
    """As `write`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of key. A key is a text.

    Attributes:
        make: a new one.
        public: what of it others may know. Raises ValueError: it is none.
    """

    make: Callable[[], str]
    public: Callable[[str], str]

    def __call__(self, path: Path) -> str:
        """What others may know of the key in a file; made if there is none. Raises ValueError: it holds none."""
        if not path.exists():
            write(path, self.make())
        return self.public(path.read_text())


def _nkey_seed() -> str:
    return nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode() + "\n"  # type: ignore[no-untyped-call,no-any-return]


def _nkey(seed: str) -> str:
    try:
        pair = nkeys.from_seed(bytearray(seed.strip().encode()))  # type: ignore[no-untyped-call]
        return str(pair.public_key.decode())
    except (nkeys.NkeysError, binascii.Error, IndexError) as error:
        raise ValueError("not an nkey seed") from error


def _whole(word: str) -> str:
    if len(word := word.strip()) < TOKEN_LENGTH:
        raise ValueError("cut off")
    return word


bus_user = Kind(_nkey_seed, _nkey)
"""The seed of a bus user, and its public nkey."""

signer = Kind(
    lambda: _text(Ed25519PrivateKey.generate().private_bytes_raw()),
    lambda key: _text(Ed25519PrivateKey.from_private_bytes(_raw(key)).public_key().public_bytes_raw()),
)
"""An Ed25519 key and its public one, in base64."""

box = Kind(
    lambda: _text(X25519PrivateKey.generate().private_bytes_raw()),
    lambda key: _text(X25519PrivateKey.from_private_bytes(_raw(key)).public_key().public_bytes_raw()),
)
"""An X25519 key and its public one, in base64."""

token = Kind(lambda: secrets.token_urlsafe(32), _whole)
"""A random word, safe in a URL. Nobody else may know anything of it: `public` is the word itself."""


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(key: str) -> bytes:
    return base64.b64decode(key.strip(), validate=True)
